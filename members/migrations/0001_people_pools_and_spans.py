

import aidplatform.lib.guards
import django.db.models.deletion
import django.db.models.functions.text
import members.people.models
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=40)),
                ('key', models.CharField(max_length=80)),
                ('params', models.JSONField(default=dict)),
                ('link', models.CharField(max_length=200)),
                ('at', models.DateTimeField()),
                ('read_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='PlanVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('terms', models.JSONField()),
                ('terms_sha256', models.CharField(max_length=64)),
                ('covenant_en', models.TextField(db_default='', default='')),
                ('covenant_zh', models.TextField(db_default='', default='')),
                ('covenant_sha256', models.CharField(db_default='', default='', max_length=64)),
                ('declaration', models.JSONField(db_default=[], default=list)),
                ('declaration_sha256', models.CharField(db_default='', default='', max_length=64)),
                ('effective_date', models.DateField()),
                ('published_at', models.DateTimeField()),
                ('published_by', models.CharField(max_length=40)),
            ],
        ),
        migrations.CreateModel(
            name='Pool',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40, unique=True)),
                ('name_en', models.CharField(max_length=80)),
                ('name_zh', models.CharField(max_length=80)),
                ('currency', models.CharField(default='CNY', max_length=3)),
                ('time_zone', models.CharField(default='Asia/Shanghai', max_length=40)),
                ('state', models.CharField(choices=[('draft', 'draft'), ('gathering', 'gathering'), ('open', 'open'), ('intake_stopped', 'intake stopped'), ('winding_down', 'winding down'), ('closed', 'closed')], default='draft', max_length=20)),
                ('charges_by_period', models.BooleanField(default=False)),
                ('opened_date', models.DateField(null=True)),
                ('headcount_recorded_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('code', models.CharField(default=members.people.models.new_code, max_length=12, unique=True)),
                ('email', models.EmailField(max_length=254, unique=True)),
                ('name', models.CharField(blank=True, max_length=80)),
                ('name_zh', models.CharField(blank=True, max_length=80)),
                ('is_active', models.BooleanField(default=True)),
                ('is_demo', models.BooleanField(default=False)),
                ('language', models.CharField(db_default='en', default='en', max_length=10)),
                ('date_joined', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='one_account_per_email')],
            },
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token_sha256', models.CharField(max_length=64)),
                ('is_strong', models.BooleanField()),
                ('created_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='api_tokens', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='DutyGrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('duty', models.CharField(choices=[('pool_admin', 'pool admin'), ('reviewer', 'reviewer'), ('second_reviewer', 'second reviewer'), ('treasurer', 'treasurer'), ('controller', 'controller'), ('auditor', 'auditor')], max_length=20)),
                ('is_founding', models.BooleanField(default=False)),
                ('granted_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('confirmed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='duty_grants', to=settings.AUTH_USER_MODEL)),
                ('proposed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Identity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('resident_id', 'Resident Id'), ('passport', 'Passport')], max_length=12)),
                ('document_index', models.BinaryField()),
                ('sealed', models.BinaryField()),
                ('recorded_at', models.DateTimeField()),
                ('person', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='identity', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='JoinApplication',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('signed', 'Signed')], default='draft', max_length=10)),
                ('identity_sealed', models.BinaryField(null=True)),
                ('answers_sealed', models.BinaryField(null=True)),
                ('understood', models.BooleanField(default=False)),
                ('has_read_covenant', models.BooleanField(default=False)),
                ('consent_health', models.BooleanField(default=False)),
                ('consent_publication', models.BooleanField(default=False)),
                ('started_at', models.DateTimeField()),
                ('changed_at', models.DateTimeField()),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='applications', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Mail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=120)),
                ('to_address', models.CharField(max_length=254)),
                ('subject', models.CharField(max_length=200)),
                ('body', models.TextField()),
                ('written_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='mails', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveBigIntegerField()),
                ('joined_date', models.DateField()),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='CovenantSignature',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('covenant_sha256', models.CharField(max_length=64)),
                ('declaration_sha256', models.CharField(max_length=64)),
                ('answers_sealed', models.BinaryField()),
                ('consent_health', models.BooleanField()),
                ('consent_publication', models.BooleanField()),
                ('language', models.CharField(max_length=10)),
                ('eligible_date', models.DateField()),
                ('signed_at', models.DateTimeField()),
                ('signature_sha256', models.CharField(db_default='', default='', max_length=64)),
                ('membership', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='signature', to='members.membership')),
            ],
        ),
        migrations.CreateModel(
            name='MembershipSpan',
            fields=[
                ('pk', models.CompositePrimaryKey('pool_id', 'membership_id', 'from_at', blank=True, editable=False, primary_key=True, serialize=False)),
                ('pool_id', models.BigIntegerField()),
                ('membership_id', models.BigIntegerField()),
                ('class_no', models.SmallIntegerField(default=0)),
                ('from_at', models.DateTimeField()),
                ('to_at', models.DateTimeField(null=True)),
                ('recorded_at', models.DateTimeField()),
                ('ended_recorded_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'members_span',
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('ended_recorded_at', None), ('to_at', None)), models.Q(('ended_recorded_at__gte', models.F('recorded_at')), ('to_at__gte', models.F('from_at'))), _connector='OR'), name='span_end_is_recorded'), models.CheckConstraint(condition=models.Q(('class_no__gte', 0), ('class_no__lte', 63)), name='span_class_in_range')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membershipspan',
            trigger=pgtrigger.compiler.Trigger(name='span_recording_is_real', sql=aidplatform.lib.guards.GuardSql(func="\n            IF TG_OP = 'INSERT' THEN\n                NEW.recorded_at := clock_timestamp();\n                NEW.ended_recorded_at := CASE WHEN NEW.to_at IS NOT NULL THEN NEW.recorded_at END;\n            ELSE\n                IF OLD.to_at IS NOT NULL OR NEW.to_at IS NULL\n                   OR (NEW.pool_id, NEW.membership_id, NEW.class_no, NEW.from_at, NEW.recorded_at)\n                      IS DISTINCT FROM\n                      (OLD.pool_id, OLD.membership_id, OLD.class_no, OLD.from_at, OLD.recorded_at) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'span_ends_once', MESSAGE = format('a span can only be ended, once');\n                END IF;\n                NEW.ended_recorded_at := clock_timestamp();\n            END IF;\n            RETURN NEW;\n        ", hash='29937e130d8b7df294d43f67e3bf8b2ddbfd17f6', operation='INSERT OR UPDATE', pgid='pgtrigger_span_recording_is_real_1fbfc', table='members_span', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membershipspan',
            trigger=pgtrigger.compiler.Trigger(name='spans_do_not_overlap', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE wrong boolean;', func="\n            \n    IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n    PERFORM 1 FROM members_pool WHERE id IN (SELECT DISTINCT pool_id FROM new_rows) FOR NO KEY UPDATE;\n    IF EXISTS (\n        SELECT 1 FROM members_pool p JOIN new_rows n ON n.pool_id = p.id\n         WHERE coalesce(n.ended_recorded_at, n.recorded_at) <= p.headcount_recorded_at\n    ) THEN\n        RAISE EXCEPTION USING ERRCODE = '40001', CONSTRAINT = 'span_is_recorded_after_headcount',\n            MESSAGE = 'a headcount was taken while this span was being written: write it again';\n    END IF;\n\n            -- EXECUTE plans anew for the rows that are there: a plan kept from a session's first, small admission was\n            -- seen to read the whole table for each of a hundred thousand new rows. LIMIT and the single column\n            -- keep each new row a probe of the right index.\n            EXECUTE $check$ SELECT EXISTS (\n                SELECT 1 FROM new_rows n\n                  LEFT JOIN LATERAL (SELECT m.pool_id FROM public.members_membership m\n                                      WHERE m.id = n.membership_id LIMIT 1) m ON true\n                 WHERE m.pool_id IS DISTINCT FROM n.pool_id) $check$ INTO wrong;\n            IF wrong THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'span_belongs_to_its_membership', MESSAGE = format('no such membership in this pool');\n            END IF;\n            EXECUTE $check$ SELECT EXISTS (\n                SELECT 1 FROM new_rows n CROSS JOIN LATERAL (\n                    SELECT 1 FROM public.members_span s\n                     WHERE s.pool_id = n.pool_id AND s.membership_id = n.membership_id AND s.from_at <> n.from_at\n                       AND s.from_at < coalesce(n.to_at, 'infinity') AND n.from_at < coalesce(s.to_at, 'infinity')\n                     LIMIT 1) overlapping) $check$ INTO wrong;\n            IF wrong THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'spans_do_not_overlap', MESSAGE = format('this membership is already covered at that time');\n            END IF;\n            RETURN NULL;\n        ", hash='19f4530eac3353f221a9b19e00021d01524f15c1', level='STATEMENT', operation='INSERT', pgid='pgtrigger_spans_do_not_overlap_928b0', referencing='REFERENCING NEW TABLE AS new_rows ', table='members_span', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membershipspan',
            trigger=pgtrigger.compiler.Trigger(name='span_end_after_headcount', sql=aidplatform.lib.guards.GuardSql(func="\n    IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n    PERFORM 1 FROM members_pool WHERE id IN (SELECT DISTINCT pool_id FROM new_rows) FOR SHARE;\n    IF EXISTS (\n        SELECT 1 FROM members_pool p JOIN new_rows n ON n.pool_id = p.id\n         WHERE coalesce(n.ended_recorded_at, n.recorded_at) <= p.headcount_recorded_at\n    ) THEN\n        RAISE EXCEPTION USING ERRCODE = '40001', CONSTRAINT = 'span_is_recorded_after_headcount',\n            MESSAGE = 'a headcount was taken while this span was being written: write it again';\n    END IF;\n RETURN NULL;", hash='ae9c542b27468bc2f920528395de8bd32dfad396', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_span_end_after_headcount_0f81c', referencing='REFERENCING NEW TABLE AS new_rows ', table='members_span', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membershipspan',
            trigger=pgtrigger.compiler.Trigger(name='span_is_kept', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'span_is_kept', MESSAGE = format('spans are ended, never deleted');", hash='a795076c85b5fd3ece101ee40e122fa8f3f1a2c7', level='STATEMENT', operation='DELETE OR TRUNCATE', pgid='pgtrigger_span_is_kept_2f133', table='members_span', when='BEFORE')),
        ),
        migrations.AddField(
            model_name='notice',
            name='person',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='notices', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='joinapplication',
            name='plan_version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.planversion'),
        ),
        migrations.AddField(
            model_name='covenantsignature',
            name='plan_version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.planversion'),
        ),
        migrations.AddField(
            model_name='planversion',
            name='pool',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='plan_versions', to='members.pool'),
        ),
        migrations.AddField(
            model_name='membership',
            name='pool',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='members.pool'),
        ),
        migrations.AddField(
            model_name='joinapplication',
            name='pool',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='applications', to='members.pool'),
        ),
        migrations.AddField(
            model_name='dutygrant',
            name='pool',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='duty_grants', to='members.pool'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='pool',
            trigger=pgtrigger.compiler.Trigger(name='pool_state_follows_order', sql=aidplatform.lib.guards.GuardSql(func="\n            IF TG_OP = 'INSERT' THEN\n                IF NEW.state <> 'draft' THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'pool_state_follows_order', MESSAGE = format('state starts at draft, not at %s', NEW.state);\n                END IF;\n                RETURN NEW;\n            END IF;\n            IF OLD.state = NEW.state OR (OLD.state = 'draft' AND NEW.state IN ('gathering', 'open')) OR (OLD.state = 'gathering' AND NEW.state IN ('open', 'closed')) OR (OLD.state = 'open' AND NEW.state IN ('intake_stopped', 'winding_down')) OR (OLD.state = 'intake_stopped' AND NEW.state IN ('open', 'winding_down')) OR (OLD.state = 'winding_down' AND NEW.state IN ('closed')) THEN\n                RETURN NEW;\n            END IF;\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'pool_state_follows_order', MESSAGE = format('state goes from %s to %s in no plan', OLD.state, NEW.state);\n        ", hash='cb37f0ae4d1871ea28352ece0b8e90ae3b5a42df', operation='INSERT OR UPDATE', pgid='pgtrigger_pool_state_follows_order_a0a15', table='members_pool', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='pool',
            trigger=pgtrigger.compiler.Trigger(name='pool_keeps_its_money_terms', sql=aidplatform.lib.guards.GuardSql(func="\n                    IF (NEW.code, NEW.currency, NEW.charges_by_period)\n                       IS DISTINCT FROM (OLD.code, OLD.currency, OLD.charges_by_period)\n                       OR (OLD.state <> 'draft' AND NEW.time_zone <> OLD.time_zone)\n                       OR (OLD.opened_date IS NOT NULL AND NEW.opened_date IS DISTINCT FROM OLD.opened_date) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'pool_keeps_its_money_terms', MESSAGE = format('code, currency and calendar zone are fixed');\n                    END IF;\n                    -- The hour of a headcount is the server's own and never goes back.\n                    IF NEW.headcount_recorded_at IS DISTINCT FROM OLD.headcount_recorded_at THEN\n                        NEW.headcount_recorded_at := clock_timestamp();\n                    END IF;\n                    RETURN NEW;\n                ", hash='01aa81e9db35d06c1c61f67a507d247f63b54656', operation='UPDATE', pgid='pgtrigger_pool_keeps_its_money_terms_62e47', table='members_pool', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='apitoken',
            constraint=models.UniqueConstraint(fields=('token_sha256',), name='one_token_per_hash'),
        ),
        migrations.AddConstraint(
            model_name='apitoken',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('person',), name='one_live_token_per_person'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='apitoken',
            trigger=pgtrigger.compiler.Trigger(name='token_ends_once', sql=aidplatform.lib.guards.GuardSql(func="\n        IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL\n           OR (NEW.id, NEW.person_id, NEW.token_sha256, NEW.is_strong, NEW.created_at)\n              IS DISTINCT FROM (OLD.id, OLD.person_id, OLD.token_sha256, OLD.is_strong, OLD.created_at) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'token_ends_once', MESSAGE = format('token %s can only be ended, once', OLD.id);\n        END IF;\n        RETURN NEW;\n    ", hash='adc80b16e1582e377d951902a3268d50da64fe4c', operation='UPDATE OR DELETE', pgid='pgtrigger_token_ends_once_bdaf4', table='members_apitoken', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='identity',
            constraint=models.UniqueConstraint(fields=('document_index',), name='one_person_per_document'),
        ),
        migrations.AddConstraint(
            model_name='identity',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['resident_id', 'passport'])), name='identity_kind_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='identity',
            trigger=pgtrigger.compiler.Trigger(name='identity_is_permanent', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'identity_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);", hash='c351916286e4e880d50a664c9446541adae1e2b0', level='STATEMENT', operation='UPDATE OR DELETE', pgid='pgtrigger_identity_is_permanent_cbdb7', table='members_identity', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='identity',
            trigger=pgtrigger.compiler.Trigger(name='identity_is_permanent_whole', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'identity_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);", hash='840c49dce1cda6bd2c00128fb851287a0550ddb8', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_identity_is_permanent_whole_ade98', table='members_identity', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='mail',
            index=models.Index(condition=models.Q(('sent_at', None)), fields=['id'], name='mail_unsent'),
        ),
        migrations.AddConstraint(
            model_name='mail',
            constraint=models.UniqueConstraint(fields=('key',), name='one_mail_per_key'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(models.F('person'), models.OrderBy(models.F('id'), descending=True), name='notice_of_person'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('read_at', None)), fields=['person'], name='notice_unread'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(fields=('person', 'kind', 'key'), name='one_notice_per_person_kind_and_key'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='notice',
            trigger=pgtrigger.compiler.Trigger(name='notice_is_read_once', sql=aidplatform.lib.guards.GuardSql(func="\n        IF TG_OP = 'DELETE' OR OLD.read_at IS NOT NULL OR NEW.read_at IS NULL\n           OR (NEW.id, NEW.person_id, NEW.kind, NEW.key, NEW.params, NEW.link, NEW.at)\n              IS DISTINCT FROM (OLD.id, OLD.person_id, OLD.kind, OLD.key, OLD.params, OLD.link, OLD.at) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'notice_is_read_once', MESSAGE = format('notice %s can only be marked as read, once', OLD.id);\n        END IF;\n        RETURN NEW;\n    ", hash='e24905ba19065baa7b431fa65a447e9a02d17368', operation='UPDATE OR DELETE', pgid='pgtrigger_notice_is_read_once_6c30d', table='members_notice', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='covenantsignature',
            constraint=models.CheckConstraint(condition=models.Q(('consent_health', True), ('consent_publication', True)), name='signature_has_both_consents'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='covenantsignature',
            trigger=pgtrigger.compiler.Trigger(name='signature_is_permanent', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'signature_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);", hash='fe1bde9ae239a6bfb81b6d64bd40431537f4c10b', level='STATEMENT', operation='UPDATE OR DELETE', pgid='pgtrigger_signature_is_permanent_73e38', table='members_covenantsignature', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='covenantsignature',
            trigger=pgtrigger.compiler.Trigger(name='signature_is_permanent_whole', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'signature_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);", hash='cbfddbb0b2b547251e586c86f0e7d1ee87653cc9', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_signature_is_permanent_whole_34802', table='members_covenantsignature', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='covenantsignature',
            trigger=pgtrigger.compiler.Trigger(name='signature_is_of_what_was_shown', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE joined members_membership%ROWTYPE; version members_planversion%ROWTYPE;', func="\n        SELECT * INTO STRICT joined FROM members_membership WHERE id = NEW.membership_id;\n        SELECT * INTO STRICT version FROM members_planversion WHERE id = NEW.plan_version_id;\n        IF version.pool_id <> joined.pool_id OR version.effective_date > joined.joined_date OR EXISTS (\n            SELECT 1 FROM members_planversion v\n             WHERE v.pool_id = joined.pool_id AND v.effective_date > version.effective_date\n               AND v.effective_date <= joined.joined_date\n        ) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'signature_names_plan_in_force', MESSAGE = format('version %s was not in force', version.number);\n        END IF;\n        IF (NEW.covenant_sha256, NEW.declaration_sha256)\n           IS DISTINCT FROM (version.covenant_sha256, version.declaration_sha256) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'signature_is_of_what_was_shown', MESSAGE = format('version %s has other texts', version.number);\n        END IF;\n        IF NEW.eligible_date <> joined.joined_date + 1 + (version.terms->>'waiting_days')::int THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'waiting_follows_plan', MESSAGE = format('waiting does not end on %s', NEW.eligible_date);\n        END IF;\n        IF NOT EXISTS (SELECT 1 FROM members_identity WHERE person_id = joined.person_id) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'signature_needs_an_identity', MESSAGE = format('membership %s has nobody identified', joined.number);\n        END IF;\n        NEW.signature_sha256 := encode(sha256(convert_to(concat_ws('|', NEW.membership_id, version.number,\n            NEW.covenant_sha256, NEW.declaration_sha256, encode(sha256(NEW.answers_sealed), 'hex'),\n            NEW.consent_health, NEW.consent_publication, NEW.language, NEW.eligible_date,\n            extract(epoch FROM NEW.signed_at)), 'UTF8')), 'hex');\n        RETURN NEW;\n    ", hash='9fd67e018f184d503049651421d495c351c979a1', operation='INSERT', pgid='pgtrigger_signature_is_of_what_was_shown_2fcbc', table='members_covenantsignature', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='planversion',
            constraint=models.UniqueConstraint(fields=('pool', 'number'), name='one_plan_version_per_number'),
        ),
        migrations.AddConstraint(
            model_name='planversion',
            constraint=models.UniqueConstraint(fields=('pool', 'effective_date'), name='one_plan_version_per_date'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='planversion',
            trigger=pgtrigger.compiler.Trigger(name='plan_version_is_permanent', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'plan_version_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);", hash='5105b3470671b9e74bf745f07f6bdeb2faa36100', level='STATEMENT', operation='UPDATE OR DELETE', pgid='pgtrigger_plan_version_is_permanent_5ab9a', table='members_planversion', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='planversion',
            trigger=pgtrigger.compiler.Trigger(name='plan_version_is_permanent_whole', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'plan_version_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);", hash='7f4c360c15b1c10ea2ac0f15c22b708e1c4c80f2', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_plan_version_is_permanent_whole_6dc3b', table='members_planversion', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='planversion',
            trigger=pgtrigger.compiler.Trigger(name='plan_version_hashes_are_real', sql=aidplatform.lib.guards.GuardSql(func="\n        NEW.covenant_sha256 :=\n            encode(sha256(convert_to(NEW.covenant_en || E'\\n' || NEW.covenant_zh, 'UTF8')), 'hex');\n        NEW.declaration_sha256 := encode(sha256(convert_to(NEW.declaration::text, 'UTF8')), 'hex');\n        RETURN NEW;\n    ", hash='180f08917aa1212b8c2f0750d3c0c18fb0005d82', operation='INSERT', pgid='pgtrigger_plan_version_hashes_are_real_a6ccd', table='members_planversion', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(fields=('pool', 'number'), name='one_membership_per_number'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(condition=models.Q(('person__isnull', False)), fields=('pool', 'person'), name='one_membership_per_person_and_pool'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.CheckConstraint(condition=models.Q(('id__gt', 0), ('id__lt', 9007199254740992)), name='membership_id_in_range'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membership',
            trigger=pgtrigger.compiler.Trigger(name='membership_keeps_its_person', sql=aidplatform.lib.guards.GuardSql(func="\n            IF (NEW.id, NEW.pool_id, NEW.number, NEW.joined_date)\n               IS DISTINCT FROM (OLD.id, OLD.pool_id, OLD.number, OLD.joined_date)\n               OR (OLD.person_id IS NOT NULL AND NEW.person_id IS DISTINCT FROM OLD.person_id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'membership_keeps_its_person', MESSAGE = format('membership %s is bound to its person once', OLD.id);\n            END IF;\n            RETURN NEW;\n        ", hash='7bc051569cba38541a9a7e9f680991983fcf3dc9', operation='UPDATE', pgid='pgtrigger_membership_keeps_its_person_3b426', table='members_membership', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membership',
            trigger=pgtrigger.compiler.Trigger(name='memberships_are_kept', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'memberships_are_kept', MESSAGE = format('memberships end, they are never deleted');", hash='fc8d446ad3dc5c30cb137e54bacab9057c816e5b', level='STATEMENT', operation='DELETE OR TRUNCATE', pgid='pgtrigger_memberships_are_kept_2ef7c', table='members_membership', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='joinapplication',
            constraint=models.UniqueConstraint(fields=('pool', 'person'), name='one_application_per_person_and_pool'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='joinapplication',
            trigger=pgtrigger.compiler.Trigger(name='application_state_follows_order', sql=aidplatform.lib.guards.GuardSql(func="\n            IF TG_OP = 'INSERT' THEN\n                IF NEW.state <> 'draft' THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'application_state_follows_order', MESSAGE = format('state starts at draft, not at %s', NEW.state);\n                END IF;\n                RETURN NEW;\n            END IF;\n            IF OLD.state = NEW.state OR (OLD.state = 'draft' AND NEW.state IN ('signed')) THEN\n                RETURN NEW;\n            END IF;\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'application_state_follows_order', MESSAGE = format('state goes from %s to %s in no plan', OLD.state, NEW.state);\n        ", hash='64da41281320544ceace46f0bddcdbae764f1c98', operation='INSERT OR UPDATE', pgid='pgtrigger_application_state_follows_order_8fa23', table='members_joinapplication', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='joinapplication',
            trigger=pgtrigger.compiler.Trigger(name='signed_application_stays', sql=aidplatform.lib.guards.GuardSql(func="\n        IF TG_OP = 'DELETE' OR OLD.state = 'signed'\n           OR (NEW.id, NEW.pool_id, NEW.person_id, NEW.started_at)\n              IS DISTINCT FROM (OLD.id, OLD.pool_id, OLD.person_id, OLD.started_at) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'signed_application_stays', MESSAGE = format('application %s cannot be changed any more', OLD.id);\n        END IF;\n        RETURN NEW;\n    ", hash='4fa94e8e6b522a6d2e9f929973e7b1ee1efed94a', operation='UPDATE OR DELETE', pgid='pgtrigger_signed_application_stays_a3574', table='members_joinapplication', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='dutygrant',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('pool', 'person', 'duty'), name='one_live_grant_per_duty', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='dutygrant',
            constraint=models.CheckConstraint(condition=models.Q(('ended_at', None), ('ended_at__gte', models.F('granted_at')), _connector='OR'), name='grant_ends_after_it_began'),
        ),
        migrations.AddConstraint(
            model_name='dutygrant',
            constraint=models.CheckConstraint(condition=models.Q(('pool__isnull', False), ('duty', 'pool_admin'), _connector='OR'), name='only_admins_are_of_all_pools'),
        ),
        migrations.AddConstraint(
            model_name='dutygrant',
            constraint=models.CheckConstraint(condition=models.Q(('duty__in', ['auditor', 'controller', 'pool_admin', 'reviewer', 'second_reviewer', 'treasurer'])), name='duty_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='dutygrant',
            trigger=pgtrigger.compiler.Trigger(name='duty_needs_two_people', sql=aidplatform.lib.guards.GuardSql(func="\n        IF TG_OP = 'UPDATE' THEN\n            IF (NEW.pool_id, NEW.person_id, NEW.duty, NEW.is_founding, NEW.proposed_by_id, NEW.confirmed_by_id,\n                NEW.granted_at) IS DISTINCT FROM\n               (OLD.pool_id, OLD.person_id, OLD.duty, OLD.is_founding, OLD.proposed_by_id, OLD.confirmed_by_id,\n                OLD.granted_at) OR OLD.ended_at IS NOT NULL THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'duty_needs_two_people', MESSAGE = format('a grant can only be ended, once');\n            END IF;\n            RETURN NEW;\n        END IF;\n        IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n        IF NEW.is_founding THEN\n            IF NEW.pool_id IS NULL THEN\n                LOCK TABLE members_dutygrant IN SHARE ROW EXCLUSIVE MODE;\n                IF NEW.duty <> 'pool_admin'\n                   OR (SELECT count(*) FROM members_dutygrant WHERE pool_id IS NULL) >= 2 THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'duty_needs_two_people', MESSAGE = format('only the first two administrators are founding');\n                END IF;\n            ELSIF (SELECT state FROM members_pool WHERE id = NEW.pool_id FOR SHARE) <> 'draft' THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'duty_needs_two_people', MESSAGE = format('founding grants are made while the pool is a draft');\n            END IF;\n        ELSIF NEW.proposed_by_id IS NULL OR NEW.confirmed_by_id IS NULL\n              OR NEW.proposed_by_id = NEW.confirmed_by_id\n              OR NEW.person_id IN (NEW.proposed_by_id, NEW.confirmed_by_id) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'duty_needs_two_people', MESSAGE = format('two other people must agree');\n        ELSIF NOT EXISTS (SELECT 1 FROM members_dutygrant g WHERE g.person_id = NEW.proposed_by_id AND g.ended_at IS NULL AND g.duty = 'pool_admin'\n               AND (g.pool_id IS NULL OR g.pool_id = NEW.pool_id))\n              OR NOT EXISTS (SELECT 1 FROM members_dutygrant g WHERE g.person_id = NEW.confirmed_by_id AND g.ended_at IS NULL \n               AND (g.pool_id IS NULL OR g.pool_id = NEW.pool_id)) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'duty_needs_two_people', MESSAGE = format('an admin proposes and another holder of a duty there confirms');\n        END IF;\n        RETURN NEW;\n    ", hash='bbce1940f911d5931e01155e6f0d5e3cdfd1ac9c', operation='INSERT OR UPDATE', pgid='pgtrigger_duty_needs_two_people_76a72', table='members_dutygrant', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='dutygrant',
            trigger=pgtrigger.compiler.Trigger(name='duties_do_not_meet', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE held text;', func="\n        PERFORM 1 FROM members_user WHERE id = NEW.person_id FOR UPDATE;\n        SELECT duty INTO held FROM members_dutygrant\n         WHERE person_id = NEW.person_id AND ended_at IS NULL\n           AND (pool_id = NEW.pool_id OR pool_id IS NULL OR NEW.pool_id IS NULL)\n           AND (duty, NEW.duty) IN (VALUES ('pool_admin','treasurer'), ('treasurer','pool_admin'), ('pool_admin','controller'), ('controller','pool_admin'), ('treasurer','controller'), ('controller','treasurer'), ('reviewer','second_reviewer'), ('second_reviewer','reviewer'), ('reviewer','treasurer'), ('treasurer','reviewer'), ('reviewer','controller'), ('controller','reviewer'), ('second_reviewer','treasurer'), ('treasurer','second_reviewer'), ('second_reviewer','controller'), ('controller','second_reviewer'), ('auditor','pool_admin'), ('pool_admin','auditor'), ('auditor','treasurer'), ('treasurer','auditor'), ('auditor','controller'), ('controller','auditor'), ('auditor','reviewer'), ('reviewer','auditor'), ('auditor','second_reviewer'), ('second_reviewer','auditor')) LIMIT 1;\n        IF FOUND THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'duties_do_not_meet', MESSAGE = format('%s and %s may not be in one hand', held, NEW.duty);\n        END IF;\n        RETURN NEW;\n    ", hash='84d9c8eac3962f1ad14da5aebe0cb2b99e28ab07', operation='INSERT', pgid='pgtrigger_duties_do_not_meet_a9625', table='members_dutygrant', when='BEFORE')),
        ),
    ]

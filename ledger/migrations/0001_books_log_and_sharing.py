

import aidplatform.lib.guards
import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('members', '0001_people_pools_and_spans'),
    ]

    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name='Charge',
            fields=[
                ('pk', models.CompositePrimaryKey('membership_id', 'pool_id', 'period_no', blank=True, editable=False, primary_key=True, serialize=False)),
                ('membership_id', models.BigIntegerField()),
                ('share_fen', models.BigIntegerField()),
                ('pool_id', models.IntegerField()),
                ('period_no', models.IntegerField()),
            ],
            options={
                'db_table': 'ledger_charge',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=12)),
                ('kind', models.CharField(choices=[('asset', 'Assets'), ('liability', 'Liabilities'), ('income', 'Income'), ('expense', 'Expense')], max_length=10)),
                ('normal_side', models.CharField(max_length=1)),
                ('never_negative', models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name='Book',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40, unique=True)),
                ('currency', models.CharField(max_length=3)),
                ('last_entry_no', models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Log',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40, unique=True)),
                ('size', models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='AccountBalance',
            fields=[
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='balance', serialize=False, to='ledger.account')),
                ('debit_fen', models.BigIntegerField(default=0)),
                ('credit_fen', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.AddField(
            model_name='account',
            name='book',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='ledger.book'),
        ),
        migrations.CreateModel(
            name='JournalEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveBigIntegerField()),
                ('key', models.CharField(max_length=120)),
                ('kind', models.CharField(max_length=30)),
                ('entry_date', models.DateField()),
                ('at', models.DateTimeField()),
                ('description', models.CharField(max_length=200)),
                ('source', models.CharField(max_length=120)),
                ('maker', models.CharField(max_length=40)),
                ('checker', models.CharField(blank=True, max_length=40)),
                ('book', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='ledger.book')),
                ('reverses', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversed_by', to='ledger.journalentry')),
            ],
        ),
        migrations.CreateModel(
            name='LogEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seq', models.PositiveBigIntegerField()),
                ('type', models.CharField(max_length=20)),
                ('key', models.CharField(max_length=120)),
                ('data', models.BinaryField()),
                ('leaf_hash', models.BinaryField()),
                ('log', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='ledger.log')),
            ],
        ),
        migrations.CreateModel(
            name='Period',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('state', models.CharField(choices=[('opened', 'opened'), ('frozen', 'headcount frozen'), ('announced', 'announced'), ('settled', 'publicity ended'), ('computed', 'computed'), ('approved', 'approved'), ('posting', 'being posted'), ('posted', 'posted')], default='opened', max_length=12)),
                ('opening_date', models.DateField()),
                ('next_opening_date', models.DateField()),
                ('publicity_date', models.DateField()),
                ('publicity_end_date', models.DateField()),
                ('charge_date', models.DateField()),
                ('as_of', models.DateTimeField(null=True)),
                ('headcount_recorded_at', models.DateTimeField(null=True)),
                ('headcount', models.BigIntegerField(null=True)),
                ('cases', models.PositiveIntegerField(null=True)),
                ('aid_fen', models.BigIntegerField(null=True)),
                ('fee_fen', models.BigIntegerField(null=True)),
                ('other_costs_fen', models.BigIntegerField(null=True)),
                ('reserve_contribution_fen', models.BigIntegerField(null=True)),
                ('reserve_drawn_fen', models.BigIntegerField(null=True)),
                ('sponsor_fen', models.BigIntegerField(null=True)),
                ('other_income_fen', models.BigIntegerField(null=True)),
                ('carry_in_fen', models.BigIntegerField(null=True)),
                ('carry_out_fen', models.BigIntegerField(null=True)),
                ('need_fen', models.BigIntegerField(null=True)),
                ('assessed_fen', models.BigIntegerField(null=True)),
                ('classes', models.JSONField(null=True)),
                ('shown_sha256', models.CharField(max_length=64, null=True)),
                ('computations', models.PositiveIntegerField(default=0)),
                ('prepared_by', models.CharField(max_length=40, null=True)),
                ('prepared_at', models.DateTimeField(null=True)),
                ('approved_by', models.CharField(max_length=40, null=True)),
                ('approved_at', models.DateTimeField(null=True)),
                ('approved_sha256', models.CharField(max_length=64, null=True)),
                ('charged_members', models.BigIntegerField(null=True)),
                ('charged_fen', models.BigIntegerField(null=True)),
                ('posted_at', models.DateTimeField(null=True)),
                ('entry', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='period', to='ledger.journalentry')),
                ('plan_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='periods', to='members.planversion')),
                ('pool', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='periods', to='members.pool')),
            ],
        ),
        migrations.CreateModel(
            name='ManifestLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('shard_no', models.PositiveIntegerField()),
                ('first_id', models.BigIntegerField()),
                ('end_id', models.BigIntegerField()),
                ('members', models.BigIntegerField()),
                ('counts', models.JSONField()),
                ('ids_hash', models.BigIntegerField()),
                ('want_fen', models.BigIntegerField(null=True)),
                ('written_at', models.DateTimeField(null=True)),
                ('period', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='manifest', to='ledger.period')),
            ],
        ),
        migrations.CreateModel(
            name='Award',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=40)),
                ('claim_code', models.CharField(max_length=40)),
                ('masked', models.JSONField()),
                ('aid_fen', models.BigIntegerField()),
                ('state', models.CharField(choices=[('announced', 'in publicity'), ('final', 'final'), ('shared', 'shared'), ('withdrawn', 'withdrawn')], default='announced', max_length=12)),
                ('announced_at', models.DateTimeField()),
                ('announced_by', models.CharField(max_length=40)),
                ('pool', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='awards', to='members.pool')),
                ('period', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='awards', to='ledger.period')),
            ],
        ),
        migrations.CreateModel(
            name='Posting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('side', models.CharField(choices=[('D', 'Debit'), ('C', 'Credit')], max_length=1)),
                ('amount_fen', models.BigIntegerField()),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='ledger.account')),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='ledger.journalentry')),
            ],
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.UniqueConstraint(fields=('book', 'code'), name='one_account_per_code'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['asset', 'expense']), ('normal_side', 'D')), models.Q(('kind__in', ['liability', 'income']), ('normal_side', 'C')), _connector='OR'), name='account_normal_side_fits_kind'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='account',
            trigger=pgtrigger.compiler.Trigger(name='account_is_permanent', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'account_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);", hash='6d0fcfae9253e364e69b301146c485de496b13e7', level='STATEMENT', operation='UPDATE OR DELETE', pgid='pgtrigger_account_is_permanent_f026d', table='ledger_account', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='account',
            trigger=pgtrigger.compiler.Trigger(name='account_is_permanent_whole', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'account_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);", hash='b8939946c36d236b1032f6d6308946e286d12140', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_account_is_permanent_whole_235ab', table='ledger_account', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='account',
            trigger=pgtrigger.compiler.Trigger(name='account_has_a_balance', sql=aidplatform.lib.guards.GuardSql(func='\n            INSERT INTO ledger_accountbalance (account_id, debit_fen, credit_fen) VALUES (NEW.id, 0, 0);\n            RETURN NULL;\n        ', hash='f0d7feb9c830febc4d8481b8d44bc4535ab9cf9f', operation='INSERT', pgid='pgtrigger_account_has_a_balance_1369a', table='ledger_account', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='journalentry',
            constraint=models.UniqueConstraint(fields=('book', 'number'), name='one_entry_per_number'),
        ),
        migrations.AddConstraint(
            model_name='journalentry',
            constraint=models.UniqueConstraint(fields=('book', 'key'), name='one_entry_per_event'),
        ),
        migrations.AddConstraint(
            model_name='journalentry',
            constraint=models.CheckConstraint(condition=models.Q(('checker', ''), models.Q(('checker', models.F('maker')), _negated=True), _connector='OR'), name='entry_checker_is_not_maker'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='journalentry',
            trigger=pgtrigger.compiler.Trigger(name='journal_entry_is_permanent', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'journal_entry_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);", hash='01ae147e3b452acd928b9b335a28976519c11994', level='STATEMENT', operation='UPDATE OR DELETE', pgid='pgtrigger_journal_entry_is_permanent_6478e', table='ledger_journalentry', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='journalentry',
            trigger=pgtrigger.compiler.Trigger(name='journal_entry_is_permanent_whole', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'journal_entry_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);", hash='34ea8bf23546ae79305fb9d86f6919fed09d50f7', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_journal_entry_is_permanent_whole_784ca', table='ledger_journalentry', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='journalentry',
            trigger=pgtrigger.compiler.Trigger(name='entry_number_follows_last', sql=aidplatform.lib.guards.GuardSql(func='\n            UPDATE ledger_book SET last_entry_no = last_entry_no + 1 WHERE id = NEW.book_id\n            RETURNING last_entry_no INTO NEW.number;\n            RETURN NEW;\n        ', hash='107dc871071a676129ad7215584246cc22942d1e', operation='INSERT', pgid='pgtrigger_entry_number_follows_last_d35fc', table='ledger_journalentry', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='journalentry',
            trigger=pgtrigger.compiler.Trigger(name='journal_entry_has_postings', sql=aidplatform.lib.guards.GuardSql(constraint='CONSTRAINT', func="\n            IF NOT EXISTS (SELECT 1 FROM ledger_posting WHERE entry_id = NEW.id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'journal_entry_has_postings', MESSAGE = format('entry %s has no postings', NEW.number);\n            END IF;\n            RETURN NULL;\n        ", hash='7573dfdff2e3a38463a4cea5a0e5c5af4a84098c', operation='INSERT', pgid='pgtrigger_journal_entry_has_postings_4c5cd', table='ledger_journalentry', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='journalentry',
            trigger=pgtrigger.compiler.Trigger(name='every_entry_is_logged', sql=aidplatform.lib.guards.GuardSql(constraint='CONSTRAINT', func="\n        IF NOT EXISTS (\n            SELECT 1 FROM ledger_logentry l JOIN ledger_log g ON g.id = l.log_id\n              JOIN ledger_book b ON b.code = g.code\n             WHERE b.id = NEW.book_id AND l.type = 'book.entry' AND l.key = NEW.number::text\n        ) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'every_entry_is_logged', MESSAGE = format('entry %s is not in the log', NEW.number);\n        END IF;\n        RETURN NULL;\n    ", hash='4f2b85262616e2bdc8cdcf06d2891b4980fdce15', operation='INSERT', pgid='pgtrigger_every_entry_is_logged_600fa', table='ledger_journalentry', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='logentry',
            constraint=models.UniqueConstraint(fields=('log', 'seq'), name='one_log_entry_per_seq'),
        ),
        migrations.AddConstraint(
            model_name='logentry',
            constraint=models.UniqueConstraint(fields=('log', 'type', 'key'), name='one_log_entry_per_event'),
        ),
        migrations.AddConstraint(
            model_name='logentry',
            constraint=models.CheckConstraint(condition=models.Q(('type__in', ('rule.publish', 'key.rotate', 'policy.set', 'roll.freeze', 'period.announce', 'period.close', 'collect.close', 'book.entry', 'award.adjust', 'claim.public', 'claim.decide', 'draw.commit', 'draw.result', 'jury.tally', 'pay.order', 'pay.receipt', 'bank.day', 'fee.take', 'correction', 'incident', 'doc.purge', 'stats'))), name='log_entry_type_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='logentry',
            trigger=pgtrigger.compiler.Trigger(name='log_is_permanent', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'log_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);", hash='3f65723faaab232c89809cab46d0e82109e7f588', level='STATEMENT', operation='UPDATE OR DELETE', pgid='pgtrigger_log_is_permanent_15244', table='ledger_logentry', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='logentry',
            trigger=pgtrigger.compiler.Trigger(name='log_is_permanent_whole', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'log_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);", hash='a0a29d9b814bb84fab41de4299413ff260ebe7dc', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_log_is_permanent_whole_0fd51', table='ledger_logentry', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='logentry',
            trigger=pgtrigger.compiler.Trigger(name='log_entry_follows_last', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE next_seq bigint; code text; envelope jsonb;', func="\n            UPDATE ledger_log SET size = size + 1 WHERE id = NEW.log_id\n            RETURNING size - 1, ledger_log.code INTO next_seq, code;\n            IF NEW.seq <> next_seq THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'log_entry_follows_last', MESSAGE = format('entry %s where %s is next', NEW.seq, next_seq);\n            END IF;\n            envelope := convert_from(NEW.data, 'UTF8')::jsonb;\n            IF (envelope->>'seq')::bigint <> NEW.seq OR envelope->>'type' <> NEW.type\n               OR envelope->>'pool' <> code OR octet_length(NEW.data) > 65535\n               OR NEW.leaf_hash <> sha256('\\x00'::bytea || NEW.data) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'log_entry_says_what_it_is', MESSAGE = format('bytes, hash and columns of entry %s differ', NEW.seq);\n            END IF;\n            RETURN NEW;\n        ", hash='e1013519bb414de8a24ae87a33568fc821315a67', operation='INSERT', pgid='pgtrigger_log_entry_follows_last_078f4', table='ledger_logentry', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.UniqueConstraint(fields=('pool', 'number'), name='one_period_per_number'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('pool', '='), (models.Func(models.F('opening_date'), models.F('next_opening_date'), function='daterange', output_field=django.contrib.postgres.fields.ranges.DateRangeField()), '&&')], name='periods_do_not_overlap'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(('opening_date__lte', models.F('publicity_date')), ('publicity_date__lt', models.F('publicity_end_date')), ('publicity_end_date__lte', models.F('charge_date')), ('opening_date__lt', models.F('next_opening_date'))), name='period_dates_in_order'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'opened'), models.Q(('as_of__isnull', False), ('headcount__gte', 0), ('headcount_recorded_at__isnull', False)), _connector='OR'), name='frozen_period_has_a_headcount'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(('assessed_fen', None), ('assessed_fen', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('aid_fen'), '+', models.F('other_costs_fen')), '+', models.F('fee_fen')), '+', models.F('reserve_contribution_fen')), '+', models.F('carry_out_fen')), '-', models.F('sponsor_fen')), '-', models.F('reserve_drawn_fen')), '-', models.F('carry_in_fen'))), _connector='OR'), name='period_identity_holds'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(('assessed_fen', None), models.Q(('aid_fen__gte', 0), ('assessed_fen__gte', 0), ('carry_in_fen__gte', 0), ('carry_out_fen__gte', 0), ('fee_fen__gte', 0), ('other_costs_fen__gte', 0), ('reserve_contribution_fen__gte', 0), ('reserve_drawn_fen__gte', 0), ('sponsor_fen__gte', 0)), _connector='OR'), name='period_figures_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['opened', 'frozen', 'announced', 'settled']), models.Q(('assessed_fen__isnull', False), ('classes__isnull', False), ('prepared_by__isnull', False)), _connector='OR'), name='computed_period_has_figures'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(('approved_by', None), models.Q(('approved_by', models.F('prepared_by')), _negated=True), _connector='OR'), name='period_approver_is_not_preparer'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(('approved_sha256', None), ('approved_sha256', models.F('shown_sha256')), _connector='OR'), name='approval_is_of_what_was_shown'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['opened', 'frozen', 'announced', 'settled', 'computed']), models.Q(('approved_by__isnull', False), ('approved_sha256__isnull', False)), _connector='OR'), name='posting_needs_an_approval'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'posted'), _negated=True), models.Q(('charged_fen', models.F('assessed_fen')), ('posted_at__isnull', False)), _connector='OR'), name='posted_charges_equal_assessed'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='period_state_follows_order', sql=aidplatform.lib.guards.GuardSql(func="\n            IF TG_OP = 'INSERT' THEN\n                IF NEW.state <> 'opened' THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_state_follows_order', MESSAGE = format('state starts at opened, not at %s', NEW.state);\n                END IF;\n                RETURN NEW;\n            END IF;\n            IF OLD.state = NEW.state OR (OLD.state = 'opened' AND NEW.state IN ('frozen')) OR (OLD.state = 'frozen' AND NEW.state IN ('announced')) OR (OLD.state = 'announced' AND NEW.state IN ('settled')) OR (OLD.state = 'settled' AND NEW.state IN ('computed')) OR (OLD.state = 'computed' AND NEW.state IN ('approved')) OR (OLD.state = 'approved' AND NEW.state IN ('posting')) OR (OLD.state = 'posting' AND NEW.state IN ('posted')) THEN\n                RETURN NEW;\n            END IF;\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_state_follows_order', MESSAGE = format('state goes from %s to %s in no plan', OLD.state, NEW.state);\n        ", hash='379b0ba4aaf2748af5faa90c42a56ef9eb784ee7', operation='INSERT OR UPDATE', pgid='pgtrigger_period_state_follows_order_833e3', table='ledger_period', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='period_keeps_its_identity', sql=aidplatform.lib.guards.GuardSql(func="\n            IF (NEW.pool_id, NEW.number, NEW.plan_version_id, NEW.opening_date, NEW.next_opening_date, NEW.publicity_date, NEW.publicity_end_date, NEW.charge_date) IS DISTINCT FROM\n               (OLD.pool_id, OLD.number, OLD.plan_version_id, OLD.opening_date, OLD.next_opening_date, OLD.publicity_date, OLD.publicity_end_date, OLD.charge_date) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_keeps_its_identity', MESSAGE = format('number, plan and dates of a period are fixed');\n            END IF;\n            IF OLD.state <> 'opened' AND (NEW.as_of, NEW.headcount_recorded_at, NEW.headcount) IS DISTINCT FROM\n                                         (OLD.as_of, OLD.headcount_recorded_at, OLD.headcount) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'headcount_is_frozen', MESSAGE = format('the headcount is taken once');\n            END IF;\n            IF OLD.state IN ('approved', 'posting', 'posted') AND\n               (NEW.pool_id, NEW.number, NEW.plan_version_id, NEW.publicity_date, NEW.charge_date, NEW.headcount, NEW.cases, NEW.aid_fen, NEW.fee_fen, NEW.other_costs_fen, NEW.reserve_contribution_fen, NEW.reserve_drawn_fen, NEW.sponsor_fen, NEW.other_income_fen, NEW.carry_in_fen, NEW.carry_out_fen, NEW.need_fen, NEW.assessed_fen, NEW.classes, NEW.prepared_by, NEW.approved_by, NEW.approved_at, NEW.approved_sha256) IS DISTINCT FROM\n               (OLD.pool_id, OLD.number, OLD.plan_version_id, OLD.publicity_date, OLD.charge_date, OLD.headcount, OLD.cases, OLD.aid_fen, OLD.fee_fen, OLD.other_costs_fen, OLD.reserve_contribution_fen, OLD.reserve_drawn_fen, OLD.sponsor_fen, OLD.other_income_fen, OLD.carry_in_fen, OLD.carry_out_fen, OLD.need_fen, OLD.assessed_fen, OLD.classes, OLD.prepared_by, OLD.approved_by, OLD.approved_at, OLD.approved_sha256) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'approved_figures_are_fixed', MESSAGE = format('figures of an approved period never change');\n            END IF;\n            IF OLD.state = 'posted' AND NEW IS DISTINCT FROM OLD THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'posted_period_is_permanent', MESSAGE = format('a posted period never changes');\n            END IF;\n            RETURN NEW;\n        ", hash='ef98d029a4d0321a08e24fff5880492a5d2fea47', operation='UPDATE', pgid='pgtrigger_period_keeps_its_identity_62625', table='ledger_period', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='shown_hash_is_of_the_figures', sql=aidplatform.lib.guards.GuardSql(func="\n            NEW.shown_sha256 := CASE WHEN NEW.assessed_fen IS NOT NULL THEN\n                encode(sha256(convert_to(concat_ws('|', NEW.pool_id::text, NEW.number::text, NEW.plan_version_id::text, NEW.publicity_date::text, NEW.charge_date::text, NEW.headcount::text, NEW.cases::text, NEW.aid_fen::text, NEW.fee_fen::text, NEW.other_costs_fen::text, NEW.reserve_contribution_fen::text, NEW.reserve_drawn_fen::text, NEW.sponsor_fen::text, NEW.other_income_fen::text, NEW.carry_in_fen::text, NEW.carry_out_fen::text, NEW.need_fen::text, NEW.assessed_fen::text, NEW.classes::text), 'UTF8')), 'hex') END;\n            RETURN NEW;\n        ", hash='a3f960112397efef2857dd23bde482a5629956f0', operation='INSERT OR UPDATE', pgid='pgtrigger_shown_hash_is_of_the_figures_9548c', table='ledger_period', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='period_people_hold_their_duty', sql=aidplatform.lib.guards.GuardSql(func="\n            IF NEW.prepared_by IS DISTINCT FROM OLD.prepared_by\n               AND NOT EXISTS (\n        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id\n         WHERE u.code = NEW.prepared_by AND g.duty = 'pool_admin' AND g.ended_at IS NULL\n           AND (g.pool_id = NEW.pool_id OR (g.pool_id IS NULL AND g.duty = 'pool_admin'))) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_people_hold_their_duty', MESSAGE = format('%s is no pool admin', NEW.prepared_by);\n            END IF;\n            IF NEW.approved_by IS NOT NULL AND NEW.approved_by IS DISTINCT FROM OLD.approved_by\n               AND NOT EXISTS (\n        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id\n         WHERE u.code = NEW.approved_by AND g.duty = 'controller' AND g.ended_at IS NULL\n           AND (g.pool_id = NEW.pool_id OR (g.pool_id IS NULL AND g.duty = 'pool_admin'))) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_people_hold_their_duty', MESSAGE = format('%s is no controller', NEW.approved_by);\n            END IF;\n            RETURN NEW;\n        ", hash='5351b032ce118b80d014c2f473d0c13d3514d4da', operation='UPDATE', pgid='pgtrigger_period_people_hold_their_duty_487c1', table='ledger_period', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='posted_period_has_its_entry', sql=aidplatform.lib.guards.GuardSql(func="\n            IF NEW.state = 'posted' AND OLD.state <> 'posted' THEN\n                IF EXISTS (SELECT 1 FROM ledger_manifestline WHERE period_id = NEW.id AND written_at IS NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'posted_charges_equal_assessed', MESSAGE = format('a shard of the period is not written');\n                END IF;\n                IF NEW.aid_fen + NEW.fee_fen + NEW.other_costs_fen + NEW.assessed_fen + NEW.carry_in_fen > 0\n                   AND NOT EXISTS (\n                    SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id\n                      JOIN members_pool p ON p.code = b.code\n                     WHERE e.id = NEW.entry_id AND p.id = NEW.pool_id AND e.key = 'period/' || NEW.number\n                ) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'posted_period_has_its_entry', MESSAGE = format('period %s has no journal entry', NEW.number);\n                END IF;\n            END IF;\n            RETURN NEW;\n        ", hash='2c57f1207010f75afc0edac025cd99d8b5ef0697', operation='UPDATE', pgid='pgtrigger_posted_period_has_its_entry_12a3f', table='ledger_period', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='periods_are_kept', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'periods_are_kept', MESSAGE = format('periods are never deleted');", hash='0b93ca0ed07efbe16fb194b7548941a5a40af8a4', level='STATEMENT', operation='DELETE OR TRUNCATE', pgid='pgtrigger_periods_are_kept_b9bce', table='ledger_period', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='manifestline',
            constraint=models.UniqueConstraint(fields=('period', 'shard_no'), name='one_manifest_line_per_shard'),
        ),
        migrations.AddConstraint(
            model_name='manifestline',
            constraint=models.CheckConstraint(condition=models.Q(('first_id__lt', models.F('end_id'))), name='shard_range_is_not_empty'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='manifestline',
            trigger=pgtrigger.compiler.Trigger(name='manifest_keeps_its_counts', sql=aidplatform.lib.guards.GuardSql(func="\n            IF (NEW.period_id, NEW.shard_no, NEW.first_id, NEW.end_id, NEW.members, NEW.counts, NEW.ids_hash)\n               IS DISTINCT FROM\n               (OLD.period_id, OLD.shard_no, OLD.first_id, OLD.end_id, OLD.members, OLD.counts, OLD.ids_hash)\n               OR OLD.written_at IS NOT NULL\n               OR (NEW.want_fen IS DISTINCT FROM OLD.want_fen AND\n                   (SELECT state FROM ledger_period WHERE id = NEW.period_id) IN ('approved', 'posting', 'posted'))\n            THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'manifest_keeps_its_counts', MESSAGE = format('shard %s is fixed', OLD.shard_no);\n            END IF;\n            RETURN NEW;\n        ", hash='e975ca9147eb64779ae1e35344919e61bf87b9fe', operation='UPDATE', pgid='pgtrigger_manifest_keeps_its_counts_44980', table='ledger_manifestline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='manifestline',
            trigger=pgtrigger.compiler.Trigger(name='manifest_is_kept', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'manifest_is_kept', MESSAGE = format('a manifest is never deleted');", hash='86c48fa854b9a1c9cf9eebd488ad3ddc88e8d617', level='STATEMENT', operation='DELETE OR TRUNCATE', pgid='pgtrigger_manifest_is_kept_9e3ac', table='ledger_manifestline', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='award',
            constraint=models.UniqueConstraint(fields=('pool', 'code'), name='one_award_per_case'),
        ),
        migrations.AddConstraint(
            model_name='award',
            constraint=models.UniqueConstraint(fields=('pool', 'claim_code'), name='one_award_per_claim'),
        ),
        migrations.AddConstraint(
            model_name='award',
            constraint=models.CheckConstraint(condition=models.Q(('aid_fen__gt', 0), ('aid_fen__lt', 9007199254740992)), name='award_amount_above_zero'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='award',
            trigger=pgtrigger.compiler.Trigger(name='award_state_follows_order', sql=aidplatform.lib.guards.GuardSql(func="\n            IF TG_OP = 'INSERT' THEN\n                IF NEW.state <> 'announced' THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'award_state_follows_order', MESSAGE = format('state starts at announced, not at %s', NEW.state);\n                END IF;\n                RETURN NEW;\n            END IF;\n            IF OLD.state = NEW.state OR (OLD.state = 'announced' AND NEW.state IN ('final', 'withdrawn')) OR (OLD.state = 'final' AND NEW.state IN ('shared', 'withdrawn')) THEN\n                RETURN NEW;\n            END IF;\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'award_state_follows_order', MESSAGE = format('state goes from %s to %s in no plan', OLD.state, NEW.state);\n        ", hash='0ff8004a576dbbfab543bb0d071908e6ed3a515e', operation='INSERT OR UPDATE', pgid='pgtrigger_award_state_follows_order_8bd4e', table='ledger_award', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='award',
            trigger=pgtrigger.compiler.Trigger(name='award_keeps_its_terms', sql=aidplatform.lib.guards.GuardSql(func="\n            IF (NEW.pool_id, NEW.code, NEW.claim_code, NEW.aid_fen, NEW.masked, NEW.announced_at, NEW.announced_by)\n               IS DISTINCT FROM\n               (OLD.pool_id, OLD.code, OLD.claim_code, OLD.aid_fen, OLD.masked, OLD.announced_at, OLD.announced_by)\n            THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'award_keeps_its_terms', MESSAGE = format('an announced award is not edited');\n            END IF;\n            RETURN NEW;\n        ", hash='d3a38ae267cb2dc8850620db3d1fe75c96e23318', operation='UPDATE', pgid='pgtrigger_award_keeps_its_terms_90bd1', table='ledger_award', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='award',
            trigger=pgtrigger.compiler.Trigger(name='awards_join_before_announcement', sql=aidplatform.lib.guards.GuardSql(func="\n            IF NEW.period_id IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.period_id IS DISTINCT FROM OLD.period_id)\n               AND (SELECT state FROM ledger_period WHERE id = NEW.period_id) NOT IN ('opened', 'frozen') THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'awards_join_before_announcement', MESSAGE = format('nothing is added after the announcement');\n            END IF;\n            RETURN NEW;\n        ", hash='8e97df84ccea32e65a416af98ff6dfb44efe1d1c', operation='INSERT OR UPDATE', pgid='pgtrigger_awards_join_before_announcement_feb5a', table='ledger_award', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='award',
            trigger=pgtrigger.compiler.Trigger(name='awards_are_kept', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'awards_are_kept', MESSAGE = format('awards are withdrawn, never deleted');", hash='2b81c2acaae19e2ede059b694300f5ca9f808cee', level='STATEMENT', operation='DELETE OR TRUNCATE', pgid='pgtrigger_awards_are_kept_1fd32', table='ledger_award', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='posting',
            index=models.Index(fields=['account', 'entry'], name='posting_statement'),
        ),
        migrations.AddConstraint(
            model_name='posting',
            constraint=models.CheckConstraint(condition=models.Q(('amount_fen__gt', 0), ('amount_fen__lt', 9007199254740992)), name='posting_amount_above_zero'),
        ),
        migrations.AddConstraint(
            model_name='posting',
            constraint=models.CheckConstraint(condition=models.Q(('side__in', ['D', 'C'])), name='posting_side_is_d_or_c'),
        ),
        migrations.AddConstraint(
            model_name='posting',
            constraint=models.UniqueConstraint(fields=('entry', 'account', 'side'), name='one_posting_per_account_and_side'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='posting',
            trigger=pgtrigger.compiler.Trigger(name='posting_is_permanent', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'posting_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);", hash='67d2838b6306469686930b653f0a1c94ba06068f', level='STATEMENT', operation='UPDATE OR DELETE', pgid='pgtrigger_posting_is_permanent_01e5b', table='ledger_posting', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='posting',
            trigger=pgtrigger.compiler.Trigger(name='posting_is_permanent_whole', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'posting_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);", hash='cc35a5e9f27aaaeb8bfebf727608569849d004a3', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_posting_is_permanent_whole_61c63', table='ledger_posting', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='posting',
            trigger=pgtrigger.compiler.Trigger(name='journal_entry_balances', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE bad record;', func="\n            SELECT entry_id, sum(amount_fen) FILTER (WHERE side = 'D') AS debit,\n                   sum(amount_fen) FILTER (WHERE side = 'C') AS credit\n              INTO bad FROM new_rows GROUP BY entry_id\n            HAVING coalesce(sum(amount_fen) FILTER (WHERE side = 'D'), 0)\n                <> coalesce(sum(amount_fen) FILTER (WHERE side = 'C'), 0) LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'journal_entry_balances', MESSAGE = format('entry %s: debits %s, credits %s', bad.entry_id, bad.debit, bad.credit);\n            END IF;\n\n            SELECT n.entry_id, n.count AS new_count, p.count AS all_count INTO bad\n              FROM (SELECT entry_id, count(*) FROM new_rows GROUP BY entry_id) n\n              JOIN LATERAL (SELECT count(*) FROM ledger_posting WHERE entry_id = n.entry_id) p ON true\n             WHERE p.count <> n.count LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'journal_entry_is_permanent', MESSAGE = format('entry %s: a posting was added later', bad.entry_id);\n            END IF;\n\n            SELECT n.entry_id INTO bad FROM new_rows n\n              JOIN ledger_account a ON a.id = n.account_id JOIN ledger_journalentry e ON e.id = n.entry_id\n             WHERE a.book_id <> e.book_id LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'entry_stays_in_its_book', MESSAGE = format('entry %s posts to another book', bad.entry_id);\n            END IF;\n\n            SELECT n.entry_id,\n                   sum(CASE WHEN n.side = 'C' THEN amount_fen ELSE -amount_fen END) FILTER (WHERE a.kind = 'income') AS income,\n                   sum(CASE WHEN n.side = 'D' THEN amount_fen ELSE -amount_fen END) FILTER (WHERE a.kind = 'expense') AS expense\n              INTO bad FROM new_rows n JOIN ledger_account a ON a.id = n.account_id GROUP BY n.entry_id\n            HAVING coalesce(sum(CASE WHEN n.side = 'C' THEN amount_fen ELSE -amount_fen END) FILTER (WHERE a.kind = 'income'), 0)\n                <> coalesce(sum(CASE WHEN n.side = 'D' THEN amount_fen ELSE -amount_fen END) FILTER (WHERE a.kind = 'expense'), 0)\n             LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'income_equals_expense', MESSAGE = format('entry %s: income %s, expense %s', bad.entry_id, bad.income, bad.expense);\n            END IF;\n\n            SELECT n.entry_id INTO bad FROM (SELECT DISTINCT entry_id FROM new_rows) n\n              JOIN ledger_journalentry e ON e.id = n.entry_id\n             WHERE e.reverses_id IS NOT NULL AND (\n                   EXISTS (SELECT account_id, side, amount_fen FROM new_rows WHERE entry_id = n.entry_id\n                           EXCEPT SELECT account_id, CASE side WHEN 'D' THEN 'C' ELSE 'D' END, amount_fen\n                             FROM ledger_posting WHERE entry_id = e.reverses_id)\n                OR EXISTS (SELECT account_id, CASE side WHEN 'D' THEN 'C' ELSE 'D' END, amount_fen\n                             FROM ledger_posting WHERE entry_id = e.reverses_id\n                           EXCEPT SELECT account_id, side, amount_fen FROM new_rows WHERE entry_id = n.entry_id)\n                OR EXISTS (SELECT 1 FROM ledger_journalentry o WHERE o.id = e.reverses_id\n                              AND (o.reverses_id IS NOT NULL OR o.book_id <> e.book_id))) LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'reversal_mirrors_entry', MESSAGE = format('entry %s is no mirror of what it reverses', bad.entry_id);\n            END IF;\n\n            UPDATE ledger_accountbalance b\n               SET debit_fen = b.debit_fen + n.debit, credit_fen = b.credit_fen + n.credit\n              FROM (SELECT account_id, coalesce(sum(amount_fen) FILTER (WHERE side = 'D'), 0) AS debit,\n                           coalesce(sum(amount_fen) FILTER (WHERE side = 'C'), 0) AS credit\n                      FROM (SELECT * FROM new_rows ORDER BY account_id) ordered GROUP BY account_id) n\n             WHERE b.account_id = n.account_id;\n\n            SELECT a.code, b.debit_fen, b.credit_fen INTO bad\n              FROM ledger_accountbalance b JOIN ledger_account a ON a.id = b.account_id\n             WHERE a.never_negative AND b.account_id IN (SELECT account_id FROM new_rows)\n               AND CASE a.normal_side WHEN 'D' THEN b.debit_fen < b.credit_fen ELSE b.credit_fen < b.debit_fen END\n             LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'account_never_negative', MESSAGE = format('account %s: debits %s, credits %s', bad.code, bad.debit_fen, bad.credit_fen);\n            END IF;\n            RETURN NULL;\n        ", hash='cab086b3b1f2d0533f403579f96b306e2ad5531e', level='STATEMENT', operation='INSERT', pgid='pgtrigger_journal_entry_balances_c50b2', referencing='REFERENCING NEW TABLE AS new_rows ', table='ledger_posting', when='AFTER')),
        ),
    ]

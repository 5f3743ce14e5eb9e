

import aidplatform.lib.guards
import claims.filing.models
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('members', '0001_people_pools_and_spans'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Claim',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(default=claims.filing.models.new_claim_code, max_length=20, unique=True)),
                ('state', models.CharField(choices=[('draft', 'draft'), ('filed', 'filed'), ('papers_requested', 'papers requested'), ('under_review', 'under review'), ('recommended', 'second review'), ('approved', 'approved'), ('rejected', 'rejected'), ('in_publicity', 'in publicity'), ('objected', 'objected to'), ('overturned', 'objection upheld'), ('awarded', 'awarded'), ('shared', 'shared by all'), ('paid', 'paid'), ('closed', 'closed'), ('withdrawn', 'withdrawn')], default='draft', max_length=20)),
                ('event_date', models.DateField(null=True)),
                ('illness', models.CharField(blank=True, max_length=40)),
                ('severity', models.CharField(blank=True, max_length=40)),
                ('age', models.PositiveSmallIntegerField(null=True)),
                ('aid_fen', models.BigIntegerField(null=True)),
                ('derivation', models.JSONField(null=True)),
                ('birth_sealed', models.BinaryField(null=True)),
                ('story_sealed', models.BinaryField(null=True)),
                ('payee_sealed', models.BinaryField(null=True)),
                ('payee_index', models.BinaryField(null=True)),
                ('sex', models.CharField(blank=True, choices=[('f', 'female'), ('m', 'male'), ('', 'not shown')], max_length=1)),
                ('region', models.CharField(blank=True, max_length=40)),
                ('masked', models.JSONField(null=True)),
                ('consented_at', models.DateTimeField(null=True)),
                ('round', models.PositiveSmallIntegerField(default=1)),
                ('due_date', models.DateField(null=True)),
                ('created_at', models.DateTimeField()),
                ('filed_at', models.DateTimeField(null=True)),
                ('state_since', models.DateTimeField()),
                ('claimant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='claims', to=settings.AUTH_USER_MODEL)),
                ('membership', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='claims', to='members.membership')),
                ('plan_version', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='claims', to='members.planversion')),
                ('pool', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='claims', to='members.pool')),
                ('reviewer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reviewed_claims', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Decision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('round', models.PositiveSmallIntegerField()),
                ('decider', models.CharField(max_length=40)),
                ('outcome', models.CharField(choices=[('approved', 'approved'), ('rejected', 'rejected'), ('returned', 'returned for another look')], max_length=12)),
                ('aid_fen', models.BigIntegerField()),
                ('clause', models.CharField(choices=[('aid', 'Aid for a listed illness'), ('cover', 'Who is covered, and since when'), ('waiting', 'Waiting period'), ('declaration', 'Health declaration'), ('papers', 'Papers that establish the illness')], max_length=20)),
                ('reason_sealed', models.BinaryField()),
                ('shown_sha256', models.CharField(max_length=64)),
                ('decided_at', models.DateTimeField()),
                ('claim', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='claims.claim')),
            ],
        ),
        migrations.CreateModel(
            name='Evidence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(default=claims.filing.models.new_evidence_code, max_length=24, unique=True)),
                ('kind', models.CharField(max_length=20)),
                ('media_type', models.CharField(max_length=20)),
                ('size', models.PositiveIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('sealed', models.BinaryField()),
                ('added_at', models.DateTimeField()),
                ('removed_at', models.DateTimeField(null=True)),
                ('claim', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='papers', to='claims.claim')),
            ],
        ),
        migrations.CreateModel(
            name='Objection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('member', models.CharField(max_length=40)),
                ('reason_sealed', models.BinaryField()),
                ('raised_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('open', 'open'), ('dismissed', 'dismissed'), ('upheld', 'upheld')], default='open', max_length=12)),
                ('answer_sealed', models.BinaryField(null=True)),
                ('answered_by', models.CharField(max_length=40, null=True)),
                ('answered_at', models.DateTimeField(null=True)),
                ('claim', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='objections', to='claims.claim')),
            ],
        ),
        migrations.CreateModel(
            name='PaperRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('kinds', models.JSONField(default=list)),
                ('message_sealed', models.BinaryField()),
                ('requested_by', models.CharField(max_length=40)),
                ('requested_at', models.DateTimeField()),
                ('claim', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='paper_requests', to='claims.claim')),
            ],
        ),
        migrations.CreateModel(
            name='Recommendation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('round', models.PositiveSmallIntegerField()),
                ('reviewer', models.CharField(max_length=40)),
                ('outcome', models.CharField(choices=[('approved', 'approved'), ('rejected', 'rejected'), ('returned', 'returned for another look')], max_length=12)),
                ('aid_fen', models.BigIntegerField()),
                ('clause', models.CharField(choices=[('aid', 'Aid for a listed illness'), ('cover', 'Who is covered, and since when'), ('waiting', 'Waiting period'), ('declaration', 'Health declaration'), ('papers', 'Papers that establish the illness')], max_length=20)),
                ('reason_sealed', models.BinaryField()),
                ('recommended_at', models.DateTimeField()),
                ('claim', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='recommendations', to='claims.claim')),
            ],
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(fields=['pool', 'state', 'due_date'], name='claim_queue'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'draft')), fields=('membership',), name='one_draft_per_membership'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.CheckConstraint(condition=models.Q(('aid_fen', None), models.Q(('aid_fen__gte', 0), ('aid_fen__lt', 9007199254740992)), _connector='OR'), name='claim_aid_in_range'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'papers_requested', 'withdrawn']), models.Q(('age__isnull', False), ('aid_fen__isnull', False), ('birth_sealed__isnull', False), ('consented_at__isnull', False), ('event_date__isnull', False), ('filed_at__isnull', False), ('masked__isnull', False), ('payee_index__isnull', False), ('payee_sealed__isnull', False), ('plan_version__isnull', False), ('story_sealed__isnull', False), models.Q(('illness', ''), _negated=True)), _connector='OR'), name='filed_claim_is_complete'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'filed', 'withdrawn']), ('reviewer__isnull', False), _connector='OR'), name='claim_under_review_has_a_reviewer'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='claim',
            trigger=pgtrigger.compiler.Trigger(name='claim_state_follows_order', sql=aidplatform.lib.guards.GuardSql(func="\n            IF TG_OP = 'INSERT' THEN\n                IF NEW.state <> 'draft' THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'claim_state_follows_order', MESSAGE = format('state starts at draft, not at %s', NEW.state);\n                END IF;\n                RETURN NEW;\n            END IF;\n            IF OLD.state = NEW.state OR (OLD.state = 'draft' AND NEW.state IN ('filed', 'withdrawn')) OR (OLD.state = 'filed' AND NEW.state IN ('under_review', 'withdrawn')) OR (OLD.state = 'papers_requested' AND NEW.state IN ('filed', 'withdrawn')) OR (OLD.state = 'under_review' AND NEW.state IN ('papers_requested', 'recommended', 'withdrawn')) OR (OLD.state = 'recommended' AND NEW.state IN ('under_review', 'approved', 'rejected', 'withdrawn')) OR (OLD.state = 'approved' AND NEW.state IN ('in_publicity')) OR (OLD.state = 'in_publicity' AND NEW.state IN ('objected', 'awarded', 'withdrawn')) OR (OLD.state = 'objected' AND NEW.state IN ('in_publicity', 'overturned', 'withdrawn')) OR (OLD.state = 'awarded' AND NEW.state IN ('shared')) OR (OLD.state = 'shared' AND NEW.state IN ('paid')) OR (OLD.state = 'paid' AND NEW.state IN ('closed')) THEN\n                RETURN NEW;\n            END IF;\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'claim_state_follows_order', MESSAGE = format('state goes from %s to %s in no plan', OLD.state, NEW.state);\n        ", hash='dd7c5626703535c613828d7f398804803ed31ccc', operation='INSERT OR UPDATE', pgid='pgtrigger_claim_state_follows_order_ce09b', table='claims_claim', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='claim',
            trigger=pgtrigger.compiler.Trigger(name='claim_keeps_its_identity', sql=aidplatform.lib.guards.GuardSql(func="\n            IF (NEW.code, NEW.pool_id, NEW.membership_id, NEW.claimant_id, NEW.created_at) IS DISTINCT FROM (OLD.code, OLD.pool_id, OLD.membership_id, OLD.claimant_id, OLD.created_at) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'claim_keeps_its_identity', MESSAGE = format('claim %s stays its claimant''s', OLD.code);\n            END IF;\n            IF NEW.round <> OLD.round AND (OLD.state <> 'recommended' OR NEW.state <> 'under_review') THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'claim_keeps_its_identity', MESSAGE = format('round %s after %s', NEW.round, OLD.round);\n            END IF;\n            RETURN NEW;\n        ", hash='dab8ec7872de07311da11b635d7a70154dd66f31', operation='UPDATE', pgid='pgtrigger_claim_keeps_its_identity_31dd3', table='claims_claim', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='claim',
            trigger=pgtrigger.compiler.Trigger(name='claim_is_of_its_member', sql=aidplatform.lib.guards.GuardSql(func="\n            IF NOT EXISTS (SELECT 1 FROM members_membership\n                            WHERE id = NEW.membership_id AND pool_id = NEW.pool_id AND person_id = NEW.claimant_id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'claim_is_of_its_member', MESSAGE = format('claim %s is for somebody else''s membership', NEW.code);\n            END IF;\n            RETURN NEW;\n        ", hash='c74373fb8614028ae98917a8ce4dd2c1fb36ede6', operation='INSERT', pgid='pgtrigger_claim_is_of_its_member_9673f', table='claims_claim', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='claim',
            trigger=pgtrigger.compiler.Trigger(name='filed_claim_keeps_its_terms', sql=aidplatform.lib.guards.GuardSql(func="\n            IF OLD.state NOT IN ('draft', 'papers_requested') AND (NEW.event_date, NEW.illness, NEW.severity, NEW.plan_version_id, NEW.age, NEW.aid_fen, NEW.derivation, NEW.birth_sealed, NEW.story_sealed, NEW.payee_sealed, NEW.payee_index, NEW.sex, NEW.region, NEW.masked, NEW.consented_at, NEW.filed_at) IS DISTINCT FROM (OLD.event_date, OLD.illness, OLD.severity, OLD.plan_version_id, OLD.age, OLD.aid_fen, OLD.derivation, OLD.birth_sealed, OLD.story_sealed, OLD.payee_sealed, OLD.payee_index, OLD.sex, OLD.region, OLD.masked, OLD.consented_at, OLD.filed_at) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'filed_claim_keeps_its_terms', MESSAGE = format('claim %s is with its reviewers', OLD.code);\n            END IF;\n            RETURN NEW;\n        ", hash='4ffac0f9170da69c68f8180c9473e1c7e3498fab', operation='UPDATE', pgid='pgtrigger_filed_claim_keeps_its_terms_ed3d7', table='claims_claim', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='claim',
            trigger=pgtrigger.compiler.Trigger(name='claim_aid_is_what_its_plan_grants', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE wanted bigint; granted bigint;', func="\n            IF NEW.aid_fen IS NULL THEN\n                RETURN NEW;\n            END IF;\n            SELECT id INTO wanted FROM members_planversion\n             WHERE pool_id = NEW.pool_id\n             ORDER BY effective_date <= NEW.event_date DESC,\n                      CASE WHEN effective_date <= NEW.event_date THEN effective_date END DESC, effective_date LIMIT 1;\n            IF NEW.plan_version_id IS DISTINCT FROM wanted THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'claim_aid_is_what_its_plan_grants', MESSAGE = format('claim %s follows another plan version', NEW.code);\n            END IF;\n            SELECT (a->>'max_aid_fen')::bigint INTO granted\n              FROM members_planversion v, jsonb_array_elements(v.terms->'aid') a\n             WHERE v.id = wanted AND a->>'severity' = NEW.severity\n               AND NEW.age >= (a->>'age_from')::int AND NEW.age < (a->>'age_before')::int;\n            IF NEW.aid_fen <> 0 AND NEW.aid_fen IS DISTINCT FROM granted THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'claim_aid_is_what_its_plan_grants', MESSAGE = format('aid %s; the plan grants %s', NEW.aid_fen, coalesce(granted, 0));\n            END IF;\n            RETURN NEW;\n        ", hash='bbf1bd98ea7d8b9d95193f034508bd7473bfb377', operation='INSERT OR UPDATE', pgid='pgtrigger_claim_aid_is_what_its_plan_grants_5ad6b', table='claims_claim', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='claim',
            trigger=pgtrigger.compiler.Trigger(name='claim_step_has_its_paper', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE award_state text;', func="\n            IF NEW.state = OLD.state THEN\n                RETURN NEW;\n            END IF;\n            IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n            IF NEW.state = 'recommended' AND NOT EXISTS (\n                   SELECT 1 FROM claims_recommendation WHERE claim_id = NEW.id AND round = NEW.round)\n               OR NEW.state IN ('approved', 'rejected') AND NOT EXISTS (\n                   SELECT 1 FROM claims_decision\n                    WHERE claim_id = NEW.id AND round = NEW.round AND outcome = NEW.state) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'claim_step_has_its_paper', MESSAGE = format('claim %s is not %s by anybody', NEW.code, NEW.state);\n            END IF;\n            IF OLD.state = 'recommended' AND NEW.state = 'under_review' AND NOT EXISTS (\n                   SELECT 1 FROM claims_decision\n                    WHERE claim_id = NEW.id AND round = NEW.round - 1 AND outcome = 'returned')\n               OR NEW.state = 'overturned' AND NOT EXISTS (\n                   SELECT 1 FROM claims_objection WHERE claim_id = NEW.id AND state = 'upheld')\n               OR NEW.state IN ('in_publicity', 'awarded') AND EXISTS (\n                   SELECT 1 FROM claims_objection WHERE claim_id = NEW.id AND state = 'open') THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'claim_step_has_its_paper', MESSAGE = format('claim %s is not ready to be %s', NEW.code, NEW.state);\n            END IF;\n            IF NEW.state IN ('in_publicity', 'awarded', 'shared', 'paid') THEN\n                SELECT state INTO award_state FROM ledger_award\n                 WHERE pool_id = NEW.pool_id AND claim_code = NEW.code;\n                IF award_state IS NULL\n                   OR NEW.state = 'awarded' AND award_state NOT IN ('final', 'shared')\n                   OR NEW.state IN ('shared', 'paid') AND award_state <> 'shared' THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'claim_step_has_its_paper', MESSAGE = format('claim %s is not %s in the ledger', NEW.code, NEW.state);\n                END IF;\n            END IF;\n            RETURN NEW;\n        ", hash='42f88042de8b36783c59af121c8ca4b1e8bde640', operation='UPDATE', pgid='pgtrigger_claim_step_has_its_paper_bc0e6', table='claims_claim', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='claim',
            trigger=pgtrigger.compiler.Trigger(name='claims_are_kept', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'claims_are_kept', MESSAGE = format('claims are withdrawn, never deleted');", hash='437e5bb0377dbdd9b2d9b90c52967d8bc7d2dad9', level='STATEMENT', operation='DELETE OR TRUNCATE', pgid='pgtrigger_claims_are_kept_d4411', table='claims_claim', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.UniqueConstraint(fields=('claim', 'round'), name='one_decision_per_round'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('aid_fen__gt', 0), ('aid_fen__lt', 9007199254740992), ('outcome', 'approved')), models.Q(('aid_fen', 0), ('outcome__in', ['rejected', 'returned'])), _connector='OR'), name='decided_aid_fits_outcome'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='decision',
            trigger=pgtrigger.compiler.Trigger(name='decision_is_permanent', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'decision_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);", hash='57acbd88636ca29b716dbc6e97ca2d9bad3e580e', level='STATEMENT', operation='UPDATE OR DELETE', pgid='pgtrigger_decision_is_permanent_a20ca', table='claims_decision', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='decision',
            trigger=pgtrigger.compiler.Trigger(name='decision_is_permanent_whole', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'decision_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);", hash='8538baaecd2d201f2ccaf54f6b6fc319c62d2b26', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_decision_is_permanent_whole_14719', table='claims_decision', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='decision',
            trigger=pgtrigger.compiler.Trigger(name='decision_fits_its_claim', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE claim record; advised record;', func='\n            IF current_setting(\'transaction_isolation\') <> \'read committed\' THEN RAISE EXCEPTION USING ERRCODE = \'23514\', CONSTRAINT = \'guards_see_what_is_committed\', MESSAGE = format(\'isolation level %s\', current_setting(\'transaction_isolation\')); END IF;\n            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;\n            IF EXISTS (\n        SELECT 1 FROM members_user u LEFT JOIN members_membership m ON m.id = claim.membership_id\n         WHERE u.code = NEW.decider AND u.id IN (claim.claimant_id, m.person_id)) THEN\n                RAISE EXCEPTION USING ERRCODE = \'23514\', CONSTRAINT = \'decider_is_not_claimant\', MESSAGE = format(\'%s would decide on the own claim\', NEW.decider);\n            END IF;\n            IF EXISTS (SELECT 1 FROM claims_recommendation\n                        WHERE claim_id = NEW.claim_id AND reviewer = NEW.decider) THEN\n                RAISE EXCEPTION USING ERRCODE = \'23514\', CONSTRAINT = \'decider_is_not_recommender\', MESSAGE = format(\'%s has recommended on this claim\', NEW.decider);\n            END IF;\n            IF NOT EXISTS (\n        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id\n         WHERE u.code = NEW.decider AND g.duty = \'second_reviewer\' AND g.ended_at IS NULL AND g.pool_id = claim.pool_id) THEN\n                RAISE EXCEPTION USING ERRCODE = \'23514\', CONSTRAINT = \'reviewers_hold_their_duty\', MESSAGE = format(\'%s is no second reviewer of this pool\', NEW.decider);\n            END IF;\n            IF claim.state <> \'recommended\' OR NEW.round <> claim.round THEN\n                RAISE EXCEPTION USING ERRCODE = \'23514\', CONSTRAINT = \'decision_fits_its_claim\', MESSAGE = format(\'claim %s does not wait for a decision\', claim.code);\n            END IF;\n            SELECT outcome, aid_fen INTO advised FROM claims_recommendation\n             WHERE claim_id = NEW.claim_id AND round = NEW.round;\n            IF NEW.outcome <> \'returned\' AND (NEW.outcome, NEW.aid_fen) IS DISTINCT FROM (advised.outcome, advised.aid_fen)\n            THEN\n                RAISE EXCEPTION USING ERRCODE = \'23514\', CONSTRAINT = \'decision_needs_two_who_agree\', MESSAGE = format(\'decided %s of %s, recommended %s of %s\', NEW.outcome, NEW.aid_fen, advised.outcome, advised.aid_fen);\n            END IF;\n            IF NEW.shown_sha256 IS DISTINCT FROM (\n                SELECT encode(sha256(convert_to((SELECT concat_ws(\'|\', c.code, c.round::text, c.plan_version_id::text,\n            coalesce(to_char(c.event_date, \'YYYY-MM-DD\'), \'-\'), c.illness, c.severity,\n            coalesce(c.age::text, \'-\'), coalesce(c.aid_fen::text, \'-\'),\n            coalesce(encode(c.payee_index, \'hex\'), \'-\'), coalesce(c.masked::text, \'-\'),\n            r.reviewer, r.outcome, r.aid_fen::text, r.clause,\n            (SELECT coalesce(string_agg(e.sha256, \',\' ORDER BY e.sha256 COLLATE "C"), \'-\') FROM claims_evidence e\n              WHERE e.claim_id = c.id AND e.removed_at IS NULL))\n          FROM claims_recommendation r WHERE r.claim_id = c.id AND r.round = c.round), \'UTF8\')), \'hex\')\n                  FROM claims_claim c WHERE c.id = NEW.claim_id) THEN\n                RAISE EXCEPTION USING ERRCODE = \'23514\', CONSTRAINT = \'decision_is_of_what_was_shown\', MESSAGE = format(\'claim %s is not what was shown\', claim.code);\n            END IF;\n            RETURN NEW;\n        ', hash='8eb989c9e2ba5264a3e580e25f58d126953455f0', operation='INSERT', pgid='pgtrigger_decision_fits_its_claim_e8ac3', table='claims_decision', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='evidence',
            constraint=models.UniqueConstraint(condition=models.Q(('removed_at', None)), fields=('claim', 'sha256'), name='one_copy_of_a_paper'),
        ),
        migrations.AddConstraint(
            model_name='evidence',
            constraint=models.CheckConstraint(condition=models.Q(('media_type__in', ('image/jpeg', 'image/png', 'application/pdf'))), name='evidence_type_is_known'),
        ),
        migrations.AddConstraint(
            model_name='evidence',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ('identity', 'diagnosis', 'pathology', 'hospital_record', 'other'))), name='evidence_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='evidence',
            constraint=models.CheckConstraint(condition=models.Q(('size__gt', 0), ('size__lte', 10485760)), name='evidence_size_in_range'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='evidence',
            trigger=pgtrigger.compiler.Trigger(name='evidence_joins_before_review', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE claim_state text;', func="\n            IF TG_OP = 'UPDATE' AND (OLD.removed_at IS NOT NULL OR NEW.removed_at IS NULL\n                OR (NEW.claim_id, NEW.code, NEW.kind, NEW.media_type, NEW.size, NEW.sha256, NEW.sealed, NEW.added_at)\n                   IS DISTINCT FROM\n                   (OLD.claim_id, OLD.code, OLD.kind, OLD.media_type, OLD.size, OLD.sha256, OLD.sealed, OLD.added_at))\n            THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'evidence_is_permanent', MESSAGE = format('a paper can only be taken out, once');\n            END IF;\n            IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n            SELECT state INTO claim_state FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;\n            IF claim_state NOT IN ('draft', 'papers_requested') THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'evidence_joins_before_review', MESSAGE = format('the papers of this claim are with its reviewers');\n            END IF;\n            IF TG_OP = 'INSERT'\n               AND (SELECT count(*) FROM claims_evidence WHERE claim_id = NEW.claim_id) >= 40 THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'evidence_has_a_limit', MESSAGE = format('a claim holds at most %s papers', 40);\n            END IF;\n            RETURN NEW;\n        ", hash='50bfcce5d646d6da3e9f33511b6ad6d9430b9f88', operation='INSERT OR UPDATE', pgid='pgtrigger_evidence_joins_before_review_e05fb', table='claims_evidence', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='evidence',
            trigger=pgtrigger.compiler.Trigger(name='evidence_is_kept', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'evidence_is_permanent', MESSAGE = format('papers are never deleted');", hash='3bf1ba0d9ac76c267a9550b02c291dd17249c1e9', level='STATEMENT', operation='DELETE OR TRUNCATE', pgid='pgtrigger_evidence_is_kept_365bf', table='claims_evidence', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='objection',
            constraint=models.UniqueConstraint(fields=('claim', 'number'), name='one_objection_per_number'),
        ),
        migrations.AddConstraint(
            model_name='objection',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('claim', 'member'), name='one_open_objection_per_member'),
        ),
        migrations.AddConstraint(
            model_name='objection',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answer_sealed', None), ('answered_at', None), ('answered_by', None), ('state', 'open')), models.Q(('answer_sealed__isnull', False), ('answered_at__isnull', False), ('answered_by__isnull', False), models.Q(('state', 'open'), _negated=True)), _connector='OR'), name='objection_is_answered_whole'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='objection',
            trigger=pgtrigger.compiler.Trigger(name='objection_state_follows_order', sql=aidplatform.lib.guards.GuardSql(func="\n            IF TG_OP = 'INSERT' THEN\n                IF NEW.state <> 'open' THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'objection_state_follows_order', MESSAGE = format('state starts at open, not at %s', NEW.state);\n                END IF;\n                RETURN NEW;\n            END IF;\n            IF OLD.state = NEW.state OR (OLD.state = 'open' AND NEW.state IN ('dismissed', 'upheld')) THEN\n                RETURN NEW;\n            END IF;\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'objection_state_follows_order', MESSAGE = format('state goes from %s to %s in no plan', OLD.state, NEW.state);\n        ", hash='5ba7f4c8e62d49ae3a4d980dc30b72f44a2eb102', operation='INSERT OR UPDATE', pgid='pgtrigger_objection_state_follows_order_54a3a', table='claims_objection', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='objection',
            trigger=pgtrigger.compiler.Trigger(name='objection_is_by_a_member', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE claim record; award record;', func="\n            IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;\n            IF EXISTS (\n        SELECT 1 FROM members_user u LEFT JOIN members_membership m ON m.id = claim.membership_id\n         WHERE u.code = NEW.member AND u.id IN (claim.claimant_id, m.person_id)) OR NOT EXISTS (\n                   SELECT 1 FROM members_membership m JOIN members_user u ON u.id = m.person_id\n                    WHERE u.code = NEW.member AND m.pool_id = claim.pool_id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'objection_is_by_a_member', MESSAGE = format('%s is no other member of this pool', NEW.member);\n            END IF;\n            SELECT a.state, p.state AS period_state INTO award\n              FROM ledger_award a JOIN ledger_period p ON p.id = a.period_id\n             WHERE a.pool_id = claim.pool_id AND a.claim_code = claim.code;\n            IF claim.state NOT IN ('in_publicity', 'objected')\n               OR award.state IS DISTINCT FROM 'announced' OR award.period_state IS DISTINCT FROM 'announced' THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'objections_come_in_publicity', MESSAGE = format('claim %s is not in publicity', claim.code);\n            END IF;\n            RETURN NEW;\n        ", hash='36702b88db1d72db6b68fd41d79971b836b46cdc', operation='INSERT', pgid='pgtrigger_objection_is_by_a_member_f9f17', table='claims_objection', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='objection',
            trigger=pgtrigger.compiler.Trigger(name='objection_is_answered_by_another', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE claim record;', func="\n            IF OLD.state <> 'open' OR (NEW.claim_id, NEW.number, NEW.member, NEW.reason_sealed, NEW.raised_at)\n               IS DISTINCT FROM (OLD.claim_id, OLD.number, OLD.member, OLD.reason_sealed, OLD.raised_at) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'objection_is_permanent', MESSAGE = format('objection %s is answered once and never edited', OLD.number);\n            END IF;\n            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id;\n            IF NEW.answered_by = NEW.member OR EXISTS (\n        SELECT 1 FROM members_user u LEFT JOIN members_membership m ON m.id = claim.membership_id\n         WHERE u.code = NEW.answered_by AND u.id IN (claim.claimant_id, m.person_id))\n               OR EXISTS (SELECT 1 FROM claims_recommendation\n                           WHERE claim_id = NEW.claim_id AND reviewer = NEW.answered_by)\n               OR EXISTS (SELECT 1 FROM claims_decision\n                           WHERE claim_id = NEW.claim_id AND decider = NEW.answered_by) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'objection_is_answered_by_another', MESSAGE = format('%s is concerned with this case', NEW.answered_by);\n            END IF;\n            IF NOT EXISTS (\n        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id\n         WHERE u.code = NEW.answered_by AND g.duty = 'second_reviewer' AND g.ended_at IS NULL AND g.pool_id = claim.pool_id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'reviewers_hold_their_duty', MESSAGE = format('%s is no second reviewer of this pool', NEW.answered_by);\n            END IF;\n            RETURN NEW;\n        ", hash='fb5abc00c99b8fabfe58bced4ef87034570704af', operation='UPDATE', pgid='pgtrigger_objection_is_answered_by_another_17857', table='claims_objection', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='objection',
            trigger=pgtrigger.compiler.Trigger(name='objections_are_kept', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'objection_is_permanent', MESSAGE = format('objections are never deleted');", hash='58e4c408185c47a4c10aabfd8449759741918703', level='STATEMENT', operation='DELETE OR TRUNCATE', pgid='pgtrigger_objections_are_kept_d6ce8', table='claims_objection', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='paperrequest',
            constraint=models.UniqueConstraint(fields=('claim', 'number'), name='one_request_per_number'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='paperrequest',
            trigger=pgtrigger.compiler.Trigger(name='paper_request_is_permanent', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'paper_request_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);", hash='be1b5f99f5d630a966e05ce0ef129396392e57b5', level='STATEMENT', operation='UPDATE OR DELETE', pgid='pgtrigger_paper_request_is_permanent_cf18d', table='claims_paperrequest', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='paperrequest',
            trigger=pgtrigger.compiler.Trigger(name='paper_request_is_permanent_whole', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'paper_request_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);", hash='63de4f17ca0529dfdb5df028799dc7d9a6370370', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_paper_request_is_permanent_whole_634cd', table='claims_paperrequest', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='recommendation',
            constraint=models.UniqueConstraint(fields=('claim', 'round'), name='one_recommendation_per_round'),
        ),
        migrations.AddConstraint(
            model_name='recommendation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('aid_fen__gt', 0), ('aid_fen__lt', 9007199254740992), ('outcome', 'approved')), models.Q(('aid_fen', 0), ('outcome__in', ['rejected', 'returned'])), _connector='OR'), models.Q(('outcome', 'returned'), _negated=True)), name='recommended_aid_fits_outcome'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='recommendation',
            trigger=pgtrigger.compiler.Trigger(name='recommendation_is_permanent', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'recommendation_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);", hash='d625e303e5d919a7828177900163f31714c8ddd4', level='STATEMENT', operation='UPDATE OR DELETE', pgid='pgtrigger_recommendation_is_permanent_a6c03', table='claims_recommendation', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='recommendation',
            trigger=pgtrigger.compiler.Trigger(name='recommendation_is_permanent_whole', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'recommendation_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);", hash='390bc496cc8e61c1f15a717fd8d080f62a50d8e0', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_recommendation_is_permanent_whole_771ec', table='claims_recommendation', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='recommendation',
            trigger=pgtrigger.compiler.Trigger(name='recommendation_fits_its_claim', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE claim record;', func="\n            IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;\n            IF EXISTS (\n        SELECT 1 FROM members_user u LEFT JOIN members_membership m ON m.id = claim.membership_id\n         WHERE u.code = NEW.reviewer AND u.id IN (claim.claimant_id, m.person_id)) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'reviewer_is_not_claimant', MESSAGE = format('%s would review the own claim', NEW.reviewer);\n            END IF;\n            IF NOT EXISTS (\n        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id\n         WHERE u.code = NEW.reviewer AND g.duty = 'reviewer' AND g.ended_at IS NULL AND g.pool_id = claim.pool_id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'reviewers_hold_their_duty', MESSAGE = format('%s is no reviewer of this pool', NEW.reviewer);\n            END IF;\n            IF claim.state <> 'under_review' OR NEW.round <> claim.round\n               OR NEW.reviewer IS DISTINCT FROM (SELECT code FROM members_user WHERE id = claim.reviewer_id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'recommendation_fits_its_claim', MESSAGE = format('claim %s is not with %s', claim.code, NEW.reviewer);\n            END IF;\n            IF NEW.aid_fen > claim.aid_fen THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'recommended_aid_within_derived', MESSAGE = format('aid %s of at most %s', NEW.aid_fen, claim.aid_fen);\n            END IF;\n            RETURN NEW;\n        ", hash='8b0002fe26a7c08985a0f921dc779cac540fa6e5', operation='INSERT', pgid='pgtrigger_recommendation_fits_its_claim_f9f1b', table='claims_recommendation', when='BEFORE')),
        ),
    ]

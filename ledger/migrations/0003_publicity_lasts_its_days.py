
import aidplatform.lib.guards
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

# When a period was announced before this column was: its log says it. The guards would take the row for changed.
ANNOUNCED_AT = """
ALTER TABLE ledger_period DISABLE TRIGGER USER;
UPDATE ledger_period p SET announced_at = (convert_from(e.data, 'UTF8')::jsonb->>'at')::timestamptz
  FROM members_pool m, ledger_log g, ledger_logentry e
 WHERE m.id = p.pool_id AND g.code = m.code AND e.log_id = g.id
   AND e.type = 'period.announce' AND e.key = p.number::text;
ALTER TABLE ledger_period ENABLE TRIGGER USER;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0002_charges_and_their_shelves'),
        ('members', '0002_headcount_function'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='period',
            name='period_keeps_its_identity',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='period',
            name='period_starts_empty',
        ),
        migrations.AddField(
            model_name='period',
            name='announced_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(ANNOUNCED_AT, migrations.RunSQL.noop),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='period_keeps_its_identity', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE kept ledger_period;', func="\n            IF (NEW.pool_id, NEW.number, NEW.plan_version_id, NEW.opening_date, NEW.next_opening_date, NEW.publicity_date, NEW.publicity_end_date, NEW.charge_date, NEW.announced_at) IS DISTINCT FROM\n               (OLD.pool_id, OLD.number, OLD.plan_version_id, OLD.opening_date, OLD.next_opening_date, OLD.publicity_date, OLD.publicity_end_date, OLD.charge_date, OLD.announced_at) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_keeps_its_identity', MESSAGE = format('number, plan and dates of a period are fixed');\n            END IF;\n            IF OLD.as_of IS NOT NULL AND (NEW.as_of, NEW.headcount_recorded_at, NEW.headcount) IS DISTINCT FROM\n                                         (OLD.as_of, OLD.headcount_recorded_at, OLD.headcount) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'headcount_is_frozen', MESSAGE = format('the headcount is taken once');\n            END IF;\n            IF OLD.state IN ('approved', 'posting', 'posted') AND\n               (NEW.pool_id, NEW.number, NEW.plan_version_id, NEW.publicity_date, NEW.charge_date, NEW.headcount, NEW.cases, NEW.aid_fen, NEW.fee_fen, NEW.other_costs_fen, NEW.reserve_contribution_fen, NEW.reserve_drawn_fen, NEW.sponsor_fen, NEW.other_income_fen, NEW.carry_in_fen, NEW.carry_out_fen, NEW.need_fen, NEW.assessed_fen, NEW.classes, NEW.books_upto_no, NEW.prepared_by, NEW.approved_by, NEW.approved_at, NEW.approved_sha256) IS DISTINCT FROM\n               (OLD.pool_id, OLD.number, OLD.plan_version_id, OLD.publicity_date, OLD.charge_date, OLD.headcount, OLD.cases, OLD.aid_fen, OLD.fee_fen, OLD.other_costs_fen, OLD.reserve_contribution_fen, OLD.reserve_drawn_fen, OLD.sponsor_fen, OLD.other_income_fen, OLD.carry_in_fen, OLD.carry_out_fen, OLD.need_fen, OLD.assessed_fen, OLD.classes, OLD.books_upto_no, OLD.prepared_by, OLD.approved_by, OLD.approved_at, OLD.approved_sha256) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'approved_figures_are_fixed', MESSAGE = format('figures of an approved period never change');\n            END IF;\n            -- The announcement of its charges is the one thing that still comes to a posted period, once.\n            kept := NEW;\n            kept.charges_notified_at := OLD.charges_notified_at;\n            IF OLD.state = 'posted' AND (kept IS DISTINCT FROM OLD\n               OR OLD.charges_notified_at IS NOT NULL AND NEW.charges_notified_at IS DISTINCT FROM OLD.charges_notified_at) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'posted_period_is_permanent', MESSAGE = format('a posted period never changes');\n            END IF;\n            RETURN NEW;\n        ", hash='76ad2b946d7df49ba5a26fecd4f4f4a169af6b32', operation='UPDATE', pgid='pgtrigger_period_keeps_its_identity_62625', table='ledger_period', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='period_starts_empty', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE last record;', func="\n            IF num_nonnulls(NEW.as_of, NEW.headcount_recorded_at, NEW.headcount, NEW.cases, NEW.aid_fen, NEW.fee_fen, NEW.other_costs_fen, NEW.reserve_contribution_fen, NEW.reserve_drawn_fen, NEW.sponsor_fen, NEW.other_income_fen, NEW.carry_in_fen, NEW.carry_out_fen, NEW.need_fen, NEW.assessed_fen, NEW.classes, NEW.books_upto_no, NEW.prepared_by, NEW.prepared_at, NEW.approved_by, NEW.approved_at, NEW.approved_sha256, NEW.charged_members, NEW.charged_fen, NEW.posted_at, NEW.charges_notified_at, NEW.entry_id, NEW.announced_at) > 0 OR NEW.computations <> 0 THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_starts_empty', MESSAGE = format('period %s brings figures or people along', NEW.number);\n            END IF;\n            IF NOT EXISTS (SELECT 1 FROM members_planversion WHERE id = NEW.plan_version_id AND pool_id = NEW.pool_id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_starts_empty', MESSAGE = format('period %s follows the plan of another pool', NEW.number);\n            END IF;\n            SELECT number, next_opening_date INTO last FROM ledger_period\n             WHERE pool_id = NEW.pool_id ORDER BY number DESC LIMIT 1;\n            IF NEW.number <> coalesce(last.number, 0) + 1\n               OR NEW.opening_date <> coalesce(last.next_opening_date, NEW.opening_date) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_follows_last', MESSAGE = format('period %s from %s does not join the last', NEW.number, NEW.opening_date);\n            END IF;\n            RETURN NEW;\n        ", hash='f1c9b59e96fc79f2706ea860a4f6048245840a55', operation='INSERT', pgid='pgtrigger_period_starts_empty_53133', table='ledger_period', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='publicity_lasts_its_days', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE ends_date date;', func="\n            IF NEW.state <> 'announced' OR OLD.state = 'announced' THEN\n                RETURN NEW;\n            END IF;\n            -- A day counts when the cases were public before its noon.\n            SELECT (aid_now() AT TIME ZONE p.time_zone + interval '12 hours')::date + (v.terms#>>'{calendar,publicity_days}')::int INTO ends_date\n              FROM members_pool p, members_planversion v WHERE p.id = NEW.pool_id AND v.id = NEW.plan_version_id;\n            IF ends_date IS NULL THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'publicity_lasts_its_days', MESSAGE = format('the plan of period %s does not say how long publicity lasts', NEW.number);\n            END IF;\n            NEW.announced_at := aid_now();\n            NEW.publicity_end_date := greatest(OLD.publicity_end_date, ends_date);\n            NEW.charge_date := OLD.charge_date + (NEW.publicity_end_date - OLD.publicity_end_date);\n            RETURN NEW;\n        ", hash='1d0ee202ac8422c3dce3f3496a6b9b8ac5954427', operation='UPDATE', pgid='pgtrigger_publicity_lasts_its_days_795ba', table='ledger_period', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['opened', 'frozen']), ('announced_at__isnull', False), _connector='OR'), name='announced_period_says_when'),
        ),
    ]

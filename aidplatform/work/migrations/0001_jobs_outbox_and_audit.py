

import aidplatform.lib.guards
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(max_length=80)),
                ('key', models.CharField(max_length=80)),
                ('fingerprint', models.CharField(max_length=64)),
                ('answer', models.JSONField(null=True)),
                ('created_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Installation',
            fields=[
                ('id', models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('demo', models.BooleanField()),
                ('clock_at', models.DateTimeField(null=True)),
                ('clock_offset', models.DurationField(null=True)),
                ('demo_ready', models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=60)),
                ('key', models.CharField(max_length=120)),
                ('payload', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('stuck', 'Stuck')], default='queued', max_length=10)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('failures', models.PositiveSmallIntegerField(default=0)),
                ('takeovers', models.PositiveSmallIntegerField(default=0)),
                ('lease_until', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField()),
                ('last_error', models.TextField(blank=True)),
                ('result', models.JSONField(null=True)),
                ('actor', models.CharField(max_length=40)),
                ('created_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='OutboxMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('task', models.CharField(max_length=80)),
                ('arguments', models.JSONField(default=list)),
                ('created_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('actor', models.CharField(max_length=40)),
                ('action', models.CharField(max_length=60)),
                ('subject', models.CharField(max_length=80)),
                ('detail', models.JSONField(default=dict)),
            ],
            options={
                'indexes': [models.Index(models.F('subject'), models.OrderBy(models.F('id'), descending=True), name='audit_subject')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='auditentry',
            trigger=pgtrigger.compiler.Trigger(name='audit_is_permanent', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'audit_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);", hash='4d219bb3d60e338da75781e8d00cd0446b40dcf6', level='STATEMENT', operation='UPDATE OR DELETE', pgid='pgtrigger_audit_is_permanent_1112a', table='work_auditentry', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='auditentry',
            trigger=pgtrigger.compiler.Trigger(name='audit_is_permanent_whole', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'audit_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);", hash='45e2286bc317286d9c13f843d2d7260ad18e21d5', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_audit_is_permanent_whole_8ee2b', table='work_auditentry', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='idempotencykey',
            constraint=models.UniqueConstraint(fields=('scope', 'key'), name='one_answer_per_request'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='idempotencykey',
            trigger=pgtrigger.compiler.Trigger(name='first_answer_stays', sql=aidplatform.lib.guards.GuardSql(func="\n                    IF OLD.answer IS NOT NULL AND NEW IS DISTINCT FROM OLD THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'first_answer_stays', MESSAGE = format('request %s is answered', OLD.key);\n                    END IF;\n                    RETURN NEW;\n                ", hash='3562a515d7394c7968e1b379c075bd5d0478d4f3', operation='UPDATE', pgid='pgtrigger_first_answer_stays_d2f37', table='work_idempotencykey', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='installation',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='one_installation_row'),
        ),
        migrations.AddConstraint(
            model_name='installation',
            constraint=models.CheckConstraint(condition=models.Q(('demo', True), models.Q(('clock_at', None), ('clock_offset', None), ('demo_ready', False)), _connector='OR'), name='real_clock_is_not_moved'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='installation',
            trigger=pgtrigger.compiler.Trigger(name='demo_stays_demo', sql=aidplatform.lib.guards.GuardSql(func="\n                    IF TG_OP = 'DELETE' OR NEW.demo <> OLD.demo THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'demo_stays_demo', MESSAGE = format('a demonstration and a real database are never exchanged');\n                    END IF;\n                    RETURN NEW;\n                ", hash='c2e25247990d0901c552060917950f8cbe5b8171', operation='UPDATE OR DELETE', pgid='pgtrigger_demo_stays_demo_a4023', table='work_installation', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('state__in', ['queued', 'running'])), fields=['due_at'], name='job_due'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.UniqueConstraint(fields=('kind', 'key'), name='one_job_per_kind_and_key'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'running'), _negated=True), ('lease_until__isnull', False), _connector='OR'), name='running_job_has_a_lease'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='job',
            trigger=pgtrigger.compiler.Trigger(name='job_state_follows_order', sql=aidplatform.lib.guards.GuardSql(func="\n            IF TG_OP = 'INSERT' THEN\n                IF NEW.state <> 'queued' THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'job_state_follows_order', MESSAGE = format('state starts at queued, not at %s', NEW.state);\n                END IF;\n                RETURN NEW;\n            END IF;\n            IF OLD.state = NEW.state OR (OLD.state = 'queued' AND NEW.state IN ('running', 'stuck')) OR (OLD.state = 'running' AND NEW.state IN ('queued', 'done', 'stuck')) OR (OLD.state = 'stuck' AND NEW.state IN ('queued')) THEN\n                RETURN NEW;\n            END IF;\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'job_state_follows_order', MESSAGE = format('state goes from %s to %s in no plan', OLD.state, NEW.state);\n        ", hash='bdc3126a6e14c3ecbe124fafafea6265e915c63a', operation='INSERT OR UPDATE', pgid='pgtrigger_job_state_follows_order_904f6', table='work_job', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='job',
            trigger=pgtrigger.compiler.Trigger(name='job_attempt_only_grows', sql=aidplatform.lib.guards.GuardSql(func="\n                    IF NEW.attempt < OLD.attempt THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'job_attempt_only_grows', MESSAGE = format('attempt %s after %s', NEW.attempt, OLD.attempt);\n                    END IF;\n                    RETURN NEW;\n                ", hash='f86ead2df95dfab73a4324006617ba7964e7f434', operation='UPDATE', pgid='pgtrigger_job_attempt_only_grows_fabf3', table='work_job', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='outboxmessage',
            index=models.Index(condition=models.Q(('sent_at', None)), fields=['id'], name='outbox_unsent'),
        ),
    ]

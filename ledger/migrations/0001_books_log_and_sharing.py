

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
            name='Collection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('membership_id', models.BigIntegerField()),
                ('pool_id', models.BigIntegerField()),
                ('period_no', models.IntegerField()),
                ('amount_fen', models.BigIntegerField()),
                ('recorded_by', models.CharField(max_length=40)),
                ('at', models.DateTimeField()),
            ],
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
            name='LogEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seq', models.PositiveBigIntegerField()),
                ('type', models.CharField(max_length=20)),
                ('key', models.CharField(max_length=120)),
                ('data', models.BinaryField()),
                ('leaf_hash', models.BinaryField()),
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
            ],
        ),
        migrations.CreateModel(
            name='PaymentOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('kind', models.CharField(choices=[('aid', 'aid'), ('refund', 'refund'), ('fee', 'management fee')], max_length=8)),
                ('amount_fen', models.BigIntegerField()),
                ('payee_name', models.BinaryField()),
                ('payee_account', models.BinaryField()),
                ('payee_hash', models.BinaryField(max_length=32)),
                ('payee_hint', models.CharField(max_length=12)),
                ('shown_sha256', models.CharField(max_length=64, null=True)),
                ('state', models.CharField(choices=[('ordered', 'ordered'), ('released', 'released'), ('confirmed', 'paid'), ('cancelled', 'cancelled'), ('returned', 'returned by the bank')], default='ordered', max_length=10)),
                ('ordered_by', models.CharField(max_length=40)),
                ('ordered_at', models.DateTimeField()),
                ('released_by', models.CharField(max_length=40, null=True)),
                ('released_at', models.DateTimeField(null=True)),
                ('released_sha256', models.CharField(max_length=64, null=True)),
                ('cancelled_by', models.CharField(max_length=40, null=True)),
                ('cancelled_at', models.DateTimeField(null=True)),
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
                ('books_upto_no', models.PositiveBigIntegerField(null=True)),
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
                ('charges_notified_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Posting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('side', models.CharField(choices=[('D', 'Debit'), ('C', 'Credit')], max_length=1)),
                ('amount_fen', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='StatementLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('line_no', models.PositiveIntegerField()),
                ('booking_date', models.DateField()),
                ('direction', models.CharField(choices=[('in', 'in'), ('out', 'out')], max_length=3)),
                ('amount_fen', models.BigIntegerField()),
                ('kind', models.CharField(choices=[('collection', 'share paid'), ('unidentified', 'unidentified receipt'), ('returned', 'payment returned'), ('interest', 'interest'), ('payment', 'payment made'), ('chargeback', 'share charged back'), ('bank_fee', 'bank charge'), ('unexplained', 'debit to explain')], max_length=12)),
                ('membership_id', models.BigIntegerField(null=True)),
                ('bank_reference', models.CharField(blank=True, max_length=140)),
                ('counterparty', models.BinaryField()),
                ('text', models.CharField(blank=True, max_length=500)),
                ('content_hash', models.BinaryField(max_length=32)),
                ('twin_no', models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='StatementUpload',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sha256', models.CharField(max_length=64)),
                ('filename', models.CharField(max_length=120)),
                ('content', models.BinaryField()),
                ('uploaded_by', models.CharField(max_length=40)),
                ('uploaded_at', models.DateTimeField()),
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
        migrations.CreateModel(
            name='Award',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=40)),
                ('claim_code', models.CharField(max_length=40)),
                ('masked', models.JSONField()),
                ('aid_fen', models.BigIntegerField()),
                ('state', models.CharField(choices=[('announced', 'in publicity'), ('final', 'final'), ('shared', 'shared'), ('withdrawn', 'withdrawn')], default='announced', max_length=12)),
                ('is_held', models.BooleanField(db_default=False, default=False)),
                ('announced_at', models.DateTimeField()),
                ('announced_by', models.CharField(max_length=40)),
                ('pool', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='awards', to='members.pool')),
            ],
        ),
        migrations.CreateModel(
            name='BankAccount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('bank_name', models.CharField(max_length=80)),
                ('holder_name', models.CharField(max_length=80)),
                ('number', models.CharField(max_length=34, unique=True)),
                ('opened_by', models.CharField(max_length=40)),
                ('opened_at', models.DateTimeField()),
                ('pool', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='bank_account', to='members.pool')),
            ],
        ),
        migrations.CreateModel(
            name='BankStatement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('bank_number', models.CharField(blank=True, max_length=40)),
                ('format', models.CharField(choices=[('camt.053', 'camt.053'), ('csv', 'CSV')], max_length=10)),
                ('from_date', models.DateField()),
                ('to_date', models.DateField()),
                ('opening_fen', models.BigIntegerField()),
                ('closing_fen', models.BigIntegerField()),
                ('line_count', models.PositiveIntegerField()),
                ('dropped_lines', models.PositiveIntegerField(default=0)),
                ('sha256', models.CharField(max_length=64)),
                ('imported_by', models.CharField(max_length=40)),
                ('imported_at', models.DateTimeField()),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='statements', to='ledger.bankaccount')),
            ],
        ),
        migrations.AddField(
            model_name='account',
            name='book',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='ledger.book'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='book',
            trigger=pgtrigger.compiler.Trigger(name='book_starts_empty', sql=aidplatform.lib.guards.GuardSql(func="\n            IF NEW.last_entry_no <> 0 THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'book_starts_empty', MESSAGE = format('%s entries in a new book', NEW.last_entry_no);\n            END IF;\n            RETURN NEW;\n        ", hash='b437bf44c49dcedca304ee7d94ed9332e77d96d9', operation='INSERT', pgid='pgtrigger_book_starts_empty_ef648', table='ledger_book', when='BEFORE')),
        ),
        migrations.AddField(
            model_name='journalentry',
            name='book',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='ledger.book'),
        ),
        migrations.AddField(
            model_name='journalentry',
            name='reverses',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversed_by', to='ledger.journalentry'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='log',
            trigger=pgtrigger.compiler.Trigger(name='log_starts_empty', sql=aidplatform.lib.guards.GuardSql(func="\n            IF NEW.size <> 0 THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'log_starts_empty', MESSAGE = format('%s entries in a new log', NEW.size);\n            END IF;\n            RETURN NEW;\n        ", hash='b786cf262589dd1b3c80313f76cd5fef372ae079', operation='INSERT', pgid='pgtrigger_log_starts_empty_8015c', table='ledger_log', when='BEFORE')),
        ),
        migrations.AddField(
            model_name='logentry',
            name='log',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='ledger.log'),
        ),
        migrations.AddField(
            model_name='paymentorder',
            name='award',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='payment_orders', to='ledger.award'),
        ),
        migrations.AddField(
            model_name='paymentorder',
            name='pool',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payment_orders', to='members.pool'),
        ),
        migrations.AddField(
            model_name='period',
            name='entry',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='period', to='ledger.journalentry'),
        ),
        migrations.AddField(
            model_name='period',
            name='plan_version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='periods', to='members.planversion'),
        ),
        migrations.AddField(
            model_name='period',
            name='pool',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='periods', to='members.pool'),
        ),
        migrations.AddField(
            model_name='paymentorder',
            name='period',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='fee_orders', to='ledger.period'),
        ),
        migrations.AddField(
            model_name='manifestline',
            name='period',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='manifest', to='ledger.period'),
        ),
        migrations.AddField(
            model_name='award',
            name='period',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='awards', to='ledger.period'),
        ),
        migrations.AddField(
            model_name='posting',
            name='account',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='ledger.account'),
        ),
        migrations.AddField(
            model_name='posting',
            name='entry',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='ledger.journalentry'),
        ),
        migrations.AddField(
            model_name='statementline',
            name='account',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='ledger.bankaccount'),
        ),
        migrations.AddField(
            model_name='statementline',
            name='statement',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='ledger.bankstatement'),
        ),
        migrations.AddField(
            model_name='paymentorder',
            name='confirmed_line',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='confirms', to='ledger.statementline'),
        ),
        migrations.AddField(
            model_name='paymentorder',
            name='receipt',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='ledger.statementline'),
        ),
        migrations.AddField(
            model_name='paymentorder',
            name='returned_line',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='returns', to='ledger.statementline'),
        ),
        migrations.AddField(
            model_name='collection',
            name='line',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='collections', to='ledger.statementline'),
        ),
        migrations.AddField(
            model_name='statementupload',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='uploads', to='ledger.bankaccount'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='bankaccount',
            trigger=pgtrigger.compiler.Trigger(name='bank_account_is_permanent', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'bank_account_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);", hash='67416673b3d3808bf7d94a702f61359aeaa47fc9', level='STATEMENT', operation='UPDATE OR DELETE', pgid='pgtrigger_bank_account_is_permanent_570c1', table='ledger_bankaccount', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='bankaccount',
            trigger=pgtrigger.compiler.Trigger(name='bank_account_is_permanent_whole', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'bank_account_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);", hash='0231631d4f840bbdce715532675f46674f337af2', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_bank_account_is_permanent_whole_0bc8a', table='ledger_bankaccount', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='bankaccount',
            trigger=pgtrigger.compiler.Trigger(name='bank_account_has_books', sql=aidplatform.lib.guards.GuardSql(func="\n            IF NOT EXISTS (SELECT 1 FROM ledger_book b JOIN members_pool p ON p.code = b.code WHERE p.id = NEW.pool_id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'bank_account_has_books', MESSAGE = format('pool %s has no books', NEW.pool_id);\n            END IF;\n            RETURN NEW;\n        ", hash='c2c187fa820bc35326985601cf878a285d6cf281', operation='INSERT', pgid='pgtrigger_bank_account_has_books_6b6eb', table='ledger_bankaccount', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='bankstatement',
            constraint=models.UniqueConstraint(fields=('account', 'number'), name='one_statement_per_number'),
        ),
        migrations.AddConstraint(
            model_name='bankstatement',
            constraint=models.UniqueConstraint(fields=('account', 'sha256'), name='one_statement_per_file'),
        ),
        migrations.AddConstraint(
            model_name='bankstatement',
            constraint=models.CheckConstraint(condition=models.Q(('from_date__lt', models.F('to_date'))), name='statement_covers_days'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='bankstatement',
            trigger=pgtrigger.compiler.Trigger(name='statement_is_permanent', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'statement_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);", hash='63977eddfddac3fef9447ac8b1d15e27c67e39c4', level='STATEMENT', operation='UPDATE OR DELETE', pgid='pgtrigger_statement_is_permanent_a87ef', table='ledger_bankstatement', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='bankstatement',
            trigger=pgtrigger.compiler.Trigger(name='statement_is_permanent_whole', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'statement_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);", hash='922b62827963124903a6a1dc2922eca067b633b4', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_statement_is_permanent_whole_26495', table='ledger_bankstatement', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='bankstatement',
            trigger=pgtrigger.compiler.Trigger(name='statement_follows_last', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE last record; pool bigint; booked bigint;', func="\n            IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n            PERFORM 1 FROM ledger_bankaccount WHERE id = NEW.account_id FOR NO KEY UPDATE;\n            SELECT pool_id INTO pool FROM ledger_bankaccount WHERE id = NEW.account_id;\n            IF NOT EXISTS (\n        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id\n         WHERE u.code = NEW.imported_by AND g.duty = 'treasurer' AND g.ended_at IS NULL AND g.pool_id = pool) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'custody_people_hold_their_duty', MESSAGE = format('%s is no treasurer', NEW.imported_by);\n            END IF;\n            SELECT number, to_date, closing_fen INTO last FROM ledger_bankstatement\n             WHERE account_id = NEW.account_id ORDER BY number DESC LIMIT 1;\n            booked := (SELECT b.debit_fen - b.credit_fen FROM ledger_accountbalance b JOIN ledger_account a ON a.id = b.account_id\n                 JOIN ledger_book k ON k.id = a.book_id JOIN members_pool p ON p.code = k.code\n                WHERE p.id = pool AND a.code = '101');\n            NEW.number := coalesce(last.number, 0) + 1;\n            IF NEW.from_date <> coalesce(last.to_date, NEW.from_date)\n               OR NEW.opening_fen <> coalesce(last.closing_fen, booked) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'statement_follows_last', MESSAGE = format('from %s with %s; the last one ends at %s with %s', NEW.from_date, NEW.opening_fen, last.to_date, coalesce(last.closing_fen, booked));\n            END IF;\n            RETURN NEW;\n        ", hash='f29b1a4d79bab2f15867855e4b16a79b62c5a3e2', operation='INSERT', pgid='pgtrigger_statement_follows_last_73c09', table='ledger_bankstatement', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='bankstatement',
            trigger=pgtrigger.compiler.Trigger(name='custody_equals_bank', sql=aidplatform.lib.guards.GuardSql(constraint='CONSTRAINT', declare='DECLARE lines record; booked bigint;', func="\n            SELECT count(*) AS lines, coalesce(sum(CASE direction WHEN 'in' THEN amount_fen ELSE -amount_fen END), 0) AS moved\n              INTO lines FROM ledger_statementline WHERE statement_id = NEW.id;\n            IF lines.lines <> NEW.line_count OR NEW.opening_fen + lines.moved <> NEW.closing_fen THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'statement_adds_up', MESSAGE = format('opening %s + lines %s, closing %s', NEW.opening_fen, lines.moved, NEW.closing_fen);\n            END IF;\n            IF EXISTS (SELECT 1 FROM ledger_bankstatement WHERE account_id = NEW.account_id AND number > NEW.number) THEN\n                RETURN NULL;\n            END IF;\n            booked := (SELECT b.debit_fen - b.credit_fen FROM ledger_accountbalance b JOIN ledger_account a ON a.id = b.account_id\n                 JOIN ledger_book k ON k.id = a.book_id JOIN members_pool p ON p.code = k.code\n                WHERE p.id = (SELECT pool_id FROM ledger_bankaccount WHERE id = NEW.account_id) AND a.code = '101');\n            IF booked <> NEW.closing_fen THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'custody_equals_bank', MESSAGE = format('bank %s, ledger %s', NEW.closing_fen, booked);\n            END IF;\n            RETURN NULL;\n        ", hash='71d0532a9715ab3ae447ba56421eae448ddf6871', operation='INSERT', pgid='pgtrigger_custody_equals_bank_3ed30', table='ledger_bankstatement', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
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
            trigger=pgtrigger.compiler.Trigger(name='account_is_in_the_chart', sql=aidplatform.lib.guards.GuardSql(func="\n            IF (NEW.code::text, NEW.kind::text, NEW.normal_side::text, NEW.never_negative) NOT IN (VALUES ('101', 'asset', 'D', false), ('102', 'asset', 'D', false), ('110', 'asset', 'D', true), ('120', 'asset', 'D', true), ('130', 'asset', 'D', false), ('140', 'asset', 'D', false), ('201', 'liability', 'C', true), ('210', 'liability', 'C', true), ('220', 'liability', 'C', true), ('230', 'liability', 'C', true), ('240', 'liability', 'C', true), ('250', 'liability', 'C', false), ('260', 'liability', 'C', true), ('270', 'liability', 'C', false), ('280', 'liability', 'C', false), ('401', 'income', 'C', false), ('410', 'income', 'C', false), ('501', 'expense', 'D', false), ('510', 'expense', 'D', false), ('520', 'expense', 'D', false), ('530', 'expense', 'D', false), ('540', 'expense', 'D', false)) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'account_is_in_the_chart', MESSAGE = format('no account %s of this kind', NEW.code);\n            END IF;\n            RETURN NEW;\n        ", hash='7fcd71043621080a767457b5a7d268d65a856323', operation='INSERT', pgid='pgtrigger_account_is_in_the_chart_a4557', table='ledger_account', when='BEFORE')),
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
        migrations.AddConstraint(
            model_name='journalentry',
            constraint=models.CheckConstraint(condition=models.Q(('reverses', None), models.Q(('checker', ''), _negated=True), _connector='OR'), name='reversal_needs_two_people'),
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
            trigger=pgtrigger.compiler.Trigger(name='one_reversal_per_entry', sql=aidplatform.lib.guards.GuardSql(func="\n            IF EXISTS (SELECT 1 FROM ledger_journalentry WHERE reverses_id = NEW.reverses_id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'one_reversal_per_entry', MESSAGE = format('entry %s is reversed already', NEW.reverses_id);\n            END IF;\n            RETURN NEW;\n        ", hash='ad86360b54250ba2421969110cf6c9bc3b6250dc', operation='INSERT', pgid='pgtrigger_one_reversal_per_entry_b11cc', table='ledger_journalentry', when='BEFORE')),
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
            trigger=pgtrigger.compiler.Trigger(name='log_entry_follows_last', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE next_seq bigint; code text; envelope jsonb;', func="\n            UPDATE ledger_log SET size = size + 1 WHERE id = NEW.log_id\n            RETURNING size - 1, ledger_log.code INTO next_seq, code;\n            IF NEW.seq <> next_seq THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'log_entry_follows_last', MESSAGE = format('entry %s where %s is next', NEW.seq, next_seq);\n            END IF;\n            envelope := convert_from(NEW.data, 'UTF8')::jsonb;\n            -- IS DISTINCT FROM, because a part that is missing must not make the whole test unknown.\n            IF (envelope->>'v', envelope->>'seq', envelope->>'type', envelope->>'pool')\n               IS DISTINCT FROM ('1', NEW.seq::text, NEW.type::text, code)\n               OR envelope->>'at' IS NULL OR jsonb_typeof(envelope->'body') IS DISTINCT FROM 'object'\n               OR octet_length(NEW.data) > 65535\n               OR NEW.leaf_hash <> sha256('\\x00'::bytea || NEW.data) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'log_entry_says_what_it_is', MESSAGE = format('bytes, hash and columns of entry %s differ', NEW.seq);\n            END IF;\n            RETURN NEW;\n        ", hash='fbf7e7a054940561585c15cdc183abdb13ec3bd5', operation='INSERT', pgid='pgtrigger_log_entry_follows_last_078f4', table='ledger_logentry', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='logentry',
            trigger=pgtrigger.compiler.Trigger(name='log_states_entries_as_posted', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE body jsonb;', func="\n            IF NEW.type <> 'book.entry' THEN\n                RETURN NULL;\n            END IF;\n            body := convert_from(NEW.data, 'UTF8')::jsonb->'body';\n            IF NOT EXISTS (\n                SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id\n                  JOIN ledger_log g ON g.code = b.code\n                  LEFT JOIN ledger_journalentry r ON r.id = e.reverses_id\n                 WHERE g.id = NEW.log_id AND e.number::text = NEW.key\n                   AND (body->>'number', body->>'key', body->>'kind', body->>'date', body->>'reverses')\n                       IS NOT DISTINCT FROM (e.number::text, e.key::text, e.kind::text,\n                                             to_char(e.entry_date, 'YYYY-MM-DD'), r.number::text)\n                   AND body->'postings' = (\n                       SELECT jsonb_agg(jsonb_build_array(a.code, p.side, p.amount_fen) ORDER BY a.code, p.side)\n                         FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id\n                        WHERE p.entry_id = e.id)\n            ) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'log_states_entries_as_posted', MESSAGE = format('there is no such entry %s in the books', NEW.key);\n            END IF;\n            RETURN NULL;\n        ", hash='38e53d96173f3cc171ed05fc02962061c319fd01', operation='INSERT', pgid='pgtrigger_log_states_entries_as_posted_83932', table='ledger_logentry', when='AFTER')),
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
            constraint=models.CheckConstraint(condition=models.Q(('state', 'opened'), models.Q(('as_of__isnull', False), ('headcount__gte', 0), ('headcount__isnull', False), ('headcount_recorded_at__isnull', False)), _connector='OR'), name='frozen_period_has_a_headcount'),
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
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['opened', 'frozen', 'announced', 'settled']), models.Q(('classes__isnull', False), ('prepared_at__isnull', False), ('prepared_by__isnull', False), ('aid_fen__isnull', False), ('assessed_fen__isnull', False), ('books_upto_no__isnull', False), ('carry_in_fen__isnull', False), ('carry_out_fen__isnull', False), ('cases__isnull', False), ('fee_fen__isnull', False), ('need_fen__isnull', False), ('other_costs_fen__isnull', False), ('other_income_fen__isnull', False), ('reserve_contribution_fen__isnull', False), ('reserve_drawn_fen__isnull', False), ('sponsor_fen__isnull', False)), _connector='OR'), name='computed_period_has_figures'),
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
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['opened', 'frozen', 'announced', 'settled', 'computed']), models.Q(('approved_at__isnull', False), ('approved_by__isnull', False), ('approved_sha256__isnull', False)), _connector='OR'), name='posting_needs_an_approval'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(('entry', None), ('state', 'posted'), _connector='OR'), name='only_a_posted_period_has_its_entry'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'posted'), _negated=True), models.Q(('charged_fen', models.F('assessed_fen')), ('charged_fen__isnull', False), ('charged_members', models.F('headcount')), ('charged_members__isnull', False), ('posted_at__isnull', False)), _connector='OR'), name='posted_charges_equal_assessed'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(('charges_notified_at', None), ('state', 'posted'), _connector='OR'), name='only_posted_charges_are_announced'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='period_state_follows_order', sql=aidplatform.lib.guards.GuardSql(func="\n            IF TG_OP = 'INSERT' THEN\n                IF NEW.state <> 'opened' THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_state_follows_order', MESSAGE = format('state starts at opened, not at %s', NEW.state);\n                END IF;\n                RETURN NEW;\n            END IF;\n            IF OLD.state = NEW.state OR (OLD.state = 'opened' AND NEW.state IN ('frozen')) OR (OLD.state = 'frozen' AND NEW.state IN ('announced')) OR (OLD.state = 'announced' AND NEW.state IN ('settled')) OR (OLD.state = 'settled' AND NEW.state IN ('computed')) OR (OLD.state = 'computed' AND NEW.state IN ('approved')) OR (OLD.state = 'approved' AND NEW.state IN ('posting')) OR (OLD.state = 'posting' AND NEW.state IN ('posted')) THEN\n                RETURN NEW;\n            END IF;\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_state_follows_order', MESSAGE = format('state goes from %s to %s in no plan', OLD.state, NEW.state);\n        ", hash='379b0ba4aaf2748af5faa90c42a56ef9eb784ee7', operation='INSERT OR UPDATE', pgid='pgtrigger_period_state_follows_order_833e3', table='ledger_period', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='period_keeps_its_identity', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE kept ledger_period;', func="\n            IF (NEW.pool_id, NEW.number, NEW.plan_version_id, NEW.opening_date, NEW.next_opening_date, NEW.publicity_date, NEW.publicity_end_date, NEW.charge_date) IS DISTINCT FROM\n               (OLD.pool_id, OLD.number, OLD.plan_version_id, OLD.opening_date, OLD.next_opening_date, OLD.publicity_date, OLD.publicity_end_date, OLD.charge_date) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_keeps_its_identity', MESSAGE = format('number, plan and dates of a period are fixed');\n            END IF;\n            IF OLD.as_of IS NOT NULL AND (NEW.as_of, NEW.headcount_recorded_at, NEW.headcount) IS DISTINCT FROM\n                                         (OLD.as_of, OLD.headcount_recorded_at, OLD.headcount) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'headcount_is_frozen', MESSAGE = format('the headcount is taken once');\n            END IF;\n            IF OLD.state IN ('approved', 'posting', 'posted') AND\n               (NEW.pool_id, NEW.number, NEW.plan_version_id, NEW.publicity_date, NEW.charge_date, NEW.headcount, NEW.cases, NEW.aid_fen, NEW.fee_fen, NEW.other_costs_fen, NEW.reserve_contribution_fen, NEW.reserve_drawn_fen, NEW.sponsor_fen, NEW.other_income_fen, NEW.carry_in_fen, NEW.carry_out_fen, NEW.need_fen, NEW.assessed_fen, NEW.classes, NEW.books_upto_no, NEW.prepared_by, NEW.approved_by, NEW.approved_at, NEW.approved_sha256) IS DISTINCT FROM\n               (OLD.pool_id, OLD.number, OLD.plan_version_id, OLD.publicity_date, OLD.charge_date, OLD.headcount, OLD.cases, OLD.aid_fen, OLD.fee_fen, OLD.other_costs_fen, OLD.reserve_contribution_fen, OLD.reserve_drawn_fen, OLD.sponsor_fen, OLD.other_income_fen, OLD.carry_in_fen, OLD.carry_out_fen, OLD.need_fen, OLD.assessed_fen, OLD.classes, OLD.books_upto_no, OLD.prepared_by, OLD.approved_by, OLD.approved_at, OLD.approved_sha256) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'approved_figures_are_fixed', MESSAGE = format('figures of an approved period never change');\n            END IF;\n            -- The announcement of its charges is the one thing that still comes to a posted period, once.\n            kept := NEW;\n            kept.charges_notified_at := OLD.charges_notified_at;\n            IF OLD.state = 'posted' AND (kept IS DISTINCT FROM OLD\n               OR OLD.charges_notified_at IS NOT NULL AND NEW.charges_notified_at IS DISTINCT FROM OLD.charges_notified_at) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'posted_period_is_permanent', MESSAGE = format('a posted period never changes');\n            END IF;\n            RETURN NEW;\n        ", hash='86f58c7d06142b9f44da1c7bd72416272bebe03d', operation='UPDATE', pgid='pgtrigger_period_keeps_its_identity_62625', table='ledger_period', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='period_starts_empty', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE last record;', func="\n            IF num_nonnulls(NEW.as_of, NEW.headcount_recorded_at, NEW.headcount, NEW.cases, NEW.aid_fen, NEW.fee_fen, NEW.other_costs_fen, NEW.reserve_contribution_fen, NEW.reserve_drawn_fen, NEW.sponsor_fen, NEW.other_income_fen, NEW.carry_in_fen, NEW.carry_out_fen, NEW.need_fen, NEW.assessed_fen, NEW.classes, NEW.books_upto_no, NEW.prepared_by, NEW.prepared_at, NEW.approved_by, NEW.approved_at, NEW.approved_sha256, NEW.charged_members, NEW.charged_fen, NEW.posted_at, NEW.charges_notified_at, NEW.entry_id) > 0 OR NEW.computations <> 0 THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_starts_empty', MESSAGE = format('period %s brings figures or people along', NEW.number);\n            END IF;\n            IF NOT EXISTS (SELECT 1 FROM members_planversion WHERE id = NEW.plan_version_id AND pool_id = NEW.pool_id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_starts_empty', MESSAGE = format('period %s follows the plan of another pool', NEW.number);\n            END IF;\n            SELECT number, next_opening_date INTO last FROM ledger_period\n             WHERE pool_id = NEW.pool_id ORDER BY number DESC LIMIT 1;\n            IF NEW.number <> coalesce(last.number, 0) + 1\n               OR NEW.opening_date <> coalesce(last.next_opening_date, NEW.opening_date) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_follows_last', MESSAGE = format('period %s from %s does not join the last', NEW.number, NEW.opening_date);\n            END IF;\n            RETURN NEW;\n        ", hash='1d4b437d2c4dfb26a718be1cdaffde89c13475d2', operation='INSERT', pgid='pgtrigger_period_starts_empty_53133', table='ledger_period', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='publicity_runs_its_course', sql=aidplatform.lib.guards.GuardSql(func="\n            IF NEW.state = 'settled' AND OLD.state <> 'settled'\n               AND aid_now() < (SELECT NEW.publicity_end_date::timestamp AT TIME ZONE time_zone\n                                  FROM members_pool WHERE id = NEW.pool_id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'publicity_runs_its_course', MESSAGE = format('publicity ends on %s', NEW.publicity_end_date);\n            END IF;\n            RETURN NEW;\n        ", hash='b12f9f86085bea768bb4a53b365b97d55e403259', operation='UPDATE', pgid='pgtrigger_publicity_runs_its_course_b3712', table='ledger_period', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='period_figures_follow_their_sources', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE plan jsonb; rate numeric[]; last record; book record; payers record; want record;', func="\n    IF NOT (NEW.state = 'computed' AND OLD.state IN ('settled', 'computed') OR NEW.state = 'approved' AND OLD.state = 'computed') THEN\n        RETURN NEW;\n    END IF;\n    IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n    SELECT terms INTO plan FROM members_planversion WHERE id = NEW.plan_version_id;\n    \n    SELECT count(*)::int AS cases, coalesce(sum(aid_fen), 0)::bigint AS aid,\n           count(*) FILTER (WHERE state <> 'final') AS waiting\n      INTO want FROM ledger_award WHERE period_id = NEW.id AND state <> 'withdrawn';\n    IF want.waiting > 0 OR (NEW.cases, NEW.aid_fen) IS DISTINCT FROM (want.cases, want.aid) THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_figures_follow_their_sources', MESSAGE = format('%s cases, aid %s; the final awards say %s and %s', NEW.cases, NEW.aid_fen, want.cases, want.aid);\n    END IF;\n    rate := string_to_array(plan#>>'{fee,rate}', '/')::numeric[];\n    SELECT least((plan#>>'{fee,ceiling_fen}')::numeric,\n                 coalesce((plan#>>'{fee,fixed_fen}')::numeric, 0)\n                 + div(rate[1] * NEW.aid_fen + rate[2] - 1, rate[2])) AS fee INTO want;\n    IF NEW.fee_fen IS DISTINCT FROM want.fee THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_figures_follow_their_sources', MESSAGE = format('fee %s; the plan says %s', NEW.fee_fen, want.fee);\n    END IF;\n\n    \n    IF EXISTS (SELECT 1 FROM ledger_period WHERE pool_id = NEW.pool_id AND number < NEW.number AND state <> 'posted') THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'periods_are_posted_in_order', MESSAGE = format('an earlier period than %s is not posted', NEW.number);\n    END IF;\n    SELECT coalesce(max(p.books_upto_no), 0) AS upto, coalesce(max(e.number), 0) AS entry_no INTO last\n      FROM ledger_period p LEFT JOIN ledger_journalentry e ON e.id = p.entry_id\n     WHERE p.pool_id = NEW.pool_id AND p.number < NEW.number;\n    SELECT b.id, b.last_entry_no INTO book FROM ledger_book b JOIN members_pool p ON p.code = b.code WHERE p.id = NEW.pool_id;\n    IF NEW.books_upto_no IS NULL OR NEW.books_upto_no NOT BETWEEN greatest(last.upto, last.entry_no) AND book.last_entry_no THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_figures_follow_their_sources', MESSAGE = format('books up to %s of %s', NEW.books_upto_no, book.last_entry_no);\n    END IF;\n    SELECT coalesce(-sum(net) FILTER (WHERE code = '240'), 0)::bigint AS carry,\n           coalesce(sum(net) FILTER (WHERE code = '120' AND kind IN ('write_off', 'bank_charge', 'waiting_refund')), 0)::bigint AS costs,\n           coalesce(-sum(net) FILTER (WHERE code = '240' AND kind IN ('other_income', 'interest')\n                                        AND number > last.upto), 0)::bigint AS income INTO want\n      FROM (SELECT a.code, e.number, coalesce(r.kind, e.kind) AS kind,\n                   CASE p.side WHEN 'D' THEN p.amount_fen ELSE -p.amount_fen END AS net\n              FROM ledger_account a JOIN ledger_posting p ON p.account_id = a.id\n              JOIN ledger_journalentry e ON e.id = p.entry_id LEFT JOIN ledger_journalentry r ON r.id = e.reverses_id\n             WHERE a.book_id = book.id AND e.number <= NEW.books_upto_no\n               AND (a.code = '240' OR (a.code = '120' AND e.number > last.upto))) moved;\n    IF (NEW.carry_in_fen, NEW.other_costs_fen, NEW.other_income_fen) IS DISTINCT FROM (want.carry, want.costs, want.income) THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_figures_follow_their_sources', MESSAGE = format('carry %s, costs %s, income %s; the books say %s, %s, %s', NEW.carry_in_fen, NEW.other_costs_fen, NEW.other_income_fen, want.carry, want.costs, want.income);\n    END IF;\n\n    \n    SELECT coalesce(sum(c.value::bigint * w.weight), 0) AS weight INTO payers\n      FROM ledger_manifestline l, jsonb_each_text(l.counts) c,\n           (SELECT (k->>'class_no')::int AS class_no, (k->>'weight')::numeric AS weight\n              FROM jsonb_array_elements(plan->'classes') k) w\n     WHERE l.period_id = NEW.id AND w.class_no = c.key::int;\n    SELECT coalesce(div(sum(greatest(0, a.aid_fen::numeric * (NEW.aid_fen + NEW.fee_fen) * lightest\n                                        - cap * payers.weight * NEW.aid_fen)), NEW.aid_fen * lightest), 0) AS excess\n      INTO want\n      FROM ledger_award a, (SELECT min((k->>'weight')::numeric) AS lightest, (plan->>'per_case_cap_fen')::numeric AS cap\n                              FROM jsonb_array_elements(plan->'classes') k) terms\n     WHERE a.period_id = NEW.id AND a.state <> 'withdrawn' AND payers.weight > 0\n     GROUP BY lightest, cap;\n    IF (NEW.sponsor_fen, NEW.reserve_contribution_fen, NEW.reserve_drawn_fen) IS DISTINCT FROM (coalesce(want.excess, 0)::bigint, 0::bigint, 0::bigint) THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_figures_follow_their_sources', MESSAGE = format('sponsor %s; the plan says %s, and it has no reserve', NEW.sponsor_fen, coalesce(want.excess, 0));\n    END IF;\n    IF NEW.need_fen IS DISTINCT FROM NEW.aid_fen + NEW.other_costs_fen + NEW.fee_fen - NEW.carry_in_fen - NEW.sponsor_fen THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_figures_follow_their_sources', MESSAGE = format('need %s does not follow from its parts', NEW.need_fen);\n    END IF;\n    SELECT coalesce(jsonb_agg(jsonb_build_object('class_no', class_no, 'weight', weight, 'members', members,\n                                                 'share_fen', share) ORDER BY class_no), '[]') AS classes,\n           coalesce(sum(members * share), 0) AS assessed INTO want\n      FROM (SELECT c.key::int AS class_no, w.weight, sum(c.value::bigint) AS members,\n                   CASE WHEN NEW.need_fen > 0\n                        THEN div(NEW.need_fen * w.weight + payers.weight - 1, payers.weight) ELSE 0 END AS share\n              FROM ledger_manifestline l, jsonb_each_text(l.counts) c,\n                   (SELECT (k->>'class_no')::int AS class_no, (k->>'weight')::numeric AS weight\n                      FROM jsonb_array_elements(plan->'classes') k) w\n             WHERE l.period_id = NEW.id AND w.class_no = c.key::int GROUP BY 1, 2) shared;\n    IF (NEW.classes, NEW.assessed_fen) IS DISTINCT FROM (want.classes, want.assessed::bigint) THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_figures_follow_their_sources', MESSAGE = format('shares %s; headcount and need say %s', NEW.classes, want.classes);\n    END IF;\n\n    RETURN NEW;\n", hash='dc25013f92d21d1c995e49888a0856f14b00dfe6', operation='UPDATE', pgid='pgtrigger_period_figures_follow_their_sources_bfb15', table='ledger_period', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='shown_hash_is_of_the_figures', sql=aidplatform.lib.guards.GuardSql(func="\n            NEW.shown_sha256 := CASE WHEN NEW.assessed_fen IS NOT NULL THEN\n                encode(sha256(convert_to(concat_ws('|', NEW.pool_id::text, NEW.number::text, NEW.plan_version_id::text, to_char(NEW.publicity_date, 'YYYY-MM-DD'), to_char(NEW.charge_date, 'YYYY-MM-DD'), NEW.headcount::text, NEW.cases::text, NEW.aid_fen::text, NEW.fee_fen::text, NEW.other_costs_fen::text, NEW.reserve_contribution_fen::text, NEW.reserve_drawn_fen::text, NEW.sponsor_fen::text, NEW.other_income_fen::text, NEW.carry_in_fen::text, NEW.carry_out_fen::text, NEW.need_fen::text, NEW.assessed_fen::text, NEW.classes::text, NEW.books_upto_no::text), 'UTF8')), 'hex') END;\n            RETURN NEW;\n        ", hash='ffe4ff6d1bccaf57482f6dcd9e7f5479931ac1b4', operation='INSERT OR UPDATE', pgid='pgtrigger_shown_hash_is_of_the_figures_9548c', table='ledger_period', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='period_people_hold_their_duty', sql=aidplatform.lib.guards.GuardSql(func="\n            IF NEW.prepared_by IS DISTINCT FROM OLD.prepared_by\n               AND NOT EXISTS (\n        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id\n         WHERE u.code = NEW.prepared_by AND g.duty = 'pool_admin' AND g.ended_at IS NULL\n           AND (g.pool_id = NEW.pool_id OR (g.pool_id IS NULL AND g.duty = 'pool_admin'))) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_people_hold_their_duty', MESSAGE = format('%s is no pool admin', NEW.prepared_by);\n            END IF;\n            IF NEW.approved_by IS NOT NULL AND NEW.approved_by IS DISTINCT FROM OLD.approved_by\n               AND NOT EXISTS (\n        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id\n         WHERE u.code = NEW.approved_by AND g.duty = 'controller' AND g.ended_at IS NULL\n           AND (g.pool_id = NEW.pool_id OR (g.pool_id IS NULL AND g.duty = 'pool_admin'))) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'period_people_hold_their_duty', MESSAGE = format('%s is no controller', NEW.approved_by);\n            END IF;\n            RETURN NEW;\n        ", hash='5351b032ce118b80d014c2f473d0c13d3514d4da', operation='UPDATE', pgid='pgtrigger_period_people_hold_their_duty_487c1', table='ledger_period', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='period',
            trigger=pgtrigger.compiler.Trigger(name='posted_period_has_its_entry', sql=aidplatform.lib.guards.GuardSql(func="\n            IF NEW.state = 'posted' AND OLD.state <> 'posted' THEN\n                IF EXISTS (SELECT 1 FROM ledger_manifestline WHERE period_id = NEW.id AND written_at IS NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'posted_charges_equal_assessed', MESSAGE = format('a shard of the period is not written');\n                END IF;\n                IF NEW.aid_fen + NEW.fee_fen + NEW.other_costs_fen + NEW.assessed_fen + NEW.carry_in_fen > 0\n                   AND NOT EXISTS (\n                    SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id\n                      JOIN members_pool p ON p.code = b.code\n                     WHERE e.id = NEW.entry_id AND p.id = NEW.pool_id AND e.key = 'period/' || NEW.number\n                       AND e.maker = NEW.prepared_by AND e.checker = NEW.approved_by\n                ) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'posted_period_has_its_entry', MESSAGE = format('period %s has no journal entry', NEW.number);\n                END IF;\n                IF (\n    SELECT jsonb_agg(jsonb_build_array(code, side, fen) ORDER BY code, side)\n      FROM (SELECT a.code, p.side, p.amount_fen AS fen\n              FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id\n             WHERE p.entry_id = NEW.entry_id AND a.code NOT IN ('520', '530', '540')\n             UNION ALL\n            SELECT 'other', 'D', sum(CASE p.side WHEN 'D' THEN p.amount_fen ELSE -p.amount_fen END)\n              FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id\n             WHERE p.entry_id = NEW.entry_id AND a.code IN ('520', '530', '540')) posted\n     WHERE fen <> 0) IS DISTINCT FROM (\n    SELECT jsonb_agg(jsonb_build_array(code, side, fen) ORDER BY code, side)\n      FROM (VALUES ('110', 'D', NEW.assessed_fen),\n                   ('130', 'D', NEW.sponsor_fen),\n                   ('260', 'D', NEW.reserve_drawn_fen),\n                   ('240', 'D', NEW.carry_in_fen),\n                   ('501', 'D', NEW.aid_fen),\n                   ('510', 'D', NEW.fee_fen),\n                   ('other', 'D', NEW.other_costs_fen),\n                   ('120', 'C', NEW.aid_fen + NEW.other_costs_fen),\n                   ('230', 'C', NEW.fee_fen),\n                   ('260', 'C', NEW.reserve_contribution_fen),\n                   ('240', 'C', NEW.carry_out_fen),\n                   ('401', 'C', greatest(NEW.aid_fen + NEW.fee_fen + NEW.other_costs_fen - NEW.sponsor_fen - NEW.other_income_fen, 0)),\n                   ('401', 'D', greatest(-(NEW.aid_fen + NEW.fee_fen + NEW.other_costs_fen - NEW.sponsor_fen - NEW.other_income_fen), 0)),\n                   ('410', 'C', NEW.sponsor_fen + NEW.other_income_fen)\n           ) expected (code, side, fen) WHERE fen <> 0) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'posted_period_has_its_entry', MESSAGE = format('the entry of period %s has other amounts', NEW.number);\n                END IF;\n            END IF;\n            RETURN NEW;\n        ", hash='0da4fef63d2291b2041d51a21377381f6a214d96', operation='UPDATE', pgid='pgtrigger_posted_period_has_its_entry_12a3f', table='ledger_period', when='BEFORE')),
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
        migrations.AddConstraint(
            model_name='award',
            constraint=models.CheckConstraint(condition=models.Q(('is_held', False), ('state__in', ['announced', 'withdrawn']), _connector='OR'), name='held_award_is_not_final'),
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
            trigger=pgtrigger.compiler.Trigger(name='awards_join_before_announcement', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE joins record; was_in text;', func="\n            IF TG_OP = 'UPDATE' AND NEW.period_id IS NOT DISTINCT FROM OLD.period_id OR TG_OP = 'INSERT' AND NEW.period_id IS NULL THEN\n                RETURN NEW;\n            END IF;\n            IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n            SELECT state, pool_id INTO joins FROM ledger_period WHERE id = NEW.period_id FOR SHARE;\n            IF NEW.period_id IS NOT NULL AND (joins.state NOT IN ('opened', 'frozen') OR joins.pool_id <> NEW.pool_id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'awards_join_before_announcement', MESSAGE = format('nothing is added to this period any more');\n            END IF;\n            IF TG_OP = 'UPDATE' THEN\n                SELECT state INTO was_in FROM ledger_period WHERE id = OLD.period_id FOR SHARE;\n                IF OLD.state <> 'announced' OR was_in NOT IN ('opened', 'frozen', 'announced') THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'awards_leave_before_publicity_ends', MESSAGE = format('award %s stays in its period', OLD.code);\n                END IF;\n            END IF;\n            RETURN NEW;\n        ", hash='eca8cacb95f88c5383b11859a32974108f6fa4c5', operation='INSERT OR UPDATE', pgid='pgtrigger_awards_join_before_announcement_feb5a', table='ledger_award', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='award',
            trigger=pgtrigger.compiler.Trigger(name='award_step_fits_its_period', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE period_state text;', func="\n            IF NEW.state = OLD.state THEN\n                RETURN NEW;\n            END IF;\n            IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n            SELECT state INTO period_state FROM ledger_period WHERE id = NEW.period_id FOR SHARE;\n            IF NEW.state = 'final' AND period_state IS DISTINCT FROM 'announced'\n               OR NEW.state = 'shared' AND period_state IS DISTINCT FROM 'posting'\n               OR NEW.state = 'withdrawn' AND period_state IN ('approved', 'posting', 'posted') THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'award_step_fits_its_period', MESSAGE = format('award %s is not %s in a period that is %s', OLD.code, NEW.state, coalesce(period_state, 'none'));\n            END IF;\n            RETURN NEW;\n        ", hash='4611c76b3d5e1e06dff5dc0df7e2470d469148a2', operation='UPDATE', pgid='pgtrigger_award_step_fits_its_period_185b8', table='ledger_award', when='BEFORE')),
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
        migrations.AddIndex(
            model_name='statementline',
            index=models.Index(condition=models.Q(('kind__in', ['unidentified', 'collection'])), fields=['account', 'booking_date'], name='line_receipts'),
        ),
        migrations.AddIndex(
            model_name='statementline',
            index=models.Index(condition=models.Q(('membership_id__isnull', False)), fields=['account', 'membership_id'], name='line_payer'),
        ),
        migrations.AddConstraint(
            model_name='statementline',
            constraint=models.UniqueConstraint(fields=('statement', 'line_no'), name='one_line_per_number'),
        ),
        migrations.AddConstraint(
            model_name='statementline',
            constraint=models.UniqueConstraint(fields=('account', 'content_hash', 'twin_no'), name='one_line_per_booking'),
        ),
        migrations.AddConstraint(
            model_name='statementline',
            constraint=models.CheckConstraint(condition=models.Q(('amount_fen__gt', 0), ('amount_fen__lt', 9007199254740992)), name='line_amount_above_zero'),
        ),
        migrations.AddConstraint(
            model_name='statementline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('direction', 'in'), ('kind__in', ['collection', 'unidentified', 'returned', 'interest'])), models.Q(('direction', 'out'), ('kind__in', ['payment', 'chargeback', 'bank_fee', 'unexplained'])), _connector='OR'), name='line_kind_fits_direction'),
        ),
        migrations.AddConstraint(
            model_name='statementline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['collection', 'chargeback']), _negated=True), ('membership_id__isnull', False), _connector='OR'), name='paid_share_has_its_membership'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='statementline',
            trigger=pgtrigger.compiler.Trigger(name='statement_line_is_permanent', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'statement_line_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);", hash='cad4b426d0cda252736c89105b2d9579994e82c1', level='STATEMENT', operation='UPDATE OR DELETE', pgid='pgtrigger_statement_line_is_permanent_a3c45', table='ledger_statementline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='statementline',
            trigger=pgtrigger.compiler.Trigger(name='statement_line_is_permanent_whole', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'statement_line_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);", hash='5c2ad67a192787ce1adc1596b905c14ba47b8d5a', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_statement_line_is_permanent_whole_7bf01', table='ledger_statementline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='statementline',
            trigger=pgtrigger.compiler.Trigger(name='statement_adds_up', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE bad record;', func="\n            SELECT s.number, s.opening_fen, s.closing_fen, n.moved INTO bad\n              FROM (SELECT statement_id, account_id, count(*) AS lines, min(booking_date) AS first_day, max(booking_date) AS last_day,\n                           sum(CASE direction WHEN 'in' THEN amount_fen ELSE -amount_fen END) AS moved\n                      FROM new_rows GROUP BY 1, 2) n\n              JOIN ledger_bankstatement s ON s.id = n.statement_id\n             WHERE s.opening_fen + n.moved <> s.closing_fen OR s.line_count <> n.lines OR s.account_id <> n.account_id\n                OR n.first_day < s.from_date OR n.last_day >= s.to_date\n                OR (SELECT count(*) FROM ledger_statementline l WHERE l.statement_id = s.id) <> n.lines LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'statement_adds_up', MESSAGE = format('statement %s: opening %s + lines %s, closing %s', bad.number, bad.opening_fen, bad.moved, bad.closing_fen);\n            END IF;\n            SELECT n.line_no INTO bad FROM new_rows n JOIN ledger_bankaccount a ON a.id = n.account_id\n              LEFT JOIN members_membership m ON m.id = n.membership_id AND m.pool_id = a.pool_id\n             WHERE n.membership_id IS NOT NULL AND m.id IS NULL LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'line_payer_is_of_the_pool', MESSAGE = format('line %s names a membership of another pool', bad.line_no);\n            END IF;\n            RETURN NULL;\n        ", hash='15fe676757c5c7e30138da94c3ff38edc390613b', level='STATEMENT', operation='INSERT', pgid='pgtrigger_statement_adds_up_74c96', referencing='REFERENCING NEW TABLE AS new_rows ', table='ledger_statementline', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='statementline',
            trigger=pgtrigger.compiler.Trigger(name='payment_line_has_its_order', sql=aidplatform.lib.guards.GuardSql(condition="WHEN (NEW.kind IN ('payment', 'returned'))", constraint='CONSTRAINT', func="\n            IF NOT EXISTS (SELECT 1 FROM ledger_paymentorder\n                            WHERE (NEW.kind = 'payment' AND confirmed_line_id = NEW.id)\n                               OR (NEW.kind = 'returned' AND returned_line_id = NEW.id)) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'payment_line_has_its_order', MESSAGE = format('line %s settles no order', NEW.line_no);\n            END IF;\n            RETURN NULL;\n        ", hash='346a3a3787bd53ff41060a5a86b62f4cbcfba817', operation='INSERT', pgid='pgtrigger_payment_line_has_its_order_54365', table='ledger_statementline', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='paymentorder',
            index=models.Index(fields=['pool', 'state'], name='order_state'),
        ),
        migrations.AddConstraint(
            model_name='paymentorder',
            constraint=models.UniqueConstraint(fields=('pool', 'number'), name='one_order_per_number'),
        ),
        migrations.AddConstraint(
            model_name='paymentorder',
            constraint=models.CheckConstraint(condition=models.Q(('amount_fen__gt', 0), ('amount_fen__lt', 9007199254740992)), name='order_amount_above_zero'),
        ),
        migrations.AddConstraint(
            model_name='paymentorder',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('award__isnull', False), ('kind', 'aid'), ('period', None), ('receipt', None)), models.Q(('award', None), ('kind', 'fee'), ('period__isnull', False), ('receipt', None)), models.Q(('award', None), ('kind', 'refund'), ('period', None), ('receipt__isnull', False)), _connector='OR'), name='order_names_what_it_pays'),
        ),
        migrations.AddConstraint(
            model_name='paymentorder',
            constraint=models.CheckConstraint(condition=models.Q(('released_by', None), models.Q(('released_by', models.F('ordered_by')), _negated=True), _connector='OR'), name='order_releaser_is_not_orderer'),
        ),
        migrations.AddConstraint(
            model_name='paymentorder',
            constraint=models.CheckConstraint(condition=models.Q(('released_sha256', None), ('released_sha256', models.F('shown_sha256')), _connector='OR'), name='release_is_of_what_was_shown'),
        ),
        migrations.AddConstraint(
            model_name='paymentorder',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['released', 'confirmed', 'returned']), _negated=True), models.Q(('released_at__isnull', False), ('released_by__isnull', False), ('released_sha256__isnull', False), ('shown_sha256__isnull', False)), _connector='OR'), name='payment_needs_a_release'),
        ),
        migrations.AddConstraint(
            model_name='paymentorder',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('confirmed_line__isnull', False), ('state__in', ['confirmed', 'returned'])), models.Q(('confirmed_line', None), ('state__in', ['ordered', 'released', 'cancelled'])), _connector='OR'), name='confirmed_order_has_its_line'),
        ),
        migrations.AddConstraint(
            model_name='paymentorder',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('returned_line__isnull', False), ('state', 'returned')), models.Q(models.Q(('state', 'returned'), _negated=True), ('returned_line', None)), _connector='OR'), name='returned_order_has_its_line'),
        ),
        migrations.AddConstraint(
            model_name='paymentorder',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('cancelled_at__isnull', False), ('cancelled_by__isnull', False), ('state', 'cancelled')), models.Q(models.Q(('state', 'cancelled'), _negated=True), ('cancelled_at', None), ('cancelled_by', None)), _connector='OR'), name='cancelled_order_names_who'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='paymentorder',
            trigger=pgtrigger.compiler.Trigger(name='order_state_follows_order', sql=aidplatform.lib.guards.GuardSql(func="\n            IF TG_OP = 'INSERT' THEN\n                IF NEW.state <> 'ordered' THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'order_state_follows_order', MESSAGE = format('state starts at ordered, not at %s', NEW.state);\n                END IF;\n                RETURN NEW;\n            END IF;\n            IF OLD.state = NEW.state OR (OLD.state = 'ordered' AND NEW.state IN ('released', 'cancelled')) OR (OLD.state = 'released' AND NEW.state IN ('confirmed', 'cancelled')) OR (OLD.state = 'confirmed' AND NEW.state IN ('returned')) THEN\n                RETURN NEW;\n            END IF;\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'order_state_follows_order', MESSAGE = format('state goes from %s to %s in no plan', OLD.state, NEW.state);\n        ", hash='9720db2171f7e15416432d3ea63983f0d9e33da9', operation='INSERT OR UPDATE', pgid='pgtrigger_order_state_follows_order_e4f95', table='ledger_paymentorder', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='paymentorder',
            trigger=pgtrigger.compiler.Trigger(name='order_begins_as_ordered', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE award record; fee record; receipt record; ordered numeric; payable numeric;', func="\n            IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n            PERFORM 1 FROM ledger_bankaccount WHERE pool_id = NEW.pool_id FOR NO KEY UPDATE;\n            IF NOT FOUND THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'order_needs_a_bank_account', MESSAGE = format('pool %s has no bank account', NEW.pool_id);\n            END IF;\n            IF num_nonnulls(NEW.released_by, NEW.released_at, NEW.released_sha256, NEW.confirmed_line_id, NEW.returned_line_id, NEW.cancelled_by, NEW.cancelled_at) > 0 THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'order_begins_as_ordered', MESSAGE = format('order %s brings later steps along', NEW.number);\n            END IF;\n            IF NOT EXISTS (\n        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id\n         WHERE u.code = NEW.ordered_by AND g.duty = 'treasurer' AND g.ended_at IS NULL AND g.pool_id = NEW.pool_id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'custody_people_hold_their_duty', MESSAGE = format('%s is no treasurer', NEW.ordered_by);\n            END IF;\n            NEW.number := coalesce((SELECT max(number) FROM ledger_paymentorder WHERE pool_id = NEW.pool_id), 0) + 1;\n            NEW.shown_sha256 := encode(sha256(convert_to(concat_ws('|', coalesce(NEW.pool_id::text, ''), coalesce(NEW.number::text, ''), coalesce(NEW.kind::text, ''), coalesce(NEW.award_id::text, ''), coalesce(NEW.period_id::text, ''), coalesce(NEW.receipt_id::text, ''), coalesce(NEW.amount_fen::text, ''), coalesce(NEW.payee_hint::text, ''), coalesce(NEW.ordered_by::text, ''), encode(NEW.payee_hash, 'hex')), 'UTF8')), 'hex');\n            IF NEW.kind = 'aid' THEN \n    SELECT w.state, w.pool_id, w.aid_fen, p.state AS period_state INTO award\n      FROM ledger_award w LEFT JOIN ledger_period p ON p.id = w.period_id WHERE w.id = NEW.award_id;\n    IF award.state IS DISTINCT FROM 'shared' OR award.period_state IS DISTINCT FROM 'posted' OR award.pool_id <> NEW.pool_id THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'aid_order_needs_a_shared_award', MESSAGE = format('the award is %s', award.state);\n    END IF;\n    SELECT coalesce(sum(amount_fen), 0) INTO ordered FROM ledger_paymentorder WHERE award_id = NEW.award_id AND state NOT IN ('cancelled', 'returned');\n    IF ordered + NEW.amount_fen > award.aid_fen THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'aid_paid_at_most_the_award', MESSAGE = format('ordered %s + %s of %s', ordered, NEW.amount_fen, award.aid_fen);\n    END IF;\n    SELECT payable_fen INTO payable FROM custody_payable(NEW.pool_id) WHERE award_id = NEW.award_id;\n    IF NEW.amount_fen > coalesce(payable, 0) THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'aid_is_paid_as_collected', MESSAGE = format('%s asked for, %s can be paid now', NEW.amount_fen, coalesce(payable, 0));\n    END IF;\n\n            ELSIF NEW.kind = 'fee' THEN \n    \n    SELECT p.state, p.pool_id, p.fee_fen, p.aid_fen,\n           CASE WHEN p.assessed_fen = 0 THEN p.fee_fen\n                ELSE div(p.fee_fen::numeric * coalesce((SELECT sum(c.amount_fen) FROM ledger_collection c\n                         WHERE c.pool_id = p.pool_id AND c.period_no = p.number), 0), p.assessed_fen) END AS earned,\n           coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o\n                      WHERE o.period_id = p.id AND o.state NOT IN ('cancelled', 'returned') AND o.id <> coalesce(NEW.id, 0)), 0) AS taken,\n           coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o JOIN ledger_award w ON w.id = o.award_id\n                      WHERE w.period_id = p.id AND o.state NOT IN ('cancelled', 'returned')), 0) AS aided\n      INTO fee FROM ledger_period p WHERE p.id = NEW.period_id;\n\n    IF fee.state IS DISTINCT FROM 'posted' OR fee.pool_id <> NEW.pool_id THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'fee_follows_the_aid', MESSAGE = format('the period is not posted');\n    END IF;\n    IF fee.aided < fee.aid_fen THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'fee_follows_the_aid', MESSAGE = format('aid ordered %s of %s', fee.aided, fee.aid_fen);\n    END IF;\n    IF fee.taken + NEW.amount_fen > fee.earned THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'fee_follows_the_cash', MESSAGE = format('fee %s + %s; %s is earned by what was collected', fee.taken, NEW.amount_fen, fee.earned);\n    END IF;\n\n            ELSE \n    SELECT l.amount_fen, l.direction, l.kind, a.pool_id INTO receipt\n      FROM ledger_statementline l JOIN ledger_bankaccount a ON a.id = l.account_id WHERE l.id = NEW.receipt_id;\n    SELECT coalesce((SELECT sum(c.amount_fen) FROM ledger_collection c WHERE c.line_id = NEW.receipt_id), 0)\n         + coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o\n                      WHERE o.receipt_id = NEW.receipt_id AND o.state NOT IN ('cancelled', 'returned')), 0) INTO ordered;\n    IF receipt.direction <> 'in' OR receipt.kind NOT IN ('collection', 'unidentified') OR receipt.pool_id <> NEW.pool_id\n       OR ordered + NEW.amount_fen > receipt.amount_fen THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'receipt_is_used_once', MESSAGE = format('%s of %s is used; refund %s', ordered, receipt.amount_fen, NEW.amount_fen);\n    END IF;\n\n            END IF;\n            RETURN NEW;\n        ", hash='63c95dce383584c4d25498a7c91780253f62e7c7', operation='INSERT', pgid='pgtrigger_order_begins_as_ordered_c3ffa', table='ledger_paymentorder', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='paymentorder',
            trigger=pgtrigger.compiler.Trigger(name='order_keeps_its_terms', sql=aidplatform.lib.guards.GuardSql(func="\n            IF (NEW.pool_id, NEW.number, NEW.kind, NEW.award_id, NEW.period_id, NEW.receipt_id, NEW.amount_fen, NEW.payee_name, NEW.payee_account, NEW.payee_hash, NEW.payee_hint, NEW.ordered_by, NEW.ordered_at, NEW.shown_sha256) IS DISTINCT FROM\n               (OLD.pool_id, OLD.number, OLD.kind, OLD.award_id, OLD.period_id, OLD.receipt_id, OLD.amount_fen, OLD.payee_name, OLD.payee_account, OLD.payee_hash, OLD.payee_hint, OLD.ordered_by, OLD.ordered_at, OLD.shown_sha256)\n               OR OLD.released_by IS NOT NULL AND (NEW.released_by, NEW.released_at, NEW.released_sha256) IS DISTINCT FROM\n                  (OLD.released_by, OLD.released_at, OLD.released_sha256)\n               OR OLD.confirmed_line_id IS NOT NULL AND NEW.confirmed_line_id IS DISTINCT FROM OLD.confirmed_line_id\n               OR OLD.state IN ('cancelled', 'returned') AND NEW IS DISTINCT FROM OLD THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'order_keeps_its_terms', MESSAGE = format('order %s is not edited: cancel it and make another', OLD.number);\n            END IF;\n            IF NEW.cancelled_by IS NOT NULL AND OLD.cancelled_by IS NULL\n               AND NOT EXISTS (\n        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id\n         WHERE u.code = NEW.cancelled_by AND g.duty = 'controller' AND g.ended_at IS NULL AND g.pool_id = NEW.pool_id)\n               AND (OLD.state = 'released' OR NOT EXISTS (\n        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id\n         WHERE u.code = NEW.cancelled_by AND g.duty = 'treasurer' AND g.ended_at IS NULL AND g.pool_id = NEW.pool_id)) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'custody_people_hold_their_duty', MESSAGE = format('%s may not cancel it', NEW.cancelled_by);\n            END IF;\n            RETURN NEW;\n        ", hash='b9d692ff384a3589641eacd7436ebef50966ab85', operation='UPDATE', pgid='pgtrigger_order_keeps_its_terms_0da72', table='ledger_paymentorder', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='paymentorder',
            trigger=pgtrigger.compiler.Trigger(name='aid_never_spends_protected_money', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE fee record; free numeric;', func="\n            IF NEW.state <> 'released' OR OLD.state = 'released' THEN\n                IF NEW.released_by IS DISTINCT FROM OLD.released_by THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'order_keeps_its_terms', MESSAGE = format('order %s is not being released', OLD.number);\n                END IF;\n                RETURN NEW;\n            END IF;\n            IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n            PERFORM 1 FROM ledger_bankaccount WHERE pool_id = NEW.pool_id FOR NO KEY UPDATE;\n            IF NOT EXISTS (\n        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id\n         WHERE u.code = NEW.released_by AND g.duty = 'controller' AND g.ended_at IS NULL AND g.pool_id = NEW.pool_id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'custody_people_hold_their_duty', MESSAGE = format('%s is no controller', NEW.released_by);\n            END IF;\n            \n    IF NOT EXISTS (\n        SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id JOIN members_pool p ON p.code = b.code\n         WHERE p.id = NEW.pool_id AND e.key = 'payment/' || NEW.number || '/released' AND e.kind = 'payment_released'\n           AND e.maker = NEW.ordered_by AND e.checker = NEW.released_by\n           AND (SELECT jsonb_agg(jsonb_build_array(a.code, o.side, o.amount_fen) ORDER BY a.code)\n                  FROM ledger_posting o JOIN ledger_account a ON a.id = o.account_id WHERE o.entry_id = e.id)\n             = jsonb_build_array(jsonb_build_array(CASE NEW.kind WHEN 'aid' THEN '201' WHEN 'fee' THEN '230' WHEN 'refund' THEN '220' END, 'D', NEW.amount_fen),\n                                 jsonb_build_array('270', 'C', NEW.amount_fen))) THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'released_order_has_its_entry', MESSAGE = format('payment %s is not booked', NEW.number);\n    END IF;\n\n            IF NEW.kind = 'fee' THEN \n    \n    SELECT p.state, p.pool_id, p.fee_fen, p.aid_fen,\n           CASE WHEN p.assessed_fen = 0 THEN p.fee_fen\n                ELSE div(p.fee_fen::numeric * coalesce((SELECT sum(c.amount_fen) FROM ledger_collection c\n                         WHERE c.pool_id = p.pool_id AND c.period_no = p.number), 0), p.assessed_fen) END AS earned,\n           coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o\n                      WHERE o.period_id = p.id AND o.state NOT IN ('cancelled', 'returned') AND o.id <> coalesce(NEW.id, 0)), 0) AS taken,\n           coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o JOIN ledger_award w ON w.id = o.award_id\n                      WHERE w.period_id = p.id AND o.state NOT IN ('cancelled', 'returned')), 0) AS aided\n      INTO fee FROM ledger_period p WHERE p.id = NEW.period_id;\n\n    IF fee.state IS DISTINCT FROM 'posted' OR fee.pool_id <> NEW.pool_id THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'fee_follows_the_aid', MESSAGE = format('the period is not posted');\n    END IF;\n    IF fee.aided < fee.aid_fen THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'fee_follows_the_aid', MESSAGE = format('aid ordered %s of %s', fee.aided, fee.aid_fen);\n    END IF;\n    IF fee.taken + NEW.amount_fen > fee.earned THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'fee_follows_the_cash', MESSAGE = format('fee %s + %s; %s is earned by what was collected', fee.taken, NEW.amount_fen, fee.earned);\n    END IF;\n END IF;\n            free := ((SELECT b.debit_fen - b.credit_fen FROM ledger_accountbalance b JOIN ledger_account a ON a.id = b.account_id\n                 JOIN ledger_book k ON k.id = a.book_id JOIN members_pool p ON p.code = k.code\n                WHERE p.id = NEW.pool_id AND a.code = '101') - ((SELECT b.credit_fen - b.debit_fen FROM ledger_accountbalance b JOIN ledger_account a ON a.id = b.account_id\n                 JOIN ledger_book k ON k.id = a.book_id JOIN members_pool p ON p.code = k.code\n                WHERE p.id = NEW.pool_id AND a.code = '210') + (SELECT b.credit_fen - b.debit_fen FROM ledger_accountbalance b JOIN ledger_account a ON a.id = b.account_id\n                 JOIN ledger_book k ON k.id = a.book_id JOIN members_pool p ON p.code = k.code\n                WHERE p.id = NEW.pool_id AND a.code = '220') + (SELECT b.credit_fen - b.debit_fen FROM ledger_accountbalance b JOIN ledger_account a ON a.id = b.account_id\n                 JOIN ledger_book k ON k.id = a.book_id JOIN members_pool p ON p.code = k.code\n                WHERE p.id = NEW.pool_id AND a.code = '250') + (SELECT b.credit_fen - b.debit_fen FROM ledger_accountbalance b JOIN ledger_account a ON a.id = b.account_id\n                 JOIN ledger_book k ON k.id = a.book_id JOIN members_pool p ON p.code = k.code\n                WHERE p.id = NEW.pool_id AND a.code = '260'))\n        - coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o\n                     WHERE o.pool_id = NEW.pool_id AND o.state = 'released'), 0));\n            IF free < NEW.amount_fen THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'aid_never_spends_protected_money', MESSAGE = format('%s can be spent, the order takes %s', free, NEW.amount_fen);\n            END IF;\n            RETURN NEW;\n        ", hash='fb42243bcda6930f91384239c8d8fbbb57a6fe45', operation='UPDATE', pgid='pgtrigger_aid_never_spends_protected_money_a04c9', table='ledger_paymentorder', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='paymentorder',
            trigger=pgtrigger.compiler.Trigger(name='order_is_settled_by_its_line', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE line record;', func="\n            IF NEW.confirmed_line_id IS DISTINCT FROM OLD.confirmed_line_id THEN\n                SELECT l.kind, l.amount_fen, a.pool_id INTO line FROM ledger_statementline l\n                  JOIN ledger_bankaccount a ON a.id = l.account_id WHERE l.id = NEW.confirmed_line_id;\n                IF (line.kind, line.amount_fen, line.pool_id) IS DISTINCT FROM ('payment'::varchar, NEW.amount_fen, NEW.pool_id) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'order_is_settled_by_its_line', MESSAGE = format('the line is no payment of %s', NEW.amount_fen);\n                END IF;\n            END IF;\n            IF NEW.returned_line_id IS DISTINCT FROM OLD.returned_line_id THEN\n                SELECT l.kind, l.amount_fen, a.pool_id INTO line FROM ledger_statementline l\n                  JOIN ledger_bankaccount a ON a.id = l.account_id WHERE l.id = NEW.returned_line_id;\n                IF (line.kind, line.amount_fen, line.pool_id) IS DISTINCT FROM ('returned'::varchar, NEW.amount_fen, NEW.pool_id) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'order_is_settled_by_its_line', MESSAGE = format('the line is no return of %s', NEW.amount_fen);\n                END IF;\n            END IF;\n            RETURN NEW;\n        ", hash='bac3c4cbf6e86ba23ab3724ac3d6bebc982ec167', operation='UPDATE', pgid='pgtrigger_order_is_settled_by_its_line_a76b7', table='ledger_paymentorder', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='paymentorder',
            trigger=pgtrigger.compiler.Trigger(name='orders_are_kept', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'orders_are_kept', MESSAGE = format('payment orders are cancelled, never deleted');", hash='4e659e2d2434b932dcc6d102e41a61c5c1242704', level='STATEMENT', operation='DELETE OR TRUNCATE', pgid='pgtrigger_orders_are_kept_e9ef7', table='ledger_paymentorder', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='collection',
            constraint=models.UniqueConstraint(fields=('pool_id', 'membership_id', 'period_no', 'line'), name='one_collection_per_line_and_charge'),
        ),
        migrations.AddConstraint(
            model_name='collection',
            constraint=models.CheckConstraint(condition=models.Q(('amount_fen__gt', -9007199254740992), ('amount_fen__lt', 9007199254740992), models.Q(('amount_fen', 0), _negated=True)), name='collection_moves_money'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='collection',
            trigger=pgtrigger.compiler.Trigger(name='collection_is_permanent', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'collection_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);", hash='751e7ebda701f37eb0ba05440123513ea901f4f1', level='STATEMENT', operation='UPDATE OR DELETE', pgid='pgtrigger_collection_is_permanent_bab8b', table='ledger_collection', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='collection',
            trigger=pgtrigger.compiler.Trigger(name='collection_is_permanent_whole', sql=aidplatform.lib.guards.GuardSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'collection_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);", hash='b1cbbf0a316dcf7ea037ef04c1ecc66af74205b4', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_collection_is_permanent_whole_4372d', table='ledger_collection', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='collection',
            trigger=pgtrigger.compiler.Trigger(name='collected_at_most_the_share', sql=aidplatform.lib.guards.GuardSql(declare='DECLARE bad record;', func="\n            IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n            PERFORM 1 FROM ledger_bankaccount WHERE pool_id IN (SELECT DISTINCT pool_id FROM new_rows)\n              ORDER BY id FOR NO KEY UPDATE;\n            SELECT n.pool_id, n.period_no INTO bad FROM (SELECT DISTINCT pool_id, period_no FROM new_rows) n\n              LEFT JOIN ledger_period p ON p.pool_id = n.pool_id AND p.number = n.period_no\n             WHERE p.charges_notified_at IS NULL OR p.state <> 'posted' LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'collection_needs_notice', MESSAGE = format('the charges of period %s are not announced', bad.period_no);\n            END IF;\n            SELECT n.recorded_by INTO bad FROM (SELECT DISTINCT pool_id, recorded_by FROM new_rows) n\n             WHERE NOT EXISTS (\n                SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id\n                 WHERE u.code = n.recorded_by AND g.duty = 'treasurer' AND g.ended_at IS NULL AND g.pool_id = n.pool_id) LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'custody_people_hold_their_duty', MESSAGE = format('%s is no treasurer', bad.recorded_by);\n            END IF;\n            SELECT l.line_no INTO bad FROM (SELECT line_id, pool_id, min(amount_fen) AS least, max(amount_fen) AS most\n                                              FROM new_rows GROUP BY 1, 2) n\n              JOIN ledger_statementline l ON l.id = n.line_id JOIN ledger_bankaccount a ON a.id = l.account_id\n             WHERE a.pool_id <> n.pool_id OR (l.direction = 'in' AND n.least < 0) OR (l.direction = 'out' AND n.most > 0)\n                OR l.kind NOT IN ('collection', 'unidentified', 'chargeback') LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'collection_fits_its_line', MESSAGE = format('line %s is not money of this charge', bad.line_no);\n            END IF;\n            SELECT n.line_id, l.amount_fen, abs(sum(c.amount_fen)) AS used INTO bad\n              FROM (SELECT DISTINCT line_id FROM new_rows) n JOIN ledger_statementline l ON l.id = n.line_id\n              JOIN ledger_collection c ON c.line_id = n.line_id GROUP BY n.line_id, l.amount_fen\n            HAVING abs(sum(c.amount_fen)) + coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o\n                       WHERE o.receipt_id = n.line_id AND o.state NOT IN ('cancelled', 'returned')), 0) > l.amount_fen LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'receipt_is_used_once', MESSAGE = format('a line of %s is used for %s', bad.amount_fen, bad.used);\n            END IF;\n            SELECT n.membership_id, n.period_no, n.paid, c.share_fen INTO bad\n              FROM (SELECT k.membership_id, k.pool_id, k.period_no, sum(k.amount_fen) AS paid\n                      FROM (SELECT DISTINCT membership_id, pool_id, period_no FROM new_rows) t\n                      JOIN ledger_collection k USING (membership_id, pool_id, period_no) GROUP BY 1, 2, 3) n\n              LEFT JOIN ledger_charge c ON c.membership_id = n.membership_id AND c.pool_id = n.pool_id\n                                       AND c.period_no = n.period_no\n             WHERE c.share_fen IS NULL OR n.paid > c.share_fen OR n.paid < 0 LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'collected_at_most_the_share', MESSAGE = format('charge of period %s: %s collected of %s', bad.period_no, bad.paid, bad.share_fen);\n            END IF;\n            RETURN NULL;\n        ", hash='f9157f7da6009fbbc98192066783115769a9db8b', level='STATEMENT', operation='INSERT', pgid='pgtrigger_collected_at_most_the_share_949c7', referencing='REFERENCING NEW TABLE AS new_rows ', table='ledger_collection', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='statementupload',
            constraint=models.UniqueConstraint(fields=('account', 'sha256'), name='one_upload_per_file'),
        ),
    ]

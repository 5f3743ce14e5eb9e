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

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="PlanVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("terms", models.JSONField()),
                ("terms_sha256", models.CharField(max_length=64)),
                ("effective_date", models.DateField()),
                ("published_at", models.DateTimeField()),
                ("published_by", models.CharField(max_length=40)),
            ],
        ),
        migrations.CreateModel(
            name="Pool",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(max_length=40, unique=True)),
                ("name_en", models.CharField(max_length=80)),
                ("name_zh", models.CharField(max_length=80)),
                ("currency", models.CharField(default="CNY", max_length=3)),
                ("time_zone", models.CharField(default="Asia/Shanghai", max_length=40)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("gathering", "gathering"),
                            ("open", "open"),
                            ("intake_stopped", "intake stopped"),
                            ("winding_down", "winding down"),
                            ("closed", "closed"),
                        ],
                        default="draft",
                        max_length=20,
                    ),
                ),
                ("charges_by_period", models.BooleanField(default=False)),
                ("opened_date", models.DateField(null=True)),
                ("headcount_recorded_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "code",
                    models.CharField(default=members.people.models.new_code, max_length=12, unique=True),
                ),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("name", models.CharField(blank=True, max_length=80)),
                ("name_zh", models.CharField(blank=True, max_length=80)),
                ("is_active", models.BooleanField(default=True)),
                ("is_demo", models.BooleanField(default=False)),
                ("date_joined", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("email"), name="one_account_per_email"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DutyGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "duty",
                    models.CharField(
                        choices=[
                            ("pool_admin", "pool admin"),
                            ("reviewer", "reviewer"),
                            ("second_reviewer", "second reviewer"),
                            ("treasurer", "treasurer"),
                            ("controller", "controller"),
                            ("auditor", "auditor"),
                        ],
                        max_length=20,
                    ),
                ),
                ("is_founding", models.BooleanField(default=False)),
                ("granted_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="duty_grants",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveBigIntegerField()),
                ("joined_date", models.DateField()),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MembershipSpan",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "pool_id",
                        "membership_id",
                        "from_at",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("pool_id", models.BigIntegerField()),
                ("membership_id", models.BigIntegerField()),
                ("class_no", models.SmallIntegerField(default=0)),
                ("from_at", models.DateTimeField()),
                ("to_at", models.DateTimeField(null=True)),
                ("recorded_at", models.DateTimeField()),
                ("ended_recorded_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "members_span",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_recorded_at", None), ("to_at", None)),
                            models.Q(
                                ("ended_recorded_at__gte", models.F("recorded_at")),
                                ("to_at__gte", models.F("from_at")),
                            ),
                            _connector="OR",
                        ),
                        name="span_end_is_recorded",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("class_no__gte", 0), ("class_no__lte", 63)),
                        name="span_class_in_range",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membershipspan",
            trigger=pgtrigger.compiler.Trigger(
                name="span_recording_is_real",
                sql=aidplatform.lib.guards.GuardSql(
                    func="\n            IF TG_OP = 'INSERT' THEN\n                NEW.recorded_at := clock_timestamp();\n                NEW.ended_recorded_at := CASE WHEN NEW.to_at IS NOT NULL THEN NEW.recorded_at END;\n            ELSE\n                IF OLD.to_at IS NOT NULL OR NEW.to_at IS NULL\n                   OR (NEW.pool_id, NEW.membership_id, NEW.class_no, NEW.from_at, NEW.recorded_at)\n                      IS DISTINCT FROM\n                      (OLD.pool_id, OLD.membership_id, OLD.class_no, OLD.from_at, OLD.recorded_at) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'span_ends_once', MESSAGE = format('a span can only be ended, once');\n                END IF;\n                NEW.ended_recorded_at := clock_timestamp();\n            END IF;\n            RETURN NEW;\n        ",
                    hash="29937e130d8b7df294d43f67e3bf8b2ddbfd17f6",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_span_recording_is_real_1fbfc",
                    table="members_span",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membershipspan",
            trigger=pgtrigger.compiler.Trigger(
                name="spans_do_not_overlap",
                sql=aidplatform.lib.guards.GuardSql(
                    func="\n            \n    IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n    PERFORM 1 FROM members_pool WHERE id IN (SELECT DISTINCT pool_id FROM new_rows) FOR NO KEY UPDATE;\n    IF EXISTS (\n        SELECT 1 FROM members_pool p JOIN new_rows n ON n.pool_id = p.id\n         WHERE coalesce(n.ended_recorded_at, n.recorded_at) <= p.headcount_recorded_at\n    ) THEN\n        RAISE EXCEPTION USING ERRCODE = '40001', CONSTRAINT = 'span_is_recorded_after_headcount',\n            MESSAGE = 'a headcount was taken while this span was being written: write it again';\n    END IF;\n\n            IF EXISTS (\n                SELECT 1 FROM new_rows n\n                  LEFT JOIN members_membership m ON m.id = n.membership_id AND m.pool_id = n.pool_id\n                 WHERE m.id IS NULL\n            ) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'span_belongs_to_its_membership', MESSAGE = format('no such membership in this pool');\n            END IF;\n            IF EXISTS (\n                SELECT 1 FROM new_rows n JOIN members_span s\n                    ON s.pool_id = n.pool_id AND s.membership_id = n.membership_id AND s.from_at <> n.from_at\n                   AND s.from_at < coalesce(n.to_at, 'infinity') AND n.from_at < coalesce(s.to_at, 'infinity')\n            ) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'spans_do_not_overlap', MESSAGE = format('this membership is already covered at that time');\n            END IF;\n            RETURN NULL;\n        ",
                    hash="0ecbb21356cac8cd3087f89f5db23b7f3321f242",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_spans_do_not_overlap_928b0",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="members_span",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membershipspan",
            trigger=pgtrigger.compiler.Trigger(
                name="span_end_after_headcount",
                sql=aidplatform.lib.guards.GuardSql(
                    func="\n    IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n    PERFORM 1 FROM members_pool WHERE id IN (SELECT DISTINCT pool_id FROM new_rows) FOR SHARE;\n    IF EXISTS (\n        SELECT 1 FROM members_pool p JOIN new_rows n ON n.pool_id = p.id\n         WHERE coalesce(n.ended_recorded_at, n.recorded_at) <= p.headcount_recorded_at\n    ) THEN\n        RAISE EXCEPTION USING ERRCODE = '40001', CONSTRAINT = 'span_is_recorded_after_headcount',\n            MESSAGE = 'a headcount was taken while this span was being written: write it again';\n    END IF;\n RETURN NULL;",
                    hash="ae9c542b27468bc2f920528395de8bd32dfad396",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_span_end_after_headcount_0f81c",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="members_span",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membershipspan",
            trigger=pgtrigger.compiler.Trigger(
                name="span_is_kept",
                sql=aidplatform.lib.guards.GuardSql(
                    func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'span_is_kept', MESSAGE = format('spans are ended, never deleted');",
                    hash="a795076c85b5fd3ece101ee40e122fa8f3f1a2c7",
                    level="STATEMENT",
                    operation="DELETE OR TRUNCATE",
                    pgid="pgtrigger_span_is_kept_2f133",
                    table="members_span",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="planversion",
            name="pool",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="plan_versions", to="members.pool"
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="pool",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="memberships",
                to="members.pool",
            ),
        ),
        migrations.AddField(
            model_name="dutygrant",
            name="pool",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="duty_grants",
                to="members.pool",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pool",
            trigger=pgtrigger.compiler.Trigger(
                name="pool_state_follows_order",
                sql=aidplatform.lib.guards.GuardSql(
                    func="\n            IF TG_OP = 'INSERT' THEN\n                IF NEW.state <> 'draft' THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'pool_state_follows_order', MESSAGE = format('state starts at draft, not at %s', NEW.state);\n                END IF;\n                RETURN NEW;\n            END IF;\n            IF OLD.state = NEW.state OR (OLD.state = 'draft' AND NEW.state IN ('gathering', 'open')) OR (OLD.state = 'gathering' AND NEW.state IN ('open', 'closed')) OR (OLD.state = 'open' AND NEW.state IN ('intake_stopped', 'winding_down')) OR (OLD.state = 'intake_stopped' AND NEW.state IN ('open', 'winding_down')) OR (OLD.state = 'winding_down' AND NEW.state IN ('closed')) THEN\n                RETURN NEW;\n            END IF;\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'pool_state_follows_order', MESSAGE = format('state goes from %s to %s in no plan', OLD.state, NEW.state);\n        ",
                    hash="cb37f0ae4d1871ea28352ece0b8e90ae3b5a42df",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_pool_state_follows_order_a0a15",
                    table="members_pool",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pool",
            trigger=pgtrigger.compiler.Trigger(
                name="pool_keeps_its_money_terms",
                sql=aidplatform.lib.guards.GuardSql(
                    func="\n                    IF (NEW.code, NEW.currency, NEW.charges_by_period)\n                       IS DISTINCT FROM (OLD.code, OLD.currency, OLD.charges_by_period)\n                       OR (OLD.state <> 'draft' AND NEW.time_zone <> OLD.time_zone)\n                       OR (OLD.opened_date IS NOT NULL AND NEW.opened_date IS DISTINCT FROM OLD.opened_date) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'pool_keeps_its_money_terms', MESSAGE = format('code, currency and calendar zone are fixed');\n                    END IF;\n                    -- The hour of a headcount is the server's own and never goes back.\n                    IF NEW.headcount_recorded_at IS DISTINCT FROM OLD.headcount_recorded_at THEN\n                        NEW.headcount_recorded_at := clock_timestamp();\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="01aa81e9db35d06c1c61f67a507d247f63b54656",
                    operation="UPDATE",
                    pgid="pgtrigger_pool_keeps_its_money_terms_62e47",
                    table="members_pool",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="planversion",
            constraint=models.UniqueConstraint(fields=("pool", "number"), name="one_plan_version_per_number"),
        ),
        migrations.AddConstraint(
            model_name="planversion",
            constraint=models.UniqueConstraint(
                fields=("pool", "effective_date"), name="one_plan_version_per_date"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="planversion",
            trigger=pgtrigger.compiler.Trigger(
                name="plan_version_is_permanent",
                sql=aidplatform.lib.guards.GuardSql(
                    func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'plan_version_is_permanent', MESSAGE = format('%s holds facts: rows are never changed or deleted', TG_TABLE_NAME);",
                    hash="5105b3470671b9e74bf745f07f6bdeb2faa36100",
                    level="STATEMENT",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_plan_version_is_permanent_5ab9a",
                    table="members_planversion",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="planversion",
            trigger=pgtrigger.compiler.Trigger(
                name="plan_version_is_permanent_whole",
                sql=aidplatform.lib.guards.GuardSql(
                    func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'plan_version_is_permanent', MESSAGE = format('%s holds facts: it is never emptied', TG_TABLE_NAME);",
                    hash="7f4c360c15b1c10ea2ac0f15c22b708e1c4c80f2",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_plan_version_is_permanent_whole_6dc3b",
                    table="members_planversion",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(fields=("pool", "number"), name="one_membership_per_number"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(
                condition=models.Q(("person__isnull", False)),
                fields=("pool", "person"),
                name="one_membership_per_person_and_pool",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("id__gt", 0), ("id__lt", 9007199254740992)), name="membership_id_in_range"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="membership_keeps_its_person",
                sql=aidplatform.lib.guards.GuardSql(
                    func="\n            IF (NEW.id, NEW.pool_id, NEW.number, NEW.joined_date)\n               IS DISTINCT FROM (OLD.id, OLD.pool_id, OLD.number, OLD.joined_date)\n               OR (OLD.person_id IS NOT NULL AND NEW.person_id IS DISTINCT FROM OLD.person_id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'membership_keeps_its_person', MESSAGE = format('membership %s is bound to its person once', OLD.id);\n            END IF;\n            RETURN NEW;\n        ",
                    hash="7bc051569cba38541a9a7e9f680991983fcf3dc9",
                    operation="UPDATE",
                    pgid="pgtrigger_membership_keeps_its_person_3b426",
                    table="members_membership",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="memberships_are_kept",
                sql=aidplatform.lib.guards.GuardSql(
                    func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'memberships_are_kept', MESSAGE = format('memberships end, they are never deleted');",
                    hash="fc8d446ad3dc5c30cb137e54bacab9057c816e5b",
                    level="STATEMENT",
                    operation="DELETE OR TRUNCATE",
                    pgid="pgtrigger_memberships_are_kept_2ef7c",
                    table="members_membership",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="dutygrant",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)),
                fields=("pool", "person", "duty"),
                name="one_live_grant_per_duty",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="dutygrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at", None), ("ended_at__gte", models.F("granted_at")), _connector="OR"
                ),
                name="grant_ends_after_it_began",
            ),
        ),
        migrations.AddConstraint(
            model_name="dutygrant",
            constraint=models.CheckConstraint(
                condition=models.Q(("pool__isnull", False), ("duty", "pool_admin"), _connector="OR"),
                name="only_admins_are_of_all_pools",
            ),
        ),
        migrations.AddConstraint(
            model_name="dutygrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "duty__in",
                        ["auditor", "controller", "pool_admin", "reviewer", "second_reviewer", "treasurer"],
                    )
                ),
                name="duty_is_known",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dutygrant",
            trigger=pgtrigger.compiler.Trigger(
                name="duty_needs_two_people",
                sql=aidplatform.lib.guards.GuardSql(
                    func="\n        IF TG_OP = 'UPDATE' THEN\n            IF (NEW.pool_id, NEW.person_id, NEW.duty, NEW.is_founding, NEW.proposed_by_id, NEW.confirmed_by_id,\n                NEW.granted_at) IS DISTINCT FROM\n               (OLD.pool_id, OLD.person_id, OLD.duty, OLD.is_founding, OLD.proposed_by_id, OLD.confirmed_by_id,\n                OLD.granted_at) OR OLD.ended_at IS NOT NULL THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'duty_needs_two_people', MESSAGE = format('a grant can only be ended, once');\n            END IF;\n            RETURN NEW;\n        END IF;\n        IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'guards_see_what_is_committed', MESSAGE = format('isolation level %s', current_setting('transaction_isolation')); END IF;\n        IF NEW.is_founding THEN\n            IF NEW.pool_id IS NULL THEN\n                LOCK TABLE members_dutygrant IN SHARE ROW EXCLUSIVE MODE;\n                IF NEW.duty <> 'pool_admin'\n                   OR (SELECT count(*) FROM members_dutygrant WHERE pool_id IS NULL) >= 2 THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'duty_needs_two_people', MESSAGE = format('only the first two administrators are founding');\n                END IF;\n            ELSIF (SELECT state FROM members_pool WHERE id = NEW.pool_id FOR SHARE) <> 'draft' THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'duty_needs_two_people', MESSAGE = format('founding grants are made while the pool is a draft');\n            END IF;\n        ELSIF NEW.proposed_by_id IS NULL OR NEW.confirmed_by_id IS NULL\n              OR NEW.proposed_by_id = NEW.confirmed_by_id\n              OR NEW.person_id IN (NEW.proposed_by_id, NEW.confirmed_by_id) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'duty_needs_two_people', MESSAGE = format('two other people must agree');\n        ELSIF NOT EXISTS (SELECT 1 FROM members_dutygrant g WHERE g.person_id = NEW.proposed_by_id AND g.ended_at IS NULL AND g.duty = 'pool_admin'\n               AND (g.pool_id IS NULL OR g.pool_id = NEW.pool_id))\n              OR NOT EXISTS (SELECT 1 FROM members_dutygrant g WHERE g.person_id = NEW.confirmed_by_id AND g.ended_at IS NULL \n               AND (g.pool_id IS NULL OR g.pool_id = NEW.pool_id)) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'duty_needs_two_people', MESSAGE = format('an admin proposes and another holder of a duty there confirms');\n        END IF;\n        RETURN NEW;\n    ",
                    hash="bbce1940f911d5931e01155e6f0d5e3cdfd1ac9c",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_duty_needs_two_people_76a72",
                    table="members_dutygrant",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dutygrant",
            trigger=pgtrigger.compiler.Trigger(
                name="duties_do_not_meet",
                sql=aidplatform.lib.guards.GuardSql(
                    declare="DECLARE held text;",
                    func="\n        PERFORM 1 FROM members_user WHERE id = NEW.person_id FOR UPDATE;\n        SELECT duty INTO held FROM members_dutygrant\n         WHERE person_id = NEW.person_id AND ended_at IS NULL\n           AND (pool_id = NEW.pool_id OR pool_id IS NULL OR NEW.pool_id IS NULL)\n           AND (duty, NEW.duty) IN (VALUES ('pool_admin','treasurer'), ('treasurer','pool_admin'), ('pool_admin','controller'), ('controller','pool_admin'), ('treasurer','controller'), ('controller','treasurer'), ('reviewer','second_reviewer'), ('second_reviewer','reviewer'), ('reviewer','treasurer'), ('treasurer','reviewer'), ('reviewer','controller'), ('controller','reviewer'), ('second_reviewer','treasurer'), ('treasurer','second_reviewer'), ('second_reviewer','controller'), ('controller','second_reviewer'), ('auditor','pool_admin'), ('pool_admin','auditor'), ('auditor','treasurer'), ('treasurer','auditor'), ('auditor','controller'), ('controller','auditor'), ('auditor','reviewer'), ('reviewer','auditor'), ('auditor','second_reviewer'), ('second_reviewer','auditor')) LIMIT 1;\n        IF FOUND THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'duties_do_not_meet', MESSAGE = format('%s and %s may not be in one hand', held, NEW.duty);\n        END IF;\n        RETURN NEW;\n    ",
                    hash="84d9c8eac3962f1ad14da5aebe0cb2b99e28ab07",
                    operation="INSERT",
                    pgid="pgtrigger_duties_do_not_meet_a9625",
                    table="members_dutygrant",
                    when="BEFORE",
                ),
            ),
        ),
    ]

"""How many have answered to new rules, who has not, and the one reminder to those: set-based, whatever the size."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from aidplatform.work import audit, jobs
from members.joining.kin_triggers import nobody_answers_sql
from members.joining.rule_models import RuleReminder
from members.joining.rule_triggers import can_answer_sql
from members.pools.models import PlanVersion, Pool

REMIND = "joining.remind_of_rules"
PAGE = 100


@dataclass(frozen=True)
class Figures:
    """What became of the question, as far as it is known; of rules that hold already as of their first day.

    agreed, unanswered: of those who go on. left: since the publication, by themselves. ended: by silence, where the
    rules took consent. unreachable: who has neither an account nor a guardian with one.
    """

    agreed: int
    unanswered: int
    left: int
    ended: int
    unreachable: int


@dataclass(frozen=True)
class Unanswered:
    """A membership that has not answered, by its number: nothing by which it can be written to past this software."""

    number: int
    joined_date: dt.date
    by_guardian: bool


# Of those who joined before the first day of the rules: who goes on beyond it, or went on until then.
_ON = """m.pool_id = %(pool)s AND m.joined_date < %(day)s AND NOT EXISTS (
    SELECT 1 FROM members_membershipend gone
     WHERE gone.membership_id = m.id AND gone.end_date <= %(day)s AND gone.reason <> 'silent')"""
_SAID = """EXISTS (SELECT 1 FROM members_ruleconsent said
    WHERE said.membership_id = m.id AND said.plan_version_id = %(version)s)"""
_ENDED = """EXISTS (SELECT 1 FROM members_membershipend over
    WHERE over.membership_id = m.id AND over.reason = 'silent' AND over.end_date <= %(day)s)"""
# Counted apart and taken from each other: no join of all members with all answers.
_FIGURES = f"""
    WITH gone AS (
        SELECT e.membership_id, e.reason, e.end_date, e.recorded_at, m.joined_date,
               m.person_id IS NOT NULL OR f.membership_id IS NOT NULL AND NOT {nobody_answers_sql("m.id")} AS can
          FROM members_membershipend e JOIN members_membership m ON m.id = e.membership_id
          LEFT JOIN members_familymember f ON f.membership_id = m.id
         WHERE m.pool_id = %(pool)s AND e.end_date <= %(day)s),
    asked AS (
        SELECT count(*) FILTER (WHERE m.person_id IS NOT NULL OR m.id IN (
                   SELECT kin.membership_id FROM members_familymember kin
                    WHERE kin.pool_id = %(pool)s AND NOT {nobody_answers_sql("kin.membership_id")})) AS can,
               count(*) AS every
          FROM members_membership m WHERE m.pool_id = %(pool)s AND m.joined_date < %(day)s),
    over AS (
        SELECT count(*) FILTER (WHERE can) AS can, count(*) AS every FROM gone WHERE joined_date < %(day)s),
    said AS (
        SELECT count(*) - count(*) FILTER (WHERE membership_id IN (SELECT membership_id FROM gone)) AS agreed
          FROM members_ruleconsent WHERE plan_version_id = %(version)s)
    SELECT said.agreed, asked.can - over.can - said.agreed,
           (SELECT count(*) FROM gone WHERE reason = 'left' AND recorded_at >= %(published)s),
           (SELECT count(*) FROM gone WHERE reason = 'silent' AND end_date = %(day)s),
           (asked.every - asked.can) - (over.every - over.can)
      FROM asked, over, said"""  # noqa: S608 - fixed names
_UNANSWERED = f"""
    SELECT m.number, m.joined_date, m.person_id IS NULL FROM members_membership m
     WHERE {_ON} AND m.number > %(after)s AND {can_answer_sql("m")} AND NOT {_SAID} AND NOT {_ENDED}
     ORDER BY m.number LIMIT %(limit)s"""  # noqa: S608 - fixed names


def figures_of(version: PlanVersion) -> Figures:
    """Return how many have answered to a change, and how."""
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, _parameters(version))
        return Figures(*cursor.fetchone())


def unanswered(version: PlanVersion, *, after: int = 0, limit: int = PAGE) -> list[Unanswered]:
    """Return who has not answered and could, by number, beginning after one."""
    with connection.cursor() as cursor:
        cursor.execute(_UNANSWERED, {**_parameters(version), "after": after, "limit": limit})
        return [Unanswered(*row) for row in cursor.fetchall()]


def all_unanswered(version: PlanVersion) -> Iterator[Unanswered]:
    """Yield everybody who has not answered, some thousand at a time."""
    after = 0
    while rows := unanswered(version, after=after, limit=5000):
        yield from rows
        after = rows[-1].number


def reminder_of(version: PlanVersion) -> RuleReminder | None:
    """Return the reminder that was sent, or None."""
    return RuleReminder.objects.filter(plan_version=version).first()


def remind(*, version: PlanVersion, sender: str, at: dt.datetime) -> RuleReminder:
    """Have everybody reminded who has not answered, once in the life of a change; reminded already: nothing.

    Raises: IntegrityError in the name of the guarantee that refuses.
    """
    with transaction.atomic():
        Pool.objects.select_for_update(no_key=True).get(pk=version.pool_id)
        sent = reminder_of(version)
        if sent is None:
            sent = RuleReminder.objects.create(
                pool=version.pool, plan_version=version, sent_by=sender, sent_at=at
            )
            # The instant is the database's own.
            sent.refresh_from_db(fields=["sent_at"])
            audit.record(actor=sender, action="remind_of_rules", subject=str(version))
            jobs.enqueue(kind=REMIND, key=str(version), payload={"version": version.pk}, actor=sender)
    return sent


def _parameters(version: PlanVersion) -> dict[str, Any]:
    return {
        "pool": version.pool_id,
        "version": version.pk,
        "day": version.effective_date,
        "published": version.published_at,
    }

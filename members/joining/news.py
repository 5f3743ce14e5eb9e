"""Telling everybody who answers for a member that the rules will change, and reminding who has not answered."""

from collections.abc import Iterable

from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from members.joining.guardian_sql import has_died_sql
from members.joining.models import Membership
from members.people import notices
from members.people.models import User
from members.pools.models import PlanVersion
from members.pools.selectors import asks_consent, coming_versions

TELL_RULES = "joining.tell_rules"
_GOES_ON = "NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id)"
_OPEN = """NOT EXISTS (SELECT 1 FROM members_ruleconsent c
    WHERE c.membership_id = m.id AND c.plan_version_id = %(version)s) AND m.joined_date < %(day)s"""


def _people(goes_on: str) -> tuple[str, str, str]:
    """Return queries for members, for guardians of children, and for who pays for somebody without an account.

    Each goes along a key of its own, so that a batch looks at no more rows than it tells; the person comes last.
    """
    return (
        f"""SELECT m.person_id, m.person_id FROM members_membership m
             WHERE m.pool_id = %(pool)s AND m.person_id > %(after)s AND {goes_on}
             ORDER BY m.person_id LIMIT %(batch)s""",
        f"""SELECT f.membership_id, g.person_id
              FROM members_familymember f JOIN members_membership m ON m.id = f.membership_id
              JOIN members_membership g ON g.id = f.guardian_id
             WHERE f.pool_id = %(pool)s AND f.membership_id > %(after)s AND m.person_id IS NULL AND {goes_on}
               AND NOT {has_died_sql("g.id")}
             ORDER BY f.membership_id LIMIT %(batch)s""",
        f"""SELECT k.id, g.person_id
              FROM members_payerlink k JOIN members_membership m ON m.id = k.membership_id
              JOIN members_membership g ON g.id = k.payer_id
             WHERE k.pool_id = %(pool)s AND k.id > %(after)s AND k.state = 'live' AND m.person_id IS NULL AND {goes_on}
               AND NOT {has_died_sql("g.id")}
             ORDER BY k.id LIMIT %(batch)s""",
    )


_TOLD = _people(_GOES_ON)
_REMINDED = _people(f"{_GOES_ON} AND {_OPEN}")


def tell_rules(lease: jobs.Lease) -> dict[str, int]:
    """Write a notice and a mail for everybody who answers or pays for a member, batch by batch.

    Each batch is a transaction; what an earlier attempt told is found and not told again. Who has joined between two
    attempts shifts the batches, which is why each attempt names its own.
    """
    return _tell(lease, notices.RULES, _TOLD)


def remind_of_rules(lease: jobs.Lease) -> dict[str, int]:
    """Remind, in the same way, whoever has a membership to answer for that has not been."""
    return _tell(lease, notices.RULES_REMINDER, _REMINDED)


def tell_coming_rules(*, membership: Membership, person: User, actor: str) -> None:
    """Tell who joins between the publication of new rules and their first day; in the caller's transaction."""
    pool = membership.pool
    for version in coming_versions(pool, clock.today(pool.time_zone)):
        batch = f"rules/{version}/{membership}"
        notices.tell(_news(version, notices.RULES, [person]), batch=batch, actor=actor)


def _tell(lease: jobs.Lease, kind: str, queries: tuple[str, ...]) -> dict[str, int]:
    version = PlanVersion.objects.select_related("pool", "proposal").get(pk=lease.payload["version"])
    told = 0
    for place, query in enumerate(queries):
        rows = notices.batches(query, pool=version.pool_id, version=version.pk, day=version.effective_date)
        for batch in rows:
            with lease.transaction():
                people = User.objects.in_bulk({row[-1] for row in batch})
                told += notices.tell(
                    _news(version, kind, people.values()),
                    batch=f"{kind}/{version}/{place}/{batch[0][0]}/{lease.attempt}",
                    actor=lease.actor,
                )
            failpoint("joining.rules_told")
    return {"told": told}


def _news(version: PlanVersion, kind: str, people: Iterable[User]) -> list[notices.News]:
    pool = version.pool
    params = {
        "pool_en": pool.name_en,
        "pool_zh": pool.name_zh,
        "effective_date": version.effective_date.isoformat(),
        "reason": version.proposal.reason if version.proposal else "",
        "by_consent": asks_consent(version),
    }
    link = reverse("my_rules", args=[pool.code, version.number])
    return [notices.News(person, kind, str(version), params, link) for person in people]

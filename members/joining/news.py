"""Telling everybody who answers for a member that the rules will change, and reminding who has not answered."""

from collections.abc import Iterable

from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from members.joining.models import Membership
from members.people import notices
from members.people.models import User
from members.pools.models import PlanVersion
from members.pools.selectors import asks_consent, coming_versions

TELL_RULES = "joining.tell_rules"
_GOES_ON = "NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id)"
_OPEN = """NOT EXISTS (SELECT 1 FROM members_ruleconsent c
    WHERE c.membership_id = m.id AND c.plan_version_id = %(version)s) AND m.joined_date < %(day)s"""


def _people(goes_on: str) -> str:
    """Return a query for whoever is or speaks for a member, or pays for one without an account, each once.

    From the accounts to the memberships, so that a batch looks at no more people than it tells.
    """
    return f"""
    SELECT u.id FROM members_user u
     WHERE u.id > %(after)s AND (
           EXISTS (SELECT 1 FROM members_membership m WHERE m.pool_id = %(pool)s AND m.person_id = u.id AND {goes_on})
        OR EXISTS (SELECT 1 FROM members_membership g JOIN members_familymember f ON f.guardian_id = g.id
                     JOIN members_membership m ON m.id = f.membership_id
                    WHERE g.pool_id = %(pool)s AND g.person_id = u.id AND m.person_id IS NULL AND {goes_on})
        OR EXISTS (SELECT 1 FROM members_membership g JOIN members_payerlink k ON k.payer_id = g.id AND k.state = 'live'
                     JOIN members_membership m ON m.id = k.membership_id
                    WHERE g.pool_id = %(pool)s AND g.person_id = u.id AND m.person_id IS NULL AND {goes_on}))
     ORDER BY u.id LIMIT %(batch)s"""  # noqa: S608 - fixed names


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


def _tell(lease: jobs.Lease, kind: str, query: str) -> dict[str, int]:
    version = PlanVersion.objects.select_related("pool", "proposal").get(pk=lease.payload["version"])
    told = 0
    rows = notices.batches(query, pool=version.pool_id, version=version.pk, day=version.effective_date)
    for batch in rows:
        people = [person for (person,) in batch]
        with lease.transaction():
            found = User.objects.in_bulk(people)
            told += notices.tell(
                _news(version, kind, [found[person] for person in people]),
                batch=f"{kind}/{version}/{people[0]}/{lease.attempt}",
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

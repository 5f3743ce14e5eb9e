"""Telling members, and guardians of members without an account, that the rules they signed will change."""

from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from members.joining.told import LISTENS, TOLD
from members.people import notices
from members.people.models import User
from members.pools.models import PlanVersion

TELL_RULES = "joining.tell_rules"
# Who is told about somebody who is covered now or later, each once.
_CONCERNED = f"""
    SELECT own.person_id FROM {TOLD}
     WHERE {LISTENS} AND own.person_id > %(after)s AND EXISTS (
           SELECT 1 FROM members_span s WHERE s.pool_id = m.pool_id AND s.membership_id = m.id
              AND (s.to_at IS NULL OR s.to_at > %(now)s))
     GROUP BY own.person_id ORDER BY own.person_id LIMIT %(batch)s"""  # noqa: S608 - fixed names


def tell_rules(lease: jobs.Lease) -> dict[str, int]:
    """Write a notice and a mail for each person whom the rules concern, batch by batch.

    Each batch is a transaction; what an earlier attempt told is found and not told again. Who has joined between two
    attempts shifts the batches, which is why each attempt names its own.
    """
    version = PlanVersion.objects.select_related("pool", "proposal").get(pk=lease.payload["version"])
    told = 0
    for batch in notices.batches(_CONCERNED, pool=version.pool_id, now=clock.now()):
        people = [person for (person,) in batch]
        with lease.transaction():
            found = User.objects.in_bulk(people)
            news = [_news(version, found[person]) for person in people]
            told += notices.tell(
                news, batch=f"rules/{version}/{people[0]}/{lease.attempt}", actor=lease.actor
            )
        failpoint("joining.rules_told")
    return {"told": told}


def _news(version: PlanVersion, person: User) -> notices.News:
    pool = version.pool
    return notices.News(
        person=person,
        kind=notices.RULES,
        key=str(version),
        params={
            "pool_en": pool.name_en,
            "pool_zh": pool.name_zh,
            "effective_date": version.effective_date.isoformat(),
            "reason": version.proposal.reason if version.proposal else "",
        },
        link=reverse("plan_version", args=[pool.code, version.number]),
    )

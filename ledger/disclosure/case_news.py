"""Telling every member that cases of their pool are public, and until when they may object."""

from django.db.models import Count, Sum
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from ledger.sharing.models import Period
from ledger.sharing.selectors import awards_of
from members.people import notices
from members.people.case_words import CASES_ANNOUNCED
from members.people.models import User

TELL_CASES = "disclosure.tell_cases"
# Everyone whose own membership goes on; a child's guardian is a member as well.
_MEMBERS = """
    SELECT DISTINCT m.person_id FROM members_membership m JOIN members_user u ON u.id = m.person_id
     WHERE m.pool_id = %(pool)s AND u.erased_at IS NULL AND m.person_id > %(after)s
       AND NOT EXISTS (SELECT 1 FROM members_membershipend e
                        WHERE e.membership_id = m.id AND e.end_date <= %(today)s)
     ORDER BY m.person_id LIMIT %(batch)s"""


def tell_cases(lease: jobs.Lease) -> dict[str, int]:
    """Tell each member once that the cases of a period are public: how many, how much, and until when to object.

    Each batch is a transaction. After publicity has ended nobody is told any more.
    """
    period = Period.objects.select_related("pool").get(pk=lease.payload["period"])
    if period.state != Period.State.ANNOUNCED:
        return {"told": 0}
    found = awards_of(period).aggregate(cases=Count("pk"), aid_fen=Sum("aid_fen"))
    params = {
        "pool_en": period.pool.name_en,
        "pool_zh": period.pool.name_zh,
        "number": period.number,
        "case_count": found["cases"],
        "fen": found["aid_fen"] or 0,
        "currency": period.pool.currency,
        "until": period.publicity_end_date.isoformat(),
    }
    link, told = reverse("notice_board", args=[period.pool.code]), 0
    today = clock.today(period.pool.time_zone)
    for batch in notices.batches(_MEMBERS, pool=period.pool_id, today=today):
        people = User.objects.filter(pk__in=[person for (person,) in batch])
        with lease.transaction():
            news = [
                notices.News(person, CASES_ANNOUNCED, f"{period.code}/cases", params, link)
                for person in people.order_by("pk")
            ]
            told += notices.tell(news, batch=f"cases/{period.code}/{batch[0][0]}", actor=lease.actor)
        failpoint("disclosure.cases_told")
    return {"told": told}

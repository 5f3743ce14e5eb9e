"""A pool of the demonstration that is being founded: its rules are published, members join, two things are missing."""

from django.db import transaction

from aidplatform.lib import clock
from aidplatform.site.demo.clock import ZONE
from aidplatform.site.demo.people import CAST, make_people
from aidplatform.site.demo.pools import OPERATOR, admit_strangers
from ledger.founding import services
from members.pools.founding import write_draft
from members.pools.models import DutyGrant, Pool
from members.pools.presets import find_preset
from members.pools.services import grant_founding_duty

GATHERING = "hillside"
MEMBERS, MINIMUM = 13, 20


@transaction.atomic
def found_gathering_pool() -> Pool:
    """Found it from the preset of villages, up to where members join; nothing but its return if it exists."""
    existing = Pool.objects.filter(code=GATHERING).first()
    if existing is not None:
        return existing
    people, preset, at = make_people(), find_preset("village"), clock.now()
    founder = people["pool_admin"]
    draft = services.found(
        preset=preset,
        code=GATHERING,
        name_en="Hillside families",
        name_zh="山居互助",
        currency="CNY",
        time_zone=ZONE,
        expected_members=60,
        founder=founder,
        at=at,
    )
    for role in CAST:
        if role.duty and people[role.key] != founder:
            grant_founding_duty(
                pool=draft.pool, person=people[role.key], duty=DutyGrant.Duty(role.duty).value, at=at
            )
    ending = {"payer": OPERATOR["name"], "run_off_days": 90}
    draft = write_draft(
        draft=draft,
        changes=draft.changes,
        terms=preset.terms | {"minimum_members": MINIMUM, "operator": OPERATOR, "wind_down": ending},
        covenant=(draft.covenant_en, draft.covenant_zh),
        expected_members=60,
        editor=founder.code,
        at=at,
    )
    pool = services.start_gathering(pool=draft.pool, changes=draft.changes, starter=founder.code, at=at)
    admit_strangers(pool, 0, MEMBERS, clock.today(ZONE))
    return pool

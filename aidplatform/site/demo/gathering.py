"""A pool of the demonstration that is being founded: its rules are published, members join, two things are missing.

Five members of the old book wait for a second person; a second list was looked at, and two of its rows are wrong.
"""

import csv
import io
from collections.abc import Callable

from django.db import transaction

from aidplatform.lib import clock
from aidplatform.site.demo.clock import ZONE
from aidplatform.site.demo.people import CAST, born_of, card_number, make_people, names_of
from aidplatform.site.demo.pools import OPERATOR, admit_strangers
from ledger.custody import reversals
from ledger.founding import moving_in, services
from members.joining.importing import propose_import
from members.joining.looking import keep_upload
from members.joining.models import MemberUpload
from members.pools.founding import write_draft
from members.pools.models import DutyGrant, Pool
from members.pools.presets import find_preset
from members.pools.services import grant_founding_duty

GATHERING = "hillside"
MEMBERS, MINIMUM = 13, 20
# Numbers of the people of the old book; nobody else of the demonstration has their documents.
_PROPOSED, _LOOKED_AT = range(501, 506), range(506, 511)
_COLUMNS = (
    "Name", "E-mail", "Identity document", "Document number", "Member since", "Proof", "Share owed",
)  # fmt: skip


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


def bring_lists(pool: Pool, work: Callable[[], None]) -> None:
    """Let the pool admin propose the list of the old book, and have another one looked at. work: as in the history."""
    if not pool.member_imports.exists():
        upload = _look_at(pool, "members-2023.csv", [_row(number) for number in _PROPOSED], work)
        propose_import(upload=upload, looks=upload.looks, proposer=upload.uploaded_by, at=clock.now())
        work()
    rows = [_row(number) for number in _LOOKED_AT]
    rows[1]["E-mail"] = "hillside-507"
    rows[3]["Document number"] = rows[3]["Document number"][:-2]
    _look_at(pool, "members-2024.csv", rows, work)


@transaction.atomic
def take_an_opening_back(pool: Pool) -> None:
    """Let two people book the balances of the old book wrongly, and take them back; nothing if they have."""
    if pool.opening_balances.exists():
        return
    people, at = make_people(), clock.now()
    treasurer, controller = people["treasurer"].code, people["controller"].code
    opening = moving_in.propose_opening(
        pool=pool,
        custody_fen=100_000,
        carried_surplus_fen=80_000,
        reserve_fen=20_000,
        proof="cash book, page 31",
        proposer=treasurer,
        at=at,
    )
    booked = moving_in.approve_opening(
        opening=opening, approver=controller, shown_sha256=opening.shown_sha256, at=at
    )
    assert booked.entry is not None, "what is approved is booked"
    reversal = reversals.propose_reversal(
        entry=booked.entry, reason="the bank shows 900.00 / 银行显示 900.00", proposer=treasurer, at=at
    )
    reversals.agree_to_reversal(reversal=reversal, person=controller, at=at)


def _look_at(pool: Pool, filename: str, rows: list[dict[str, str]], work: Callable[[], None]) -> MemberUpload:
    data = io.StringIO()
    writer = csv.DictWriter(data, _COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    upload = keep_upload(
        pool=pool,
        data=data.getvalue().encode(),
        filename=filename,
        uploader=make_people()["pool_admin"].code,
        at=clock.now(),
    )
    work()
    upload.refresh_from_db()
    return upload


def _row(number: int) -> dict[str, str]:
    """Return the row of somebody who has been a member elsewhere since 2023; one of them still owes a share."""
    return {
        "Name": names_of(number)[1],
        "E-mail": f"hillside-{number}@demo.invalid",
        "Identity document": "身份证",
        "Document number": card_number(born_of(number), number),
        "Member since": "2023-09-01",
        "Proof": f"member book, page {number - 500}",
        "Share owed": "12.50" if number == _PROPOSED[1] else "",
    }

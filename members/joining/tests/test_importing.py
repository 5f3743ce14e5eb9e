"""A village moves in: its list is looked at, proposed, approved, and each of its people confirms or does not."""

import datetime as dt
import json

import pytest

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.work.models import AuditEntry
from ledger.openbooks.models import LogEntry
from members.joining import applications, importing, looking
from members.joining.import_triggers import DAYS_TO_CONFIRM
from members.joining.listed import OtherAddressError, OtherDocumentError, particulars_of
from members.joining.models import ImportedMember, MemberImport, Membership, MembershipSpan, MemberUpload
from members.joining.selectors import covers_of
from members.joining.tests.lists import SINCE, approved, csv_list, listed, proposed, row, uploaded, villager
from members.joining.tests.papers import filled, paper, resident_id
from members.people.identity import Paper
from members.people.models import Mail, User
from members.pools.services import open_pool


@prepared
def moving() -> World:
    """Give the test a pool that gathers its members."""
    return World.founded(members=0, gathering=True, minimum_members=1)


def paper_of_villager(number: int) -> Paper:
    born = dt.date(1980, 1, 1) + dt.timedelta(days=number)
    return paper(resident_id(born), born)


def sign(world: World, person: User, number: int) -> Membership:
    application = filled(world.pool, person, paper_of_villager(number))
    return applications.sign_covenant(
        application=application,
        signer=person,
        shown_sha256=application.plan_version.covenant_sha256,
        language="en",
        at=clock.now(),
    )


# --- looking ------------------------------------------------------------------------------------------------------


def test_look_says_what_would_happen_and_writes_no_member(moving: World) -> None:
    upload = uploaded(moving, csv_list(row(1), row(2), row(3, **{"Member since": "", "Proof": ""})))
    report = looking.report_of(upload)
    assert report is not None
    assert (report.rows, report.fault_count, report.counts) == (3, 0, {"new": 3, "known": 0, "member": 0})
    assert [member.since_date for member in report.fresh] == [SINCE, SINCE, None]
    assert [member.owed_fen for member in report.fresh] == [0, 1250, 0]
    assert (upload.rows_done, upload.rows_all) == (3, 3)
    assert not ImportedMember.objects.exists()
    assert not MemberImport.objects.exists()
    assert not Mail.objects.exists()


def test_every_fault_is_named_by_row_and_column(moving: World) -> None:
    wrong = row(2, **{"E-mail": "nowhere", "Member since": "2031-01-01", "Share owed": "12.345"})
    report = looking.report_of(uploaded(moving, csv_list(row(1), wrong)))
    assert report is not None
    assert [(fault.row, fault.column, fault.code) for fault in report.faults] == [
        (3, "email", "bad_email"),
        (3, "joined_on", "joined_in_future"),
        (3, "owed", "bad_amount"),
    ]
    assert not report.may_propose


def test_fixed_file_is_looked_at_and_the_same_one_looked_at_again(moving: World) -> None:
    bad = uploaded(moving, csv_list(row(1, **{"Name": ""})))
    good = uploaded(moving, csv_list(row(1)))
    again = uploaded(moving, csv_list(row(1)))
    assert (good.pk, again.looks) == (again.pk, 2)
    assert MemberUpload.objects.count() == 2
    found = looking.report_of(bad)
    assert found is not None
    assert found.fault_count == 1


def test_file_that_is_no_list_says_so(moving: World) -> None:
    for data, says in (
        (b"\x89PNG\r\n\x1a\n\x00", "neither a workbook (.xlsx) nor a CSV"),
        (b"Name,Age\nx,3\n", "does not name these columns: E-mail, Identity document, Document number"),
    ):
        report = looking.report_of(uploaded(moving, data))
        assert report is not None
        assert says in report.refused
        assert not report.may_propose


def test_nothing_personal_is_readable_in_the_tables(moving: World) -> None:
    found = proposed(moving)
    uploaded(moving, csv_list(row(7)))
    stored = ImportedMember.objects.filter(member_import=found).values_list("sealed", "document_index")
    kept = MemberUpload.objects.values_list("content", "report")
    for parts in (*stored, *kept):
        for part in parts:
            assert b"Villager" not in bytes(part)
            assert resident_id(dt.date(1980, 1, 2)).encode() not in bytes(part)
    told = str(list(AuditEntry.objects.values_list("detail", "subject")))
    assert "illager" not in told
    assert particulars_of(listed(moving.pool, 1)).paper.name == "Villager 1"


def test_open_pool_takes_no_list(world: World) -> None:
    with pytest.raises(looking.NotGatheringError):
        uploaded(world, csv_list(row(1)))


# --- proposing and deciding ---------------------------------------------------------------------------------------


def test_import_takes_two_people_and_asks_everybody_once(moving: World) -> None:
    found = proposed(moving)
    assert (found.number, found.state, found.row_count, found.served, found.owed_fen) == (
        1,
        "proposed",
        3,
        3,
        1250,
    )
    assert len(found.shown_sha256) == 64
    assert not MemberUpload.objects.exists()
    assert not Mail.objects.exists()
    with pytest.raises(importing.SameProposerError):
        importing.approve_import(
            member_import=found, approver=moving.admin.code, shown_sha256=found.shown_sha256, at=clock.now()
        )
    with pytest.raises(importing.ImportShownChangedError):
        importing.approve_import(
            member_import=found, approver=moving.controller.code, shown_sha256="0" * 64, at=clock.now()
        )
    found = importing.approve_import(
        member_import=found, approver=moving.controller.code, shown_sha256=found.shown_sha256, at=clock.now()
    )
    run_jobs()
    assert Mail.objects.count() == 3
    mail = Mail.objects.get(to_address="villager-1@example.org")
    assert "1 Sep 2023" in mail.body
    assert "1 Apr 2026" in mail.body  # ninety days after the approval
    assert "Villager 1" not in mail.body
    assert not Membership.objects.filter(pool=moving.pool).exists()
    with pytest.raises(importing.NotWaitingError):
        importing.approve_import(
            member_import=found,
            approver=moving.controller.code,
            shown_sha256=found.shown_sha256,
            at=clock.now(),
        )


def test_log_states_the_import_as_a_count(moving: World) -> None:
    found = approved(moving)
    entry = LogEntry.objects.get(log__code=moving.pool.code, type="stats")
    assert json.loads(bytes(entry.data))["body"] == {
        "import": 1,
        "members": 3,
        "waiting_served": 3,
        "owed_fen": 1250,
        "sha256": found.shown_sha256,
    }


def test_same_list_twice_adds_nothing(moving: World) -> None:
    approved(moving)
    report = looking.report_of(uploaded(moving, csv_list(row(1), row(2), row(3))))
    assert report is not None
    assert report.counts == {"new": 0, "known": 3, "member": 0}
    upload = MemberUpload.objects.get()
    with pytest.raises(importing.FaultyListError):
        importing.propose_import(
            upload=upload, looks=upload.looks, proposer=moving.admin.code, at=clock.now()
        )
    assert MemberImport.objects.count() == 1


def test_longer_list_adds_who_is_new_and_refuses_who_changed(moving: World) -> None:
    approved(moving)
    changed = row(1, **{"Member since": "2022-09-01"})
    report = looking.report_of(uploaded(moving, csv_list(changed, row(2), row(4))))
    assert report is not None
    assert [(fault.row, fault.code) for fault in report.faults] == [(2, "listed_otherwise")]
    assert report.counts == {"new": 1, "known": 1, "member": 0}
    importing.take_back(row=listed(moving.pool, 1), by=moving.admin.code)
    second = proposed(moving, changed, row(2), row(4))
    assert (second.number, second.row_count) == (2, 2)


def test_proposing_twice_is_proposing_once(moving: World) -> None:
    upload = uploaded(moving, csv_list(row(1)))
    one, two = (
        importing.propose_import(
            upload=upload, looks=upload.looks, proposer=moving.admin.code, at=clock.now()
        )
        for _click in range(2)
    )
    assert one == two
    run_jobs()
    assert ImportedMember.objects.count() == 1


def test_list_looked_at_again_is_not_proposed_unseen(moving: World) -> None:
    upload = uploaded(moving, csv_list(row(1)))
    uploaded(moving, csv_list(row(1)))
    with pytest.raises(importing.LookAgainError):
        importing.propose_import(upload=upload, looks=1, proposer=moving.admin.code, at=clock.now())


def test_list_turned_down_binds_nobody(moving: World) -> None:
    found = proposed(moving)
    importing.withdraw_import(member_import=found, withdrawer=moving.controller.code, at=clock.now())
    assert set(ImportedMember.objects.values_list("state", flat=True)) == {"withdrawn"}
    membership = sign(moving, villager(1), 1)
    assert membership.waiting_since_date is None
    assert proposed(moving).number == 2


# --- confirming ---------------------------------------------------------------------------------------------------


def test_confirmed_member_is_covered_from_tomorrow_with_the_waiting_time_served(moving: World) -> None:
    approved(moving)
    person = villager(1)
    membership = sign(moving, person, 1)
    assert (membership.joined_date, membership.waiting_since_date) == (dt.date(2026, 1, 1), SINCE)
    assert membership.signature.eligible_date == dt.date(2026, 1, 2)
    cover = covers_of([membership], clock.now())[membership.pk]
    assert (cover.eligible_date, cover.covered_from) == (
        dt.date(2026, 1, 2),
        clock.start_of_day(dt.date(2026, 1, 2), moving.pool.time_zone),
    )
    confirmed = ImportedMember.objects.get(membership=membership)
    assert (confirmed.state, confirmed.proof) == ("confirmed", "book 2, page 1")
    assert MembershipSpan.objects.filter(pool_id=moving.pool.pk).count() == 1


def test_waiting_that_is_not_over_goes_on_where_it_was(moving: World) -> None:
    approved(moving, row(1, **{"Member since": "2025-12-01"}))
    membership = sign(moving, villager(1), 1)
    assert membership.signature.eligible_date == dt.date(2026, 3, 2)


def test_who_has_served_no_waiting_time_waits_like_everybody(moving: World) -> None:
    approved(moving, row(1, **{"Member since": "", "Proof": ""}))
    membership = sign(moving, villager(1), 1)
    assert membership.waiting_since_date is None
    assert membership.signature.eligible_date == dt.date(2026, 4, 2)
    assert ImportedMember.objects.get().membership == membership


def test_waiting_time_counts_until_the_last_day_to_confirm(moving: World) -> None:
    approved(moving)
    start = dt.datetime(2026, 1, 1, 2, tzinfo=dt.UTC)
    set_clock(start + dt.timedelta(days=DAYS_TO_CONFIRM))
    assert sign(moving, villager(1), 1).waiting_since_date == SINCE
    set_clock(start + dt.timedelta(days=DAYS_TO_CONFIRM + 1))
    assert sign(moving, villager(2), 2).waiting_since_date is None


def test_nobody_else_gets_the_waiting_time(moving: World) -> None:
    """The address alone is a guess of the list's, the number alone is known to others."""
    approved(moving)
    with pytest.raises(OtherAddressError):
        filled(moving.pool, moving.stranger, paper_of_villager(1))
    with pytest.raises(OtherDocumentError):
        filled(moving.pool, villager(1), paper_of_villager(9))
    assert not Membership.objects.filter(pool=moving.pool).exists()
    importing.take_back(row=listed(moving.pool, 1), by=moving.admin.code)
    assert sign(moving, moving.stranger, 1).waiting_since_date is None


def test_class_of_the_list_counts_where_ages_do_not_decide(db: None) -> None:
    names = [("Adults", "成人"), ("Elders", "长者")]
    classes = [
        {"class_no": no, "weight": no + 1, "name_en": en, "name_zh": zh} for no, (en, zh) in enumerate(names)
    ]
    world = World.founded(members=0, gathering=True, minimum_members=1, classes=classes)
    approved(world, row(1, **{"Class": "长者"}), row(2, **{"Class": "0"}))
    for number, class_no in ((1, 1), (2, 0)):
        membership = sign(world, villager(number), number)
        span = MembershipSpan.objects.get(pool_id=world.pool.pk, membership_id=membership.pk)
        assert span.class_no == class_no


def test_who_has_not_confirmed_is_in_no_headcount(moving: World) -> None:
    approved(moving)
    sign(moving, villager(1), 1)
    moving.pool = open_pool(pool=moving.pool, opener="x", on=dt.date(2026, 1, 1))
    moving.award(100_000)
    period = moving.computed_period()
    assert period.headcount == 1
    with pytest.raises(DomainError):
        proposed(moving, row(5))


def test_confirming_after_the_opening_counts_too(moving: World) -> None:
    approved(moving)
    sign(moving, villager(1), 1)
    moving.pool = open_pool(pool=moving.pool, opener="x", on=dt.date(2026, 1, 1))
    set_clock(dt.datetime(2026, 2, 3, 2, tzinfo=dt.UTC))
    membership = sign(moving, villager(2), 2)
    assert (membership.waiting_since_date, membership.signature.eligible_date) == (SINCE, dt.date(2026, 2, 4))


def test_confirmed_row_is_not_taken_back(moving: World) -> None:
    approved(moving)
    sign(moving, villager(1), 1)
    with pytest.raises(importing.NotWaitingError):
        importing.take_back(row=listed(moving.pool, 1), by=moving.admin.code)

"""Each guarantee of imports, broken by hand as aid_app: the database refuses in its name."""

import datetime as dt

import pytest

from aidplatform.lib import clock
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import World, set_clock
from members.joining import importing
from members.joining.models import ImportedMember, MemberImport
from members.joining.tests.lists import SINCE, approved, listed, proposed, row, villager
from members.joining.tests.test_importing import paper_of_villager, sign
from members.people.identity import record_identity
from members.people.models import User
from members.pools.services import open_pool

INSERT_IMPORT = """INSERT INTO members_memberimport
    (pool_id, number, filename, sha256, state, row_count, served, owed_fen, proposed_by, proposed_at)
    VALUES (%s, 1, 'x', 'x', %s, 9, 9, 9, %s, now()) RETURNING id"""
INSERT_ROW = """INSERT INTO members_importedmember
    (member_import_id, pool_id, row_no, email, document_index, since_date, proof, owed_fen, sealed, state)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '', %s)"""


@prepared
def moving() -> World:
    """Give the test a pool that gathers its members."""
    return World.founded(members=0, gathering=True, minimum_members=1)


def join(world: World, person: User, since: dt.date | None, joined: str = "2026-01-01") -> int:
    """Write a membership by hand."""
    return int(
        value(
            """INSERT INTO members_membership (pool_id, number, person_id, joined_date, waiting_since_date)
               VALUES (%s, 99, %s, %s, %s) RETURNING id""",
            world.pool.pk, person.pk, joined, since,
        )
    )  # fmt: skip


def identified(number: int) -> User:
    person = villager(number)
    record_identity(person=person, paper=paper_of_villager(number), at=clock.now())
    return person


def test_waiting_served_is_as_imported(moving: World) -> None:
    """Not for who is on no list, on a list nobody approved, earlier than the list says, or behind the last day."""
    nobody, person = identified(9), identified(1)
    found = proposed(moving)
    with refused("waiting_served_is_as_imported"):
        join(moving, person, SINCE)
    importing.approve_import(
        member_import=found, approver=moving.controller.code, shown_sha256=found.shown_sha256, at=clock.now()
    )
    with refused("waiting_served_is_as_imported"):
        join(moving, nobody, SINCE)
    with refused("waiting_served_is_as_imported"):
        join(moving, moving.stranger, SINCE)
    with refused("waiting_served_is_as_imported"):
        join(moving, person, SINCE - dt.timedelta(days=1))
    with refused("waiting_served_is_as_imported"):
        join(moving, person, SINCE, joined="2026-04-02")
    with refused("waiting_served_is_as_imported"):
        join(moving, person, dt.date(2026, 1, 2))
    assert join(moving, person, SINCE)


def test_waiting_served_counts_once_and_not_for_a_row_taken_back(moving: World) -> None:
    approved(moving)
    person = identified(1)
    importing.take_back(row=listed(moving.pool, 1), by=moving.admin.code)
    with refused("waiting_served_is_as_imported"):
        join(moving, person, SINCE)


def test_waiting_served_without_a_day_is_none(moving: World) -> None:
    approved(moving, row(1, **{"Member since": "", "Proof": ""}))
    with refused("waiting_served_is_as_imported"):
        join(moving, identified(1), dt.date(2026, 1, 1))


def test_waiting_time_of_a_membership_never_changes(moving: World, owner: object) -> None:
    approved(moving)
    membership = sign(moving, villager(1), 1)
    with not_permitted():
        run("UPDATE members_membership SET waiting_since_date = '2020-01-01' WHERE id = %s", membership.pk)


def test_waiting_follows_the_plan_from_the_day_it_began(moving: World) -> None:
    """A signature says exactly the day that plan and list give."""
    approved(moving, row(1, **{"Member since": "2025-12-01"}))
    person = identified(1)
    membership = join(moving, person, dt.date(2025, 12, 1))
    version = moving.pool.plan_versions.get()
    for day, is_right in (("2026-03-01", False), ("2026-04-02", False), ("2026-03-02", True)):
        sql = """INSERT INTO members_covenantsignature (membership_id, plan_version_id, covenant_sha256,
                    declaration_sha256, answers_sealed, consent_health, consent_publication, language, eligible_date,
                    signed_at) VALUES (%s, %s, %s, %s, '', true, true, 'en', %s, now())"""
        values = (membership, version.pk, version.covenant_sha256, version.declaration_sha256, day)
        if is_right:
            run(sql, *values)
        else:
            with refused("waiting_follows_plan"):
                run(sql, *values)


def test_pools_move_in_while_gathering(moving: World) -> None:
    found = proposed(moving)
    sign(moving, villager(8), 8)
    open_pool(pool=moving.pool, opener="x", on=dt.date(2026, 1, 1))
    with refused("pools_move_in_while_gathering"):
        run(
            """UPDATE members_memberimport SET state = 'approved', decided_by = %s, decided_at = now(),
                      approved_sha256 = shown_sha256 WHERE id = %s""",
            moving.controller.code, found.pk,
        )  # fmt: skip
    importing.withdraw_import(member_import=found, withdrawer=moving.admin.code, at=clock.now())
    with refused("pools_move_in_while_gathering"):
        run(INSERT_IMPORT, moving.pool.pk, "writing", moving.admin.code)


def test_import_people_hold_their_duty(moving: World) -> None:
    with refused("import_people_hold_their_duty"):
        run(INSERT_IMPORT, moving.pool.pk, "writing", moving.controller.code)
    found = proposed(moving)
    approve = """UPDATE members_memberimport SET state = 'approved', decided_by = %s, decided_at = now(),
                        approved_sha256 = shown_sha256 WHERE id = %s"""
    for person in (moving.treasurer, moving.auditor, moving.stranger):
        with refused("import_people_hold_their_duty"):
            run(approve, person.code, found.pk)
    with refused("import_people_hold_their_duty"):
        run(
            "UPDATE members_memberimport SET state = 'withdrawn', decided_by = %s, decided_at = now() WHERE id = %s",
            moving.treasurer.code, found.pk,
        )  # fmt: skip


def test_import_approver_is_not_proposer(moving: World) -> None:
    found = proposed(moving)
    with refused("import_people_hold_their_duty"):
        run(
            """UPDATE members_memberimport SET state = 'approved', decided_by = proposed_by, decided_at = now(),
                      approved_sha256 = shown_sha256 WHERE id = %s""",
            found.pk,
        )


def test_plain_constraints_stand_behind_the_guards_of_an_import(owner: object, moving: World) -> None:
    names = {
        "import_approver_is_not_proposer",
        "import_names_who_decided",
        "one_open_member_import_per_pool",
        "one_member_import_per_number",
        "one_member_upload_per_file",
        "one_imported_member_per_row",
        "imported_member_owes_no_less_than_nothing",
        "confirmed_import_has_its_membership",
    }
    found = run(
        """SELECT conname FROM pg_constraint WHERE conname = ANY(%s)
           UNION SELECT relname FROM pg_class WHERE relname = ANY(%s)""",
        list(names),
        list(names),
    )
    assert {name for (name,) in found} == names


def test_import_approval_is_of_what_was_shown(moving: World) -> None:
    found = proposed(moving)
    with refused("import_approval_is_of_what_was_shown"):
        run(
            """UPDATE members_memberimport SET state = 'approved', decided_by = %s, decided_at = now(),
                      approved_sha256 = %s WHERE id = %s""",
            moving.controller.code, "0" * 64, found.pk,
        )  # fmt: skip


def test_hash_is_of_every_row(moving: World) -> None:
    """The same rows give the same hash, another day, amount, address or order gives another."""
    shown = set()
    for number, changes in enumerate(
        (
            {},
            {"Member since": "2023-09-02"},
            {"Share owed": "0.01"},
            {"Proof": "x"},
            {"E-mail": "other@example.org"},
        )
    ):
        found = proposed(moving, row(1, **changes), row(3))
        shown.add(found.shown_sha256)
        importing.withdraw_import(member_import=found, withdrawer=moving.admin.code, at=clock.now())
        assert len(shown) == number + 1


def test_imported_rows_come_before_the_hash(moving: World) -> None:
    found = proposed(moving)
    values = (found.pk, moving.pool.pk, 50, "late@example.org", b"x" * 32, SINCE, "book", 0, "open")
    with refused("imported_rows_come_before_the_hash"):
        run(INSERT_ROW, *values)
    importing.withdraw_import(member_import=found, withdrawer=moving.admin.code, at=clock.now())
    fresh = value(INSERT_IMPORT, moving.pool.pk, "writing", moving.admin.code)
    run(INSERT_ROW, fresh, *values[1:])
    with refused("imported_rows_come_before_the_hash"):
        run(INSERT_ROW, fresh, moving.pool.pk, 51, "Upper@example.org", b"y" * 32, None, "", 0, "open")
    with refused("imported_rows_come_before_the_hash"):
        run(
            INSERT_ROW,
            fresh,
            moving.pool.pk,
            51,
            "u@example.org",
            b"y" * 32,
            dt.date(2026, 1, 2),
            "b",
            0,
            "open",
        )
    with refused("waiting_time_served_has_its_proof"):
        run(INSERT_ROW, fresh, moving.pool.pk, 51, "u@example.org", b"y" * 32, SINCE, "", 0, "open")
    with refused("imported_member_owes_no_less_than_nothing"):
        run(INSERT_ROW, fresh, moving.pool.pk, 51, "u@example.org", b"y" * 32, None, "", -1, "open")
    with refused("imported_member_state_follows_order"):
        run(INSERT_ROW, fresh, moving.pool.pk, 51, "u@example.org", b"y" * 32, None, "", 0, "confirmed")
    with refused("one_imported_member_per_document"):
        run(INSERT_ROW, fresh, moving.pool.pk, 51, "u@example.org", b"x" * 32, None, "", 0, "open")
    with refused("one_imported_member_per_address"):
        run(INSERT_ROW, fresh, moving.pool.pk, 51, "late@example.org", b"y" * 32, None, "", 0, "open")


def test_import_begins_empty_and_counts_itself(moving: World) -> None:
    with refused("import_state_follows_order"):
        run(INSERT_IMPORT, moving.pool.pk, "approved", moving.admin.code)
    fresh = value(INSERT_IMPORT, moving.pool.pk, "writing", moving.admin.code)
    found = MemberImport.objects.get(pk=fresh)
    assert (found.row_count, found.served, found.owed_fen, found.shown_sha256) == (0, 0, 0, "")
    with refused("import_is_decided_as_shown"):
        run("UPDATE members_memberimport SET state = 'proposed' WHERE id = %s", fresh)
    with refused("one_open_member_import_per_pool"):
        run(INSERT_IMPORT, moving.pool.pk, "writing", moving.admin.code)


def test_import_is_decided_as_shown_and_its_sums_are_out_of_reach(moving: World, owner: object) -> None:
    found = approved(moving)
    with not_permitted():
        run("UPDATE members_memberimport SET owed_fen = 0 WHERE id = %s", found.pk)
    with refused("import_is_decided_as_shown"):
        run("UPDATE members_memberimport SET decided_by = 'x' WHERE id = %s", found.pk)
    with refused("import_state_follows_order"):
        run("UPDATE members_memberimport SET state = 'withdrawn' WHERE id = %s", found.pk)


def test_imports_and_their_rows_are_kept_by_the_owner_too(committed_owner: object) -> None:
    import psycopg

    assert isinstance(committed_owner, psycopg.Connection)
    for table in ("members_memberimport", "members_importedmember"):
        with refused_to_owner(committed_owner, "imports_are_kept"):
            committed_owner.execute(f"DELETE FROM {table}")
        with refused_to_owner(committed_owner, "imports_are_kept"):
            committed_owner.execute(f"TRUNCATE {table} CASCADE")


@pytest.fixture
def committed_owner(owner: object) -> object:
    """Give the test the owner's connection; both tables may be empty, their guards look at statements."""
    return owner


def test_imported_member_confirms_in_person(moving: World) -> None:
    approved(moving)
    other = sign(moving, villager(1), 1)
    mine = listed(moving.pool, 2)
    with refused("imported_member_confirms_in_person"):
        run(
            "UPDATE members_importedmember SET state = 'confirmed', membership_id = %s WHERE id = %s",
            other.pk, mine.pk,
        )  # fmt: skip
    with refused("imported_member_confirms_in_person"):
        run("UPDATE members_importedmember SET state = 'confirmed' WHERE id = %s", mine.pk)


def test_row_of_a_list_nobody_approved_is_not_confirmed(moving: World) -> None:
    proposed(moving)
    membership = sign(moving, villager(1), 1)
    assert membership.waiting_since_date is None
    mine = ImportedMember.objects.get(email="villager-1@example.org")
    with refused("imported_member_confirms_in_person"):
        run(
            "UPDATE members_importedmember SET state = 'confirmed', membership_id = %s WHERE id = %s",
            membership.pk, mine.pk,
        )  # fmt: skip
    with refused("imported_member_stays_as_approved"):
        run("UPDATE members_importedmember SET state = 'withdrawn' WHERE id = %s", mine.pk)


def test_imported_member_stays_as_approved(moving: World, owner: object) -> None:
    approved(moving)
    mine = listed(moving.pool, 1)
    with not_permitted():
        run("UPDATE members_importedmember SET since_date = '2000-01-01' WHERE id = %s", mine.pk)
    with refused("imported_member_stays_as_approved"):
        sign(moving, villager(1), 1)
        run("UPDATE members_importedmember SET membership_id = NULL WHERE id = %s", mine.pk)


def test_withdrawn_import_takes_its_rows(moving: World) -> None:
    found = proposed(moving)
    run(
        "UPDATE members_memberimport SET state = 'withdrawn', decided_by = %s, decided_at = now() WHERE id = %s",
        moving.admin.code, found.pk,
    )  # fmt: skip
    assert value("SELECT count(*) FROM members_importedmember WHERE state <> 'withdrawn'") == 0


def test_days_to_confirm_are_counted_by_the_clock_of_the_database(moving: World) -> None:
    """Who approves cannot write a later day, who joins no earlier one."""
    found = proposed(moving)
    run(
        """UPDATE members_memberimport SET state = 'approved', decided_by = %s, decided_at = '2030-01-01',
                  approved_sha256 = shown_sha256 WHERE id = %s""",
        moving.controller.code, found.pk,
    )  # fmt: skip
    set_clock(dt.datetime(2026, 5, 1, tzinfo=dt.UTC))
    with refused("waiting_served_is_as_imported"):
        join(moving, identified(1), SINCE, joined="2026-01-01")

"""My data: ordered, put together, taken by nobody else, deleted after a day; nothing of others in it."""

import datetime as dt
import io
import json
import re
from typing import Any
from zipfile import ZipFile

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import BigIntegerField, ForeignKey
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.site.my_data import services
from aidplatform.site.my_data.archive import EXPORTERS, PIECE, Pieces
from aidplatform.site.my_data.models import DataExport, ExportPart
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from claims.filing.models import Claim
from claims.publicity.triggers import DAYS_FOR_TWO
from members.joining import payers
from members.joining.models import Membership
from members.my_data import NAMES_ANOTHER
from members.people import notices
from members.people.identity import Paper, record_identity
from members.people.models import User
from members.pools.rules import DEMO_MFA

PAGE = "/my-data/"
# Of the site's own tables: why they are not in a file that they are about.
OF_SITE = {
    "site.DataExport.person": "the page lists them, and each order is among the deeds",
}
POINTS_AT = {User, Membership, Claim}
# Columns that name a membership without a foreign key, because charges are partitioned by pool.
PLAIN = {"membership_id", "payer_id"}


def made(person: User) -> DataExport:
    """Return the export that was ordered and put together."""
    export = services.order_export(person=person, at=clock.now())
    run_jobs()
    export.refresh_from_db()
    return export


def unpacked(export: DataExport) -> dict[str, bytes]:
    """Return every file of an export by its name."""
    with ZipFile(io.BytesIO(b"".join(services.content_of(export)))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def rows(files: dict[str, bytes], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(files[name])
    return found


@pytest.fixture
def neighbors(world: World) -> ClaimCases:
    """Give the test a claimant and a neighbor who pays for them, has objected to their case, and has a document."""
    cases = ClaimCases.founded(world)
    other = Membership.objects.get(person=cases.neighbor)
    for name, person, number in (
        ("Li Na", cases.claimant, "E11111111"),
        ("Wang Fang", cases.neighbor, "E99999999"),
    ):
        paper = Paper(name, dt.date(1990, 2, 28), "passport", "CHN", number)
        record_identity(person=person, paper=paper, at=clock.now())
    link = payers.ask_payer(membership=cases.membership, payer_number=other.number, at=clock.now())
    payers.accept_link(link=link, person=cases.neighbor)
    return cases


def test_export_holds_what_is_stored_in_clear(neighbors: ClaimCases) -> None:
    claim = neighbors.filed()
    files = unpacked(made(neighbors.claimant))
    assert rows(files, "members/account.json")[0]["email"] == neighbors.claimant.email
    assert rows(files, "members/identity.json")[0]["number"] == "E11111111"
    assert rows(files, "members/memberships.json")[0]["number"] == neighbors.membership.number
    told = rows(files, "claims/claims.json")[0]
    assert (told["code"], told["story"]) == (claim.code, "A lump was found at the yearly check.")
    assert told["payee"] == {"name": "Li Na", "account": "6222000011112222"}
    listed = rows(files, "claims/papers.json")
    assert len(listed) == 3
    assert all(files[f"claims/{paper['file']}"].startswith(b"\xff\xd8") for paper in listed)


def test_export_names_nobody_else(neighbors: ClaimCases) -> None:
    """The neighbor pays for the claimant: their name, address, number, code and document stay out of it."""
    neighbors.filed()
    other = Membership.objects.get(person=neighbors.neighbor)
    export = made(neighbors.claimant)
    files = unpacked(export)
    links = rows(files, "members/payer_links.json")
    assert [(link["role"], link["state"]) for link in links] == [("covered", "live")]
    text = b"".join(data for name, data in files.items() if name.endswith((".json", ".txt"))).decode()
    strangers = (
        neighbors.neighbor.name,
        neighbors.neighbor.email,
        neighbors.neighbor.code,
        "E99999999",
        "Wang Fang",
        str(other),
        f"ember {other.number}",
        f"成员 {other.number}",
        neighbors.reviewer.email,
    )
    assert [word for word in strangers if word in text] == []
    theirs = unpacked(made(neighbors.neighbor))
    assert rows(theirs, "members/payer_links.json")[0]["role"] == "payer"
    assert rows(theirs, "claims/claims.json") == []
    assert "E11111111" not in b"".join(theirs.values()).decode("utf-8", "replace")


def test_objection_is_in_both_files_without_the_other(neighbors: ClaimCases) -> None:
    claim, _objection = neighbors.objected()
    # Before its claimant may read it on the page, it stands in no file of theirs either.
    early = unpacked(made(neighbors.claimant))
    assert rows(early, "claims/objections.json")[0]["reason"] == ""
    set_clock(clock.now() + dt.timedelta(days=DAYS_FOR_TWO))
    mine = unpacked(made(neighbors.claimant))
    theirs = unpacked(made(neighbors.neighbor))
    assert rows(mine, "claims/objections.json")[0]["reason"] == "I saw her ill in 2024."
    assert neighbors.neighbor.code not in mine["claims/objections.json"].decode()
    assert rows(theirs, "claims/objections_raised.json")[0]["reason"] == "I saw her ill in 2024."
    assert claim.code not in theirs["claims/objections_raised.json"].decode()


def test_guide_lists_every_table_in_both_languages(world: World) -> None:
    files = unpacked(made(world.stranger))
    guide = files["README.txt"].decode()
    tables = [f"{app}/{table.name}.json" for app, one in EXPORTERS for table in one.tables]
    assert [name for name in tables if guide.count(name) != 2 or name not in files] == []
    assert "我的数据" in guide


def test_every_table_that_points_at_a_person_is_handed_out_or_says_why_not() -> None:
    """A new table fails here until somebody has decided what of it a person gets."""
    said = dict(OF_SITE)
    for _app, exporter in EXPORTERS:
        names = {table.name for table in exporter.tables}
        assert set(exporter.exported.values()) <= names
        said |= exporter.exported | exporter.left_out
    found = {
        f"{model._meta.app_label}.{model.__name__}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if (isinstance(field, ForeignKey) and field.related_model in POINTS_AT)
        or (isinstance(field, BigIntegerField) and field.name in PLAIN)
    }
    assert sorted(found - set(said)) == []
    assert sorted(set(said) - found) == []


def test_every_notice_with_a_number_of_another_member_is_known() -> None:
    wanted = {
        kind
        for kind, texts in notices.KINDS.items()
        if re.search(r"ember %\((number|member)\)s", " ".join(texts))
    }
    assert wanted == NAMES_ANOTHER


# --- the order and the file -----------------------------------------------------------------------------------------


def test_page_orders_shows_and_hands_out_the_file(world: World) -> None:
    client = client_of(world.stranger)
    assert "Put my data together" in client.get(PAGE).content.decode()
    assert client.post(f"{PAGE}order/").headers["Location"] == PAGE
    assert "Putting your data together" in client.get(PAGE).content.decode()
    run_jobs()
    assert f'href="{PAGE}1/"' in client.get(PAGE).content.decode()
    response = client.get(f"{PAGE}1/")
    body = b"".join(response.streaming_content)  # type: ignore[arg-type]
    assert body.startswith(b"PK")
    assert len(body) == int(response.headers["Content-Length"])
    deeds = AuditEntry.objects.filter(subject=world.stranger.code, action__endswith="_export")
    assert list(deeds.order_by("pk").values_list("action", flat=True)) == ["order_export", "download_export"]


def test_second_order_while_one_runs_is_refused_in_words(world: World) -> None:
    client = client_of(world.stranger)
    client.post(f"{PAGE}order/")
    again = client.post(f"{PAGE}order/")
    assert again.status_code == 409
    assert "being put together already" in again.content.decode()
    assert DataExport.objects.count() == 1


def test_file_is_its_owner_s_alone(world: World) -> None:
    made(world.stranger)
    assert client_of(world.auditor).get(f"{PAGE}1/").status_code == 404
    assert client_of(None).get(f"{PAGE}1/").headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("address", [f"{PAGE}order/", f"{PAGE}1/"])
def test_order_and_download_ask_for_a_fresh_proof(world: World, address: str) -> None:
    made(world.stranger)
    world.stranger.set_password("right horse battery")
    world.stranger.save()
    client = client_of(world.stranger, second_factor=False)
    assert DEMO_MFA in client.session
    response = client.post(address) if address.endswith("order/") else client.get(address)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/accounts/reauthenticate/?next=")
    assert DataExport.objects.count() == 1


def test_proof_leads_on_to_the_order(world: World) -> None:
    world.stranger.set_password("right horse battery")
    world.stranger.save()
    client = client_of(world.stranger, second_factor=False)
    way = client.post(f"{PAGE}order/").headers["Location"]
    assert client.post(way, {"password": "right horse battery"}).headers["Location"] == PAGE
    assert DataExport.objects.get().person == world.stranger


def test_file_is_deleted_after_a_day(world: World) -> None:
    export = made(world.stranger)
    assert export.until_at is not None
    assert services.delete_due_exports(export.until_at - dt.timedelta(seconds=1)) == 0
    set_clock(export.until_at)
    assert client_of(world.stranger).get(f"{PAGE}1/").status_code == 404
    assert services.delete_due_exports(clock.now()) == 1
    export.refresh_from_db()
    assert (export.state, ExportPart.objects.count()) == ("deleted", 0)
    assert AuditEntry.objects.filter(action="delete_export", subject=world.stranger.code).count() == 1


def test_content_is_sealed_for_its_place(world: World) -> None:
    part = ExportPart.objects.get(export=made(world.stranger))
    assert bytes(part.sealed)[:2] != b"PK"
    assert world.stranger.email.encode() not in bytes(part.sealed)


def test_pieces_are_of_bounded_size() -> None:
    kept: list[bytes] = []
    pieces = Pieces(kept.append)
    pieces.write(b"x" * (2 * PIECE + 5))
    pieces.write(b"y")
    pieces.close()
    assert [len(piece) for piece in kept] == [PIECE, PIECE, 6]
    assert pieces.size == 2 * PIECE + 6


def test_api_tells_how_far_it_is(world: World) -> None:
    made(world.stranger)
    (row,) = client_of(world.stranger).get("/api/v1/me/data-exports/").json()
    assert (row["number"], row["state"], row["steps_done"]) == (1, "ready", row["steps_all"])


def test_page_asks_as_little_for_three_exports_as_for_one(world: World) -> None:
    client = client_of(world.stranger)
    made(world.stranger)
    client.get(PAGE)
    with CaptureQueriesContext(connection) as one:
        client.get(PAGE)
    made(world.stranger)
    made(world.stranger)
    with CaptureQueriesContext(connection) as three:
        client.get(PAGE)
    assert len(three) == len(one)


# --- guarantees -----------------------------------------------------------------------------------------------------


def test_one_running_export_per_person(world: World) -> None:
    services.order_export(person=world.stranger, at=clock.now())
    with refused("one_running_export_per_person"):
        run(
            "INSERT INTO site_dataexport (person_id, number, state, steps_done, steps_all, parts, size, ordered_at)"
            " VALUES (%s, 2, 'ordered', 0, 1, 0, 0, now())",
            world.stranger.pk,
        )


def test_one_export_per_number(world: World) -> None:
    made(world.stranger)
    with refused("one_export_per_number"):
        run(
            "INSERT INTO site_dataexport (person_id, number, state, steps_done, steps_all, parts, size, ordered_at)"
            " VALUES (%s, 1, 'ordered', 0, 1, 0, 0, now())",
            world.stranger.pk,
        )


def test_export_is_kept_for_a_day(world: World) -> None:
    export = made(world.stranger)
    with refused("export_is_kept_for_a_day"):
        run("UPDATE site_dataexport SET until_at = until_at + interval '1 second' WHERE id = %s", export.pk)


def test_export_state_follows_order(world: World) -> None:
    export = made(world.stranger)
    with refused("export_state_follows_order"):
        run(
            "UPDATE site_dataexport SET state = 'ordered', ready_at = NULL, until_at = NULL WHERE id = %s",
            export.pk,
        )


def test_deleted_export_has_no_parts(world: World) -> None:
    export = made(world.stranger)
    with refused("deleted_export_has_no_parts"):
        run("UPDATE site_dataexport SET state = 'deleted' WHERE id = %s", export.pk)


def test_parts_are_of_a_running_export(world: World) -> None:
    export = made(world.stranger)
    with refused("parts_are_of_a_running_export"):
        run("INSERT INTO site_exportpart (export_id, number, sealed) VALUES (%s, 9, 'x')", export.pk)


def test_one_export_part_per_number(world: World) -> None:
    export = services.order_export(person=world.stranger, at=clock.now())
    insert = "INSERT INTO site_exportpart (export_id, number, sealed) VALUES (%s, 0, 'x')"
    run(insert, export.pk)
    with refused("one_export_part_per_number"):
        run(insert, export.pk)


def test_page_leads_to_the_correction_of_an_identity(neighbors: ClaimCases) -> None:
    member = neighbors.membership.person
    assert member is not None
    address = f"/pools/{neighbors.world.pool.code}/me/identity/"
    page = client_of(member).get(PAGE, secure=True).content.decode()
    assert f'href="{address}"' in page
    assert client_of(member).get(address, secure=True).status_code == 200
    assert (
        "Correct what is wrong"
        not in client_of(neighbors.world.stranger).get(PAGE, secure=True).content.decode()
    )

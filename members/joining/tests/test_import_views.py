"""Pages and API of moving in: who sees what, what is said, and that a double click does it once."""

import base64
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World, run_jobs
from aidplatform.tests.pages_helpers import client_of
from members.joining.import_files import read_rows
from members.joining.import_rows import COLUMNS
from members.joining.models import ImportedMember, MemberImport, Membership, MemberUpload
from members.joining.tests.lists import approved, csv_list, listed, proposed, row, uploaded, villager
from members.joining.tests.papers import resident_id
from members.joining.tests.test_importing import paper_of_villager, sign

ADDRESS = "/pools/test-pool/move-in/"


@prepared
def moving() -> World:
    """Give the test a pool that gathers its members."""
    return World.founded(members=0, gathering=True, minimum_members=1)


def send(world: World, data: bytes) -> Any:
    file = SimpleUploadedFile("list.csv", data)
    return client_of(world.admin).post(f"{ADDRESS}lists/", {"file": file})


def test_each_cell_of_the_columns_says_its_heading_where_they_stand_below_each_other(moving: World) -> None:
    page = client_of(moving.admin).get(ADDRESS).content.decode()
    table = page[page.index('<table class="difference">') :]
    labels = [table.count(f'<td data-label="{name}">') for name in ("Must be filled in", "What to write")]
    assert labels == [len(COLUMNS)] * 2


def test_a_list_goes_from_the_template_to_a_members_page(moving: World) -> None:
    admin, controller = client_of(moving.admin), client_of(moving.controller)
    assert "Upload a list" in admin.get(ADDRESS).content.decode()
    template = admin.get(f"{ADDRESS}template/xlsx/")
    assert len(read_rows(template.content)) == 1
    answer = send(moving, csv_list(row(1), row(2)))
    look = answer["Location"]
    assert answer.status_code == 302
    assert "Looking at every row" in admin.get(look).content.decode()
    run_jobs()
    page = admin.get(look).content.decode()
    assert "Propose this list" in page
    assert "Villager 2" in page
    assert "¥12.50" in page
    answer = admin.post(f"{look}propose/", {"looks": "1"})
    assert answer["Location"] == f"{ADDRESS}1/"
    assert "being written down" in admin.get(f"{ADDRESS}1/").content.decode()
    run_jobs()
    assert admin.post(f"{look}propose/", {"looks": "1"})["Location"] == f"{ADDRESS}1/"
    found = MemberImport.objects.get()
    page = controller.get(f"{ADDRESS}1/").content.decode()
    assert all(
        text in page for text in ("Approve these rows", "Villager 1", "book 2, page 1", found.shown_sha256)
    )
    assert "Approve these rows" not in admin.get(f"{ADDRESS}1/").content.decode()
    approval = {"shown_sha256": found.shown_sha256}
    for _click in range(2):
        assert controller.post(f"{ADDRESS}1/approve/", approval).status_code == 302
    run_jobs()
    person = villager(1)
    intro = client_of(person).get("/pools/test-pool/join/").content.decode()
    assert "You are on the list of the pool that moves in." in intro
    sign(moving, person, 1)
    mine = client_of(person).get("/pools/test-pool/me/").content.decode()
    assert "Waiting served" in mine
    assert "elsewhere, proof: book 2, page 1" in mine
    assert "confirmed: member 1" in admin.get(f"{ADDRESS}1/").content.decode()


def test_wizard_says_what_counts_before_the_signature(moving: World) -> None:
    approved(moving)
    person = villager(1)
    client = client_of(person)
    client.post("/pools/test-pool/join/begin/")
    who = {"name": "Villager 1", "kind": "resident_id", "number": resident_id()}
    answer = client.post("/pools/test-pool/join/who/", who)
    assert answer.status_code == 422
    assert "names another document for your address" in answer.content.decode()
    who["number"] = paper_of_villager(1).number
    assert client.post("/pools/test-pool/join/who/", who).status_code == 302
    client.post("/pools/test-pool/join/consent/", {"health": "on", "publication": "on"})
    version = moving.pool.plan_versions.get()
    for question in version.questions():
        client.post("/pools/test-pool/join/health/", {"code": question.code, "answer": "no"})
    right = {"is_insurance": "no", "can_rise": "yes", "can_close": "yes", "replaces_medical": "no"}
    client.post("/pools/test-pool/join/plainly/", right)
    client.post("/pools/test-pool/join/covenant/", {"has_read": "on"})
    page = client.get("/pools/test-pool/join/sign/").content.decode()
    assert "proof: book 2, page 1" in page
    assert "Until the second date you are waiting" not in page
    client.post("/pools/test-pool/join/sign/", {"shown_sha256": version.covenant_sha256})
    assert str(Membership.objects.get(person=person).waiting_since_date) == "2023-09-01"
    answer = client.get("/api/v1/me/memberships/").json()[0]
    assert (answer["waiting_since_date"], answer["eligible_date"]) == ("2023-09-01", "2026-01-02")


def test_mistakes_are_told_by_row_and_column_in_both_languages(moving: World) -> None:
    uploaded(moving, csv_list(row(1), row(2, **{"Member since": "soon"})))
    look = f"{ADDRESS}lists/{MemberUpload.objects.get().sha256}/"
    page = client_of(moving.admin).get(look).content.decode()
    assert all(
        text in page for text in ("Mistakes: 1", "Member since", "is no date: write it like 2023-09-01")
    )
    assert "Propose this list" not in page
    page = client_of(moving.admin, language="zh-hans").get(look).content.decode()
    assert all(text in page for text in ("错误：1", "加入日期", "不是日期"))
    answer = client_of(moving.admin).post(f"{look}propose/", {"looks": "1"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (None, "This field is required"),
        (b"", "The submitted file is empty"),
        (b"x" * (8 * 2**20 + 1), "too large"),
    ],
    ids=["none", "empty", "large"],
)
def test_bad_upload_keeps_nothing(moving: World, data: bytes | None, says: str) -> None:
    files = {} if data is None else {"file": SimpleUploadedFile("list.csv", data)}
    answer = client_of(moving.admin).post(f"{ADDRESS}lists/", files)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not MemberUpload.objects.exists()


def test_names_are_for_those_who_decide(moving: World) -> None:
    proposed(moving)
    for person, status in (
        (moving.treasurer, 403),
        (moving.auditor, 403),
        (moving.stranger, 404),
        (moving.controller, 200),
        (moving.admin, 200),
    ):
        assert client_of(person).get(f"{ADDRESS}1/").status_code == status
    page = client_of(moving.auditor).get(ADDRESS).content.decode()
    assert "Villager" not in page
    assert f"{ADDRESS}1/" not in page
    for person in (moving.treasurer, moving.admin):
        assert client_of(person).post(f"{ADDRESS}1/approve/", {}).status_code == 403


def test_approval_of_what_was_not_shown_is_refused(moving: World) -> None:
    proposed(moving)
    answer = client_of(moving.controller).post(f"{ADDRESS}1/approve/", {"shown_sha256": "0" * 64})
    assert answer.status_code == 409
    assert "This is not the list that was shown." in answer.content.decode()
    assert MemberImport.objects.get().state == "proposed"


def test_controller_turns_a_list_down_and_admin_takes_a_row_back(moving: World) -> None:
    proposed(moving)
    assert client_of(moving.controller).post(f"{ADDRESS}1/withdraw/").status_code == 302
    assert client_of(moving.controller).post(f"{ADDRESS}1/withdraw/").status_code == 302
    assert MemberImport.objects.get().state == "withdrawn"
    approved(moving)
    row_no = listed(moving.pool, 2).row_no
    for _click in range(2):
        assert client_of(moving.admin).post(f"{ADDRESS}2/rows/{row_no}/take-back/").status_code == 302
    assert ImportedMember.objects.filter(member_import__number=2, state="withdrawn").count() == 1
    assert client_of(moving.admin).post(f"{ADDRESS}2/rows/99/take-back/").status_code == 404


def test_list_is_thrown_away(moving: World) -> None:
    uploaded(moving, csv_list(row(1)))
    look = f"{ADDRESS}lists/{MemberUpload.objects.get().sha256}/"
    for _click in range(2):
        assert client_of(moving.admin).post(f"{look}discard/").status_code == 302
    assert not MemberUpload.objects.exists()
    assert client_of(moving.admin).get(look).status_code == 404


def test_pages_cost_the_same_at_one_row_and_at_three(moving: World) -> None:
    counts = []
    for rows in ([row(1)], [row(2), row(3), row(4)]):
        found = approved(moving, *rows)
        client = client_of(moving.admin)
        client.get(f"{ADDRESS}{found.number}/")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(f"{ADDRESS}{found.number}/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_open_pool_shows_no_form_and_takes_no_list(world: World) -> None:
    page = client_of(world.admin).get(ADDRESS).content.decode()
    assert "A list is imported while the pool gathers its members" in page
    assert 'type="file"' not in page
    assert send(world, csv_list(row(1))).status_code == 409


def test_programs_move_a_pool_in(moving: World) -> None:
    admin, controller = client_of(moving.admin), client_of(moving.controller)
    root = "/api/v1/pools/test-pool/"

    def post(client: Any, path: str, **body: Any) -> Any:
        return client.post(f"{root}{path}", body, content_type="application/json")

    bad = post(admin, "member-lists/", filename="x", content="&&&")
    assert bad.status_code == 400
    for rows in ([row(1, Name="")], [row(1)]):
        content = base64.b64encode(csv_list(*rows)).decode()
        answer = post(admin, "member-lists/", filename="list.csv", content=content)
        assert answer.status_code == 201
        run_jobs()
        look = admin.get(f"{root}member-lists/{answer.json()['sha256']}/").json()
        if not look["may_propose"]:
            assert look["faults"] == [
                {"row": 2, "column": "name", "code": "missing", "says": "is empty and must be filled in"}
            ]
    made = post(admin, f"member-lists/{look['sha256']}/proposal/", looks=look["looks"])
    assert (made.status_code, made.json()["number"]) == (201, 1)
    run_jobs()
    found = client_of(moving.auditor).get(f"{root}member-imports/").json()["results"][0]
    assert (found["row_count"], found["served"], found["owed_fen"]) == (1, 1, 0)
    assert post(admin, "member-imports/1/approval/", shown_sha256=found["shown_sha256"]).status_code == 403
    done = post(controller, "member-imports/1/approval/", shown_sha256=found["shown_sha256"])
    assert (done.status_code, done.json()["last_day"]) == (200, "2026-04-01")
    assert post(controller, "member-imports/1/withdrawal/").status_code == 409

"""The charges of a period as a file: whole, to the fen, the same each time, for those who collect and who audit."""

import csv
from io import StringIO

import pytest

from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of
from ledger.sharing import charge_files
from ledger.sharing.models import Charge, Period

CLASSES = [
    {"class_no": no, "weight": weight, "name_en": f"Class {no}", "name_zh": f"类别{no}"}
    for no, weight in ((0, 10), (3, 25))
]
ADDRESS = "/pools/test-pool/periods/1/charges.csv"


@pytest.fixture(params=[False, True], ids=["one table", "a table per period"])
def world(request: pytest.FixtureRequest, db: None, settings: pytest.FixtureRequest) -> World:
    settings.SHARD_MEMBERS = 9
    made = World.founded(members={0: 17, 3: 23}, classes=CLASSES, large=request.param)
    made.award(1_000_003)
    return made


def test_file_has_every_charge_once_in_blocks_of_any_size(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    period = world.posted_period()
    client, files = client_of(world.treasurer), []
    for block_ids, ready in ((50_000, 8), (4, 1)):
        monkeypatch.setattr(charge_files, "BLOCK_IDS", block_ids)
        monkeypatch.setattr(charge_files, "_READY", ready)
        response = client.get(ADDRESS)
        assert response.status_code == 200
        assert (
            response.headers["Content-Disposition"] == 'attachment; filename="test-pool-period-1-charges.csv"'
        )
        files.append(b"".join(response.streaming_content))
    assert files[0] == files[1]
    header, *rows = csv.reader(StringIO(files[0].decode("utf-8-sig")))
    assert header == ["number", "share_CNY"]
    assert [int(number) for number, _share in rows] == list(range(1, 41))
    numbers = dict(world.pool.memberships.values_list("pk", "number"))
    charged = {
        str(numbers[pk]): f"{fen // 100}.{fen % 100:02d}"
        for pk, fen in Charge.objects.filter(pool_id=world.pool.pk).values_list("membership_id", "share_fen")
    }
    assert dict(rows) == charged
    assert len(set(charged.values())) == 2
    assert sum(round(float(share) * 100) for _number, share in rows) == period.charged_fen


def test_file_exists_once_the_period_is_posted(world: World) -> None:
    world.computed_period()
    assert client_of(world.treasurer).get(ADDRESS).status_code == 404
    assert client_of(world.treasurer).get(ADDRESS.replace("/1/", "/9/")).status_code == 404


def test_file_is_for_those_who_collect_and_who_audit(world: World) -> None:
    assert world.posted_period().state == Period.State.POSTED
    people = (world.controller, world.treasurer, world.auditor)
    page = ADDRESS.replace("charges.csv", "")
    assert [client_of(person).get(ADDRESS).status_code for person in people] == [200] * 3
    assert all(ADDRESS in client_of(person).get(page).content.decode() for person in people)
    assert client_of(world.admin).get(ADDRESS).status_code == 403
    assert ADDRESS not in client_of(world.admin).get(page).content.decode()
    assert client_of(world.stranger).get(ADDRESS).status_code == 404
    assert client_of(None).get(ADDRESS).status_code == 302


@pytest.mark.usefixtures("committed_db")
def test_reader_who_goes_away_leaves_the_connection_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charge_files, "BLOCK_IDS", 4)
    world = World.founded(members=40)
    world.award(1_000_003)
    period = world.posted_period()
    lines = charge_files.charge_lines(period)
    assert next(lines).startswith("1,")
    lines.close()
    assert "".join(charge_files.charge_lines(period)).count("\r\n") == 40

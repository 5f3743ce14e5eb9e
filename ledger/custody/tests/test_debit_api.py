"""Debits as a program meets them: files and instructions, making, answers, one's own and trying again."""

import json
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from aidplatform.testing.debits import Debits, debited_world
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import run_jobs
from aidplatform.tests.pages_helpers import client_of
from ledger.custody.charge_models import ChargeFile

POOL = "/api/v1/pools/test-pool/"


@prepared
def debits() -> Debits:
    """Give the test a pool of six, of whom three have given a mandate, with an announced period."""
    return debited_world()


def body(response: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.content
    return json.loads(response.content)


def post(client: Client, address: str, key: str, **given: Any) -> Any:
    return client.post(POOL + address, given, headers={"Idempotency-Key": key})


def test_a_program_makes_files_reads_them_and_brings_the_answer(debits: Debits) -> None:
    client = client_of(debits.world.treasurer)
    for _twice in range(2):
        assert body(post(client, "periods/1/charge-files/", "make-files-1"), 202) == {"accepted": True}
    run_jobs()
    file = body(client.get(f"{POOL}charge-files/"))["results"][0]
    assert (file["number"], file["instruction_count"], len(file["exports"])) == (1, 3, 2)
    rows = body(client.get(f"{POOL}charge-files/1/instructions/"))["results"]
    names = debits.ids(ChargeFile.objects.get())
    assert [row["end_to_end_id"] for row in rows] == names
    data = debits.file_of(debits.lines((names[0], "collected", ""), (names[1], "rejected", "AC04")))
    for key, is_new in (("answer-1", True), ("answer-2", False)):
        answer = body(post(client, "debit-results/import/", key, file=SimpleUploadedFile("a.csv", data)))
        assert (answer["number"], answer["is_new"]) == (1, is_new)
    assert body(client.get(f"{POOL}debit-results/"))["results"][0]["rejected_fen"] == debits.share_fen
    rows = body(client.get(f"{POOL}charge-files/1/instructions/"))["results"]
    assert [result["reason"] for row in rows for result in row["results"]] == ["", "AC04"]


def test_a_member_reads_own_debits_and_tries_again(debits: Debits) -> None:
    names = debits.ids(debits.make())
    debits.answer((names[0], "rejected", "AC04"))
    person = debits.payers[0].person
    assert person is not None
    client = client_of(person)
    row = body(client.get(f"{POOL}my-debits/"))[0]
    assert (row["state"], row["why"]) == ("failed", "The account is closed.")
    coming = body(client.get(f"{POOL}my-debits/coming/"))
    assert [(one["period_no"], one["fen"], one["is_due"]) for one in coming] == [(1, debits.share_fen, False)]
    assert client_of(debits.world.stranger).get(f"{POOL}my-debits/coming/").status_code == 404
    for _twice in range(2):
        assert body(post(client, "my-debits/", "try-again-1"), 201)["asked_date"] == "2026-01-14"
    assert post(client, "my-debits/", "try-again-2").status_code == 409
    assert client_of(debits.world.stranger).get(f"{POOL}my-debits/").status_code == 404


def test_others_bring_no_answers(debits: Debits) -> None:
    auditor = client_of(debits.world.auditor)
    assert auditor.get(f"{POOL}charge-files/").status_code == 200
    assert post(auditor, "periods/1/charge-files/", "not-mine-1").status_code == 403
    assert post(auditor, "debit-results/import/", "not-mine-2").status_code == 403
    treasurer = client_of(debits.world.treasurer)
    assert post(treasurer, "debit-results/import/", "no-file-1").status_code in {400, 422}

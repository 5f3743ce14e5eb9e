"""Keys of papers: wrapped anew without touching a byte, and destroyed only when nothing can follow."""

import datetime as dt
import secrets
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from aidplatform.lib import clock
from aidplatform.lib.crypto import UnreadableError, blind_index, current_key_id, seal_text, unseal_text
from aidplatform.testing.claim_cases import AppealCases, ClaimCases, photograph
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import set_clock
from aidplatform.work import audit
from aidplatform.work.models import AuditEntry
from claims.filing import keys, selectors
from claims.filing.models import Claim, Evidence
from claims.filing.papers import clean
from claims.my_data import EXPORTER
from claims.publicity.services import withdraw_claim


def new_key(settings: Any) -> None:
    """Give the installation another key, as an operator does."""
    settings.DATA_KEYS_BEFORE = (settings.DATA_KEY, *settings.DATA_KEYS_BEFORE)
    settings.DATA_KEY = secrets.token_urlsafe(48)


def _sealed() -> list[tuple[object, ...]]:
    return run("SELECT code, sealed, sha256 FROM claims_evidence ORDER BY id")


def _wrapped() -> list[tuple[object, ...]]:
    return run("SELECT key_id, key_wrapped FROM claims_evidence ORDER BY id")


def test_each_paper_has_a_key_of_its_own(cases: ClaimCases) -> None:
    cases.draft()
    found = _wrapped()
    assert len({bytes(key) for _name, key in found}) == 3
    assert {name for name, _key in found} == {current_key_id()}
    paper = Evidence.objects.order_by("pk")[0]
    other = Evidence.objects.order_by("pk")[1]
    paper.key_wrapped = other.key_wrapped
    with pytest.raises(UnreadableError):
        selectors.read_paper(paper)


def test_rotation_wraps_anew_and_touches_no_byte(cases: ClaimCases, settings: Any) -> None:
    claim = cases.draft()
    papers, wrapped = _sealed(), _wrapped()
    index = blind_index("6222", "payee")
    new_key(settings)
    assert keys.under_other_keys() == 3
    said = StringIO()
    call_command("rotate_keys", stdout=said)
    assert said.getvalue().startswith("3 papers")
    assert _sealed() == papers
    assert {name for name, _key in _wrapped()} == {current_key_id()}
    assert not {bytes(key) for _name, key in wrapped} & {bytes(key) for _name, key in _wrapped()}
    assert selectors.read_paper(claim.papers.order_by("pk")[0]) == clean(photograph(10)).data
    assert AuditEntry.objects.filter(action="rewrap_paper", subject=claim.code).count() == 3
    call_command("rotate_keys", stdout=said)
    assert AuditEntry.objects.filter(action="rewrap_paper").count() == 3
    # The words of a claim stay under the key of their day, and equal accounts still meet.
    assert selectors.read_story(claim).startswith("A lump")
    assert blind_index("6222", "payee") == index
    settings.DATA_KEYS_BEFORE = ()
    assert selectors.read_paper(claim.papers.order_by("pk")[0])
    with pytest.raises(UnreadableError):
        selectors.read_story(claim)


def test_what_an_earlier_key_sealed_opens_while_it_is_listed(settings: Any) -> None:
    sealed = seal_text("张三", "here")
    new_key(settings)
    new_key(settings)
    assert unseal_text(sealed, "here") == "张三"
    settings.DATA_KEYS_BEFORE = settings.DATA_KEYS_BEFORE[:1]
    with pytest.raises(UnreadableError):
        unseal_text(sealed, "here")


def test_rotation_without_the_earlier_key_says_which_is_missing(cases: ClaimCases, settings: Any) -> None:
    cases.draft()
    before = current_key_id()
    settings.DATA_KEY = secrets.token_urlsafe(48)
    with pytest.raises(CommandError, match=before):
        call_command("rotate_keys")
    said = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("verify_papers", stdout=said)
    assert left.value.code == 1
    assert all(paper.code in said.getvalue() for paper in Evidence.objects.all())


def test_verification_names_a_paper_that_was_exchanged(cases: ClaimCases, owner: psycopg.Connection) -> None:
    cases.draft()
    said = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("verify_papers", stdout=said)
    assert (left.value.code, said.getvalue().strip()) == (0, "Every paper opens.")
    with refused_to_owner(owner, "evidence_is_permanent"):
        owner.execute("DELETE FROM claims_evidence")
    lost = Evidence.objects.order_by("pk")[0]
    lost.sha256 = "0" * 64
    with pytest.raises(UnreadableError, match=lost.code):
        selectors.read_paper(lost)


def _line(claim: Claim, paper: Evidence, action: str, key: str | None) -> None:
    audit.record(actor="operator", action=action, subject=claim.code, evidence=paper.code, key=key)


def test_paper_key_changes_with_a_line(cases: ClaimCases) -> None:
    claim = cases.draft()
    paper, other = claim.papers.order_by("pk")[:2]
    change = "UPDATE claims_evidence SET key_id = 'k2', key_wrapped = 'x' WHERE id = %s"
    with refused("paper_key_changes_with_a_line"):
        run(change, paper.pk)
    _line(claim, other, "rewrap_paper", "k2")
    with refused("paper_key_changes_with_a_line"):
        run(change, paper.pk)
    _line(claim, paper, "rewrap_paper", "k3")
    with refused("paper_key_changes_with_a_line"):
        run(change, paper.pk)
    _line(claim, paper, "rewrap_paper", "k2")
    run(change, paper.pk)
    with refused("paper_key_changes_with_a_line"):
        run("UPDATE claims_evidence SET key_wrapped = 'y' WHERE id = %s", paper.pk)
    with refused("evidence_is_permanent"):
        run(
            "UPDATE claims_evidence SET key_id = 'k3', key_wrapped = 'x', removed_at = now() WHERE id = %s",
            paper.pk,
        )
    with not_permitted():
        run("UPDATE claims_evidence SET sealed = sealed WHERE id = %s", paper.pk)
    with refused("paper_key_changes_with_a_line"):
        run(
            "INSERT INTO claims_evidence (claim_id, code, kind, media_type, size, sha256, sealed, added_at)"
            " VALUES (%s, 'E-0', 'other', 'image/png', 1, 'x', 'x', now())",
            claim.pk,
        )


def test_paper_key_has_its_name(cases: ClaimCases) -> None:
    claim = cases.draft()
    paper = claim.papers.order_by("pk")[0]
    _line(claim, paper, "rewrap_paper", None)
    with refused("paper_key_has_its_name"):
        run("UPDATE claims_evidence SET key_id = NULL WHERE id = %s", paper.pk)


@pytest.mark.parametrize("step", ["draft", "filed", "under_review", "recommended", "decided", "published"])
def test_paper_is_erased_when_needed_no_more(cases: ClaimCases, step: str) -> None:
    claim = getattr(cases, step)()
    paper = claim.papers.order_by("pk")[0]
    with pytest.raises(keys.StillNeededError):
        keys.erase_papers(claim=claim, actor="operator", reason="request")
    _line(claim, paper, "erase_paper", None)
    with refused("paper_is_erased_when_needed_no_more"):
        run("UPDATE claims_evidence SET key_id = NULL, key_wrapped = NULL WHERE id = %s", paper.pk)


def test_erased_paper_is_unreadable_and_its_row_stays(cases: ClaimCases) -> None:
    claim = cases.filed()
    withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    claim.refresh_from_db()
    before = _sealed()
    said = StringIO()
    call_command("erase_papers", claim.code, because="request", stdout=said)
    assert said.getvalue().strip() == "3 papers were erased."
    assert _sealed() == before
    assert value("SELECT count(*) FROM claims_evidence WHERE key_wrapped IS NULL AND key_id IS NULL") == 3
    assert AuditEntry.objects.filter(action="erase_paper", subject=claim.code).count() == 3
    paper = claim.papers.order_by("pk")[0]
    with pytest.raises(selectors.ErasedError):
        selectors.read_paper(paper)
    _line(claim, paper, "rewrap_paper", "k2")
    with refused("paper_key_changes_with_a_line"):
        run("UPDATE claims_evidence SET key_id = 'k2', key_wrapped = 'x' WHERE id = %s", paper.pk)
    assert keys.erase_papers(claim=claim, actor="operator", reason="request") == 0
    assert list(keys.unreadable_papers()) == []
    assert EXPORTER.files is not None
    assert list(EXPORTER.files(cases.claimant)) == []
    rows = {table.name: list(table.rows(cases.claimant)) for table in EXPORTER.tables}
    assert [(row["is_erased"], row["file"]) for row in rows["papers"]] == [(True, None)] * 3


def test_refused_claim_keeps_its_papers_until_no_appeal_can_come(db: None) -> None:
    cases = AppealCases.founded(appeal_days=30)
    claim = cases.decided("rejected")
    with pytest.raises(keys.StillNeededError):
        keys.erase_papers(claim=claim, actor="operator", reason="request")
    until = selectors.appeal_until(claim)
    assert until is not None
    set_clock(clock.start_of_day(until, "Asia/Shanghai"))
    with pytest.raises(keys.StillNeededError):
        keys.erase_papers(claim=claim, actor="operator", reason="request")
    set_clock(clock.start_of_day(until + dt.timedelta(days=1), "Asia/Shanghai"))
    assert keys.erase_papers(claim=claim, actor="operator", reason="request") == 3


def test_absent_claim_is_not_erased(db: None) -> None:
    with pytest.raises(CommandError, match="no claim"):
        call_command("erase_papers", "CL-ABSENT", because="request")

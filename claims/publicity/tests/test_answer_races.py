"""Two who answer one objection at the same instant: one answer stands, and the other reads who was first."""

import pytest
from django.http import HttpResponse
from django.test import Client

from aidplatform.lib import clock
from aidplatform.lib.dates import format_instant
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.races import raised, together
from aidplatform.testing.refusals import refused, run
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from claims.filing.services import ClaimMovedOnError
from claims.publicity import services
from claims.publicity.models import Objection
from claims.publicity.tests.test_publicity import second_objection
from members.people.models import User

WORDS = "MY-OWN-WORDS: the report of 2024 is about somebody else."


@prepared
def cases() -> ClaimCases:
    """Return a pool with claims' people."""
    return ClaimCases.founded()


def fourth(cases: ClaimCases) -> User:
    """Return one more second reviewer without a part in the case."""
    person = User.objects.create_user("fourth@test-pool.example.org", name="Fourth")
    cases.world.grant(person, "second_reviewer")
    return person


def answer(objection: Objection, person: User, upheld: bool = False, words: str = "No.") -> Objection:
    return services.answer_objection(
        objection=objection, answerer=person.code, upheld=upheld, answer=words, at=clock.now()
    )


@pytest.mark.parametrize("by_program", [False, True])
@pytest.mark.parametrize("told", ["both dismiss", "both uphold", "they differ"])
def test_two_answers_at_once_are_one(committed_db: tuple[str, str], by_program: bool, told: str) -> None:
    cases = ClaimCases.founded()
    claim, objection = cases.objected()
    cases.hear()
    people = [cases.third, fourth(cases)]
    case = cases.award(claim).code
    root = "/api/v1/pools/test-pool/cases" if by_program else "/pools/test-pool/notices"
    where = f"{root}/{case}/objections/1/answer/"
    upheld = {"both dismiss": [False, False], "both uphold": [True, True], "they differ": [True, False]}[told]

    def send(client: Client, upholds: bool) -> HttpResponse:
        if by_program:
            content = {"upheld": upholds, "answer": WORDS}
            return client.post(where, content, "application/json")  # type: ignore[return-value]
        return client.post(where, {"upheld": "yes" if upholds else "no", "answer": WORDS})  # type: ignore[return-value]

    pairs = list(zip([client_of(person) for person in people], upheld, strict=True))
    answers = together([lambda one=one, word=word: send(one, word) for one, word in pairs])  # type: ignore[misc]
    assert raised(answers) == []
    taken, late = sorted(answers, key=lambda one: one.status_code)  # type: ignore[union-attr]
    assert (taken.status_code, late.status_code) == (200 if by_program else 302, 409)  # type: ignore[union-attr]
    objection.refresh_from_db()
    first = next(one for one in people if one.code == objection.answered_by)
    assert objection.answered_at is not None
    when = format_instant(objection.answered_at, "Asia/Shanghai")
    said = late.json()["title"] if by_program else late.content.decode()  # type: ignore[union-attr]
    assert f"{first.name} answered this objection first, on {when}. Your answer was not taken." in said
    if by_program:
        assert late.json()["type"] == "urn:aid:objection_is_permanent"  # type: ignore[union-attr]
    else:
        assert "What you had written" in said
        assert said.count(WORDS) >= 1
    claim.refresh_from_db()
    assert claim.state == ("overturned" if objection.state == "upheld" else "in_publicity")
    assert AuditEntry.objects.filter(action="answer_objection", subject=claim.code).count() == 1


def test_same_answer_again_is_the_one_that_stands(cases: ClaimCases) -> None:
    _claim, objection = cases.objected()
    first = answer(objection, cases.third)
    again = answer(objection, cases.third)
    assert (again.pk, again.answered_at) == (first.pk, first.answered_at)
    with pytest.raises(services.AnsweredFirstError):
        answer(objection, cases.third, words="I changed my mind.")
    with pytest.raises(services.ConcernedError):
        answer(objection, cases.second)
    assert AuditEntry.objects.filter(action="answer_objection").count() == 1


def test_objection_that_nobody_answered_ends_with_its_case(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    case = cases.award(claim).code
    other = second_objection(cases, claim)
    with refused("objection_ends_with_its_case"):
        run("UPDATE claims_objection SET state = 'ended' WHERE id = %s", other.pk)
    cases.hear()
    answer(objection, cases.third, upheld=True)
    other.refresh_from_db()
    assert (other.state, other.answered_by) == ("ended", None)
    with pytest.raises(ClaimMovedOnError):
        answer(other, cases.third)
    with refused("objection_is_permanent"):
        run("UPDATE claims_objection SET state = 'open' WHERE id = %s", other.pk)
    page = client_of(cases.neighbor).get(f"/pools/test-pool/notices/{case}/").content.decode()
    assert "ended with the case" in page


def test_objections_end_with_a_withdrawal(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    services.withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    objection.refresh_from_db()
    assert objection.state == "ended"

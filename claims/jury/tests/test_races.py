"""Jurors, witnesses and the claimant at the same instant, on connections of their own."""

import hashlib
from typing import Any

import pytest

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.testing.jury_cases import WORDS, JuryCases
from aidplatform.testing.races import raised, together
from aidplatform.testing.world import run_jobs, set_clock
from claims.filing.models import Claim
from claims.filing.services import ClaimMovedOnError
from claims.jury import draws, services
from claims.jury.models import JuryBallot, JuryCase, JuryDraw, JurySeat, JuryVerdict
from claims.jury.published import verify_published
from claims.publicity import services as publicity
from ledger.books.findings import Report
from ledger.openbooks.draw_verify import SENTENCES
from ledger.openbooks.models import LogEntry


@pytest.fixture
def cases(committed_db: tuple[str, str]) -> JuryCases:
    """Return a pool of 32 members who have offered to judge; what is done in it is committed."""
    made = JuryCases.founded()
    run_jobs()  # the rules are in the log
    return made


def false_statements(claim: Claim) -> list[str]:
    """Recompute the draw of a claim from the log; return what does not hold."""
    report = Report.of(SENTENCES)
    verify_published(report, claim.code)
    return [code for code, one in report.statements.items() if one.false]


def entries(entry_type: str) -> int:
    return LogEntry.objects.filter(type=entry_type).count()


def test_all_jurors_vote_at_once_and_every_ballot_counts(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.drawn(claim)
    votes = ("for", "for", "against", "for", "against")

    def cast(seat: JurySeat, vote: str) -> JuryBallot:
        return services.cast_ballot(seat=seat, juror=seat.person, vote=vote, at=clock.now())

    seated = list(zip(cases.seated(draw), votes, strict=True))
    answers = together([lambda seat=seat, vote=vote: cast(seat, vote) for seat, vote in seated])
    assert raised(answers) == []
    assert (JuryBallot.objects.count(), entries("jury.ballot")) == (5, 5)
    cases.close(draw)
    verdict = JuryVerdict.objects.get()
    assert (verdict.votes_for, verdict.votes_against, verdict.outcome) == (3, 2, "granted")
    assert false_statements(claim) == []


def test_one_seat_that_votes_eight_times_at_once_votes_once(cases: JuryCases) -> None:
    draw = cases.drawn()
    seat = cases.seated(draw)[0]

    def cast(vote: str) -> JuryBallot:
        return services.cast_ballot(seat=seat, juror=seat.person, vote=vote, at=clock.now())

    answers = together([lambda vote=vote: cast(vote) for vote in ("for", "against") * 4])
    refusals = raised(answers, DomainError)
    assert {refusal.code for refusal in refusals} == {"ballot_is_by_a_seated_juror"}
    assert (len(refusals), JuryBallot.objects.count(), entries("jury.ballot")) == (7, 1, 1)


def test_vote_and_decline_at_once_leave_one_of_them(cases: JuryCases) -> None:
    draw = cases.drawn()
    seat = cases.seated(draw)[2]
    answers = together(
        [
            lambda: services.cast_ballot(seat=seat, juror=seat.person, vote="for", at=clock.now()),
            lambda: services.decline_seat(seat=seat, juror=seat.person, at=clock.now()),
        ]
    )
    assert [refusal.code for refusal in raised(answers, DomainError)] == ["ballot_is_by_a_seated_juror"]
    seat.refresh_from_db()
    voted = JuryBallot.objects.filter(seat=seat).exists()
    assert (seat.state, entries("draw.replace")) == (("seated", 0) if voted else ("declined", 1))
    assert len(cases.seated(draw)) == 5


def test_two_who_decline_at_once_are_replaced_by_two(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.drawn(claim)
    leaving = cases.seated(draw)[:2]

    def decline(seat: JurySeat) -> None:
        services.decline_seat(seat=seat, juror=seat.person, at=clock.now())

    assert raised(together([lambda seat=seat: decline(seat) for seat in leaving])) == []
    assert [seat.number for seat in cases.seated(draw)] == [3, 4, 5, 6, 7]
    cases.vote(draw, "for", "for", "for")
    cases.close(draw)
    assert false_statements(claim) == []


def test_witnesses_who_commit_and_tell_at_once_have_numbers_of_their_own(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.take(claim)

    def commit(role: str) -> Any:
        commitment = hashlib.sha256(WORDS[role].encode()).digest()
        return services.commit_to_words(
            draw=draw, person=cases.witnesses[role], commitment=commitment, at=clock.now()
        )

    def tell(role: str) -> Any:
        return services.tell_words(draw=draw, person=cases.witnesses[role], words=WORDS[role], at=clock.now())

    assert raised(together([lambda role=role: commit(role) for role in WORDS])) == []
    assert sorted(draw.witnesses.values_list("number", flat=True)) == [1, 2, 3]
    draw = cases.later(draw, draw.commit_until_at)
    assert raised(together([lambda role=role: tell(role) for role in WORDS])) == []
    run_jobs()
    draw.refresh_from_db()
    assert (draw.state, entries("draw.reveal"), entries("draw.result")) == ("drawn", 3, 1)
    assert false_statements(claim) == []


def test_closing_that_many_follow_at_once_is_one_verdict(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.drawn(claim)
    cases.vote(draw, "for", "for", "for")
    assert draw.closes_at is not None
    set_clock(draw.closes_at)
    answers = together([lambda: draws.follow_draw(draw=draw, at=clock.now())] * 6)
    assert raised(answers) == []
    assert set(answers) == {"tallied"}
    assert (JuryVerdict.objects.count(), entries("jury.tally")) == (1, 1)
    run_jobs()
    assert cases.world.pool.awards.filter(claim_code=claim.code).count() == 1
    assert false_statements(claim) == []


def test_withdrawal_and_closing_at_once_leave_one_ending(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.drawn(claim)
    cases.vote(draw, "for", "for", "for")
    assert draw.closes_at is not None
    set_clock(draw.closes_at)
    answers = together(
        [
            lambda: draws.follow_draw(draw=draw, at=clock.now()),
            lambda: publicity.withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now()),
        ]
    )
    raised(answers, ClaimMovedOnError)
    run_jobs()
    claim.refresh_from_db()
    draw.refresh_from_db()
    if claim.state == Claim.State.WITHDRAWN and draw.state == JuryDraw.State.DROPPED:
        assert not JuryVerdict.objects.exists()
        assert not cases.world.pool.awards.filter(claim_code=claim.code).exists()
    else:
        assert JuryVerdict.objects.get().outcome == "granted"
        assert entries("jury.tally") == 1
    assert false_statements(claim) == []


def test_one_claim_taken_to_the_jury_twice_at_once_is_there_once(cases: JuryCases) -> None:
    claim = cases.refused()

    def take() -> JuryCase:
        return services.take_to_jury(
            claim=claim, claimant=cases.claimant.code, statement="Please read the report.", shows_reasons=True,
            shows_appeal=False, at=clock.now(),
        )  # fmt: skip

    refusals = raised(together([take] * 4), DomainError)
    assert {type(refusal) for refusal in refusals} == {ClaimMovedOnError}
    assert (len(refusals), JuryCase.objects.count(), claim.jury_draws.count()) == (3, 1, 1)

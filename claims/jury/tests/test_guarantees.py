"""What the database refuses of a jury, whoever writes: broken by hand as the application's role, asked for by name."""

import datetime as dt
import hashlib

from aidplatform.lib import clock
from aidplatform.testing.jury_cases import WORDS, JuryCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import not_permitted, refused, run
from aidplatform.testing.world import set_clock
from claims.jury import draws, selectors, services
from claims.jury.models import JuryDraw, JurySeat
from claims.review.selectors import public_ref
from ledger.openbooks import services as openbooks
from members.joining.payers import accept_link, ask_payer
from members.people.models import User
from members.pools.selectors import newest_plan


@prepared
def cases() -> JuryCases:
    """Return a pool of 32 members who have offered to judge."""
    return JuryCases.founded()


def insert(table: str, **columns: object) -> None:
    names = ", ".join(columns)
    run(f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(columns))})", *columns.values())


def log(draw: JuryDraw, entry_type: str, key: str, **body: object) -> None:
    """State something about a draw by hand."""
    ref = public_ref(draw.claim)
    told = {"ref": ref, "stage": draw.stage, **body}
    openbooks.append(code=draw.claim.pool.code, entry_type=entry_type, key=key, body=told, at=clock.now())


def test_juror_is_a_member_who_knows_the_covenant(cases: JuryCases) -> None:
    pool, version = cases.world.pool, newest_plan(cases.world.pool)
    row = {"pool_id": pool.pk, "plan_version_id": version.pk, "right_answers": 5, "offered_at": clock.now()}
    with refused("juror_is_a_member"):
        insert("claims_juror", person_id=cases.world.stranger.pk, **row)
    with refused("juror_knows_the_covenant"):
        insert("claims_juror", person_id=cases.neighbor.pk, **row | {"right_answers": 4})
    with refused("one_juror_per_person_and_pool"):
        insert("claims_juror", person_id=cases.jurors[0].pk, **row)


def test_juror_steps_back_once(cases: JuryCases) -> None:
    who = cases.jurors[0]
    services.step_back(pool=cases.world.pool, person=who, at=clock.now())
    with refused("juror_steps_back_once"):
        run("UPDATE claims_juror SET ended_at = NULL WHERE person_id = %s", who.pk)
    with not_permitted():
        run("UPDATE claims_juror SET right_answers = 5")
    with not_permitted():
        run("DELETE FROM claims_juror")


def test_jury_case_is_permanent(cases: JuryCases) -> None:
    cases.take(cases.refused())
    with not_permitted():
        run("UPDATE claims_jurycase SET shows_reasons = false")
    with not_permitted():
        run("DELETE FROM claims_jurycase")


def test_case_is_taken_by_the_claimant_in_time_and_once(cases: JuryCases) -> None:
    claim = cases.refused()
    row = {
        "claim_id": claim.pk, "taken_by": cases.claimant.code, "taken_at": clock.now(), "statement_sealed": b"x",
        "shows_reasons": True, "shows_appeal": True,
    }  # fmt: skip
    with refused("jury_is_asked_by_the_claimant"):
        insert("claims_jurycase", **row | {"taken_by": cases.neighbor.code})
    at = clock.now()
    set_clock(at + dt.timedelta(days=31))
    with refused("jury_is_asked_in_time"):
        insert("claims_jurycase", **row)
    set_clock(at)
    cases.take(claim)
    with refused("jury_hears_what_an_appeal_refused"):
        insert("claims_jurycase", **row)


def test_claim_goes_before_the_jury_with_its_paper(cases: JuryCases) -> None:
    claim = cases.refused()
    with refused("claim_step_has_its_paper"):
        run("UPDATE claims_claim SET state = 'before_jury' WHERE id = %s", claim.pk)
    with refused("claim_state_follows_order"):
        run("UPDATE claims_claim SET state = 'approved' WHERE id = %s", claim.pk)
    cases.take(claim)
    for state in ("approved", "refused_by_jury"):
        with refused("claim_step_has_its_paper"):
            run("UPDATE claims_claim SET state = %s WHERE id = %s", state, claim.pk)


def test_one_draw_per_case(cases: JuryCases) -> None:
    draw = cases.take(cases.refused())
    row = {
        "claim_id": draw.claim_id, "stage": 2, "state": "called", "eligible": bytes(draw.eligible),
        "head": bytes(draw.head), "size": draw.size, "seats": 5, "reserves": 4, "quorum": 3,
        "called_at": clock.now(), "commit_until_at": clock.now(),
    }  # fmt: skip
    with refused("one_draw_per_case"):
        insert("claims_jurydraw", **row)
    cases.tell(cases.commit(draw), "claimant")
    draw.refresh_from_db()
    set_clock(draw.reveal_until_at)
    with refused("one_draw_per_case"):
        insert("claims_jurydraw", **row)
    run("UPDATE claims_jurydraw SET state = 'failed' WHERE id = %s", draw.pk)
    with refused("one_draw_per_case"):
        insert("claims_jurydraw", **row | {"stage": 3})
    with refused("jury_takes_enough_people"):
        insert("claims_jurydraw", **row | {"size": 29, "eligible": bytes(draw.eligible)[: 29 * 32]})
    with refused("draw_list_is_its_head"):
        insert("claims_jurydraw", **row | {"head": bytes(32)})
    with refused("draw_list_is_its_head"):
        insert("claims_jurydraw", **row | {"size": 31})
    with refused("draw_can_reach_its_quorum"):
        insert("claims_jurydraw", **row | {"quorum": 6})
    with refused("one_log_entry_per_event"):
        log(draw, "draw.commit", selectors.draw_ref(draw.claim, 1))


def test_draw_moves_on_its_evidence(cases: JuryCases) -> None:
    draw = cases.take(cases.refused())
    with refused("draw_moves_on_its_evidence"):
        run("UPDATE claims_jurydraw SET state = 'committed', reveal_until_at = now() WHERE id = %s", draw.pk)
    with refused("draw_moves_on_its_evidence"):
        run("UPDATE claims_jurydraw SET state = 'dropped' WHERE id = %s", draw.pk)
    with refused("draw_follows_its_order"):
        run("UPDATE claims_jurydraw SET state = 'drawn' WHERE id = %s", draw.pk)
    draw = cases.tell(cases.commit(draw), "claimant")
    for state in ("drawn", "failed"):
        with refused("draw_moves_on_its_evidence"):
            run("UPDATE claims_jurydraw SET state = %s, closes_at = now() WHERE id = %s", state, draw.pk)
    draw = cases.tell(draw, "controller", "pool_admin")
    with refused("draw_moves_on_its_evidence"):
        run("UPDATE claims_jurydraw SET state = 'tallied' WHERE id = %s", draw.pk)
    with refused("draw_keeps_its_list"):
        run("UPDATE claims_jurydraw SET closes_at = closes_at + interval '1 day' WHERE id = %s", draw.pk)
    with refused("draw_keeps_its_list"):
        run("UPDATE claims_jurydraw SET reveal_until_at = now() WHERE id = %s", draw.pk)
    for column, value in (("eligible", b"x"), ("head", b"x"), ("seats", 6), ("quorum", 1)):
        with not_permitted():
            run(f"UPDATE claims_jurydraw SET {column} = %s", value)
    with not_permitted():
        run("DELETE FROM claims_jurydraw")


def test_witness_is_asked_and_commits_before_the_draw(cases: JuryCases) -> None:
    draw = cases.take(cases.refused())
    row = {"draw_id": draw.pk, "number": 1, "commitment": bytes(32), "committed_at": clock.now()}
    for person, role in (
        (cases.world.stranger, "auditor"),
        (cases.neighbor, "claimant"),
        (cases.reviewer, "reviewer"),
        (cases.world.admin, "auditor"),
    ):
        with refused("witness_is_asked"):
            insert("claims_jurywitness", person_id=person.pk, role=role, **row)
    draw = cases.commit(draw)
    late = row | {"number": 4}
    with refused("witness_commits_before_the_draw"):
        insert("claims_jurywitness", person_id=cases.world.auditor.pk, role="auditor", **late)


def test_witness_words_fit_their_hash(cases: JuryCases) -> None:
    draw = cases.take(cases.refused())
    set_words = "UPDATE claims_jurywitness SET words = %s WHERE draw_id = %s AND person_id = %s"
    commitment = hashlib.sha256(WORDS["claimant"].encode()).digest()
    services.commit_to_words(draw=draw, person=cases.claimant, commitment=commitment, at=clock.now())
    with refused("witness_tells_in_time"):
        run(set_words, WORDS["claimant"], draw.pk, cases.claimant.pk)
    with refused("one_commitment_per_witness"):
        insert(
            "claims_jurywitness", draw_id=draw.pk, number=2, person_id=cases.claimant.pk, role="claimant",
            commitment=commitment, committed_at=clock.now(),
        )  # fmt: skip
    for role in ("pool_admin", "controller"):
        value = hashlib.sha256(WORDS[role].encode()).digest()
        services.commit_to_words(draw=draw, person=cases.witnesses[role], commitment=value, at=clock.now())
    draw = cases.later(draw, draw.commit_until_at)
    with refused("witness_words_fit_their_hash"):
        run(set_words, "other words", draw.pk, cases.claimant.pk)
    cases.tell(draw, "claimant")
    with refused("witness_tells_once"):
        run(set_words, WORDS["claimant"], draw.pk, cases.claimant.pk)
    set_clock(draw.reveal_until_at)
    with refused("witness_tells_in_time"):
        run(set_words, WORDS["controller"], draw.pk, cases.world.controller.pk)
    with not_permitted():
        run("UPDATE claims_jurywitness SET commitment = %s", bytes(32))


def test_seat_is_as_drawn(cases: JuryCases) -> None:
    draw = cases.drawn()
    seat = draw.drawn.get(number=1)
    free = next(one for one in cases.jurors if not draw.drawn.filter(person=one).exists())
    row = {
        "draw_id": draw.pk, "number": 1, "index": seat.index, "person_id": free.pk, "salt": bytes(seat.salt),
        "state": "reserve",
    }  # fmt: skip
    with refused("seat_is_as_drawn"):
        insert("claims_juryseat", **row)
    with refused("seat_is_as_drawn"):
        salt = selectors.salt_of(selectors.draw_ref(draw.claim, 1), free.code)
        insert("claims_juryseat", **row | {"number": 10, "salt": salt})
    with refused("seat_follows_its_order"):
        insert("claims_juryseat", **row | {"state": "seated"})
    with refused("one_seat_per_person_and_draw"):
        insert("claims_juryseat", **row | {"person_id": seat.person_id})
    with not_permitted():
        run("UPDATE claims_juryseat SET person_id = %s", free.pk)
    with not_permitted():
        run("DELETE FROM claims_juryseat")


def test_reserves_follow_in_order(cases: JuryCases) -> None:
    draw = cases.drawn()
    seat_it = "UPDATE claims_juryseat SET state = %s WHERE draw_id = %s AND number = %s"
    with refused("reserves_follow_in_order"):
        run(seat_it, "seated", draw.pk, 6)  # every seat is taken
    run(seat_it, "declined", draw.pk, 2)
    with refused("reserves_follow_in_order"):
        run(seat_it, "seated", draw.pk, 7)
    with refused("seat_follows_its_order"):
        run(seat_it, "seated", draw.pk, 2)
    run(seat_it, "seated", draw.pk, 6)
    cases.vote(draw, "for")
    with refused("ballot_is_permanent"):
        run(seat_it, "declined", draw.pk, 1)
    set_clock(draw.closes_at)
    with refused("seats_change_before_the_closing"):
        run(seat_it, "declined", draw.pk, 3)


def test_juror_is_not_near_had_no_part_and_is_eligible(cases: JuryCases) -> None:
    draw = cases.drawn()
    run("UPDATE claims_juryseat SET state = 'declined' WHERE draw_id = %s AND number = 1", draw.pk)
    seat_it = "UPDATE claims_juryseat SET state = 'seated' WHERE draw_id = %s AND number = 6"
    who = JurySeat.objects.get(draw=draw, number=6).person
    with refused("juror_is_eligible"):
        services.step_back(pool=cases.world.pool, person=who, at=clock.now())
        run(seat_it, draw.pk)
    with refused("juror_had_no_part"):
        cases.world.grant(who, "auditor")
        run(seat_it, draw.pk)
    with refused("juror_is_not_near"):
        _pay_for(cases, who)
        run(seat_it, draw.pk)
    run(seat_it, draw.pk)


def _pay_for(cases: JuryCases, who: User) -> None:
    """Let the claimant pay for somebody: whoever pays is near."""
    link = ask_payer(membership=who.memberships.get(), payer_number=cases.membership.number, at=clock.now())
    accept_link(link=link, person=cases.claimant)


def test_ballots_are_by_seated_jurors_before_the_closing_and_permanent(cases: JuryCases) -> None:
    draw = cases.drawn()
    first, reserve = draw.drawn.get(number=1), draw.drawn.get(number=6)
    row = {"commitment": bytes(32), "vote_sealed": b"x", "cast_at": clock.now()}
    with refused("ballot_is_by_a_seated_juror"):
        insert("claims_juryballot", seat_id=reserve.pk, **row)
    cases.vote(draw, "for")
    with refused("claims_juryballot_seat_id_key"):
        insert("claims_juryballot", seat_id=first.pk, **row)
    with not_permitted():
        run("UPDATE claims_juryballot SET commitment = %s", bytes(32))
    with not_permitted():
        run("DELETE FROM claims_juryballot")
    set_clock(draw.closes_at)
    with refused("ballot_comes_before_the_closing"):
        insert("claims_juryballot", seat_id=draw.drawn.get(number=2).pk, **row)


def test_verdict_follows_the_tally(cases: JuryCases) -> None:
    draw = cases.drawn()
    cases.vote(draw, "against", "against", "for")
    row = {
        "draw_id": draw.pk, "outcome": "granted", "votes_for": 2, "votes_against": 1, "aid_fen": 5_000_000,
        "decided_at": clock.now(),
    }  # fmt: skip
    with refused("ballots_open_at_the_closing"):
        insert("claims_juryverdict", **row)
    set_clock(draw.closes_at)
    with refused("ballots_open_at_the_closing"):
        insert("claims_juryverdict", **row)
    true = [_opened(seat) for seat in draw.drawn.filter(ballot__isnull=False).order_by("number")]
    ref = public_ref(draw.claim)
    for ballots in (
        [[*true[0][:3], "for"], *true[1:]],  # a vote that was changed
        true[:2],  # one left out
        [*true, [4, "00" * 32, "00" * 16, "for"]],  # one added
    ):
        with refused("votes_open_as_they_were_cast"):
            log(draw, "jury.tally", ref, ballots=ballots)
            insert("claims_juryverdict", **row)
    log(draw, "jury.tally", ref, ballots=true)
    for lie in (
        row,
        row | {"votes_for": 1, "votes_against": 2},
        row | {"outcome": "no_quorum", "aid_fen": 0},
    ):
        with refused("verdict_follows_the_tally"):
            insert("claims_juryverdict", **lie)
    truth = row | {"outcome": "refused", "votes_for": 1, "votes_against": 2}
    with refused("verdict_grants_what_the_plan_gives"):
        insert("claims_juryverdict", **truth)
    insert("claims_juryverdict", **truth | {"aid_fen": 0})
    with refused("claims_juryverdict_draw_id_key"):
        insert("claims_juryverdict", **truth | {"aid_fen": 0})
    with not_permitted():
        run("UPDATE claims_juryverdict SET outcome = 'granted'")


def test_verdict_grants_no_more_than_the_plan(cases: JuryCases) -> None:
    draw = cases.drawn()
    cases.vote(draw, "for", "for", "for")
    set_clock(draw.closes_at)
    ballots = [_opened(seat) for seat in draw.drawn.filter(ballot__isnull=False).order_by("number")]
    log(draw, "jury.tally", public_ref(draw.claim), ballots=ballots)
    row = {
        "draw_id": draw.pk,
        "outcome": "granted",
        "votes_for": 3,
        "votes_against": 0,
        "decided_at": clock.now(),
    }
    for aid_fen in (0, 5_000_001):
        with refused("verdict_grants_what_the_plan_gives"):
            insert("claims_juryverdict", aid_fen=aid_fen, **row)


def _opened(seat: JurySeat) -> list[object]:
    """Return the seat's ballot as the tally opens it."""
    return draws._opened(seat.ballot)

"""Answers of the agent: twice, overlapping, shuffled, re-encoded; refused whole; returns; families; a generated run."""

import random
from collections import Counter

import pytest

from aidplatform.lib import clock
from aidplatform.testing.debits import Debits, debited_world
from aidplatform.testing.ledgers import assert_books_true, balances, read_trial
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import about, fire_deferred
from aidplatform.testing.world import run_jobs
from ledger.books.findings import Report
from ledger.custody import (
    arrears_verify,
    charge_files,
    charge_verify,
    reconciliation,
    services,
    wallet_verify,
    write_off_verify,
)
from ledger.custody import verify as custody
from ledger.custody.charge_models import ChargeInstruction, ChargeResult, ChargeResultFile
from ledger.custody.charge_results import ResultsRefusedError
from ledger.custody.charge_xml import reference_of
from ledger.custody.models import Collection
from ledger.custody.statement_parts import IN, OUT, plain_amount
from ledger.custody.wallet_models import Suspension
from ledger.sharing.selectors import book_of
from members.joining import payers


@prepared
def debits() -> Debits:
    """Give the test a pool of six, of whom three have given a mandate, with 180.00 each announced."""
    return debited_world()


def assert_true(debits: Debits) -> None:
    """Demand what an independent reading of the rows demands: books, bank, every debit accounted for."""
    fire_deferred()
    assert_books_true(debits.pool)
    report = Report.of(
        custody.SENTENCES,
        charge_verify.SENTENCES,
        wallet_verify.SENTENCES,
        write_off_verify.SENTENCES,
        arrears_verify.SENTENCES,
    )
    custody.verify_custody(report, debits.pool.pk, debits.pool.code, book_of(debits.pool).pk)
    assert not report.is_false, [one for one in report.statements.values() if one.false]
    found = reconciliation.reconcile(debits.pool)
    assert found is not None
    assert found.agrees


def refusal(debits: Debits, data: bytes) -> tuple[str, str]:
    with pytest.raises(ResultsRefusedError) as caught:
        debits.take(data)
    return caught.value.extra["reason"], caught.value.extra["detail"]


def test_collected_failed_and_taken_back_days_later(debits: Debits) -> None:
    """Six members, 180.00 each; two debits come, one fails; one of the two is taken back a week later."""
    file, bank = debits.make(), debits.bank
    names, share = debits.ids(file), debits.share_fen
    debits.answer((names[0], "collected", ""), (names[1], "collected", ""), (names[2], "rejected", "AM04"))
    bank.take(bank.statement(debits.handed_on(file, 2 * share)))
    assert_true(debits)
    debits.later(7)
    debits.answer((names[1], "returned", "MD06"))
    bank.take(bank.statement(bank.line(OUT, share, text=f"RETURN {names[1]}"), days=8))
    assert_true(debits)
    assert debits.in_transit_fen == 0
    assert balances(book_of(debits.pool)) == read_trial("""
        101 Custody bank          180.00      -
        110 Shares receivable     900.00      -
        201 Aid payable             -     1,000.00
        230 Fee payable             -        80.00
        401 Contributions           -     1,080.00
        501 Aid granted         1,000.00      -
        510 Management fee         80.00      -
    """)


def test_the_same_answer_again_in_any_clothes_changes_nothing(debits: Debits) -> None:
    names = debits.ids(debits.make())
    lines = debits.lines(
        (names[0], "collected", ""), (names[1], "rejected", "AC04"), (names[2], "collected", "")
    )
    data = debits.file_of(lines)
    assert debits.take(data).is_new
    before = balances(book_of(debits.pool))
    for name, again in {
        "the same": data,
        "shuffled": debits.file_of(lines[::-1]),
        "with a mark and other line ends": b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"),
        "UTF-16": data.decode().encode("utf-16"),
        "one line twice": debits.file_of([*lines, lines[0]]),
        "a part of it": debits.file_of(lines[:1]),
    }.items():
        with about(name):
            answer = debits.take(again)
            assert not answer.is_new
            assert answer.dropped >= 1
    assert ChargeResultFile.objects.count() == 1
    assert balances(book_of(debits.pool)) == before
    assert_true(debits)


def test_an_overlapping_answer_adds_what_is_new_and_notes_the_rest(debits: Debits) -> None:
    names = debits.ids(debits.make())
    debits.answer((names[0], "collected", ""))
    answer = debits.answer(
        (names[2], "rejected", "MS03"), (names[0], "collected", ""), (names[1], "pending", "")
    )
    assert answer.file is not None
    assert (answer.file.line_count, answer.dropped, answer.pending) == (1, 1, 1)
    assert ChargeResult.objects.count() == 2
    with pytest.raises(ResultsRefusedError):
        debits.answer((names[1], "pending", ""))


def test_what_does_not_fit_is_refused_whole_with_its_place(debits: Debits) -> None:
    names = debits.ids(debits.make())
    good = debits.lines((names[0], "collected", ""), (names[1], "rejected", "AM04"))
    whole = debits.file_of(good)
    wrong = [*good[:1], [f"AID-{debits.pool.pk}-999-1-1", *good[1][1:]]]
    other_pool = [*good[:1], [f"AID-{debits.pool.pk + 1}-4-1-1", *good[1][1:]]]
    for reason, place, data in (
        ("truncated", "1 lines; the header says 2", whole.rsplit(b"\n", 2)[0] + b"\n"),
        ("truncated", "line 2", whole[: whole.rindex(b",")]),
        ("does_not_add_up", "the header says", debits.file_of(good, sum="1.00")),
        ("wrong_account", "…9999", debits.file_of(good, account="6222 9999")),
        ("unknown_debit", "line 2", debits.file_of(wrong)),
        ("unknown_debit", "line 2", debits.file_of(other_pool)),
        ("wrong_amount", "line 1", debits.file_of(debits.lines((names[0], "collected", ""), fen=1))),
        ("impossible_day", "line 2", debits.file_of([good[0], [*good[1][:4], "2026-03-01"]])),
        ("impossible_day", "line 2", debits.file_of([good[0], [*good[1][:4], "2026-01-01"]])),
        ("contradicts", "line 1", debits.file_of(debits.lines((names[0], "returned", "MD06")))),
        ("bad_value", "line 1", debits.file_of(debits.lines((names[0], "perhaps", "")))),
        ("bad_value", "line 1", debits.file_of(debits.lines((names[0], "rejected", "a reason")))),
        ("not_results", "row 1", b"hello\n"),
        ("not_results", "namespace", b"<Document/>"),
        ("not_results", "document type", b'<!DOCTYPE x [<!ENTITY e "e">]><Document>&e;</Document>'),
    ):
        with about(f"{reason} {place}"):
            found, where = refusal(debits, data)
            assert (found, place in where) == (reason, True), where
    assert not ChargeResult.objects.exists()
    assert debits.in_transit_fen == 0


PAIN = """<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt>
<GrpHdr><MsgId>S-7</MsgId><CreDtTm>{day}T10:00:00</CreDtTm></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId><OrgnlMsgNmId>pain.008</OrgnlMsgNmId></OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>{message}-1</OrgnlPmtInfId>{counts}{lines}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"""
TX = (
    "<TxInfAndSts><OrgnlEndToEndId>{name}</OrgnlEndToEndId><TxSts>{status}</TxSts>"
    "<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>"
    '<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>'
)


def pain(debits: Debits, *said: tuple[str, str, str], counts: str = "", message: str = "") -> bytes:
    amount = plain_amount(debits.share_fen)
    lines = [TX.format(name=name, status=status, reason=why, amount=amount) for name, status, why in said]
    file = debits.payers and ChargeInstruction.objects.order_by("pk")[0].file
    return PAIN.format(
        day=clock.today(debits.pool.time_zone),
        message=message or reference_of(file),
        counts=counts,
        lines="".join(lines),
    ).encode()


def test_pain_002_says_collected_refused_and_later_taken_back(debits: Debits) -> None:
    names = debits.ids(debits.make())
    counts = "<NbOfTxsPerSts><DtldNbOfTxs>{}</DtldNbOfTxs><DtldSts>RJCT</DtldSts></NbOfTxsPerSts>"
    said = ((names[0], "ACSC", ""), (names[1], "RJCT", "MD01"), (names[2], "ACCP", ""))
    assert refusal(debits, pain(debits, *said, counts=counts.format(2)))[0] == "truncated"
    assert refusal(debits, pain(debits, *said, message="RF00"))[0] == "other_file"
    answer = debits.take(pain(debits, *said, counts=counts.format(1)))
    assert answer.file is not None
    assert (answer.file.format, answer.file.agent_number, answer.pending) == ("pain.002", "S-7", 1)
    debits.later(3)
    debits.take(pain(debits, (names[0], "RJCT", "MD06"), (names[2], "ACSC", "")))
    found = ChargeResult.objects.order_by("pk").values_list("instruction__payer_no", "kind", "reason")
    one, two, three = (payer.number for payer in debits.payers)
    assert Counter(found) == Counter(
        [
            (one, "collected", ""),
            (two, "rejected", "MD01"),
            (three, "collected", ""),
            (one, "returned", "MD06"),
        ]
    )
    assert not debits.take(pain(debits, (names[0], "RJCT", "MD06"))).is_new
    assert_true(debits)


def test_one_debit_for_a_family(debits: Debits) -> None:
    """Anna pays for Bela: one debit of both shares, hers first; taken back, both are owed again."""
    anna, bela, _cleo = debits.payers
    assert anna.person is not None
    link = payers.ask_payer(membership=bela, payer_number=anna.number, at=clock.now())
    payers.accept_link(link=link, person=anna.person)
    file = debits.make()
    rows = list(file.instructions.order_by("pk"))
    share = debits.share_fen
    assert [(row.payer_no, row.amount_fen) for row in rows] == [
        (anna.number, 2 * share),
        (debits.payers[2].number, share),
    ]
    name = rows[0].end_to_end_id
    debits.answer((name, "collected", ""), fen=2 * share)
    assert list(Collection.objects.order_by("pk").values_list("membership_id", "payer_id", "amount_fen")) == [
        (anna.pk, None, share),
        (bela.pk, anna.pk, share),
    ]
    debits.answer((name, "returned", "MD06"), fen=2 * share)
    assert sum(Collection.objects.values_list("amount_fen", flat=True)) == 0
    assert_true(debits)


def test_bookings_of_the_agent_are_known_by_their_reference_alone(debits: Debits) -> None:
    """Twins are two bookings; a fee of the bank is a fee; a name of no debit is nobody's."""
    file, bank = debits.make(), debits.bank
    name, share = debits.ids(file)[0], debits.share_fen
    taken = bank.take(
        bank.statement(
            debits.handed_on(file, share),
            debits.handed_on(file, share),
            bank.line(IN, 5, text=f"EREF {name} SVWZ"),
            bank.line(IN, 7, text=f"AID-{debits.pool.pk}-999-1-1"),
            bank.line(OUT, 9, text=reference_of(file), code="charge"),
        )
    )
    assert taken.totals == {"bank_fee": (1, 9), "debited": (3, 2 * share + 5), "unidentified": (1, 7)}
    assert debits.in_transit_fen == -2 * share - 5
    assert_true(debits)


def test_a_transfer_meanwhile_leaves_the_debit_to_be_paid_back(debits: Debits) -> None:
    """What came twice is nobody's until it is paid back; taken back by the bank as well, it is to be explained."""
    file, bank = debits.make(), debits.bank
    name, share = debits.ids(file)[0], debits.share_fen
    bank.take(bank.statement(bank.receipt(debits.payers[0].number, share)))
    debits.answer((name, "collected", ""))
    bank.take(bank.statement(debits.handed_on(file, share)))
    assert_true(debits)
    assert balances(book_of(debits.pool))["250"] == -share
    order = services.order_payment(
        pool=debits.pool, kind="refund", debit_result=ChargeResult.objects.get(), amount_fen=share,
        payee_name="Anna", payee_account="DE89370400440532013000", orderer=debits.world.treasurer.code, at=clock.now(),
    )  # fmt: skip
    bank.release(order)
    assert balances(book_of(debits.pool)).get("250", 0) == 0
    assert_true(debits)
    debits.answer((name, "returned", "MD06"))
    assert balances(book_of(debits.pool))["140"] == share
    assert_true(debits)


def test_members_who_pay_late_come_back_by_their_debit(db: None) -> None:
    """A debit that comes counts as a transfer does: the suspension ends with it."""
    debits = debited_world("anna", arrears={"reminder_days": [3], "grace_days": 3, "make_up_days": 30})
    debits.later(10)
    bank = debits.bank
    bank.take(bank.statement(days=30))
    run_jobs()
    assert Suspension.objects.get(membership_id=debits.payers[0].pk).state == "suspended"
    file = debits.make()
    debits.later(5)
    debits.answer((debits.ids(file)[0], "collected", ""))
    run_jobs()
    assert Suspension.objects.get(membership_id=debits.payers[0].pk).state == "restored"
    assert_true(debits)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_books_are_true_whatever_order_things_come_in(db: None, seed: int) -> None:
    """Ten rounds with an agent that repeats itself, answers late, in parts, and takes back; and with transfers."""
    chance = random.Random(seed)
    names = [f"member{number}" for number in range(8)]
    debits = debited_world(*names, members=2)
    bank = debits.bank
    open_answers: list[tuple[str, str, str]] = []
    collected: list[str] = []
    amounts: dict[str, int] = {}
    said: list[list[str]] = []
    moved = 0
    for _round in range(10):
        debits.later(chance.randint(1, 4))
        try:
            file = debits.make()
        except charge_files.NothingDueError:
            pass
        else:
            for row in file.instructions.order_by("pk"):
                amounts[row.end_to_end_id] = row.amount_fen
                fate = chance.choices(["collected", "rejected", "never"], [6, 3, 1])[0]
                if fate != "never":
                    open_answers.append((row.end_to_end_id, fate, "AM04" if fate == "rejected" else ""))
        chance.shuffle(open_answers)
        now = [open_answers.pop() for _one in range(chance.randint(0, len(open_answers)))]
        back = [name for name in collected if chance.random() < 0.15]
        now += [(name, "returned", "MD06") for name in back]
        collected = [name for name in collected if name not in back]
        collected += [name for name, status, _why in now if status == "collected"]
        lines = [debits.lines(one, fen=amounts[one[0]])[0] for one in now]
        said += lines
        lines += chance.sample(
            said, chance.randint(0, len(said))
        )  # some of it was said before, some twice here
        chance.shuffle(lines)
        if lines:
            debits.take(debits.file_of(lines, name=f"A-{_round}"))
        if chance.random() < 0.4:  # somebody transfers all the same
            number = chance.choice(debits.payers).number
            bank_lines = [bank.receipt(number, debits.share_fen)]
        else:
            bank_lines = []
        net = debits.in_transit_fen
        if net and chance.random() < 0.6:
            number = ChargeInstruction.objects.order_by("-pk")[0].file
            bank_lines.append(debits.handed_on(number, abs(net), "in" if net > 0 else "out"))
            moved += net
        today = clock.today(debits.pool.time_zone)
        days = (today - bank.day).days
        if days > 0:
            bank.take(bank.statement(*bank_lines, days=days))
        run_jobs()
        assert_true(debits)
    kinds = Counter(ChargeResult.objects.values_list("kind", flat=True))
    assert kinds["collected"] == len({line[0] for line in said if line[1] == "collected"})
    assert kinds["returned"] == len({line[0] for line in said if line[1] == "returned"})
    assert ChargeInstruction.objects.count() == len(amounts)
    unanswered = ChargeInstruction.objects.filter(results=None).count()
    assert unanswered == len(amounts) - kinds["collected"] - kinds["rejected"]

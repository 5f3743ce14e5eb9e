"""A small pool whose members have given mandates, and its collecting agent: what tests of debits begin from."""

import datetime as dt
from typing import Any

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.world import World, run_jobs, set_clock
from ledger.books import chart
from ledger.books.models import Book
from ledger.books.selectors import balance_fen
from ledger.custody import charge_files, charge_results, mandates
from ledger.custody.charge_models import ChargeFile
from ledger.custody.charge_results import ResultImport
from ledger.custody.charge_xml import reference_of
from ledger.custody.statement_parts import IN, FileLine, plain_amount
from ledger.sharing.models import Period
from members.joining.models import Membership
from members.joining.services import admit_member
from members.people.models import User
from members.pools.models import Pool

SEPA = {
    "scheme": "sepa",
    "creditor_id": "DE98ZZZ09999999999",
    "first_notice_days": 5,
    "later_notice_days": 2,
    "refund_days": 56,
}
ARREARS = {"reminder_days": [3, 7], "grace_days": 14, "make_up_days": 30, "hardship_days": 30}
IBAN = "DE89370400440532013000"
CARD = "6222020111122220002"


class Debits:
    """The pool, its members with mandates in the order of joining, and what the agent does."""

    def __init__(self, world: World, payers: list[Membership], period: Period) -> None:
        self.world, self.payers, self.period = world, payers, period
        self.bank = Bank(world)

    @property
    def pool(self) -> Pool:
        """Return the pool."""
        return self.world.pool

    @property
    def share_fen(self) -> int:
        """Return what each member owes of the period."""
        assert self.period.charged_members
        return (self.period.charged_fen or 0) // self.period.charged_members

    @property
    def in_transit_fen(self) -> int:
        """Return the balance of collections in transit."""
        return balance_fen(Book.objects.get(code=self.pool.code), chart.IN_TRANSIT_IN)

    def make(self, period: Period | None = None) -> ChargeFile:
        """Make the files that are due as the treasurer, by the job; return the newest."""
        charge_files.request_files(
            period=period or self.period, maker=self.world.treasurer.code, at=clock.now()
        )
        run_jobs()
        return charge_files.files_of(self.pool)[0]

    def ids(self, file: ChargeFile) -> list[str]:
        """Return what the agent calls the instructions of a file, in the order of their payers."""
        return [one.end_to_end_id for one in charge_files.instructions_of(file)]

    def lines(
        self, *said: tuple[str, str, str], fen: int | None = None, day: dt.date | None = None
    ) -> list[list[str]]:
        """Return lines of an answer: instruction, status, reason."""
        today = (day or clock.today(self.pool.time_zone)).isoformat()
        amount = plain_amount(self.share_fen if fen is None else fen)
        return [[name, status, reason, amount, today] for name, status, reason in said]

    def file_of(self, lines: list[list[str]], name: str = "A-1", **header: Any) -> bytes:
        """Return an answer as CSV, with a header that fits."""
        total = sum(int(line[3].replace(".", "")) for line in lines)
        head = {
            "results": name,
            "account": self.bank.account.number,
            "lines": len(lines),
            "sum": plain_amount(total),
        } | header
        rows = [[key, str(value)] for key, value in head.items()]
        rows += [["end_to_end_id", "status", "reason", "amount", "date"], *lines]
        return "".join(",".join(row) + "\n" for row in rows).encode()

    def take(self, data: bytes) -> ResultImport:
        """Import an answer as the treasurer."""
        return charge_results.import_results(
            pool=self.pool,
            data=data,
            filename="answer.csv",
            importer=self.world.treasurer.code,
            at=clock.now(),
        )

    def answer(self, *said: tuple[str, str, str], **how: Any) -> ResultImport:
        """Let the agent say that of instructions, and import it."""
        return self.take(self.file_of(self.lines(*said, **how)))

    def handed_on(self, file: ChargeFile, fen: int, direction: str = IN) -> FileLine:
        """Return the booking by which the agent hands on what it has collected."""
        return self.bank.line(direction, fen, text=f"{reference_of(file)}-1")

    def later(self, days: int) -> None:
        """Let days pass."""
        set_clock(clock.now() + dt.timedelta(days=days))


def admit_payer(world: World, name: str, *, mandate: bool = True) -> Membership:
    """Admit a person, who gives a mandate."""
    member = admit_member(
        pool=world.pool,
        person=User.objects.create_user(f"{name}@people.example.org", name=name.title()),
        class_no=0,
        from_at=clock.now(),
        joined_date=dt.date(2026, 1, 1),
        actor="test",
    )
    if mandate:
        give_mandate(member)
    return member


def give_mandate(member: Membership, account: str = "") -> None:
    """Give a mandate over the text of today."""
    offer = mandates.offer_of(member)
    assert offer is not None
    mandates.give_mandate(
        membership=member,
        holder_name=member.person.name if member.person else "",
        account=account or (IBAN if offer.debit.scheme == "sepa" else CARD),
        shown_sha256=offer.sha256,
        language="en",
        at=clock.now(),
    )


def debited_world(*names: str, members: int = 3, aid_fen: int = 100_000, **terms: Any) -> Debits:
    """Return a pool of members who transfer and of people with mandates, its first period announced, and its agent."""
    terms = {"currency": "EUR", "debit": SEPA, "arrears": ARREARS} | terms
    world = World.founded(members=members, **terms)
    payers = [admit_payer(world, name) for name in names or ("anna", "bela", "cleo")]
    world.award(aid_fen, code="C-1")
    period = world.posted_period()
    set_clock(clock.start_of_day(period.charge_date, world.pool.time_zone) + dt.timedelta(hours=10))
    return Debits(world, payers, period)

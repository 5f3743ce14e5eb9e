"""Aid goes to whom the award names: judged by hash in the database, and by what is sealed when it is read."""

import datetime as dt

import pytest

from aidplatform.lib import clock, crypto
from aidplatform.testing.bank import ZONE, Bank
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.custody import payment_files, selectors, services
from ledger.custody.models import PaymentOrder
from ledger.custody.tests.test_guarantees import Charged, award, order
from ledger.sharing.models import Award
from ledger.sharing.payees import Payee


@prepared
def named() -> tuple[Bank, Award]:
    """Give the test a shared and collected award that names whom it is paid to."""
    world = World.founded()
    bank = Bank(world)
    world.award(100_000, payee=Payee.of("Li  Na", "6222 0000 1111 2222"))
    period = world.posted_period()
    set_clock(clock.start_of_day(period.charge_date, ZONE) + dt.timedelta(hours=10))
    bank.all_pay()
    return bank, award(world)


def test_aid_goes_to_the_named_payee_and_nobody_types_it(named: tuple[Bank, Award]) -> None:
    bank, shared = named
    with refused("aid_goes_to_the_named_payee"):
        bank.order_aid(shared, 1)  # to Zhang San
    made = services.order_payment(
        pool=bank.world.pool,
        kind="aid",
        award=shared,
        amount_fen=100_000,
        orderer=bank.world.treasurer.code,
        at=clock.now(),
    )
    assert selectors.payee_of(made) == Payee("Li Na", "6222000011112222")


def test_named_payee_that_was_sealed_over_is_paid_to_nobody(named: tuple[Bank, Award]) -> None:
    """Somebody with the application's keys may seal another account, but not under the hash that was judged."""
    bank, shared = named
    thief = Payee.of("A friend", "6222 7777")
    place = selectors.payee_context(bank.world.pool.code, "account")
    made = order(
        bank,
        shared,
        amount_fen=100_000,
        payee_hash=bytes(shared.payee_hash or b""),
        payee_account=crypto.seal_text(thief.account, place),
        payee_name=crypto.seal_text("Li Na", selectors.payee_context(bank.world.pool.code, "name")),
    )
    released = bank.release(PaymentOrder.objects.get(pk=made))
    with pytest.raises(selectors.PayeeUnreadableError):
        payment_files.make_file(pool=bank.world.pool, maker=bank.world.treasurer.code, at=clock.now())
    address = f"/pools/{bank.world.pool.code}/custody/payments/{released.number}/"
    answer = client_of(bank.world.controller).get(address)
    assert answer.status_code == 200
    assert "is not the one that was ordered" in answer.content.decode()
    assert "Cancel this payment" in answer.content.decode()


@pytest.mark.parametrize("half", [{}, {"payee_name": "Zhang San"}, {"payee_account": "6222 1"}])
def test_award_that_names_nobody_needs_a_whole_payee(charged: Charged, half: dict[str, str]) -> None:
    world, bank, _period = charged
    bank.all_pay()
    with pytest.raises(services.PayeeMissingError):
        services.order_payment(
            pool=world.pool,
            kind="aid",
            award=award(world),
            amount_fen=1,
            orderer=world.treasurer.code,
            at=clock.now(),
            **half,  # type: ignore[arg-type]
        )


def test_award_names_a_whole_payee(charged: Charged) -> None:
    world, _bank, _period = charged
    with refused("award_names_a_whole_payee"):
        run(
            """INSERT INTO ledger_award (pool_id, code, claim_code, masked, aid_fen, state, is_held, announced_at,
                                         announced_by, payee_hash)
               VALUES (%s, 'C-8', 'claim-8', '{}', 1, 'announced', false, now(), 'service', '\\x00')""",
            world.pool.pk,
        )

"""What becomes of a child's unpaid share or empty wallet, and that its guardian is told of it, each thing once."""

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World, run_jobs
from ledger.custody.tests.test_arrears_guarantees import ARREARS, at, day
from ledger.custody.tests.test_arrears_views import remind
from ledger.custody.tests.test_wallet_life import FUNDING
from ledger.leaving.selectors import family_parting_of
from ledger.leaving.services import leave_pool
from members.joining import payers
from members.joining.models import Membership
from members.joining.payer_models import PayerLink
from members.joining.tests.papers import filled
from members.joining.tests.test_family import added, person
from members.joining.tests.test_signing import _sign as sign
from members.people.models import Notice, User
from members.people.notices import subject_of

FAMILY = "/pools/test-pool/me/family/"


def joined(world: World) -> tuple[Membership, Membership]:
    """Return a mother who has just joined, and her child."""
    mother = sign(filled(world.pool, User.objects.create_user("mother@example.org", name="Mother")))
    return mother, added(mother)


def told(mother: Membership, kind: str) -> list[tuple[int | None, str]]:
    found = Notice.objects.filter(person=mother.person, kind=kind).order_by("pk")
    return [(one.params.get("member"), one.link) for one in found]


@prepared
def late() -> tuple[World, Bank, Membership, Membership]:
    """Give the test a family whose shares of period 1 are not paid on 14 January."""
    world = World.founded(members=4, arrears=ARREARS)
    mother, child = joined(world)
    world.award(100_000)
    world.posted_period()
    at("01-14")
    return world, Bank(world), mother, child


def test_suspension_and_return_of_a_child_are_told_once(
    late: tuple[World, Bank, Membership, Membership],
) -> None:
    _world, bank, mother, child = late
    at("01-19")
    remind()
    assert told(mother, "share_unpaid_for") == [(child.number, "/pools/test-pool/me/")]
    at("01-25")
    bank.take(bank.statement(days=(day("01-25") - bank.day).days))
    run_jobs()
    assert told(mother, "unpaid_suspended") == [(None, "/pools/test-pool/me/"), (child.number, FAMILY)]
    assert told(mother, "unpaid_suspended_for") == [], "the guardian who pays is told as guardian"
    share = Notice.objects.get(kind="unpaid_suspended", params__member=child.number).params["fen"]
    bank.take(bank.statement(bank.receipt(mother.number, 2 * share)))
    run_jobs()
    assert (child.number, FAMILY) in told(mother, "restored")
    bank.take(bank.statement(days=1))
    run_jobs()
    assert len(told(mother, "restored")) == len(told(mother, "unpaid_suspended")) == 2


def test_share_of_a_child_without_a_payer_is_asked_from_the_guardian_with_its_own_reference(
    late: tuple[World, Bank, Membership, Membership],
) -> None:
    _world, bank, mother, child = late
    shown = family_parting_of(mother, clock.now()).shown_sha256
    leave_pool(membership=mother, leaver=person(mother), shown_sha256=shown, at=clock.now())
    payers.end_link(link=PayerLink.objects.get(membership=child), person=person(mother))
    at("01-19")
    remind()
    notice = Notice.objects.get(person=mother.person, kind="share_unpaid", params__member=child.number)
    assert notice.link == FAMILY
    assert notice.params["reference"].replace(" ", "") == bank.reference(child.number)
    assert f"The share of member {child.number} of" in subject_of("share_unpaid", notice.params)


def test_wallet_of_a_child_that_lacks_its_share_is_told_to_the_guardian(db: None) -> None:
    world = World.founded(members=4, funding=FUNDING)
    bank = Bank(world)
    bank.take(bank.statement(*(bank.receipt(number, 100_000) for number in (1, 2, 3, 4))))
    mother, child = joined(world)
    numbers = (mother.number, child.number)
    bank.take(bank.statement(*(bank.receipt(number, 30_000) for number in numbers)))
    at("01-02")
    world.award(300_000)
    world.posted_period()
    run_jobs()
    assert told(mother, "suspended") == [(None, "/pools/test-pool/me/wallet/"), (child.number, FAMILY)]
    assert "the wallet ran short" in subject_of(
        "suspended", Notice.objects.get(kind="suspended", params__member=child.number).params
    )

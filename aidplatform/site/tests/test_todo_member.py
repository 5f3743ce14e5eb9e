"""What the start page tells a member to do: pay, answer, go on joining; and nothing that is done."""

from aidplatform.lib import clock
from aidplatform.site.todo_member import of_member
from aidplatform.testing.bank import Bank
from aidplatform.testing.world import OPENED, World, set_clock
from aidplatform.tests.pages_helpers import client_of
from members.joining import applications, payers
from members.joining.deputies import name_deputy
from members.joining.models import Membership
from members.joining.services import admit_member
from members.people.models import User


def admitted(world: World, name: str) -> Membership:
    """Admit somebody with an account, covered since the pool opened."""
    return admit_member(
        pool=world.pool,
        person=User.objects.create_user(f"{name}@people.example.org"),
        class_no=0,
        from_at=clock.start_of_day(OPENED, world.pool.time_zone),
        joined_date=OPENED,
        actor="founding",
    )


def told(person: User | None) -> list[str]:
    assert person is not None
    return [one.text for one in of_member(person)]


def test_open_shares_are_told_until_they_are_paid(world: World) -> None:
    mine = admitted(world, "mine")
    world.award(160_000)
    assert told(mine.person) == []
    period = world.posted_period()
    set_clock(clock.start_of_day(period.charge_date, world.pool.time_zone))
    assert told(mine.person) == ["¥216.00 of your shares in Test pool are not paid"]
    page = client_of(mine.person).get("/").content.decode()
    assert "/pools/test-pool/me/#pay" in page
    bank = Bank(world)
    bank.take(bank.statement(bank.receipt(mine.number, 21_600)))
    assert told(mine.person) == []


def test_requests_are_told_until_they_are_answered(world: World) -> None:
    asking, asked = admitted(world, "asking"), admitted(world, "asked")
    assert asking.person is not None
    assert asked.person is not None
    link = payers.ask_payer(membership=asking, payer_number=asked.number, at=clock.now())
    name_deputy(membership=asking, code=asked.person.code, kind="emergency", at=clock.now())
    assert told(asked.person) == [
        f"Member {asking.number} of Test pool asks you to pay for them",
        "Somebody in Test pool asks you to claim for them when they cannot",
    ]
    assert told(asking.person) == []
    payers.accept_link(link=link, person=asked.person)
    assert told(asked.person) == ["Somebody in Test pool asks you to claim for them when they cannot"]


def test_application_is_told_while_it_can_be_gone_on_with(world: World) -> None:
    newcomer = User.objects.create_user("newcomer@people.example.org")
    applications.start_application(pool=world.pool, person=newcomer, at=clock.now())
    assert told(newcomer) == ["You have begun to join Test pool"]
    assert "/pools/test-pool/join/" in client_of(newcomer).get("/").content.decode()

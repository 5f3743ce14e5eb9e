"""Joining at the same instant, by several connections: one membership, one signature, one receipt."""

from django.db import IntegrityError

from aidplatform.lib import clock
from aidplatform.lib.errors import guarantee_name
from aidplatform.testing.pairs import Meanwhile
from aidplatform.testing.refusals import run
from aidplatform.testing.world import World
from members.joining import applications, payers
from members.joining.models import CovenantSignature, JoinApplication, Membership
from members.joining.payer_models import PayerLink
from members.joining.tests.papers import filled
from members.joining.tests.test_payers import ACCEPT, join
from members.people.models import Identity, Mail, User


def _sign(application: JoinApplication) -> Membership:
    return applications.sign_covenant(
        application=application,
        signer=application.person,
        shown_sha256=application.plan_version.covenant_sha256,
        language="en",
        at=clock.now(),
    )


def test_eight_signatures_at_one_instant_join_once(committed_db: tuple[str, str]) -> None:
    world = World.founded()
    application = filled(world.pool, User.objects.create_user("newcomer@example.org"))
    signing = [Meanwhile(lambda: _sign(application)) for _ in range(8)]
    assert len({attempt.outcome().pk for attempt in signing}) == 1
    assert Membership.objects.filter(person=application.person).count() == 1
    assert (CovenantSignature.objects.count(), Mail.objects.count()) == (1, 1)


def test_one_document_under_two_accounts_at_one_instant_joins_once(committed_db: tuple[str, str]) -> None:
    world = World.founded()
    people = [User.objects.create_user(f"{number}@example.org") for number in range(2)]
    first, second = (filled(world.pool, person) for person in people)
    signing = [Meanwhile(lambda: _sign(first)), Meanwhile(lambda: _sign(second))]
    refusals = []
    for attempt in signing:
        try:
            attempt.outcome()
        except IntegrityError as error:
            refusals.append(guarantee_name(error))
    assert refusals == ["one_person_per_document"]
    assert Membership.objects.filter(person__in=people).count() == 1
    assert Identity.objects.count() == 1


def test_two_applications_begun_at_one_instant_are_one(committed_db: tuple[str, str]) -> None:
    world = World.founded()
    person = User.objects.create_user("newcomer@example.org")
    begun = [
        Meanwhile(lambda: applications.start_application(pool=world.pool, person=person, at=clock.now()))
        for _ in range(4)
    ]
    assert len({attempt.outcome().pk for attempt in begun}) == 1


def test_payer_and_paid_for_at_one_instant_is_nobody_both(committed_db: tuple[str, str]) -> None:
    """The son's payer accepts by raw SQL while the payer is being paid for by the mother: one of the two holds."""
    world = World.founded()
    father, mother, son = (join(world, name) for name in ("father", "mother", "son"))
    links = {
        payers.ask_payer(membership=son, payer_number=father.number, at=clock.now()): father,
        payers.ask_payer(membership=father, payer_number=mother.number, at=clock.now()): mother,
    }
    accepting = [
        Meanwhile(lambda link=link, payer=payer: run(ACCEPT, payer.person.code, link.pk))
        for link, payer in links.items()
    ]
    refusals = []
    for attempt in accepting:
        try:
            attempt.outcome()
        except IntegrityError as error:
            refusals.append(guarantee_name(error))
    assert refusals == ["payers_pay_for_themselves"]
    assert PayerLink.objects.filter(state="live").count() == 1

"""Adults of a family: whoever would add one is led to a link, by which they sign themselves and are paid for."""

import pytest

from aidplatform.lib import clock
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of
from members.joining import invitations, payers
from members.joining.invitation_models import Invitation
from members.joining.models import JoinApplication, Membership
from members.joining.payer_models import PayerLink
from members.joining.tests.papers import filled, passport
from members.joining.tests.test_family import ADD, PAGE, person, sign_oneself
from members.joining.tests.test_family import guardian as guardian
from members.people.models import User


def test_adult_is_led_to_an_invitation_that_says_who_pays(world: World, guardian: Membership) -> None:
    client = client_of(person(guardian))
    prepared = client.post(ADD, {"relation": "parent"}, follow=True)
    address = prepared.redirect_chain[-1][0]
    assert address == "/pools/test-pool/me/invitations/?for=parent"
    form = prepared.context["form"]
    assert (form.initial["pays"], str(form.initial["label"])) == (True, "parent")
    assert not Invitation.objects.exists()
    made = client.post(address, {"label": "parent", "pays": "on"})
    token = made.context["made"].link.rstrip("/").rsplit("/", 1)[-1]
    parent = User.objects.create_user("parent@example.org", name="Parent")
    their = client_of(parent)
    assert "They have said that they pay your shares" in their.get(made.context["made"].link).content.decode()
    their.post("/pools/test-pool/join/begin/", {"invitation": token})
    filled(world.pool, parent, passport("PARENT0001"))
    assert "they pay your shares until one of you ends it" in (
        their.get("/pools/test-pool/join/sign/").content.decode()
    )
    assert not PayerLink.objects.exists()
    joined = sign_oneself(JoinApplication.objects.get(person=parent))
    assert payers.covered_in_force(guardian) == [joined]
    page = client.get(PAGE).content.decode()
    assert "Adults whose shares you pay" in page
    assert f"Member {joined.number}" in page
    assert "Nobody yet" not in page


def test_who_is_paid_for_invites_without_paying(world: World, guardian: Membership) -> None:
    payer = sign_oneself(
        filled(world.pool, User.objects.create_user("payer@example.org"), passport("PAYER0001"))
    )
    early = invitations.invite(membership=guardian, label="", pays=True, at=clock.now())
    link = payers.ask_payer(membership=guardian, payer_number=payer.number, at=clock.now())
    payers.accept_link(link=link, person=person(payer))
    with pytest.raises(payers.PayersPayForThemselvesError):
        invitations.invite(membership=guardian, label="", pays=True, at=clock.now())
    page = client_of(person(guardian)).get("/pools/test-pool/me/invitations/?for=spouse")
    assert "pays" not in page.context["form"].fields
    assert "Somebody else pays your shares, so you cannot pay for others." in page.content.decode()
    opened = client_of(User.objects.create_user("late@example.org")).get(early.link)
    assert "invites you" in opened.content.decode()
    assert "pay your shares" not in opened.content.decode()

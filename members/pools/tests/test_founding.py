"""A draft's rules while they are written, and people who are asked to take a duty."""

import datetime as dt
from typing import Any

import pytest
from allauth.account.models import EmailAddress

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.testing.refusals import not_permitted, refused, run
from aidplatform.testing.world import TERMS, World, run_jobs, set_clock
from members.people.models import Mail, User
from members.pools import founding
from members.pools.covenants import default_covenant
from members.pools.models import DutyGrant, DutyInvitation, PlanDraft, Pool
from members.pools.selectors import access_draft, invitations_to
from members.pools.services import found_pool

AT = dt.datetime(2026, 1, 1, 2, tzinfo=dt.UTC)


@pytest.fixture
def founder(db: None) -> User:
    """Return who founds, on a stopped clock."""
    set_clock(AT)
    return User.objects.create_user("founder@example.org", name="Founder")


@pytest.fixture
def draft(founder: User) -> PlanDraft:
    """Return the rules of a draft pool."""
    pool = found_pool(
        code="new",
        name_en="New pool",
        name_zh="新计划",
        currency="CNY",
        time_zone="Asia/Shanghai",
        expected_members=40,
        founder=founder.code,
    )
    return founding.begin_draft(
        pool=pool, preset="village", terms=TERMS, expected_members=40, founder=founder, at=AT
    )


def write(draft: PlanDraft, changes: int, **terms: object) -> PlanDraft:
    """Save the rules with these terms changed."""
    return founding.write_draft(
        draft=draft,
        changes=changes,
        terms=TERMS | terms,
        covenant=("Our text.", "我们的文本。"),
        expected_members=50,
        editor="P-EDITOR",
        at=AT,
    )


def ask(
    draft: PlanDraft, founder: User, email: str = "T@Example.org", duty: str = "treasurer"
) -> DutyInvitation:
    """Ask somebody to take a duty."""
    return founding.invite(pool=draft.pool, duty=duty, email=email, inviter=founder, at=AT)


# --- rules --------------------------------------------------------------------------------------------------------


def test_draft_is_written_as_often_as_one_likes(draft: PlanDraft) -> None:
    assert draft.changes == 1
    assert write(draft, 1, waiting_days=60).changes == 2
    saved = write(draft, 2, waiting_days=61)
    assert (saved.plan().waiting_days, saved.covenant_en, saved.expected_members) == (61, "Our text.", 50)


def test_covenant_that_nobody_has_written_follows_the_rules_of_the_draft(draft: PlanDraft) -> None:
    def save(changes: int, covenant: tuple[str, str], appeal_days: int | None) -> tuple[str, str]:
        saved = founding.write_draft(
            draft=draft, changes=changes, terms=TERMS | {"appeal_days": appeal_days}, covenant=covenant,
            expected_members=50, editor="P-EDITOR", at=AT,
        )  # fmt: skip
        return saved.covenant_en, saved.covenant_zh

    silent, heard = default_covenant(has_appeal=False), default_covenant()
    assert (draft.covenant_en, draft.covenant_zh) == silent
    assert save(1, silent, 30) == heard
    assert save(2, heard, None) == silent
    own = (heard[0] + "\nOurs.", heard[1])
    assert save(3, own, None) == own


def test_nobody_overwrites_what_they_have_not_seen(draft: PlanDraft) -> None:
    write(draft, 1, waiting_days=60)
    with pytest.raises(founding.DraftMovedOnError):
        write(draft, 1, waiting_days=10)
    assert PlanDraft.objects.get().plan().waiting_days == 60


def test_founder_becomes_admin_of_the_new_pool_unless_they_are_of_all(
    draft: PlanDraft, founder: User
) -> None:
    assert DutyGrant.objects.get(person=founder).pool == draft.pool


def test_plan_draft_ends_with_the_draft(world: World) -> None:
    with refused("plan_draft_ends_with_the_draft"):
        PlanDraft.objects.create(
            pool=world.pool,
            preset="x",
            terms=TERMS,
            covenant_en="x",
            covenant_zh="x",
            declaration=[],
            expected_members=1,
            changed_by="x",
            changed_at=AT,
        )
    with pytest.raises(NotFoundError):
        access_draft(pool=world.pool)


def test_draft_does_not_move_to_another_pool(draft: PlanDraft) -> None:
    other = Pool.objects.create(code="other", name_en="Other", name_zh="其他")
    with not_permitted():
        run("UPDATE members_plandraft SET pool_id = %s", other.pk)


# --- people -------------------------------------------------------------------------------------------------------


def test_who_is_asked_gets_a_mail_and_takes_the_duty(draft: PlanDraft, founder: User) -> None:
    ask(draft, founder)
    mail = Mail.objects.get()
    assert (mail.to_address, mail.person) == ("t@example.org", None)
    assert "/pools/new/invitation/" in mail.body
    run_jobs()
    assert Mail.objects.get().sent_at is not None
    person = User.objects.create_user("t@example.org")
    found = invitations_to(person).get()
    grant = founding.accept_invitation(invitation=found, person=person, at=AT)
    assert (grant.duty, grant.person, grant.is_founding) == ("treasurer", person, True)
    assert not invitations_to(person).exists()
    with pytest.raises(NotFoundError):
        founding.accept_invitation(invitation=found, person=person, at=AT)
    assert DutyGrant.objects.filter(person=person).count() == 1


def test_who_has_an_account_is_written_to_in_their_language(draft: PlanDraft, founder: User) -> None:
    User.objects.create_user("t@example.org", language="zh-hans")
    ask(draft, founder)
    assert "您愿意担任" in Mail.objects.get().subject


def test_invitation_of_another_is_not_found(draft: PlanDraft, founder: User) -> None:
    asked = ask(draft, founder)
    stranger = User.objects.create_user("other@example.org")
    for answer in (founding.accept_invitation, founding.decline_invitation):
        with pytest.raises(NotFoundError):
            answer(invitation=asked, person=stranger, at=AT)
    assert DutyInvitation.objects.get().state == "open"


def test_no_and_taking_back_end_the_question(draft: PlanDraft, founder: User) -> None:
    person = User.objects.create_user("t@example.org")
    founding.decline_invitation(invitation=ask(draft, founder), person=person, at=AT)
    asked = ask(draft, founder)
    founding.withdraw_invitation(invitation=asked, withdrawer=founder.code, at=AT)
    founding.withdraw_invitation(invitation=asked, withdrawer=founder.code, at=AT)
    assert sorted(DutyInvitation.objects.values_list("state", flat=True)) == ["declined", "withdrawn"]
    assert not DutyGrant.objects.filter(person=person).exists()


def test_one_open_invitation_per_duty_and_address(draft: PlanDraft, founder: User) -> None:
    first = ask(draft, founder)
    with pytest.raises(founding.AlreadyInvitedError):
        ask(draft, founder, " t@example.ORG ".strip())
    with refused("one_open_invitation_per_duty_and_address"):
        DutyInvitation.objects.create(
            pool=draft.pool, duty="treasurer", email=first.email, invited_by=founder, invited_at=AT
        )


def test_duties_that_meet_are_refused_when_they_are_accepted(draft: PlanDraft, founder: User) -> None:
    asked = ask(draft, founder, founder.email, "controller")
    with refused("duties_do_not_meet"):
        founding.accept_invitation(invitation=asked, person=founder, at=AT)
    assert DutyInvitation.objects.get().state == "open"


def test_duty_held_already_is_not_given_twice(draft: PlanDraft, founder: User) -> None:
    asked = ask(draft, founder, founder.email, "pool_admin")
    founding.accept_invitation(invitation=asked, person=founder, at=AT)
    assert DutyGrant.objects.filter(person=founder, duty="pool_admin").count() == 1


def test_running_pool_asks_nobody(world: World) -> None:
    with pytest.raises(founding.NotADraftError):
        founding.invite(
            pool=world.pool, duty="auditor", email="a@example.org", inviter=world.admin, at=clock.now()
        )
    with refused("founders_invite_to_a_draft"):
        DutyInvitation.objects.create(
            pool=world.pool,
            duty="auditor",
            email="a@example.org",
            invited_by=world.admin,
            invited_at=clock.now(),
        )


@pytest.mark.parametrize("change", [{"state": "accepted"}, {"email": "T@Example.org"}])
def test_founders_invite_to_a_draft(draft: PlanDraft, founder: User, change: dict[str, str]) -> None:
    fields = {
        "pool": draft.pool,
        "duty": "auditor",
        "email": "t@example.org",
        "invited_by": founder,
        "invited_at": AT,
    }
    with refused("founders_invite_to_a_draft"):
        DutyInvitation.objects.create(**(fields | change))
    with refused("founders_invite_to_a_draft"):
        DutyInvitation.objects.create(**(fields | {"invited_by": User.objects.create_user("n@example.org")}))


def test_invitation_is_answered_once_and_with_the_duty(draft: PlanDraft, founder: User) -> None:
    asked = ask(draft, founder)
    other = User.objects.create_user("n@example.org")
    with refused("invitation_is_answered_once"):
        run(
            "UPDATE members_dutyinvitation SET state = 'accepted', person_id = %s, decided_at = now() WHERE id = %s",
            other.pk,
            asked.pk,
        )
    founding.withdraw_invitation(invitation=asked, withdrawer=founder.code, at=AT)
    with refused("invitation_is_answered_once"):
        run("UPDATE members_dutyinvitation SET state = 'declined' WHERE id = %s", asked.pk)
    with refused("invitation_is_answered_once"):
        run("UPDATE members_dutyinvitation SET state = 'open', decided_at = NULL WHERE id = %s", asked.pk)


def test_addresses_must_be_proven_outside_a_demonstration(
    draft: PlanDraft, founder: User, settings: Any
) -> None:
    settings.DEMO = False
    person = User.objects.create_user("t@example.org")
    ask(draft, founder)
    assert not invitations_to(person).exists()
    address = EmailAddress.objects.create(user=person, email="t@example.org", verified=False, primary=True)
    assert not invitations_to(person).exists()
    address.verified = True
    address.save()
    assert invitations_to(person).exists()

"""What the members' tables destroy of a person who wants to be erased, what they keep, and what is in the way."""

import datetime as dt
from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.my_data import Eraser, Hindrance
from aidplatform.lib.templating import in_language
from members.joining.family_models import FamilyMember
from members.joining.models import Membership
from members.joining.withdrawing import withdraw_all
from members.people.models import User
from members.pools.models import DutyGrant, Pool


def _hindrances(person: User, at: dt.datetime) -> Iterator[Hindrance]:
    running = (
        Membership.objects.filter(end=None).exclude(pool__state=Pool.State.CLOSED).select_related("pool")
    )
    for one in running.filter(person=person).order_by("pk"):
        yield Hindrance(
            "membership_runs",
            _("Your membership in “%(pool)s” goes on. Leave it first.") % _named(one.pool),
            reverse("my_pool", args=[one.pool.code]),
        )
    children = FamilyMember.objects.filter(
        guardian__person=person, membership__person=None, membership__in=running
    )
    for child in children.select_related("pool", "membership").order_by("pk"):
        yield Hindrance(
            "child_stays",
            _("Member %(number)s of “%(pool)s” is a child for whom you have signed, and stays covered.")
            % {"number": child.membership.number, **_named(child.pool)},
            reverse("family", args=[child.pool.code]),
        )
    grants = DutyGrant.objects.filter(person=person, ended_at=None).select_related("pool")
    for grant in grants.order_by("pk"):
        if grant.pool is None:
            sentence = _("You administer this site. Another administrator has to end that first.")
            yield Hindrance("duty_held", sentence, reverse("home"))
            continue
        yield Hindrance(
            "duty_held",
            _("You hold the duty “%(duty)s” in “%(pool)s”. Lay it down first.")
            % {"duty": grant.get_duty_display(), **_named(grant.pool)},
            reverse("duties", args=[grant.pool.code]),
        )


def _named(pool: Pool) -> dict[str, str]:
    return {"pool": in_language(pool.name_en, pool.name_zh)}


ERASER = Eraser(
    function="members_erase",
    erased=(
        _(
            "Your names, your e-mail addresses and your password; you can never sign in to this account again."
        ),
        _(
            "Your identity document, also by its fingerprint: the same document can join again as somebody new."
        ),
        _("Your date of birth."),
        _("The secrets by which you find yourself in the rolls: your lines stay there, and lead to nobody."),
        _("Your health declarations, and what you had entered to join a pool."),
        _(
            "Your notices, e-mails and text messages to you, your phone number, sessions, passkeys and keys of"
            " programs."
        ),
        _("What you wrote in complaints, and their answers."),
        _("What lists, invitations and reports say about you beside your number."),
        _(
            "What you have asked of somebody, are asked by somebody, or have signed ahead is taken back, and whoever"
            " waits is told."
        ),
    ),
    kept=(
        _(
            "Your numbers as a member, your code, and the days on which you joined, were covered and left: every"
            " bill was divided by how many were covered, and anybody may count again. They stay for good and lead to"
            " nobody."
        ),
        _(
            "That somebody with your code signed, consented, voted or held a duty: others rely on it. It stays for"
            " good, without a word about you."
        ),
    ),
    hindrances=_hindrances,
    withdraw=withdraw_all,
)

"""Notices about a membership that is not the reader's own: a child's, whom they have added, or for whom they pay.

Such a notice holds the number of the member (`member`) and the id of the membership (`membership`), never the name:
whoever may know it is told it on the page, and no e-mail carries it.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from members.people.cover_words import OF_OTHERS
from members.people.models import Notice, User
from members.people.share_words import OWN

# With what the key of such a mail begins.
OF_MEMBER = "of-member"
# kind → (subject, body), said instead of those of `notices.KINDS`
WORDS: dict[str, tuple[str, str]] = {
    "charged": (
        gettext_noop("The share of member %(member)s in period %(number)s of %(pool)s: %(amount)s"),
        gettext_noop(
            "%(collected)s Whoever pays for them pays it. The bill shows how it comes about; anyone can recompute it."
        ),
    ),
    "ended": (
        gettext_noop("The membership of member %(member)s in %(pool)s has ended with an aid"),
        gettext_noop(
            "The aid of case %(case)s is final, and by the rules one aid ends the membership. They share period"
            " %(number)s like everyone and none after it; they are not covered any more from %(until)s on."
        ),
    ),
    "wallet_low": (
        gettext_noop("The wallet of member %(member)s in %(pool)s is low: %(amount)s"),
        gettext_noop(
            "Please top it up to %(needed)s or more, with their reference, which your family page shows. A wallet"
            " that runs short suspends the membership."
        ),
    ),
    "wallet_share": (
        gettext_noop(
            "Period %(number)s of %(pool)s takes %(amount)s at most from the wallet of member %(member)s"
        ),
        gettext_noop(
            "Not before %(charge_date)s. The exact share is known then; it is less where a case falls away."
            " %(suffices)s"
        ),
    ),
    "suspended": (
        gettext_noop("Member %(member)s of %(pool)s is suspended: the wallet ran short"),
        gettext_noop(
            "It did not cover their share of period %(number)s. Nothing is owed. Transfer until %(until)s, with"
            " their reference, so that %(needed)s or more are in it: then the membership goes on from the next"
            " day, with its waiting time kept; otherwise it lapses."
        ),
    ),
    "restored": (
        gettext_noop("The membership of member %(member)s in %(pool)s goes on"),
        gettext_noop(
            "The payment has come. They are covered again from %(ended)s on; the waiting time is kept."
        ),
    ),
    "lapsed": (
        gettext_noop("The membership of member %(member)s in %(pool)s has lapsed"),
        gettext_noop(
            "No payment came until %(until)s after the wallet ran short. What is left in it is paid back: ask the"
            " treasurer."
        ),
    ),
    "left": (
        gettext_noop("You have ended the membership of member %(member)s in %(pool)s"),
        gettext_noop(
            "They are covered until 00:00 of %(until)s. A case of the time before that can still be"
            " filed.\n\n%(owed)s"
        ),
    ),
    "shares_back": (
        gettext_noop("The shares of member %(member)s in %(pool)s go back: %(amount)s"),
        gettext_noop(
            "So the rules have it, after what two people decided of claim %(claim)s: the membership ends, and they are"
            " covered until 00:00 of %(until)s. The treasurer pays %(amount)s back; nothing else is asked for any more."
        ),
    ),
    "removed": (
        gettext_noop("Member %(member)s has been removed from %(pool)s"),
        gettext_noop(
            "Two people who run it have decided so, by %(clause)s of the covenant:\n\n%(statement)s\n\nThey are"
            " covered until 00:00 of %(until)s. A case of the time before that can still be"
            " filed.\n\n%(owed)s\n\nIf this is wrong, write to %(contact)s and name what proves it. A removal is"
            " not taken back in these books; whoever was removed in error is owed an answer by the operator, and"
            " can go to court."
        ),
    ),
    "share_unpaid": (
        gettext_noop("The share of member %(member)s of %(pool)s is not paid: %(amount)s"),
        gettext_noop(
            "It is their share of period %(number)s, and nobody else pays for them. Their membership goes on as"
            " before until %(until)s, that day included. Please transfer it by then to %(holder)s, account"
            " %(account)s at %(bank)s, with the reference %(reference)s."
        ),
    ),
    "unpaid_suspended": (
        gettext_noop("Member %(member)s of %(pool)s is suspended: a share was not paid"),
        gettext_noop(
            "It is the share of period %(number)s. They are not covered from %(from)s on, and share in no period"
            " that is counted from then on. Pay everything of theirs that is open, %(amount)s, until %(until)s:"
            " then their membership goes on from the next day, with its waiting time kept; otherwise it lapses."
        ),
    ),
    "unpaid_lapsed": (
        gettext_noop("The membership of member %(member)s in %(pool)s has lapsed"),
        gettext_noop(
            "What was open was not paid until %(until)s. They were covered until 00:00 of %(from)s; a case of the"
            " time before that can still be filed."
        ),
    ),
    "match_undone": (
        gettext_noop(
            "A payment to %(pool)s that counted for member %(member)s was somebody else's: %(amount)s"
        ),
        gettext_noop(
            "Two people who run the pool found that it had been matched to them by mistake. What it had paid is open"
            " again. Nothing is held against them: the days to pay it begin anew today. If you did pay for them, write"
            " to the treasurer when, and from which account."
        ),
    ),
    "wallet_match_undone": (
        gettext_noop(
            "A payment to %(pool)s in the wallet of member %(member)s was somebody else's: %(amount)s"
        ),
        gettext_noop(
            "Two people who run the pool found that it had been matched to them by mistake. Their wallet holds"
            " %(amount)s less. If you did pay for them, write to the treasurer when, and from which account."
        ),
    ),
    "pause_granted": (
        gettext_noop("A pause for member %(member)s in %(pool)s is granted: covered until %(until)s"),
        gettext_noop(
            "%(days)s days were added to the grace of what is not paid for them, %(amount)s. Nothing is forgiven:"
            " please pay it by then."
        ),
    ),
    "pause_declined": (
        gettext_noop("The pause that was asked for member %(member)s in %(pool)s is not granted"),
        gettext_noop("What is open for them stays due as before. Whoever runs the pool can tell you why."),
    ),
    "ages_out": (
        gettext_noop("The membership of member %(member)s in %(pool)s ends on %(until)s: the age of %(age)s"),
        gettext_noop(
            "By its rules there is no aid from that age on, and so no share either. They are covered until 00:00"
            " of %(until)s. A case of the time before can still be reported afterwards."
        ),
    ),
    "aged_out": (
        gettext_noop("The membership of member %(member)s in %(pool)s has ended: the age of %(age)s"),
        gettext_noop(
            "They were covered until 00:00 of %(until)s and are counted in no headcount since. A case of the time"
            " before can still be reported. Shares announced before stay owed."
        ),
    ),
    "rules_ended": (
        gettext_noop(
            "The membership of member %(member)s of %(pool)s has ended: nobody had agreed to the new rules"
        ),
        gettext_noop(
            "You answer for them. The rules came into force on %(until)s, and those of before take each member's"
            " consent. They were covered until 00:00 of that day. A case of the time before can still be filed. Shares"
            " of periods whose headcount was taken before stay owed; nothing new is."
        ),
    ),
    "class_changed": (
        gettext_noop("Member %(member)s of %(pool)s belongs to “%(class)s” from %(from)s on"),
        gettext_noop(
            "By its rules the class goes by age. Their weight in shares is %(weight)s from then on; it was"
            " %(weight_before)s. Headcounts before that day stay as they are."
        ),
    ),
    "correction_granted": (
        gettext_noop("Member %(member)s of %(pool)s is recorded rightly, as you asked"),
        gettext_noop(
            "What you asked for is recorded of them. It counts from %(from)s on; shares charged before stay as they"
            " were. What stood before is kept encrypted with its dates."
        ),
    ),
    "correction_declined": (
        gettext_noop("The correction of member %(member)s in %(pool)s was declined"),
        gettext_noop(
            "Their name, document and birth date stay as they were. Whoever runs the pool can tell you why, and which"
            " paper is missing; you can ask again."
        ),
    ),
    "payer_gone": (
        gettext_noop("Member %(member)s of %(pool)s needs somebody who pays"),
        gettext_noop(
            "The membership of member %(number)s, who has paid for them, ends at 00:00 of %(until)s; theirs goes"
            " on. The transfers still count for them until %(last)s. Until then ask another member to pay on your"
            " family page; after it, pay with their own reference."
        ),
    ),
    "payer_declined": (
        gettext_noop("Member %(number)s of %(pool)s does not pay for member %(member)s"),
        gettext_noop("Transfer their shares yourself, with their own reference, or ask somebody else."),
    ),
    "paid_for": (
        gettext_noop("Member %(number)s of %(pool)s pays for member %(member)s from now on"),
        gettext_noop(
            "Their transfers pay their own shares first and then those of whom you have added. What is not paid"
            " is asked from you. Either of you can end it at any time."
        ),
    ),
    "paid_for_no_more": (
        gettext_noop("Member %(number)s of %(pool)s does not pay for member %(member)s any more"),
        gettext_noop("Transfer their shares yourself, with their own reference, or ask somebody else."),
    ),
    "ending_floor": (
        gettext_noop("%(pool)s ends: member %(member)s is covered until %(cover_end)s"),
        gettext_noop(
            "At two headcounts running it had fewer than %(floor)s members: %(first)s, then %(second)s. By its"
            " rules nobody joins any more and it ends. File a case of theirs of the time before %(cover_end)s"
            " before %(run_off_end)s; later it is not taken. %(share)s A headcount of %(floor)s or more before"
            " cover ends calls this off."
        ),
    ),
    "ending_decided": (
        gettext_noop("%(pool)s ends: member %(member)s is covered until %(cover_end)s"),
        gettext_noop(
            "Two people who run it have decided so, and said why:\n\n%(reason)s\n\nNobody joins any more. File a"
            " case of theirs of the time before %(cover_end)s before %(run_off_end)s; later it is not taken."
            " %(share)s"
        ),
    ),
    "ending_off": (
        gettext_noop("%(pool)s goes on, and the cover of member %(member)s"),
        gettext_noop(
            "A headcount before the end of cover found %(members)s members, no fewer than the %(floor)s of its"
            " floor. The notice is called off: their cover goes on, and people may join again."
        ),
    ),
    "cover_ended": (
        gettext_noop("Member %(member)s is not covered by %(pool)s any more"),
        gettext_noop(
            "Cover ended at 00:00 of %(cover_end)s, as announced. A case of the time before that is still taken"
            " if it is filed before %(run_off_end)s. %(share)s"
        ),
    ),
} | OF_OTHERS

Namer = Callable[[User, Collection[int]], Mapping[int, str]]
_namers: list[Namer] = []


def names_members(namer: Namer) -> Namer:
    """Declare who knows the names of memberships that a person may read, by the ids of the memberships."""
    _namers.append(namer)
    return namer


def named(person: User, notices: list[Notice]) -> list[tuple[Notice, dict[str, Any]]]:
    """Return notices with their params, and the name of whom they are about where this person may know it now."""
    ids = {pk for notice in notices for pk in members_in(notice.params)}
    names: dict[int, str] = {}
    for namer in _namers:
        if ids:
            names |= namer(person, ids)
    return [(one, _with_names(one.params, names)) for one in notices]


def members_in(params: Mapping[str, Any]) -> list[int]:
    """Return the ids of the memberships that a notice is about and that are not the reader's own."""
    lines = [params] if "membership" in params else params.get("lines", [])
    return [line["membership"] for line in lines if line.get("part") != OWN]


def _with_names(params: dict[str, Any], names: Mapping[int, str]) -> dict[str, Any]:
    if "lines" in params:
        return params | {"lines": [_with_names(line, names) for line in params["lines"]]}
    return params | {"name": names[params["membership"]]} if params.get("membership") in names else params


def who(params: dict[str, Any]) -> str:
    """Return how a sentence names the member whom a notice is about: the number, and the name where it is known."""
    if "name" not in params:
        return str(params["member"])
    return _("%(number)s (%(name)s)") % {"number": params["member"], "name": params["name"]}

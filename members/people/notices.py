"""What people are told: one row and one e-mail per happening, in the language they chose.

A notice holds codes and figures only; its words are made when it is read.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext, override

from aidplatform.lib import clock
from aidplatform.lib.dates import spoken_day
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.money import format_money
from aidplatform.lib.templating import in_language
from members.people import about, share_words
from members.people.case_words import CASE_KINDS
from members.people.choices import Wishes, wishes_of
from members.people.claim_words import CLAIM_ASKED, CLAIM_KINDS, CLAIM_STEPS
from members.people.correction_words import CORRECTION_KINDS
from members.people.cover_words import COVER_KINDS
from members.people.debit_words import (
    DEBIT_ANNOUNCED,
    DEBIT_KINDS,
    what_to_do,
    why,
)
from members.people.deputy_words import DEPUTY_KINDS
from members.people.draft_words import DRAFT_KINDS
from members.people.duty_words import DUTY_KINDS, DUTY_NAMES
from members.people.events import CATEGORY_OF as CATEGORY_OF
from members.people.guardian_words import GUARDIAN_KINDS
from members.people.jury_words import JURY_KINDS
from members.people.mails import Letter, write_mails
from members.people.models import Notice, NoticeChoice, NoticeHours, User, Way
from members.people.open_books import books_of
from members.people.outside_words import OUTSIDE_KINDS
from members.people.parting import parting_words
from members.people.rights_words import PURPOSES, RIGHTS_KINDS
from members.people.texts import Text, numbers_of, words_for, write_texts
from members.people.transfer_words import TRANSFER_ANEW as TRANSFER_ANEW
from members.people.transfer_words import TRANSFER_BEGUN as TRANSFER_BEGUN
from members.people.transfer_words import TRANSFER_KINDS, WHY_OFF
from members.people.transfer_words import TRANSFER_OFF as TRANSFER_OFF
from members.people.transfer_words import TRANSFER_OFFERED as TRANSFER_OFFERED
from members.people.transfer_words import TRANSFER_SIGNED as TRANSFER_SIGNED

JOINED = "joined"
JOINED_EARLY = "joined_early"
FAMILY_JOINED = "family_joined"
FAMILY_JOINED_EARLY = "family_joined_early"
FAMILY_JOINED_AHEAD = "family_joined_ahead"
FAMILY_OF_AGE = "family_of_age"
FAMILY_TOOK_OVER = "family_took_over"
INVITED_JOINED = "invited_joined"
PAYER_GONE = "payer_gone"
PAYER_ASKS = "payer_asks"
PAYS_FOR_INVITED = "pays_for_invited"
PAID_FOR_ENDED = "paid_for_ended"
CHARGED = "charged"
RULES = "rules"
RULES_REMINDER = "rules_reminder"
RULES_ENDED = "rules_ended"
ENDED = "ended"
ENDING_FLOOR = "ending_floor"
ENDING_DECIDED = "ending_decided"
ENDING_OFF = "ending_off"
COVER_ENDED = "cover_ended"
POOL_CLOSED = "pool_closed"
JOINED_AHEAD = "joined_ahead"
LOW = "wallet_low"
WALLET_SHARE = "wallet_share"
SUSPENDED = "suspended"
RESTORED = "restored"
LAPSED = "lapsed"
CLASS_CHANGED = "class_changed"
AGES_OUT = "ages_out"
AGED_OUT = "aged_out"
LEFT = "left"
PAYER_ASKED = "payer_asked"
PAYER_DECLINED = "payer_declined"
PAID_FOR = "paid_for"
PAYS_FOR = "pays_for"
PAID_FOR_NO_MORE = "paid_for_no_more"
PAYS_NO_MORE = "pays_no_more"
REMOVED = "removed"
SHARES_BACK = "shares_back"
SHARE_UNPAID = "share_unpaid"
SHARE_UNPAID_FOR = "share_unpaid_for"
UNPAID_SUSPENDED = "unpaid_suspended"
UNPAID_SUSPENDED_FOR = "unpaid_suspended_for"
UNPAID_LAPSED = "unpaid_lapsed"
MATCH_UNDONE = "match_undone"
WALLET_MATCH_UNDONE = "wallet_match_undone"
PAUSE_GRANTED = "pause_granted"
PAUSE_DECLINED = "pause_declined"
BATCH = 500

# kind → (subject, body); what stands in %(…)s comes from the notice's params
KINDS: dict[str, tuple[str, str]] = {
    JOINED: (
        gettext_noop("You have joined %(pool)s"),
        gettext_noop(
            "You share from %(covered)s on. Aid can be asked for an illness first established on %(eligible)s or"
            " later. Signature: %(sha256)s"
        ),
    ),
    ENDED: (
        gettext_noop("Your membership of %(pool)s has ended with your aid"),
        gettext_noop(
            "The aid of case %(case)s is final, and by the rules one aid ends the membership. You share period"
            " %(number)s like everyone and none after it; you are not covered any more from %(until)s on."
        ),
    ),
    JOINED_EARLY: (
        gettext_noop("You have joined %(pool)s"),
        gettext_noop(
            "The pool is still gathering its members: you share from the day it opens. Aid can be asked for an illness"
            " first established on %(eligible)s or later, and after the opening. Signature: %(sha256)s"
        ),
    ),
    JOINED_AHEAD: (
        gettext_noop("One payment, and you have joined %(pool)s"),
        gettext_noop(
            "Transfer %(amount)s or more until %(until)s with the reference on your page. You share, and are covered,"
            " from the day after it has come. Aid can be asked for an illness first established on %(eligible)s or"
            " later. Signature: %(sha256)s"
        ),
    ),
    FAMILY_JOINED: (
        gettext_noop("You have added member %(number)s to %(pool)s"),
        gettext_noop(
            "You have signed as their guardian. They share from %(covered)s on, and your transfers pay it. Aid can be"
            " asked for an illness first established on %(eligible)s or later. Signature: %(sha256)s"
        ),
    ),
    FAMILY_JOINED_EARLY: (
        gettext_noop("You have added member %(number)s to %(pool)s"),
        gettext_noop(
            "You have signed as their guardian. The pool is still gathering its members: they share from the day it"
            " opens, and your transfers pay it. Aid can be asked for an illness first established on %(eligible)s or"
            " later, and after the opening. Signature: %(sha256)s"
        ),
    ),
    FAMILY_JOINED_AHEAD: (
        gettext_noop("One payment, and member %(number)s has joined %(pool)s"),
        gettext_noop(
            "You have signed as their guardian. Transfer %(amount)s or more until %(until)s with their reference, which"
            " your family page shows: they share, and are covered, from the day after it has come. Aid can be asked for"
            " an illness first established on %(eligible)s or later. Signature: %(sha256)s"
        ),
    ),
    FAMILY_OF_AGE: (
        gettext_noop("Member %(number)s of %(pool)s is of age from %(from)s on"),
        gettext_noop(
            "You have added them, and pay for them. From that day on they may take over the membership with an account"
            " of their own: your family page says how. Until they do, nothing changes."
        ),
    ),
    FAMILY_TOOK_OVER: (
        gettext_noop("Member %(number)s of %(pool)s has taken over with an account of their own"),
        gettext_noop(
            "You have added them; from now on the membership is theirs to see and to end. You go on paying until one of"
            " you ends it. If it was not them, tell a pool admin."
        ),
    ),
    PAYER_GONE: (
        gettext_noop("The membership of who pays your shares of %(pool)s has ended"),
        gettext_noop(
            "Member %(number)s is covered until 00:00 of %(until)s. Your own membership goes on. Their transfers still"
            " count for you until %(last)s: until then ask another member to pay, or pay yourself."
        ),
    ),
    PAYER_ASKS: (
        gettext_noop("Who pays your shares of %(pool)s leaves, and asks whether you leave too"),
        gettext_noop(
            "Member %(number)s is covered until 00:00 of %(until)s. Nothing is done in your name: without your own word"
            " you stay, covered as before. To leave too, read on your page what it means for you, and leave there. If"
            " you stay, their transfers still count for you until %(last)s: until then ask another member to pay, or"
            " pay yourself."
        ),
    ),
    PAID_FOR_ENDED: (
        gettext_noop("The membership of member %(number)s of %(pool)s, for whom you pay, ends"),
        gettext_noop(
            "They are covered until 00:00 of %(until)s. What they owe from before then may still come, and your"
            " transfers still pay it unless you end that; nothing later is asked for."
        ),
    ),
    INVITED_JOINED: (
        gettext_noop("Somebody has joined %(pool)s by your invitation"),
        gettext_noop("They are member %(number)s. Nobody is rewarded for an invitation."),
    ),
    PAYS_FOR_INVITED: (
        gettext_noop("You pay the shares of member %(number)s of %(pool)s"),
        gettext_noop(
            "They have joined by your invitation, which says so. Your transfers pay your own shares first and then"
            " theirs. What is not paid stays theirs. Either of you can end it at any time."
        ),
    ),
    LOW: (
        gettext_noop("Your wallet of %(pool)s is low: %(amount)s"),
        gettext_noop(
            "Please top it up to %(needed)s or more. Your page shows account and reference. A wallet that runs short"
            " suspends the membership."
        ),
    ),
    WALLET_SHARE: (
        gettext_noop("Period %(number)s of %(pool)s takes %(amount)s at most from your wallet"),
        gettext_noop(
            "Not before %(charge_date)s. The exact share is known then; it is less where a case falls away."
            " %(suffices)s"
        ),
    ),
    SUSPENDED: (
        gettext_noop("Your membership of %(pool)s is suspended: the wallet ran short"),
        gettext_noop(
            "It did not cover your share of period %(number)s. You owe nothing. Transfer until %(until)s so that"
            " %(needed)s or more are in it: then the membership goes on from the next day, with its waiting time kept;"
            " otherwise it lapses."
        ),
    ),
    RESTORED: (
        gettext_noop("Your membership of %(pool)s goes on"),
        gettext_noop(
            "Your payment has come. You are covered again from %(ended)s on; the waiting time is kept."
        ),
    ),
    LEFT: (
        gettext_noop("You have left %(pool)s"),
        gettext_noop(
            "You are covered until 00:00 of %(until)s. A case of the time before that can still be filed.\n\n%(owed)s"
        ),
    ),
    SHARES_BACK: (
        gettext_noop("Your shares in %(pool)s go back: %(amount)s"),
        gettext_noop(
            "So the rules have it, after what two people decided of claim %(claim)s: the membership ends, and you are"
            " covered until 00:00 of %(until)s. The treasurer pays %(amount)s back; nothing else is asked for any more."
        ),
    ),
    REMOVED: (
        gettext_noop("You have been removed from %(pool)s"),
        gettext_noop(
            "Two people who run it have decided so, by %(clause)s of the covenant:\n\n%(statement)s\n\nYou are covered"
            " until 00:00 of %(until)s. A case of the time before that can still be filed.\n\n%(owed)s\n\nIf this is"
            " wrong, write to %(contact)s and name what proves it. A removal is not taken back in these books; whoever"
            " was removed in error is owed an answer by the operator, and can go to court."
        ),
    ),
    LAPSED: (
        gettext_noop("Your membership of %(pool)s has lapsed"),
        gettext_noop(
            "No payment came until %(until)s after the wallet ran short. What is left in it is paid back to you: ask"
            " the treasurer."
        ),
    ),
    SHARE_UNPAID: (
        gettext_noop("Your share of %(pool)s is not paid: %(amount)s"),
        gettext_noop(
            "It is your share of period %(number)s. Your membership goes on as before until %(until)s, that day"
            " included. Please transfer it by then to %(holder)s, account %(account)s at %(bank)s, with the reference"
            " %(reference)s.%(pause)s"
        ),
    ),
    SHARE_UNPAID_FOR: (
        gettext_noop("A share of %(pool)s for which you pay is not paid: %(amount)s"),
        gettext_noop(
            "It is the share of member %(member)s in period %(number)s. That membership goes on as before until"
            " %(until)s, that day included. Please transfer it by then to %(holder)s, account %(account)s at %(bank)s,"
            " with the reference %(reference)s."
        ),
    ),
    UNPAID_SUSPENDED: (
        gettext_noop("Your membership of %(pool)s is suspended: a share was not paid"),
        gettext_noop(
            "It is the share of period %(number)s. You are not covered from %(from)s on, and share in no period that is"
            " counted from then on. Pay everything that is open, %(amount)s, until %(until)s: then the membership goes"
            " on from the next day, with its waiting time kept; otherwise it lapses. Your page shows how to pay."
        ),
    ),
    UNPAID_SUSPENDED_FOR: (
        gettext_noop("A membership of %(pool)s for which you pay is suspended: a share was not paid"),
        gettext_noop(
            "It is the share of member %(member)s in period %(number)s. They are not covered from %(from)s on. Pay"
            " everything of theirs that is open, %(amount)s, until %(until)s: then their membership goes on from the"
            " next day, with its waiting time kept; otherwise it lapses. Your page shows how to pay."
        ),
    ),
    UNPAID_LAPSED: (
        gettext_noop("Your membership of %(pool)s has lapsed"),
        gettext_noop(
            "What was open was not paid until %(until)s. You were covered until 00:00 of %(from)s; a case of the time"
            " before that can still be filed."
        ),
    ),
    MATCH_UNDONE: (
        gettext_noop("A payment to %(pool)s that counted as yours was somebody else's: %(amount)s"),
        gettext_noop(
            "Two people who run the pool found that it had been matched to you by mistake. What it had paid is open"
            " again. Nothing is held against you: the days to pay it begin anew today. If you did pay, write to the"
            " treasurer when, and from which account."
        ),
    ),
    WALLET_MATCH_UNDONE: (
        gettext_noop("A payment to %(pool)s in your wallet was somebody else's: %(amount)s"),
        gettext_noop(
            "Two people who run the pool found that it had been matched to you by mistake. Your wallet holds %(amount)s"
            " less. If you did pay, write to the treasurer when, and from which account."
        ),
    ),
    PAUSE_GRANTED: (
        gettext_noop("Your pause in %(pool)s is granted: you stay covered until %(until)s"),
        gettext_noop(
            "%(days)s days were added to the grace of what you have not paid, %(amount)s. Nothing is forgiven: please"
            " pay it by then."
        ),
    ),
    PAUSE_DECLINED: (
        gettext_noop("The pause that was asked for in %(pool)s is not granted"),
        gettext_noop(
            "Your page shows until when your membership goes on, and how to pay. Whoever runs the pool can tell you"
            " why."
        ),
    ),
    AGES_OUT: (
        gettext_noop("Your membership of %(pool)s ends on %(until)s: you reach the age of %(age)s"),
        gettext_noop(
            "By its rules there is no aid from that age on, and so no share either. You are covered until 00:00 of"
            " %(until)s. A case of the time before can still be reported afterwards."
        ),
    ),
    AGED_OUT: (
        gettext_noop("Your membership of %(pool)s has ended: you have reached the age of %(age)s"),
        gettext_noop(
            "You were covered until 00:00 of %(until)s and are counted in no headcount since. A case of the time before"
            " can still be reported. Shares announced before stay owed."
        ),
    ),
    CLASS_CHANGED: (
        gettext_noop("In %(pool)s you belong to “%(class)s” from %(from)s on"),
        gettext_noop(
            "By its rules the class goes by age. Your weight in shares is %(weight)s from then on; it was"
            " %(weight_before)s. Headcounts before that day stay as they are."
        ),
    ),
    PAYER_ASKED: (
        gettext_noop("Member %(number)s of %(pool)s asks you to pay their shares"),
        gettext_noop(
            "If you accept, your transfers pay your own shares first and then theirs. What is not paid stays theirs."
            " Either of you can end it at any time."
        ),
    ),
    PAYER_DECLINED: (
        gettext_noop("Member %(number)s of %(pool)s does not pay your shares"),
        gettext_noop("Transfer them yourself, with your own reference, or ask somebody else."),
    ),
    PAID_FOR: (
        gettext_noop("Member %(number)s of %(pool)s pays your shares from now on"),
        gettext_noop(
            "Their transfers pay their own shares first and then yours. What is not paid stays yours. Either of you can"
            " end it at any time."
        ),
    ),
    PAYS_FOR: (
        gettext_noop("You pay the shares of member %(number)s of %(pool)s"),
        gettext_noop(
            "The list with which the pool moved in says so, and both of you have confirmed. Transfer both shares with"
            " your own reference: it pays yours first and then theirs. What is not paid stays theirs. Either of you can"
            " end it at any time."
        ),
    ),
    PAID_FOR_NO_MORE: (
        gettext_noop("Member %(number)s of %(pool)s does not pay your shares any more"),
        gettext_noop("Transfer them yourself, with your own reference, or ask somebody else."),
    ),
    PAYS_NO_MORE: (
        gettext_noop("You do not pay the shares of member %(number)s of %(pool)s any more"),
        gettext_noop("They have ended it. From now on your transfers pay your own shares alone."),
    ),
    RULES: (
        gettext_noop("The rules of %(pool)s change on %(effective_date)s"),
        gettext_noop(
            "%(reason)s\n\nUntil then the present rules hold. The page shows, rule by rule, what changes and what it"
            " would cost, and has two answers: you agree, or you leave before that day, free of anything new."
            " %(silence)s"
        ),
    ),
    RULES_REMINDER: (
        gettext_noop("Not answered yet: the rules of %(pool)s change on %(effective_date)s"),
        gettext_noop(
            "%(reason)s\n\nYou, or a child for whom you answer, have not said yet whether you agree or leave."
            " %(silence)s This is the only reminder."
        ),
    ),
    RULES_ENDED: (
        gettext_noop("Your membership of %(pool)s has ended: you had not agreed to the new rules"),
        gettext_noop(
            "They came into force on %(until)s, and the rules of before take each member's consent. You were covered"
            " until 00:00 of that day. A case of the time before can still be filed. Shares of periods whose headcount"
            " was taken before stay owed; nothing new is."
        ),
    ),
    ENDING_FLOOR: (
        gettext_noop("%(pool)s ends: you are covered until %(cover_end)s"),
        gettext_noop(
            "At two headcounts running it had fewer than %(floor)s members: %(first)s, then %(second)s. By its rules"
            " nobody joins any more and it ends. You are covered until 00:00 of %(cover_end)s. File a case of the time"
            " before that before %(run_off_end)s; later it is not taken. %(share)s A headcount of %(floor)s or more"
            " before cover ends calls this off."
        ),
    ),
    ENDING_DECIDED: (
        gettext_noop("%(pool)s ends: you are covered until %(cover_end)s"),
        gettext_noop(
            "Two people who run it have decided so, and said why:\n\n%(reason)s\n\nNobody joins any more. You are"
            " covered until 00:00 of %(cover_end)s. File a case of the time before that before %(run_off_end)s; later"
            " it is not taken. %(share)s"
        ),
    ),
    ENDING_OFF: (
        gettext_noop("%(pool)s goes on"),
        gettext_noop(
            "A headcount before the end of cover found %(members)s members, no fewer than the %(floor)s of its floor."
            " The notice is called off: your cover goes on, and people may join again."
        ),
    ),
    COVER_ENDED: (
        gettext_noop("You are not covered by %(pool)s any more"),
        gettext_noop(
            "Cover ended at 00:00 of %(cover_end)s, as announced. A case of the time before that is still taken if it"
            " is filed before %(run_off_end)s. %(share)s"
        ),
    ),
    POOL_CLOSED: (
        gettext_noop("%(pool)s is closed"),
        gettext_noop(
            "Every case is decided and paid, and nothing is asked for any more. Its books and its log stay open to"
            " everyone."
        ),
    ),
    CHARGED: (
        gettext_noop("Your share of period %(number)s of %(pool)s: %(amount)s"),
        gettext_noop("%(collected)s The bill shows how it comes about; anyone can recompute it."),
    ),
}
KINDS |= CLAIM_KINDS | DUTY_KINDS | DEBIT_KINDS | GUARDIAN_KINDS | JURY_KINDS | RIGHTS_KINDS | CASE_KINDS
KINDS |= CORRECTION_KINDS | DEPUTY_KINDS | COVER_KINDS | TRANSFER_KINDS | OUTSIDE_KINDS | DRAFT_KINDS

# Of a share that others, a sponsor or a cap of the year have taken off.
NOTHING_ASKED = (
    gettext_noop("Period %(number)s of %(pool)s asks nothing of you"),
    gettext_noop("Your share is %(amount)s. The bill shows how it comes about; anyone can recompute it."),
)

# For two members to compare: whoever was shown other books has another fingerprint under the same number.
BOOKS = gettext_noop("The open books had %(books_size)s entries then, fingerprint %(books_fingerprint)s.")

# kind → the param with the last day to act or to know; two days before it, no digest waits
LAST_DAYS = {
    CHARGED: "charge_date",
    WALLET_SHARE: "charge_date",
    DEBIT_ANNOUNCED: "date",
    JOINED_AHEAD: "until",
    SUSPENDED: "until",
    SHARE_UNPAID: "until",
    SHARE_UNPAID_FOR: "until",
    UNPAID_SUSPENDED: "until",
    UNPAID_SUSPENDED_FOR: "until",
    AGES_OUT: "until",
    TRANSFER_OFFERED: "until",
    TRANSFER_ANEW: "until",
    LEFT: "until",
    REMOVED: "until",
    SHARES_BACK: "until",
    RULES: "effective_date",
    RULES_REMINDER: "effective_date",
    ENDING_FLOOR: "cover_end",
    ENDING_DECIDED: "cover_end",
    COVER_ENDED: "run_off_end",
    CLAIM_ASKED: "due",
}
SOON = dt.timedelta(days=2)


@dataclass(frozen=True)
class News:
    """One thing for one person to know. papers: what its e-mail carries, see `mails.Letter`."""

    person: User
    kind: str
    key: str
    params: dict[str, Any]
    link: str
    papers: str = ""


def subject_of(kind: str, params: dict[str, Any]) -> str:
    """Return the notice's headline in the reader's language."""
    return _(_words(kind, params)[0]) % _spoken(params)


def body_of(kind: str, params: dict[str, Any]) -> str:
    """Return the notice's text in the reader's language, and which open books it was written by."""
    spoken = _spoken(params)
    text = _(_words(kind, params)[1]) % spoken
    return f"{text}\n\n{_(BOOKS) % spoken}" if "books_fingerprint" in params else text


def _words(kind: str, params: dict[str, Any]) -> tuple[str, str]:
    """Return the sentences of a kind: others about a membership that is not the reader's own, or about several."""
    if "lines" in params:
        return share_words.WORDS
    if kind == CHARGED and params["fen"] == 0 and "membership" not in params:
        return NOTHING_ASKED
    return about.WORDS.get(kind, KINDS[kind]) if "membership" in params else KINDS[kind]


def said(told: "News | Notice") -> tuple[str, str]:
    """Return what an e-mail says below the headline of a notice: its text, and where it leads."""
    return body_of(told.kind, told.params), settings.PUBLIC_URL + told.link


def foot_of_mail() -> str:
    """Return what stands at the end of every e-mail that tells of notices."""
    return _("You receive this because you have an account. Nobody will ever ask you for your password.")


def tell(news: Iterable[News], *, batch: str, actor: str) -> int:
    """Write notices and their e-mails into the caller's transaction; what was told before is not told again.

    Each person is mailed as they have chosen. batch: what makes this set unique, e.g. the period and the first
    membership. Returns how many were new.
    """
    told = [one for one in news if one.person.erased_at is None]
    before = _told_before(told)
    fresh = _with_books([n for n in told if (n.person.pk, n.kind, n.key) not in before])
    wishes = wishes_of([n.person for n in fresh])
    at = clock.now()
    rows = [
        Notice(
            person=n.person, kind=n.kind, key=n.key, params=n.params, link=n.link, at=at,
            way=way_of(n, wishes[n.person.pk], clock.day_of(at, wishes[n.person.pk].hours.time_zone)),
        )
        for n in fresh
    ]  # fmt: skip
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    mailed = [n for n, row in zip(fresh, rows, strict=True) if row.way == Way.AT_ONCE]
    write_mails([_letter(n, wishes[n.person.pk].hours) for n in mailed], batch=batch, actor=actor)
    told_now = [n for n, row in zip(fresh, rows, strict=True) if row.way != Way.DIGEST]
    write_texts(_texts(told_now, wishes), batch=batch, actor=actor)
    return len(fresh)


def _with_books(told: list[News]) -> list[News]:
    """Add to what members are told of a pool by which open books; what people do as their duty needs none."""
    of_members = [n for n in told if CATEGORY_OF[n.kind] != NoticeChoice.Category.DUTIES]
    books = books_of({n.link for n in of_members if "books_fingerprint" not in n.params})
    return [
        replace(n, params=n.params | books[n.link])
        if n.link in books and CATEGORY_OF[n.kind] != NoticeChoice.Category.DUTIES
        else n
        for n in told
    ]


def _texts(told: list[News], wishes: Mapping[int, Wishes]) -> list[Text]:
    """Return the text messages about what is told at once: one for each person, however many notices there are."""
    people = {n.person.pk: n.person for n in told if wishes[n.person.pk].wants_text_of(n.kind)}
    numbers = numbers_of(people.values())
    texts: dict[int, Text] = {}
    for n in told:
        if n.person.pk in numbers and wishes[n.person.pk].wants_text_of(n.kind):
            key = f"{n.kind}/{n.key}/{n.person.code}"
            texts.setdefault(
                n.person.pk,
                Text(
                    key, n.person, numbers[n.person.pk], words_for(n.person), hours=wishes[n.person.pk].hours
                ),
            )
    return list(texts.values())


def way_of(news: News, wishes: Wishes, today: dt.date) -> str:
    """Return how a notice goes by what its person has chosen; one whose last day is near goes at once."""
    is_near = (
        CATEGORY_OF[news.kind] in NoticeChoice.ALWAYS_MAILED
        and news.kind in LAST_DAYS
        and dt.date.fromisoformat(news.params[LAST_DAYS[news.kind]]) <= today + SOON
    )
    return Way.AT_ONCE if is_near else wishes.way_of(news.kind)


def _told_before(told: list[News]) -> set[tuple[int, str, str]]:
    found = Notice.objects.filter(
        person__in={n.person.pk for n in told},
        kind__in={n.kind for n in told},
        key__in={n.key for n in told},
    )
    return set(found.values_list("person_id", "kind", "key"))


def batches(query: str, **parameters: int | str | dt.date | list[dt.date]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a query by the person in its first column, some hundred at a time, so that no list grows.

    query: orders by the person, begins after %(after)s and ends with LIMIT %(batch)s.
    """
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(query, {**parameters, "after": after, "batch": BATCH})
            rows = cursor.fetchall()
        if not rows:
            return
        yield rows
        after = rows[-1][0]


def _letter(news: News, hours: NoticeHours) -> Letter:
    with override(news.person.language):
        body = "\n\n".join((*said(news), foot_of_mail()))
        subject = subject_of(news.kind, news.params)
    head = f"{about.OF_MEMBER}/{news.kind}" if about.members_in(news.params) else news.kind
    return Letter(
        f"{head}/{news.key}/{news.person.code}",
        news.person,
        subject,
        body + "\n",
        papers=news.papers,
        hours=hours,
    )


def _spoken(params: dict[str, Any]) -> dict[str, Any]:
    """Return the params with the pool's name, dates and amounts as the reader reads them."""
    spoken = {name: spoken_day(value) for name, value in params.items()}
    if "pool_en" in params:
        spoken["pool"] = in_language(params["pool_en"], params["pool_zh"])
    if "there_en" in params:
        spoken["there"] = in_language(params["there_en"], params["there_zh"])
    if params.get("why") in WHY_OFF:
        spoken["reason"] = _(WHY_OFF[params["why"]])
    if "class_en" in params:
        spoken["class"] = in_language(params["class_en"], params["class_zh"])
    if "member" in params:
        spoken["member"] = about.who(params)
    if "fen" in params:
        spoken["amount"] = format_money(params["fen"], params["currency"])
    if "effective_date" in params:
        spoken["silence"] = _silence_words(params.get("by_consent", False))
    if "charge_date" in params:
        spoken["collected"] = _collected_words(params)
    if "held_fen" in params:
        spoken["suffices"] = _suffices_words(params)
    if "reference" in params:
        spoken["pause"] = _pause_words(params.get("pause", "may_ask"))
    if "bears" in params:
        spoken["share"] = _run_off_share(params)
    if "coming" in params:
        spoken["owed"] = "\n".join(parting_words(params, is_own="membership" not in params))
    if "duty_code" in params:
        spoken["duty"] = _(DUTY_NAMES[params["duty_code"]])
    if "debit_reason" in params:
        spoken["why"], spoken["then"] = why(params["debit_reason"]), what_to_do(params["debit_reason"])
    if "purpose_code" in params:
        spoken["purpose"] = _(PURPOSES[params["purpose_code"]])
    if "claim_state" in params:
        spoken["step"] = _(CLAIM_STEPS[params["claim_state"]])
    if "lines" in params:
        spoken["shares"] = share_words.shares_in_words(params)
    if "case_count" in params:
        count = params["case_count"]
        spoken["cases"] = ngettext("%(count)s case", "%(count)s cases", count) % {"count": count}
    if "needed_fen" in params:
        spoken["needed"] = format_money(params["needed_fen"], params["currency"])
    return spoken


def _silence_words(by_consent: bool) -> str:
    """Say what becomes of who does not answer to new rules."""
    if by_consent:
        return _(
            "By the rules in force new ones take your consent: without it your membership ends at 00:00 of that day."
        )
    return _("Without an answer the new rules hold for you from that day on.")


def _collected_words(params: dict[str, Any]) -> str:
    """Say when a share is collected; where members pay ahead it has been, with the posting."""
    if params.get("from_wallet"):
        return _("It has been taken from the wallet.")
    return _("It is collected on %(day)s at the earliest.") % {"day": spoken_day(params["charge_date"])}


def _suffices_words(params: dict[str, Any]) -> str:
    """Say whether a wallet holds what a period may take from it; amounts in fen."""
    held, needed = (format_money(params[name], params["currency"]) for name in ("held_fen", "fen"))
    if params["held_fen"] >= params["fen"]:
        return _("The wallet holds %(held)s, which is enough.") % {"held": held}
    return _(
        "The wallet holds only %(held)s: top it up to %(needed)s or more before then. A wallet that runs short"
        " suspends the membership."
    ) % {"held": held, "needed": needed}


def _pause_words(pause: str) -> str:
    """Say to who has not paid how it stands with a pause: may_ask, waits or none."""
    if pause == "waits":
        return "\n\n" + _("You have asked for a pause: two people of the pool decide, and you will be told.")
    if pause == "may_ask":
        return "\n\n" + _("If you cannot pay now, ask for a pause on your page: no proof is needed.")
    return ""


def _run_off_share(params: dict[str, Any]) -> str:
    """Say what the reader, or whom the notice is about, pays for the cases that are still taken when a pool ends."""
    is_own = "membership" not in params
    if not params["bears"]:
        return (
            _(
                "You were not covered at 00:00 of the day of the notice: you pay nothing for the cases that come."
            )
            if is_own
            else _("They were not covered at 00:00 of the day of the notice: nothing is asked of them.")
        )
    if params["cap_fen"] is None:
        return (
            _(
                "You share the cases that come, whether you stay or leave, as by the rules without an upper end."
            )
            if is_own
            else _("They share the cases that come, staying or not, as by the rules without an upper end.")
        )
    share = (
        _("You share the cases that come, whether you stay or leave: %(cap)s in all at most.")
        if is_own
        else _("They share the cases that come, staying or not: %(cap)s in all at most.")
    )
    return share % {"cap": format_money(params["cap_fen"], params["currency"])}


def notices_of(person: User) -> QuerySet[Notice]:
    """Return a person's notices, newest first."""
    return Notice.objects.filter(person=person).order_by("-pk")


def unread_count(person: User) -> int:
    """Return how many notices the person has not opened."""
    return Notice.objects.filter(person=person, read_at=None).count()


def read_notice(*, person: User, notice_id: int, at: dt.datetime) -> Notice:
    """Mark a notice as read and return it; read already: it is only returned. Raises: NotFoundError."""
    Notice.objects.filter(pk=notice_id, person=person, read_at=None).update(read_at=at)
    notice = Notice.objects.filter(pk=notice_id, person=person).first()
    if notice is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return notice


def read_all(*, person: User, at: dt.datetime) -> int:
    """Mark everything as read that a person has been told so far; return how much was new."""
    return Notice.objects.filter(person=person, read_at=None).update(read_at=at)


def put_away(*, people: Iterable[User], kinds: Iterable[str], subject: str, at: dt.datetime) -> None:
    """Mark as read what these people were told to do about a subject, which somebody has done meanwhile.

    subject: what the keys of these notices begin with, up to a slash.
    """
    told = Notice.objects.filter(person__in=people, kind__in=kinds, read_at=None)
    told.filter(key__startswith=f"{subject}/").update(read_at=at)

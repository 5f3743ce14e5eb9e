"""The events of which people are told, by category: what somebody chooses by who wants one of them to come otherwise.

Several kinds of notices are one event where nobody would choose differently for them: a debit that failed at once and
one that a bank took back later.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Event:
    """One thing that happens, as a page names it. kinds: of `notices.KINDS`; each kind is of one event."""

    label: Promise
    kinds: tuple[str, ...]


# category → code → event; the codes stand in choices that were kept, and a constraint knows which there are.
EVENTS: dict[str, dict[str, Event]] = {
    "money": {
        "share": Event(_("A share is charged"), ("charged",)),
        "wallet_share": Event(_("What a period takes from the wallet"), ("wallet_share",)),
        "debit": Event(_("A debit is announced"), ("debit_announced",)),
        "debit_back": Event(_("A debit has failed or was taken back"), ("debit_failed", "debit_returned")),
        "wallet_low": Event(_("The wallet is low"), ("wallet_low",)),
        "unpaid": Event(_("A share is not paid"), ("share_unpaid", "share_unpaid_for")),
        "match_undone": Event(
            _("A payment that counted for you was somebody else's"), ("match_undone", "wallet_match_undone")
        ),
        "pause": Event(_("A pause is granted or not"), ("pause_granted", "pause_declined")),
        "first": Event(_("The first payment after joining"), ("joined_ahead", "family_joined_ahead")),
        "payer_ends": Event(_("Somebody stops paying for you"), ("payer_gone", "payer_asks", "paid_for_no_more")),
    },
    "cover": {
        "suspended": Event(
            _("A membership is suspended"), ("suspended", "unpaid_suspended", "unpaid_suspended_for")
        ),
        "ended": Event(
            _("A membership has ended"),
            (
                "ended", "left", "shares_back", "removed", "lapsed", "unpaid_lapsed", "aged_out", "rules_ended",
                "child_died",
            ),
        ),
        "ages_out": Event(_("A membership will end by age"), ("ages_out",)),
        "transfer": Event(
            _("Going on in another pool"),
            ("transfer_offered", "transfer_signed", "transfer_anew", "transfer_begun", "transfer_off"),
        ),
    },
    "pool": {
        "rules": Event(_("The rules change"), ("rules", "rules_reminder")),
        "ending": Event(
            _("A pool ends, or goes on"),
            ("ending_floor", "ending_decided", "ending_off", "cover_ended", "pool_closed"),
        ),
    },
    "membership": {
        "joined": Event(_("You have joined"), ("joined", "joined_early")),
        "draft": Event(_("What you began to enter lies unfinished"), ("draft_lying", "draft_forgotten")),
        "waiting": Event(_("A waiting time ends"), ("waiting_over",)),
        "restored": Event(_("A suspended membership goes on"), ("restored",)),
        "class": Event(_("The class changes with the age"), ("class_changed",)),
        "correction": Event(_("A correction is granted or not"), ("correction_granted", "correction_declined")),
        "complaint": Event(_("A complaint of yours is answered"), ("complaint_answered",)),
        "data": Event(_("What happens with your data"), ("erasure_asked", "contacts_handed_out")),
    },
    "family": {
        "members": Event(
            _("Family members join, come of age or take over"),
            ("family_joined", "family_joined_early", "family_of_age", "family_took_over"),
        ),
        "paying": Event(
            _("Somebody asks, agrees or stops to pay for another"),
            (
                "payer_asked", "payer_declined", "paid_for", "pays_for", "pays_no_more", "pays_for_invited",
                "paid_for_ended",
            ),
        ),
        "invited": Event(_("Somebody joins by your invitation"), ("invited_joined",)),
        "guardian": Event(
            _("A child gets another guardian"), ("guardian_granted", "guardian_declined", "guardian_replaced")
        ),
        "deputy": Event(
            _("Who may claim for whom"), ("deputy_named", "deputy_accepted", "deputy_ended", "deputy_began")
        ),
    },
    "claims": {
        "asked": Event(_("Papers are asked for"), ("claim_asked",)),
        "steps": Event(
            _("A claim goes on"),
            (
                "claim_filed", "claim_taken_up", "claim_outside", "claim_returned", "claim_investigated",
                "claim_findings", "claim_appealed", "claim_before_jury", "claim_before_arbiter", "claim_jury_drawn",
                "claim_late",
            ),
        ),
        "decided": Event(
            _("A claim is decided"),
            (
                "claim_approved", "claim_rejected", "claim_refused_finally", "claim_arbiter_granted",
                "claim_arbiter_refused", "claim_jury_granted", "claim_jury_refused",
            ),
        ),
        "objections": Event(
            _("An objection to your case"), ("claim_objected", "claim_goes_on", "claim_overturned")
        ),
        "aid": Event(
            _("An aid is final, shared, paid or taken back"),
            ("claim_awarded", "claim_shared", "claim_paid", "claim_revoked"),
        ),
        "named": Event(_("You may claim for somebody who has died"), ("namer_died",)),
    },
    "duties": {
        "work": Event(_("A claim waits for you"), ("claim_waits", "claim_overdue")),
        "given": Event(_("A duty is given to you, or ends"), ("duty_given", "duty_ended")),
        "jury": Event(
            _("Draws and juries"), ("jury_witness", "jury_words", "jury_seat", "jury_verdict", "jury_off")
        ),
        "arbiter": Event(
            _("Outside arbiters"),
            ("arbiter_wanted", "arbiter_proposed", "arbiter_late", "arbiter_case", "arbiter_off"),
        ),
        "outside": Event(
            _("Outside reviewers"), ("outside_wanted", "outside_proposed", "outside_appointed", "outside_case")
        ),
        "complaints": Event(
            _("Complaints wait for an answer"), ("complaint_filed", "complaint_late", "complaint_passed_on")
        ),
        "corrected": Event(_("A member was corrected in another pool"), ("corrected_elsewhere",)),
    },
    "cases": {"announced": Event(_("Cases become public"), ("cases_announced",))},
}  # fmt: skip

# kind → its category, and the code of its event
CATEGORY_OF = {
    kind: category for category, events in EVENTS.items() for one in events.values() for kind in one.kinds
}
EVENT_OF = {kind: code for events in EVENTS.values() for code, one in events.items() for kind in one.kinds}
# An event's name for forms and programs, as in money.debit → its category, and its code
NAMES = {f"{category}.{event}": (category, event) for category, events in EVENTS.items() for event in events}

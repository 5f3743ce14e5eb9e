"""Everything that a page shows a member, programs read in its place, for the same person alone; or why they cannot."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from aidplatform.lib.money import format_fen
from aidplatform.testing.debits import Debits, debited_world
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import run_jobs
from aidplatform.tests.pages_helpers import client_of, program_of
from aidplatform.tests.test_policies import Address, addresses

# Done in person, in a browser: a signature and what leads to it, and what belongs to the browser itself.
WIZARD = "a wizard up to a signature in person; what is filled in so far: api_my_applications, api_my_claim"
BROWSER = "of this browser alone"
LINK = "takes on by a link what programs take on by its token"

# By page: what programs read or do, or why there is nothing.
IN_PLACE_OF: dict[str, tuple[str, ...] | str] = {
    "kept_input": BROWSER,
    "drop_kept": BROWSER,
    "my_data": ("api_my_exports", "api_my_sessions", "api_my_erasure"),
    "order_my_data": ("api_my_exports",),
    "download_my_data": "sealed for a day and handed out after a fresh sign-in, which programs have none of",
    "erase_my_data": ("api_my_erasure",),
    "ask_erasure": "asked for after a fresh sign-in and with one's own code typed",
    "cancel_erasure": ("api_my_erasure",),
    "my_readers": ("api_my_readers",),
    "my_readers_csv": ("api_my_readers",),
    "duty_invitation": ("api_my_duty_invitations", "api_answer_duty_invitation"),
    # --- claims -------------------------------------------------------------------------------------------------
    "my_claims": ("api_my_claims",),
    "new_claim": WIZARD,
    "claim_step": WIZARD,
    "save_words": WIZARD,
    "further_bills": WIZARD,
    "own_paper": ("api_my_papers", "api_my_paper"),
    "remove_paper": WIZARD,
    "claim": ("api_my_claim", "api_my_claim_objections", "api_my_claim_arbitration", "api_my_claim_outside"),
    "withdraw_claim": ("api_withdraw_claim",),
    "appeal_claim": ("api_appeal_claim",),
    "appeal_paper": ("api_my_papers",),
    "claim_letter": ("api_decision_letter",),
    "claim_letter_pdf": ("api_decision_letter",),
    "claim_findings": ("api_my_claim_investigations", "api_answer_findings"),
    "reply_to_objection": ("api_reply_to_objection",),
    "told_paper": ("api_told_paper",),
    "confirm_receipt": ("api_confirm_receipt",),
    "take_to_jury": ("api_take_to_jury",),
    "investigation_link": LINK,
    "outside_review_link": LINK,
    "arbitration_link": LINK,
    # --- cases in publicity, and the jury ---------------------------------------------------------------------------
    "notice_board": ("api_cases",),
    "case": ("api_cases", "api_objections"),
    "object_to_case": ("api_objections",),
    "objection_paper": ("api_objection_papers",),
    "my_jury": ("api_my_jury",),
    "offer_to_judge": ("api_offer_to_judge",),
    "step_back_as_juror": ("api_step_back_as_juror",),
    "commit_to_words": ("api_commit_to_words",),
    "tell_words": ("api_tell_words",),
    "jury_seat": ("api_jury_seat",),
    "cast_ballot": ("api_cast_ballot",),
    "decline_seat": ("api_decline_seat",),
    # --- belonging to a pool ----------------------------------------------------------------------------------------
    "join_begin": WIZARD,
    "join_give_up": WIZARD,
    "join_step": WIZARD,
    "my_pool": (
        "api_my_place",
        "api_memberships",
        "api_my_stays",
        "api_my_payment",
        "api_my_next_charges",
        "api_my_charges",
        "api_my_arrears",
    ),
    "my_paper": ("api_my_joining_papers", "api_my_joining_paper"),
    "my_identity": ("api_my_identity",),
    "take_back_correction": ("api_take_back_correction",),
    "my_rules": ("api_my_rules", "api_agree_to_rules"),
    "going_on": ("api_my_going_on",),
    "stop_going_on": ("api_take_back_going_on",),
    "invitations": ("api_my_invitations",),
    "take_back_invitation": ("api_take_back_invitation",),
    "leaving": ("api_my_leaving",),
    "leave": ("api_my_leaving",),
    "my_complaints": ("api_my_complaints",),
    "my_complaint": ("api_my_complaint",),
    "settle_complaint": ("api_settle_complaint",),
    "pass_complaint_on": ("api_pass_complaint_on",),
    # --- the family and others ------------------------------------------------------------------------------------
    "family": ("api_my_family",),
    "family_add": WIZARD,
    "family_step": WIZARD,
    "family_give_up": WIZARD,
    "child_leaving": ("api_child_leaving",),
    "child_leave": ("api_child_leaving",),
    "child_identity": ("api_child_identity",),
    "take_back_child_correction": ("api_take_back_child_correction",),
    "child_payer": ("api_child_payer", "api_ask_child_payer"),
    "end_child_payer": ("api_end_child_payer",),
    "my_guardianships": ("api_my_guardianships",),
    "take_back_guardianship": ("api_take_back_guardianship",),
    "my_payer": ("api_my_payer", "api_ask_payer"),
    "accept_payer": ("api_accept_payer",),
    "end_payer": ("api_end_payer",),
    "my_deputies": ("api_my_deputies",),
    "end_named": ("api_end_named",),
    "make_deputy_link": ("api_my_deputy_links",),
    "take_deputy_link_back": ("api_take_deputy_link_back",),
    "standing_by": ("api_standing_by", "api_standing_by_link"),
    "accept_deputy": ("api_accept_deputy",),
    "end_deputy": ("api_end_deputy",),
    # --- shares and money ---------------------------------------------------------------------------------------------
    "my_shares": ("api_my_charges", "api_my_statements", "api_my_arrears"),
    "my_shares_csv": ("api_my_charges",),
    "my_statement": ("api_my_statement",),
    "my_wallet": ("api_my_wallet",),
    "my_mandate": ("api_my_mandates", "api_my_debits", "api_my_coming_debits"),
    "revoke_mandate": ("api_my_mandates",),
    "retry_debit": ("api_my_debits",),
    "my_pause": ("api_my_arrears",),
    "my_proof": ("api_my_proof",),
    "check_charge": ("api_my_proof",),
    # --- notices ------------------------------------------------------------------------------------------------------
    "notices": ("api_my_notices",),
    "notice_open": ("api_read_notice",),
    "read_notices": ("api_read_all_notices",),
    "notice_choices": ("api_notice_choices",),
    "my_phone": ("api_my_phone",),
    "confirm_phone": ("api_phone_confirmation",),
    "forget_phone": ("api_my_phone",),
}


def pages_of_members() -> dict[str, Address]:
    """Return our own pages for whoever has signed in or belongs to the pool, by name."""
    return {
        one.name: one
        for one in addresses()
        if one.policy in {"member", "signed_in"}
        and not one.is_api
        and not one.route.startswith(("accounts/", "demo/"))
    }


def test_every_page_of_a_member_says_what_programs_have_in_its_place() -> None:
    assert sorted(IN_PLACE_OF) == sorted(pages_of_members())


@pytest.mark.parametrize("page", [name for name, given in IN_PLACE_OF.items() if not isinstance(given, str)])
def test_programs_have_it_for_nobody_else_than_the_page(page: str) -> None:
    """What each policy lets in is held by the walk over all addresses; here, that neither is wider than the other."""
    api = {one.name: one for one in addresses() if one.is_api}
    # Public as the log has it; the page adds what members alone see.
    public = {"api_cases"}
    for name in IN_PLACE_OF[page]:
        assert api[name].policy in {"member", "signed_in"} or name in public


def test_no_interface_of_a_member_is_forgotten_on_the_pages() -> None:
    """The other way round: what programs have of a member, some page shows."""
    named = {name for given in IN_PLACE_OF.values() if not isinstance(given, str) for name in given}
    of_pages_elsewhere = {
        # The start page, the sign-in and the sessions are of the site and of a library.
        "api_token", "api_my_todos", "api_my_applications", "api_end_session", "api_end_other_sessions",
    }  # fmt: skip
    theirs = {one.name for one in addresses() if one.is_api and one.policy in {"member", "signed_in"}}
    assert theirs - named == of_pages_elsewhere


# --- the same figures -----------------------------------------------------------------------------------------------

_AMOUNT = re.compile(r"\d[\d,]*\.\d\d(?!\d)")
_DATE = re.compile(r'<time[^>]* datetime="(\d{4}-\d\d-\d\d)')
_TAG = re.compile(r"<[^>]*>")


@prepared
def debits() -> Debits:
    """Give the test a pool whose members pay afterwards, with mandates, shares that are late and a failed debit."""
    made = debited_world()
    file = made.make()
    made.later(4)
    made.answer((made.ids(file)[0], "rejected", "AM04"), (made.ids(file)[1], "collected", ""))
    run_jobs()
    return made


def values_in(body: Any) -> Iterator[object]:
    """Yield every value of a JSON body."""
    if isinstance(body, dict):
        for one in body.values():
            yield from values_in(one)
    elif isinstance(body, list):
        for one in body:
            yield from values_in(one)
    else:
        yield body


@pytest.mark.parametrize("payer", [0, 1, 2])
@pytest.mark.parametrize("page", ["my_pool", "my_shares", "my_mandate", "my_pause", "leaving", "family"])
def test_programs_read_every_amount_and_day_of_the_page(debits: Debits, page: str, payer: int) -> None:
    """Of a failed debit, of a collected one and of one without an answer."""
    cache.clear()
    person = debits.payers[payer].person
    assert person is not None
    every = {one.name: one for one in addresses()}
    shown = client_of(person).get(every[page].path())
    assert shown.status_code in {200, 302}
    text = shown.content.decode().partition("<main")[2].partition("</main>")[0]
    given = IN_PLACE_OF[page]
    assert not isinstance(given, str)
    told: set[str] = set()
    for name in given:
        answer = program_of(person).get(every[name].path())
        assert answer.status_code in {200, 404, 405}, name
        if answer.status_code == 200:
            for one in values_in(answer.json()):
                told |= (
                    {format_fen(one)}
                    if isinstance(one, int) and not isinstance(one, bool)
                    else {str(one)[:10]}
                )
    amounts = set(_AMOUNT.findall(_TAG.sub(" ", text)))
    assert amounts - told == set()
    assert {day for day in _DATE.findall(text) if day not in told} == set()
    assert amounts or payer or page in {"my_pause", "family"}

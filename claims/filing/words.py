"""Code words of claims, said in the reader's language."""

from django.utils.translation import gettext_lazy as _

KINDS: dict[str, object] = {
    "identity": _("Identity document"),
    "diagnosis": _("Diagnosis"),
    "pathology": _("Pathology report"),
    "hospital_record": _("Hospital record"),
    "bill": _("Bill of treatment"),
    "other": _("Other paper"),
}
# Those that an investigator or an objecting member brings come with what is asked of nobody.
EVERY_KIND: dict[str, object] = {
    **KINDS,
    "investigation": _("Paper of the investigation"),
    "objection": _("Paper of an objection"),
}
PARTS: dict[str, object] = {
    "event": _("What happened, when, and the birth date"),
    "story": _("Your own words"),
    "spend": _("What treatment has cost"),
    "payee": _("The account for the aid"),
    **KINDS,
}
HOLDERS: dict[str, object] = {
    "claimant": _("you"),
    "reviewer": _("a reviewer"),
    "investigator": _("an investigator from outside"),
    "second_reviewer": _("a second reviewer"),
    "pool": _("the calendar of the pool"),
    "treasurer": _("the treasurer"),
    "pool_admin": _("the pool administrator"),
    "jury": _("the jury"),
    "nobody": _("nobody; this is done"),
}
CLAUSES: dict[str, object] = {
    "cover": _("Who is covered, and since when"),
    "waiting": _("Waiting period"),
    "report": _("Time to report"),
    "aid": _("Aid for a listed illness"),
}
QUESTIONS: dict[str, object] = {
    "covered": _("Covered on the day it began?"),
    "waited": _("After the waiting period?"),
    "reported": _("Filed in time?"),
    "granted": _("Does the plan grant aid for this illness at this age?"),
    "spent": _("What does the spend on treatment count as?"),
    "shared": _("Which part of it, after so many cases shared?"),
    "billed": _("How much of it at once, and against bills?"),
    "rest": _("What have earlier claims of this case left?"),
    "lifetime": _("Is anything left of the most for one person?"),
    "vested": _("Which part of it, after this time in the pool?"),
}
# What a line of the history says; other deeds are not shown.
DEEDS: dict[str, object] = {
    "start_claim": _("Claim begun"),
    "start_part": _("Further bills begun"),
    "file_claim": _("Claim filed"),
    "supply_papers": _("Papers sent in, claim handed back"),
    "assign_claim": _("Taken up by a reviewer"),
    "hand_over_claim": _("Handed to another reviewer"),
    "request_papers": _("Papers asked for"),
    "order_investigation": _("Investigation ordered"),
    "accept_investigation": _("Investigation begun"),
    "extend_investigation": _("Investigation extended"),
    "revoke_investigation": _("Investigation ended early"),
    "report_investigation": _("Investigation reported"),
    "answer_findings": _("Findings answered"),
    "recommend": _("First review finished"),
    "decide": _("Second review finished"),
    "appeal_claim": _("Appeal made"),
    "give_shares_back": _("Shares given back; the membership ends"),
    "take_to_jury": _("Taken to the jury"),
    "draw_jury": _("Jury drawn"),
    "jury_verdict": _("Verdict of the jury"),
    "publish_case": _("Handed on for publicity"),
    "object_to_case": _("A member objected"),
    "reply_to_objection": _("You replied to an objection"),
    "answer_objection": _("Objection answered"),
    "claim_awarded": _("Aid is final"),
    "claim_shared": _("Shared by all members"),
    "claim_paid": _("Aid paid"),
    "claim_revoked": _("Unpaid aid taken back"),
    "confirm_receipt": _("Receipt confirmed"),
    "withdraw_claim": _("Claim withdrawn"),
    "open_evidence": _("A paper was opened"),
    "open_claim": _("Your own words were read"),
}
PURPOSES: dict[str, object] = {
    "own_file": _("own file"),
    "review": _("review"),
    "second_review": _("second review"),
    "investigation": _("investigation"),
    "blind_review": _("a second look that decides nothing"),
    "jury": _("jury"),
    "arbiter": _("a decision in the place of the jury"),
    "outside_review": _("review from outside"),
}

"""What people are told about claims: of one's own every step, of others' what waits for one's duty.

An e-mail travels in clear: it names no illness, and no reason but the page's.
"""

from django.utils.translation import gettext_noop

CLAIM_FILED = "claim_filed"
CLAIM_TAKEN_UP = "claim_taken_up"
CLAIM_RETURNED = "claim_returned"
CLAIM_ASKED = "claim_asked"
CLAIM_INVESTIGATED = "claim_investigated"
CLAIM_FINDINGS = "claim_findings"
CLAIM_APPROVED = "claim_approved"
CLAIM_REJECTED = "claim_rejected"
CLAIM_OBJECTED = "claim_objected"
CLAIM_GOES_ON = "claim_goes_on"
CLAIM_OVERTURNED = "claim_overturned"
CLAIM_APPEALED = "claim_appealed"
CLAIM_REFUSED_FINALLY = "claim_refused_finally"
CLAIM_BEFORE_JURY = "claim_before_jury"
CLAIM_BEFORE_ARBITER = "claim_before_arbiter"
CLAIM_ARBITER_GRANTED = "claim_arbiter_granted"
CLAIM_ARBITER_REFUSED = "claim_arbiter_refused"
CLAIM_JURY_DRAWN = "claim_jury_drawn"
CLAIM_JURY_GRANTED = "claim_jury_granted"
CLAIM_JURY_REFUSED = "claim_jury_refused"
CLAIM_AWARDED = "claim_awarded"
CLAIM_SHARED = "claim_shared"
CLAIM_PAID = "claim_paid"
CLAIM_REVOKED = "claim_revoked"
CLAIM_LATE = "claim_late"
CLAIM_OUTSIDE = "claim_outside"
CLAIM_WAITS = "claim_waits"
CLAIM_OVERDUE = "claim_overdue"

# kind → (subject, body)
CLAIM_KINDS: dict[str, tuple[str, str]] = {
    CLAIM_FILED: (
        gettext_noop("Your claim %(claim)s is with the reviewers of %(pool)s"),
        gettext_noop(
            "One of them takes it up by %(due)s. You are told of every step, and its page shows at any time who has it"
            " and until when."
        ),
    ),
    CLAIM_TAKEN_UP: (
        gettext_noop("A reviewer has taken up your claim %(claim)s"),
        gettext_noop(
            "They finish it, or ask you for papers, by %(due)s. After that a second person decides."
        ),
    ),
    CLAIM_OUTSIDE: (
        gettext_noop("Somebody from outside looks at your claim %(claim)s"),
        gettext_noop(
            "Nobody of %(pool)s may: everyone with the duty is near to the case or had a part in it. The page of your"
            " claim says who it is and why. A second, different person still has to agree."
        ),
    ),
    CLAIM_RETURNED: (
        gettext_noop("Your claim %(claim)s is looked at once more"),
        gettext_noop(
            "The second reviewer has given it back to the first, who finishes it by %(due)s. Nothing is decided yet."
        ),
    ),
    CLAIM_ASKED: (
        gettext_noop("Your claim %(claim)s waits for you: papers are asked for"),
        gettext_noop(
            "Its page says which ones, and why. Please send them by %(due)s. What you have sent so far is kept."
        ),
    ),
    CLAIM_INVESTIGATED: (
        gettext_noop("Somebody from outside looks into your claim %(claim)s"),
        gettext_noop(
            "Its page gives the question and the reason. The report comes by %(due)s; then you can read it and answer."
            " You pay nothing for it."
        ),
    ),
    CLAIM_FINDINGS: (
        gettext_noop("The investigation of your claim %(claim)s is over"),
        gettext_noop(
            "Its page shows what was found, if there is a report, and until when you can answer. Nothing is"
            " recommended before that."
        ),
    ),
    CLAIM_APPROVED: (
        gettext_noop("Your claim %(claim)s is approved: %(amount)s"),
        gettext_noop(
            "Two people agree on it. Now it is published in the form to which you have agreed, and members can object"
            " until its publicity ends; then the aid is final."
        ),
    ),
    CLAIM_REJECTED: (
        gettext_noop("Your claim %(claim)s is not approved"),
        gettext_noop(
            "Its page gives the clause of the covenant and the reason in full, and says until when you can appeal."
        ),
    ),
    CLAIM_OBJECTED: (
        gettext_noop("A member objects to your case %(case)s"),
        gettext_noop(
            "Somebody who had no part in the decision answers by %(due)s; until then the case is not shared. You need"
            " do nothing. If the answer comes too late for this period, the case goes on with the next one."
        ),
    ),
    CLAIM_GOES_ON: (
        gettext_noop("The objection to your case %(case)s was dismissed"),
        gettext_noop("The case goes on. Its page shows the objection and the answer."),
    ),
    CLAIM_OVERTURNED: (
        gettext_noop("An objection to your case %(case)s was upheld"),
        gettext_noop(
            "The aid is withdrawn before anything was shared. The page of your claim shows the answer in full, and says"
            " until when you can appeal."
        ),
    ),
    CLAIM_APPEALED: (
        gettext_noop("Your appeal in claim %(claim)s is made"),
        gettext_noop(
            "Two people look at it who had no part in the case before; one of them takes it up by %(due)s. Until then"
            " you can add papers. It costs you nothing."
        ),
    ),
    CLAIM_REFUSED_FINALLY: (
        gettext_noop("Your appeal in claim %(claim)s was not granted"),
        gettext_noop(
            "Its page gives the clause of the covenant and the reason in full, and says whether the case can still go"
            " before a jury. If not, this is final inside the pool; the courts stay open to you."
        ),
    ),
    CLAIM_BEFORE_JURY: (
        gettext_noop("Your claim %(claim)s is before the jury"),
        gettext_noop(
            "Jurors are drawn once witnesses have told the words that they committed to. You are one of them: your"
            " claim's page says how. Until the verdict you can take the claim back; no ballot is opened then."
        ),
    ),
    CLAIM_BEFORE_ARBITER: (
        gettext_noop("Your claim %(claim)s goes to an outside arbiter"),
        gettext_noop(
            "Too few members can be drawn for a jury, so somebody from outside decides in its place, on what you agreed"
            " to show. Its page says who appoints them and until when. Until the decision you can take the claim back."
        ),
    ),
    CLAIM_ARBITER_GRANTED: (
        gettext_noop("The outside arbiter grants your claim %(claim)s: %(amount)s"),
        gettext_noop(
            "It is the aid that the plan gives, and the claim's page gives the reason. Now it is published in the form"
            " to which you have agreed, and members can object until its publicity ends; then the aid is final."
        ),
    ),
    CLAIM_ARBITER_REFUSED: (
        gettext_noop("The outside arbiter has not granted your claim %(claim)s"),
        gettext_noop(
            "Its page gives the reason. Inside the pool this is final; the courts stay open to you."
        ),
    ),
    CLAIM_JURY_DRAWN: (
        gettext_noop("The jury of your claim %(claim)s is drawn"),
        gettext_noop(
            "Its members vote until %(due)s. Nobody sees a count before that. The page of the draw lets anyone"
            " recompute it."
        ),
    ),
    CLAIM_JURY_GRANTED: (
        gettext_noop("The jury grants your claim %(claim)s: %(amount)s"),
        gettext_noop(
            "It is the aid that the plan gives. Now it is published in the form to which you have agreed, and members"
            " can object until its publicity ends; then the aid is final."
        ),
    ),
    CLAIM_JURY_REFUSED: (
        gettext_noop("The jury has not granted your claim %(claim)s"),
        gettext_noop(
            "Its page shows the count, or that too few have voted. Inside the pool this is final; the courts stay open"
            " to you."
        ),
    ),
    CLAIM_AWARDED: (
        gettext_noop("The aid for your case %(case)s is final: %(amount)s"),
        gettext_noop(
            "Its publicity is over. It is divided over all members with the next charge, and paid to the account that"
            " you named as the shares come in."
        ),
    ),
    CLAIM_SHARED: (
        gettext_noop("All members share your case %(case)s"),
        gettext_noop(
            "The shares are being collected. The treasurer pays by %(due)s what has come in by then, to the account"
            " that you named."
        ),
    ),
    CLAIM_PAID: (
        gettext_noop("The aid for your case %(case)s is paid: %(amount)s"),
        gettext_noop(
            "The bank has confirmed the payment. Please say on its page that it has come: all members see that then."
        ),
    ),
    CLAIM_REVOKED: (
        gettext_noop("The aid for your case %(case)s is taken back"),
        gettext_noop(
            "A review has found that it should not have been granted, and two people agree. What was not paid goes back"
            " to all members; what was paid to you before stays with you. The page of your claim gives the finding in"
            " full. Inside the pool this is final; the courts stay open to you."
        ),
    ),
    CLAIM_LATE: (
        gettext_noop("Your claim %(claim)s is late, and it is not you"),
        gettext_noop(
            "By the rules of the pool the step “%(step)s” was due on %(due)s. Whoever has it and the plan admins have"
            " been told as well. You lose nothing by it."
        ),
    ),
    CLAIM_WAITS: (
        gettext_noop("A claim of %(pool)s waits for you: %(claim)s"),
        gettext_noop("It is “%(step)s”; your part is due on %(due)s."),
    ),
    CLAIM_OVERDUE: (
        gettext_noop("A claim of %(pool)s is overdue: %(claim)s"),
        gettext_noop(
            "It is “%(step)s”, and the step was due on %(due)s. Take it, or give it to somebody who can."
        ),
    ),
}
# The states in which somebody can be late, as the notices say them.
CLAIM_STEPS = {
    "filed": gettext_noop("filed, to be taken up"),
    "before_jury": gettext_noop("before an outside arbiter"),
    "appealed": gettext_noop("appealed, to be taken up"),
    "papers_requested": gettext_noop("papers requested"),
    "under_review": gettext_noop("under review"),
    "under_investigation": gettext_noop("under investigation"),
    "recommended": gettext_noop("second review"),
    "objected": gettext_noop("objected to"),
    "shared": gettext_noop("shared, to be paid"),
}
OF_CLAIMANTS = tuple(kind for kind in CLAIM_KINDS if kind not in {CLAIM_WAITS, CLAIM_OVERDUE})
OF_REVIEWERS = (CLAIM_WAITS, CLAIM_OVERDUE)

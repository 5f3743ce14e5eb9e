"""What people are told about their rights: erasure, complaints, and contacts that were handed out."""

from django.utils.translation import gettext_noop

ERASURE_ASKED = "erasure_asked"
COMPLAINT_FILED = "complaint_filed"
COMPLAINT_LATE = "complaint_late"
COMPLAINT_PASSED_ON = "complaint_passed_on"
COMPLAINT_ANSWERED = "complaint_answered"
CONTACTS_HANDED_OUT = "contacts_handed_out"

# kind → (subject, body)
OF_PEOPLE: dict[str, tuple[str, str]] = {
    ERASURE_ASKED: (
        gettext_noop("Your data will be erased on %(day)s"),
        gettext_noop(
            "It was asked for in your account. Until then you can take it back on the page. If it was not you, take it"
            " back now and change your password."
        ),
    ),
    COMPLAINT_ANSWERED: (
        gettext_noop("Your complaint %(complaint)s is answered"),
        gettext_noop(
            "The answer is on the page. Say there whether it settles the matter; if not, you can once ask a second"
            " person to look at it."
        ),
    ),
    CONTACTS_HANDED_OUT: (
        gettext_noop("Your contact data were handed out by %(pool)s"),
        gettext_noop(
            "A pool admin asked for it and a second person agreed: %(purpose)s. Legal basis: %(basis)s\n\nYour pool's"
            " page counts every such export. If you object, file a complaint."
        ),
    ),
}
OF_DUTIES: dict[str, tuple[str, str]] = {
    COMPLAINT_FILED: (
        gettext_noop("Complaint %(complaint)s waits for an answer until %(until)s"),
        gettext_noop("Somebody of %(pool)s complains. Read it on the page and answer."),
    ),
    COMPLAINT_LATE: (
        gettext_noop("Complaint %(complaint)s is overdue since %(until)s"),
        gettext_noop("Nobody of %(pool)s has answered. The pool's page counts it as late from now on."),
    ),
    COMPLAINT_PASSED_ON: (
        gettext_noop("Complaint %(complaint)s asks for a second look until %(until)s"),
        gettext_noop(
            "Somebody of %(pool)s is not satisfied with the answer. Read both on the page and answer as a second"
            " person."
        ),
    ),
}
RIGHTS_KINDS = OF_PEOPLE | OF_DUTIES
# What contact data are handed out for; the words of `ContactExport.Purpose`.
PURPOSES = {
    "authority": gettext_noop("an authority or a court orders it"),
    "notice": gettext_noop("a notice that the law wants sent by others"),
    "ending": gettext_noop("paying out when the pool ends"),
    "audit": gettext_noop("an audit that the law wants"),
}

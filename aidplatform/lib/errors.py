"""Refusals that users can do something about, and how a database guarantee becomes one.

A service raises a DomainError; the middleware of `lib.http` maps it to a status. A constraint or trigger
that refuses raises IntegrityError with the guarantee's name, which `as_domain_error` turns into a
GuaranteeError bearing the same name, so that page, log and documentation speak of one thing.
"""

from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """An anticipated refusal.

    code: stable machine word; message: translated sentence saying what is wrong and what to do;
    extra: the figures that broke the rule.
    """

    status = 422
    code = "refused"

    def __init__(self, message: object = "", *, code: str | None = None, **extra: object) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.extra = extra

    def __str__(self) -> str:
        return str(self.message) or self.code


class NotFoundError(DomainError):
    """It does not exist, or it is not yours: the answer is the same."""

    status = 404
    code = "not_found"


class ForbiddenError(DomainError):
    """The person lacks the duty that this needs."""

    status = 403
    code = "forbidden"


class ConflictError(DomainError):
    """Somebody was faster, or the thing has moved on."""

    status = 409
    code = "conflict"


class UnavailableError(DomainError):
    """A service that this needs cannot be reached now; trying again later is right."""

    status = 503
    code = "unavailable"


class GuaranteeError(ConflictError):
    """A named guarantee of the database refused the write."""

    def __init__(self, name: str, message: object, *, detail: str = "") -> None:
        super().__init__(message, code=name, detail=detail)


# The sentences shown for guarantees that a person can meet; ARCHITECTURE.md lists all of them.
GUARANTEES: dict[str, object] = {
    "journal_entry_balances": _("The debits and credits of this entry differ. Nothing was posted."),
    "journal_entry_is_permanent": _("Posted entries are never edited or deleted. Post a reversal instead."),
    "income_equals_expense": _("A pool earns nothing: income and expense must grow by the same amount."),
    "reversal_mirrors_entry": _("A reversal must mirror the entry it reverses, posting by posting."),
    "one_reversal_per_entry": _("This entry has already been reversed."),
    "account_never_negative": _("This account may not fall below zero."),
    "period_approver_is_not_preparer": _(
        "The person who prepared a period cannot approve it. Ask a controller."
    ),
    "approval_is_of_what_was_shown": _(
        "The figures have changed since they were shown. Look at the new ones, then approve those."
    ),
    "period_state_follows_order": _("The period has already moved on. Reload the page to see where it is."),
    "periods_do_not_overlap": _("Another period of this pool already covers these days."),
    "one_charge_per_membership_and_period": _("A membership is charged once per period."),
    "duty_needs_two_people": _("Nobody grants a duty alone or to themselves: two other people must agree."),
    "duties_do_not_meet": _("One person may not hold these two duties in the same pool."),
    "one_person_per_document": _(
        "This document already belongs to another account. If it is yours, sign in with that account."
    ),
    "one_membership_per_person_and_pool": _("You belong to this pool already."),
    "signature_names_plan_in_force": _("A new version of the plan is in force. Read it, then sign."),
    "signature_is_of_what_was_shown": _(
        "The texts have changed since they were shown. Read the new ones, then sign."
    ),
    "signed_application_stays": _("This application is signed and cannot be changed any more."),
    "demo_stays_demo": _("A demonstration database cannot become a real one. Start with an empty one."),
}


def guarantee_name(error: IntegrityError) -> str:
    """Return the name of the constraint or trigger that refused, or an empty string."""
    diag = getattr(error.__cause__, "diag", None)
    return getattr(diag, "constraint_name", None) or ""


def as_domain_error(error: IntegrityError) -> GuaranteeError | None:
    """Return the refusal a known guarantee stands for; None where the name is not one of ours."""
    name = guarantee_name(error)
    if name not in GUARANTEES:
        return None
    detail = getattr(getattr(error.__cause__, "diag", None), "message_primary", "") or ""
    return GuaranteeError(name, GUARANTEES[name], detail=detail)

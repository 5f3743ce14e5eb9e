"""Debit mandates: given by a member over a text in both languages, revoked by them at any time.

Nothing is debited here: a mandate is what a collection file will name, and until a debit is announced members transfer.
"""

import datetime as dt
import re
from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from stdnum import iban, luhn
from stdnum.exceptions import ValidationError

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError, DomainError
from aidplatform.work import audit
from ledger.custody.mandate_models import DebitMandate
from ledger.custody.mandate_texts import mandate_texts
from ledger.custody.selectors import account_of
from ledger.sharing.payees import Payee
from members.joining.models import Membership
from members.joining.selectors import end_of
from members.pools.debit_terms import DebitTerms
from members.pools.models import PlanVersion, Pool

State = DebitMandate.State
LONGEST_HOLDER = 70
_CARD = re.compile(r"[0-9]{16,19}")


class NoDebitsError(ConflictError):
    """The rules in force know no debits, the pool has no account, or the membership is over."""

    code = "mandate_is_offered_by_the_rules"


class BadAccountError(DomainError):
    """The number is none that the scheme can debit."""

    code = "bad_account"


class OtherTextError(ConflictError):
    """Another text was shown than the one of today."""

    code = "mandate_text_has_changed"


@dataclass(frozen=True)
class Offer:
    """What a member is asked to agree to: the rules in force, and the text in both languages."""

    version: PlanVersion
    debit: DebitTerms
    creditor_name: str
    text_en: str
    text_zh: str
    sha256: str


def offer_of(membership: Membership) -> Offer | None:
    """Return the mandate that a member can give today; None where there is none."""
    pool = membership.pool
    today = clock.today(pool.time_zone)
    version = pool.plan_versions.filter(effective_date__lte=today).order_by("-effective_date").first()
    account = account_of(pool)
    debit = version.plan().debit if version else None
    if version is None or debit is None or account is None or end_of(membership) is not None:
        return None
    if debit.scheme == "sepa" and pool.currency != "EUR":
        return None
    english, chinese, sha256 = mandate_texts(debit, account.holder_name)
    return Offer(version, debit, account.holder_name, english, chinese, sha256)


def mandates_of(membership: Membership) -> QuerySet[DebitMandate]:
    """Return a member's mandates, the newest first, those that were revoked as well."""
    return (
        DebitMandate.objects.filter(membership=membership)
        .select_related("plan_version")
        .defer("sealed")
        .order_by("-number")
    )


def live_mandate(membership: Membership) -> DebitMandate | None:
    """Return the mandate in force, or None."""
    return mandates_of(membership).filter(state=State.LIVE).first()


def with_live_mandate(memberships: Collection[Membership]) -> set[int]:
    """Return which of these have a mandate in force. One query."""
    live = DebitMandate.objects.filter(membership__in=memberships, state=State.LIVE)
    return set(live.values_list("membership_id", flat=True))


def mandates_in(pool: Pool) -> QuerySet[DebitMandate]:
    """Return the mandates of a pool for who runs it, newest first: accounts by their last four characters alone."""
    found = DebitMandate.objects.filter(pool=pool).select_related("membership", "plan_version")
    return found.defer("sealed", "text_en", "text_zh").order_by("-pk")


def account_in_scheme(debit: DebitTerms, number: str) -> str:
    """Return an account number in its compact form. Raises: BadAccountError."""
    if debit.scheme == "sepa":
        try:
            return str(iban.validate(number))
        except ValidationError:
            raise BadAccountError(_("This is no valid IBAN: check each digit.")) from None
    compact = re.sub(r"[\s-]", "", number)
    if not _CARD.fullmatch(compact) or not luhn.is_valid(compact):
        raise BadAccountError(
            _("This is no valid card number: it has 16 to 19 digits, the last of which checks the others.")
        )
    return compact


def give_mandate(
    *,
    membership: Membership,
    holder_name: str,
    account: str,
    shown_sha256: str,
    language: str,
    at: dt.datetime,
) -> DebitMandate:
    """Give a mandate over exactly the text that was shown; one in force is revoked with it.

    Raises: NoDebitsError, BadAccountError, OtherTextError; IntegrityError in the name of the guarantee that refuses.
    """
    assert membership.person is not None
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=membership.pool_id)
        offer = offer_of(membership)
        if offer is None:
            raise NoDebitsError(_("This pool does not debit accounts today: transfer your shares."))
        if shown_sha256 != offer.sha256:
            raise OtherTextError(_("The text has changed since it was shown. Read the new one, then agree."))
        payer = Payee.of(holder_name, account_in_scheme(offer.debit, account))
        _revoke_live(membership)
        number = DebitMandate.objects.filter(membership=membership).count() + 1
        mandate = DebitMandate.objects.create(
            pool=pool,
            membership=membership,
            number=number,
            plan_version=offer.version,
            creditor_name=offer.creditor_name,
            sealed=payer.sealed(_place(membership, number)),
            account_hint=payer.hint,
            text_en=offer.text_en,
            text_zh=offer.text_zh,
            language=language,
            signed_by=membership.person.code,
            signed_date=clock.day_of(at, pool.time_zone),
            signed_at=at,
        )
        # Reference, instant and hash are the database's own.
        mandate.refresh_from_db(fields=["reference", "text_sha256", "signed_at", "signed_date"])
        audit.record(
            actor=mandate.signed_by, action="give_mandate", subject=str(mandate), sha256=mandate.text_sha256
        )
    return mandate


def revoke_mandate(*, membership: Membership) -> None:
    """Revoke the mandate in force; none in force: nothing. Whoever revokes transfers from then on."""
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=membership.pool_id)
        _revoke_live(membership)


def account_of_mandate(mandate: DebitMandate) -> Payee:
    """Open holder and account of a mandate: for a collection file and for the member's own data."""
    return Payee.unsealed(bytes(mandate.sealed), _place(mandate.membership, mandate.number))


def _revoke_live(membership: Membership) -> None:
    assert membership.person is not None
    live = DebitMandate.objects.filter(membership=membership, state=State.LIVE).defer("sealed").first()
    if live is None:
        return
    live.state, live.revoked_by, live.revoked_at = State.REVOKED, membership.person.code, clock.now()
    live.save(update_fields=["state", "revoked_by", "revoked_at"])
    audit.record(actor=membership.person.code, action="revoke_mandate", subject=str(live))


def _place(membership: Membership, number: int) -> str:
    return f"ledger.mandate:{membership.pk}/{number}"

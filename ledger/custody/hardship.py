"""Pauses for members in hardship: a member asks, a pool admin proposes the days, a controller grants; and the reads."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.crypto import seal_text, unseal_text
from aidplatform.lib.db import texts_of
from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit
from ledger.custody.arrears_models import HardshipPause
from ledger.custody.arrears_sql import open_shares_sql
from ledger.custody.arrears_triggers import pause_shown_sql
from members.joining.models import Membership
from members.joining.told import told_of
from members.people import notices
from members.pools.models import DutyGrant, Pool

State = HardshipPause.State
# A reason is often about health: who does not decide does not read it.
DECIDERS = {DutyGrant.Duty.POOL_ADMIN.value, DutyGrant.Duty.CONTROLLER.value}


class PauseMovedOnError(ConflictError):
    """It is decided already, or not proposed yet."""

    code = "hardship_pause_is_decided_once"


class SamePersonError(ConflictError):
    """Proposing and granting need two people."""

    code = "hardship_pause_needs_two_people"


class ShownChangedError(ConflictError):
    """The controller saw something else than what is stored."""

    code = "hardship_pause_is_decided_as_shown"


def ask_pause(*, membership: Membership, reason: str, asker: str, at: dt.datetime) -> HardshipPause:
    """Ask that a member who cannot pay now has more days; the member does, or somebody of the pool for them.

    Raises: IntegrityError one_open_hardship_pause_per_membership, hardship_pause_says_why,
    hardship_pause_people_hold_their_duty.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=membership.pool_id)
        number = 1 + (pool.hardship_pauses.aggregate(last=Max("number"))["last"] or 0)
        made = HardshipPause(
            pool_id=membership.pool_id,
            number=number,  # the database says the same, and the instant
            membership=membership,
            asked_by=asker,
            asked_at=at,
        )
        made.reason_sealed = seal_text(reason, made.reason_context)
        made.save()
        made.refresh_from_db(fields=["asked_at"])
        audit.record(actor=asker, action="ask_pause", subject=str(made), membership=membership.number)
    return made


def propose_pause(*, pause: HardshipPause, days: int, proposer: str, at: dt.datetime) -> HardshipPause:
    """Propose how many days are added to the grace of what is open; a controller grants it.

    Raises: PauseMovedOnError; IntegrityError hardship_pause_comes_in_the_grace, hardship_pause_keeps_to_the_plan,
    hardship_pause_people_hold_their_duty, hardship_pause_is_anothers.
    """
    with transaction.atomic():
        locked = _locked(pause, State.ASKED)
        locked.state, locked.days, locked.proposed_by, locked.proposed_at = State.PROPOSED, days, proposer, at
        locked.save(update_fields=["state", "days", "proposed_by", "proposed_at"])
        locked.refresh_from_db(fields=["shown_sha256"])
        audit.record(actor=proposer, action="propose_pause", subject=str(locked), days=days)
    return locked


def grant_pause(*, pause: HardshipPause, granter: str, shown_sha256: str, at: dt.datetime) -> HardshipPause:
    """Grant exactly what was shown, and tell the member until when they stay covered.

    Raises: PauseMovedOnError, SamePersonError, ShownChangedError; IntegrityError hardship_pause_comes_in_the_grace,
    hardship_pause_keeps_to_the_plan, hardship_pause_people_hold_their_duty, hardship_pause_is_anothers.
    """
    with transaction.atomic():
        locked = _locked(pause, State.PROPOSED)
        if granter == locked.proposed_by:
            raise SamePersonError(_("The person who proposed a pause cannot grant it. Ask a controller."))
        if shown_sha256 != locked.shown_sha256:
            raise ShownChangedError(_("This is not what was shown. Look at the pause again, then decide."))
        _decide(locked, State.GRANTED, granter, at)
        failpoint("custody.pause_granted")
        fen, until = _open_until(locked)
        _tell(locked, notices.PAUSE_GRANTED, {"days": locked.days, "fen": fen, "until": until.isoformat()})
    return locked


def decline_pause(*, pause: HardshipPause, decliner: str, at: dt.datetime) -> HardshipPause:
    """Decline a pause, or take a proposal back; the grace stays as it is, and the member is told.

    Raises: PauseMovedOnError; IntegrityError hardship_pause_people_hold_their_duty.
    """
    with transaction.atomic():
        locked = _locked(pause, State.ASKED, State.PROPOSED)
        _decide(locked, State.DECLINED, decliner, at)
        _tell(locked, notices.PAUSE_DECLINED, {})
    return locked


def _decide(locked: HardshipPause, state: str, decider: str, at: dt.datetime) -> None:
    locked.state, locked.decided_by, locked.decided_at = state, decider, at
    locked.save(update_fields=["state", "decided_by", "decided_at"])
    audit.record(actor=decider, action=f"pause_{state}", subject=str(locked))


def _open_until(pause: HardshipPause) -> tuple[int, dt.date]:
    """Return what is open (fen), and the first last day of grace of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT sum(open_fen)::bigint, min(last_date)
                  FROM ({open_shares_sql("%(pool)s", "%(member)s")}) o""",  # noqa: S608 - fixed names
            {"pool": pause.pool_id, "member": pause.membership_id},
        )
        fen, until = cursor.fetchone()
    return fen, until


def _tell(pause: HardshipPause, kind: str, params: dict[str, object]) -> None:
    pool = pause.pool
    told = {"pool_en": pool.name_en, "pool_zh": pool.name_zh, "currency": pool.currency, **params}
    listeners = told_of(pause.membership, money=True)
    news = [one.news(kind, str(pause), told, pool=pool.code) for one in listeners]
    notices.tell(news, batch=f"pause/{pause}", actor=pause.decided_by or "")


def _locked(pause: HardshipPause, *states: str) -> HardshipPause:
    """Lock pool, then pause, and demand that it waits. Raises: PauseMovedOnError."""
    Pool.objects.select_for_update().get(pk=pause.pool_id)
    found = HardshipPause.objects.select_for_update(of=["self"])
    locked = found.select_related("pool", "membership__person").get(pk=pause.pk)
    if locked.state not in states:
        raise PauseMovedOnError(
            _("The pause is already “%(state)s”. Reload the page to see where it is.")
            % {"state": locked.get_state_display()},
            state=locked.state,
        )
    return locked


# --- reads ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShownPause:
    """A pause with its reason, for whom it is to be read by, and with the text whose SHA-256 a grant names."""

    pause: HardshipPause
    reason: str
    text: str


def pauses_of(pool: Pool) -> QuerySet[HardshipPause]:
    """Return the pauses of a pool, newest first."""
    return pool.hardship_pauses.select_related("pool", "membership").order_by("-number")


def access_pause(*, pool: Pool, number: int) -> HardshipPause:
    """Return a pause of the pool. Raises: NotFoundError."""
    found = pauses_of(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such pause."))
    return found


def reason_of(pause: HardshipPause) -> str:
    """Return why somebody cannot pay, in their words; empty once they were erased."""
    return unseal_text(bytes(pause.reason_sealed), pause.reason_context)


def read_reason(pause: HardshipPause, duties: set[str]) -> str:
    """Return the reason to one of the two duties that decide, while there is something to decide; else nothing."""
    is_waiting = pause.state in (State.ASKED, State.PROPOSED)
    return reason_of(pause) if is_waiting and duties & DECIDERS else ""


def with_texts(pauses: list[HardshipPause], duties: set[str]) -> list[ShownPause]:
    """Return them with the texts that were hashed, and with reasons for whoever holds these duties. One query."""
    texts = texts_of(HardshipPause, pause_shown_sql("h"), "h", [pause.pk for pause in pauses])
    return [ShownPause(pause, read_reason(pause, duties), texts[pause.pk]) for pause in pauses]

"""Writes of sharing: a period from opening to posted charges, in the order of ARCHITECTURE.md.

open → freeze headcount → announce → settle (publicity ends) → compute → approve → post. Each function locks pool,
then period; checks; computes (pure); writes; tells (audit, log, jobs). Posting itself is three kinds of job.
"""

import datetime as dt
import hashlib
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError, DomainError, guarantee_name
from aidplatform.lib.failpoints import failpoint
from aidplatform.lib.money import format_money
from aidplatform.work import audit, events, jobs
from aidplatform.work.models import Job
from ledger.books import chart
from ledger.books.services import Line, credit, debit, open_book
from ledger.openbooks import services as openbooks
from ledger.openbooks.canonical import canonical_bytes
from ledger.openbooks.models import LogEntry
from ledger.sharing import ending
from ledger.sharing.adjustments import (
    a_rest_waits,
    let_rests_wait,
    log_adjustment,
    log_lowered_awards,
    lower_aid,
)
from ledger.sharing.causes import OTHER_COSTS
from ledger.sharing.face_services import fix_faces
from ledger.sharing.headcount import COUNT
from ledger.sharing.models import Award, Period
from ledger.sharing.payees import Payee
from ledger.sharing.roll_services import freeze_roll, is_roll_frozen, order_closed_roll
from ledger.sharing.selectors import (
    Bill,
    awards_of,
    book_of,
    books_window,
    compute_bill,
    other_costs,
)
from members.joining.headcounts import fix_headcount
from members.pools.models import PlanVersion, Pool
from members.pools.selectors import plan_in_force

ADVANCE = "sharing.advance"
COMPUTE = "sharing.compute"
START = "sharing.start_posting"
SHARD = "sharing.write_shard"
CLOSE = "sharing.close_posting"
NOTIFY = "sharing.notify_charges"
CHARGES_POSTED = "period.charges_posted"
ANNOUNCED = "period.announced"
LOG_RULES = "sharing.log_rules"
AWARDS_FINAL = "award.final"
AWARDS_SHARED = "award.shared"
SERVICE = "service"
CASES_INLINE_BYTES = 32_000
# The database refuses a shard of a posting that was paused or cancelled: its job has nothing to do, and no fault.
OVERTAKEN = {"charges_only_while_posting", "paused_posting_stands_still"}


class WrongStateError(ConflictError):
    """The period is not where this step needs it to be."""

    code = "wrong_state"


class TooEarlyError(DomainError):
    """The plan's date for this step has not come."""

    code = "too_early"


class SnapshotChangedError(ConflictError):
    """The members of the frozen headcount do not match its manifest any more."""

    code = "snapshot_changed"


class FiguresChangedError(ConflictError):
    """The approver saw other figures than the ones stored now."""

    code = "approval_is_of_what_was_shown"


class NoPayersError(DomainError):
    """There is aid to share and nobody to share it."""

    code = "no_payers"


class CapsTooLowError(DomainError):
    """What has to be shared besides aid is more than caps and reserve can bear."""

    code = "caps_too_low"


class SamePersonError(ConflictError):
    """Preparing and approving need two people."""

    code = "period_approver_is_not_preparer"


def open_pool_books(*, pool: Pool) -> None:
    """Open a pool's book and log; done once, when it is founded."""
    with transaction.atomic():
        open_book(code=pool.code, currency=pool.currency)
        openbooks.open_log(code=pool.code)


def log_rules(lease: jobs.Lease) -> dict[str, int]:
    """State published plan versions in the log, up to the one of the job, each once, with all of their terms."""
    version = PlanVersion.objects.select_related("pool").get(pk=lease.payload["version"])
    pool, stated = version.pool, 0
    for one in pool.plan_versions.filter(number__lte=version.number).order_by("number"):
        with lease.transaction():
            Pool.objects.select_for_update().get(pk=pool.pk)
            entries = LogEntry.objects.filter(log__code=pool.code, type="rule.publish")
            if not entries.filter(key=str(one.number)).exists():
                log_version(pool, one)
                stated += 1
    return {"stated": stated}


def log_version(pool: Pool, version: PlanVersion) -> None:
    """State a published version in the log, with all of its terms."""
    openbooks.append(
        code=pool.code,
        entry_type="rule.publish",
        key=str(version.number),
        body={
            "version": version.number,
            "effective": version.effective_date.isoformat(),
            "terms": version.terms,
            "terms_sha256": version.plan().sha256,
            "covenant_sha256": version.covenant_sha256,
            "declaration_sha256": version.declaration_sha256,
        },
        at=version.published_at,
    )


def announce_award(
    *,
    pool: Pool,
    code: str,
    claim_code: str,
    masked: dict[str, str],
    aid_fen: int,
    announcer: str,
    at: dt.datetime,
    payee: Payee | None = None,
) -> Award:
    """Take over a decided claim for the next announcement: masked face, amount, opaque reference, payee.

    payee: to whom the aid is paid, and nobody else; None for awards of a list that names nobody.
    """
    with transaction.atomic():
        award = Award(
            pool=pool,
            code=code,
            claim_code=claim_code,
            masked=masked,
            aid_fen=aid_fen,
            announced_at=at,
            announced_by=announcer,
        )
        if payee is not None:
            award.payee_sealed, award.payee_hash = payee.sealed(award.payee_place), payee.index
        award.save()
        audit.record(actor=announcer, action="announce_award", subject=str(award), aid_fen=aid_fen)
    return award


class AwardMovedOnError(ConflictError):
    """The award is final, shared or withdrawn: it can't be held, released or withdrawn any more."""

    code = "award_moved_on"


def hold_award(*, award: Award, holder: str, at: dt.datetime) -> Award:
    """Keep an award from becoming final while an objection is open; at the end of publicity it leaves its period.

    Raises: AwardMovedOnError when publicity has ended.
    """
    with transaction.atomic():
        award = _locked_award(award)
        award.is_held = True
        award.save(update_fields=["is_held"])
        audit.record(actor=holder, action="hold_award", subject=str(award))
    return award


def release_award(*, award: Award, releaser: str, at: dt.datetime) -> Award:
    """Let a held award go on: in its period while publicity lasts, otherwise it is announced with the next one.

    Raises: AwardMovedOnError.
    """
    with transaction.atomic():
        award = _locked_award(award)
        award.is_held = False
        award.save(update_fields=["is_held"])
        audit.record(actor=releaser, action="release_award", subject=str(award))
    return award


def withdraw_award(*, award: Award, why: str, withdrawer: str, at: dt.datetime) -> Award:
    """Take back an award that is not final; nothing has been booked for it. why: one word for the log.

    Raises: AwardMovedOnError.
    """
    with transaction.atomic():
        award = _locked_award(award)
        award.state, award.is_held = Award.State.WITHDRAWN, False
        award.save(update_fields=["state", "is_held"])
        log_adjustment(award, f"withdrawn/{award.code}", why, at)
        audit.record(actor=withdrawer, action="withdraw_award", subject=str(award), why=why)
    return award


def _locked_award(award: Award) -> Award:
    """Lock pool, then award, and demand that it is still in publicity. Raises: AwardMovedOnError."""
    Pool.objects.select_for_update().get(pk=award.pool_id)
    locked = Award.objects.select_for_update(of=["self"]).select_related("pool", "period").get(pk=award.pk)
    if locked.state != Award.State.ANNOUNCED:
        raise AwardMovedOnError(
            _("This case is no longer in publicity: it is “%(state)s”.")
            % {"state": locked.get_state_display()},
            state=locked.state,
        )
    return locked


@transaction.atomic
def open_period(*, pool: Pool, at: dt.datetime) -> Period:
    """Open the period that follows the last one, or the one that holds the pool's opening date."""
    pool = Pool.objects.select_for_update().get(pk=pool.pk)
    last = pool.periods.order_by("-number").first()
    first_day = last.next_opening_date if last else pool.opened_date
    if first_day is None or clock.start_of_day(first_day, pool.time_zone) > at:
        raise TooEarlyError(_("The next period of this pool has not begun."), opens=str(first_day))
    version = plan_in_force(pool, first_day)
    calendar = version.plan().calendar
    dates = calendar.period_dates(first_day)
    if dates.publicity_date < first_day:
        # The rules have moved the days since the last period: this one lasts until the end of the next.
        dates = calendar.period_dates(first_day, 1)
    period = Period.objects.create(
        pool=pool,
        number=last.number + 1 if last else 1,
        plan_version=version,
        opening_date=first_day,
        next_opening_date=dates.next_opening_date,
        publicity_date=dates.publicity_date,
        publicity_end_date=dates.publicity_end_date,
        charge_date=dates.charge_date,
    )
    audit.record(actor=SERVICE, action="open_period", subject=period.code)
    return period


@transaction.atomic
def freeze_headcount(*, period: Period, at: dt.datetime) -> Period:
    """Count who is covered at 00:00 of the publicity day, shard by shard: the manifest of the period.

    After the notice that the pool ends it is those who were covered at 00:00 of that day. Two headcounts running below
    the floor give that notice.
    """
    period = locked(period, Period.State.OPENED)
    as_of = clock.start_of_day(period.publicity_date, period.pool.time_zone)
    _not_before(as_of, at)
    ending.before_headcount(period, at)
    fix_headcount(pool=period.pool)
    headcount = call("take_headcount", period.pk, settings.SHARD_MEMBERS)
    failpoint("sharing.frozen")
    period.refresh_from_db()
    audit.record(actor=SERVICE, action="freeze_headcount", subject=period.code, members=headcount)
    ending.after_headcount(period, at)
    return period


@transaction.atomic
def announce_period(*, period: Period, at: dt.datetime) -> Period:
    """Make the period's cases public with the provisional share; nothing is added to it afterwards.

    Who shares is stated before: the roll, which the calendar has made already, or which is made now.

    The database counts publicity from now: after a late announcement its end and the charge date have moved on.
    """
    period = locked(period, Period.State.FROZEN)
    freeze_roll(period)
    Award.objects.filter(pool=period.pool, period=None, state=Award.State.ANNOUNCED, is_held=False).update(
        period=period
    )
    call("take_rooms", period.pk)
    fix_faces(period, at)
    period.state = Period.State.ANNOUNCED
    period.save(update_fields=["state"])
    period.refresh_from_db(fields=["announced_at", "announced_books_no", "publicity_end_date", "charge_date"])
    bill = compute_bill(period)
    openbooks.append(
        code=period.pool.code,
        entry_type="period.announce",
        key=str(period.number),
        body={
            "period": period.number,
            **_cases([[award.code, award.aid_fen] for award in awards_of(period)]),
            "provisional": [[c["class_no"], c["share_fen"]] for c in bill.classes],
            "books_upto": period.announced_books_no,
            "publicity_end": period.publicity_end_date.isoformat(),
        },
        at=at,
    )
    if bill.aid_fens:
        events.publish(event=ANNOUNCED, key=period.code, payload={"period": period.pk}, actor=SERVICE)
    audit.record(actor=SERVICE, action="announce_period", subject=period.code, cases=len(bill.aid_fens))
    return period


@transaction.atomic
def settle_period(*, period: Period, at: dt.datetime) -> Period:
    """End publicity: held awards leave, the others become final and are owed (entry a), one journal entry each.

    A rest is owed since the award that it goes on with was final, and whom that concerns was told then.
    """
    period = locked(period, Period.State.ANNOUNCED)
    _not_before(clock.start_of_day(period.publicity_end_date, period.pool.time_zone), at)
    _let_held_awards_leave(period, at)
    book = book_of(period.pool)
    waiting = awards_of(period).filter(state=Award.State.ANNOUNCED)
    final = list(waiting.filter(rest_of=None))
    for award in final:
        openbooks.post_logged_entry(
            book=book,
            key=f"award/{award.code}",
            kind="award",
            lines=[debit(chart.TO_BE_SHARED, award.aid_fen), credit(chart.AID_PAYABLE, award.aid_fen)],
            entry_date=period.publicity_end_date,
            at=at,
            description=f"Award {award.code} final",
            source=f"award {award.code}",
            maker=SERVICE,
        )
    waiting.update(state=Award.State.FINAL)
    failpoint("sharing.settled")
    period.state = Period.State.SETTLED
    period.save(update_fields=["state"])
    _publish_awards(AWARDS_FINAL, period, [award.pk for award in final])
    audit.record(actor=SERVICE, action="settle_period", subject=period.code)
    return period


def _let_held_awards_leave(period: Period, at: dt.datetime) -> None:
    """Take the awards with an open objection out of the period, each with its line in the log."""
    for award in awards_of(period).filter(is_held=True).select_related("pool", "period"):
        log_adjustment(award, f"{period.number}/{award.code}", "objection_open", at)
        award.period = None
        award.save(update_fields=["period"])


def _publish_awards(event: str, period: Period, awards: list[int]) -> None:
    """Tell the claims side what has become of a period's awards; nothing to tell: nothing is sent."""
    if awards:
        events.publish(
            event=event, key=period.code, payload={"period": period.pk, "awards": awards}, actor=SERVICE
        )


def request_computation(*, period: Period, preparer: str) -> Job:
    """Ask a worker to compute the shares; the same request again, before it is done, is the same job."""
    with transaction.atomic():
        period = locked(period, Period.State.SETTLED, Period.State.COMPUTED)
        return jobs.enqueue(
            kind=COMPUTE,
            key=f"{period.code}#{period.computations + 1}",
            payload={"period": period.pk, "computation": period.computations + 1},
            actor=preparer,
        )


@transaction.atomic
def compute_shares(*, period: Period, preparer: str, at: dt.datetime) -> Period:
    """Compute and store what the period would charge; nothing is charged. May be repeated until approved.

    The frozen members are counted again first: figures over a headcount that has changed are worth nothing.

    Raises: WrongStateError, SnapshotChangedError, NoPayersError; IntegrityError period_people_hold_their_duty.
    """
    period = locked(period, Period.State.SETTLED, Period.State.COMPUTED)
    _check_earlier_posted(period)
    _check_snapshot(period)
    call("take_rooms", period.pk)
    bill = compute_bill(period)
    if bill.sharing.shortfall_fen > 0:
        raise _unborne(period, bill)
    _store(period, bill, preparer, at)
    failpoint("sharing.computed")
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE ledger_manifestline l SET want_fen = (
                   WITH rate AS (SELECT (k->>'class_no')::int AS class_no, max((k->>'share_fen')::bigint) AS fen
                                   FROM jsonb_array_elements(p.classes) k GROUP BY 1)
                   SELECT coalesce(sum(members * least(fen, room)), 0)
                     FROM rate JOIN (
                          SELECT key::int AS class_no, NULL::bigint AS room, value::bigint AS members
                            FROM jsonb_each_text(l.counts) WHERE l.rooms IS NULL
                           UNION ALL
                          SELECT (r->>0)::int, (r->>1)::bigint, (r->>2)::bigint
                            FROM jsonb_array_elements(l.rooms) r) counted
                       USING (class_no))
                 FROM ledger_period p WHERE p.id = %s AND l.period_id = p.id""",
            [period.pk],
        )
    audit.record(actor=preparer, action="compute_shares", subject=period.code, sha256=period.shown_sha256)
    return period


def _unborne(period: Period, bill: Bill) -> DomainError:
    """Return why nobody bears a part of the bill: there are no payers, or caps leave no room even without any aid."""
    lacking_fen = bill.sharing.shortfall_fen
    if not bill.sharing.has_payers:
        return NoPayersError(
            _("Nobody was covered on the publicity day, so there is nobody to share this period's aid."),
            shortfall_fen=lacking_fen,
        )
    return CapsTooLowError(
        _(
            "Even without any aid the other costs of this period are %(amount)s more than every member at the cap and"
            " the reserve can bear. Whoever runs the pool has to bear a part of them."
        )
        % {"amount": format_money(lacking_fen, period.pool.currency)},
        shortfall_fen=lacking_fen,
    )


def _check_earlier_posted(period: Period) -> None:
    """Demand that earlier periods are posted: their carry is part of this one. Raises: WrongStateError."""
    waiting = (
        period.pool.periods.filter(number__lt=period.number)
        .exclude(state=Period.State.POSTED)
        .order_by("number")
        .first()
    )
    if waiting is not None:
        raise WrongStateError(
            _("Period %(number)s is not posted yet, and its carry is part of this one. Post it first.")
            % {"number": waiting.number},
            number=waiting.number,
        )


_RECOUNT = COUNT.format(width="%(width)s", pool="%(pool)s", as_of="%(as_of)s", recorded="%(recorded)s")


def _check_snapshot(period: Period) -> None:
    """Count the frozen members again and compare with the manifest. Raises: SnapshotChangedError."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT l.shard_no, l.members, c.members FROM
                  (SELECT * FROM ledger_manifestline WHERE period_id = %(period)s) l
                  FULL JOIN (SELECT bucket, sum(members) AS members, bit_xor(ids_hash) AS ids_hash
                               FROM ({_RECOUNT}) counted GROUP BY bucket) c ON c.bucket = l.first_id / %(width)s
                 WHERE l.members IS DISTINCT FROM c.members OR l.ids_hash IS DISTINCT FROM c.ids_hash
                 LIMIT 1""",  # noqa: S608 - fixed text
            {
                "period": period.pk,
                "pool": period.pool_id,
                "as_of": period.as_of,
                "recorded": period.headcount_recorded_at,
                "width": _shard_width(period),
            },
        )
        row = cursor.fetchone()
    if row is not None:
        raise SnapshotChangedError(
            _(
                "The members of this headcount have changed since it was frozen; the shares cannot be computed."
            ),
            shard=row[0],
            frozen=row[1],
            now=row[2],
        )


def _shard_width(period: Period) -> int:
    """Return the id range of one shard, fixed when the headcount was frozen."""
    line = period.manifest.first()
    return line.end_id - line.first_id if line else settings.SHARD_MEMBERS


def _store(period: Period, bill: Bill, preparer: str, at: dt.datetime) -> None:
    """Write the figures of a bill; the database adds the hash of what is shown."""
    sharing = bill.sharing
    period.state = Period.State.COMPUTED
    period.computations += 1
    period.cases = len(bill.aid_fens)
    period.awarded_fen = sum(bill.aid_fens)
    period.aid_fen = sharing.aid_fen
    period.fee_fen = sharing.fee_fen
    period.other_costs_fen = sum(bill.other_costs_by_kind.values())
    period.reserve_contribution_fen = sharing.reserve_contribution_fen
    period.reserve_drawn_fen = sharing.reserve_drawn_fen
    period.sponsor_fen = sharing.sponsor_fen
    period.other_income_fen = bill.other_income_fen
    period.carry_in_fen = bill.carry_in_fen
    period.carry_out_fen = sharing.carry_out_fen
    period.need_fen = sharing.borne_fen
    period.assessed_fen = sharing.assessed_fen
    period.classes = bill.classes
    period.books_upto_no = bill.books_upto_no
    period.prepared_by, period.prepared_at = preparer, at
    period.save(
        update_fields=[
            "state",
            "computations",
            "cases",
            "awarded_fen",
            "aid_fen",
            "fee_fen",
            "other_costs_fen",
            "reserve_contribution_fen",
            "reserve_drawn_fen",
            "sponsor_fen",
            "other_income_fen",
            "carry_in_fen",
            "carry_out_fen",
            "need_fen",
            "assessed_fen",
            "classes",
            "books_upto_no",
            "prepared_by",
            "prepared_at",
        ]
    )
    period.refresh_from_db(fields=["shown_sha256"])


def approve_period(*, period: Period, approver: str, shown_sha256: str, at: dt.datetime) -> Period:
    """Approve exactly what was shown and order its posting, in one transaction.

    Raises: WrongStateError, SamePersonError, FiguresChangedError; IntegrityError period_people_hold_their_duty.
    """
    with transaction.atomic():
        period = locked(period, Period.State.COMPUTED)
        if approver == period.prepared_by:
            raise SamePersonError(
                _("The person who prepared a period cannot approve it. Ask a controller."), person=approver
            )
        if shown_sha256 != period.shown_sha256:
            raise FiguresChangedError(
                _(
                    "The figures have changed since they were shown. Look at the new ones, then approve those."
                ),
                shown=shown_sha256,
                stored=period.shown_sha256,
            )
        period.state = Period.State.APPROVED
        period.approved_by, period.approved_at, period.approved_sha256 = approver, at, shown_sha256
        period.save(update_fields=["state", "approved_by", "approved_at", "approved_sha256"])
        audit.record(actor=approver, action="approve_period", subject=period.code, sha256=shown_sha256)
        order_posting(period=period, actor=approver)
    failpoint("sharing.approved")
    return period


def order_posting(*, period: Period, actor: str) -> None:
    """Have a worker post a period, or go on with it; in the transaction that decides so, and holds the period."""
    period.postings += 1
    period.save(update_fields=["postings"])
    jobs.enqueue(kind=START, key=period.posting_key, payload={"period": period.pk}, actor=actor)


def start_posting(lease: jobs.Lease) -> None:
    """Open the charge shelf and hand out one job per shard that is not written. Paused or done: nothing happens."""
    with lease.transaction():
        period = Period.objects.select_for_update().get(pk=lease.payload["period"])
        if not period.is_ordered or period.posting_paused_at is not None:
            return
        if period.state == Period.State.APPROVED:
            period.state = Period.State.POSTING
            period.save(update_fields=["state"])
        call("open_charge_shelf", period.pk)
        failpoint("sharing.shelf_opened")
        lines = list(period.manifest.filter(written_at=None).order_by("shard_no"))
        for line in lines:
            jobs.enqueue(
                kind=SHARD,
                key=f"{period.posting_key}#{line.shard_no}",
                payload={"line": line.pk, "period": period.pk},
                actor=lease.actor,
            )
        if not lines:
            _order_close(period, lease.actor)


def _order_close(period: Period, actor: str) -> None:
    jobs.enqueue(kind=CLOSE, key=period.posting_key, payload={"period": period.pk}, actor=actor)


def write_shard(lease: jobs.Lease) -> dict[str, int]:
    """Charge the members of one shard in one transaction; the last shard hands on to the closing job.

    A shard that is written already is skipped by its manifest line, so a repetition only looks whether the
    others are done. A shard that a pause or a cancellation has overtaken is undone: whoever goes on orders it again.
    """
    try:
        with lease.transaction():
            written = call("write_charge_shard", lease.payload["line"])
            failpoint("sharing.shard_inserted")
    except IntegrityError as error:
        if guarantee_name(error) not in OVERTAKEN:
            raise
        return {"written": 0}
    with lease.transaction():
        period = Period.objects.select_for_update().get(pk=lease.payload["period"])
        goes_on = period.state == Period.State.POSTING and period.posting_paused_at is None
        if goes_on and not period.manifest.filter(written_at=None).exists():
            failpoint("sharing.last_shard")
            _order_close(period, lease.actor)
    return {"written": written}


def close_posting(lease: jobs.Lease) -> None:
    """Prove the charges, post the period's journal entry, log it: one transaction, then the period is posted."""
    with lease.transaction():
        period = _locked_to_close(lease.payload["period"])
        if period.state != Period.State.POSTING or period.posting_paused_at is not None:
            return
        at = clock.now()
        call("close_charge_shelf", period.pk)
        failpoint("sharing.shelf_closed")
        if not a_rest_waits(period):
            lower_aid(period, at)
        period.refresh_from_db(fields=["wallet_fen", "gap_fen"])
        lines = period_lines(period)
        if any(line.amount_fen for line in lines):
            period.entry = openbooks.post_logged_entry(
                book=book_of(period.pool),
                key=f"period/{period.number}",
                kind="period",
                lines=lines,
                entry_date=clock.today(period.pool.time_zone),
                at=at,
                description=f"Period {period.number} shared over {period.headcount} members",
                source=f"period {period.code}",
                maker=period.prepared_by or "",
                checker=period.approved_by or "",
            )
        failpoint("sharing.entry_posted")
        final = awards_of(period).filter(state=Award.State.FINAL)
        shared = list(final.filter(rest_of=None).values_list("pk", flat=True))
        final.update(state=Award.State.SHARED)
        _publish_awards(AWARDS_SHARED, period, shared)
        if a_rest_waits(period):
            let_rests_wait(period, at)
        else:
            log_lowered_awards(period, at)
        failpoint("sharing.awards_shared")
        period.state, period.posted_at = Period.State.POSTED, at
        period.save(update_fields=["state", "posted_at", "entry"])
        _log_close(period, at)
        order_closed_roll(period, SERVICE)
        audit.record(actor=lease.actor, action="post_period", subject=period.code, fen=period.assessed_fen)
        jobs.enqueue(kind=NOTIFY, key=period.code, payload={"period": period.pk}, actor=SERVICE)


def _locked_to_close(pk: int) -> Period:
    """Lock the period; where rests will be made, which name the pool, first the pool: the order of all locks."""
    periods = Period.objects.select_related("pool", "plan_version")
    found = periods.get(pk=pk)
    if a_rest_waits(found):
        Pool.objects.select_for_update(no_key=True).get(pk=found.pool_id)
    return periods.select_for_update(of=["self"]).get(pk=pk)


def notify_charges(lease: jobs.Lease) -> None:
    """Announce every exact charge of a posted period: from then on it may be collected. Done already: nothing."""
    with lease.transaction():
        period = (
            Period.objects.select_for_update(of=["self"])
            .select_related("pool")
            .get(pk=lease.payload["period"])
        )
        if period.charges_notified_at is not None:
            return
        period.charges_notified_at = clock.now()
        period.save(update_fields=["charges_notified_at"])
        failpoint("sharing.notified")
        events.publish(
            event=CHARGES_POSTED,
            key=period.code,
            payload={"period": period.pk, "pool": period.pool_id, "number": period.number},
            actor=SERVICE,
        )
        audit.record(actor=SERVICE, action="notify_charges", subject=period.code, fen=period.assessed_fen)


def period_lines(period: Period) -> list[Line]:
    """Return the postings of a period (entry c): a handful, whatever the number of members."""
    aid, fee, other = period.aid_fen or 0, period.fee_fen or 0, period.other_costs_fen or 0
    sponsor, income = period.sponsor_fen or 0, period.other_income_fen or 0
    contributions = aid + fee + other - sponsor - income
    wallet, gap = period.wallet_fen or 0, period.gap_fen or 0
    return [
        debit(chart.RECEIVABLE, (period.assessed_fen or 0) - wallet - gap),
        debit(chart.PREPAID, wallet),
        debit(chart.TO_BE_SHARED, gap),
        debit(chart.SPONSOR_RECEIVABLE, sponsor),
        debit(chart.RESERVE, period.reserve_drawn_fen or 0),
        debit(chart.CARRIED_SURPLUS, period.carry_in_fen or 0),
        debit(chart.AID_GRANTED, aid),
        debit(chart.MANAGEMENT_FEE, fee),
        *_other_cost_lines(period),
        credit(chart.TO_BE_SHARED, aid + other),
        credit(chart.FEE_PAYABLE, fee),
        credit(chart.RESERVE, period.reserve_contribution_fen or 0),
        credit(chart.CARRIED_SURPLUS, period.carry_out_fen or 0),
        credit(chart.CONTRIBUTIONS, contributions)
        if contributions >= 0
        else debit(chart.CONTRIBUTIONS, -contributions),
        credit(chart.OTHER_INCOME, sponsor + income),
    ]


def _other_cost_lines(period: Period) -> list[Line]:
    """Return one line per expense of what besides awards is shared; they sum to W."""
    if not period.other_costs_fen:
        return []
    by_expense: dict[str, int] = {}
    for kind, fen in other_costs(books_window(period)).items():
        by_expense[OTHER_COSTS[kind]] = by_expense.get(OTHER_COSTS[kind], 0) + fen
    return [
        debit(expense, fen) if fen > 0 else credit(expense, -fen)
        for expense, fen in sorted(by_expense.items())
    ]


def _log_close(period: Period, at: dt.datetime) -> None:
    """State the period's result in the log."""
    plan = period.plan_version
    openbooks.append(
        code=period.pool.code,
        entry_type="period.close",
        key=str(period.number),
        body={
            "period": period.number,
            "plan": {"version": plan.number, "sha256": plan.terms_sha256},
            "headcount": period.headcount or 0,
            "classes": [
                [
                    c["class_no"],
                    c["weight"],
                    c["members"],
                    c["share_fen"],
                    *([c["cap_fen"]] if "cap_fen" in c else []),
                ]
                for c in period.classes or []
            ],
            "A": period.aid_fen or 0,
            "W": period.other_costs_fen or 0,
            "fee": period.fee_fen or 0,
            "R": period.reserve_contribution_fen or 0,
            "V": period.reserve_drawn_fen or 0,
            "E": period.sponsor_fen or 0,
            "C_in": period.carry_in_fen or 0,
            "C_out": period.carry_out_fen or 0,
            "S": period.assessed_fen or 0,
            **(
                {"wallets": period.wallet_fen, "gap": period.gap_fen} if period.wallet_fen is not None else {}
            ),
            **_cases([award.code for award in awards_of(period)]),
            "approved": period.approved_sha256 or "",
        },
        at=at,
    )


def _cases(rows: list[Any]) -> dict[str, Any]:
    """Return the cases for a log entry: as they are, or their count and SHA-256 where the entry would be too long.

    The hash is over the canonical bytes of the list, which the period's page publishes.
    """
    data = canonical_bytes(rows)
    if len(data) <= CASES_INLINE_BYTES:
        return {"cases": rows}
    return {"case_count": len(rows), "cases_sha256": hashlib.sha256(data).hexdigest()}


def next_step(pool: Pool, at: dt.datetime) -> tuple[str, Period | None] | None:
    """Return what a pool's calendar asks for now: open, freeze, announce or settle; None: nothing is due."""
    if pool.state not in ending.RUNNING or pool.opened_date is None:
        return None
    return ending.in_order(pool, *_calendar_step(pool, at), at)


def _calendar_step(pool: Pool, at: dt.datetime) -> tuple[tuple[str, Period | None] | None, dt.date | None]:
    """Return what the calendar of a running pool asks for, and the day of the period that is to open."""
    period = pool.periods.exclude(
        state__in=[Period.State.COMPUTED, Period.State.APPROVED, Period.State.POSTING, Period.State.POSTED]
    ).first()
    if period is None:
        last = pool.periods.order_by("-number").first()
        first_day = last.next_opening_date if last else pool.opened_date
        assert first_day is not None, "a running pool has its opening date"
        return (("open", None) if clock.start_of_day(first_day, pool.time_zone) <= at else None), first_day
    return _period_step(pool, period, at), None


def _period_step(pool: Pool, period: Period, at: dt.datetime) -> tuple[str, Period | None] | None:
    publicity = clock.start_of_day(period.publicity_date, pool.time_zone)
    publicity_end = clock.start_of_day(period.publicity_end_date, pool.time_zone)
    if period.state == Period.State.OPENED and publicity <= at:
        return "freeze", period
    if period.state == Period.State.FROZEN:
        return "announce", period
    if period.state == Period.State.ANNOUNCED and publicity_end <= at:
        return "settle", period
    return None


def advance_due(*, at: dt.datetime) -> int:
    """Enqueue a job for every pool whose calendar asks for a step; two schedulers enqueue the same job."""
    due = 0
    for pool in Pool.objects.filter(state__in=ending.RUNNING):
        step = next_step(pool, at)
        if step is not None:
            jobs.enqueue(
                kind=ADVANCE, key=_advance_key(pool, *step), payload={"pool": pool.pk}, actor=SERVICE
            )
            due += 1
    return due


def _advance_key(pool: Pool, name: str, period: Period | None) -> str:
    """Name the step so that ticks at one time ask for one job, and a step still due gets a new one."""
    number = period.number if period else pool.periods.count() + 1
    prefix = f"{pool.code}/{number}#{name}#"
    done = Job.objects.filter(kind=ADVANCE, key__startswith=prefix, state=Job.State.DONE).count()
    return f"{prefix}{done + 1}"


def advance(lease: jobs.Lease) -> dict[str, list[str]]:
    """Take a pool as far as its calendar allows now, one transaction per step; row state decides, not the job."""
    taken: list[str] = []
    while (step := _take_step(lease)) is not None:
        name, unrolled = step
        if unrolled is None:
            taken.append(name)
        else:
            freeze_roll(unrolled, within=lease.transaction)
    return {"steps": taken}


def _take_step(lease: jobs.Lease) -> tuple[str, Period | None] | None:
    """Take the step that is due and return its name; None: nothing is.

    A period that lacks its roll is not announced but returned as well: making a roll takes long in a large pool, whose
    lock is held here.
    """
    steps = {"freeze": freeze_headcount, "announce": announce_period, "settle": settle_period}
    with lease.transaction():
        pool = Pool.objects.select_for_update().get(pk=lease.payload["pool"])
        at = clock.now()
        step = next_step(pool, at)
        if step is None:
            return None
        name, period = step
        if name == ending.END_COVER:
            ending.end_cover(pool, at)
        elif period is None:
            open_period(pool=pool, at=at)
        elif name == "announce" and not is_roll_frozen(period):
            return name, period
        else:
            steps[name](period=period, at=at)
        failpoint(f"sharing.{name}")
    return name, None


def locked(period: Period, *states: str, alone: bool = False) -> Period:
    """Lock pool, then period, and demand one of the states.

    alone: the period without its pool. A closing, which takes long in a large pool, holds the period and needs the pool
    at its end: whoever waits for it must not hold that.

    Raises: WrongStateError.
    """
    if not alone:
        Pool.objects.select_for_update().get(pk=period.pool_id)
    locked = (
        Period.objects.select_for_update(of=["self"]).select_related("pool", "plan_version").get(pk=period.pk)
    )
    if locked.state not in states:
        raise WrongStateError(
            _("The period is already “%(state)s”. Reload the page to see where it is.")
            % {"state": locked.get_state_display()},
            state=locked.state,
        )
    return locked


def _not_before(due: dt.datetime, at: dt.datetime) -> None:
    """Refuse a step before its plan date. Raises: TooEarlyError."""
    if at < due:
        raise TooEarlyError(_("This step is due later."), due=due.isoformat())


def call(function: str, *arguments: int) -> int:
    """Call a function of the database and return its first figure, if it is one."""
    places = ", ".join(["%s"] * len(arguments))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {function}({places})", list(arguments))  # noqa: S608 - fixed names
        row = cursor.fetchone()
    return row[0] if row and isinstance(row[0], int) else 0

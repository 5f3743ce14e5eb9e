"""Witnesses of a log: who they are, decided by two people and stated in the log; and asking them to sign.

A witness is asked for every new checkpoint, again at each tick until it has signed. Nothing waits for it: a checkpoint
is published as it is, with whatever signatures there are, and readers hold it against the policy.
"""

import datetime as dt
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from http.client import HTTPException
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError, DomainError, NotFoundError
from aidplatform.work import audit
from ledger.openbooks.checkpoint_models import Checkpoint
from ledger.openbooks.merkle import consistency_proof
from ledger.openbooks.notes import NoteError
from ledger.openbooks.policies import PolicyError, Witness, composed, read_policy
from ledger.openbooks.selectors import leaves_of, policy_in_force
from ledger.openbooks.services import append
from ledger.openbooks.witness_models import Cosignature, WitnessPolicy, WitnessRefusal
from ledger.openbooks.witness_requests import LONGEST_ANSWER, PATH, read_answer, read_size, request_body
from members.pools.models import DutyGrant, Pool

State = WitnessPolicy.State
PROPOSERS = (DutyGrant.Duty.POOL_ADMIN.value,)
APPROVERS = (DutyGrant.Duty.CONTROLLER.value, DutyGrant.Duty.AUDITOR.value)
NAMERS = (*PROPOSERS, *APPROVERS)
SECONDS = 5
MOST_WITNESSES = 8
log = structlog.get_logger(__name__)


class PolicyMovedOnError(ConflictError):
    """The proposed witnesses are decided already."""

    code = "witness_policy_is_decided_once"


class SamePersonError(ConflictError):
    """Witnesses need two people."""

    code = "witness_policy_needs_two_people"


class WitnessesError(DomainError):
    """These are no witnesses, or more are needed than there are."""

    code = "witness_policy_can_be_read"


def policies_of(pool: Pool) -> QuerySet[WitnessPolicy]:
    """Return the policies of a pool's log, in force, waiting and past, newest first."""
    return WitnessPolicy.objects.filter(pool=pool).select_related("pool").order_by("-number")


def access_policy(*, pool: Pool, number: int) -> WitnessPolicy:
    """Return a policy by its number. Raises: NotFoundError."""
    found = policies_of(pool).filter(number=number).first() if number < 2**31 else None
    if found is None:
        raise NotFoundError(_("This pool has no such witnesses."))
    return found


@transaction.atomic
def propose_witnesses(
    *, pool: Pool, witnesses: Sequence[tuple[str, str]], needed: int, proposer: str, at: dt.datetime
) -> WitnessPolicy:
    """Propose who witnesses the log, each by key and address, and how many of them are needed.

    Raises: WitnessesError; IntegrityError one_waiting_witness_policy_per_pool, witness_policy_people_hold_their_duty.
    """
    text = _text(witnesses, needed)
    made = WitnessPolicy.objects.create(
        pool=pool,
        number=0,  # number and instants are the database's own
        text=text,
        proposed_by=proposer,
        proposed_at=at,
    )
    made.refresh_from_db(fields=["number", "proposed_at"])
    audit.record(actor=proposer, action="propose_witnesses", subject=str(made), needed=needed)
    return made


@transaction.atomic
def approve_witnesses(*, policy: WitnessPolicy, approver: str, at: dt.datetime) -> WitnessPolicy:
    """Let the policy hold from now on, and state it in the log. Raises: PolicyMovedOnError, SamePersonError."""
    locked = _locked(policy)
    if approver == locked.proposed_by:
        raise SamePersonError(
            _("Whoever proposed the witnesses cannot approve them. Ask an auditor or a controller.")
        )
    _decide(locked, State.APPROVED, approver, at)
    body = {"witnesses": {"number": locked.number, "policy": locked.text}}
    append(code=locked.pool.code, entry_type="policy.set", key=f"witnesses/{locked.number}", body=body, at=at)
    return locked


@transaction.atomic
def withdraw_witnesses(*, policy: WitnessPolicy, person: str, at: dt.datetime) -> WitnessPolicy:
    """Take a proposed policy back; the one in force stays. Raises: PolicyMovedOnError."""
    return _decide(_locked(policy), State.WITHDRAWN, person, at)


def ask_witnesses(*, now: int) -> int:
    """Ask every witness of an open log that has not signed its last checkpoint; return how many signed.

    now: POSIX seconds. A witness that does not answer costs one failed connection a call, for however many logs it was
    named: it is knocked at before the entries of a log, of which there may be millions, are read for its proof.
    """
    signed, silent, there = 0, set[str](), set[str]()
    for pool in Pool.objects.filter(witness_policies__state=State.APPROVED).distinct().order_by("code"):
        for asking in _asked_of(pool):
            if asking.host not in silent:
                try:
                    if asking.host not in there:
                        _knock(asking.witness.url)
                        there.add(asking.host)
                    signed += asking.ask(now)
                except OSError as error:
                    silent.add(asking.host)
                    log.warning("a witness does not answer", witness=asking.witness.name, error=str(error))
    return signed


@dataclass(frozen=True)
class _Asking:
    """One witness, the checkpoint that it has not signed, and the size that it has seen as far as we know.

    leaves: gives the hashes of all entries of the checkpoint, read once for all witnesses of a log that are there.
    """

    pool: Pool
    witness: Witness
    checkpoint: Checkpoint
    seen: int
    leaves: Callable[[], Sequence[bytes]]

    @property
    def host(self) -> str:
        """Return where the witness lives."""
        return urlsplit(self.witness.url).netloc

    def ask(self, now: int) -> bool:
        """Ask it; where it has seen another size than we know, once more from there. Raises: OSError."""
        status, answer = self._send(self.seen)
        size = read_size(answer) if status == 409 else None
        if size is not None and size != self.seen and size <= self.checkpoint.size:
            status, answer = self._send(size)
        if status != 200:
            return self._refused(status, answer)
        try:
            line, at = read_answer(answer, checkpoint=self.checkpoint.note, key=self.witness.key, now=now)
        except NoteError as error:
            return self._refused(status, str(error))
        Cosignature.objects.bulk_create(
            [
                Cosignature(
                    checkpoint=self.checkpoint,
                    name=line.name,
                    line=line.encode(),
                    signed_at=dt.datetime.fromtimestamp(at, dt.UTC),
                )
            ],
            ignore_conflicts=True,
        )
        return True

    def _send(self, old: int) -> tuple[int, str]:
        """Send the checkpoint with the proof from that size on. Raises: OSError."""
        proof = consistency_proof(old, self.leaves())
        body = request_body(old=old, proof=proof, checkpoint=self.checkpoint.note)
        return _post(self.witness.url.rstrip("/") + PATH, body.encode())

    def _refused(self, status: int, said: str) -> bool:
        """Keep what it said, once: everyone may see that a witness would not sign."""
        refusal = WitnessRefusal(
            checkpoint=self.checkpoint,
            name=self.witness.key.name,
            status=status,
            said="".join(c if c.isprintable() else " " for c in said)[:200].strip(),
            at=clock.now(),
        )
        WitnessRefusal.objects.bulk_create([refusal], ignore_conflicts=True)
        log.error("a witness does not sign", pool=self.pool.code, witness=self.witness.name, status=status)
        return False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A witness answers itself: where it sends us to, nobody has approved."""

    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        """Follow none."""


def _knock(url: str) -> None:
    """See whether somebody answers there, whatever they say. Raises: OSError."""
    try:
        with urllib.request.build_opener(_NoRedirect).open(url, timeout=SECONDS):
            return
    except urllib.error.HTTPError as error:
        error.close()
    except HTTPException as error:
        raise OSError(str(error)) from None


def _post(url: str, body: bytes) -> tuple[int, str]:
    """Return status and text of the answer. Raises: OSError where there is none."""
    request = urllib.request.Request(url, body, {"Content-Type": "text/plain; charset=utf-8"})  # noqa: S310
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            return answer.status, answer.read(LONGEST_ANSWER).decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(LONGEST_ANSWER).decode(errors="replace")
    except HTTPException as error:
        raise OSError(str(error)) from None


def _asked_of(pool: Pool) -> list[_Asking]:
    """Return the witnesses in force that take checkpoints and have not signed the last one."""
    last = Checkpoint.objects.filter(log__code=pool.code).order_by("-size").first()
    policy = policy_in_force(pool.code)
    if last is None or policy is None:
        return []
    rows = Cosignature.objects.filter(checkpoint__log__code=pool.code).values("name")
    seen = {row["name"]: row["size"] for row in rows.annotate(size=Max("checkpoint__size"))}
    late = [
        witness
        for witness in read_policy(policy.text).witnesses.values()
        if witness.url and seen.get(witness.key.name, 0) < last.size
    ]
    leaves = cache(partial(leaves_of, pool.code, last.size))
    return [_Asking(pool, witness, last, seen.get(witness.key.name, 0), leaves) for witness in late]


def _text(witnesses: Sequence[tuple[str, str]], needed: int) -> str:
    """Return the policy as text. Raises: WitnessesError."""
    if len(witnesses) > MOST_WITNESSES:
        raise WitnessesError(_("At most %(most)s witnesses can be named.") % {"most": MOST_WITNESSES})
    for _key, url in witnesses:
        if not _may_be_asked(url):
            raise WitnessesError(
                _("“%(url)s” is no address that begins with https://.") % {"url": url[:80]}, url=url[:80]
            )
    try:
        return composed(witnesses, needed)
    except PolicyError as error:
        raise WitnessesError(
            _(
                "These witnesses cannot be read: %(why)s. Each line has a key as the witness gives it, and its address."
            )
            % {"why": error}
        ) from None


def _may_be_asked(url: str) -> bool:
    """Tell whether checkpoints may be sent there; only a demonstration asks without encryption."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (settings.DEMO and parts.scheme == "http"))


def _decide(locked: WitnessPolicy, state: str, person: str, at: dt.datetime) -> WitnessPolicy:
    locked.state, locked.decided_by, locked.decided_at = state, person, at
    locked.save(update_fields=["state", "decided_by", "decided_at"])
    audit.record(actor=person, action=f"witnesses_{state}", subject=str(locked))
    return locked


def _locked(policy: WitnessPolicy) -> WitnessPolicy:
    """Lock pool, then policy, and demand that it waits. Raises: PolicyMovedOnError."""
    Pool.objects.select_for_update().get(pk=policy.pool_id)
    locked = WitnessPolicy.objects.select_for_update(of=["self"]).select_related("pool").get(pk=policy.pk)
    if locked.state != State.PROPOSED:
        raise PolicyMovedOnError(
            _("These witnesses are already “%(state)s”. Reload the page to see where they are.")
            % {"state": locked.get_state_display()},
            state=locked.state,
        )
    return locked

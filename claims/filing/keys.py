"""What becomes of the keys of papers: wrapped anew by a new key of the installation, destroyed, tried."""

from collections.abc import Iterator

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.crypto import UnreadableError, current_key_id, rewrap
from aidplatform.lib.errors import ConflictError
from aidplatform.work import audit
from claims.filing.models import Claim, Evidence
from claims.filing.paper_triggers import ERASE, REWRAP, needed_no_more
from claims.filing.selectors import read_paper
from claims.filing.services import locked_claim


class StillNeededError(ConflictError):
    """Something may still follow for the claim that its papers decide."""

    code = "paper_is_erased_when_needed_no_more"


def under_other_keys() -> int:
    """Return how many papers are wrapped by another key than the current one."""
    return _waiting().count()


def rewrap_papers(*, actor: str) -> Iterator[int]:
    """Wrap the key of every paper by the current key of the installation; yield how many, claim by claim.

    The sealed bytes are neither read nor written. Stopped halfway it goes on the next time.

    Raises: lib.crypto.UnreadableError for a key that this installation does not have.
    """
    for claim_id in list(_waiting().order_by("claim").values_list("claim", flat=True).distinct()):
        with transaction.atomic():
            # The claim first, as everybody else who touches its papers does.
            claim = Claim.objects.select_for_update(no_key=True).only("code").get(pk=claim_id)
            some = list(_waiting().filter(claim=claim).only("code", "key_id", "key_wrapped"))
            for paper in some:
                _rewrap(claim, paper, actor)
        yield len(some)


def _waiting() -> QuerySet[Evidence]:
    return Evidence.objects.exclude(key_id=None).exclude(key_id=current_key_id())


def _rewrap(claim: Claim, paper: Evidence, actor: str) -> None:
    assert paper.wrapped is not None
    wrapped = rewrap(paper.wrapped, paper.context)
    audit.record(actor=actor, action=REWRAP, subject=claim.code, evidence=paper.code, key=wrapped.key_id)
    paper.key_id, paper.key_wrapped = wrapped.key_id, wrapped.key
    paper.save(update_fields=["key_id", "key_wrapped"])


@transaction.atomic
def erase_papers(*, claim: Claim, actor: str, reason: str) -> int:
    """Destroy the keys of a claim's papers and return how many there were; the rows stay, with hash and openings.

    A backup that is older than this still has the keys: it is to be destroyed in its turn.

    Raises: StillNeededError while anything can follow that the papers decide.
    """
    claim = locked_claim(claim, *Claim.State.values)
    if not _is_over(claim):
        raise StillNeededError(
            _("Something may still follow for this claim: a review, an appeal, a payment or further bills."),
            state=claim.state,
        )
    papers = list(claim.papers.exclude(key_id=None).only("code", "key_id", "key_wrapped"))
    for paper in papers:
        audit.record(
            actor=actor, action=ERASE, subject=claim.code, evidence=paper.code, key=None, reason=reason
        )
        paper.key_id, paper.key_wrapped = None, None
        paper.save(update_fields=["key_id", "key_wrapped"])
    return len(papers)


def _is_over(claim: Claim) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {needed_no_more('c')} FROM claims_claim c WHERE c.id = %s", [claim.pk])  # noqa: S608 - fixed names
        return bool(cursor.fetchone()[0])


def unreadable_papers() -> Iterator[tuple[str, str, str]]:
    """Open every paper that is not erased; yield claim, paper and why of each that does not open or is another one."""
    for pk in list(Evidence.objects.exclude(key_id=None).order_by("pk").values_list("pk", flat=True)):
        paper = Evidence.objects.select_related("claim").get(pk=pk)
        try:
            read_paper(paper)
        except UnreadableError as error:
            yield paper.claim.code, paper.code, str(error)

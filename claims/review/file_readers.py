"""Who read of the claims for which a person speaks, in one list: papers that were opened, and words that were read."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from aidplatform.work.models import AuditEntry
from claims.filing.models import Claim
from claims.filing.selectors import claims_of
from claims.review.opening_models import PaperOpening
from claims.review.openings import READS, OpeningTold, Reader, read_note, readers_told
from members.people.models import User


@dataclass(frozen=True)
class FileReader:
    """Somebody who read of a claim."""

    claim: Claim
    reader: Reader


def file_readers_of(person: User) -> list[FileReader]:
    """Return who else read of the person's claims, newest first. Four queries, however many there are."""
    claims = {claim.pk: claim for claim in claims_of(person)}
    if not claims:
        return []
    openings, trail = _openings(claims), _trail(claims.values())
    found = [
        FileReader(claim, reader)
        for pk, claim in claims.items()
        for reader in readers_told(openings.get(pk, ()), trail.get(claim.code, ()))
    ]
    # Reversed as a whole: of two at one instant the later one comes first as well.
    return sorted(found, key=lambda one: one.reader.at)[::-1]


def _openings(claims: Collection[int]) -> dict[int, list[OpeningTold]]:
    opened = PaperOpening.objects.filter(paper__claim__in=claims).select_related("paper").order_by("pk")
    told: dict[int, list[OpeningTold]] = {}
    for one in opened.defer("paper__sealed"):
        told.setdefault(one.paper.claim_id, []).append(OpeningTold(one, one.paper.kind, read_note(one)))
    return told


def _trail(claims: Iterable[Claim]) -> dict[str, list[AuditEntry]]:
    lines: dict[str, list[AuditEntry]] = {}
    read = AuditEntry.objects.filter(subject__in=[claim.code for claim in claims], action__in=READS)
    for line in read.order_by("pk"):
        lines.setdefault(line.subject, []).append(line)
    return lines

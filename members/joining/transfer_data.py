"""What an export of one's own data says of going on in another pool."""

from collections.abc import Iterator

from aidplatform.lib.my_data import Row, fields_of
from members.joining.transfer_models import AgeTransfer
from members.people.models import User


def transfers_of(person: User) -> Iterator[Row]:
    """Yield what the person has signed ahead to go on in another pool at the last age, and what came of it."""
    found = AgeTransfer.objects.filter(membership__person=person)
    for one in found.select_related("membership__pool", "pool", "plan_version").order_by("pk"):
        row = fields_of(
            one,
            "covenant_sha256",
            "consent_health",
            "consent_publication",
            "language",
            "signed_at",
            "signature_sha256",
            "state",
            "reason",
            "first_date",
            "closed_at",
        )
        yield {
            "from": one.membership.pool.code,
            "to": one.pool.code,
            "plan_version": one.plan_version.number,
            **row,
        }

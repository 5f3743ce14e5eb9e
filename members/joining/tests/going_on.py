"""Covenants that are signed ahead: what members do who go on in another pool."""

from typing import Any

from aidplatform.lib import clock
from members.joining.models import Membership
from members.joining.transfer_models import AgeTransfer
from members.joining.transfer_offers import offer_of
from members.joining.transfers import sign_ahead


def signed_ahead(member: Membership, **other: Any) -> AgeTransfer:
    """Sign what the member is offered today, with both consents; other: what is given in another way."""
    person = member.person
    assert person is not None
    offer = offer_of(member, clock.today(member.pool.time_zone))
    given: dict[str, Any] = {
        "shown_sha256": offer.version.covenant_sha256 if offer else "0" * 64,
        "health": True,
        "publication": True,
        "language": "en",
    }
    return sign_ahead(membership=member, person=person, at=clock.now(), **given | other)

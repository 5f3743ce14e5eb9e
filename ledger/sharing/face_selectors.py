"""Reads of what is told of cases: a layer's fields of each award, by one query for all of them."""

from collections.abc import Collection, Mapping

from django.db.models import Q

from ledger.sharing.face_models import CaseFace
from ledger.sharing.layers import PUBLIC
from ledger.sharing.models import Award

Fields = Mapping[str, str | int]


class FacesOf:
    """What a layer is told of these awards; of one that was not announced yet, nothing."""

    def __init__(self, awards: Collection[Award], layer: str) -> None:
        self._layer = layer
        codes: dict[int, set[str]] = {}
        for award in awards:
            codes.setdefault(award.pool_id, set()).add(award.claim_code)
        shown = Q(pk__in=[])
        for pool_id, of_pool in codes.items():
            shown |= Q(pool_id=pool_id, claim_code__in=of_pool)
        found = CaseFace.objects.filter(shown) if codes else ()
        self._faces = {(face.pool_id, face.claim_code): face for face in found}

    def told(self, award: Award) -> Fields:
        """Return the fields of one award; of a case of a very small pool everyone is told nothing."""
        face = self._faces.get((award.pool_id, award.claim_code))
        if face is None or (self._layer == PUBLIC and not face.is_public):
            return {}
        return face.told_to(self._layer)

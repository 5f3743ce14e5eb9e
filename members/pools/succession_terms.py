"""From which pools a pool takes over members who have reached the age at which those end. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from members.pools.term_reading import TermsError, check_type, fields_of

MAX_POOLS = 20
_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)


def check_code(field: str, value: object) -> None:
    """Demand the code of a pool. Raises: TermsError."""
    check_type(field, value, str)
    if not _CODE.fullmatch(str(value)):
        raise TermsError(field, "bad_pool_code", f"{value!r} is no code of a pool")


@dataclass(frozen=True, slots=True)
class TakeOverTerms:
    """Say whose members a pool takes over on the day they age out, without a gap and without new health questions.

    pools: codes, each once, kept in order. waiting_counts: the waiting time served there counts here; otherwise
    it begins anew, as for whoever joins.
    """

    pools: tuple[str, ...]
    waiting_counts: bool = True

    def __post_init__(self) -> None:
        if not 1 <= len(self.pools) <= MAX_POOLS:
            raise TermsError("pools", "wrong_number_of_pools", f"names one to {MAX_POOLS} pools")
        for code in self.pools:
            check_code("pools", code)
        check_type("waiting_counts", self.waiting_counts, bool)
        object.__setattr__(self, "pools", tuple(sorted(set(self.pools))))

    @classmethod
    def from_json(cls, data: object) -> TakeOverTerms:
        given = fields_of(data, required=("pools",), optional=("waiting_counts",))
        check_type("pools", given["pools"], list)
        return cls(**given | {"pools": tuple(given["pools"])})

    def to_json(self) -> dict[str, Any]:
        return {"pools": list(self.pools), "waiting_counts": self.waiting_counts}

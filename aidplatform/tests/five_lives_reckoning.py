"""The figures of the five lives, worked out again from what happened alone: nothing of the platform is asked or called.

What a member pays of a month is the need of the month by the heads, rounded up; what that brings too much goes on into
the next month. The need is the aid, eight hundredths of it for the operator, rounded up, and what went back to others.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Month:
    """One month of the pool, in fen. members: whose headcount it was. others_fen: shares of before that went back."""

    number: int
    members: int
    aid_fen: int
    others_fen: int = 0
    carried_in_fen: int = 0

    @property
    def fee_fen(self) -> int:
        """Return what the operator gets."""
        return -(-self.aid_fen * 8 // 100)

    @property
    def need_fen(self) -> int:
        """Return what all members bring together."""
        return self.aid_fen + self.fee_fen + self.others_fen - self.carried_in_fen

    @property
    def share_fen(self) -> int:
        """Return what each of them pays."""
        return -(-self.need_fen // self.members)

    @property
    def carried_on_fen(self) -> int:
        """Return what that brings too much."""
        return self.share_fen * self.members - self.need_fen

    @property
    def figures(self) -> tuple[int, ...]:
        """Return headcount, aid, fee, other costs, carried in, need, share, carried on."""
        return (
            self.members, self.aid_fen, self.fee_fen, self.others_fen, self.carried_in_fen, self.need_fen,
            self.share_fen, self.carried_on_fen,
        )  # fmt: skip


QUIET, LANGUAGES = 20, 2
# Of each language: single, mother, two children, father, late, leaver, ill.
ALL = QUIET + LANGUAGES * 8
MARCH = Month(1, ALL, 812_345)
# The ill of both languages share no more: their only shares went back. The singles are aided with 200,000 each.
APRIL = Month(2, ALL - LANGUAGES, 2 * 200_000, LANGUAGES * MARCH.share_fen, MARCH.carried_on_fen)
# A leaver and a child of each language share no more.
MAY = Month(3, APRIL.members - 2 * LANGUAGES, 345_678, 0, APRIL.carried_on_fen)
MONTHS = (MARCH, APRIL, MAY)
# Role → the months in which they are counted; `ended` is the child whose membership the mother ends.
SHARED = {
    "single": MONTHS, "mother": MONTHS, "father": MONTHS, "late": MONTHS, "leaver": MONTHS[:2], "ill": MONTHS[:1],
    "ended": MONTHS[:2], "child": MONTHS,
}  # fmt: skip


def shares_until(role: str, posted: int) -> list[Month]:
    """Return the months that somebody has shared when so many are posted, newest first."""
    return [month for month in SHARED[role] if month.number <= posted][::-1]

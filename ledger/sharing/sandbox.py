"""Play a sharing that anyone writes down as JSON, in the words of the published test vectors.

Pure: no clock, no database. Every figure comes from `apportion.py`, the file that also makes real bills. Amounts in
fen. Members who are alike are one group with a count; inside a group every figure is of one member.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from ledger.sharing.apportion import (
    Costs,
    FeeRule,
    Group,
    ShareInputError,
    Sharing,
    WalletDraw,
    compute_shares,
    draw_wallets,
    room_this_year,
)

MOST_CASES = 10_000_000
_RATE = re.compile(r"(0|[1-9][0-9]{0,17})(/[1-9][0-9]{0,17})?", re.ASCII)
_PERIOD_KEYS = {
    "case_aid_fen",
    "fee_rate",
    "fee_rounding",
    "carry_in_fen",
    "groups",
    "method",
    "on_cap",
    "on_infeasible",
    "on_short_balance",
    "beneficiary_pays",
}
_GROUP_KEYS = {"count", "weight", "cap_fen", "paid_this_year_fen", "annual_cap_fen", "balance_fen"}
# What a file may leave out, and the only values where this software knows one.
_ONLY = {"fee_rounding": ("ceil_fen",), "method": ("ceil_carry",)}
_SHORT = ("deficit_to_next", "respread")


@dataclass(frozen=True, slots=True)
class Payers:
    """One group as it enters a period. balance_fen: None outside prepaid plans; is_suspended: it is not charged."""

    count: int
    weight: int
    cap_fen: int | None
    annual_cap_fen: int | None
    paid_this_year_fen: int
    balance_fen: int | None
    is_suspended: bool = False


@dataclass(frozen=True, slots=True)
class Played:
    """One period: its sharing, and for prepaid plans what came from the wallets."""

    sharing: Sharing
    payers: tuple[Payers, ...]
    draws: tuple[WalletDraw, ...]

    @property
    def gap_fen(self) -> int:
        """Return what all wallets together fall short by."""
        return sum(draw.count * draw.gap_fen for draw in self.draws)

    @property
    def collected_fen(self) -> int:
        """Return what is charged, less what wallets lack."""
        return self.sharing.assessed_fen - self.gap_fen

    @property
    def carry_out_fen(self) -> int:
        """Return what the next period begins with; below zero a deficit that it has to raise."""
        return self.sharing.carry_out_fen - self.gap_fen


def play(given: object) -> Any:
    """Return the figures of one input, or of each of a list of them.

    Raises: ShareInputError naming the field, by its path.
    """
    if isinstance(given, list):
        return [_inside(f"[{place}]", _play_one, one) for place, one in enumerate(given)]
    return _play_one(given)


def _play_one(given: object) -> dict[str, Any]:
    fields = _object("", given)
    if "periods" in fields:
        if set(fields) != {"periods"}:
            raise ShareInputError("periods", sorted(set(fields) - {"periods"}), "stands alone in its object")
        return _play_periods(_list("periods", fields["periods"]))
    _check_keys(fields, _PERIOD_KEYS)
    return _told(fields, _play_period(fields, _carry_in(fields), _payers(fields)))


def _play_periods(periods: Sequence[object]) -> dict[str, Any]:
    """Play periods one after another. What one leaves is where the next begins.

    A later period's carry counts where it is not 0; its balances and sums of the year count where they are not those
    that the period before was written with.
    """
    if not periods:
        raise ShareInputError("periods", [], "needs at least one period")
    played: list[Played] = []
    written: tuple[Payers, ...] = ()
    for place, given in enumerate(periods):
        path = f"periods[{place}]"
        fields = _inside(path, lambda one: _check_keys(_object("", one), _PERIOD_KEYS), given)
        carry_fen = _inside(path, _carry_in, fields)
        given_payers = _inside(path, _payers, fields)
        payers = given_payers
        if played:
            carry_fen = carry_fen or played[-1].carry_out_fen
            payers = _go_on(played[-1], written, given_payers)
        written = given_payers
        played.append(_inside(path, lambda one, c=carry_fen, p=payers: _play_period(one, c, p), fields))
    if any("on_short_balance" in _object("", one) for one in periods):
        return {"periods": [_told_wallets(one) for one in played]}
    return {
        "share_fen_by_period": [_one_or_each([s.share_fen for s in one.sharing.shares]) for one in played],
        "carry_out_by_period": [one.carry_out_fen for one in played],
    }


def _play_period(fields: Mapping[str, Any], carry_in_fen: int, payers: tuple[Payers, ...]) -> Played:
    for name, allowed in _ONLY.items():
        _choice(fields, name, allowed, default=allowed[0])
    short = _choice(fields, "on_short_balance", _SHORT, default="")
    _check_type("beneficiary_pays", fields.get("beneficiary_pays", False), bool)
    without = [place for place, one in enumerate(payers) if one.balance_fen is None]
    if short and without:
        raise ShareInputError(f"groups[{without[0]}].balance_fen", None, "is needed with on_short_balance")
    sharing = compute_shares(
        groups=[_group(place, one, short) for place, one in enumerate(payers)],
        costs=Costs(aid_fens=_aids(fields.get("case_aid_fen")), carry_in_fen=carry_in_fen),
        fee_rule=FeeRule(_rate(fields.get("fee_rate"))),
        on_cap=fields.get("on_cap", "redistribute"),
        on_infeasible=fields.get("on_infeasible", "sponsor"),
    )
    balances = {place: one.balance_fen or 0 for place, one in enumerate(payers)}
    # Who is suspended is in no headcount: the share of the class is not theirs.
    shares = [s if s.count else replace(s, share_fen=0) for s in sharing.shares]
    return Played(sharing, payers, draw_wallets(shares, balances) if short else ())


def _group(place: int, payers: Payers, short: str) -> Group:
    cap_fen = room_this_year(
        period_cap_fen=payers.cap_fen,
        annual_cap_fen=payers.annual_cap_fen,
        paid_this_year_fen=payers.paid_this_year_fen,
    )
    if short == "respread":
        balance_fen = payers.balance_fen or 0
        cap_fen = balance_fen if cap_fen is None else min(cap_fen, balance_fen)
    return Group(place, 0 if payers.is_suspended else payers.count, payers.weight, cap_fen)


def _go_on(last: Played, written: tuple[Payers, ...], given: tuple[Payers, ...]) -> tuple[Payers, ...]:
    """Return the payers of the next period: as given, with what the last one has left to the same groups."""
    if len(given) != len(written):
        return given
    following = []
    for place, (was, now) in enumerate(zip(written, given, strict=True)):
        share, entered = last.sharing.shares[place], last.payers[place]
        draw = last.draws[place] if last.draws else None
        is_topped_up = now.balance_fen != was.balance_fen
        following.append(
            Payers(
                count=now.count,
                weight=now.weight,
                cap_fen=now.cap_fen,
                annual_cap_fen=now.annual_cap_fen,
                paid_this_year_fen=entered.paid_this_year_fen + share.share_fen
                if now.paid_this_year_fen == was.paid_this_year_fen
                else now.paid_this_year_fen,
                balance_fen=draw.balance_after_fen if draw and not is_topped_up else now.balance_fen,
                is_suspended=draw is not None
                and not is_topped_up
                and (entered.is_suspended or draw.gap_fen > 0),
            )
        )
    return tuple(following)


def _told(fields: Mapping[str, Any], played: Played) -> dict[str, Any]:
    """Tell one period in the words of the vectors; what does not apply is left out."""
    sharing = played.sharing
    told: dict[str, Any] = {
        "fee_fen": sharing.fee_fen,
        "need_fen": sharing.need_fen,
        "shares": [[{"members": s.count, "share_fen": s.share_fen}] for s in sharing.shares],
        "collected_fen": played.collected_fen,
        "carry_out_fen": played.carry_out_fen,
    }
    if fields.get("on_cap") == "reserve_pays" or sharing.sponsor_fen:
        told["reserve_pays_fen"] = sharing.sponsor_fen
        told |= _break_even(sharing)
    if sharing.need_fen != sharing.original_need_fen:
        told |= {"original_need_fen": sharing.original_need_fen, "paid_aid_fen": list(sharing.aid_fens)}
    if any(sharing.deferred_fens):
        told["deferred_aid_fen"] = list(sharing.deferred_fens)
    if sharing.shortfall_fen:
        told["shortfall_fen"] = sharing.shortfall_fen
        told["status"] = "short" if sharing.has_payers else "no_payers"
    if played.draws:
        told |= {name: value for name, value in _told_wallets(played).items() if name not in told}
    return told


def _break_even(sharing: Sharing) -> dict[str, int]:
    """Return how many members of the only group would bear the need under their cap, where they can't."""
    if len(sharing.shares) != 1 or not sharing.sponsor_fen or not sharing.shares[0].cap_fen:
        return {}
    return {"break_even_members": -(-sharing.need_fen // sharing.shares[0].cap_fen)}


def _told_wallets(played: Played) -> dict[str, Any]:
    """Tell a period of a prepaid plan: per group what each member lacks and what is left."""
    return {
        "share_fen": _one_or_each([share.share_fen for share in played.sharing.shares]),
        "collected_fen": played.collected_fen,
        "arrears_fen": [draw.gap_fen for draw in played.draws],
        "carry_out_fen": played.carry_out_fen,
        "balances_after": [draw.balance_after_fen for draw in played.draws],
        "suspended": sum(
            payers.count
            for payers, draw in zip(played.payers, played.draws, strict=True)
            if payers.is_suspended or draw.gap_fen
        ),
    }


def _one_or_each(shares_fen: list[int]) -> int | list[int]:
    """Return the share that all groups have, or the share of each."""
    return shares_fen[0] if len(set(shares_fen)) == 1 else shares_fen


# --- reading ----------------------------------------------------------------------------------------------------


def _payers(fields: Mapping[str, Any]) -> tuple[Payers, ...]:
    rows = _list("groups", fields.get("groups"))
    return tuple(_inside(f"groups[{place}]", _read_payers, row) for place, row in enumerate(rows))


def _read_payers(row: object) -> Payers:
    given = _check_keys(_object("", row), _GROUP_KEYS)
    for name in ("count", "weight"):
        if name not in given:
            raise ShareInputError(name, None, "must be given")
    return Payers(
        count=_whole(given, "count"),
        weight=_whole(given, "weight", at_least=1),
        cap_fen=_whole_or_none(given, "cap_fen"),
        annual_cap_fen=_whole_or_none(given, "annual_cap_fen"),
        paid_this_year_fen=_whole_or_none(given, "paid_this_year_fen") or 0,
        balance_fen=_whole_or_none(given, "balance_fen"),
    )


def _carry_in(fields: Mapping[str, Any]) -> int:
    carry_fen = fields.get("carry_in_fen", 0)
    _check_type("carry_in_fen", carry_fen, int)
    return int(carry_fen)


def _aids(given: object) -> tuple[int, ...]:
    """Return one amount per case, from a list of amounts or a map of amounts to numbers of cases."""
    if isinstance(given, Mapping):
        cases = {f"case_aid_fen.{fen}": number for fen, number in given.items()}
        counts = [(_amount(fen), _whole(cases, f"case_aid_fen.{fen}")) for fen in given]
        if sum(number for _fen, number in counts) > MOST_CASES:
            raise ShareInputError("case_aid_fen", "...", f"has more than {MOST_CASES:,} cases")
        return tuple(fen for fen, number in counts for _ in range(number))
    aids = {f"case_aid_fen[{place}]": fen for place, fen in enumerate(_list("case_aid_fen", given))}
    return tuple(_whole(aids, name) for name in aids)


def _amount(text: object) -> int:
    if not re.fullmatch(r"[0-9]{1,30}", str(text), re.ASCII):
        raise ShareInputError("case_aid_fen", text, "must name whole fen")
    return int(str(text))


def _rate(given: object) -> Fraction:
    if not isinstance(given, str) or not _RATE.fullmatch(given):
        raise ShareInputError("fee_rate", given, 'must be a fraction as text, like "8/100"')
    if Fraction(given) > 1:
        raise ShareInputError("fee_rate", given, "must be at most 1")
    return Fraction(given)


def _whole(fields: Mapping[str, Any], name: str, *, at_least: int = 0) -> int:
    value = fields[name]
    _check_type(name, value, int)
    if value < at_least:
        raise ShareInputError(name, value, f"must be at least {at_least}")
    return int(value)


def _whole_or_none(fields: Mapping[str, Any], name: str) -> int | None:
    return None if fields.get(name) is None else _whole(fields, name)


def _choice(fields: Mapping[str, Any], name: str, allowed: Sequence[str], *, default: str) -> str:
    value = fields.get(name, default)
    if value != default and value not in allowed:
        raise ShareInputError(name, value, f"must be one of {', '.join(allowed)}")
    return str(value)


def _check_type(name: str, value: object, wanted: type) -> None:
    # type() and not isinstance: true is no number.
    if type(value) is not wanted:
        kind = {int: "a whole number", bool: "true or false"}[wanted]
        raise ShareInputError(name, value, f"must be {kind}")


def _check_keys(fields: Mapping[str, Any], known: set[str]) -> Mapping[str, Any]:
    for name in fields:
        if name not in known:
            raise ShareInputError(str(name), fields[name], "isn't a field of this format")
    return fields


def _object(name: str, given: object) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise ShareInputError(name, given, "must be an object")
    return given


def _list(name: str, given: object) -> list[object]:
    if not isinstance(given, list):
        raise ShareInputError(name, given, "must be a list")
    return given


def _inside(path: str, read: Any, given: Any) -> Any:
    """Read a part; an error in it names the whole path."""
    try:
        return read(given)
    except ShareInputError as error:
        field = (
            f"{path}.{error.field}" if error.field and not error.field.startswith("[") else path + error.field
        )
        raise ShareInputError(field, error.value, error.rule) from None

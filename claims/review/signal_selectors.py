"""Reads about signals: the features of one claim, what was found, what came of it."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from aidplatform.lib import clock
from aidplatform.lib.crypto import unseal_text
from claims.filing.models import Claim
from claims.filing.selectors import read_payee
from claims.review.readings import Reading, folded
from claims.review.signal_models import PaperReading, SignalMark, SignalRun
from claims.review.signal_sql import FEATURES, GROUPS, LEAST_PAST
from claims.review.signal_versions import VERSIONS
from claims.review.signals import SIGNALS, Data, Features
from members.joining.kin import names_of
from members.people.identity import paper_of
from members.pools.models import Pool

_AS_COUNTED = (
    "same_file", "similar_page", "same_report", "same_account", "is_account_changed", "inviter_claims",
    "joined_together", "arrears_paid_date", "same_event", "other_claims", "other_pools", "objections", "joined_date",
)  # fmt: skip


def features_of(claim: Claim, at: dt.datetime) -> Features:
    """Return what is known of a filed claim; in as many statements whatever the pool holds."""
    assert claim.filed_at is not None, claim.code
    zone = claim.pool.time_zone
    filed_date = clock.day_of(claim.filed_at, zone)
    with connection.cursor() as cursor:
        cursor.execute(FEATURES, {"claim": claim.pk, "filed": filed_date})
        names = [column.name for column in cursor.description or ()]
        row = dict(zip(names, cursor.fetchone() or (), strict=True))
    reading = Reading()
    if row["content_sealed"] is not None:
        place = PaperReading(claim=claim, number=row["reading_number"]).context
        reading = Reading.from_text(unseal_text(bytes(row["content_sealed"]), place))
    counted: dict[str, Any] = {name: row[name] for name in _AS_COUNTED}
    for group in GROUPS:
        counted[f"{group}_claims"] = row[f"{group}_recent"]
        counted[f"{group}_expected_milli"] = _group_expected_milli(row, group)
    return Features(
        illness=claim.illness,
        sex=claim.sex,
        age=claim.age,
        eligible_date=_eligible_date(claim),
        event_date=claim.event_date,
        filed_date=filed_date,
        seen_date=clock.day_of(at, zone),
        symptom_date=reading.symptom_date,
        diagnosis_date=reading.diagnosis_date,
        issued=reading.issued,
        has_earlier_illness=reading.has_earlier_illness,
        is_account_of_another=_is_account_of_another(claim),
        inviter_expected_milli=_inviter_expected_milli(row),
        **counted,
    )


def _eligible_date(claim: Claim) -> dt.date | None:
    """Return the first day after the waiting period, as the derivation of the aid says it."""
    for step in claim.derivation or []:
        if step.get("name") == "waited":
            return dt.date.fromisoformat(str(step["first_day"]))
    return None


def _is_account_of_another(claim: Claim) -> bool:
    """Tell whether the account bears another name than the member's or the claimant's; unknown names tell nothing."""
    payee = read_payee(claim)
    names = {
        folded(paper.name)
        for person in {claim.claimant, claim.membership.person} - {None}
        if person is not None and (paper := paper_of(person)) is not None
    } | {folded(name) for name in names_of([claim.membership]).values()}
    return payee is not None and bool(names) and folded(payee.name) not in names


def _inviter_expected_milli(row: Mapping[str, Any]) -> int:
    """Return how many claims as many other members of the pool would have, in thousandths."""
    return int(1000 * row["invited"] * row["claims_all"] // max(row["members_all"] or 0, 1))


def _group_expected_milli(row: Mapping[str, Any], group: str) -> int:
    """Return what the group's part of earlier claims lets expect of the recent ones; 0 where too little is known."""
    past_all = row[f"{group}_past_all"]
    if past_all < LEAST_PAST:
        return 0
    return int(1000 * row[f"{group}_recent_all"] * (row[f"{group}_past"] + 1) // (past_all + 1))


def last_run(claim: Claim) -> SignalRun | None:
    """Return the newest look at a claim, or none yet."""
    return claim.signal_runs.order_by("-number").first()


def read_details(run: SignalRun) -> dict[str, Data]:
    """Return what each signal of a look is about; nothing once the person is erased."""
    if not run.details_sealed:
        return {}
    details: dict[str, Data] = json.loads(unseal_text(bytes(run.details_sealed), run.context))
    return details


def last_reading(claim: Claim) -> tuple[Reading, dt.datetime | None]:
    """Return what was read in the papers last and when; an empty reading before, and once the person is erased."""
    found = claim.paper_readings.order_by("-number").first()
    if found is None:
        return Reading(), None
    if not found.content_sealed:
        return Reading(), found.read_at
    return Reading.from_text(unseal_text(bytes(found.content_sealed), found.context)), found.read_at


def read_mark(mark: SignalMark) -> str:
    """Return the reviewer's word on a signal."""
    return unseal_text(bytes(mark.reason_sealed), mark.context)


def marks_of(claim: Claim) -> dict[str, SignalMark]:
    """Return the newest mark of each signal of a claim."""
    return {mark.signal: mark for mark in claim.signal_marks.order_by("round", "pk")}


@dataclass(frozen=True)
class Precision:
    """How one signal of one version has done in a pool: claims that showed it, and what reviewers said of them.

    base_rate: how many in a thousand honest claims of the made-up ones show it. confirmed_per_mille: of the marked.
    """

    version: int
    signal: str
    base_rate: int
    shown: int
    explained: int
    confirmed: int

    @property
    def confirmed_per_mille(self) -> int | None:
        """Return how many in a thousand marked ones were confirmed; None before one was marked."""
        marked = self.explained + self.confirmed
        return 1000 * self.confirmed // marked if marked else None


def precision(pool: Pool) -> list[Precision]:
    """Return every signal of every version in use: a claim counts once, by its last mark."""
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH shown AS (
                 SELECT DISTINCT r.claim_id, r.version, f->>'signal' AS signal
                   FROM claims_signalrun r JOIN claims_claim c ON c.id = r.claim_id
                  CROSS JOIN LATERAL jsonb_array_elements(r.findings) f WHERE c.pool_id = %s),
               marks AS (
                 SELECT DISTINCT ON (claim_id, version, signal) claim_id, version, signal, meaning
                   FROM claims_signalmark ORDER BY claim_id, version, signal, round DESC)
               SELECT version, signal, count(*), count(*) FILTER (WHERE meaning = 'explained'),
                      count(*) FILTER (WHERE meaning = 'confirmed')
                 FROM shown LEFT JOIN marks USING (claim_id, version, signal) GROUP BY version, signal""",
            [pool.pk],
        )
        counted = {(version, signal): tuple(rest) for version, signal, *rest in cursor.fetchall()}
    return [
        Precision(number, signal, limits.base_rates[signal], *counted.get((number, signal), (0, 0, 0)))
        for number, limits in sorted(VERSIONS.items(), reverse=True)
        for signal in SIGNALS
    ]

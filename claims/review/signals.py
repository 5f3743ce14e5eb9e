"""Signals: what of a claim is worth a second look, with its reason, in integers. Pure.

A signal never says what a claim is. It adds points; their sum suggests a way to look closer (another paper, a second
look, a visit) and nothing else: no outcome is among the ways. Every honest case shows some of this now and then, which
is why each signal knows how many do. Points, limits and those rates stand in a numbered version (`signal_versions`).
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from claims.review.poisson import tail_ppm

NOTHING, PAPER, SECOND_LOOK, VISIT = "nothing", "paper", "second_look", "visit"
# In the order in which they ask for more.
ROUTES = (NOTHING, PAPER, SECOND_LOOK, VISIT)
Data = Mapping[str, int | str]


@dataclass(frozen=True, kw_only=True)
class Features:
    """What is known of one claim when it is looked at; None and 0: not known, or nothing found.

    joined_date: since when the person is covered; eligible_date: since when the illness can be shared. symptom_date,
    diagnosis_date, issued: what the papers say, issued by kind of paper. seen_date: the day of the look. Counts of
    other people's claims leave out the family and whoever pays. Expectations are in thousandths of a claim.
    """

    illness: str = ""
    sex: str = ""
    age: int | None = None
    joined_date: dt.date | None = None
    eligible_date: dt.date | None = None
    event_date: dt.date | None = None
    filed_date: dt.date | None = None
    seen_date: dt.date | None = None
    symptom_date: dt.date | None = None
    diagnosis_date: dt.date | None = None
    issued: tuple[tuple[str, dt.date], ...] = ()
    has_earlier_illness: bool = False
    same_file: int = 0
    similar_page: int = 0
    same_report: int = 0
    same_account: int = 0
    is_account_of_another: bool = False
    is_account_changed: bool = False
    hospital_claims: int = 0
    hospital_expected_milli: int = 0
    doctor_claims: int = 0
    doctor_expected_milli: int = 0
    inviter_claims: int = 0
    inviter_expected_milli: int = 0
    joined_together: int = 0
    arrears_paid_date: dt.date | None = None
    same_event: int = 0
    other_claims: int = 0
    other_pools: int = 0
    objections: int = 0


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """One version of limits and points; number and from_date name it, and it is never changed afterwards.

    points: of each signal, for its first and its second level. base_rates: how many in a thousand honest cases of the
    seed it was set by show the signal. usual_ages: by illness the ages [from, to] in which it is common. one_sex: the
    illnesses that only one sex can have.
    """

    number: int
    from_date: dt.date
    points: Mapping[str, tuple[int, int]]
    base_rates: Mapping[str, int]
    paper_points: int
    second_look_points: int
    visit_points: int
    soon_days: int
    very_soon_days: int
    event_apart_days: int
    arrears_days: int
    together_least: int
    together_many: int
    cluster_least: int
    rare_ppm: int
    very_rare_ppm: int
    usual_ages: Mapping[str, tuple[int, int]]
    one_sex: Mapping[str, str]


@dataclass(frozen=True)
class Finding:
    """A signal that shows: its points and what it is about, which `signal_words` says in a sentence."""

    signal: str
    points: int
    data: Data


@dataclass(frozen=True)
class Assessment:
    """What was found, most points first, and the way that their sum suggests."""

    version: int
    findings: tuple[Finding, ...]
    points: int
    route: str


Found = tuple[int, Data] | None
Check = Callable[[Features, Thresholds], Found]


def same_file(features: Features, _limits: Thresholds) -> Found:
    """A file of the claim, byte for byte, in a claim of somebody unrelated."""
    return _counted(features.same_file)


def similar_page(features: Features, _limits: Thresholds) -> Found:
    """A page that looks like one in a claim of somebody unrelated."""
    return _counted(features.similar_page)


def same_report(features: Features, _limits: Thresholds) -> Found:
    """The number of the report stands in a claim of somebody unrelated."""
    return _counted(features.same_report)


def same_account(features: Features, _limits: Thresholds) -> Found:
    """The account stands in claims of unrelated people."""
    return _counted(features.same_account)


def account_of_another(features: Features, _limits: Thresholds) -> Found:
    """The account is not in the name of the member, or of the guardian of a child."""
    return (1, {}) if features.is_account_of_another else None


def account_changed(features: Features, _limits: Thresholds) -> Found:
    """The account is another one than when the claim was filed first."""
    return (1, {}) if features.is_account_changed else None


def soon_after_waiting(features: Features, limits: Thresholds) -> Found:
    """The illness began in the first days in which it could be shared."""
    if features.eligible_date is None or features.event_date is None:
        return None
    days = (features.event_date - features.eligible_date).days
    if not 0 <= days <= limits.soon_days:
        return None
    return (2 if days <= limits.very_soon_days else 1), {"days": days}


def before_cover(features: Features, _limits: Thresholds) -> Found:
    """The papers date the first sign into the waiting time, or before the person joined."""
    if features.symptom_date is None:
        return None
    if features.joined_date is not None and features.symptom_date < features.joined_date:
        return 2, {"days": (features.joined_date - features.symptom_date).days, "since": "joined"}
    if features.eligible_date is not None and features.symptom_date < features.eligible_date:
        return 1, {"days": (features.eligible_date - features.symptom_date).days, "since": "eligible"}
    return None


def earlier_illness(features: Features, _limits: Thresholds) -> Found:
    """The papers name an illness or a treatment from before the person joined."""
    return (1, {}) if features.has_earlier_illness else None


def dates_out_of_order(features: Features, limits: Thresholds) -> Found:
    """Dates in the papers that cannot all be right, or that tell another day than the claim does."""
    symptom, diagnosis, event = features.symptom_date, features.diagnosis_date, features.event_date
    wrong = [
        symptom is not None and diagnosis is not None and diagnosis < symptom,
        diagnosis is not None and features.seen_date is not None and diagnosis > features.seen_date,
        diagnosis is not None
        and event is not None
        and abs((diagnosis - event).days) > limits.event_apart_days,
    ]
    for kind, issued in features.issued:
        earliest = diagnosis if kind == "diagnosis" else symptom
        wrong.append(earliest is not None and issued < earliest)
        wrong.append(features.seen_date is not None and issued > features.seen_date)
    count = sum(wrong)
    return (min(count, 2), {"count": count}) if count else None


def unusual_age_or_sex(features: Features, limits: Thresholds) -> Found:
    """The illness is rare at this age, or the other sex alone can have it."""
    only = limits.one_sex.get(features.illness)
    if only and features.sex and features.sex != only:
        return 2, {"sex": features.sex}
    usual = limits.usual_ages.get(features.illness)
    if usual is None or features.age is None or usual[0] <= features.age <= usual[1]:
        return None
    return 1, {"age": features.age}


def hospital_burst(features: Features, limits: Thresholds) -> Found:
    """More claims from this hospital lately than its share of the pool's claims lets expect."""
    return _burst(features.hospital_claims, features.hospital_expected_milli, limits)


def doctor_burst(features: Features, limits: Thresholds) -> Found:
    """More claims with papers of this doctor lately than their share lets expect."""
    return _burst(features.doctor_claims, features.doctor_expected_milli, limits)


def inviter_cluster(features: Features, limits: Thresholds) -> Found:
    """More claims among the people whom one member has invited than among as many others."""
    return _burst(features.inviter_claims, features.inviter_expected_milli, limits)


def joined_together(features: Features, limits: Thresholds) -> Found:
    """Many joined by one member's invitations within a few days of this one."""
    if features.joined_together < limits.together_least:
        return None
    level = 2 if features.joined_together >= limits.together_many else 1
    return level, {"count": features.joined_together}


def arrears_paid(features: Features, limits: Thresholds) -> Found:
    """What had been owed for long was paid just before the illness began, or between that and the claim."""
    paid, event = features.arrears_paid_date, features.event_date
    if paid is None or event is None:
        return None
    days = (event - paid).days
    if days > limits.arrears_days or (features.filed_date is not None and paid > features.filed_date):
        return None
    return (2 if days < 0 else 1), {"days": abs(days), "side": "after" if days < 0 else "before"}


def several_claims(features: Features, _limits: Thresholds) -> Found:
    """The member tells the same event in another claim, or has told other events within a year."""
    if features.same_event:
        return 2, {"count": features.same_event, "what": "same"}
    if features.other_claims:
        return (1 if features.other_claims == 1 else 2), {"count": features.other_claims, "what": "other"}
    return None


def other_pools(features: Features, _limits: Thresholds) -> Found:
    """The person has claims of about the same day in other pools here; that may be quite right."""
    return _counted(features.other_pools)


def objections(features: Features, _limits: Thresholds) -> Found:
    """Members have objected, and were not answered that they are wrong."""
    return _counted(features.objections)


# By name, in the order of a page; the name stands in stored rows and never changes its meaning.
SIGNALS: dict[str, Check] = {
    check.__name__: check
    for check in (
        same_file, similar_page, same_report, same_account, account_of_another, account_changed, soon_after_waiting,
        before_cover, earlier_illness, dates_out_of_order, unusual_age_or_sex, hospital_burst, doctor_burst,
        inviter_cluster, joined_together, arrears_paid, several_claims, other_pools, objections,
    )
}  # fmt: skip


def assess(features: Features, limits: Thresholds) -> Assessment:
    """Return the signals of a claim by one version, and the way that they suggest together."""
    findings = []
    for name, check in SIGNALS.items():
        found = check(features, limits)
        if found is not None and (points := limits.points[name][found[0] - 1]) > 0:
            findings.append(Finding(name, points, found[1]))
    findings.sort(key=lambda finding: -finding.points)
    points = sum(finding.points for finding in findings)
    return Assessment(limits.number, tuple(findings), points, route_of(points, limits))


def route_of(points: int, limits: Thresholds) -> str:
    """Return the way to look closer that so many points suggest."""
    assert 0 < limits.paper_points <= limits.second_look_points <= limits.visit_points, limits.number
    if points < limits.paper_points:
        return NOTHING
    if points < limits.second_look_points:
        return PAPER
    return SECOND_LOOK if points < limits.visit_points else VISIT


def _counted(count: int) -> Found:
    """Return the first level for one, the second for more."""
    return (min(count, 2), {"count": count}) if count > 0 else None


def _burst(count: int, expected_milli: int, limits: Thresholds) -> Found:
    """Return how surprising a count is; few never are, and nothing is where nothing is known to expect."""
    if count < limits.cluster_least or expected_milli <= 0:
        return None
    ppm = tail_ppm(count, expected_milli)
    if ppm > limits.rare_ppm:
        return None
    level = 2 if ppm <= limits.very_rare_ppm else 1
    return level, {"count": count, "expected_milli": expected_milli}

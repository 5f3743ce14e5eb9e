"""The versions of limits and points, oldest first; one that has been used is kept as it was. Pure.

Points were set once on the calibration seed of the generator (`signal_generator.CALIBRATION_SEED`): by how often
honest claims and claims of the twelve kinds of fraud show a signal, in steps of five. Nothing is learned in operation.
"""

import datetime as dt

from claims.review.signals import Thresholds

# Ages in which the illnesses are common; outside they are rare, not impossible. Illnesses of one sex are on no list
# of ours yet; files of others may name them.
_USUAL_AGES = {
    "heart_attack": (35, 90),
    "stroke_severe": (35, 90),
    "stroke_mild": (35, 90),
    "kidney_failure": (18, 90),
    "cancer_severe": (18, 90),
    "cancer_mild": (18, 90),
    "thyroid_cancer": (15, 75),
}
_ONE_SEX = {"cervical_cancer": "f", "ovarian_cancer": "f", "prostate_cancer": "m", "testicular_cancer": "m"}

VERSION_1 = Thresholds(
    number=1,
    from_date=dt.date(2026, 11, 27),
    points={
        "same_file": (115, 160),
        "similar_page": (90, 130),
        "same_report": (130, 160),
        "same_account": (80, 130),
        "account_of_another": (35, 35),
        "account_changed": (65, 65),
        "soon_after_waiting": (30, 50),
        "before_cover": (85, 120),
        "earlier_illness": (80, 80),
        "dates_out_of_order": (90, 140),
        "unusual_age_or_sex": (20, 100),
        "hospital_burst": (65, 110),
        "doctor_burst": (60, 110),
        "inviter_cluster": (75, 120),
        "joined_together": (30, 75),
        "arrears_paid": (50, 100),
        "several_claims": (30, 110),
        "other_pools": (20, 105),
        "objections": (50, 105),
    },
    base_rates={
        "same_file": 2,
        "similar_page": 8,
        "same_report": 2,
        "same_account": 5,
        "account_of_another": 70,
        "account_changed": 16,
        "soon_after_waiting": 90,
        "before_cover": 13,
        "earlier_illness": 25,
        "dates_out_of_order": 14,
        "unusual_age_or_sex": 13,
        "hospital_burst": 6,
        "doctor_burst": 4,
        "inviter_cluster": 4,
        "joined_together": 31,
        "arrears_paid": 15,
        "several_claims": 35,
        "other_pools": 52,
        "objections": 8,
    },
    paper_points=100,
    second_look_points=150,
    visit_points=220,
    soon_days=60,
    very_soon_days=14,
    event_apart_days=31,
    arrears_days=14,
    together_least=4,
    together_many=8,
    cluster_least=3,
    rare_ppm=5_000,
    very_rare_ppm=200,
    usual_ages=_USUAL_AGES,
    one_sex=_ONE_SEX,
)

VERSIONS = {version.number: version for version in (VERSION_1,)}
CURRENT = VERSION_1

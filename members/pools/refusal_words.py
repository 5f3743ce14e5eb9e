"""Why terms are refused, in words, and what to do."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aidplatform.lib.csv_files import plain_fen
from aidplatform.lib.errors import DomainError
from members.pools.aid_words import AID_ERRORS
from members.pools.plan_terms import TermsError


def terms_error_words(error: TermsError) -> str:
    """Say in the reader's language why terms are refused, and what to do; the field is named by whoever shows it."""
    params = {
        name.removesuffix("_fen"): plain_fen(int(value)) if name.endswith("_fen") else value
        for name, value in error.params.items()
    }
    return str(_ERRORS.get(error.code, _("This value makes no sense here."))) % params


def terms_refusal(error: TermsError) -> DomainError:
    """Return the same refusal for programs: the path of the field, then the sentence."""
    return DomainError(
        f"{error.field or 'terms'}: {terms_error_words(error)}", code=error.code, field=error.field
    )


_ERRORS = {
    "wrong_type": gettext_lazy("This value has the wrong type."),
    "rate_out_of_range": gettext_lazy("A fee goes from 0 to 100 percent."),
    "bad_rate": gettext_lazy("Write a rate as a fraction, like 8/100."),
    "wrong_number_of_periods": gettext_lazy("A month has one or two periods."),
    "periods_out_of_order": gettext_lazy("The periods do not open one after another in every month."),
    "publicity_outside_period": gettext_lazy("Cases would go public outside their period in some month."),
    "charge_before_publicity_ends": gettext_lazy(
        "In some month members would be charged before publicity has ended."
    ),
    "charge_after_next_publicity": gettext_lazy(
        "In some month the charge would come after the next cases are public: its rest could not be told with them."
    ),
    "other_document_not_taken": gettext_lazy("The other document is named, but not taken."),
    "bad_country": gettext_lazy("Write the two letters of the country that issues it, such as CN."),
    "bad_creditor_id": gettext_lazy(
        "This is no SEPA creditor identifier: write it without spaces, as the bank has given it."
    ),
    "debits_of_wallets": gettext_lazy("Members who pay ahead choose when and how much: nothing is debited."),
    "shares_back_of_wallets": gettext_lazy(
        "Members who pay ahead get back what their wallet holds; shares go back only where they are paid afterwards."
    ),
    "half_an_age_band": gettext_lazy("An age band has both a first age and an end."),
    "empty_age_band": gettext_lazy("The first age must be below the end."),
    "ages_overlap": gettext_lazy("Two rows of one severity cover the same age."),
    "ages_do_not_join": gettext_lazy("Between two classes an age is missing or double."),
    "some_without_ages": gettext_lazy("Either every class has an age band or none."),
    "bad_code": gettext_lazy("Use lower case letters and underscores."),
    "bad_pool_code": gettext_lazy("Write the code of a pool, as it stands in its address."),
    "wrong_number_of_pools": gettext_lazy("Name 1 to 20 pools, by their codes."),
    "takes_over_into_wallets": gettext_lazy(
        "Where members pay ahead, cover begins with a payment: nobody could come over without a gap."
    ),
    "bad_text": gettext_lazy(
        "Write 1 to %(most)s printable characters, accents composed with their letters."
    ),
    "empty": gettext_lazy("At least one row is needed."),
    "listed_twice": gettext_lazy("It is listed twice."),
    "part_out_of_range": gettext_lazy("A part is above 0 and at most 1."),
    "too_many_steps": gettext_lazy("Aid grows in at most 20 steps."),
    "vesting_starts_late": gettext_lazy("The first step begins 0 days after the waiting period."),
    "vesting_must_grow": gettext_lazy("Each step comes later and grants more than the one before."),
    "vesting_ends_below_all": gettext_lazy("The last step grants the whole aid: write 1."),
    "lifetime_cap_below_aid": gettext_lazy(
        "One case may be granted %(needed)s. Raise the most for one person to that, or lower the aid."
    ),
    "too_many_waiting_rules": gettext_lazy("A plan has at most 20 other waiting periods."),
    "waiting_rule_for_everybody": gettext_lazy(
        "Name a cause or an age: the waiting period of everybody is the one above."
    ),
    "accident_without_aid": gettext_lazy(
        "A waiting period for a cause takes aid for accidents, or aid by spend: add a row of aid, or drop the cause."
    ),
    "waiting_rule_never_fits": gettext_lazy(
        "The rows above fit everything that this one fits. Move it up, or drop it."
    ),
    "too_many_rows": gettext_lazy("A plan has at most 200 rows of aid."),
    "too_long": gettext_lazy(
        "The terms are too long for an entry of the log: use fewer rows or shorter names."
    ),
    "too_many_classes": gettext_lazy("A plan has at most 64 classes."),
    "out_of_range": gettext_lazy("Choose a value from %(low)s to %(high)s."),
    "unknown_choice": gettext_lazy("Choose one of the values that are offered."),
    "unknown_field": gettext_lazy("Plans have no such field."),
    "missing_field": gettext_lazy("This must be given."),
    "too_few_for_case_cap": gettext_lazy(
        "A case at the highest aid, borne under this cap, takes at least %(needed)s members; the plan asks for"
        " %(given)s. Raise the number of members or the cap, or lower the aid."
    ),
    "floor_above_minimum": gettext_lazy(
        "The pool would end as soon as it opens: write %(most)s at most, or raise the fewest members."
    ),
    "floor_below_break_even": gettext_lazy(
        "Under the most for one case, fewer than %(needed)s members do not bear a case at the highest aid. Write"
        " %(needed)s at least, or change that cap."
    ),
    "run_off_cannot_be_paid": gettext_lazy(
        "%(members)s members at %(given)s each do not bear one case at the highest aid with its fee: it takes"
        " %(needed)s each. Raise the most a member pays, or the number of members, or lower the aid."
    ),
    "warned_from_the_start": gettext_lazy(
        "Members join with %(needed)s: a warning level above it would warn all of them at once."
    ),
    "too_many_reminders": gettext_lazy("A share is asked for again at most 6 times."),
    "reminders_out_of_order": gettext_lazy("Write the days from the first to the last, each one once."),
    "grace_ends_before_the_last_reminder": gettext_lazy(
        "The last reminder comes on day %(needed)s: write as many days of grace at least, or fewer reminders."
    ),
    "arrears_of_wallets": gettext_lazy(
        "Members who pay ahead owe nothing: what follows from an unpaid share is for pools that pay afterwards."
    ),
    "funding_may_not_turn": gettext_lazy(
        "A pool with members keeps paying ahead or afterwards, as it began. The amounts and days may change."
    ),
    "quorum_above_seats": gettext_lazy(
        "There are %(most)s jurors: fewer than the votes it takes. Lower them, or draw more jurors."
    ),
    "threshold_above_all_votes": gettext_lazy(
        "More than all of the votes never comes. Say at least, or a smaller part."
    ),
    "jury_without_appeal": gettext_lazy(
        "A jury hears what an appeal has refused: give the days of an appeal, or leave the jury empty."
    ),
    "investigation_without_reserve": gettext_lazy(
        "This plan keeps no reserve: fill the reserve in, or name somebody else who bears what investigations cost."
    ),
    "may_not_disappear": gettext_lazy("Members were promised this. It may change, not disappear."),
    "period_cap_above_year_cap": gettext_lazy(
        "Nobody pays more than %(most)s in a whole year, so the most for one period has to be below that."
    ),
    "cap_on_a_case_that_waits": gettext_lazy(
        "Where a part of the aid waits, a case is shared in several periods and would be under the whole cap in each:"
        " drop the cap per case, or let the sponsor pay the rest."
    ),
    "reserve_never_fills": gettext_lazy("Say what each period puts by: a percentage, a sum, or both."),
    "reserve_never_pays": gettext_lazy(
        "A reserve pays what a cap per period or year leaves. Set the most for one period or year and member, or drop"
        " the reserve."
    ),
    "reserve_goes_to_the_operator": gettext_lazy(
        "What members put by never goes to whoever runs the pool. Name another body, or leave it to the members."
    ),
    **AID_ERRORS,
    "class_left_out": gettext_lazy("Members belong to class %(class_no)s. Keep it; its weight may change."),
}

"""Answers to objections by somebody from outside: where nobody of the pool may give them."""

import datetime as dt

from django.db import transaction

from claims.publicity import services
from claims.publicity.models import Objection
from claims.publicity.objection_selectors import Reader, Told, objections_in_full, told
from claims.publicity.selectors import access_objection
from claims.review import outside_reviews
from claims.review.outside_models import OutsideReview
from members.people.models import User


@transaction.atomic
def answer_from_outside(
    *, review: OutsideReview, person: User, number: int, upheld: bool, answer: str, at: dt.datetime
) -> Objection:
    """Answer an objection from outside, as `services.answer_objection`; after the last open one the claim is absent.

    Raises: NotFoundError once it is over, and whatever answering raises.
    """
    return outside_reviews.judge(
        review,
        person,
        at,
        OutsideReview.Stage.OBJECTION,
        lambda claim: services.answer_objection(
            objection=access_objection(claim=claim, number=number),
            answerer=person.code,
            upheld=upheld,
            answer=answer,
            at=at,
        ),
    )


def objections_for_outside(review: OutsideReview, at: dt.datetime) -> list[Told]:
    """Return the objections to a claim as whoever answers them reads them, oldest first. Three queries."""
    return [told(one, Reader.IN_FULL, at) for one in objections_in_full(review.claim)]

"""Which of one's memberships a program asks for: as the pages do it."""

from typing import cast

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from members.joining.models import Membership
from members.joining.selectors import access_membership
from members.people.models import User

# A parameter of every operation that reads one of one's own memberships.
WHICH = OpenApiParameter(
    "member", int, description="the number of which of my memberships of this pool; left out: the last one"
)


def own_membership(request: Request, code: str) -> Membership:
    """Return the membership that a program asks for; no pool, none of mine and no number of mine answer alike.

    Raises: NotFoundError.
    """
    number = request.query_params.get("member", "")
    return access_membership(code=code, person=cast(User, request.user), number=number)

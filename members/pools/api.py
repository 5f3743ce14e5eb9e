"""Pools and their plans for programs, the door of endpoints that need a duty, and tokens."""

from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Cursor, Endpoint, PersonalEndpoint
from aidplatform.lib.errors import ForbiddenError, NotFoundError
from members.people.models import ApiToken, User
from members.people.services import end_token, make_token
from members.pools.models import PlanVersion, Pool
from members.pools.rules import has_second_factor
from members.pools.selectors import access_pool, duties_of


def person_of(request: Request) -> User | None:
    """Return who asks; None for a visitor."""
    return request.user if request.user.is_authenticated else None


def viewer_duties(request: Request, pool: Pool) -> set[str]:
    """Return the viewer's duties in the pool, where they come with a second factor; else none."""
    person = person_of(request)
    return duties_of(person, pool) if person and is_strong(request) else set()


def is_strong(request: Request) -> bool:
    """Tell whether session or token goes back to a second factor."""
    if isinstance(request.auth, ApiToken):
        return request.auth.is_strong
    return has_second_factor(request._request)


def public_pool(request: Request, code: str) -> Pool:
    """Return a pool; a draft exists only for its founders. Raises: NotFoundError."""
    pool = access_pool(code=code)
    if pool.state == Pool.State.DRAFT and not viewer_duties(request, pool):
        raise NotFoundError(_("There is no pool with this address."))
    return pool


class DutyEndpoint(Endpoint):
    """An endpoint for those who hold one of `duties` in the pool that the address names by `code`."""

    duties: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.policy = "duty:" + ",".join(cls.duties)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in like `duty_required`: strangers find no pool, other duties are refused, MFA is a must."""
        super().initial(request, *args, **kwargs)
        person = person_of(request)
        if person is None:
            raise NotAuthenticated
        held = duties_of(person, access_pool(code=kwargs["code"]))
        if not held:
            raise NotFoundError(_("There is no pool with this address."))
        if not is_strong(request):
            raise ForbiddenError(_("This needs a second factor."), code="second_factor_missing")
        if not held & set(self.duties):
            raise ForbiddenError(_("Your duties in this pool do not include this."))


class PoolRow(serializers.ModelSerializer[Pool]):
    """A pool."""

    class Meta:
        model = Pool
        fields = ["code", "name_en", "name_zh", "currency", "time_zone", "state", "opened_date"]


class PlanVersionRow(serializers.ModelSerializer[PlanVersion]):
    """A plan version with the texts that members sign; amounts in minor units."""

    class Meta:
        model = PlanVersion
        fields = [
            "number",
            "effective_date",
            "published_at",
            "terms",
            "terms_sha256",
            "covenant_en",
            "covenant_zh",
            "covenant_sha256",
            "declaration",
            "declaration_sha256",
        ]


class PoolsByCode(Cursor):
    """Pools in the order of their codes."""

    ordering = "code"


class NewestNumber(Cursor):
    """Numbered rows, newest first."""

    ordering = "-number"


class PoolList(Endpoint, ListAPIView[Pool]):
    """All pools beyond their draft."""

    serializer_class = PoolRow
    pagination_class = PoolsByCode
    queryset = Pool.objects.exclude(state=Pool.State.DRAFT)


class PoolDetail(Endpoint):
    """One pool."""

    @extend_schema(operation_id="pool", responses=PoolRow)
    def get(self, request: Request, code: str) -> Response:
        """Return the pool."""
        return Response(PoolRow(public_pool(request, code)).data)


class PlanVersionList(Endpoint, ListAPIView[PlanVersion]):
    """The plan versions of a pool, newest first."""

    serializer_class = PlanVersionRow
    pagination_class = NewestNumber
    queryset = PlanVersion.objects.none()

    def get_queryset(self) -> QuerySet[PlanVersion]:
        """Return those of the pool that the address names."""
        return PlanVersion.objects.filter(pool=public_pool(self.request, self.kwargs["code"]))


class TokenText(serializers.Serializer[Any]):
    """A new token, shown once."""

    token = serializers.CharField(read_only=True)


class TokenEndpoint(PersonalEndpoint):
    """Make or end one's token."""

    @extend_schema(operation_id="make_token", request=None, responses={201: TokenText})
    def post(self, request: Request) -> Response:
        """Make a token; an older one ends. Only from a session: a token makes no other token."""
        if isinstance(request.auth, ApiToken):
            raise ForbiddenError(_("Sign in on the page to make a token."))
        token = make_token(person=cast(User, request.user), is_strong=is_strong(request), at=clock.now())
        return Response({"token": token}, status=201)

    @extend_schema(operation_id="end_token", request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        """End the token."""
        end_token(person=cast(User, request.user), at=clock.now())
        return Response(status=204)

"""Pools and their plans for programs, the door of endpoints that need a duty, and tokens."""

from collections.abc import Callable
from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Cursor, Endpoint, PersonalEndpoint, idempotency_key
from aidplatform.lib.errors import ForbiddenError, NotFoundError
from aidplatform.work.idempotency import once, scope_of
from members.people.models import ApiToken, User
from members.people.services import end_token, make_token
from members.pools.aid_sense import jumps
from members.pools.aid_words import jump_words
from members.pools.models import DutyGrant, PlanProposal, PlanVersion, Pool
from members.pools.plan_terms import PlanTerms, TermsError
from members.pools.plan_words import Difference, difference
from members.pools.refusal_words import terms_refusal
from members.pools.rules import PLAN_READERS, has_second_factor
from members.pools.selectors import (
    access_pool,
    access_proposal,
    access_version,
    duties_of,
    holds_anywhere,
    newest_plan,
    proposals_of,
    version_before,
)
from members.pools.services import propose_plan, publish_proposal, withdraw_proposal


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
    """Return a pool; a private one exists only for its founders. Raises: NotFoundError."""
    pool = access_pool(code=code)
    if pool.is_private and not viewer_duties(request, pool):
        raise NotFoundError(_("There is no pool with this address."))
    return pool


class DutyEndpoint(Endpoint):
    """An endpoint for those who hold one of `duties`, or any where it is empty, in the pool that the address names."""

    duties: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.policy = "duty:" + ",".join(cls.duties) if cls.duties else "staff"

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
        if self.duties and not held & set(self.duties):
            raise ForbiddenError(_("Your duties in this pool do not include this."))


class DutyDeed(DutyEndpoint):
    """A deed of those who hold a duty: once per Idempotency-Key of a person."""

    def do_once(
        self, request: Request, deed: str, content: dict[str, Any], act: Callable[[User], dict[str, Any]]
    ) -> dict[str, Any]:
        """Do it in the name of whoever asks and return the answer; repeated, the first answer."""
        person = person_of(request)
        assert person is not None
        return once(
            scope=scope_of(person.code, self.kwargs["code"], deed),
            key=idempotency_key(request),
            content=content,
            act=lambda: act(person),
        )


class StrongEndpoint(PersonalEndpoint):
    """An endpoint for whoever has signed in with a second factor, about themselves, like `second_factor_required`."""

    policy = "second_factor"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Demand the second factor."""
        super().initial(request, *args, **kwargs)
        if not is_strong(request):
            raise ForbiddenError(_("This needs a second factor."), code="second_factor_missing")


class AdminAnywhereEndpoint(Endpoint):
    """An endpoint for whoever is the admin of some pool, like `duty_anywhere` for pages."""

    policy = f"duty-anywhere:{DutyGrant.Duty.POOL_ADMIN.value}"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in admins with a second factor; to everybody else there is no such page."""
        super().initial(request, *args, **kwargs)
        person = person_of(request)
        if person is None:
            raise NotAuthenticated
        if not holds_anywhere(person, DutyGrant.Duty.POOL_ADMIN):
            raise NotFoundError(_("There is no such page, or it is not yours to see."))
        if not is_strong(request):
            raise ForbiddenError(_("This needs a second factor."), code="second_factor_missing")


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
    """All pools that are public."""

    serializer_class = PoolRow
    pagination_class = PoolsByCode
    queryset = Pool.objects.exclude(state__in=Pool.PRIVATE)


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


class ChangeRow(serializers.Serializer[Any]):
    """A rule that differs, in the reader's language."""

    name = serializers.CharField()
    before = serializers.ListField(child=serializers.CharField())
    after = serializers.ListField(child=serializers.CharField())


class PieceRow(serializers.Serializer[Any]):
    """A paragraph: same, gone or new."""

    look = serializers.CharField()
    text = serializers.CharField()


class DifferenceRow(serializers.Serializer[Any]):
    """What a version changes against the one before it; empty for the first."""

    rules = ChangeRow(many=True)
    covenant_en = PieceRow(many=True)
    covenant_zh = PieceRow(many=True)
    questions = PieceRow(many=True)


class PlanChanges(Endpoint):
    """What a plan version changed."""

    @extend_schema(operation_id="plan_changes", responses=DifferenceRow)
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return what differs from the version before, in the language asked for."""
        pool = public_pool(request, code)
        found = access_version(pool=pool, number=number)
        before = version_before(found)
        changed = difference(before, found, pool.currency) if before else Difference()
        return Response(DifferenceRow(changed).data)


class WarningRow(serializers.Serializer[Any]):
    """A step of aid between two neighboring ages at which the expected cost more than doubles, or halves.

    rows: the rows of aid before and after it. cost_*_fen: expected cost of a year for each unit of weight, by an
    illustrative incidence. It warns and refuses nothing.
    """

    code = serializers.CharField()
    severity = serializers.CharField()
    age = serializers.IntegerField()
    rows = serializers.ListField(child=serializers.CharField())
    aid_before_fen = serializers.IntegerField()
    aid_after_fen = serializers.IntegerField()
    cost_before_fen = serializers.IntegerField()
    cost_after_fen = serializers.IntegerField()
    says = serializers.CharField()


def warnings_of(plan: PlanTerms, currency: str) -> list[dict[str, Any]]:
    """Return what makes little sense in a plan, in the reader's language."""
    return [
        {
            "code": "aid_jumps",
            "severity": jump.after.aid.severity,
            "age": jump.after.age,
            "rows": list(jump.paths),
            "aid_before_fen": jump.before.aid.max_aid_fen,
            "aid_after_fen": jump.after.aid.max_aid_fen,
            "cost_before_fen": int(jump.before.cost_fen),
            "cost_after_fen": int(jump.after.cost_fen),
            "says": jump_words(jump, currency),
        }
        for jump in jumps(plan)
    ]


class ProposalRow(serializers.ModelSerializer[PlanProposal]):
    """A proposal to change the rules; who publishes it names its shown_sha256."""

    warnings = serializers.SerializerMethodField()

    class Meta:
        model = PlanProposal
        fields = [
            "number",
            "state",
            "effective_date",
            "reason",
            "terms",
            "covenant_en",
            "covenant_zh",
            "declaration",
            "shown_sha256",
            "proposed_by",
            "proposed_at",
            "decided_by",
            "decided_at",
            "warnings",
        ]

    @extend_schema_field(WarningRow(many=True))
    def get_warnings(self, proposal: PlanProposal) -> list[dict[str, Any]]:
        """Return what makes little sense in the proposed rules."""
        return warnings_of(proposal.plan(), proposal.pool.currency)


class ProposalText(serializers.Serializer[Any]):
    """New rules; texts that are left out stay as they are."""

    base_version = serializers.IntegerField(min_value=1, help_text="the version that it changes")
    terms = serializers.DictField()
    covenant_en = serializers.CharField(required=False, max_length=100_000, trim_whitespace=False)
    covenant_zh = serializers.CharField(required=False, max_length=100_000, trim_whitespace=False)
    declaration = serializers.ListField(child=serializers.DictField(), required=False, max_length=100)
    effective_date = serializers.DateField()
    reason = serializers.CharField(max_length=1000)


class ProposalList(DutyEndpoint, ListAPIView[PlanProposal]):
    """The proposals to change a pool's rules, newest first."""

    duties = PLAN_READERS
    serializer_class = ProposalRow
    pagination_class = NewestNumber
    queryset = PlanProposal.objects.none()

    def get_queryset(self) -> QuerySet[PlanProposal]:
        """Return those of the pool that the address names."""
        return proposals_of(access_pool(code=self.kwargs["code"]))


class Proposing(DutyEndpoint):
    """A new proposal."""

    duties = (DutyGrant.Duty.POOL_ADMIN.value,)

    @extend_schema(operation_id="propose_plan", request=ProposalText, responses={201: ProposalRow})
    def post(self, request: Request, code: str) -> Response:
        """Propose new rules; a controller publishes them. Only one proposal waits at a time."""
        given = ProposalText(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        pool = access_pool(code=code)
        last = newest_plan(pool)
        try:
            made = propose_plan(
                pool=pool,
                base=fields["base_version"],
                terms=fields["terms"],
                covenant=(
                    fields.get("covenant_en", last.covenant_en),
                    fields.get("covenant_zh", last.covenant_zh),
                ),
                declaration=fields.get("declaration", last.declaration),
                effective_date=fields["effective_date"],
                reason=fields["reason"],
                proposer=cast(User, request.user).code,
                at=clock.now(),
            )
        except TermsError as error:
            raise terms_refusal(error) from None
        return Response(ProposalRow(made).data, status=201)


class ShownText(serializers.Serializer[Any]):
    """The hash of what was shown: exactly that is decided."""

    shown_sha256 = serializers.RegexField(r"^[0-9a-f]{64}$")


class ProposalPublication(DutyEndpoint):
    """The publication of a proposal by a second person."""

    duties = (DutyGrant.Duty.CONTROLLER.value,)

    @extend_schema(operation_id="publish_plan", request=ShownText, responses={201: PlanVersionRow})
    def post(self, request: Request, code: str, number: int) -> Response:
        """Publish exactly what was shown; every member is told. It is never edited."""
        given = ShownText(data=request.data)
        given.is_valid(raise_exception=True)
        version = publish_proposal(
            proposal=access_proposal(pool=access_pool(code=code), number=number),
            publisher=cast(User, request.user).code,
            at=clock.now(),
            **given.validated_data,
        )
        return Response(PlanVersionRow(version).data, status=201)


class ProposalWithdrawal(DutyEndpoint):
    """Taking a proposal back, or turning it down."""

    duties = (DutyGrant.Duty.POOL_ADMIN.value, DutyGrant.Duty.CONTROLLER.value)

    @extend_schema(operation_id="withdraw_plan", request=None, responses=ProposalRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """End it; the rules stay as they are."""
        found = access_proposal(pool=access_pool(code=code), number=number)
        done = withdraw_proposal(proposal=found, withdrawer=cast(User, request.user).code, at=clock.now())
        return Response(ProposalRow(done).data)


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

"""Periods for programs: public from the announcement on, and the controller's approval."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Endpoint, idempotency_key
from aidplatform.lib.openapi import KEY_HEADER
from aidplatform.work.idempotency import once
from ledger.sharing import posting, selectors, services
from ledger.sharing.face_selectors import FacesOf, Fields
from ledger.sharing.layers import MEMBERS, PUBLIC
from ledger.sharing.models import FIGURES, Award, Period
from ledger.sharing.moves import moves_of
from members.pools.api import DutyEndpoint, NewestNumber, person_of, public_pool, viewer_duties
from members.pools.models import DutyGrant, Pool
from members.pools.selectors import access_pool

_MONEY = tuple(name for name in FIGURES if name != "books_upto_no")


class PeriodRow(serializers.ModelSerializer[Period]):
    """A period; figures (minor units) are null until computed, and for strangers of a very small pool."""

    class Meta:
        model = Period
        fields = [
            "number", "state", "opening_date", "next_opening_date", "publicity_date", "publicity_end_date",
            "charge_date", "announced_at", "headcount", *_MONEY, "classes", "shown_sha256", "posted_at",
        ]  # fmt: skip

    def to_representation(self, instance: Period) -> dict[str, Any]:
        """Return the row, without figures where they could point at one person."""
        row = dict(super().to_representation(instance))
        if not self.context["shows"](instance):
            row |= dict.fromkeys((*_MONEY, "headcount", "classes", "shown_sha256"))
        return row


class MoveRow(serializers.Serializer[Any]):
    """How many went between this pool and that one, at the last age of the one that they left."""

    pool = serializers.CharField(source="pool.code")
    members = serializers.IntegerField()


class MovesRow(serializers.Serializer[Any]):
    """What has become of the headcount of the period before. came: from other pools; went: on in other pools."""

    before = serializers.IntegerField()
    came = MoveRow(many=True)
    went = MoveRow(many=True)


class PeriodBody(PeriodRow):
    """A period with its moves; null for the first headcount, and where figures of few are not told."""

    moves = serializers.SerializerMethodField()

    class Meta(PeriodRow.Meta):
        fields = [*PeriodRow.Meta.fields, "moves"]

    @extend_schema_field(MovesRow(allow_null=True))
    def get_moves(self, period: Period) -> dict[str, Any] | None:
        """Return them."""
        if period.headcount is None or not self.context["shows"](period):
            return None
        moves = moves_of(period, is_near=self.context["is_near"])
        return dict(MovesRow(moves).data) if moves else None


class AwardRow(serializers.ModelSerializer[Award]):
    """A published case; rest_of: the case number that a rest goes on with.

    masked: what the viewer may know of the person and the illness, members of the pool more than everyone; what too few
    share, and what the person withholds, is left out.
    """

    period = serializers.IntegerField(source="period.number")
    rest_of = serializers.CharField(source="rest_of.code", allow_null=True, default=None)
    masked = serializers.SerializerMethodField()

    class Meta:
        model = Award
        fields = ["code", "rest_of", "period", "masked", "aid_fen", "shared_fen", "state"]

    @extend_schema_field(serializers.DictField())
    def get_masked(self, award: Award) -> Fields:
        """Return the fields of the viewer's layer."""
        faces: FacesOf = self.context["faces"]
        return faces.told(award)


class ApprovalText(serializers.Serializer[Any]):
    """The hash of the figures that were shown: exactly these are approved."""

    shown_sha256 = serializers.RegexField(r"^[0-9a-f]{64}$")


class ApprovalAnswer(serializers.Serializer[Any]):
    """The state that an approval, or a cancellation, led to."""

    state = serializers.CharField()


class PostingAnswer(serializers.Serializer[Any]):
    """How far a posting has come; the rate and the time left are of the run since it was ordered or went on."""

    state = serializers.CharField()
    stage = serializers.ChoiceField(["waiting", "opening", "charging", "closing", "paused", "posted"])
    paused_at = serializers.DateTimeField(allow_null=True)
    done_shards = serializers.IntegerField()
    all_shards = serializers.IntegerField()
    done_members = serializers.IntegerField()
    all_members = serializers.IntegerField()
    percent = serializers.IntegerField()
    members_per_second = serializers.IntegerField()
    seconds_left = serializers.IntegerField(allow_null=True)


_TOLD = (
    "state", "stage", "done_shards", "all_shards", "done_members", "all_members", "percent", "members_per_second",
    "seconds_left",
)  # fmt: skip


class _PeriodEndpoint(Endpoint):
    """What list and single period share: who sees which."""

    def visible_periods(self, request: Request, pool: Pool) -> QuerySet[Period]:
        """Return what the viewer may know of: staff all, others the announced ones."""
        return selectors.periods(pool) if viewer_duties(request, pool) else selectors.public_periods(pool)

    def period_context(self, request: Request, pool: Pool) -> dict[str, Any]:
        """Return whether figures may be shown, decided once per request, and whether the viewer is of the pool."""
        is_near = bool(viewer_duties(request, pool)) or selectors.is_member(pool, person_of(request))
        return {"is_near": is_near, "shows": lambda period: is_near or selectors.is_large_enough(period)}


class PeriodList(_PeriodEndpoint, ListAPIView[Period]):
    """The periods of a pool, newest first."""

    serializer_class = PeriodRow
    pagination_class = NewestNumber
    queryset = Period.objects.none()

    def get_queryset(self) -> QuerySet[Period]:
        """Return those of the pool that the address names."""
        return self.visible_periods(self.request, public_pool(self.request, self.kwargs["code"]))

    def get_serializer_context(self) -> dict[str, Any]:
        """Return the context with the rule of small pools."""
        context = dict(super().get_serializer_context())
        if "code" not in self.kwargs:  # the schema is made without a request
            return context
        pool = public_pool(self.request, self.kwargs["code"])
        return context | self.period_context(self.request, pool)


class PeriodDetail(_PeriodEndpoint):
    """One period."""

    @extend_schema(operation_id="period", responses=PeriodBody)
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return the period; before its announcement it exists for the staff only."""
        pool = public_pool(request, code)
        staff = viewer_duties(request, pool)
        access = selectors.access_period if staff else selectors.access_public_period
        found = access(pool=pool, number=number)
        return Response(PeriodBody(found, context=self.period_context(request, pool)).data)


class CaseList(Endpoint, ListAPIView[Award]):
    """The cases a pool has announced, newest first; for strangers none of a very small pool."""

    serializer_class = AwardRow
    queryset = Award.objects.none()

    def get_queryset(self) -> QuerySet[Award]:
        """Return the announced cases the viewer may see."""
        pool = public_pool(self.request, self.kwargs["code"])
        found = selectors.published_awards(pools=[pool], near=[pool] if self._is_near(pool) else [])
        return found.select_related("period", "rest_of")

    def _is_near(self, pool: Pool) -> bool:
        """Tell whether the viewer has a duty in the pool or belongs to it."""
        duties = viewer_duties(self.request, pool)
        return bool(duties) or selectors.is_member(pool, person_of(self.request))

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Return the serializer of a page of cases, with what the viewer is told of them read at once."""
        if args and "code" in self.kwargs:
            pool = public_pool(self.request, self.kwargs["code"])
            layer = MEMBERS if self._is_near(pool) else PUBLIC
            kwargs["context"] = {**self.get_serializer_context(), "faces": FacesOf(args[0], layer)}
        return super().get_serializer(*args, **kwargs)


class PeriodApproval(DutyEndpoint):
    """The approval of exactly the figures that were shown."""

    duties = (DutyGrant.Duty.CONTROLLER.value,)

    @extend_schema(
        operation_id="approve_period", request=ApprovalText, responses=ApprovalAnswer, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Approve; the same Idempotency-Key again gives the first answer again."""
        key = idempotency_key(request)
        given = ApprovalText(data=request.data)
        given.is_valid(raise_exception=True)
        shown = given.validated_data["shown_sha256"]
        found = selectors.access_period(pool=access_pool(code=code), number=number)
        person = person_of(request)
        assert person is not None
        answer = once(
            scope=f"{person.code}/approve/{found.code}",
            key=key,
            content={"shown_sha256": shown},
            act=lambda: {
                "state": services.approve_period(
                    period=found, approver=person.code, shown_sha256=shown, at=clock.now()
                ).state
            },
        )
        return Response(ApprovalAnswer(answer).data)


def _posting_answer(period: Period) -> Response:
    told = selectors.progress(period)
    return Response(
        PostingAnswer(
            {name: getattr(told, name) for name in _TOLD} | {"paused_at": period.posting_paused_at}
        ).data
    )


class PostingProgress(DutyEndpoint):
    """How far the posting of a period has come."""

    duties = (
        DutyGrant.Duty.POOL_ADMIN.value,
        DutyGrant.Duty.CONTROLLER.value,
        DutyGrant.Duty.TREASURER.value,
        DutyGrant.Duty.AUDITOR.value,
    )

    @extend_schema(operation_id="posting", responses=PostingAnswer)
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return shards and members done, the rate, and the time left."""
        return _posting_answer(selectors.access_period(pool=access_pool(code=code), number=number))


class _Steering(DutyEndpoint):
    """What a pool admin or a controller does with a posting."""

    duties = (DutyGrant.Duty.POOL_ADMIN.value, DutyGrant.Duty.CONTROLLER.value)

    def steered(self, request: Request, code: str, number: int) -> tuple[Period, str]:
        """Return the period and the code of who asks."""
        person = person_of(request)
        assert person is not None
        return selectors.access_period(pool=access_pool(code=code), number=number), person.code


class PostingPause(_Steering):
    """The pause of a posting."""

    @extend_schema(operation_id="pause_posting", request=None, responses=PostingAnswer)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Let no further shard be begun; paused already, it stays so."""
        found, person = self.steered(request, code, number)
        return _posting_answer(posting.pause_posting(period=found, pauser=person, at=clock.now()))


class PostingResumption(_Steering):
    """The end of a pause."""

    @extend_schema(operation_id="resume_posting", request=None, responses=PostingAnswer)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Go on with what is not written yet; not paused, it just goes on."""
        found, person = self.steered(request, code, number)
        return _posting_answer(posting.resume_posting(period=found, resumer=person))


class PostingCancellation(_Steering):
    """The cancellation of a paused posting."""

    @extend_schema(
        operation_id="cancel_posting", request=None, responses=ApprovalAnswer, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Take away what was written, and the approval; the same Idempotency-Key again gives the same answer."""
        key = idempotency_key(request)
        found, person = self.steered(request, code, number)
        answer = once(
            scope=f"{person}/cancel_posting/{found.code}",
            key=key,
            content={},
            act=lambda: {"state": posting.cancel_posting(period=found, canceller=person).state},
        )
        return Response(ApprovalAnswer(answer).data)

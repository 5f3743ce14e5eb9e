"""A pool's beginning for programs: presets, the draft, people, the readiness card, gathering and opening."""

from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Endpoint, PersonalEndpoint
from aidplatform.lib.errors import NotFoundError
from ledger.disclosure.readiness import readiness
from ledger.founding import services
from ledger.founding.forms import FoundForm
from members.people.models import User
from members.pools import founding
from members.pools.api import (
    AdminAnywhereEndpoint,
    DutyEndpoint,
    PoolRow,
    WarningRow,
    public_pool,
    warnings_of,
)
from members.pools.models import DutyGrant, DutyInvitation, PlanDraft
from members.pools.plan_terms import TermsError
from members.pools.presets import Preset, all_presets, find_preset
from members.pools.refusal_words import terms_refusal
from members.pools.selectors import access_draft, access_pool, invitations_to

ADMIN = DutyGrant.Duty.POOL_ADMIN.value


class SourceRow(serializers.Serializer[Any]):
    """Where a value comes from; is_ours: it was never published and is our own default."""

    en = serializers.CharField()
    zh = serializers.CharField()
    is_ours = serializers.BooleanField()


class PresetRow(serializers.Serializer[Any]):
    """Rules to begin with; sources by the path of a term or of whatever begins so. Amounts in minor units."""

    code = serializers.CharField()
    name_en = serializers.CharField()
    name_zh = serializers.CharField()
    about_en = serializers.CharField()
    about_zh = serializers.CharField()
    expected_members = serializers.IntegerField()
    terms = serializers.DictField()
    wind_down = serializers.DictField()
    sources = serializers.DictField(child=SourceRow())
    warnings = serializers.SerializerMethodField()

    @extend_schema_field(WarningRow(many=True))
    def get_warnings(self, preset: Preset) -> list[dict[str, Any]]:
        """Return what makes little sense in its rules."""
        return warnings_of(preset.plan(), "CNY")


class DraftRow(serializers.ModelSerializer[PlanDraft]):
    """The rules of a draft pool as they are written now, and what makes little sense in them."""

    warnings = serializers.SerializerMethodField()

    class Meta:
        model = PlanDraft
        fields = [
            "preset",
            "terms",
            "covenant_en",
            "covenant_zh",
            "declaration",
            "expected_members",
            "changes",
            "changed_by",
            "changed_at",
            "warnings",
        ]

    @extend_schema_field(WarningRow(many=True))
    def get_warnings(self, draft: PlanDraft) -> list[dict[str, Any]]:
        """Return what makes little sense in the rules."""
        return warnings_of(draft.plan(), draft.pool.currency)


class DraftText(serializers.Serializer[Any]):
    """The rules as a whole; changes: the number of edits that were seen. Texts that are left out stay."""

    changes = serializers.IntegerField(min_value=1)
    terms = serializers.DictField()
    covenant_en = serializers.CharField(required=False, max_length=100_000, trim_whitespace=False)
    covenant_zh = serializers.CharField(required=False, max_length=100_000, trim_whitespace=False)
    expected_members = serializers.IntegerField(required=False, min_value=1, max_value=1_000_000_000)


class FoundText(serializers.Serializer[Any]):
    """What a new pool is called and counts in."""

    name_en = serializers.CharField()
    name_zh = serializers.CharField()
    code = serializers.CharField()
    currency = serializers.CharField(default="CNY")
    time_zone = serializers.CharField(default="Asia/Shanghai")
    expected_members = serializers.IntegerField()


class ItemRow(serializers.Serializer[Any]):
    """A line of the readiness card."""

    code = serializers.CharField()
    name = serializers.CharField()
    is_met = serializers.BooleanField()
    says = serializers.CharField()


class CardRow(serializers.Serializer[Any]):
    """What a pool needs before members may join, and before it opens."""

    items = ItemRow(many=True)
    members = serializers.IntegerField()
    minimum = serializers.IntegerField()
    may_gather = serializers.BooleanField()
    may_open = serializers.BooleanField()


class InvitationText(serializers.Serializer[Any]):
    """Whom to ask for which duty."""

    duty = serializers.ChoiceField(choices=DutyGrant.Duty.choices)
    email = serializers.EmailField(max_length=254)


class InvitationRow(serializers.ModelSerializer[DutyInvitation]):
    """A duty that somebody was asked to take."""

    pool = serializers.CharField(source="pool.code")

    class Meta:
        model = DutyInvitation
        fields = ["id", "pool", "duty", "email", "state", "invited_at", "decided_at"]


class SeenText(serializers.Serializer[Any]):
    """The number of edits of the draft that was shown: exactly that is published."""

    changes = serializers.IntegerField(min_value=1)


class AnswerText(serializers.Serializer[Any]):
    """Yes or no."""

    accepts = serializers.BooleanField()


class PresetList(Endpoint):
    """The presets: few and fixed, so they come on one page."""

    @extend_schema(operation_id="presets", responses=PresetRow(many=True))
    def get(self, request: Request) -> Response:
        """Return every preset with its sources."""
        return Response(PresetRow(all_presets(), many=True).data)


class Founding(AdminAnywhereEndpoint):
    """A new pool."""

    @extend_schema(operation_id="found_pool", request=FoundText, responses={201: DraftRow})
    def post(self, request: Request, preset: str) -> Response:
        """Found a draft pool that begins with the rules of a preset."""
        given = FoundText(data=request.data)
        given.is_valid(raise_exception=True)
        form = FoundForm(given.validated_data)
        if not form.is_valid():
            raise serializers.ValidationError(
                {name: [str(one) for one in found] for name, found in form.errors.items()}
            )
        try:
            chosen = find_preset(preset)
        except KeyError:
            raise NotFoundError(_("There is no preset of this name.")) from None
        draft = services.found(
            preset=chosen, founder=cast(User, request.user), at=clock.now(), **form.cleaned_data
        )
        return Response(DraftRow(draft).data, status=201)


class Draft(DutyEndpoint):
    """The rules of a draft pool."""

    duties = (ADMIN,)

    @extend_schema(operation_id="plan_draft", responses=DraftRow)
    def get(self, request: Request, code: str) -> Response:
        """Return the rules as they are written now."""
        return Response(DraftRow(access_draft(pool=access_pool(code=code))).data)

    @extend_schema(operation_id="write_plan_draft", request=DraftText, responses=DraftRow)
    def put(self, request: Request, code: str) -> Response:
        """Write the rules anew, as a whole."""
        draft = access_draft(pool=access_pool(code=code))
        given = DraftText(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        try:
            saved = founding.write_draft(
                draft=draft,
                changes=fields["changes"],
                terms=fields["terms"],
                covenant=(
                    fields.get("covenant_en", draft.covenant_en),
                    fields.get("covenant_zh", draft.covenant_zh),
                ),
                expected_members=fields.get("expected_members", draft.expected_members),
                editor=cast(User, request.user).code,
                at=clock.now(),
            )
        except TermsError as error:
            raise terms_refusal(error) from None
        return Response(DraftRow(saved).data)


class ReadinessCard(Endpoint):
    """The readiness card: public as soon as members may join."""

    @extend_schema(operation_id="readiness", responses=CardRow)
    def get(self, request: Request, code: str) -> Response:
        """Return what the pool has and what is missing."""
        return Response(CardRow(readiness(public_pool(request, code))).data)


class Inviting(DutyEndpoint):
    """The people who were asked to take a duty in a draft pool."""

    duties = (ADMIN,)

    @extend_schema(operation_id="duty_invitations", responses=InvitationRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return the newest questions: a founding takes few."""
        found = access_pool(code=code).duty_invitations.select_related("pool").order_by("-pk")[:200]
        return Response(InvitationRow(found, many=True).data)

    @extend_schema(operation_id="invite_to_duty", request=InvitationText, responses={201: InvitationRow})
    def post(self, request: Request, code: str) -> Response:
        """Ask somebody; they get an e-mail and answer when they have signed in."""
        given = InvitationText(data=request.data)
        given.is_valid(raise_exception=True)
        asked = founding.invite(
            pool=access_pool(code=code),
            inviter=cast(User, request.user),
            at=clock.now(),
            **given.validated_data,
        )
        return Response(InvitationRow(asked).data, status=201)


class Gathering(DutyEndpoint):
    """From draft to gathering."""

    duties = (ADMIN,)

    @extend_schema(operation_id="gather_pool", request=SeenText, responses=PoolRow)
    def post(self, request: Request, code: str) -> Response:
        """Publish the draft that was shown as version 1, and let members join."""
        given = SeenText(data=request.data)
        given.is_valid(raise_exception=True)
        pool = services.start_gathering(
            pool=access_pool(code=code),
            starter=cast(User, request.user).code,
            at=clock.now(),
            **given.validated_data,
        )
        return Response(PoolRow(pool).data)


class GivingUp(DutyEndpoint):
    """From draft to given up."""

    duties = (ADMIN,)

    @extend_schema(operation_id="give_up_pool", request=None, responses=PoolRow)
    def post(self, request: Request, code: str) -> Response:
        """Give the draft up for good."""
        pool = founding.give_up(pool=access_pool(code=code), by=cast(User, request.user).code, at=clock.now())
        return Response(PoolRow(pool).data)


class Opening(DutyEndpoint):
    """From gathering to open."""

    duties = (ADMIN,)

    @extend_schema(operation_id="open_pool", request=None, responses=PoolRow)
    def post(self, request: Request, code: str) -> Response:
        """Open the pool from today on."""
        pool = services.open_for_sharing(pool=access_pool(code=code), opener=cast(User, request.user).code)
        return Response(PoolRow(pool).data)


class MyInvitations(PersonalEndpoint):
    """The duties that I was asked to take."""

    @extend_schema(operation_id="my_duty_invitations", responses=InvitationRow(many=True))
    def get(self, request: Request) -> Response:
        """Return what waits for my answer."""
        found = invitations_to(cast(User, request.user)).order_by("pk")
        return Response(InvitationRow(found, many=True).data)


class MyAnswer(PersonalEndpoint):
    """My answer to one of them."""

    @extend_schema(operation_id="answer_duty_invitation", request=AnswerText, responses=InvitationRow)
    def post(self, request: Request, invitation_id: int) -> Response:
        """Take the duty, or say no."""
        person = cast(User, request.user)
        given = AnswerText(data=request.data)
        given.is_valid(raise_exception=True)
        found = invitations_to(person).filter(pk=invitation_id).first()
        if found is None:
            raise NotFoundError(_("There is no such page, or it is not yours to see."))
        answer = (
            founding.accept_invitation if given.validated_data["accepts"] else founding.decline_invitation
        )
        answer(invitation=found, person=person, at=clock.now())
        found.refresh_from_db()
        return Response(InvitationRow(found).data)

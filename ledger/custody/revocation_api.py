"""Aid taken back before it was paid, for programs: what was, a proposal, and the word of the second person."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.openapi import KEY_HEADER
from ledger.custody import revocations
from ledger.custody.api import Decision, MoneyDeed, OrderState
from ledger.custody.pages import CONTROLLER, READERS, REVOKING, SECOND_REVIEWER
from ledger.custody.revocation_models import AwardRevocation
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber
from members.pools.selectors import access_pool


class RevocationRow(serializers.ModelSerializer[AwardRevocation]):
    """What is taken back of a case, in minor units; fee_owed_fen: of the fee, what the operator owes the members."""

    case = serializers.CharField(source="award.code")
    period = serializers.IntegerField(source="award.period.number")
    entry = serializers.IntegerField(source="entry.number", allow_null=True, default=None)

    class Meta:
        model = AwardRevocation
        fields = [
            "number", "case", "period", "reason", "aid_fen", "fee_fen", "fee_owed_fen", "state", "proposed_by",
            "proposed_at", "due_at", "decided_by", "decided_at", "entry",
        ]  # fmt: skip


class RevocationText(serializers.Serializer[Any]):
    """What was found; everybody can read it."""

    reason = serializers.CharField(max_length=300)


class RevocationNumber(serializers.Serializer[Any]):
    """What was proposed."""

    number = serializers.IntegerField()


class RevocationList(DutyEndpoint, ListAPIView[AwardRevocation]):
    """What was taken back of a pool's awards or is proposed to be, newest first."""

    duties = (*READERS, SECOND_REVIEWER)
    serializer_class = RevocationRow
    pagination_class = NewestNumber
    queryset = AwardRevocation.objects.none()

    def get_queryset(self) -> QuerySet[AwardRevocation]:
        """Return those of the pool that the address names."""
        return revocations.revocations(access_pool(code=self.kwargs["code"]))


class RevocationProposal(MoneyDeed):
    """Taking the unpaid aid of a case back."""

    duties = (SECOND_REVIEWER,)

    @extend_schema(
        operation_id="propose_revocation",
        request=RevocationText,
        responses={201: RevocationNumber},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, award: str) -> Response:
        """Propose it; until a controller decides, no payment of the case is ordered."""
        given = RevocationText(data=request.data)
        given.is_valid(raise_exception=True)
        found = revocations.access_revocable(pool=access_pool(code=code), case=award)

        def act(person: User) -> dict[str, Any]:
            made = revocations.propose_revocation(
                award=found, proposer=person.code, at=clock.now(), **given.validated_data
            )
            return {"number": made.number}

        answer = self.do_once(request, f"revoke/{award}", given.validated_data, act)
        return Response(RevocationNumber(answer).data, status=201)


class _Decision(Decision):
    decision_of = staticmethod(revocations.decision_of)


class RevocationAgreement(_Decision):
    """The second person's word."""

    duties = (CONTROLLER,)
    deed = "agree_revocation"

    @extend_schema(
        operation_id="agree_to_revocation", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Book it, state it in the log, and tell the claimant."""
        return self.decide(request, code, number)


class RevocationWithdrawal(_Decision):
    """Taking a proposal back, or turning it down."""

    duties = REVOKING
    deed = "withdraw_revocation"

    @extend_schema(
        operation_id="withdraw_revocation", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Leave the aid owed as it is."""
        return self.decide(request, code, number)

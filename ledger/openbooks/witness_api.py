"""The witnesses of a log for programs."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Endpoint
from aidplatform.lib.openapi import KEY_HEADER
from ledger.openbooks import witnesses as naming
from ledger.openbooks.selectors import Witnessing, WitnessRow, witnessing_of
from ledger.openbooks.witness_models import WitnessPolicy
from members.people.models import User
from members.pools.api import DutyDeed, DutyEndpoint, NewestNumber, public_pool
from members.pools.selectors import access_pool


class RefusalOfWitness(serializers.Serializer[Any]):
    """That a witness would not sign; status 409: it has seen another log."""

    size = serializers.IntegerField(source="checkpoint.size")
    status = serializers.IntegerField()
    said = serializers.CharField()
    at = serializers.DateTimeField()


class WitnessOfLog(serializers.Serializer[WitnessRow]):
    """A witness, up to how many statements it has signed, and when by its own clock."""

    vkey = serializers.SerializerMethodField()
    url = serializers.CharField(source="witness.url")
    signed_size = serializers.IntegerField(source="signed.checkpoint.size", allow_null=True, default=None)
    signed_at = serializers.DateTimeField(source="signed.signed_at", allow_null=True, default=None)
    refusal = RefusalOfWitness(allow_null=True)

    def get_vkey(self, row: WitnessRow) -> str:
        """Return the key as a policy has it."""
        return row.witness.key.encode()


class WitnessesOfLog(serializers.Serializer[Witnessing]):
    """The witnesses in force; whole_size: up to how many statements as many as are needed have signed."""

    witnesses = WitnessOfLog(source="rows", many=True)
    whole_size = serializers.IntegerField(source="whole_until.size", allow_null=True, default=None)


class WitnessPolicyRow(serializers.ModelSerializer[WitnessPolicy]):
    """Witnesses that a pool admin has proposed, as lines of a policy, and who decided."""

    class Meta:
        model = WitnessPolicy
        fields = ["number", "text", "state", "proposed_by", "proposed_at", "decided_by", "decided_at"]


class NamedWitness(serializers.Serializer[Any]):
    """A witness as it tells its key and its address."""

    vkey = serializers.CharField(max_length=3000)
    url = serializers.CharField(max_length=500)


class WitnessesText(serializers.Serializer[Any]):
    """Who is to witness the log, and how many of them are needed."""

    witnesses = NamedWitness(many=True)
    needed = serializers.IntegerField(min_value=0, max_value=naming.MOST_WITNESSES)


class WitnessPolicyNumber(serializers.Serializer[Any]):
    """The policy that was proposed."""

    number = serializers.IntegerField()


class WitnessPolicyState(serializers.Serializer[Any]):
    """Where the policy is now."""

    state = serializers.CharField()


class LogWitnesses(Endpoint):
    """The witnesses in force and how far each has signed, for everyone."""

    @extend_schema(operation_id="log_witnesses", responses=WitnessesOfLog)
    def get(self, request: Request, code: str) -> Response:
        """Return them; none where nobody witnesses the log."""
        found = witnessing_of(public_pool(request, code).code)
        return Response(WitnessesOfLog(found).data if found else {"witnesses": [], "whole_size": None})


class WitnessPolicyList(DutyEndpoint, ListAPIView[WitnessPolicy]):
    """All policies, newest first."""

    duties = naming.NAMERS
    serializer_class = WitnessPolicyRow
    pagination_class = NewestNumber
    queryset = WitnessPolicy.objects.none()

    def get_queryset(self) -> QuerySet[WitnessPolicy]:
        """Return those of the pool that the address names."""
        return naming.policies_of(access_pool(code=self.kwargs["code"]))


class WitnessPolicyProposal(DutyDeed):
    """A proposal of witnesses."""

    duties = naming.PROPOSERS

    @extend_schema(
        operation_id="propose_witnesses",
        request=WitnessesText,
        responses={201: WitnessPolicyNumber},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str) -> Response:
        """Propose them; they hold once an auditor or a controller has approved them."""
        given = WitnessesText(data=request.data)
        given.is_valid(raise_exception=True)
        pool = access_pool(code=code)
        named = [(one["vkey"], one["url"]) for one in given.validated_data["witnesses"]]
        needed = given.validated_data["needed"]

        def act(person: User) -> dict[str, Any]:
            made = naming.propose_witnesses(
                pool=pool, witnesses=named, needed=needed, proposer=person.code, at=clock.now()
            )
            return {"number": made.number}

        answer = self.do_once(request, "propose_witnesses", {"witnesses": named, "needed": needed}, act)
        return Response(WitnessPolicyNumber(answer).data, status=201)


class WitnessPolicyApproval(DutyDeed):
    """The approval of witnesses by a second person."""

    duties = naming.APPROVERS

    @extend_schema(
        operation_id="approve_witnesses",
        request=None,
        responses=WitnessPolicyState,
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Let them be the witnesses from now on; the log says so."""
        found = naming.access_policy(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            done = naming.approve_witnesses(policy=found, approver=person.code, at=clock.now())
            return {"state": done.state}

        return Response(
            WitnessPolicyState(self.do_once(request, f"approve_witnesses/{number}", {}, act)).data
        )


class WitnessPolicyWithdrawal(DutyDeed):
    """Taking proposed witnesses back."""

    duties = naming.NAMERS

    @extend_schema(
        operation_id="withdraw_witnesses",
        request=None,
        responses=WitnessPolicyState,
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Take them back; those in force stay."""
        found = naming.access_policy(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            done = naming.withdraw_witnesses(policy=found, person=person.code, at=clock.now())
            return {"state": done.state}

        return Response(
            WitnessPolicyState(self.do_once(request, f"withdraw_witnesses/{number}", {}, act)).data
        )

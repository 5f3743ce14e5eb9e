"""A member's own proof of a period for their programs: what the stand-alone verifier reads."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib.drf import PersonalEndpoint
from ledger.sharing.roll_proofs import proof_of
from members.joining.own import WHICH, own_membership


class ProofRow(serializers.Serializer[Any]):
    """A bundle of format huzhu-proof/2; it holds the member's secret and is for nobody else.

    leaf: the own line. path: from it upwards [side, counts, own amounts, hash]. frozen_path: the hashes of the same
    steps before there were amounts, when all these members counted at the rate. checkpoint: a signed head. entries:
    four statements of the log, each as its bytes are, with its place and its way to that head, by places in hashes.
    """

    format = serializers.CharField()
    pool = serializers.CharField()
    period = serializers.IntegerField()
    member = serializers.DictField()
    id_inner = serializers.DictField()
    leaf = serializers.DictField()
    path = serializers.ListField(child=serializers.ListField())
    frozen_path = serializers.ListField(child=serializers.CharField())
    key = serializers.CharField()
    checkpoint = serializers.CharField()
    hashes = serializers.ListField(child=serializers.CharField())
    entries = serializers.DictField(child=serializers.DictField())


class MyProof(PersonalEndpoint):
    """That my line stands in the roll of a posted period, with my amount."""

    @extend_schema(operation_id="my_proof", parameters=[WHICH], responses=ProofRow)
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return it; 404 where I did not share the period, or its roll is not signed yet."""
        membership = own_membership(request, code)
        response = Response(proof_of(membership, number))
        response["Cache-Control"] = "private, no-store"
        return response

"""The signed log for programs: the last checkpoint, and proofs against it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Endpoint
from aidplatform.lib.errors import NotFoundError
from ledger.openbooks.keys import published_keys
from ledger.openbooks.merkle import consistency_proof, inclusion_proof
from ledger.openbooks.selectors import (
    NOTHING_SIGNED,
    Signing,
    leaves_of,
    published_checkpoint,
    signing_of,
)
from members.pools.api import public_pool


class CheckpointRow(serializers.Serializer[Any]):
    """The last signed head. note: with all signatures. waiting: statements that no checkpoint covers yet.

    vkey: the key that has signed it; keys: a line for each key so far, with the signature of the one before.
    """

    origin = serializers.CharField()
    vkey = serializers.CharField()
    keys = serializers.CharField()
    size = serializers.IntegerField()
    root_hash = serializers.CharField(help_text="hexadecimal")
    fingerprint = serializers.CharField()
    note = serializers.CharField()
    signed_at = serializers.DateTimeField()
    heard_at = serializers.DateTimeField(help_text="when the signer last said that it is there")
    waiting = serializers.IntegerField()
    waiting_since = serializers.DateTimeField(allow_null=True)
    is_late = serializers.BooleanField()
    is_silent = serializers.BooleanField()


class InclusionRow(serializers.Serializer[Any]):
    """The way from one entry's leaf to the root of the checkpoint, from the leaf upwards, in hexadecimal."""

    seq = serializers.IntegerField()
    leaf_hash = serializers.CharField()
    proof = serializers.ListField(child=serializers.CharField())
    checkpoint = CheckpointRow()


class ConsistencyRow(serializers.Serializer[Any]):
    """That the log of so many entries is the beginning of the log of the checkpoint, in hexadecimal."""

    old = serializers.IntegerField()
    proof = serializers.ListField(child=serializers.CharField())
    checkpoint = CheckpointRow()


class LastCheckpoint(Endpoint):
    """The last signed head of a pool's log, for everyone."""

    @extend_schema(operation_id="log_checkpoint", responses=CheckpointRow)
    def get(self, request: Request, code: str) -> Response:
        """Return it; 404 before the first."""
        return Response(CheckpointRow(_row(_signed(request, code))).data)


class Inclusion(Endpoint):
    """A proof that an entry stands in the signed log."""

    @extend_schema(operation_id="log_inclusion", responses=InclusionRow)
    def get(self, request: Request, code: str, seq: int) -> Response:
        """Return it; 404 for an entry that the last checkpoint does not cover."""
        signing = _signed(request, code)
        leaves = leaves_of(code, _size(signing))
        if seq >= len(leaves):
            raise NotFoundError(NOTHING_SIGNED)
        proof = [part.hex() for part in inclusion_proof(seq, leaves)]
        row = {"seq": seq, "leaf_hash": leaves[seq].hex(), "proof": proof, "checkpoint": _row(signing)}
        return Response(InclusionRow(row).data)


class Consistency(Endpoint):
    """A proof that nothing before was rewritten."""

    @extend_schema(operation_id="log_consistency", responses=ConsistencyRow)
    def get(self, request: Request, code: str, old: int) -> Response:
        """Return it; 404 for a size that the last checkpoint does not reach."""
        signing = _signed(request, code)
        leaves = leaves_of(code, _size(signing))
        if old > len(leaves):
            raise NotFoundError(NOTHING_SIGNED)
        proof = [part.hex() for part in consistency_proof(old, leaves)]
        return Response(ConsistencyRow({"old": old, "proof": proof, "checkpoint": _row(signing)}).data)


def _signed(request: Request, code: str) -> Signing:
    """Return how far the log is signed. Raises: NotFoundError before the first checkpoint."""
    pool = public_pool(request, code)
    signing = signing_of(pool.code, clock.now())
    if signing.checkpoint is None:
        raise NotFoundError(NOTHING_SIGNED)
    return signing


def _size(signing: Signing) -> int:
    assert signing.checkpoint is not None
    return signing.checkpoint.size


def _row(signing: Signing) -> dict[str, Any]:
    head, key, last = signing.head, signing.key, signing.checkpoint
    assert head is not None
    assert key is not None
    assert last is not None
    return {
        "origin": head.origin,
        "vkey": key.vkey,
        "keys": published_keys(signing.keys),
        "size": head.size,
        "root_hash": head.root.hex(),
        "fingerprint": signing.fingerprint,
        "note": published_checkpoint(last),
        "signed_at": last.signed_at,
        "heard_at": signing.heard_at,
        "waiting": signing.waiting,
        "waiting_since": signing.waiting_since,
        "is_late": signing.is_late,
        "is_silent": signing.is_silent,
    }

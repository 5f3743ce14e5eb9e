"""Moving in for programs: upload a list, read what would happen, propose it, approve it."""

import base64
import binascii
from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Cursor
from members.joining import importing, looking
from members.joining.import_files import LARGEST_FILE
from members.joining.listed import access_import, access_upload, last_day_to_confirm
from members.joining.models import MemberImport, MemberUpload
from members.people.models import User
from members.pools.api import DutyEndpoint
from members.pools.models import DutyGrant
from members.pools.selectors import access_pool

ADMIN = DutyGrant.Duty.POOL_ADMIN.value
CONTROLLER = DutyGrant.Duty.CONTROLLER.value
READERS = (ADMIN, CONTROLLER, DutyGrant.Duty.TREASURER.value, DutyGrant.Duty.AUDITOR.value)


class ListText(serializers.Serializer[Any]):
    """A member list, a workbook or CSV, in Base64; larger ones than requests may hold go by the page."""

    filename = serializers.CharField(max_length=120)
    content = serializers.CharField(max_length=LARGEST_FILE * 4 // 3 + 4, trim_whitespace=False)

    def validate_content(self, text: str) -> bytes:
        """Return the file. Raises: ValidationError where it is no Base64."""
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise serializers.ValidationError(_("This is no Base64.")) from None


class FaultRow(serializers.Serializer[Any]):
    """What is wrong with one cell: row of the file, column, a stable word, and a sentence that follows the title."""

    row = serializers.IntegerField()
    column = serializers.CharField()
    code = serializers.CharField()
    says = serializers.CharField()


class LookRow(serializers.Serializer[Any]):
    """What a look at a list found; is_finished false: it is still being looked at, rows_done of rows_all."""

    sha256 = serializers.CharField()
    filename = serializers.CharField()
    looks = serializers.IntegerField()
    is_finished = serializers.BooleanField()
    rows_done = serializers.IntegerField()
    rows_all = serializers.IntegerField(allow_null=True)
    refused = serializers.CharField(required=False)
    counts = serializers.DictField(child=serializers.IntegerField(), required=False)
    unknown_columns = serializers.ListField(child=serializers.CharField(), required=False)
    fault_count = serializers.IntegerField(required=False)
    faults = FaultRow(many=True, required=False)
    may_propose = serializers.BooleanField(required=False)


class LooksText(serializers.Serializer[Any]):
    """The look that was read: another one since is a reason to read again."""

    looks = serializers.IntegerField(min_value=1)


class ShownRowsText(serializers.Serializer[Any]):
    """The hash of the rows that were read."""

    shown_sha256 = serializers.CharField(min_length=64, max_length=64)


class ImportRow(serializers.ModelSerializer[MemberImport]):
    """An import; owed_fen in minor units. last_day: until when waiting time counts for who confirms."""

    last_day = serializers.SerializerMethodField()

    class Meta:
        model = MemberImport
        fields = [
            "number",
            "filename",
            "state",
            "row_count",
            "served",
            "owed_fen",
            "prepaid_fen",
            "shown_sha256",
            "proposed_by",
            "proposed_at",
            "decided_by",
            "decided_at",
            "last_day",
        ]

    @extend_schema(responses=serializers.DateField(allow_null=True))
    def get_last_day(self, found: MemberImport) -> str | None:
        """Return the day as text."""
        day = last_day_to_confirm(found)
        return day.isoformat() if day else None


class ListUpload(DutyEndpoint):
    """A list to be looked at."""

    duties = (ADMIN,)

    @extend_schema(operation_id="upload_member_list", request=ListText, responses={201: LookRow})
    def post(self, request: Request, code: str) -> Response:
        """Keep the list and have it looked at; the same file again is looked at again."""
        given = ListText(data=request.data)
        given.is_valid(raise_exception=True)
        kept = looking.keep_upload(
            pool=access_pool(code=code),
            data=given.validated_data["content"],
            filename=given.validated_data["filename"],
            uploader=cast(User, request.user).code,
            at=clock.now(),
        )
        return Response(LookRow(_look_of(kept)).data, status=201)


class Look(DutyEndpoint):
    """What a look at a list found."""

    duties = (ADMIN,)

    @extend_schema(operation_id="member_list", responses=LookRow)
    def get(self, request: Request, code: str, sha256: str) -> Response:
        """Return every mistake, and what would happen; nothing of the members is written."""
        return Response(LookRow(_look_of(access_upload(pool=access_pool(code=code), sha256=sha256))).data)


class ListProposal(DutyEndpoint):
    """A list that becomes an import."""

    duties = (ADMIN,)

    @extend_schema(operation_id="propose_import", request=LooksText, responses={201: ImportRow})
    def post(self, request: Request, code: str, sha256: str) -> Response:
        """Propose the list that was read; its rows are written down by a job."""
        given = LooksText(data=request.data)
        given.is_valid(raise_exception=True)
        proposed = importing.propose_import(
            upload=access_upload(pool=access_pool(code=code), sha256=sha256),
            proposer=cast(User, request.user).code,
            at=clock.now(),
            **given.validated_data,
        )
        return Response(ImportRow(proposed).data, status=201)


class ImportList(DutyEndpoint):
    """The imports of a pool."""

    duties = READERS

    @extend_schema(operation_id="member_imports", responses=ImportRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return the imports, newest first, without anybody's name."""
        pages = Cursor()
        page = pages.paginate_queryset(
            access_pool(code=code).member_imports.select_related("pool"), request, view=self
        )
        return pages.get_paginated_response(ImportRow(page, many=True).data)


class ImportApproval(DutyEndpoint):
    """The approval by a second person."""

    duties = (CONTROLLER,)

    @extend_schema(operation_id="approve_import", request=ShownRowsText, responses=ImportRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Approve exactly the rows that were read; everybody on the list is asked."""
        given = ShownRowsText(data=request.data)
        given.is_valid(raise_exception=True)
        done = importing.approve_import(
            member_import=access_import(pool=access_pool(code=code), number=number),
            approver=cast(User, request.user).code,
            at=clock.now(),
            **given.validated_data,
        )
        return Response(ImportRow(done).data)


class ImportWithdrawal(DutyEndpoint):
    """Taking an import back, or turning it down."""

    duties = (ADMIN, CONTROLLER)

    @extend_schema(operation_id="withdraw_import", request=None, responses=ImportRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Withdraw it; its rows bind nobody."""
        done = importing.withdraw_import(
            member_import=access_import(pool=access_pool(code=code), number=number),
            withdrawer=cast(User, request.user).code,
            at=clock.now(),
        )
        return Response(ImportRow(done).data)


def _look_of(waiting: MemberUpload) -> dict[str, Any]:
    report = looking.report_of(waiting)
    found = {
        "sha256": waiting.sha256,
        "filename": waiting.filename,
        "looks": waiting.looks,
        "is_finished": report is not None,
        "rows_done": waiting.rows_done,
        "rows_all": waiting.rows_all,
    }
    if report is None:
        return found
    return found | {
        "refused": report.refused,
        "counts": report.counts,
        "unknown_columns": report.unknown,
        "fault_count": report.fault_count,
        "faults": report.faults,
        "may_propose": report.may_propose,
    }

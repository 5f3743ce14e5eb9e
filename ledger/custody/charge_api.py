"""Debits for programs: files, their instructions, what the agent says; a member's own and "try again"."""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Cursor, PersonalEndpoint, idempotency_key
from aidplatform.lib.openapi import KEY_HEADER
from aidplatform.work.idempotency import once, scope_of
from ledger.custody import charge_files, charge_results, charge_selectors
from ledger.custody.api import MoneyDeed
from ledger.custody.charge_models import (
    ChargeExport,
    ChargeFile,
    ChargeInstruction,
    ChargeResult,
    ChargeResultFile,
)
from ledger.custody.mandates import live_mandate
from ledger.custody.pages import READERS, TREASURER
from ledger.sharing.selectors import access_period
from members.joining.selectors import access_membership
from members.people.debit_words import what_to_do, why
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber
from members.pools.selectors import access_pool


class ChargeExportRow(serializers.ModelSerializer[ChargeExport]):
    """A form in which a file is exported, and the hash of its bytes."""

    class Meta:
        model = ChargeExport
        fields = ["format", "sha256", "size"]


class ChargeFileRow(serializers.ModelSerializer[ChargeFile]):
    """A charge file, in minor units."""

    exports = ChargeExportRow(many=True)

    class Meta:
        model = ChargeFile
        fields = [
            "number", "period_no", "scheme", "instruction_count", "amount_fen", "first_no", "last_no", "made_by",
            "made_date", "made_at", "exports",
        ]  # fmt: skip


class ChargeFileList(DutyEndpoint, ListAPIView[ChargeFile]):
    """The charge files of a pool, newest first."""

    duties = READERS
    serializer_class = ChargeFileRow
    pagination_class = NewestNumber
    queryset = ChargeFile.objects.none()

    def get_queryset(self) -> QuerySet[ChargeFile]:
        """Return those of the pool that the address names."""
        return charge_files.files_of(access_pool(code=self.kwargs["code"])).prefetch_related("exports")


class ResultRow(serializers.ModelSerializer[ChargeResult]):
    """What the agent says of an instruction; reason: the code of the bank."""

    class Meta:
        model = ChargeResult
        fields = ["kind", "reason", "result_date"]


class InstructionRow(serializers.ModelSerializer[ChargeInstruction]):
    """A debit of a payer, by their number, in minor units, with what became of it."""

    results = ResultRow(many=True)

    class Meta:
        model = ChargeInstruction
        fields = [
            "end_to_end_id", "payer_no", "period_no", "attempt", "mandate_reference", "signed_date", "is_first",
            "collection_date", "amount_fen", "results",
        ]  # fmt: skip


class ByRow(Cursor):
    """Rows in the order in which they were written."""

    ordering = "pk"


class InstructionList(DutyEndpoint, ListAPIView[ChargeInstruction]):
    """The instructions of a charge file, in the order of their payers."""

    duties = READERS
    serializer_class = InstructionRow
    pagination_class = ByRow
    queryset = ChargeInstruction.objects.none()

    def get_queryset(self) -> QuerySet[ChargeInstruction]:
        """Return those of the file that the address names."""
        pool = access_pool(code=self.kwargs["code"])
        return charge_files.instructions_of(charge_files.access_file(pool=pool, number=self.kwargs["number"]))


class JobAnswer(serializers.Serializer[Any]):
    """A worker makes the files; the list shows them."""

    accepted = serializers.BooleanField()


class ChargeFileMaking(MoneyDeed):
    """Making the files of whatever is due of a period."""

    duties = (TREASURER,)

    @extend_schema(
        operation_id="make_charge_files", request=None, responses={202: JobAnswer}, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Have them made by a worker."""
        period = access_period(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            charge_files.request_files(period=period, maker=person.code, at=clock.now())
            return {"accepted": True}

        return Response(JobAnswer(self.do_once(request, f"charge_files/{number}", {}, act)).data, status=202)


class ResultFileRow(serializers.ModelSerializer[ChargeResultFile]):
    """An answer of the agent that was taken, in minor units."""

    class Meta:
        model = ChargeResultFile
        fields = [
            "number", "agent_number", "format", "sha256", "line_count", "dropped_lines", "pending_lines",
            "collected_fen", "rejected_fen", "returned_fen", "imported_by", "imported_at",
        ]  # fmt: skip


class ResultFileList(DutyEndpoint, ListAPIView[ChargeResultFile]):
    """The answers of the agent that were taken, newest first."""

    duties = READERS
    serializer_class = ResultFileRow
    pagination_class = NewestNumber
    queryset = ChargeResultFile.objects.none()

    def get_queryset(self) -> QuerySet[ChargeResultFile]:
        """Return those of the pool that the address names."""
        return ChargeResultFile.objects.filter(pool=access_pool(code=self.kwargs["code"]))


class ResultsText(serializers.Serializer[Any]):
    """An answer of the agent: pain.002 or CSV."""

    file = serializers.FileField()


class ImportAnswer(serializers.Serializer[Any]):
    """What an import did: number null and is_new false where nothing in the file was new."""

    number = serializers.IntegerField(allow_null=True)
    is_new = serializers.BooleanField()
    dropped = serializers.IntegerField()
    pending = serializers.IntegerField()


class ResultsImport(MoneyDeed):
    """Taking an answer of the agent, whole or not at all."""

    duties = (TREASURER,)
    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="import_debit_results",
        request=ResultsText,
        responses=ImportAnswer,
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str) -> Response:
        """Book what is new in it; the same file again changes nothing."""
        pool = access_pool(code=code)
        given = ResultsText(data=request.data)
        given.is_valid(raise_exception=True)
        file = given.validated_data["file"]
        data = file.read()

        def act(person: User) -> dict[str, Any]:
            made = charge_results.import_results(
                pool=pool, data=data, filename=str(file.name), importer=person.code, at=clock.now()
            )
            number = made.file.number if made.file else None
            return {"number": number, "is_new": made.is_new, "dropped": made.dropped, "pending": made.pending}

        content = {"sha256": charge_results.sha256_of(data)}
        return Response(ImportAnswer(self.do_once(request, "debit_results", content, act)).data)


class MyDebitRow(serializers.Serializer[Any]):
    """A debit from my account, in minor units; why and what to do in the reader's language, where it has failed."""

    period_no = serializers.IntegerField()
    attempt = serializers.IntegerField()
    date = serializers.DateField()
    fen = serializers.IntegerField()
    state = serializers.ChoiceField(("pending", "collected", "failed", "returned"))
    reason = serializers.CharField()
    said_date = serializers.DateField(allow_null=True)
    why = serializers.SerializerMethodField()
    what_to_do = serializers.SerializerMethodField()

    def get_why(self, one: charge_selectors.MyDebit) -> str:
        """Return what has happened."""
        return why(one.reason) if one.state in {"failed", "returned"} else ""

    def get_what_to_do(self, one: charge_selectors.MyDebit) -> str:
        """Return what can be done about it."""
        return what_to_do(one.reason) if one.state in {"failed", "returned"} else ""


class ComingDebitRow(serializers.Serializer[Any]):
    """What is to be debited of a period next, in minor units.

    date: the earliest day; null where it is not tried again by itself. is_due: it goes with the next file.
    is_offered: false where no debit fetches it any more, and it has to be transferred.
    """

    period_no = serializers.IntegerField()
    fen = serializers.IntegerField()
    date = serializers.DateField(allow_null=True)
    is_due = serializers.BooleanField()
    is_offered = serializers.BooleanField()


class MyComingDebits(PersonalEndpoint):
    """What is to be debited from my account next."""

    policy = "member"

    @extend_schema(operation_id="my_coming_debits", responses=ComingDebitRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return it by period, nothing without a mandate in force; no pool and none of mine answer alike."""
        membership = access_membership(code=code, person=cast(User, request.user))
        coming = charge_selectors.next_debits(membership) if live_mandate(membership) else []
        return Response(ComingDebitRow(coming, many=True).data)


class RetryAnswer(serializers.Serializer[Any]):
    """The day on which I asked; it goes with the next file."""

    asked_date = serializers.DateField()


class MyDebits(PersonalEndpoint):
    """My debits, and trying again what failed."""

    policy = "member"

    @extend_schema(operation_id="my_debits", responses=MyDebitRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return them, newest first; no pool and none of mine answer alike."""
        membership = access_membership(code=code, person=cast(User, request.user))
        return Response(MyDebitRow(charge_selectors.debits_of(membership), many=True).data)

    @extend_schema(
        operation_id="retry_my_debit", request=None, responses={201: RetryAnswer}, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str) -> Response:
        """Let what failed be debited with the next file; once a day."""
        person = cast(User, request.user)
        membership = access_membership(code=code, person=person)

        def act() -> dict[str, Any]:
            made = charge_files.ask_retry(membership=membership, asker=person.code)
            return {"asked_date": made.asked_date.isoformat()}

        key = idempotency_key(request)
        answer = once(scope=scope_of(person.code, code, "my_debit"), key=key, content={}, act=act)
        return Response(answer, status=201)

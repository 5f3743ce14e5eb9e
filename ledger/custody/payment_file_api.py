"""Files of payments for programs; their bytes are downloaded at the page's address."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.openapi import KEY_HEADER
from ledger.custody import payment_files
from ledger.custody.api import MoneyDeed
from ledger.custody.pages import READERS, TREASURER
from ledger.custody.payment_file_models import PaymentFile
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber
from members.pools.selectors import access_pool


class PaymentFileRow(serializers.ModelSerializer[PaymentFile]):
    """A file that took payments to the bank, with the hashes of its two forms. Amounts in minor units."""

    class Meta:
        model = PaymentFile
        fields = ["number", "order_count", "amount_fen", "made_at", "made_by", "xml_sha256", "csv_sha256"]


class PaymentFileAnswer(serializers.Serializer[dict[str, Any]]):
    """The file that was made."""

    number = serializers.IntegerField()


class PaymentFileList(DutyEndpoint, ListAPIView[PaymentFile]):
    """The files of payments, newest first."""

    duties = READERS
    serializer_class = PaymentFileRow
    pagination_class = NewestNumber
    queryset = PaymentFile.objects.none()

    def get_queryset(self) -> QuerySet[PaymentFile]:
        """Return those of the pool that the address names."""
        return payment_files.files_of(access_pool(code=self.kwargs["code"]))


class PaymentFileNext(MoneyDeed):
    """The next file: every released payment that is in none."""

    duties = (TREASURER,)

    @extend_schema(
        operation_id="make_payment_file",
        request=None,
        responses={201: PaymentFileAnswer},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str) -> Response:
        """Make it; a payment stands in one file, ever."""
        pool = access_pool(code=code)

        def act(person: User) -> dict[str, Any]:
            return {"number": payment_files.make_file(pool=pool, maker=person.code, at=clock.now()).number}

        answer = self.do_once(request, "payment-file", {}, act)
        return Response(PaymentFileAnswer(answer).data, status=201)

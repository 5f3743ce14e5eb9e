"""My phone number, for programs."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from members.people.models import User
from members.people.phones import confirm_number, forget_number, hint_of, phone_of, tell_number
from members.people.text_models import Phone


class PhoneBody(serializers.Serializer[Any]):
    """The end of the number, and since when it is confirmed; both empty where none is told."""

    number_hint = serializers.CharField()
    told_at = serializers.DateTimeField(allow_null=True)
    confirmed_at = serializers.DateTimeField(allow_null=True)


class NumberText(serializers.Serializer[Any]):
    """A number with its country code."""

    number = serializers.CharField(max_length=30)


class CodeText(serializers.Serializer[Any]):
    """The code that the number was sent."""

    code = serializers.CharField(max_length=10)


class MyPhone(PersonalEndpoint):
    """To which number text messages go."""

    @extend_schema(operation_id="my_phone", responses=PhoneBody)
    def get(self, request: Request) -> Response:
        """Return where it stands."""
        person = cast(User, request.user)
        return _answer(person, phone_of(person))

    @extend_schema(operation_id="tell_phone", request=NumberText, responses=PhoneBody)
    def put(self, request: Request) -> Response:
        """Keep another number, and send it a code."""
        person = cast(User, request.user)
        given = NumberText(data=request.data)
        given.is_valid(raise_exception=True)
        return _answer(person, tell_number(person=person, at=clock.now(), **given.validated_data))

    @extend_schema(operation_id="forget_phone", request=None, responses=PhoneBody)
    def delete(self, request: Request) -> Response:
        """Forget the number."""
        person = cast(User, request.user)
        forget_number(person=person)
        return _answer(person, None)


class PhoneConfirmation(PersonalEndpoint):
    """The code by which a number is confirmed."""

    @extend_schema(operation_id="confirm_phone", request=CodeText, responses=PhoneBody)
    def post(self, request: Request) -> Response:
        """Confirm the number."""
        person = cast(User, request.user)
        given = CodeText(data=request.data)
        given.is_valid(raise_exception=True)
        return _answer(person, confirm_number(person=person, at=clock.now(), **given.validated_data))


def _answer(person: User, phone: Phone | None) -> Response:
    body = {
        "number_hint": hint_of(person, phone) if phone else "",
        "told_at": phone.told_at if phone else None,
        "confirmed_at": phone.confirmed_at if phone else None,
    }
    return Response(PhoneBody(body).data)

"""Where a link for somebody outside is mailed, for programs."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request


class LinkAddress(serializers.Serializer[Any]):
    """The address to which a link is mailed, without a word of the case; empty: nowhere."""

    address = serializers.EmailField(allow_blank=True, default="")


def address_of(request: Request) -> str:
    """Return the address of a request to make a link."""
    given = LinkAddress(data=request.data)
    given.is_valid(raise_exception=True)
    return str(given.validated_data["address"])

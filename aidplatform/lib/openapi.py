"""What the schema says of every endpoint. Apart from `drf`, which the framework imports before the schema can be."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from aidplatform.lib.drf import Problem


class Schema(AutoSchema):
    """The schema of an endpoint: what it returns, and the problem that it answers instead."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        refused = self._get_response_for_code(  # type: ignore[no-untyped-call]
            Problem, "default", ["application/problem+json"]
        )
        return bodies | {"default": refused | {"description": "A refusal."}}


KEY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="8 to 80 characters, new for each deed: the same key again gives the first answer again.",
)

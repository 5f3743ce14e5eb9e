"""How a person's program says for whom it speaks."""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from aidplatform.lib import clock
from members.people.models import ApiToken, User
from members.people.services import TOKEN_LIFE, hash_of

KEYWORD = b"bearer"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`; only the token's hash is known here."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the person behind a live token; None without the header. Raises: AuthenticationFailed."""
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != KEYWORD:
            return None
        text = words[1].decode("ascii", "replace") if len(words) == 2 else ""
        token = (
            ApiToken.objects.filter(
                token_sha256=hash_of(text), ended_at=None, created_at__gt=clock.now() - TOKEN_LIFE
            )
            .select_related("person")
            .first()
        )
        if token is None or not token.person.is_active:
            raise AuthenticationFailed(_("This token is not known, or has ended."))
        return token.person, token

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 asks for."""
        return "Bearer"


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema names it."""

    target_class = "members.people.api.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """Return the scheme of RFC 6750."""
        return {"type": "http", "scheme": "bearer"}

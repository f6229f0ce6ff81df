"""Authentication by API token: `Authorization: Bearer TOKEN`."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts.models import ApiToken, User
from apps.core.db.prepared import Prepared

# Recording each use would make every request a write.
USE_RECORDED_EVERY = timedelta(minutes=5)

_BY_DIGEST = Prepared(
    lambda digest, now: (
        ApiToken.objects.usable(now)
        .select_related("user")
        .filter(digest=digest)
        .only("scopes", "last_used_at", "user__email", "user__name", "user__is_active", "user__is_staff")
    ),
    "digest",
    "now",
)


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """None leaves the request to the session. Raises AuthenticationFailed for a token that is not valid."""
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        now = timezone.now()
        digest = ApiToken.digest_of(b" ".join(words[1:]).decode("latin-1"))
        token = _BY_DIGEST.first(digest=digest, now=now)
        if token is None:
            raise AuthenticationFailed("This token is unknown, has expired or was revoked.")
        if token.last_used_at is None or now - token.last_used_at > USE_RECORDED_EVERY:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Named, so that a request without a sign-in is answered 401 and not 403."""
        return "Bearer"


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}

"""What a token's scopes allow. What the user's role allows is decided in `apps.projects.permissions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from apps.accounts.models import ApiToken

if TYPE_CHECKING:
    # A circular import at run time: views load this class from the settings.
    from rest_framework.views import APIView


class IsSignedInWithScope(BasePermission):
    """Needs the view's `scope` if it names one; otherwise `read` for reading and `write` for everything else."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        if not isinstance(request.auth, ApiToken):
            return True
        default = ApiToken.Scope.READ if request.method in SAFE_METHODS else ApiToken.Scope.WRITE
        needed = getattr(view, "scope", default)
        self.message = f"This token lacks the scope {needed}."
        return request.auth.allows(needed)

"""The admin site: it signs in through the app's own page and has a content security policy of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from unfold.sites import UnfoldAdminSite

from apps.core.errors import NotAllowed

# Unfold draws with Alpine, which evaluates attributes, and with inline styles. No other page needs that.
POLICY = {"script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}


class AdminSite(UnfoldAdminSite):  # type: ignore[misc]
    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:  # noqa: FBT001, FBT002
        return csp_replace(POLICY)(super().admin_view(view, cacheable))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Staff sign in on the same page as all other users, with the same rate limit."""
        from django.contrib.auth.views import redirect_to_login

        if request.user.is_authenticated:
            raise NotAllowed("The admin is open to staff only.")
        return redirect_to_login(request.GET.get("next") or "/admin/")

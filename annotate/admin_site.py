"""The admin site: it signs in through the app's own page and has a content security policy of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from unfold.sites import UnfoldAdminSite

from apps.core.errors import NotAllowed

# Unfold draws with Alpine, which evaluates attributes, and with inline styles. No other page needs that.
POLICY = {"script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}


class AdminSite(UnfoldAdminSite):  # type: ignore[misc]
    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:  # noqa: FBT001, FBT002
        return csp_replace(POLICY)(super().admin_view(view, cacheable))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """The menu leaves out the tables in which workers keep their books. The page of their app names them all."""
        apps: list[dict[str, Any]] = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        for app in apps:
            app["models"] = [entry for entry in app["models"] if self._is_in_menu(entry["model"])]
        return [app for app in apps if app["models"]]

    def _is_in_menu(self, model: type[Model]) -> bool:
        return getattr(self._registry[model], "in_menu", True)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Staff sign in on the same page as all other users, with the same rate limit."""
        from django.contrib.auth.views import redirect_to_login

        if request.user.is_authenticated:
            raise NotAllowed("The admin is open to staff only.")
        return redirect_to_login(request.GET.get("next") or "/admin/")

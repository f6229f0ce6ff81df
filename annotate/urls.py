"""All URLs, by the app that serves them."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from apps.api.health import healthz, readyz

admin.autodiscover()

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/v1/", include("apps.api.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("docs/", include("apps.dashboard.docs.urls")),
    path("", include("apps.dashboard.urls")),
]

handler400 = "apps.api.errors.unreadable"
handler404 = "apps.api.errors.not_found"
handler500 = "apps.api.errors.broken"

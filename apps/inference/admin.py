"""The admin of endpoints. It neither shows nor sets API keys."""

from __future__ import annotations

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin
from apps.inference.models import Endpoint


@admin.register(Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    list_display = ["name", "project", "for_all", "model", "transport", "max_in_flight", "checked_at", "has_key"]
    list_filter = ["transport", "project"]
    list_select_related = ["project"]
    search_fields = ["name", "model", "url", "project__slug"]
    exclude = ["encrypted_key"]

    @admin.display(boolean=True, description="key")
    def has_key(self, endpoint: Endpoint) -> bool:
        return endpoint.has_key

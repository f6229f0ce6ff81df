"""How the admin treats tables: what may be edited there, and what is only looked at."""

from __future__ import annotations

from django.contrib.admin import ShowFacets
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator


class HouseAdmin(ModelAdmin):  # type: ignore[misc]
    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True
    compressed_fields = True


class ReadOnlyAdmin(HouseAdmin):
    """Rows that stand as they are: the services that write them keep counters and digests in step."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False


class BigTableAdmin(ReadOnlyAdmin):
    """Tables of millions of rows: no COUNT(*), the newest first by primary key, search by number only."""

    paginator = InfinitePaginator
    ordering = ["-pk"]
    show_facets = ShowFacets.NEVER

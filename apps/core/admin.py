"""Base classes of the admin: editable, read-only and very large tables."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ShowFacets
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from apps.core.numbers import parse_number


class BaseAdmin(ModelAdmin):  # type: ignore[misc]
    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True
    compressed_fields = True


class ReadOnly:
    """Rows that the admin shows only: their services keep counters, digests and the audit log consistent."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, BaseAdmin):
    """A read-only page."""


class BigTableAdmin(ReadOnlyAdmin):
    """Tables of millions of rows: no COUNT(*), ordered by primary key, and a search that uses indexes.

    `numbers` and `texts` name the columns that the whole search term is compared with.
    """

    paginator = InfinitePaginator
    ordering = ["-pk"]
    sortable_by = ()
    show_facets = ShowFacets.NEVER
    search_fields = ["pk"]  # Shows the search box.
    numbers: tuple[str, ...] = ("pk",)
    texts: tuple[str, ...] = ()

    def get_search_results(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        """Compare numbers exactly, without Django's cast of the whole column to text."""
        term = search_term.strip()
        if not term:
            return queryset, False
        matches = Q(pk__in=[])
        if (number := parse_number(term)) is not None:
            matches |= Q.create([(name, number) for name in self.numbers], connector=Q.OR)
        if self.texts:
            matches |= Q.create([(name, term) for name in self.texts], connector=Q.OR)
        return queryset.filter(matches), False

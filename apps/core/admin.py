"""How the admin treats tables: what may be edited there, and what is only looked at."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ShowFacets
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

BIGGEST_ID = 2**63 - 1


class HouseAdmin(ModelAdmin):  # type: ignore[misc]
    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True
    compressed_fields = True


class ReadOnly:
    """Rows that stand as they are: the services that write them keep counters, digests and the audit log in step."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, HouseAdmin):
    """A page of rows that are looked at only."""


class BigTableAdmin(ReadOnlyAdmin):
    """Tables of millions of rows: no COUNT(*), by primary key only, and a search that an index answers.

    `numbers` and `texts` name the columns that a word of the search is compared with, as a whole.
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
        """Exact numbers, not Django's cast of the whole column to text."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(pk__in=[])
        if term.isdecimal() and int(term) <= BIGGEST_ID:
            found |= Q.create([(name, int(term)) for name in self.numbers], connector=Q.OR)
        if self.texts:
            found |= Q.create([(name, term) for name in self.texts], connector=Q.OR)
        return queryset.filter(found), False

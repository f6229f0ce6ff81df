"""Base classes of the admin: editable, read-only and very large tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, ForeignKey, JSONField, Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from apps.core.admin_words import described, id_column, json_column, json_words, key_column
from apps.core.errors import DomainError
from apps.core.numbers import parse_number


class BaseAdmin(ModelAdmin):  # type: ignore[misc]
    """Lists and pages in words: keys are links, JSON is a list of names and values, and rows lead to their pages.

    `in_menu`: tables in which workers keep their books are left out of the menu. `site_page` is the name of the page of a
    row, with its arguments. `column_words` says what values of a column mean.
    """

    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True
    compressed_fields = True
    in_menu = True
    site_page: ClassVar[tuple[str, Callable[[Any], list[Any]]] | None] = None
    column_words: ClassVar[dict[str, Callable[[Any], str]]] = {}

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        columns = [self._column(column) for column in super().get_list_display(request)]
        return [*columns[:1], self._site_column(), *columns[1:]] if self.site_page else columns

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        if obj is None or self.site_page is None:
            return None
        name, arguments = self.site_page
        return reverse(name, args=arguments(obj))

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Who may call the services of others by an action."""
        return bool(request.user.is_active and request.user.is_superuser)

    def act(self, request: HttpRequest, rows: Iterable[Any], service: Callable[[Any], object], *, done: str) -> None:
        """Call a service for each row, and say how many are `done`, and why the others are not."""
        count = 0
        for row in rows:
            try:
                service(row)
            except DomainError as error:
                self.message_user(request, f"{row}: {error.message}", messages.ERROR)
            else:
                count += 1
        if count:
            self.message_user(request, f"{count} {done}.")

    def _column(self, column: Any) -> Any:
        if not isinstance(column, str) or hasattr(type(self), column):
            return column
        if column == "id":
            return id_column(self.model)
        field = self._field(column)
        if column in self.column_words:
            words = self.column_words[column]
            return described(lambda row: words(getattr(row, column)), column.replace("_", " "))
        if isinstance(field, ForeignKey) and column == field.attname:
            return key_column(field)
        return json_column(field) if isinstance(field, JSONField) else column

    def _field(self, name: str) -> Field[Any, Any] | None:
        try:
            field = self.model._meta.get_field(name)
        except FieldDoesNotExist:
            keys = (field for field in self.model._meta.concrete_fields if field.attname == name)
            return next(keys, None)
        return field if isinstance(field, Field) else None

    def _site_column(self) -> Callable[[Any], Any]:
        def column(row: Any) -> Any:
            return format_html('<a class="text-link" href="{}">open</a>', self.get_view_on_site_url(row))

        return described(column, "page")


class ReadOnly:
    """Rows that the admin shows only: their services keep counters, digests and the audit log consistent."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, BaseAdmin):
    """A read-only page. `extra` names what it shows besides the fields, and is shown first."""

    extra: tuple[str, ...] = ()

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        names = [name for name in super().get_fields(request, obj) if name not in self.extra]
        return [*self.extra, *(self._words(name) for name in names)]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), *self.extra]

    def _words(self, name: Any) -> Any:
        if not isinstance(name, str):
            return name
        if name in self.column_words:
            words = self.column_words[name]
            return described(lambda row: words(getattr(row, name)), name.replace("_", " "))
        field = self._field(name)
        return json_words(field) if isinstance(field, JSONField) else name


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

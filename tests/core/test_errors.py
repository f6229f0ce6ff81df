"""The errors that people can cause, as pages and the API tell them."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from django_htmx.middleware import HtmxMiddleware

from apps.core.errors import Conflict, DomainError, NotAllowed, Unprocessable
from apps.dashboard.middleware import DomainErrorMiddleware


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        (DomainError, "invalid", 400),
        (NotAllowed, "not_allowed", 403),
        (Conflict, "conflict", 409),
        (Unprocessable, "unprocessable", 422),
    ],
)
def test_each_kind_has_its_code_and_status(kind: type[DomainError], code: str, status: int) -> None:
    error = kind("It cannot be.")
    assert (error.code, error.status, error.fields, str(error)) == (code, status, {}, "It cannot be.")


def test_one_error_can_have_a_code_and_fields_of_its_own() -> None:
    fields = {"rating": "is missing"}
    error = Conflict("It was saved elsewhere.", code="stale", fields=fields)
    fields["rating"] = "changed later"
    assert (error.code, error.status, error.fields) == ("stale", 409, {"rating": "is missing"})
    assert Conflict("Another one.").code == "conflict"


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "fragment"])
def test_a_page_says_it_in_words_and_what_comes_from_people_is_not_run(headers: dict[str, str]) -> None:
    request = RequestFactory().get("/", headers=headers)
    HtmxMiddleware(lambda _: None)(request)  # type: ignore[arg-type,return-value]
    middleware = DomainErrorMiddleware(lambda _: None)  # type: ignore[arg-type,return-value]
    answer = middleware.process_exception(request, Unprocessable("<script>1</script> is no rating."))
    assert answer is not None
    assert answer.status_code == 422
    assert b"&lt;script&gt;1&lt;/script&gt; is no rating." in answer.content
    assert b"<script>1" not in answer.content


def test_an_error_of_ours_is_not_taken_for_one_of_theirs() -> None:
    middleware = DomainErrorMiddleware(lambda _: None)  # type: ignore[arg-type,return-value]
    assert middleware.process_exception(RequestFactory().get("/"), ZeroDivisionError()) is None

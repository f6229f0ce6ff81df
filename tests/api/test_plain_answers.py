"""Answers that skip the serializer are read as the serializer would have read them."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from apps.api.labeling.assignments import DraftInSerializer, SubmissionSerializer, read_work

numbers = st.one_of(
    st.integers(-2, 5), st.integers(), st.booleans(), st.none(), st.floats(-2, 3), st.sampled_from(["1", "", "x", "-1"])
)
flags = st.one_of(st.booleans(), st.sampled_from([0, 1, "true", "no", None]))
answers = st.fixed_dictionaries(
    {"position": st.one_of(st.integers(0, 100_001), numbers)},
    optional={"candidate": numbers, "rating": numbers, "unsure": flags, "chosen": flags, "more": st.none()},
)
steps = st.one_of(st.lists(st.one_of(answers, st.none(), st.integers()), max_size=4), st.none(), st.text(max_size=2))


def outcome(read: Any) -> Any:
    try:
        return read()
    except ValidationError as error:
        return error.detail


def plainly(serializer: Any, body: Any) -> dict[str, Any]:
    found = serializer(data=body)
    found.is_valid(raise_exception=True)
    return {**found.validated_data, "steps": [dict(step) for step in found.validated_data["steps"]]}


def as_read(serializer: Any, body: Any) -> dict[str, Any]:
    found = read_work(body, serializer)
    return {**found, "steps": [dict(step) for step in found["steps"]]}


@given(steps=steps, active=numbers, version=numbers)
@example(steps=[{"position": 0, "rating": True}], active=None, version=0)
@example(steps=[{"position": 1.0, "rating": 1}], active=None, version=0)
@example(steps=[], active=1, version=-1)
def test_a_draft_is_read_as_its_serializer_reads_it(steps: Any, active: Any, version: Any) -> None:
    body = {"steps": steps, "active_ms": active, "version": version}
    assert outcome(lambda: as_read(DraftInSerializer, body)) == outcome(lambda: plainly(DraftInSerializer, body))


@given(steps=steps, finish=st.sampled_from(["solution", "found_error", "tired"]), reason=st.text(max_size=3))
def test_a_submission_is_read_as_its_serializer_reads_it(steps: Any, finish: str, reason: str) -> None:
    body = {"steps": steps, "finish_reason": finish, "reason": reason}
    assert outcome(lambda: as_read(SubmissionSerializer, body)) == outcome(lambda: plainly(SubmissionSerializer, body))


def test_what_is_no_object_is_refused() -> None:
    for body in ([], None, "x", {}, {"steps": []}):
        assert isinstance(outcome(lambda body=body: read_work(body, SubmissionSerializer)), dict | list)

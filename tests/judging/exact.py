"""Checks that a judge run's rows are those of the scripted judge, and that its counters are those of its rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.corpus.labels import BAD, GREAT
from apps.inference.client import Client
from apps.inference.prompts import seed_of
from apps.judging.engine.engine import MOST_ATTEMPTS
from apps.judging.engine.replies import sent_prompt
from apps.judging.judges import judge_kind
from apps.judging.models import JudgeReply, JudgeRun, Revision, SolutionVerdict, StepVerdict
from apps.judging.runs.parameters import judge_sampling
from apps.judging.worker.load import comparison_case, paths_of, sides_of, solution_case
from tests.judging import judge_server

ATTEMPTS = 3


def lease_is_over(run: JudgeRun) -> None:
    """End the leases of the run, as if a minute had passed."""
    now = timezone.now()
    run.shards.filter(finished_at=None).update(leased_until=now)
    JudgeRun.objects.filter(pk=run.pk).update(beat_at=now - timedelta(minutes=1))


def assert_whole(run: JudgeRun) -> None:
    """Attempts follow one another, none is after a reply that decides, and each item ends as its replies say.

    For judges with one vote, asked up to ATTEMPTS times.
    """
    outcomes = dict(SolutionVerdict.objects.filter(run=run).values_list("solution_id", "outcome"))
    replies: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for solution, attempt, outcome in JudgeReply.objects.filter(run=run).values_list(
        "solution_id", "attempt", "outcome"
    ):
        replies[solution].append((attempt, outcome))
    assert replies.keys() >= outcomes.keys()
    for solution, given in replies.items():
        given.sort()
        assert [attempt for attempt, _ in given] == list(range(len(given))), solution
        assert all(outcome == "unreadable" for _, outcome in given[:-1]), solution
        if solution in outcomes:
            last = given[-1][1]
            assert outcomes[solution] == ("unreadable" if last == "lost" else last), solution
            assert last != "unreadable" or len(given) == ATTEMPTS, solution


def assert_true(run: JudgeRun, errors: Mapping[int, int]) -> None:
    """Each verdict names the first error that is in the text, and rates the steps up to it."""
    ratings: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for solution, position, rating in StepVerdict.objects.filter(run=run).values_list(
        "step__solution_id", "step__position", "rating"
    ):
        ratings[solution][position] = rating
    stored = SolutionVerdict.objects.filter(run=run, outcome="verdict")
    for solution, first, steps in stored.values_list("solution_id", "first_error", "solution__step_count"):
        assert first == errors[solution]
        last = first if first >= 0 else steps - 1
        expected = {position: BAD if position == first else GREAT for position in range(last + 1)}
        assert ratings.pop(solution) == expected
    assert not ratings, "steps of solutions without a verdict are rated"


def assert_texts(run: JudgeRun, **behavior: Any) -> None:
    """Each stored reply is what the server says to this prompt with this seed: none went to another item or slot.

    For judges with one vote, whose replies come one in each request.
    """
    prompts = _prompts_of(run)
    item = "comparison_id" if run.judge.compares else "solution_id"
    replies = JudgeReply.objects.filter(run=run).exclude(outcome="lost")
    with _behaving(behavior):
        for pk, slot, attempt, text in replies.values_list(item, "slot", "attempt", "text"):
            seed = seed_of(run.seed, pk, slot * MOST_ATTEMPTS + attempt)
            assert text == judge_server.reply_to(prompts[pk, slot], seed)[0]


def assert_one_revision_each(run: JudgeRun) -> None:
    """Each solution with a verdict was revised once, by a solution that no other revision names."""
    revisions = Revision.objects.filter(run=run)
    judged = SolutionVerdict.objects.filter(run=run, outcome="verdict").values_list("solution_id", flat=True)
    assert sorted(revisions.values_list("solution_id", flat=True)) == sorted(judged)
    new = [pk for pk in revisions.values_list("revised_id", flat=True) if pk is not None]
    assert len(new) == len(set(new)) == run.new_solutions
    assert run.project.solutions.count() == run.total + run.new_solutions  # type: ignore[operator]


def _prompts_of(run: JudgeRun) -> dict[tuple[int, int], str]:
    """The text of each first question, by item and slot."""
    assert run.endpoint is not None
    kind, client = judge_kind(run.judge), Client(run.endpoint.server())
    prompts = {}
    for pk, case in _cases_of(run):
        for ask in kind.asks(case, {}):
            prompt = sent_prompt(ask.prompt, client.server.transport)
            body = client._transport.body(client.server, prompt, judge_sampling(run.endpoint), n=1, seed=0)
            prompts[pk, ask.slot] = judge_server.prompt_of(dict(body))
    return prompts


def _cases_of(run: JudgeRun) -> Iterator[tuple[int, Any]]:
    if run.judge.compares:
        pairs = list(run.items().select_related("problem", "left", "right", "left_step", "right_step"))
        sides = sides_of(pairs)
        yield from ((pair.pk, comparison_case(pair, *sides[pair.pk], 0)) for pair in pairs)
        return
    solutions = list(run.items().select_related("problem"))
    paths = paths_of(solutions)
    yield from ((solution.pk, solution_case(solution, paths[solution.pk], 0)) for solution in solutions)


@contextmanager
def _behaving(values: Mapping[str, Any]) -> Iterator[None]:
    """The server's own functions in this process, with the same behavior."""
    before = judge_server.behavior
    judge_server.behavior = judge_server.Behavior(**values)
    try:
        yield
    finally:
        judge_server.behavior = before

"""Replies and results that two workers store: the counters of the run are those of the rows, whoever was first."""

from __future__ import annotations

import pytest

from apps.inference.types import Usage
from apps.judging.engine.states import JudgedItem, ReplyBatch, SlotReply
from apps.judging.kinds import Result
from apps.judging.models import JudgeReply, JudgeRun, JudgeShard, SolutionVerdict, StepVerdict
from apps.judging.runs.services import start_judging
from apps.judging.verdicts import StepsVerdict, read, unreadable
from apps.judging.worker.store import JudgeRunStore
from apps.projects.models import Project
from apps.runs.lifecycle import begin
from apps.verifiers.pool.pool import GradingPool
from tests.estimation.model import Model
from tests.judging.corpus import add_checked
from tests.judging.exact import lease_is_over
from tests.judging.model import assert_counts, judges_of, make_judge

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(judge_server: str) -> Model:
    return judges_of(judge_server)


@pytest.fixture
def run(server: Model, project: Project) -> JudgeRun:
    add_checked(project, 4)
    run = begin(JudgeRun, start_judging(judge=make_judge(project, server, options={"votes": 4})).pk)
    assert run is not None
    return run


def store_of(run: JudgeRun, pool: GradingPool, name: str) -> JudgeRunStore:
    return JudgeRunStore(run, name, pool, 3)


def batch(item: int, *slots: int) -> ReplyBatch:
    """The replies to one request, of which the first cannot be read."""
    reading = read(StepsVerdict({0: -1}))
    replies = [SlotReply(slot, 0, f"of {slot}", reading, 0 if place else 10, 5) for place, slot in enumerate(slots)]
    replies[0] = SlotReply(slots[0], 0, "?", unreadable("It says nothing."), 10, 5)
    return ReplyBatch(item, tuple(replies), Usage(10, 5 * len(slots)), requests=1)


def test_a_batch_of_which_another_worker_has_stored_a_part_counts_for_the_rest(run: JudgeRun) -> None:
    with GradingPool() as pool:
        first, second = store_of(run, pool, "one"), store_of(run, pool, "two")
        item = first._claim(1)[0].item_id
        assert first._flush([batch(item, 0, 1)], []) == set()
        assert second._flush([batch(item, 0, 1, 2, 3)], []) == {item}
        assert first._flush([batch(item, 2, 3)], []) == {item}
        for store in (first, second):
            store.close()
    run.refresh_from_db()
    assert JudgeReply.objects.filter(run=run).count() == 4
    assert (run.requests, run.missing, run.prompt_tokens, run.completion_tokens) == (2, 1, 10, 20)
    assert_counts(run, complete=False)


def test_what_comes_twice_in_one_flush_counts_once(run: JudgeRun) -> None:
    with GradingPool() as pool:
        store = store_of(run, pool, "one")
        state = store._claim(1)[0]
        item = state.item_id
        result = JudgedItem(item, Result("verdict", first_error=0, ratings={0: -1}), 10, 20, state.step_ids)
        assert store._flush([batch(item, 0, 1), batch(item, 0, 1)], []) == {item}
        store._flush([], [result, result])
        store.close()
    run.refresh_from_db()
    assert (run.requests, run.done, run.verdicts, run.steps) == (1, 1, 1, 1)
    assert_counts(run, complete=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x00b", "a\ufffdb"),
        ("half \ud800 of a pair", "half ? of a pair"),
        (
            r"a \u0000 that is no escape, \\frac{1}{2} and \"quotes\"",
            r"a \u0000 that is no escape, \\frac{1}{2} and \"quotes\"",
        ),
        ("emoji \U0001f600, tab\t, line\u2028, \\", "emoji \U0001f600, tab\t, line\u2028, \\"),
    ],
)
def test_any_text_of_a_model_is_stored(run: JudgeRun, text: str, expected: str) -> None:
    verdict = StepsVerdict({0: -1}, {0: text})
    with GradingPool() as pool:
        store = store_of(run, pool, "one")
        state = store._claim(1)[0]
        reply = SlotReply(0, 0, text, read(verdict), 1, 1)
        store._flush([ReplyBatch(state.item_id, (reply,), Usage(1, 1), 1)], [])
        result = Result("verdict", first_error=0, ratings={0: -1}, reasons={0: text}, reason=text)
        store._flush([], [JudgedItem(state.item_id, result, 1, 1, state.step_ids)])
        store.close()
    stored = JudgeReply.objects.get(run=run)
    assert (stored.text, (stored.verdict or {})["reasons"]) == (expected, {"0": expected})
    assert SolutionVerdict.objects.get(run=run).reason == StepVerdict.objects.get(run=run).reason == expected
    run.refresh_from_db()
    assert_counts(run, complete=False)


def test_a_worker_whose_own_lease_has_lapsed_goes_on_with_the_items_that_it_has(run: JudgeRun) -> None:
    with GradingPool() as pool:
        store = store_of(run, pool, "one")
        claimed = [state.item_id for state in store._claim(2)]
        lease_is_over(run)
        following = [state.item_id for state in store._claim(2)]
        assert len({*claimed, *following}) == 4
        assert JudgeShard.objects.filter(run=run, holder="one").count() == 2
        assert store._claim(2) == []
        for item in (*claimed, *following):
            store._flush([], [JudgedItem(item, Result("unreadable", "It says nothing."))])
        assert not store.has_open_items
        store.close()
    run.refresh_from_db()
    assert_counts(run)


def test_a_worker_stops_at_all_items_of_a_shard_that_another_has_taken_over(run: JudgeRun) -> None:
    with GradingPool() as pool:
        first, second = store_of(run, pool, "one"), store_of(run, pool, "two")
        items = [state.item_id for state in first._claim(2)]
        lease_is_over(run)
        assert [state.item_id for state in second._claim(2)] == items
        assert second._flush([batch(items[0], 0)], []) == set()
        assert first._flush([batch(items[0], 0)], []) == {items[0]}
        assert first._flush([batch(items[1], 0)], []) == {items[1]}
        for store in (first, second):
            store.close()
    run.refresh_from_db()
    assert_counts(run, complete=False)


def test_a_shard_is_finished_only_when_each_of_its_items_has_a_result(run: JudgeRun) -> None:
    """Two workers have stored replies of one item, so neither may say what follows: whoever claims it next loads them all."""
    with GradingPool() as pool:
        first, second, third = (store_of(run, pool, name) for name in ("one", "two", "three"))
        state = first._claim(1)[0]
        item = state.item_id
        result = JudgedItem(item, Result("verdict", first_error=0, ratings={0: -1}), 10, 20, state.step_ids)
        lease_is_over(run)
        assert [state.item_id for state in second._claim(1)] == [item]
        assert second._flush([batch(item, 0, 1)], []) == set()
        lease_is_over(run)
        assert item not in {state.item_id for state in first._claim(1)}
        shard = JudgeShard.objects.get(run=run, upto=item)
        assert shard.holder == "one"
        assert item in first._flush([batch(item, 0, 1, 2, 3)], [result])
        assert item in second._flush([batch(item, 2, 3)], [result])
        assert not SolutionVerdict.objects.filter(run=run).exists()
        shard.refresh_from_db()
        assert shard.finished_at is None
        lease_is_over(run)
        assert [state.item_id for state in third._claim(1)] == [item]
        assert third._flush([], [result]) == set()
        shard.refresh_from_db()
        assert shard.finished_at is not None
        for store in (first, second, third):
            store.close()
    run.refresh_from_db()
    assert (run.done, JudgeReply.objects.filter(run=run).count()) == (1, 4)
    assert_counts(run, complete=False)

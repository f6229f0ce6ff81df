"""Judge runs of each kind against a scripted judge: verdicts, counts, failures, and the ends of runs."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.core.errors import Conflict, DomainError
from apps.core.jobs.model import JobStatus
from apps.corpus.models import Comparison, Solution
from apps.inference.models import Endpoint
from apps.judging.judges import judge_in, save_judge
from apps.judging.models import ComparisonVerdict, Judge, JudgeReply, JudgeRun, Revision, SolutionVerdict, StepVerdict
from apps.judging.runs.services import cancel_judging, pause_judging, resume_judging, start_judging
from apps.judging.worker.run import run_judging_slice
from apps.projects.models import Project
from tests.at_once import elsewhere
from tests.cast import make_problem, make_solution
from tests.estimation.model import Model
from tests.judging.model import assert_counts, judges_of, make_judge, worked
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(judge_server: str) -> Model:
    return judges_of(judge_server)


def fill(project: Project, count: int = 6, **fields: Any) -> list[Solution]:
    """Every second solution has a wrong second step."""
    return [
        make_solution(
            make_problem(project, statement=f"Compute {n} + {n}.", reference_answer="2"),
            [f"One {n}.", f"Two {n} is {'wrong' if n % 2 else 'fine'}.", "Three."],
            is_correct=n % 2 == 0,
            **fields,
        )
        for n in range(count)
    ]


def pairs(project: Project, count: int = 4) -> list[Solution]:
    """A right and a wrong solution for each problem; the wrong one is longer."""
    solutions = []
    for n in range(count):
        problem = make_problem(project, statement=f"Compute {n} + {n}.", reference_answer="2")
        solutions += [
            make_solution(problem, [f"It is {n}."], is_correct=True),
            make_solution(problem, [f"It is {n}.", "But no: that is wrong, of course."], is_correct=False),
        ]
    return solutions


def test_the_first_error_of_each_solution_is_stored_with_ratings_and_reasons(server: Model, project: Project) -> None:
    solutions = fill(project)
    run = worked(start_judging(judge=make_judge(project, server)))
    assert (run.status, run.done, run.verdicts) == (JobStatus.FINISHED, 6, 6)
    assert_counts(run)
    for number, solution in enumerate(solutions):
        verdict = SolutionVerdict.objects.get(run=run, solution=solution)
        assert verdict.first_error == (1 if number % 2 else -1)
        rows = StepVerdict.objects.filter(run=run, step__solution=solution).order_by("step__position")
        expected = [(1, "It holds."), (-1, "It fails.")] if number % 2 else [(1, "It holds.")] * 3
        assert list(rows.values_list("rating", "reason")) == expected
    reply = JudgeReply.objects.filter(run=run, solution=solutions[1]).get()
    assert "\\boxed{1}" in reply.text
    assert (reply.verdict or {})["ratings"] == {"0": 1, "1": -1}


@pytest.mark.parametrize("transport", ["completions", "chat-instruct"])
def test_a_schema_is_sent_where_the_route_reads_it(server: Model, project: Project, transport: str) -> None:
    fill(project, 2)
    judge = make_judge(project, server, "outcome", transport=transport)
    run = worked(start_judging(judge=judge))
    assert run.verdicts == 2
    expected = "json_schema" if transport == "completions" else "response_format"
    assert server.stats()["formats"] == {expected: 2}


def test_a_refused_schema_is_left_out_and_the_run_says_so(server: Model, project: Project) -> None:
    server.control(unknown="json_schema")
    fill(project, 4)
    run = worked(start_judging(judge=make_judge(project, server, "outcome")))
    assert (run.status, run.verdicts) == (JobStatus.FINISHED, 4)
    assert "The endpoint refuses json_schema: replies are read without a schema." in run.notices
    assert server.stats()["formats"] == {}


def test_outcomes_pass_and_fail(server: Model, project: Project) -> None:
    solutions = fill(project)
    run = worked(start_judging(judge=make_judge(project, server, "outcome")))
    assert_counts(run)
    passes = dict(SolutionVerdict.objects.filter(run=run).values_list("solution", "passes"))
    assert [passes[solution.pk] for solution in solutions] == [True, False] * 3
    assert not StepVerdict.objects.filter(run=run).exists()


def test_votes_are_counted_and_their_share_is_the_confidence(server: Model, project: Project) -> None:
    server.control(noise=0.3)
    fill(project, 12)
    run = worked(start_judging(judge=make_judge(project, server, options={"votes": 5})))
    assert_counts(run)
    assert JudgeReply.objects.filter(run=run).count() == 60
    for verdict in SolutionVerdict.objects.filter(run=run, outcome="verdict"):
        votes = [
            max((int(place) for place, rating in reply.verdict["ratings"].items() if rating == -1), default=-1)
            for reply in JudgeReply.objects.filter(run=run, solution=verdict.solution_id)
            if reply.verdict
        ]
        assert verdict.first_error == max(set(votes), key=votes.count)
        assert verdict.share == pytest.approx(votes.count(verdict.first_error) / 5)


def test_both_orders_are_asked_and_the_longer_one_wins(server: Model, project: Project) -> None:
    pairs(project)
    run = worked(start_judging(judge=make_judge(project, server, "comparison"), selection={"pairs": "right_wrong"}))
    assert (run.total, run.verdicts, run.undecided) == (4, 4, 0)
    assert_counts(run)
    assert server.stats()["requests"] == 8
    for verdict in ComparisonVerdict.objects.select_related("comparison__left", "comparison__right"):
        preferred = verdict.comparison.left if verdict.choice == "left" else verdict.comparison.right
        assert preferred.is_correct is False
        assert (verdict.margin, verdict.flips, verdict.shown_first) == (
            "clearly",
            0,
            {"first": 1, "second": 1, "neither": 0},
        )


def test_a_judge_that_always_says_a_yields_no_preference(server: Model, project: Project) -> None:
    server.control(prefers="A")
    pairs(project)
    run = worked(start_judging(judge=make_judge(project, server, "comparison"), selection={"pairs": "random"}))
    assert (run.status, run.done, run.verdicts, run.undecided) == (JobStatus.FINISHED, 4, 4, 4)
    assert_counts(run)
    outcomes = ComparisonVerdict.objects.values_list("outcome", "choice", "flips", "pairs")
    assert set(outcomes) == {("inconsistent", "", 1, 1)}
    assert any("inconsistent" in notice for notice in run.notices), run.notices


def test_a_principle_is_drawn_for_each_comparison(server: Model, project: Project) -> None:
    pairs(project)
    judge = make_judge(project, server, "principle")
    run = worked(start_judging(judge=judge, selection={"pairs": "right_wrong"}))
    assert run.verdicts == 4
    assert judge.constitution is not None
    names = {principle["name"] for principle in judge.constitution.principles}
    assert all(set(used) <= names and used for used in ComparisonVerdict.objects.values_list("principles", flat=True))


def test_revisions_are_new_solutions_that_name_their_parents(server: Model, project: Project) -> None:
    originals = fill(project, 2)
    run = worked(start_judging(judge=make_judge(project, server, "critique-revise", options={"revisions": 2})))
    assert (run.verdicts, run.new_solutions) == (2, 4)
    assert_counts(run)
    for original in originals:
        first, second = Revision.objects.filter(run=run, solution=original)
        assert first.revised is not None
        assert second.revised is not None
        assert (first.revised.extras or {})["revised_from"]["solution"] == original.pk
        assert (second.revised.extras or {})["revised_from"]["solution"] == first.revised.pk
        assert first.revised.source == "judge-7b"
        assert first.critique


@pytest.mark.parametrize(
    ("behavior", "counts"),
    [
        ({"refuses": 1.0}, (0, 4, 0)),
        ({"out_of_range": 1.0}, (0, 0, 4)),
        ({"cut": 1.0}, (0, 0, 4)),
        ({"text": "Hm."}, (0, 0, 4)),
    ],
)
def test_what_cannot_be_read_is_asked_again_within_the_limit_then_counted(
    server: Model, project: Project, behavior: dict[str, Any], counts: tuple[int, int, int]
) -> None:
    server.control(**behavior)
    fill(project, 4)
    run = worked(start_judging(judge=make_judge(project, server), options={"attempts": 2}))
    assert (run.verdicts, run.refusals, run.unreadable) == counts
    assert run.status == JobStatus.FAILED
    assert_counts(run)
    attempts = 1 if "refuses" in behavior else 2
    assert JudgeReply.objects.filter(run=run).count() == run.requests == 4 * attempts
    assert not StepVerdict.objects.filter(run=run).exists()
    assert "There is no verdict." in run.error


def test_a_selection_that_fails_ends_the_run_with_its_reason(server: Model, project: Project) -> None:
    """And not each worker that takes it, one after the other."""
    fill(project, 2)
    run = start_judging(judge=make_judge(project, server))
    JudgeRun.objects.filter(pk=run.pk).update(selection={"answers": "any", "blind": 7})
    run = worked(run)
    assert run.status == JobStatus.FAILED
    assert "names no blind sample" in run.error


def test_the_worker_of_a_deleted_run_stops_at_once(server: Model, project: Project) -> None:
    server.control(latency_s=20)
    fill(project, 4)
    run = start_judging(judge=make_judge(project, server))
    with ThreadPoolExecutor(1) as pool:
        working = elsewhere(pool, lambda: run_judging_slice(run_id=run.pk))
        eventually(lambda: server.stats()["in_flight"] == 4)
        JudgeRun.objects.filter(pk=run.pk).delete()
        assert working.result(15) is False


def test_one_unreadable_reply_is_followed_by_one_that_counts(server: Model, project: Project) -> None:
    server.control(out_of_range=0.5)
    fill(project, 20)
    run = worked(start_judging(judge=make_judge(project, server), options={"attempts": 16}))
    assert (run.status, run.verdicts, run.unreadable) == (JobStatus.FINISHED, 20, 0)
    assert_counts(run)
    assert run.requests > 20


def test_a_pause_keeps_what_was_stored_and_nothing_is_asked_twice(server: Model, project: Project) -> None:
    server.control(latency_s=0.4)
    fill(project, 100)
    run = start_judging(judge=make_judge(project, server, options={"votes": 2}), budget={"requests": 10})
    run = worked(run)
    assert run.status == JobStatus.PAUSED
    assert "The budget is reached" in run.error
    assert 0 < run.done < 100
    run = worked(resume_judging(run=run, budget={}))
    assert (run.status, run.done) == (JobStatus.FINISHED, 100)
    assert_counts(run)
    assert server.stats()["repeated"] == 0


def test_an_ended_run_cannot_be_resumed_and_a_cancelled_one_counts(server: Model, project: Project) -> None:
    fill(project, 2)
    run = start_judging(judge=make_judge(project, server))
    pause_judging(run=run)
    assert cancel_judging(run=run).status == JobStatus.CANCELLED
    with pytest.raises(Conflict):
        resume_judging(run=run)


def test_a_judge_is_not_asked_at_another_model_until_it_is_saved_again(server: Model, project: Project) -> None:
    fill(project, 2)
    judge = make_judge(project, server)
    Endpoint.objects.update(model="judge-70b")
    with pytest.raises(Conflict, match="Save the judge again") as raised:
        start_judging(judge=judge_in(project, judge.pk))
    assert (raised.value.code, set(raised.value.fields)) == ("model_changed", {"judge"})
    assert not JudgeRun.objects.exists()
    newer = make_judge(project, server)
    assert (newer.version, newer.model) == (2, "judge-70b")
    assert worked(start_judging(judge=newer)).verdicts == 2


def test_a_judge_is_asked_at_another_address_of_its_model(server: Model, project: Project) -> None:
    fill(project, 2)
    judge = make_judge(project, server)
    Endpoint.objects.update(url="http://127.0.0.1:9/v1")
    run = start_judging(judge=judge_in(project, judge.pk))
    Endpoint.objects.update(url=server.url)
    assert worked(run).verdicts == 2


def test_a_run_pauses_when_its_endpoint_has_another_model(server: Model, project: Project) -> None:
    fill(project, 4)
    run = start_judging(judge=make_judge(project, server))
    Endpoint.objects.update(model="judge-70b")
    run = worked(run)
    assert (run.status, run.requests) == (JobStatus.PAUSED, 0)
    assert "was saved with the model judge-7b, and the endpoint completions now has judge-70b" in run.error
    with pytest.raises(Conflict, match="now has judge-70b") as raised:
        resume_judging(run=run)
    assert raised.value.code == "model_changed"
    Endpoint.objects.update(model="judge-7b")
    run = worked(resume_judging(run=run))
    assert (run.status, run.verdicts) == (JobStatus.FINISHED, 4)


def test_a_run_at_work_stops_when_its_endpoint_has_another_model(server: Model, project: Project) -> None:
    server.control(latency_s=1.0)
    fill(project, 100)
    run = start_judging(judge=make_judge(project, server))
    with ThreadPoolExecutor(1) as pool:
        worker = elsewhere(pool, lambda: worked(run))
        eventually(lambda: JudgeRun.objects.get(pk=run.pk).done > 0)
        Endpoint.objects.update(model="judge-70b")
        worker.result(60)
    run.refresh_from_db()
    assert run.status == JobStatus.PAUSED
    assert "now has judge-70b" in run.error
    assert 0 < run.done < 100


def test_another_prompt_or_setting_is_another_version(server: Model, project: Project) -> None:
    judge = make_judge(project, server)
    assert make_judge(project, server) == judge
    other = make_judge(project, server, options={"votes": 3})
    third = make_judge(project, server, prompt="steps-ratings")
    assert [one.version for one in (judge, other, third)] == [1, 2, 3]
    own = dict(judge.prompt, name="ours", user=judge.prompt["user"] + " Be strict.")
    assert make_judge(project, server, prompt=own).version == 4


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "vibes"}, "kind"),
        ({"kind": "steps", "prompt": "nothing"}, "prompt"),
        ({"kind": "steps", "prompt": "outcome"}, "prompt"),
        ({"kind": "steps", "options": {"votes": 0}}, "options"),
        ({"kind": "steps", "options": {"votes": 65}}, "options"),
        ({"kind": "steps", "name": "n" * 201}, "name"),
    ],
)
def test_an_invalid_judge_names_the_field(server: Model, project: Project, values: dict[str, Any], field: str) -> None:
    endpoint = make_judge(project, server).endpoint
    assert endpoint is not None
    with pytest.raises(DomainError) as raised:
        save_judge(project=project, endpoint=endpoint, **values)
    assert field in raised.value.fields


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"options": {"attempts": 0}}, "options"),
        ({"options": {"attempts": 17}}, "options"),
        ({"selection": {"answers": "maybe"}}, "selection"),
        ({"selection": {"pairs": "random"}}, "selection"),
        ({"budget": {"requests": 0}}, "budget"),
        ({"selection": {"source": "nobody"}}, "selection"),
    ],
)
def test_an_invalid_run_names_the_field_and_nothing_is_stored(
    server: Model, project: Project, values: dict[str, Any], field: str
) -> None:
    fill(project, 2)
    judge = make_judge(project, server)
    with pytest.raises(DomainError) as raised:
        start_judging(judge=judge, **values)
    assert field in raised.value.fields
    assert not JudgeRun.objects.exists()


def test_a_judge_of_a_file_cannot_be_asked_and_keeps_its_name(server: Model, project: Project) -> None:
    judge = Judge.objects.create(project=project, name="completions")
    with pytest.raises(DomainError, match="has no endpoint"):
        start_judging(judge=judge)
    with pytest.raises(DomainError) as raised:
        make_judge(project, server)
    assert "name" in raised.value.fields


def test_the_command_works_on_the_run_and_prints_its_counts(server: Model, project: Project) -> None:
    fill(project)
    make_judge(project, server)
    out = io.StringIO()
    arguments = ["--project", project.slug, "--endpoint", "completions", "--kind", "steps", "--votes", "2"]
    call_command("judge", *arguments, "--wait", "--json", stdout=out)
    result = json.loads(out.getvalue())
    assert result["status"] == "finished"
    assert (result["items"], result["verdicts"], result["refusals"], result["unreadable"]) == (6, 6, 0, 0)
    assert result["tokens"] > 0
    assert result["seconds"] >= 0
    assert result["requests"] == 6
    assert result["judge"] == "completions v2"


def test_the_command_says_what_is_wrong(server: Model, project: Project) -> None:
    arguments = ["--project", project.slug, "--endpoint", "nowhere", "--kind", "steps"]
    with pytest.raises(CommandError, match="nowhere"):
        call_command("judge", *arguments)


def test_comparisons_that_exist_are_judged_once_each(server: Model, project: Project) -> None:
    pairs(project, 2)
    judge = make_judge(project, server, "comparison")
    with pytest.raises(DomainError, match="matches no comparison"):
        start_judging(judge=judge)
    first = worked(start_judging(judge=judge, selection={"pairs": "right_wrong"}))
    second = worked(start_judging(judge=judge, selection={"pairs": "existing"}))
    assert first.total == second.total == Comparison.objects.count() == 2

"""Judging by page: judges, new runs and their forecast, runs, replies, the playground, constitutions, and the evidence."""

from __future__ import annotations

import html
import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import AuditEvent, User
from apps.core.jobs.model import JobStatus
from apps.corpus.models import Solution
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.judging.judges import save_constitution
from apps.judging.models import Constitution, Judge, JudgeReply, JudgeRun, Revision, SolutionVerdict
from apps.judging.prompts import prompt_of
from apps.judging.runs.services import pause_judging, start_judging
from apps.projects.models import Project
from tests.cast import make_problem, make_solution, signed_in
from tests.estimation.model import Model
from tests.judging.model import assert_counts, judges_of, make_judge, worked
from tests.judging.verdicts import judge as judge_of_a_file

pytestmark = pytest.mark.django_db(transaction=True)

FORM = {"kind": "steps", "prompt": "steps-first-error v1", "votes": "1", "answers": "any", "attempts": "3"}
PRINCIPLE = {
    "name": "brevity",
    "critique": "Name what is long.",
    "revision": "Cut it.",
    "question": "Which is shorter?",
}


@pytest.fixture
def server(judge_server: str) -> Model:
    return judges_of(judge_server)


@pytest.fixture
def endpoint(server: Model, project: Project) -> Endpoint:
    """The one that `make_judge` takes, too."""
    settings = {"max_in_flight": 32, "transport": "completions", "timeout_s": 5.0}
    return add_endpoint(project=project, name="completions", url=server.url, model="judge-7b", settings=settings)


@pytest.fixture
def manager(mia: User) -> Client:
    return signed_in(mia)


def fill(project: Project, count: int = 4) -> list[Solution]:
    """A right and a wrong solution of each problem; the wrong one says so in its second step."""
    solutions = []
    for number in range(count // 2):
        problem = make_problem(project, f"What is {number} + {number}?", reference_answer=str(2 * number))
        for word in ("fine", "wrong"):
            steps = [f"We add {number}.", f"That is {word}, as <b>all</b> see.", "Done."]
            solutions.append(make_solution(problem, steps, is_correct=word == "fine", source="some model"))
    return solutions


def text_of(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def page(client: Client, project: Project, path: str, status: int = 200) -> str:
    answer = client.get(f"/projects/{project.slug}/judging{path}")
    assert answer.status_code == status
    return text_of(answer)


def started(client: Client, project: Project, endpoint: Endpoint, **fields: str) -> JudgeRun:
    answer = client.post(reverse("judge-run-new", args=[project.slug]), FORM | {"endpoint": str(endpoint.pk)} | fields)
    assert answer.status_code == 302, text_of(answer)
    run = JudgeRun.objects.latest("pk")
    assert answer["Location"] == reverse("judge-run", args=[project.slug, run.number])
    return run


def refused(client: Client, project: Project, endpoint: Endpoint, **fields: str) -> dict[str, str]:
    """The errors of the form, by field."""
    answer = client.post(reverse("judge-run-new", args=[project.slug]), FORM | {"endpoint": str(endpoint.pk)} | fields)
    assert answer.status_code == 422
    return {name: " ".join(errors) for name, errors in answer.context["form"].errors.items()}


def facts(fragment: str) -> dict[str, str]:
    found = re.findall(r"<dt>([^<]+)</dt><dd>([^<]*)", fragment)
    return {name.strip(): value.strip() for name, value in found}


def texts(name: str, **changed: str) -> dict[str, str]:
    """The fields of a prompt as a browser sends them, with these texts in the place of its own."""
    prompt = prompt_of(name)
    sent = {"system": prompt.system, "user": prompt.user, "revision": prompt.revision} | changed
    key = f"{prompt.name} v{prompt.version}"
    return {"prompt": key, "texts_of": key} | {field: text.replace("\n", "\r\n") for field, text in sent.items()}


# --- the start --------------------------------------------------------------------------------------------


def test_without_an_endpoint_the_page_asks_for_one(project: Project, mia: User) -> None:
    assert "Add an endpoint" in page(signed_in(mia), project, "")
    assert "Add an endpoint to see the forecast." in page(signed_in(mia), project, "/new")


def test_an_empty_page_says_what_to_do_next(project: Project, mia: User, rita: User, endpoint: Endpoint) -> None:
    shown = page(signed_in(mia), project, "")
    assert "No judges yet" in shown
    assert "Open the playground" in shown
    assert "A manager of the project starts runs." in page(signed_in(rita), project, "")


def test_a_run_is_started_worked_and_read(
    project: Project, manager: Client, rita: User, endpoint: Endpoint, server: Model
) -> None:
    solutions = fill(project)
    run = worked(started(manager, project, endpoint, votes="3", name="strict", budget_requests="500"))
    assert (run.status, run.done, run.budget["requests"]) == (JobStatus.FINISHED, 4, 500)
    assert_counts(run)
    assert (run.judge.name, run.judge.options["votes"], run.created_by.name) == ("strict", 3, "Mia")  # type: ignore[union-attr]
    assert AuditEvent.objects.filter(verb__in=["judge.saved", "judging.started"]).count() == 2
    reviewer = signed_in(rita)
    shown = page(reviewer, project, f"/runs/{run.number}")
    assert (facts(shown)["verdicts"], facts(shown)["undecided"]) == ("4", "0")
    assert "First errors" in shown
    assert "Pause" not in shown
    listed = page(reviewer, project, "")
    assert "strict v1" in listed
    assert "steps-first-error v1" in listed
    assert "New judge run" not in listed
    results = page(reviewer, project, f"/runs/{run.number}/items")
    assert results.count("first error: 2") == 2
    assert page(reviewer, project, f"/runs/{run.number}/items?outcome=without").count("<tr>") == 0
    item = page(reviewer, project, f"/runs/{run.number}/items/{solutions[1].pk}")
    assert [title in item for title in ("Vote 1", "Vote 2", "Vote 3", "It fails.", "\\boxed{1}")] == [True] * 5


def test_the_forecast_is_what_the_run_takes(
    project: Project, manager: Client, endpoint: Endpoint, server: Model
) -> None:
    fill(project)
    Endpoint.objects.update(price_in=10, price_out=10)
    url = reverse("judge-run-forecast", args=[project.slug])
    form = FORM | {"endpoint": str(endpoint.pk), "votes": "3"}
    shown = text_of(manager.post(url, form))
    assert "assumed" in shown
    assert (facts(shown)["solutions"], facts(shown)["requests"], facts(shown)["time"]) == ("4", "4", "–")
    run = worked(started(manager, project, endpoint, votes="3"))
    assert run.requests == 4
    again = text_of(manager.post(url, form))
    assert "measured" in again
    # As many tokens as the run took, but that four characters are not quite one token.
    tokens_in = int(facts(again)["tokens in"].removeprefix("about ").replace(",", ""))
    assert tokens_in == pytest.approx(run.prompt_tokens, rel=0.25)
    assert int(facts(again)["tokens out"].removeprefix("about ")) == pytest.approx(run.completion_tokens, rel=0.02)
    compared = text_of(manager.post(url, form | {"kind": "comparison", "prompt": "comparison v1", "pairs": "random"}))
    assert (facts(compared)["comparisons"], facts(compared)["requests"]) == ("2", "4")
    assert not Constitution.objects.exists()
    revised = manager.post(url, form | {"kind": "critique-revise", "prompt": "critique-revise v1", "revisions": "2"})
    assert facts(text_of(revised))["requests"] == "16"
    assert not Constitution.objects.exists()
    assert Judge.objects.count() == 1
    assert "Correct the fields" in text_of(manager.post(url, form | {"votes": "99"}))
    Solution.objects.update(is_correct=None)
    assert "matches no solution" in text_of(manager.post(url, form | {"answers": "right"}))


def test_another_kind_brings_its_prompts(project: Project, manager: Client, endpoint: Endpoint) -> None:
    url = reverse("judge-run-prompt", args=[project.slug])
    answer = manager.get(url, {"kind": "outcome", "prompt": "steps-first-error v1", "endpoint": str(endpoint.pk)})
    assert answer["HX-Trigger-After-Swap"] == "prompt-changed"
    shown = text_of(answer)
    assert re.search(r'value="outcome v1"\s+selected', shown)
    assert "outcome-reference v1" in shown
    assert "steps-first-error" not in shown
    assert prompt_of("outcome").user.splitlines()[1] in shown
    other = text_of(manager.get(url, {"kind": "outcome", "prompt": "outcome-reference v1"}))
    assert "{reference}" in other


def test_an_edited_text_becomes_a_prompt_of_the_project(
    project: Project, manager: Client, endpoint: Endpoint, server: Model
) -> None:
    fill(project)
    plain = started(manager, project, endpoint, **texts("steps-first-error"))
    assert plain.prompt["name"] == "steps-first-error"
    system = "Be strict.\n" + prompt_of("steps-first-error").system
    own = started(manager, project, endpoint, **texts("steps-first-error", system=system))
    assert (own.prompt["name"], own.prompt["version"]) == ("steps-first-error-own", 1)
    assert own.prompt["system"] == system
    assert str(own.judge) == "completions v2"
    again = started(manager, project, endpoint, **texts("steps-first-error", system=system))
    assert again.judge == own.judge
    other = started(manager, project, endpoint, **texts("steps-first-error", system=system + "!"))
    assert (other.prompt["version"], other.judge.version) == (2, 3)
    # It is offered from now on, and a run of the same judge begins with it.
    form = page(manager, project, f"/new?judge={own.judge_id}")
    assert re.search(r'value="steps-first-error-own v1"\s+selected', form)
    assert "Be strict." in form
    chosen = started(manager, project, endpoint, prompt="steps-first-error-own v2")
    assert chosen.judge == other.judge


def test_a_text_and_a_prompt_that_do_not_belong_together_are_not_guessed(
    project: Project, manager: Client, endpoint: Endpoint
) -> None:
    fill(project)
    edited = texts("steps-first-error", system="Be strict.")
    errors = refused(manager, project, endpoint, **edited | {"prompt": "steps-ratings v1"})
    assert "edited steps-first-error v1" in errors["prompt"]
    # Without JavaScript the texts are still those of the first prompt: the one that is chosen now counts.
    run = started(manager, project, endpoint, **texts("steps-first-error") | {"prompt": "steps-ratings v1"})
    assert (run.prompt["name"], run.prompt["system"]) == ("steps-ratings", prompt_of("steps-ratings").system)


def test_what_is_wrong_with_a_form_is_at_its_field(project: Project, manager: Client, endpoint: Endpoint) -> None:
    assert refused(manager, project, endpoint) == {"answers": "must match at least one solution"}
    fill(project)
    assert set(refused(manager, project, endpoint, votes="65", temperature="3", attempts="17")) == {
        "votes",
        "temperature",
        "attempts",
    }
    broken = texts("steps-first-error", user="Is {problem} solved?")
    assert refused(manager, project, endpoint, **broken) == {"user": "must contain {steps}"}
    foreign = texts("steps-first-error", user="{problem} {steps} {critique}")
    assert "must not contain {critique}" in refused(manager, project, endpoint, **foreign)["user"]
    judge_of_a_file(project.solutions.all()[0], "llama")
    assert "is the name of a judge from a file" in refused(manager, project, endpoint, name="llama")["name"]
    compared = {"kind": "comparison", "prompt": "comparison v1", "pairs": "existing"}
    assert "at least one comparison" in str(refused(manager, project, endpoint, **compared))
    assert not JudgeRun.objects.filter(origin="").exists()
    # Neither the judge is left over.
    assert not Judge.objects.exclude(kind="").exists()


def test_a_form_that_is_sent_twice_starts_one_run(project: Project, manager: Client, endpoint: Endpoint) -> None:
    fill(project)
    once = uuid4().hex
    started(manager, project, endpoint, once=once)
    again = FORM | {"endpoint": str(endpoint.pk), "once": once}
    assert manager.post(reverse("judge-run-new", args=[project.slug]), again).status_code == 422
    assert JudgeRun.objects.count() == 1


# --- a run ------------------------------------------------------------------------------------------------


def test_a_run_is_paused_resumed_with_another_budget_and_cancelled(
    project: Project, manager: Client, rita: User, endpoint: Endpoint
) -> None:
    fill(project)
    run = started(manager, project, endpoint, budget_requests="2", budget_cost="5")
    live = page(manager, project, f"/runs/{run.number}")
    assert 'hx-trigger="every 2s"' in live
    assert "Pause" in live
    fragment = manager.get(reverse("judge-run", args=[project.slug, run.number]), headers={"HX-Request": "true"})
    assert "<html" not in text_of(fragment)
    url = f"/projects/{project.slug}/judging/runs/{run.number}"
    manager.post(f"{url}/pause")
    run.refresh_from_db()
    assert run.status == JobStatus.PAUSED
    assert 'name="requests" value="2"' in page(manager, project, f"/runs/{run.number}")
    assert signed_in(rita).post(f"{url}/resume").status_code == 403
    answer = manager.post(f"{url}/resume", {"requests": "0"})
    assert answer.status_code == 422
    manager.post(f"{url}/resume", {"requests": "900", "cost": ""})
    run.refresh_from_db()
    assert (run.status, run.budget["requests"], run.budget["cost"]) == (JobStatus.QUEUED, 900, None)
    pause_judging(run=run)
    manager.post(f"{url}/resume")
    run.refresh_from_db()
    assert (run.status, run.budget["requests"]) == (JobStatus.QUEUED, 900)
    manager.post(f"{url}/cancel")
    run.refresh_from_db()
    assert run.status == JobStatus.CANCELLED
    again = manager.post(f"{url}/resume")
    assert again.status_code == 409
    assert "cannot be resumed" in text_of(again)


def test_the_page_of_a_run_names_what_has_no_verdict_and_why(
    project: Project, manager: Client, rita: User, server: Model, endpoint: Endpoint
) -> None:
    solutions = fill(project)
    server.control(refuses=1.0)
    run = worked(started(manager, project, endpoint, attempts="1"))
    assert run.refusals == 4
    reviewer = signed_in(rita)
    shown = page(reviewer, project, f"/runs/{run.number}")
    assert "Without a verdict" in shown
    assert "I'm sorry, but I can't help" in shown
    assert len(re.findall(r"items/\d+", shown)) == 4
    assert page(reviewer, project, f"/runs/{run.number}/items?outcome=refusal").count('class="small wrap reason"') == 4
    assert "No results" in page(reviewer, project, f"/runs/{run.number}/items?outcome=tied")
    item = page(reviewer, project, f"/runs/{run.number}/items/{solutions[0].pk}")
    assert "refusal" in item


def test_every_attempt_at_an_unreadable_reply_is_shown(
    project: Project, manager: Client, server: Model, endpoint: Endpoint
) -> None:
    (solution, *_) = fill(project)
    server.control(text="I find it <i>nice</i>.")
    run = worked(started(manager, project, endpoint, attempts="2"))
    answer = manager.get(f"/projects/{project.slug}/judging/runs/{run.number}/items/{solution.pk}")
    assert b"I find it &lt;i&gt;nice&lt;/i&gt;." in answer.content
    assert "attempt 2" in text_of(answer)
    assert "unreadable" in text_of(answer)


def test_revisions_are_side_by_side_with_their_critique(
    project: Project, manager: Client, server: Model, endpoint: Endpoint
) -> None:
    (solution, *_) = fill(project, 2)
    run = worked(
        started(manager, project, endpoint, kind="critique-revise", prompt="critique-revise v1", revisions="2")
    )
    assert Revision.objects.filter(run=run, solution=solution).count() == 2
    item = page(manager, project, f"/runs/{run.number}/items/{solution.pk}")
    assert "Revision 2" in item
    assert "It is not as clear as it could be." in item
    assert item.count("Now it is clearer.") > item.count("Now it is clearer. Now it is clearer.") > 0
    revised = Solution.objects.exclude(extras=None).latest("pk")
    shown = text_of(manager.get(reverse("solution", args=[project.slug, revised.pk])))
    assert "revised from" in shown
    assert "Principles" in page(manager, project, f"/runs/{run.number}")


# --- the playground ---------------------------------------------------------------------------------------


def test_a_judge_is_tried_on_one_solution_and_nothing_is_stored(
    project: Project, manager: Client, server: Model, endpoint: Endpoint
) -> None:
    wrong = fill(project)[1]
    url = reverse("playground", args=[project.slug])
    assert f'value="{wrong.pk}"' in page(manager, project, f"/playground?solution={wrong.pk}")
    asked = FORM | {"endpoint": str(endpoint.pk), "solution": str(wrong.pk)}
    answer = manager.post(url, asked)
    assert answer.status_code == 200
    shown = text_of(answer)
    assert "first error: 2" in shown
    assert "<step_1>\nThat is wrong" in shown
    assert "It fails." in shown
    assert server.stats()["requests"] == 1
    assert not Judge.objects.exists()
    assert not JudgeReply.objects.exists()
    fragment = text_of(manager.post(url, asked, headers={"HX-Request": "true"}))
    assert fragment.strip().startswith('<div id="playground"')
    judge = make_judge(project, server, options={"votes": 3})
    stored = text_of(manager.post(url, {"judge": str(judge.pk), "solution": str(wrong.pk)}))
    assert "Vote 3" in stored
    assert not JudgeRun.objects.exists()


def test_the_playground_says_what_is_missing(
    project: Project, manager: Client, mia: User, server: Model, endpoint: Endpoint
) -> None:
    wrong = fill(project)[1]
    url = reverse("playground", args=[project.slug])
    asked = FORM | {"endpoint": str(endpoint.pk)}
    for fields, field in (
        ({}, "solution"),
        ({"solution": str(10**9)}, "solution"),
        ({"kind": "comparison", "prompt": "comparison v1", "solution": str(wrong.pk)}, "comparison"),
    ):
        answer = manager.post(url, asked | fields)
        assert answer.status_code == 422
        assert field in answer.context["form"].errors, fields
    server.control(is_down=True)
    away = manager.post(url, asked | {"solution": str(wrong.pk)})
    assert away.status_code == 422
    assert "The judge does not answer" in text_of(away)


def test_a_judge_of_a_file_cannot_be_asked(project: Project, manager: Client, endpoint: Endpoint) -> None:
    run = judge_of_a_file(fill(project)[0], "llama", 1)
    assert manager.post(reverse("playground", args=[project.slug]), {"judge": str(run.judge_id)}).status_code == 422
    shown = page(manager, project, "")
    assert "from a file" in shown
    assert "1 step" in re.sub(r"<[^>]+>", "", shown)
    assert "were imported" in page(manager, project, f"/runs/{run.number}")


# --- constitutions ----------------------------------------------------------------------------------------


def principles(*rows: dict[str, str]) -> dict[str, str]:
    sent = {"name": "default", "form-TOTAL_FORMS": str(len(rows)), "form-INITIAL_FORMS": "0"}
    return sent | {f"form-{number}-{part}": text for number, row in enumerate(rows) for part, text in row.items()}


def test_principles_are_edited_and_each_change_is_a_version(project: Project, manager: Client, rita: User) -> None:
    assert "judges use the one in the box" in page(signed_in(rita), project, "/constitutions")
    url = reverse("constitution-edit", args=[project.slug])
    assert "no-harm" in text_of(manager.get(url))
    empty = dict.fromkeys(PRINCIPLE, "")
    first = manager.post(url, principles(PRINCIPLE, empty))
    assert first.status_code == 302
    stored = Constitution.objects.get()
    assert (str(stored), stored.principles) == ("default v1", [PRINCIPLE])
    manager.post(url, principles(PRINCIPLE))
    assert Constitution.objects.count() == 1
    other = PRINCIPLE | {"name": "order"}
    manager.post(url, principles(PRINCIPLE | {"DELETE": "on"}, other))
    assert [row["name"] for row in Constitution.objects.get(version=2).principles] == ["order"]
    assert "brevity" in page(signed_in(rita), project, f"/constitutions/{stored.pk}")
    assert "order" in page(signed_in(rita), project, "/constitutions")
    added = manager.post(url, principles(PRINCIPLE | {"critique": "kept"}) | {"add": "1"})
    assert added.status_code == 200
    assert "kept" in text_of(added)
    assert 'name="form-1-name"' in text_of(added)


def test_what_is_wrong_with_a_principle_is_at_its_field(project: Project, manager: Client) -> None:
    url = reverse("constitution-edit", args=[project.slug])
    answer = manager.post(url, principles(PRINCIPLE | {"name": "Too Long", "question": ""}))
    assert answer.status_code == 422
    assert set(answer.context["principles"].errors[0]) == {"name", "question"}
    doubled = manager.post(url, principles(PRINCIPLE, PRINCIPLE))
    assert doubled.status_code == 422
    assert "brevity comes more than once" in text_of(doubled)
    none = manager.post(url, principles(dict.fromkeys(PRINCIPLE, "")))
    assert none.status_code == 422
    assert not Constitution.objects.exists()


def test_a_run_keeps_the_constitution_that_it_began_with(
    project: Project, manager: Client, server: Model, endpoint: Endpoint
) -> None:
    fill(project)
    old = save_constitution(
        project=project, values={"name": "own", "title": "own", "principles": [PRINCIPLE]}, created_by=None
    )
    compared = {"kind": "principle", "prompt": "principle v1", "pairs": "right_wrong", "constitution": str(old.pk)}
    run = started(manager, project, endpoint, **compared)
    assert run.judge.constitution == old
    assert "own v1" in page(manager, project, f"/runs/{run.number}")
    assert "own v1" in page(manager, project, "")


# --- the evidence -----------------------------------------------------------------------------------------


def evidence(user: User, solution: Solution) -> str:
    return text_of(signed_in(user).get(reverse("solution", args=[solution.project.slug, solution.pk])))


def test_the_evidence_shows_the_newest_result_of_each_judge(project: Project, rita: User, server: Model) -> None:
    right, wrong, *_ = fill(project, 8)
    outcome = make_judge(project, server, "outcome")
    worked(start_judging(judge=outcome))
    shown = evidence(rita, wrong)
    assert ">fail</span>" in shown
    assert "Checked." in shown
    assert ">pass</span>" in evidence(rita, right)
    server.control(refuses=0.5)
    newest = worked(start_judging(judge=outcome))
    assert 0 < newest.refusals < 8
    refused_one = SolutionVerdict.objects.filter(run=newest, outcome="refusal")[0].solution
    shown = evidence(rita, refused_one)
    assert "refusal" in shown
    assert "I'm sorry" in shown
    assert not re.search(r">(pass|fail)</span>", shown)
    JudgeRun.objects.filter(pk=newest.pk).update(status=JobStatus.RUNNING)
    assert re.search(r">(pass|fail)</span>", evidence(rita, refused_one))


def test_tied_votes_are_shown_as_undecided(project: Project, rita: User, server: Model) -> None:
    (solution, *_) = fill(project)
    judge = make_judge(project, server)
    run = start_judging(judge=judge)
    JudgeRun.objects.update(status=JobStatus.FINISHED)
    sentence = "The votes are tied, with 1 each for step 0, step 1."
    SolutionVerdict.objects.create(run=run, solution=solution, outcome="tied", reason=sentence)
    assert sentence in evidence(rita, solution)
    assert "Ask a judge" not in evidence(rita, solution)


@pytest.mark.parametrize(
    ("prefers", "expected"),
    [("A", "it chose whichever was shown first"), ("right", "this is better, clearly"), ("longer", "It prefers")],
)
def test_a_judged_comparison_is_on_the_pages_of_both_sides(
    project: Project, mia: User, server: Model, prefers: str, expected: str
) -> None:
    right, wrong, *_ = fill(project)
    server.control(prefers=prefers)
    run = worked(
        start_judging(judge=make_judge(project, server, "comparison"), selection={"pairs": "right_wrong"}, seed=1)
    )
    assert expected in evidence(mia, right)
    other = "the other is better" if prefers == "right" else "inconsistent" if prefers == "A" else "is better"
    assert other in evidence(mia, wrong)
    comparison = run.comparison_verdicts.order_by("pk").first().comparison_id  # type: ignore[union-attr]
    item = page(signed_in(mia), project, f"/runs/{run.number}/items/{comparison}")
    assert "Left one first" in item
    assert "Position" in page(signed_in(mia), project, f"/runs/{run.number}")
    asked = {"judge": str(run.judge_id), "comparison": str(comparison)}
    tried = text_of(signed_in(mia).post(reverse("playground", args=[project.slug]), asked))
    assert "Right one first" in tried


def test_each_reply_by_a_principle_names_the_side_that_it_prefers(project: Project, mia: User, server: Model) -> None:
    fill(project, 2)
    server.control(prefers="right")
    judge = make_judge(project, server, "principle", options={"principles": "all"})
    run = worked(start_judging(judge=judge, selection={"pairs": "right_wrong"}))
    verdict = run.comparison_verdicts.get()
    pairs = len(judge.constitution.principles)  # type: ignore[union-attr]
    assert (verdict.outcome, verdict.pairs, pairs) == ("verdict", pairs, 9)
    item = page(signed_in(mia), project, f"/runs/{run.number}/items/{verdict.comparison_id}")
    assert item.count(f"prefers the {verdict.choice} one") == 2 * pairs
    assert "Vote 1, left one first" in item
    assert "Vote 9, right one first" in item
    assert "Vote 10" not in item


def test_a_judge_whose_endpoint_has_another_model_begins_its_next_version(
    project: Project, manager: Client, server: Model
) -> None:
    solution, *_ = fill(project)
    judge = make_judge(project, server, options={"votes": 2})
    Endpoint.objects.update(model="judge-70b")
    tried = manager.post(reverse("playground", args=[project.slug]), {"judge": judge.pk, "solution": solution.pk})
    assert tried.status_code == 422
    assert "its endpoint has another model" in text_of(tried)
    assert "requests" in facts(page(manager, project, f"/new?judge={judge.pk}"))
    run = started(manager, project, Endpoint.objects.get(), votes="2")
    assert (run.judge.name, run.judge.version, run.judge.model) == (judge.name, 2, "judge-70b")


def test_the_home_page_lists_running_judge_runs(project: Project, mia: User, server: Model) -> None:
    fill(project)
    run = start_judging(judge=make_judge(project, server), created_by=mia)
    home = text_of(signed_in(mia).get("/"))
    assert reverse("judge-run", args=[project.slug, run.number]) in home


def test_labelers_and_strangers_see_none_of_it(
    project: Project, bob: User, charlie: User, rita: User, server: Model
) -> None:
    fill(project)
    run = start_judging(judge=make_judge(project, server))
    for path in ("", "/new", "/playground", "/constitutions", f"/runs/{run.number}", f"/runs/{run.number}/items"):
        page(signed_in(bob), project, path, 403)
        page(signed_in(charlie), project, path, 404)
    for path in ("/new", "/playground", "/constitutions/edit"):
        page(signed_in(rita), project, path, 403)

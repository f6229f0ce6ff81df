"""The reward endpoint: labels where they determine a solution, else a served model, and nothing is stored."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.models import Problem, Solution, Step
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.projects.models import Project
from apps.quality.models import Consensus, StepConsensus
from apps.scoring.models import ScoringRun, SolutionScore, StepScore
from apps.scoring.reward_model import set_reward_model
from tests.cast import bearer, make_gold, make_problem, make_solution
from tests.scoring.model import RewardServer, json_scores, rewards_of

pytestmark = pytest.mark.django_db(transaction=True)

PROBLEM, STEPS = "What is 2 + 2, squared?", ["2 + 2 = 4.", "4 squared is 8.", "The answer is 8."]


@pytest.fixture
def server(reward_server: str) -> RewardServer:
    return rewards_of(reward_server)


@pytest.fixture
def own(server: RewardServer, project: Project) -> Endpoint:
    endpoint = add_endpoint(project=project, name="own", url=server.json_url, model="m", settings={"max_in_flight": 8})
    set_reward_model(project=project, endpoint=endpoint, kind="json")
    return endpoint


@pytest.fixture
def known(project: Project) -> Solution:
    return make_solution(make_problem(project, PROBLEM), STEPS)


def ask(client: Client, project: Project, status: int = 200, **body: Any) -> dict[str, Any]:
    response = client.post(f"/api/v1/projects/{project.slug}/rewards", body, content_type="application/json")
    assert response.status_code == status, response.content
    return dict(response.json())


def settle(solution: Solution, *ratings: int, state: str = "settled", thin: bool = False) -> None:
    error = ratings.index(-1) if -1 in ratings else -1
    Consensus.objects.create(
        solution=solution, project=solution.project, state=state, how="majority", first_error=error, people=3
    )
    for step, rating in zip(solution.steps.order_by("position"), ratings, strict=False):
        StepConsensus.objects.create(step=step, rating=rating, how="majority", people=3, is_thin=thin)


# --- from labels ------------------------------------------------------------------------------------------


def test_known_text_gets_the_rewards_of_its_labels(project: Project, alice: User, known: Solution) -> None:
    make_gold(known, 1, -1)
    answer = ask(bearer(alice, ["read"]), project, problem=PROBLEM, steps=STEPS)
    assert answer == {"rewards": [1.0, 0.0, None], "source": "labels", "first_error": 1}


def test_gold_comes_before_the_consensus(project: Project, alice: User, known: Solution) -> None:
    settle(known, 1, 1, 1)
    client = bearer(alice)
    assert ask(client, project, problem=PROBLEM, steps=STEPS)["rewards"] == [1.0, 1.0, 1.0]
    make_gold(known, 1, -1)
    answer = ask(client, project, problem=PROBLEM, steps=STEPS)
    assert (answer["rewards"][:2], answer["first_error"]) == ([1.0, 0.0], 1)


@pytest.mark.parametrize("okay", [None, 0.0, 0.5])
def test_what_is_rated_okay_is_worth_what_the_request_says(
    okay: float | None, project: Project, alice: User, known: Solution
) -> None:
    settle(known, 1, 0, 1)
    body = {"problem": PROBLEM, "steps": STEPS} | ({} if okay is None else {"okay": okay})
    assert ask(bearer(alice), project, **body)["rewards"] == [1.0, 1.0 if okay is None else okay, 1.0]


@pytest.mark.parametrize("weak", [{"state": "tied"}, {"state": "thin"}, {"thin": True}])
def test_a_consensus_that_is_not_settled_gives_no_reward(
    weak: dict[str, Any], project: Project, alice: User, known: Solution
) -> None:
    settle(known, 1, 1, 1, **weak)
    answer = ask(bearer(alice), project, problem=PROBLEM, steps=STEPS, source="labels")
    assert answer == {"rewards": [None, None, None], "source": "labels"}


def test_the_labels_of_a_retired_problem_give_no_reward(project: Project, alice: User, known: Solution) -> None:
    make_gold(known, 1, -1)
    Problem.objects.update(retired_at=timezone.now())
    answer = ask(bearer(alice), project, problem=PROBLEM, steps=STEPS, source="labels")
    assert answer == {"rewards": [None, None, None], "source": "labels"}


def test_a_solution_that_begins_with_the_same_steps_shares_their_labels(
    project: Project, alice: User, known: Solution
) -> None:
    make_gold(known, 1, -1)
    client = bearer(alice)
    answer = ask(client, project, problem=f"  {PROBLEM}\n", steps=[*STEPS[:2], "Another end."])
    assert answer == {"rewards": [1.0, 0.0, None], "source": "labels", "first_error": 1}
    # The same sentence behind other steps is another step.
    other = ask(client, project, problem=PROBLEM, steps=["Well.", STEPS[1]], source="labels")
    assert other["rewards"] == [None, None]


def test_a_rated_candidate_that_was_not_chosen_is_known_too(project: Project, alice: User, known: Solution) -> None:
    candidate = Step.objects.create(solution=known, position=1, candidate=1, text="4 squared is 16.", chosen=False)
    make_gold(known, 1)
    settle(known)
    StepConsensus.objects.create(step=candidate, rating=1, how="majority", people=3)
    answer = ask(
        bearer(alice), project, problem=PROBLEM, steps=[STEPS[0], "4 squared is 16.", "Done."], source="labels"
    )
    assert answer["rewards"] == [1.0, 1.0, None]


def test_labels_of_one_step_that_contradict_each_other_give_none(
    project: Project, alice: User, known: Solution
) -> None:
    twin = make_solution(known.problem, STEPS[:2])
    make_gold(known, 1, 1, 1)
    make_gold(twin, 1, -1)
    answer = ask(bearer(alice), project, problem=PROBLEM, steps=STEPS, source="labels")
    assert answer == {"rewards": [1.0, None, 1.0], "source": "labels"}


def test_labels_of_another_project_are_unknown_here(project: Project, alice: User, known: Solution) -> None:
    from apps.projects.services import create_project

    make_gold(known, 1, -1)
    other = create_project(slug="other", name="Other", owner=alice)
    answer = ask(bearer(alice), other, problem=PROBLEM, steps=STEPS, source="labels")
    assert answer["rewards"] == [None, None, None]


# --- from a model -----------------------------------------------------------------------------------------


def test_unknown_text_is_scored_and_not_stored(project: Project, alice: User, own: Endpoint) -> None:
    counts = [model.objects.count() for model in (Problem, Solution, Step, StepScore, SolutionScore, ScoringRun)]
    answer = ask(bearer(alice), project, problem="Never seen.", steps=["One.", "Two."])
    expected = json_scores("Never seen.", ["One.", "Two."])
    assert answer["source"] == "model"
    assert answer["rewards"] == pytest.approx(expected)
    below = [position for position, score in enumerate(expected) if score < 0.5]
    assert answer["first_error"] == (below[0] if below else -1)
    models = (Problem, Solution, Step, StepScore, SolutionScore, ScoringRun)
    assert [model.objects.count() for model in models] == counts


def test_a_solution_whose_labels_end_before_its_steps_do_is_scored_by_the_model(
    project: Project, alice: User, known: Solution, own: Endpoint
) -> None:
    make_gold(known, 1)
    client = bearer(alice)
    assert ask(client, project, problem=PROBLEM, steps=STEPS)["source"] == "model"
    assert ask(client, project, problem=PROBLEM, steps=STEPS[:1])["source"] == "labels"
    assert ask(client, project, problem=PROBLEM, steps=STEPS[:1], source="model")["source"] == "model"


def test_several_texts_are_answered_in_their_order(
    project: Project, alice: User, known: Solution, own: Endpoint
) -> None:
    make_gold(known, 1, -1)
    items = [{"problem": "New.", "steps": ["A.", "B."]}, {"problem": PROBLEM, "steps": STEPS}]
    items += [{"problem": f"New {n}.", "steps": ["C."]} for n in range(20)]
    results = ask(bearer(alice), project, items=items)["results"]
    assert [result["source"] for result in results] == ["model", "labels", *["model"] * 20]
    assert results[0]["rewards"] == pytest.approx(json_scores("New.", ["A.", "B."]))
    assert results[-1]["rewards"] == pytest.approx(json_scores("New 19.", ["C."]))


def test_a_named_endpoint_is_asked_in_its_kind(
    project: Project, alice: User, own: Endpoint, server: RewardServer
) -> None:
    add_endpoint(project=project, name="prm", url=server.url, model="prm")
    answer = ask(
        bearer(alice),
        project,
        problem="New.",
        steps=["A."],
        endpoint="prm",
        kind="token_probability",
        prompt={"preset": "annotate"},
    )
    assert answer["source"] == "model"
    assert answer["rewards"] != pytest.approx(json_scores("New.", ["A."]))


def test_a_step_without_a_score_is_null_with_the_reason(
    project: Project, alice: User, own: Endpoint, server: RewardServer
) -> None:
    server.control(json_scores=[0.9, None])
    answer = ask(bearer(alice), project, problem="New.", steps=["A.", "B."])
    assert (answer["rewards"], answer["reasons"]) == ([0.9, None], ["The endpoint returned null for a step."])
    assert "first_error" not in answer
    server.control(json_scores=["x"])
    answer = ask(bearer(alice), project, problem="New.", steps=["A."])
    assert answer["rewards"] == [None]
    assert "must be between 0 and 1" in answer["reasons"][0]


# --- what goes wrong --------------------------------------------------------------------------------------


def test_a_model_that_is_away_is_503_and_labels_are_answered_all_the_same(
    project: Project, alice: User, known: Solution, own: Endpoint, server: RewardServer
) -> None:
    make_gold(known, 1, -1)
    server.control(is_down=True)
    client = bearer(alice)
    error = ask(client, project, 503, problem="New.", steps=["A."])["error"]
    assert error["code"] == "reward_model_away"
    assert ask(client, project, problem=PROBLEM, steps=STEPS)["source"] == "labels"


def test_without_a_reward_model_the_error_says_what_to_do(project: Project, alice: User, own: Endpoint) -> None:
    own.delete()
    error = ask(bearer(alice), project, 422, problem="New.", steps=["A."])["error"]
    assert error["code"] == "no_reward_model"
    assert list(error["fields"]) == ["endpoint"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "items"),
        ({"problem": "P"}, "steps"),
        ({"steps": ["A"]}, "problem"),
        ({"problem": "P", "steps": []}, "steps"),
        ({"problem": "P", "steps": ["A"] * 201}, "steps"),
        ({"problem": "P", "steps": "A"}, "steps"),
        ({"problem": "P", "steps": [""]}, "steps[0]"),
        ({"problem": "P" * 20_001, "steps": ["A"]}, "problem"),
        ({"problem": "P", "steps": ["A"], "items": [{"problem": "P", "steps": ["A"]}]}, "items"),
        ({"items": []}, "items"),
        ({"items": [{"problem": "P", "steps": ["A"]}] * 257}, "items"),
        ({"items": [{"problem": "P", "steps": ["A"]}, {"problem": "P"}]}, "items[1].steps"),
        ({"problem": "P", "steps": ["A"], "source": "guess"}, "source"),
        ({"problem": "P", "steps": ["A"], "okay": 2}, "okay"),
        ({"problem": "P", "steps": ["A"], "endpoint": "nobody"}, "endpoint"),
        ({"problem": "P", "steps": ["A"], "kind": "magic"}, "kind"),
        ({"problem": "P", "steps": ["A"], "prompt": {"tag": 3}}, "prompt"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(
    body: dict[str, Any], field: str, project: Project, alice: User, own: Endpoint
) -> None:
    error = ask(bearer(alice), project, 422, **body)["error"]
    assert field in error["fields"], error


def test_only_managers_ask_and_strangers_learn_nothing(
    project: Project, bob: User, rita: User, charlie: User, known: Solution
) -> None:
    for user, status in ((bob, 403), (rita, 403), (charlie, 404)):
        ask(bearer(user), project, status, problem=PROBLEM, steps=STEPS)


# --- scoring runs -----------------------------------------------------------------------------------------


def test_a_run_is_started_followed_and_stopped_through_the_api(project: Project, alice: User, own: Endpoint) -> None:
    make_solution(make_problem(project), STEPS)
    client, base = bearer(alice), f"/api/v1/projects/{project.slug}"
    started = client.post(f"{base}/scoring-runs", {"reducer": "min"}, content_type="application/json")
    assert started.status_code == 201, started.content
    run = started.json()
    assert (run["kind"], run["endpoint"], run["reducer"], run["total"]) == ("json", "own", "min", 1)
    for verb, status in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled")):
        changed = client.post(f"/api/v1/scoring-runs/{run['id']}/{verb}", content_type="application/json")
        assert changed.json()["status"] == status
    shown = client.get(f"/api/v1/scoring-runs/{run['id']}").json()
    assert {"done", "steps", "missing", "requests", "tokens", "rate", "eta_s", "cost", "notices"} <= shown.keys()
    assert [one["id"] for one in client.get(f"{base}/scoring-runs").json()["results"]] == [run["id"]]


def test_the_reward_model_is_set_and_read(project: Project, alice: User, own: Endpoint, server: RewardServer) -> None:
    client, url = bearer(alice), f"/api/v1/projects/{project.slug}/reward-model"
    assert client.get(url).json() == {"endpoint": "own", "kind": "json", "options": {}, "prompt": {}}
    add_endpoint(project=project, name="prm", url=server.url, model="prm")
    body = {"endpoint": "prm", "kind": "token_probability", "prompt": {"preset": "annotate"}}
    changed = client.put(url, body, content_type="application/json").json()
    assert changed["prompt"]["tag"] == "\n"
    assert client.get(url).json() == changed
    wrong = client.put(
        url, body | {"kind": "token_probability", "options": {"top": 0}}, content_type="application/json"
    )
    assert (wrong.status_code, list(wrong.json()["error"]["fields"])) == (400, ["options"])


def test_scores_of_steps_are_listed(project: Project, alice: User, own: Endpoint) -> None:
    solution = make_solution(make_problem(project), STEPS[:2])
    run = ScoringRun.objects.create(project=project, number=1, model="m", kind="json", status=JobStatus.FINISHED)
    StepScore.objects.create(run=run, step=solution.steps.get(position=1), score=0.25)
    listed = bearer(alice).get(f"/api/v1/projects/{project.slug}/scores?solution={solution.pk}").json()["results"]
    assert [(row["run"], row["position"], row["score"]) for row in listed] == [(1, 1, 0.25)]


def test_labelers_see_neither_runs_nor_scores(project: Project, bob: User, own: Endpoint) -> None:
    client = bearer(bob)
    for name in ("scoring-runs", "scores", "reward-model"):
        assert client.get(f"/api/v1/projects/{project.slug}/{name}").status_code == 403

"""Trust, blind rounds, certificates, choruses and cascades over the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.labeling.models import Round
from apps.quality.models import BlindSample, Cascade
from apps.quality.trust.blind_rounds import open_blind_round
from apps.quality.trust.report import judge_reports
from tests.cast import bearer
from tests.quality.trusted_project import TrustedProject, judge_that_says_first, label_sample, trusted_project

pytestmark = pytest.mark.django_db(transaction=True)

API = "/api/v1"


def post(client: Client, path: str, body: object = None) -> Any:
    return client.post(f"{API}{path}", {} if body is None else body, content_type="application/json")


@pytest.fixture
def made(project: Any) -> TrustedProject:
    return trusted_project(project)


@pytest.fixture
def api(mia: User) -> Client:
    return bearer(mia)


def test_trust_has_the_figures_of_the_page_and_the_same_filters(made: TrustedProject, rita: User) -> None:
    judge_that_says_first(made.project)
    api = bearer(rita)
    answer = api.get(f"{API}/projects/{made.project.slug}/trust").json()
    assert answer["bar"] == 0.8
    expected = {report.judge.pk: report.figures for report in judge_reports(made.project)}
    assert {row["judge"] for row in answer["judges"]} == set(expected) == {made.good.pk, made.weak.pk}
    for row in answer["judges"]:
        measured = expected[row["judge"]].true_positive
        assert (row["true_positive"]["value"], row["true_positive"]["n"]) == (measured.value, measured.solutions)
        assert row["true_positive"]["low"] <= row["true_positive"]["value"] <= row["true_positive"]["high"]
        assert row["certificate"] is None
    (comparing,) = answer["comparing"]
    assert (comparing["usable"]["value"], comparing["flips"]["value"]) == (0, 1)
    assert "yields no preference" in comparing["sentence"]
    first = api.get(f"{API}/projects/{made.project.slug}/trust?first=0&last=0").json()
    assert first["judges"][0]["true_positive"]["n"] < answer["judges"][0]["true_positive"]["n"]
    assert api.get(f"{API}/projects/{made.project.slug}/trust?subject=none").json()["judges"] == []
    unknown = api.get(f"{API}/projects/{made.project.slug}/trust?colour=blue")
    assert (unknown.status_code, list(unknown.json()["error"]["fields"])) == (400, ["colour"])


def test_a_blind_round_is_opened_listed_and_certifies_once(made: TrustedProject, api: Client, bob: User) -> None:
    path = f"/projects/{made.project.slug}/blind-rounds"
    opened = post(api, path, {"size": 10, "redundancy": 2, "labelers": [bob.email], "seed": 7})
    assert opened.status_code == 201
    row = opened.json()
    assert (row["solutions"], row["pool"], row["wanted"], row["is_complete"]) == (10, 300, 20, False)
    listed = api.get(f"{API}{path}").json()["results"]
    assert {one["id"] for one in listed} == {row["id"], made.sample.pk}
    early = post(api, f"/blind-rounds/{row['id']}/certify", {"judge": made.good.pk})
    assert (early.status_code, early.json()["error"]["code"]) == (409, "not_complete")
    decisions = [post(api, f"/blind-rounds/{made.sample.pk}/certify", {"judge": made.good.pk}).json() for _ in range(2)]
    assert decisions[0] == decisions[1]
    assert (decisions[0]["is_granted"], decisions[0]["version"], decisions[0]["blind_round"]) == (
        True,
        1,
        made.sample.pk,
    )
    certificates = api.get(f"{API}/projects/{made.project.slug}/judge-certificates").json()["results"]
    assert certificates == [decisions[0]]


@pytest.mark.parametrize(
    ("body", "field"),
    [({"size": 0}, "size"), ({"size": 301}, "size"), ({}, "size"), ({"size": 5, "redundancy": 0}, "redundancy")],
)
def test_an_invalid_blind_round_names_the_field(
    made: TrustedProject, api: Client, body: dict[str, int], field: str
) -> None:
    answer = post(api, f"/projects/{made.project.slug}/blind-rounds", body)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])
    assert BlindSample.objects.count() == 1


def test_a_judge_of_another_project_is_unknown(made: TrustedProject, api: Client) -> None:
    answer = post(api, f"/blind-rounds/{made.sample.pk}/certify", {"judge": 10**9})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["judge"])


def test_a_chorus_is_formed(made: TrustedProject, api: Client) -> None:
    body = {"name": "choir", "members": [made.good.pk, made.weak.pk], "rule": "unanimous"}
    answer = post(api, f"/projects/{made.project.slug}/choruses", body)
    assert answer.status_code == 201
    row = answer.json()
    assert (row["name"], row["version"], row["kind"], row["solutions"]) == ("choir", 1, "chorus", 300)
    assert 0 < row["undecided"] < 300
    wrong = post(api, f"/projects/{made.project.slug}/choruses", body | {"members": [made.good.pk]})
    assert (wrong.status_code, list(wrong.json()["error"]["fields"])) == (400, ["members"])


def test_a_cascade_from_the_plan_to_its_withdrawal(made: TrustedProject, api: Client) -> None:
    path = f"/projects/{made.project.slug}/cascades"
    body = {
        "estimation_run": made.rollouts.number,
        "judge_runs": [made.good_run.number],
        "size": 200,
        "people_cost": 2.0,
        "seed": 1,
    }
    planned = post(api, path, body)
    assert planned.status_code == 201, planned.json()
    row = planned.json()
    assert (row["status"], row["sample"]["solutions"], row["alpha"], row["judge_runs"]) == (
        "planned",
        200,
        0.05,
        [made.good_run.number],
    )
    early = post(api, f"/cascades/{row['id']}/decide")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "not_complete")
    cascade = Cascade.objects.get()
    label_sample(cascade, made.truth)
    chosen = post(api, f"/cascades/{row['id']}/decide").json()
    assert chosen["status"] == "granted", chosen["reason"]
    assert chosen["bound"] <= 0.05
    assert [one["tau"] for one in chosen["table"] if one["is_tested"] and one["passes"]][-1] == chosen["tau"]
    assert post(api, f"/cascades/{row['id']}/apply").json()["status"] == "applied"
    assert post(api, f"/cascades/{row['id']}/withdraw").json()["status"] == "withdrawn"
    (listed,) = api.get(f"{API}{path}").json()["results"]
    assert "table" not in listed
    assert api.get(f"{API}/cascades/{row['id']}").json()["tau"] == chosen["tau"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"estimation_run": 99}, "estimation_run"),
        ({"judge_runs": [99]}, "judge_runs"),
        ({"judge_runs": []}, "judge_runs"),
        ({"alpha": 0}, "alpha"),
        ({"people_cost": -1}, "people_cost"),
        ({"size": 301}, "size"),
    ],
)
def test_an_invalid_plan_names_the_field(made: TrustedProject, api: Client, change: dict[str, Any], field: str) -> None:
    body = {"estimation_run": made.rollouts.number, "judge_runs": [made.good_run.number], "size": 10} | change
    answer = post(api, f"/projects/{made.project.slug}/cascades", body)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])
    assert not Cascade.objects.exists()


def test_evidence_and_disputes_are_silent_about_models_while_people_label(made: TrustedProject, api: Client) -> None:
    pk = min(made.truth)
    spoken = api.get(f"{API}/solutions/{pk}/evidence").json()
    assert spoken["hidden_in"] is None
    assert spoken["runs"] != []
    sample = open_blind_round(project=made.project, size=300)
    assert sample.round is not None
    silent = api.get(f"{API}/solutions/{pk}/evidence").json()
    assert silent["hidden_in"] == sample.round.number
    assert (silent["runs"], silent["judges"]) == ([], [])
    assert {one["source"] for one in silent["first_errors"]} <= {"person", "consensus", "gold"}
    assert all(step["monte_carlo"] == step["judges"] == step["scores"] == [] for step in silent["steps"])
    Round.objects.filter(pk=sample.round_id).update(status=Round.Status.CLOSED)
    assert api.get(f"{API}/solutions/{pk}/evidence").json()["runs"] == spoken["runs"]

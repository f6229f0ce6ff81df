"""Revoked grants: the project sends no more requests to the endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.estimation.models import EstimationRun, SamplingRun
from apps.estimation.runs.services import start_run
from apps.estimation.sampling import worker as sampling_worker
from apps.estimation.sampling.services import pause_sampling, resume_sampling, run_sampling, start_sampling
from apps.estimation.worker.run import run_estimation_slice
from apps.inference.grants import grant_endpoint, revoke_endpoint, share_endpoint
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.labeling.assignments.candidates import candidates_after
from apps.labeling.assignments.error_followup import error_followup_of
from apps.labeling.models import Assignment, Round
from apps.labeling.queue.claim import claim
from apps.labeling.rounds.count import count_round
from apps.labeling.rounds.preview import preview_of
from apps.labeling.rounds.services import create_round, open_draft, open_round
from apps.projects.models import Project
from apps.runs import worker as run_worker
from tests.cast import bearer, make_problem, make_solution, signed_in
from tests.estimation.corpus import add_sums
from tests.inference.scripted import Reply, completions, scripted

ANSWER = "One.\nThe answer is: 1"


def granted(project: Project, url: str) -> Endpoint:
    """An endpoint of the installation, with the operator's key."""
    endpoint = add_endpoint(name="lab", url=url, model="m", api_key="sk-operator", settings={"max_in_flight": 1})
    grant_endpoint(endpoint=endpoint, projects=[project])
    return endpoint


def assignment_of(round_: Round, labeler: User) -> Assignment:
    taken = claim(round=round_, labeler=labeler)
    assert isinstance(taken, Assignment)
    return taken


# --- rounds -----------------------------------------------------------------------------------------------


def test_an_open_round_offers_no_candidates_any_more(db: None, project: Project, bob: User) -> None:
    """The labeler sees the same message as for an unreachable model, and can write the step."""
    make_problem(project, "Compute 2 + 3.", reference_answer="5")
    with scripted(lambda _: completions("Two and three.")) as server:
        endpoint = granted(project, server.url)
        options = {"starts_from": "problems"}
        assignment = assignment_of(
            open_round(project=project, protocol="branching", options=options, endpoint=endpoint), bob
        )
        revoke_endpoint(endpoint=endpoint, projects=[project])
        found = candidates_after(assignment=assignment, chosen=[])
        assert (list(found.candidates), found.problem) == ([], "The endpoint cannot be reached.")
        assert server.asked == []
        grant_endpoint(endpoint=endpoint, projects=[project])
        assert candidates_after(assignment=assignment, chosen=[]).candidates
        share_endpoint(endpoint=endpoint, with_all=True)
        revoke_endpoint(endpoint=endpoint, projects=[project])
        assert candidates_after(assignment=assignment, chosen=[{"text": "Two."}]).candidates
        asked = len(server.asked)
        share_endpoint(endpoint=endpoint, with_all=False)
        assert not candidates_after(assignment=assignment, chosen=[{"text": "Three."}]).candidates
        assert len(server.asked) == asked


def test_an_open_round_offers_no_alternatives_any_more(db: None, project: Project, bob: User) -> None:
    make_solution(make_problem(project, "Compute 2 + 3."), ["Two.", "Six.", "6"])
    with scripted(lambda _: completions("Five.")) as server:
        endpoint = granted(project, server.url)
        options = {"alternatives": True}
        assignment = assignment_of(
            open_round(project=project, protocol="first_error", options=options, endpoint=endpoint), bob
        )
        revoke_endpoint(endpoint=endpoint, projects=[project])
        found = error_followup_of(assignment=assignment, position=1)
        assert (list(found.alternatives), found.problem) == ([], "The endpoint cannot be reached.")
        assert server.asked == []


def test_a_draft_does_not_open(db: None, project: Project, alice: User) -> None:
    make_problem(project, "Compute 2 + 3.", reference_answer="5")
    endpoint = granted(project, "https://models.example/v1")
    options = {"starts_from": "problems"}
    draft = create_round(project=project, protocol="branching", options=options, endpoint=endpoint)
    revoke_endpoint(endpoint=endpoint, projects=[project])
    with pytest.raises(DomainError, match="not granted") as caught:
        open_draft(round=draft, actor=alice)
    draft.refresh_from_db()
    assert draft.status == Round.Status.DRAFT
    assert looked_at(draft, alice) == [caught.value.message] * 5
    grant_endpoint(endpoint=endpoint, projects=[project])
    assert looked_at(draft, alice) == [""] * 5
    assert open_draft(round=draft, actor=alice).status == Round.Status.OPEN


def looked_at(draft: Round, manager: User) -> list[str]:
    """Why it cannot be opened, by preview and count, on its page and by the API, and in the form where it is changed."""
    address = f"/projects/{draft.project.slug}/rounds/{draft.number}"
    refusals = [preview_of(draft).refusal, count_round(draft, most=10).refusal]
    said = [refusal.message if refusal else "" for refusal in refusals]
    page = signed_in(manager).get(address).content.decode()
    said.append(page.partition("cannot be opened with these settings. ")[2].partition("</p>")[0])
    assert ("submissions</dt>" in page) is (said[-1] == ""), "where nothing can be asked nothing was counted"
    assert "<dt>Endpoint</dt><dd>lab</dd>" in page
    said.append(bearer(manager).get(f"/api/v1{address}/preview").json()["refusal"] or "")
    form = signed_in(manager).get(f"{address}/edit").content.decode()
    said.append(form.partition("cannot be opened with these settings.</b> ")[2].partition("</p>")[0])
    return said


def test_a_form_shows_the_endpoint_that_a_draft_may_use_no_longer(
    db: None, project: Project, alice: User, bob: User
) -> None:
    """It would be removed from the draft silently; other endpoints of the installation are not named."""
    make_problem(project, "Compute 2 + 3.", reference_answer="5")
    endpoint = granted(project, "https://models.example/v1")
    add_endpoint(name="elsewhere", url="https://others.example/v1", model="m", api_key="sk-other")
    options = {"starts_from": "problems"}
    draft = create_round(project=project, protocol="branching", options=options, endpoint=endpoint)
    revoke_endpoint(endpoint=endpoint, projects=[project])
    client, address = signed_in(alice), f"/projects/{project.slug}/rounds/{draft.number}/edit"
    page = client.get(address).content.decode()
    assert f'<option value="{endpoint.pk}" selected>' in page
    assert "elsewhere" not in page
    fields = {
        "protocol": "branching",
        "kind": "work",
        "starts_from": "problems",
        "redundancy": "1",
        "gold_percent": "0",
        "lease_minutes": "20",
        "candidates": "4",
        "endpoint": str(endpoint.pk),
    }
    hint = client.get(f"/projects/{project.slug}/rounds/new/size", fields).content.decode()
    assert "is not granted to" in hint
    answer = client.post(address, fields)
    assert (answer.status_code, "granted to it" in answer.content.decode()) == (422, True)


# --- runs -------------------------------------------------------------------------------------------------


def estimated(project: Project, endpoint: Endpoint) -> EstimationRun:
    run = start_run(project=project, endpoint=endpoint, strategy="math-shepherd", options={"rollouts": 1}, seed=1)
    run_estimation_slice(run_id=run.pk)
    run.refresh_from_db()
    return run


def sampled(project: Project, endpoint: Endpoint) -> SamplingRun:
    return run_sampling(run_id=start_sampling(project=project, endpoint=endpoint, per_problem=1, seed=1).pk)


RUNS = pytest.mark.parametrize("worked", [estimated, sampled])


def fill(project: Project) -> None:
    for number in range(60):
        problem = make_problem(project, f"Compute {number} + 1.", reference_answer=str(number + 1))
        make_solution(problem, ["One.", "Two.", "The answer is: 0"], is_correct=False)


@pytest.mark.django_db(transaction=True)
@RUNS
@pytest.mark.parametrize("withdrawn", ["revoked", "removed"])
def test_a_run_at_work_pauses_and_says_why(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch, worked: Callable[..., Any], withdrawn: str
) -> None:
    monkeypatch.setattr(run_worker, "WATCH_EVERY_S", 0.05)
    monkeypatch.setattr(sampling_worker, "WATCH_EVERY_S", 0.05)
    fill(project)

    with scripted(lambda _: completions(ANSWER)) as server:
        endpoint = granted(project, server.url)
        taken_back = []

        def script(_: Any) -> Reply:
            if len(server.asked) == 3:
                taken_back.append(True)
                if withdrawn == "revoked":
                    Endpoint.granted_to.through.objects.all().delete()
                else:
                    Endpoint.objects.filter(pk=endpoint.pk).delete()
            return Reply(completions(ANSWER).body, hang_s=0.05)

        server.script = script
        run = worked(project, endpoint)
        assert taken_back
        assert run.status == JobStatus.PAUSED
        assert ("not granted" if withdrawn == "revoked" else "removed") in run.error
        assert len(server.asked) < 40


@pytest.mark.django_db(transaction=True)
@RUNS
def test_a_run_that_waits_does_not_begin(project: Project, worked: Callable[..., Any]) -> None:
    fill(project)
    with scripted(lambda _: completions(ANSWER)) as server:
        endpoint = granted(project, server.url)
        runs = [
            start_run(project=project, endpoint=endpoint, strategy="math-shepherd", seed=1),
            start_sampling(project=project, endpoint=endpoint, per_problem=1, seed=1),
        ]
        revoke_endpoint(endpoint=endpoint, projects=[project])
        run_estimation_slice(run_id=runs[0].pk)
        run_sampling(run_id=runs[1].pk)
        for run in runs:
            run.refresh_from_db()
            assert run.status == JobStatus.PAUSED
            assert "not granted" in run.error
        assert server.asked == []


def test_a_sampling_run_is_not_resumed(db: None, project: Project, alice: User) -> None:
    add_sums(project, 2)
    endpoint = granted(project, "https://models.example/v1")
    run = pause_sampling(run=start_sampling(project=project, endpoint=endpoint))
    revoke_endpoint(endpoint=endpoint, projects=[project])
    with pytest.raises(DomainError, match="not granted"):
        resume_sampling(run=run)
    run.refresh_from_db()
    assert run.status == JobStatus.PAUSED
    endpoint.delete()
    with pytest.raises(DomainError, match="was removed"):
        resume_sampling(run=run)


# --- what nobody foresaw ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@RUNS
def test_an_unforeseen_error_ends_a_run_and_is_logged_without_being_shown(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, worked: Callable[..., Any]
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("a secret of ours")

    fill(project)
    monkeypatch.setattr(Endpoint, "server", broken)
    run = worked(project, granted(project, "https://models.example/v1"))
    assert run.status == JobStatus.FAILED
    assert run.error == "An unexpected error ended the run (ValueError): see the log of the workers."
    assert "a secret of ours" in caplog.text


@pytest.mark.django_db(transaction=True)
@RUNS
def test_trouble_that_passes_leaves_the_run_to_be_taken_up_again(
    project: Project, monkeypatch: pytest.MonkeyPatch, worked: Callable[..., Any]
) -> None:
    def away(*_: object) -> None:
        raise ConnectionResetError

    fill(project)
    monkeypatch.setattr(Endpoint, "server", away)
    with pytest.raises(ConnectionResetError):
        worked(project, granted(project, "https://models.example/v1"))
    model = EstimationRun if worked is estimated else SamplingRun
    assert model.objects.get().status == JobStatus.RUNNING

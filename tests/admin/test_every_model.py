"""The admin: every table of ours is in it, every page of it opens, and it is for the staff only."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.services import issue_token
from apps.corpus.imports.run import run_import
from apps.corpus.models import Comparison
from apps.estimation.models import Rollout, RolloutBatch, SampledProblem, Shard, SolutionEstimate
from apps.exports.models import ContaminationList, Export, ExportDiff, ExportPart, HubPush, ReleaseAudit
from apps.judging.judges import usual_constitution
from apps.judging.models import (
    ComparisonVerdict,
    Judge,
    JudgeReply,
    JudgeShard,
    Revision,
    RunComparison,
    SolutionVerdict,
    StepVerdict,
)
from apps.labeling.models import (
    Assignment,
    CandidateSet,
    Critique,
    CritiqueRating,
    GoldLabel,
    PastSubmission,
    ReportDismissal,
    Reservation,
)
from apps.projects.models import Membership
from apps.quality.models import (
    AlsoAcceptable,
    CascadeLabel,
    Consensus,
    DisputeCount,
    FastMark,
    Figure,
    GoldMark,
    JudgeCertificate,
    NotedJudgeRun,
    NotedRun,
    OpenDispute,
    QualityRules,
    Review,
    SampledSolution,
    StaleSolution,
    StepConsensus,
    Suspension,
)
from apps.removal.models import Deletion
from apps.scoring.models import ScoringShard, SolutionScore, StepScore
from apps.scoring.reward_model import set_reward_model
from tests.cast import signed_in, undone
from tests.judging.verdicts import judge
from tests.world import World, compare

OURS = [model for model in apps.get_models() if model.__module__.startswith("apps.")]
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)


def name(model: type[Model]) -> str:
    return model._meta.label


def page(model: type[Model], view: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


@pytest.fixture
def staff(db: None) -> Client:
    return signed_in(User.objects.create_superuser("olga@lab.example", "correct horse battery"))


@pytest.fixture
def filled(world: World, alice: User, bob: User) -> World:
    """A row of each table that the pages' world has none of."""
    run_import(batch_id=world.batch.pk)
    world.batch.findings.create(kind="rejected", line=1, field="problem", reason="is missing")
    issue_token(user=alice, scopes=["read"])
    step, run, now = world.solution.steps.first(), world.run, world.run.created_at
    assert step is not None
    run.estimates.create(step=step, rollouts=8, successes=6)
    SolutionEstimate.objects.create(run=run, solution=world.solution, failure="no answer")
    Shard.objects.create(run=run, after=0, upto=world.solution.pk, leased_until=now)
    batch = RolloutBatch.objects.create(run=run, step=step, ordinal=0, outcomes="+")
    Rollout.objects.create(batch=batch, index=0, text="The answer is: 2", answer="2", outcome="+")
    SampledProblem.objects.create(run=world.sampling, problem=world.solution.problem)
    GoldLabel.objects.create(step=step, rating=1)
    assignment = Assignment.objects.filter(round=world.round).latest("pk")
    critique = Critique.objects.create(step=step, text="It says nothing.", origin="human", written_in=assignment)
    CritiqueRating.objects.create(assignment=assignment, critique=critique, rating=0)
    CandidateSet.objects.create(task=assignment.task, prefix=uuid4(), position=0, texts=["So it is 2."])
    PastSubmission.objects.create(assignment=assignment, number=1, submission={}, submitted_at=now)
    compared = compare(world.solution, bob)
    Reservation.objects.create(task=compared.tasks.all()[0], round=compared, labeler=bob)
    ScoringShard.objects.create(run=world.scoring, after=0, upto=world.solution.pk, leased_until=now)
    StepScore.objects.create(run=world.scoring, step=step, score=0.5)
    SolutionScore.objects.create(run=world.scoring, solution=world.solution, score=0.5)
    set_reward_model(project=world.project, endpoint=world.endpoint)
    StepVerdict.objects.create(run=judge(world.solution, "critic"), step=step, rating=1)
    store_results(world)
    store_exports(world)
    store_trust(world)
    settle(world, assignment)
    return world


def store_results(world: World) -> None:
    """A row of each of the tables of judge runs."""
    run, solution, comparison = world.judging, world.solution, Comparison.objects.filter(left=world.solution)[0]
    usual_constitution(world.project)
    JudgeShard.objects.create(run=run, after=0, upto=solution.pk, leased_until=run.created_at)
    JudgeReply.objects.create(run=run, solution=solution, slot=0, outcome="verdict", text="It holds.")
    SolutionVerdict.objects.create(run=run, solution=solution, outcome="verdict", first_error=-1)
    RunComparison.objects.create(run=run, comparison=comparison)
    ComparisonVerdict.objects.create(run=run, comparison=comparison, outcome="verdict", choice="left")
    Revision.objects.create(run=run, solution=solution, ordinal=0, principle="brevity", critique="It is long.")


def store_exports(world: World) -> None:
    """A row of each of the tables of exports."""
    export = world.export
    Deletion.objects.create(kind="export", target=1, title="an export", slug=world.project.slug)
    again = Export.objects.create(project=world.project, format=export.format)
    ExportDiff.objects.create(before=export, after=again)
    ExportPart.objects.get_or_create(
        export=export, number=0, defaults={"first_problem": 1, "last_problem": 1, "size": 1}
    )
    HubPush.objects.create(export=export, repository="lab/steps", encrypted_token="gAAAA-of-the-push")
    ReleaseAudit.objects.create(export=export, share=0.1, gate=0.9)
    ContaminationList.objects.create(project=world.project, name="test", sha256="0" * 64, problems=1, hashes=b"")


def store_trust(world: World) -> None:
    """A row of each of the tables of trust and of cascades."""
    project, solution = world.project, world.solution
    critic = Judge.objects.get(project=project, name="critic")
    sample = world.cascade.sample
    SampledSolution.objects.create(sample=sample, solution=solution)
    JudgeCertificate.objects.create(
        project=project,
        judge=critic,
        sample=sample,
        is_granted=False,
        bar=0.8,
        solutions=1,
        true_positive_low=0.1,
        true_negative_low=0.1,
    )
    CascadeLabel.objects.create(cascade=world.cascade, solution=solution)


def settle(world: World, assignment: Assignment) -> None:
    """A row of each of quality's tables, whatever the workers have written by now."""
    project, solution = world.project, world.solution
    QualityRules.objects.get_or_create(project=project)
    Consensus.objects.get_or_create(
        solution=solution, defaults={"project": project, "state": "settled", "how": "majority"}
    )
    StepConsensus.objects.get_or_create(step=solution.steps.first(), defaults={"rating": 1, "how": "majority"})
    OpenDispute.objects.get_or_create(project=project, solution=solution, kind="labelers-differ")
    DisputeCount.objects.get_or_create(project=project, kind="labelers-differ")
    AlsoAcceptable.objects.create(solution=solution, first_errors=[0])
    FastMark.objects.create(
        assignment=assignment, project=project, labeler=assignment.labeler, active_ms=900, floor_ms=5000
    )
    GoldMark.objects.create(
        assignment=assignment,
        project=project,
        round=assignment.round,
        labeler=assignment.labeler,
        at=world.run.created_at,
    )
    Suspension.objects.create(membership=Membership.objects.filter(project=project)[0], reason="Failed gold.")
    ReportDismissal.objects.create(
        assignment=assignment, versions=1, reason="Nothing is wrong.", dismissed_by=assignment.labeler
    )
    Review.objects.create(assignment=assignment, decision="accepted", reviewer=assignment.labeler)
    Figure.objects.get_or_create(project=project, name="labelers", defaults={"data": {}})
    StaleSolution.objects.get_or_create(project=project, solution=solution)
    NotedRun.objects.get_or_create(run=world.run)
    NotedJudgeRun.objects.get_or_create(run=judge(world.solution, "noted"))


def test_every_table_of_ours_is_there() -> None:
    assert [name(model) for model in OURS if model not in admin.site._registry] == []


def test_each_list_opens_and_is_searched(filled: World, staff: Client, subtests: pytest.Subtests) -> None:
    for model in REGISTERED:
        listed = page(model, "changelist")
        with subtests.test(name(model)):
            assert staff.get(listed).status_code == 200
            for words in ("1", "algebra", "9" * 30, "it's %_"):
                assert staff.get(listed, {"q": words}).status_code == 200, words
            assert staff.get(listed, {"q": "NUL: \x00"}).status_code == 400


def test_a_row_and_its_history_open(filled: World, staff: Client, subtests: pytest.Subtests) -> None:
    for model in REGISTERED:
        row = model._default_manager.first()
        with subtests.test(name(model)):
            assert row is not None or model not in OURS, "the world above has no row of this table"
            for view in ("change", "history") if row else ():
                assert staff.get(page(model, view, row.pk)).status_code == 200, view
            assert staff.get(page(model, "change", 10**9)).status_code == 302


def test_rows_are_added_and_deleted_only_where_that_is_meant(staff: Client, subtests: pytest.Subtests) -> None:
    for model in REGISTERED:
        rights = admin.site._registry[model]
        with subtests.test(name(model)):
            request: Any = staff.get(page(model, "changelist")).wsgi_request
            answer = staff.get(page(model, "add"))
            assert answer.status_code == (200 if rights.has_add_permission(request) else 403)


def test_it_is_for_the_staff_only(filled: World, alice: User, client: Client) -> None:
    for one in (client, signed_in(alice)):
        for model in REGISTERED:
            answer = one.get(page(model, "changelist"))
            assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/admin/login/")


def test_secrets_are_not_shown(filled: World, alice: User, staff: Client) -> None:
    token, secret = issue_token(user=alice, scopes=["read"])
    shown = staff.get(page(type(token), "change", token.pk)).content.decode()
    assert secret not in shown
    assert token.digest not in shown
    endpoint = filled.endpoint
    shown = staff.get(page(type(endpoint), "change", endpoint.pk)).content.decode()
    assert "sk-of-the-lab" not in shown
    assert endpoint.encrypted_key not in shown


# What the operator owns. All other tables of ours are written by services, which keep the rest in step.
OPERATORS = {"accounts.User"}


def test_what_services_own_is_only_looked_at(filled: World, staff: Client, subtests: pytest.Subtests) -> None:
    for model in OURS:
        if name(model) in OPERATORS:
            continue
        row = model._default_manager.first()
        assert row is not None
        with subtests.test(name(model)), undone():
            assert staff.post(page(model, "change", row.pk), {"role": "owner", "name": "other"}).status_code == 403
            assert staff.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
            shown = staff.get(page(model, "change", row.pk)).content.decode()
            assert 'name="_save"' not in shown
            assert "-INITIAL_FORMS" not in shown or 'name="memberships-0-role"' not in shown

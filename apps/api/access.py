"""From an API address to an object, through the project that the user may see."""

from __future__ import annotations

from typing import cast

from django.db.models import F
from rest_framework.request import Request

from apps.accounts.models import User
from apps.core.db.prepared import Prepared
from apps.core.errors import NotFound
from apps.corpus.models import ImportBatch, Problem, Solution, Step
from apps.estimation.models import EstimationRun, SamplingRun
from apps.evaluation.models import Evaluation
from apps.exports.models import Export, SavedPolicy
from apps.inference.models import Endpoint
from apps.judging.models import Judge, JudgeRun
from apps.labeling.models import Assignment, Round
from apps.projects.models import Membership, Project
from apps.projects.permissions import allow, can, project_for, reachable
from apps.quality.models import BlindSample, Cascade
from apps.scoring.models import ScoringRun

_ROUND = Prepared(
    lambda slug, number, user: (
        Round.objects.filter(project__memberships__user_id=user, project__slug=slug, number=number)
        .select_related("project")
        .annotate(member_role=F("project__memberships__role"), member_status=F("project__memberships__status"))
        .order_by()
    ),
    "slug",
    "number",
    "user",
)
_ASSIGNMENT = Prepared(
    lambda pk, user: (
        Assignment.objects.filter(pk=pk, labeler_id=user, round__project__memberships__user_id=user)
        .select_related("task", "round__project")
        .annotate(
            member_role=F("round__project__memberships__role"), member_status=F("round__project__memberships__status")
        )
    ),
    "pk",
    "user",
)


def user_of(request: Request) -> User:
    return cast("User", request.user)


def project_of(request: Request, slug: str, action: str) -> Project:
    return project_for(user_of(request), slug, action)


def round_of(request: Request, slug: str, number: int, action: str) -> Round:
    """The round, by one query for it and the user's membership. Only managers find drafts."""
    user = user_of(request)
    round_ = _ROUND.first(slug=slug, number=number, user=user.pk)
    if round_ is None:
        # The round or the membership is missing: `project_of` raises the error that fits.
        project_of(request, slug, action)
        raise NotFound("No such round.")
    membership = allow(_membership(round_, round_.project, user), action)
    if round_.status == Round.Status.DRAFT and not can(membership, "manage_rounds"):
        raise NotFound("No such round.")
    return round_


def assignment_of(request: Request, pk: int) -> Assignment:
    """The user's own assignment. Other people's are not found here."""
    user = user_of(request)
    assignment = _ASSIGNMENT.first(pk=pk, user=user.pk) if pk < 2**63 else None
    if assignment is None:
        raise NotFound("No such assignment.")
    allow(_membership(assignment, assignment.round.project, user), "label")
    assignment.labeler = user
    return assignment


def problem_of(request: Request, pk: int, action: str) -> Problem:
    return reachable(Problem.objects.all(), user_of(request), action, pk)


def solution_of(request: Request, pk: int, action: str) -> Solution:
    return reachable(Solution.objects.select_related("problem"), user_of(request), action, pk)


def step_of(request: Request, pk: int, action: str) -> Step:
    return reachable(Step.objects.all(), user_of(request), action, pk, project="solution__project")


def reviewed_of(request: Request, pk: int) -> Assignment:
    """Any labeler's assignment, for reviewers of the project. Imported assignments are not reviewed."""
    assignments = Assignment.objects.filter(round__origin="").select_related("task", "labeler")
    return reachable(assignments, user_of(request), "review", pk, project="round__project")


def reported_of(request: Request, pk: int) -> Assignment:
    """Any labeler's assignment, also an imported one: files report bad problems as well."""
    return reachable(Assignment.objects.all(), user_of(request), "review", pk, project="round__project")


def import_of(request: Request, pk: int) -> ImportBatch:
    return reachable(ImportBatch.objects.all(), user_of(request), "import", pk)


def endpoint_of(request: Request, pk: int) -> Endpoint:
    return reachable(Endpoint.objects.all(), user_of(request), "manage_endpoints", pk)


def sampling_of(request: Request, pk: int, action: str) -> SamplingRun:
    return reachable(SamplingRun.objects.select_related("endpoint"), user_of(request), action, pk)


def run_of(request: Request, pk: int, action: str) -> EstimationRun:
    return reachable(EstimationRun.objects.select_related("endpoint"), user_of(request), action, pk)


def scoring_of(request: Request, pk: int, action: str) -> ScoringRun:
    return reachable(ScoringRun.objects.select_related("endpoint"), user_of(request), action, pk)


def judge_of(request: Request, pk: int, action: str) -> Judge:
    return reachable(Judge.objects.select_related("endpoint", "constitution"), user_of(request), action, pk)


def judge_run_of(request: Request, pk: int, action: str) -> JudgeRun:
    return reachable(JudgeRun.objects.select_related("endpoint", "judge"), user_of(request), action, pk)


def export_of(request: Request, pk: int) -> Export:
    return reachable(Export.objects.all(), user_of(request), "export", pk)


def saved_policy_of(request: Request, pk: int) -> SavedPolicy:
    return reachable(SavedPolicy.objects.all(), user_of(request), "export", pk)


def evaluation_of(request: Request, pk: int) -> Evaluation:
    return reachable(Evaluation.objects.all(), user_of(request), "evaluate", pk)


def sample_of(request: Request, pk: int, action: str) -> BlindSample:
    """A blind sample that has a round."""
    samples = BlindSample.objects.filter(round__isnull=False).select_related("round")
    return reachable(samples, user_of(request), action, pk)


def cascade_of(request: Request, pk: int, action: str) -> Cascade:
    return reachable(Cascade.objects.select_related("estimation_run", "sample__round"), user_of(request), action, pk)


def _membership(row: Round | Assignment, project: Project, user: User) -> Membership:
    """The membership that was loaded with the row."""
    return Membership(project=project, user=user, role=row.member_role, status=row.member_status)  # type: ignore[union-attr]

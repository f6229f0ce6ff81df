"""The open rounds and the running jobs of one user."""

from __future__ import annotations

from itertools import chain

from django.db.models import Exists, OuterRef

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.models import ImportBatch
from apps.dashboard.rounds.queries import RoundWork, work_for
from apps.estimation.models import EstimationRun
from apps.exports.models import Export
from apps.judging.models import JudgeRun
from apps.labeling.models import Round
from apps.projects.models import Membership

RUNNING = (JobStatus.QUEUED, JobStatus.RUNNING)
SHOWN_JOBS = 10  # Of each kind.


def open_rounds_for(user: User) -> list[RoundWork]:
    """Every round in which the user may work now."""
    memberships = Membership.objects.filter(project=OuterRef("project"), user=user, status=Membership.Status.ACTIVE)
    return work_for(user, Round.objects.served().filter(Exists(memberships)))


def running_jobs(user: User) -> list[ImportBatch | Export | EstimationRun | JudgeRun]:
    """The imports, exports, estimation runs and judge runs that the user started and that have not ended."""
    imports = ImportBatch.objects.filter(uploaded_by=user, status__in=RUNNING).select_related("project")
    exports = Export.objects.filter(requested_by=user, status__in=RUNNING).select_related("project")
    runs = EstimationRun.objects.filter(created_by=user, status__in=RUNNING).select_related("project")
    judge_runs = JudgeRun.objects.filter(created_by=user, status__in=RUNNING).select_related("project", "judge")
    return list(chain(imports[:SHOWN_JOBS], exports[:SHOWN_JOBS], runs[:SHOWN_JOBS], judge_runs[:SHOWN_JOBS]))

"""How far people are with a blind sample, and which judges have judged it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, QuerySet, Sum

from apps.accounts.models import User
from apps.core.errors import Conflict
from apps.judging.models import Judge, JudgeRun, SolutionVerdict, StepVerdict
from apps.judging.runs.services import start_judging
from apps.labeling.models import Assignment, Reservation
from apps.labeling.rounds.completion import HELD, is_complete
from apps.projects.models import Project
from apps.quality.models import BlindSample, JudgeCertificate
from apps.quality.trust.verdicts import STEP_KINDS
from apps.runs.selection import BLIND
from apps.runs.status import LIVE, counted_run_q


@dataclass(frozen=True, slots=True)
class JudgeOnSample:
    """`judged` solutions of the sample have a counted verdict. `run` judges now; `decision` is that of this sample."""

    judge: Judge
    judged: int
    missing: int
    run: JudgeRun | None
    decision: JudgeCertificate | None


@dataclass(frozen=True, slots=True)
class SampleState:
    """`submitted` of the `wanted` submissions are in. `judges` are those asked about, and all on which it decided."""

    sample: BlindSample
    solutions: int
    submitted: int
    wanted: int
    is_complete: bool
    judges: list[JudgeOnSample]

    @property
    def to_show(self) -> list[JudgeOnSample]:
        """Decisions first. While people label, only the judges that lack verdicts: they can judge meanwhile."""
        if not self.is_complete:
            return [entry for entry in self.judges if entry.missing or entry.decision]
        return sorted(self.judges, key=lambda entry: entry.decision is None)

    @property
    def ready(self) -> int:
        """How many judges have judged the whole sample."""
        return sum(not entry.missing for entry in self.judges)


def samples_of(project: Project) -> QuerySet[BlindSample]:
    """The newest first, each with its round and, if it has one, its cascade."""
    return BlindSample.objects.filter(project=project, round__isnull=False).select_related("round", "cascade")


def state_of(sample: BlindSample, judges: Iterable[Judge]) -> SampleState:
    """Seven queries, however many judges."""
    round_ = sample.round
    assert round_ is not None
    solutions = sample.solutions.count()
    submitted = Assignment.objects.filter(round=round_, state=Assignment.State.SUBMITTED).count()
    open_slots = round_.tasks.aggregate(slots=Sum("open_slots"))["slots"] or 0
    held = Assignment.objects.filter(round=round_, state__in=HELD, task__withdrawn="").count()
    assigned = Reservation.objects.waiting().filter(round=round_).count()
    counts = _judged_counts(sample)
    decisions = {decision.judge_id: decision for decision in sample.certificates.select_related("judge", "created_by")}
    asked = {judge.pk: judge for judge in judges}
    asked |= {decision.judge_id: decision.judge for decision in decisions.values() if decision.judge_id not in asked}
    selection = {BLIND: sample.pk}
    running = JudgeRun.objects.filter(project=sample.project_id, status__in=LIVE, selection__contains=selection)
    runs = {run.judge_id: run for run in running}
    return SampleState(
        sample,
        solutions,
        submitted,
        submitted + open_slots + held + assigned,
        is_complete(round_),
        [
            JudgeOnSample(
                judge, counts[judge.pk], solutions - counts[judge.pk], runs.get(judge.pk), decisions.get(judge.pk)
            )
            for judge in asked.values()
        ],
    )


def step_judges(project: Project) -> list[Judge]:
    """The newest version of each judge that names first errors, and can be asked or has a run. By name."""
    judges = Judge.objects.filter(project=project, kind__in=STEP_KINDS).select_related("endpoint")
    has_runs = judges.filter(counted_run_q("runs__")).values("pk")
    asked = judges.filter(endpoint__isnull=False).values("pk")
    usable = judges.filter(pk__in=has_runs.union(asked))
    return list(usable.order_by("name", "-version").distinct("name"))


@transaction.atomic
def judge_sample(*, sample: BlindSample, judge: Judge, created_by: User | None = None) -> JudgeRun:
    """Let the judge judge the whole sample, in a run of its own. Raises Conflict while such a run is under way."""
    BlindSample.objects.select_for_update().get(pk=sample.pk)  # Two requests at once start one run.
    selection = {BLIND: sample.pk}
    running = JudgeRun.objects.filter(judge=judge, status__in=LIVE, selection__contains=selection).first()
    if running is not None:
        raise Conflict(f"{running} already judges this sample.", code="already_running")
    return start_judging(judge=judge, selection=selection, created_by=created_by)


def _judged_counts(sample: BlindSample) -> Counter[int]:
    """By judge id: how many of the sampled solutions have a counted verdict."""
    sampled = sample.solutions.values("solution")
    own = SolutionVerdict.objects.filter(counted_run_q("run__"), solution__in=sampled).order_by()
    counts = Counter(dict(own.values_list("run__judge").annotate(count=Count("solution", distinct=True))))
    imported = (
        StepVerdict.objects.counted().filter(step__solution__in=sampled, step__chosen=True).exclude(run__origin="")
    )
    rows = imported.order_by().values_list("run__judge").annotate(count=Count("step__solution", distinct=True))
    for judge_id, count in rows:
        counts[judge_id] = max(counts[judge_id], count)
    return counts

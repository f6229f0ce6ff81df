"""All that is known of one solution, step by step: ratings, gold, estimates, verdicts and consensus.

Pages and the API show it. Both name people as their reader may see them, so the caller passes a function for the names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from apps.accounts.models import AuditEvent
from apps.corpus.labels import BAD, NO_ERROR, UNKNOWN, first_error, is_tie
from apps.corpus.models import Problem, Solution, Step
from apps.estimation.latest import RunFirstError, newest_first_errors
from apps.estimation.models import StepEstimate
from apps.judging.latest import newest_of_each_judge
from apps.judging.models import StepVerdict
from apps.labeling.models import Assignment, Critique, GoldLabel, NotCounted, StepLabel
from apps.quality.disputes.kinds import MODEL_DISPUTES, DisputeEvidence, Source, SourceFirstError, source_first_errors
from apps.quality.gold.scoring import Gold
from apps.quality.models import AlsoAcceptable, Consensus, ConsensusMethod, OpenDispute, StepConsensus
from apps.quality.review.corrections import Correction, RatingChange, corrections_of, rating_changes
from apps.quality.review.model_evidence import (
    EstimationRunFirstError,
    JudgeFirstError,
    ModelFirstError,
    judges_naming,
    precedes,
    runs_naming,
    step_critiques,
    step_estimates,
    step_verdicts,
)
from apps.quality.trust.blind_rounds import hiding_rounds
from apps.scoring.latest import newest_of_each_model
from apps.scoring.models import ScoringRun, StepScore

Naming = Callable[[set[int]], Mapping[int, str]]


@dataclass(frozen=True, slots=True)
class LabelerRating:
    """One labeler's rating of one step; `is_unreached` if the assignment has no label of the step."""

    labeler: str
    rating: int | None = None
    unsure: bool = False
    is_unreached: bool = False
    not_counted: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class LabelerEvidence:
    """One labeler's assignment at the solution, with labels by step id, and the first error that it names."""

    labeler: str
    assignment: Assignment
    labels: dict[int, StepLabel]
    first_error: int = UNKNOWN
    precedes_answer_change: bool = False
    correction: Correction | None = None

    @property
    def not_counted(self) -> str:
        """The reason why it does not count, as text; empty if it counts."""
        return NotCounted(self.assignment.not_counted).label if self.assignment.not_counted else ""

    @property
    def changes(self) -> list[RatingChange]:
        """What a reviewer's correction changes of the labeler's own ratings."""
        if self.correction is None:
            return []
        own = {
            (label.step.position, label.step.candidate): (label.rating, bool(label.unsure))
            for label in self.labels.values()
        }
        return rating_changes(own, self.correction)

    def rating_of(self, step: Step) -> LabelerRating:
        label = self.labels.get(step.pk)
        if label is None:
            return LabelerRating(self.labeler, is_unreached=True, not_counted=self.not_counted)
        return LabelerRating(
            self.labeler,
            label.counted_rating,
            bool(label.unsure),
            not_counted=self.not_counted,
            comment=label.comment,
        )


@dataclass(frozen=True, slots=True)
class StepEvidence:
    """A candidate step with its labels by all sources.

    `is_behind`: the step comes after a first error that a reviewer adjudicated.
    """

    step: Step
    ratings: list[LabelerRating]
    gold: int | None
    estimates: list[StepEstimate]
    verdicts: Sequence[StepVerdict] = ()
    consensus: StepConsensus | None = None
    critiques: Sequence[Critique] = ()
    is_behind: bool = False
    scores: Sequence[StepScore] = ()
    gold_explanation: str = ""

    @property
    def comments(self) -> list[LabelerRating]:
        """The ratings whose labelers remark on the step."""
        return [given for given in self.ratings if given.comment]

    @property
    def is_adjudicated(self) -> bool:
        return self.consensus is not None and self.consensus.how == ConsensusMethod.ADJUDICATED

    @property
    def counted(self) -> list[int]:
        """The ratings that consensus is computed from."""
        return [given.rating for given in self.ratings if given.rating is not None and not given.not_counted]

    @property
    def is_tie(self) -> bool:
        return self.consensus is None and is_tie(self.counted)

    @property
    def is_disputed(self) -> bool:
        """Whether labelers differ on whether the step is bad, and no reviewer has decided it."""
        is_open = not self.is_adjudicated and not self.is_behind
        return is_open and len({rating == BAD for rating in self.counted}) > 1

    @property
    def is_unreached(self) -> bool:
        """Whether the solution has assignments, but none with a label of this step."""
        return bool(self.ratings) and all(given.is_unreached for given in self.ratings)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All evidence on one solution. `first_errors` holds those of all sources, side by side.

    `hidden_in` is the number of the open blind round in which people label the solution: meanwhile the evidence holds
    nothing that a model says of it.
    """

    rows: list[StepEvidence]
    labelers: list[LabelerEvidence]
    runs: list[EstimationRunFirstError] = field(default_factory=list)
    judges: list[JudgeFirstError] = field(default_factory=list)
    consensus: Consensus | None = None
    disputes: frozenset[str] = frozenset()
    also_acceptable: Sequence[int] = ()
    first_errors: Sequence[SourceFirstError] = ()
    answer_changed_at: datetime | None = None
    hidden_in: int | None = None

    @property
    def path(self) -> list[StepEvidence]:
        return [row for row in self.rows if row.step.chosen]

    @property
    def reward_models(self) -> list[ScoringRun]:
        return list({score.run_id: score.run for row in self.rows for score in row.scores}.values())

    @property
    def start(self) -> StepEvidence | None:
        """Where a reviewer begins: the first disputed step, else the first bad one by consensus, else the first."""
        disputed = (row for row in self.path if row.is_disputed)
        bad = (row for row in self.path if row.consensus is not None and row.consensus.rating == BAD)
        return next(disputed, None) or next(bad, None) or next(iter(self.path), None)

    @property
    def precedes_answer_change(self) -> bool:
        """Whether any of the evidence is older than the reference answer."""
        dated: list[LabelerEvidence | ModelFirstError] = [*self.labelers, *self.runs, *self.judges]
        return any(source.precedes_answer_change for source in dated)


def evidence_of(solution: Solution, naming: Naming) -> Evidence:
    """Some dozen queries, each by an index, however many people and steps. The solution comes with its problem."""
    steps = list(Step.objects.filter(solution=solution).order_by("position", "candidate"))
    changed_at = answer_changed_at(solution.problem, project=solution.project.slug)
    labelers = _labelers(solution, steps, naming, changed_at)
    hidden_in = hiding_rounds([solution.pk]).get(solution.pk)
    judged = [] if hidden_in else steps  # The steps of which models may be heard.
    gold = {label.step_id: label for label in GoldLabel.objects.filter(step__in=steps)}
    estimates, verdicts, scores = step_estimates(judged), step_verdicts(judged), newest_of_each_model(judged)
    critiques = step_critiques(steps, of_models=not hidden_in)
    step_consensus = {label.step_id: label for label in StepConsensus.objects.filter(step__in=steps)}
    consensus = Consensus.objects.select_related("adjudicated_by").filter(pk=solution.pk).first()
    adjudicated_error = consensus.first_error if consensus and consensus.how == ConsensusMethod.ADJUDICATED else None
    rows = [
        StepEvidence(
            step,
            [labeler.rating_of(step) for labeler in labelers],
            gold[step.pk].rating if step.pk in gold else None,
            estimates.get(step.pk, []),
            [verdict for verdict in verdicts if verdict.step_id == step.pk],
            step_consensus.get(step.pk),
            critiques.get(step.pk, ()),
            adjudicated_error is not None and step.position > adjudicated_error > NO_ERROR,
            scores.get(step.pk, ()),
            gold[step.pk].explanation if step.pk in gold else "",
        )
        for step in steps
    ]
    also_acceptable = AlsoAcceptable.objects.filter(pk=solution.pk).values_list("first_errors", flat=True).first() or ()
    path_gold = {row.step.position: row.gold for row in rows if row.step.chosen and row.gold is not None}
    acceptable = Gold.of(path_gold, solution.step_count, also_acceptable).acceptable if path_gold else frozenset()
    judges = judges_naming(steps, verdicts, changed_at)
    return Evidence(
        rows,
        labelers,
        [] if hidden_in else runs_naming(solution, steps, estimates, changed_at),
        judges,
        consensus=consensus,
        disputes=_disputes(solution, of_models=not hidden_in),
        also_acceptable=also_acceptable,
        first_errors=_first_errors(
            labelers,
            _newest(judges, solution),
            consensus,
            acceptable,
            newest_first_errors({} if hidden_in else {solution.pk: solution.step_count}).get(solution.pk),
        ),
        answer_changed_at=changed_at,
        hidden_in=hidden_in,
    )


def _disputes(solution: Solution, *, of_models: bool) -> frozenset[str]:
    kinds = frozenset(OpenDispute.objects.filter(solution=solution).values_list("kind", flat=True))
    return kinds if of_models else kinds - MODEL_DISPUTES


def answer_changed_at(problem: Problem, *, project: str) -> datetime | None:
    """When a user last changed the reference answer; None if it is the imported one."""
    edits = AuditEvent.objects.filter(project=project, target=str(problem.pk), verb="problem.edited")
    for at, before, after in edits.values_list("at", "before", "after"):
        if (before or {}).get("reference_answer") != (after or {}).get("reference_answer"):
            return at
    return None


# --- people -----------------------------------------------------------------------------------------------


def _labelers(
    solution: Solution, steps: Sequence[Step], naming: Naming, changed_at: datetime | None
) -> list[LabelerEvidence]:
    """One for each submitted assignment, in the order of submission."""
    assignments = list(
        Assignment.objects.submitted()
        .filter(pk__in=_assignment_ids(solution))
        .with_reason()
        .select_related("labeler", "round")
        .order_by("submitted_at", "pk")
    )
    labels: defaultdict[int, dict[int, StepLabel]] = defaultdict(dict)
    for label in StepLabel.objects.filter(assignment__in=assignments).select_related("step"):
        labels[label.assignment_id][label.step_id] = label
    names = naming({assignment.labeler_id for assignment in assignments})
    path = [step for step in steps if step.chosen]
    corrected = [assignment.pk for assignment in assignments if assignment.corrected_by_id is not None]
    corrections = corrections_of(corrected) if corrected else {}
    labelers = []
    for assignment in assignments:
        own_labels, submitted_at = labels[assignment.pk], assignment.submitted_at
        ratings = {step.position: own_labels[step.pk].counted_rating for step in path if step.pk in own_labels}
        labelers.append(
            LabelerEvidence(
                names[assignment.labeler_id],
                assignment,
                own_labels,
                first_error(ratings, len(path)),
                submitted_at is not None and precedes(submitted_at, changed_at),
                corrections.get(assignment.pk),
            )
        )
    return labelers


def _assignment_ids(solution: Solution) -> list[int]:
    """Of the assignments that label the solution itself.

    Read ahead of their rows, by two indexes: PostgreSQL would read all assignments for an OR over two tables.
    """
    assignments = Assignment.objects.order_by().values_list("pk", flat=True)
    direct = assignments.filter(task__solution=solution, derived_solution__isnull=True)
    return list(direct.union(assignments.filter(derived_solution=solution), all=True))


# --- first errors, side by side ---------------------------------------------------------------------------


def _newest(judges: Sequence[JudgeFirstError], solution: Solution) -> list[JudgeFirstError]:
    counted = {judge.run: judge for judge in judges if judge.counts}
    return [counted[run] for run in newest_of_each_judge(solution.pk, counted)] if counted else []


def _first_errors(
    labelers: Sequence[LabelerEvidence],
    judges: Sequence[JudgeFirstError],
    consensus: Consensus | None,
    acceptable: frozenset[int],
    newest: RunFirstError | None,
) -> list[SourceFirstError]:
    """Those of all sources: of estimation runs the newest. `judges` are the newest runs.

    Assignments that do not count are shown in the table of assignments, and not here.
    """
    named = source_first_errors(
        DisputeEvidence(
            # Numbered, as one person may have several assignments, and two people one name.
            people={
                f"{number}: {labeler.labeler}": labeler.first_error
                for number, labeler in enumerate(labelers)
                if not labeler.not_counted
            },
            monte_carlo=newest.first_error if newest is not None else UNKNOWN,
            judges={
                str(judge.run.judge): UNKNOWN if judge.first_error is None else judge.first_error for judge in judges
            },
            gold=acceptable,
            consensus=UNKNOWN if consensus is None or consensus.first_error is None else consensus.first_error,
        )
    )
    return [
        replace(source, name=source.name.partition(": ")[2]) if source.source == Source.PERSON else source
        for source in named
    ]

"""All that is known of one solution, step by step: what people, gold, rollouts and judges say, and what stands.

Pages and API show it; both name people as their reader may see them, so names are asked for, not looked up here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db.models import Q

from apps.accounts.models import AuditEvent
from apps.corpus.labels import BAD, UNKNOWN, first_error, hard_label, is_tie
from apps.corpus.models import Problem, Solution, Step
from apps.estimation.latest import newest_first_errors, run_counts
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.judging.models import JudgeRun, StepVerdict
from apps.labeling.models import Assignment, Critique, GoldLabel, NotCounted, StepLabel
from apps.quality.disputes.kinds import Evidence as Words
from apps.quality.disputes.kinds import Source, Word, side_by_side
from apps.quality.gold.scoring import Gold
from apps.quality.models import AlsoAcceptable, Consensus, How, OpenDispute, StepConsensus
from apps.quality.review.corrections import Change, Correction, changes, corrections_of

Naming = Callable[[set[int]], Mapping[int, str]]


@dataclass(frozen=True, slots=True)
class LabelerRating:
    """One person's word on one step. No word at all is `is_unreached`."""

    labeler: str
    rating: int | None = None
    unsure: bool = False
    is_unreached: bool = False
    not_counted: str = ""


@dataclass(frozen=True, slots=True)
class LabelerEvidence:
    """One person's turn at the solution. `first_bad` counts from 1, `first_error` as the database does."""

    labeler: str
    assignment: Assignment
    labels: dict[int, StepLabel]
    first_error: int = UNKNOWN
    first_bad: int | None = None
    precedes_answer_change: bool = False
    correction: Correction | None = None

    @property
    def not_counted(self) -> str:
        """Why it decides nothing, in words; empty where it counts."""
        return NotCounted(self.assignment.not_counted).label if self.assignment.not_counted else ""

    @property
    def changes(self) -> list[Change]:
        """What a reviewer's correction changes of the labeler's own ratings."""
        if self.correction is None:
            return []
        places = {(one.step.position, one.step.candidate): one for one in self.labels.values()}
        own = {place: (one.rating, bool(one.unsure)) for place, one in places.items()}
        return changes(own, self.correction)

    def on(self, step: Step) -> LabelerRating:
        label = self.labels.get(step.pk)
        if label is None:
            return LabelerRating(self.labeler, is_unreached=True, not_counted=self.not_counted)
        return LabelerRating(self.labeler, label.counted_rating, bool(label.unsure), not_counted=self.not_counted)


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate with all that is said of it."""

    step: Step
    votes: list[LabelerRating]
    gold: int | None
    estimates: list[StepEstimate]
    verdicts: Sequence[StepVerdict] = ()
    stands: StepConsensus | None = None
    critiques: Sequence[Critique] = ()
    is_behind: bool = False

    @property
    def is_settled(self) -> bool:
        return self.stands is not None and self.stands.how == How.ADJUDICATED

    @property
    def counted(self) -> list[int]:
        """The ratings that decide what stands."""
        return [vote.rating for vote in self.votes if vote.rating is not None and not vote.not_counted]

    @property
    def is_tie(self) -> bool:
        """No label stands, for as many say one thing as another."""
        return self.stands is None and is_tie(self.counted)

    @property
    def is_disputed(self) -> bool:
        """People who rated it do not agree whether it is bad, and no reviewer's word makes that idle.

        `is_behind` says that the step comes after a first error that a reviewer has settled.
        """
        return len({rating == BAD for rating in self.counted}) > 1 and not self.is_settled and not self.is_behind

    @property
    def is_unreached(self) -> bool:
        """Somebody spoke of the solution, and nobody of this step."""
        return bool(self.votes) and all(vote.is_unreached for vote in self.votes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFirstError:
    """What a run says of the whole solution.

    `position` is that of the first error; -1 for "none", None for "cannot be told". A run that is under way, or failed
    here, does not speak yet.
    """

    position: int | None = None
    speaks: bool = False
    precedes_answer_change: bool = False

    @property
    def first_error(self) -> int | None:
        """The number of the step, from 1; 0 for "none"."""
        return None if self.position is None else self.position + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWord(ModelFirstError):
    """Of an estimation run: by itself, or, where it came with a file, by its steps."""

    run: EstimationRun
    said: SolutionEstimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeFirstError(ModelFirstError):
    """Of a judge, in one run."""

    run: JudgeRun


@dataclass(frozen=True, slots=True)
class Evidence:
    rows: list[Row]
    voices: list[LabelerEvidence]
    runs: list[RunWord] = field(default_factory=list)
    judges: list[JudgeFirstError] = field(default_factory=list)
    has_gold: bool = False
    stands: Consensus | None = None
    disputes: frozenset[str] = frozenset()
    also: Sequence[int] = ()
    words: Sequence[Word] = ()
    mended_at: datetime | None = None

    @property
    def path(self) -> list[Row]:
        return [row for row in self.rows if row.step.chosen]

    @property
    def start(self) -> Row | None:
        """Where a reviewer begins: the first step in dispute, else the one that stands as bad, else the first."""
        disputed = (row for row in self.path if row.is_disputed)
        bad = (row for row in self.path if row.stands is not None and row.stands.rating == BAD)
        return next(disputed, None) or next(bad, None) or next(iter(self.path), None)

    @property
    def precedes_answer_change(self) -> bool:
        """Something here rests on a reference answer that stands no longer."""
        said: list[LabelerEvidence | RunWord | JudgeFirstError] = [*self.voices, *self.runs, *self.judges]
        return any(one.precedes_answer_change for one in said)


def evidence_of(solution: Solution, naming: Naming) -> Evidence:
    """Some dozen queries, each by an index, however many people and steps. The solution comes with its problem."""
    steps = list(Step.objects.filter(solution=solution).order_by("position", "candidate"))
    mended_at = answer_changed_at(solution.problem, project=solution.project.slug)
    voices = _voices(solution, steps, naming, mended_at)
    gold = dict(GoldLabel.objects.filter(step__in=steps).values_list("step", "rating"))
    estimates, verdicts = _estimates(steps), _verdicts(steps)
    by_step: defaultdict[int, list[StepVerdict]] = defaultdict(list)
    for verdict in verdicts:
        by_step[verdict.step_id].append(verdict)
    runs = _runs(solution, steps, estimates, mended_at)
    stands = {one.step_id: one for one in StepConsensus.objects.filter(step__in=steps)}
    critiques = _critiques(steps)
    whole = Consensus.objects.select_related("settled_by").filter(pk=solution.pk).first()
    end = _settled_end(whole)
    rows = [
        Row(
            step,
            [voice.on(step) for voice in voices],
            gold.get(step.pk),
            estimates.get(step.pk, []),
            by_step[step.pk],
            stands.get(step.pk),
            critiques.get(step.pk, ()),
            end is not None and step.position > end,
        )
        for step in steps
    ]
    found = Evidence(
        rows,
        voices,
        runs,
        _judges(steps, verdicts, mended_at),
        bool(gold),
        stands=whole,
        disputes=frozenset(OpenDispute.objects.filter(solution=solution).values_list("kind", flat=True)),
        also=AlsoAcceptable.objects.filter(pk=solution.pk).values_list("first_errors", flat=True).first() or (),
        mended_at=mended_at,
    )
    return _with_words(found, solution)


def _settled_end(stands: Consensus | None) -> int | None:
    """The position behind which nothing is left to settle."""
    if stands is None or stands.how != How.ADJUDICATED or stands.first_error in (None, -1):
        return None
    return stands.first_error


def answer_changed_at(problem: Problem, *, project: str) -> datetime | None:
    """When the reference answer was last changed by hand; None when it is the one that came."""
    mends = AuditEvent.objects.filter(project=project, target=str(problem.pk), verb="problem.edited")
    for at, before, after in mends.values_list("at", "before", "after"):
        if (before or {}).get("reference_answer") != (after or {}).get("reference_answer"):
            return at
    return None


def _estimates(steps: Sequence[Step]) -> dict[int, list[StepEstimate]]:
    estimates: dict[int, list[StepEstimate]] = {}
    for one in StepEstimate.objects.filter(step__in=steps).select_related("run").order_by("run_id"):
        estimates.setdefault(one.step_id, []).append(one)
    return estimates


def _runs(
    solution: Solution,
    steps: Sequence[Step],
    estimates: Mapping[int, Sequence[StepEstimate]],
    mended_at: datetime | None,
) -> list[RunWord]:
    whole = {one.run_id: one for one in SolutionEstimate.objects.filter(solution=solution).select_related("run")}
    runs = {one.run_id: one.run for said in estimates.values() for one in said}
    runs |= {pk: one.run for pk, one in whole.items()}
    words = []
    for pk, run in sorted(runs.items()):
        told = whole.get(pk)
        position = None if told is None else told.first_error
        speaks = told is not None and run_counts(run) and not told.failure
        if run.origin:
            said = {step.pk: one for step in steps for one in estimates.get(step.pk, ()) if one.run_id == pk}
            labels = {key: hard_label(one.rollouts, one.successes, hard=one.hard) for key, one in said.items()}
            position, speaks = _told_by_steps(steps, labels)
            speaks = speaks and run_counts(run)
        is_before = _is_before(run.started_at or run.created_at, mended_at)
        words.append(RunWord(run=run, said=told, position=position, speaks=speaks, precedes_answer_change=is_before))
    return words


def _is_before(began: datetime, mended_at: datetime | None) -> bool:
    """A run reads reference answers while it works: what began before the change may have counted against the old."""
    return mended_at is not None and began < mended_at


def _told_by_steps(steps: Sequence[Step], labels: Mapping[int, int]) -> tuple[int | None, bool]:
    """The first error on the path, by labels of steps' ids, and whether anything is said of the path at all."""
    path = [step for step in steps if step.chosen]
    said = {step.position: label for step in path if (label := labels.get(step.pk, UNKNOWN)) != UNKNOWN}
    found = first_error(said, len(path))
    return None if found == UNKNOWN else found, bool(said)


def _verdicts(steps: Sequence[Step]) -> list[StepVerdict]:
    """Each judge's oldest run first."""
    return list(StepVerdict.objects.filter(step__in=steps).select_related("run__judge").oldest_run_first())


def _judges(
    steps: Sequence[Step], verdicts: Sequence[StepVerdict], mended_at: datetime | None
) -> list[JudgeFirstError]:
    runs = {one.run_id: one.run for one in verdicts}
    ratings: dict[int, dict[int, int]] = {pk: {} for pk in runs}
    for one in verdicts:
        ratings[one.run_id][one.step_id] = one.rating
    words = []
    for pk, run in runs.items():
        position, speaks = _told_by_steps(steps, ratings[pk])
        is_before = _is_before(run.created_at, mended_at)
        words.append(JudgeFirstError(run=run, position=position, speaks=speaks, precedes_answer_change=is_before))
    return words


def _critiques(steps: Sequence[Step]) -> dict[int, list[Critique]]:
    found: defaultdict[int, list[Critique]] = defaultdict(list)
    for one in Critique.objects.filter(step__in=steps).order_by("pk"):
        found[one.step_id].append(one)
    return found


# --- people -----------------------------------------------------------------------------------------------


def _voices(
    solution: Solution, steps: Sequence[Step], naming: Naming, mended_at: datetime | None
) -> list[LabelerEvidence]:
    assignments = list(
        Assignment.objects.submitted()
        .filter(Q(task__solution=solution, grown__isnull=True) | Q(grown=solution))
        .with_reason()
        .select_related("labeler", "round")
        .order_by("submitted_at", "pk")
    )
    labels: dict[int, dict[int, StepLabel]] = {}
    for label in StepLabel.objects.filter(assignment__in=assignments).select_related("step"):
        labels.setdefault(label.assignment_id, {})[label.step_id] = label
    names = naming({assignment.labeler_id for assignment in assignments})
    path = [step for step in steps if step.chosen]
    corrected = [assignment.pk for assignment in assignments if assignment.corrected_by_id is not None]
    corrections = corrections_of(corrected) if corrected else {}
    voices = [
        _voice(names[assignment.labeler_id], assignment, labels.get(assignment.pk, {}), path, mended_at)
        for assignment in assignments
    ]
    return [replace(voice, correction=corrections.get(voice.assignment.pk)) for voice in voices]


def _voice(
    name: str, assignment: Assignment, labels: dict[int, StepLabel], path: Sequence[Step], mended_at: datetime | None
) -> LabelerEvidence:
    ratings = {step.position: labels[step.pk].counted_rating for step in path if step.pk in labels}
    said = {position: rating for position, rating in ratings.items() if rating is not None}
    bad = (step.position + 1 for step in path if said.get(step.position) == BAD)
    is_before = mended_at is not None and assignment.submitted_at is not None and assignment.submitted_at < mended_at
    return LabelerEvidence(name, assignment, labels, first_error(said, len(path)), next(bad, None), is_before)


# --- first errors, side by side ---------------------------------------------------------------------------


def _with_words(found: Evidence, solution: Solution) -> Evidence:
    """The newest run speaks, and the newest of each judge, as in `machines`, which reads them for many solutions.

    People whose words do not count are shown with their turns, and not here.
    """
    gold = {row.step.position: row.gold for row in found.path if row.gold is not None}
    newest = newest_first_errors({solution.pk: solution.step_count}).get(solution.pk)
    judges = {word.run.judge.name: word for word in found.judges if word.speaks}
    stands = found.stands.first_error if found.stands is not None else None
    words = Words(
        people={
            f"{place}: {voice.labeler}": voice.first_error
            for place, voice in enumerate(found.voices)
            if not voice.not_counted
        },
        monte_carlo=newest.first_error if newest else UNKNOWN,
        judges={str(word.run.judge): _or_unknown(word.position) for word in judges.values()},
        gold=Gold.of(gold, solution.step_count, found.also).acceptable if gold else frozenset(),
        consensus=UNKNOWN if stands is None else stands,
    )
    return replace(found, words=[_unnumbered(one) for one in side_by_side(words)])


def _or_unknown(position: int | None) -> int:
    return UNKNOWN if position is None else position


def _unnumbered(word: Word) -> Word:
    """A person's name without their place in the order of turns."""
    return replace(word, name=word.name.partition(": ")[2]) if word.source == Source.PERSON else word

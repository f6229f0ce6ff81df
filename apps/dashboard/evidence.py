"""What people, gold and Monte Carlo say of one solution, step by step, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from apps.corpus.models import Comparison, Solution, Step
from apps.dashboard.access import Place
from apps.estimation.models import EstimationRun, Rollout, SolutionEstimate, StepEstimate
from apps.labeling.models import Assignment, GoldLabel, PreferenceLabel, StepLabel
from apps.projects.models import Membership


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's word on one step. No word at all is `is_unreached`."""

    labeler: str
    rating: int | None = None
    unsure: bool = False
    is_unreached: bool = False


@dataclass(frozen=True, slots=True)
class Voice:
    """One person's turn at the solution, and the number of the first step that they called bad."""

    labeler: str
    turn: Assignment
    labels: dict[int, StepLabel]
    first_bad: int | None = None

    def on(self, step: Step) -> Vote:
        label = self.labels.get(step.pk)
        if label is None:
            return Vote(self.labeler, is_unreached=True)
        return Vote(self.labeler, label.rating, bool(label.unsure))


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate with all that is said of it."""

    step: Step
    votes: list[Vote]
    gold: int | None
    estimates: list[StepEstimate]

    @property
    def is_disputed(self) -> bool:
        """People who rated it do not agree whether it is bad."""
        return len({vote.rating == -1 for vote in self.votes if vote.rating is not None}) > 1


@dataclass(frozen=True, slots=True)
class RunWord:
    """What an estimation run says of the whole solution, where it says more than counts."""

    run: EstimationRun
    said: SolutionEstimate | None = None

    @property
    def first_error(self) -> int | None:
        """The number of the step, from 1; 0 for "none", None for "cannot be told"."""
        return None if self.said is None or self.said.first_error is None else self.said.first_error + 1


@dataclass(frozen=True, slots=True)
class Contest:
    """A comparison that the solution stands in, and how often people preferred it."""

    comparison: Comparison
    other: int
    own: int = 0
    others: int = 0
    ties: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    rows: list[Row]
    voices: list[Voice]
    runs: list[RunWord] = field(default_factory=list)
    has_gold: bool = False
    contests: list[Contest] = field(default_factory=list)


def evidence_for(place: Place, solution: Solution) -> Evidence:
    """Nine queries, however many people, steps and comparisons."""
    steps = list(Step.objects.filter(solution=solution).order_by("position", "candidate"))
    voices = _voices(place, solution, steps)
    gold = dict(GoldLabel.objects.filter(step__in=steps).values_list("step", "rating"))
    estimates: dict[int, list[StepEstimate]] = {}
    for one in StepEstimate.objects.filter(step__in=steps).select_related("run").order_by("run"):
        estimates.setdefault(one.step_id, []).append(one)
    whole = {one.run_id: one for one in SolutionEstimate.objects.filter(solution=solution).select_related("run")}
    runs = {one.run_id: one.run for said in estimates.values() for one in said}
    runs |= {pk: one.run for pk, one in whole.items()}
    rows = [
        Row(step, [voice.on(step) for voice in voices], gold.get(step.pk), estimates.get(step.pk, [])) for step in steps
    ]
    words = [RunWord(run, whole.get(pk)) for pk, run in sorted(runs.items())]
    return Evidence(rows, voices, words, bool(gold), contests_of(solution))


SHOWN_CONTESTS = 50


def contests_of(solution: Solution) -> list[Contest]:
    """What people preferred of it and other solutions, or of its own candidates for a step; the newest first."""
    found = list(
        Comparison.objects.filter(Q(left=solution) | Q(right=solution), problem=solution.problem_id)
        .select_related("left_step", "right_step")
        .order_by("-id")[:SHOWN_CONTESTS]
    )
    said: dict[int, Counter[str]] = {}
    labels = PreferenceLabel.objects.filter(
        assignment__task__comparison__in=found, assignment__in=Assignment.objects.spoken()
    )
    for pk, choice in labels.values_list("assignment__task__comparison_id", "choice"):
        said.setdefault(pk, Counter())[choice] += 1
    return [_contest(one, solution, said[one.pk]) for one in found if one.pk in said]


def _contest(comparison: Comparison, solution: Solution, counts: Counter[str]) -> Contest:
    is_left = comparison.left_id == solution.pk
    own, other = ("left", "right") if is_left else ("right", "left")
    return Contest(
        comparison,
        comparison.right_id if is_left else comparison.left_id,
        counts[own],
        counts[other],
        counts["tie"],
    )


def _voices(place: Place, solution: Solution, steps: Sequence[Step]) -> list[Voice]:
    turns = list(
        Assignment.objects.spoken()
        .filter(Q(task__solution=solution, grown__isnull=True) | Q(grown=solution))
        .select_related("labeler", "round")
        .order_by("submitted_at", "pk")
    )
    labels: dict[int, dict[int, StepLabel]] = {}
    for label in StepLabel.objects.filter(assignment__in=turns):
        labels.setdefault(label.assignment_id, {})[label.step_id] = label
    names = labeler_names(place, {turn.labeler_id for turn in turns})
    said = [(turn, labels.get(turn.pk, {})) for turn in turns]
    return [Voice(names[turn.labeler_id], turn, ratings, _first_bad(ratings, steps)) for turn, ratings in said]


def _first_bad(labels: dict[int, StepLabel], steps: Sequence[Step]) -> int | None:
    """The first step on the path that was rated bad, counted from 1 as people do."""
    path = (step for step in steps if step.chosen and step.pk in labels)
    return next((step.position + 1 for step in path if labels[step.pk].rating == -1), None)


def labeler_names(place: Place, user_ids: set[int]) -> dict[int, str]:
    """Names for managers, pseudonyms for everybody else; a labeler who came with a file has only that."""
    members = Membership.objects.filter(project=place.project, user__in=user_ids).select_related("user")
    shown = {member.user_id: _shown(member, named=place.names_people()) for member in members}
    return {pk: shown.get(pk, "somebody") for pk in user_ids}


def _shown(member: Membership, *, named: bool) -> str:
    is_person = member.status != Membership.Status.IMPORTED
    return str(member.user) if named and is_person else member.pseudonym[:8]


SHOWN_ROLLOUTS = 200


def rollouts_of(solution: Solution, asked: Mapping[str, str]) -> tuple[Step, list[Rollout]] | None:
    """The kept rollouts of one step in one run, as `?step=ID&run=NUMBER` asks; None when it asks for none."""
    step, run = asked.get("step", ""), asked.get("run", "")
    if not (step.isdecimal() and run.isdecimal() and len(step) < 18 and len(run) < 9):
        return None
    found = Step.objects.filter(solution=solution, pk=int(step)).first()
    if found is None:
        return None
    kept = Rollout.objects.filter(batch__step=found, batch__run__project=solution.project, batch__run__number=int(run))
    return found, list(kept.order_by("batch__ordinal", "index")[:SHOWN_ROLLOUTS])

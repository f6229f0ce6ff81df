"""Rewards of steps for reinforcement learning: from the labels where they determine a solution, else from a model.

Gold comes before the settled consensus, in which adjudications are. A text is known where a solution of the project has
the same problem and steps; a step's label also holds in any other solution that begins with the same steps. Steps whose
labels contradict each other have none. Nothing is stored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.core.errors import DomainError, Unprocessable
from apps.corpus.identity import problem_digest
from apps.corpus.labels import BAD, GREAT, NO_ERROR, OKAY, SCORE_THRESHOLD, UNKNOWN, first_error
from apps.corpus.models import Problem, Step
from apps.inference.models import Endpoint
from apps.labeling.models import GoldLabel
from apps.projects.models import Project
from apps.quality.models import Consensus, StepConsensus
from apps.scoring.reward_model import ScorerSettings, scorer_settings
from apps.scoring.serve import ScorableText, score_texts

LABELS, MODEL = "labels", "model"
SOURCES = (LABELS, MODEL)
DEFAULT_OKAY = 1.0


@dataclass(frozen=True, slots=True)
class Rewards:
    """A reward for each step, None where there is none. `first_error`: a position, NO_ERROR, or None if unknown."""

    rewards: list[float | None]
    source: str
    first_error: int | None
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RewardRequest:
    """What the rewards come from: `labels`, `model`, or, where `source` is empty, whichever fits each text.

    The model is that of the endpoint, by default the project's reward model. `okay` is the reward of a step rated okay.
    """

    source: str = ""
    endpoint: str = ""
    kind: str | None = None
    prompt: Mapping[str, Any] | None = None
    okay: float = DEFAULT_OKAY


def rewards_of(*, project: Project, texts: Sequence[ScorableText], request: RewardRequest) -> list[Rewards]:
    """The rewards of each text. Raises Unprocessable without a usable model, and Unavailable if it is away."""
    if request.source == MODEL:
        return model_rewards(_scorer(project, request), texts)
    rewards = label_rewards(project, texts, okay=request.okay)
    unknown = [place for place, own in enumerate(rewards) if own.first_error is None]
    if request.source == LABELS or not unknown:
        return rewards
    by_model = model_rewards(_scorer(project, request), [texts[place] for place in unknown])
    for place, own in zip(unknown, by_model, strict=True):
        rewards[place] = own
    return rewards


def _scorer(project: Project, request: RewardRequest) -> ScorerSettings:
    try:
        endpoint = Endpoint.objects.named(request.endpoint, project) if request.endpoint else None
        return scorer_settings(project=project, endpoint=endpoint, kind=request.kind, prompt=request.prompt)
    except DomainError as error:
        raise Unprocessable(error.message, code=error.code, fields=error.fields) from error


def label_rewards(project: Project, texts: Sequence[ScorableText], *, okay: float = DEFAULT_OKAY) -> list[Rewards]:
    """Rewards by the labels alone. Great is 1, bad is 0, and `okay` what is neither. Five queries for all texts."""
    values = {GREAT: 1.0, OKAY: okay, BAD: 0.0}
    rewards = []
    for ratings in known_ratings(project, texts):
        position = first_error(ratings, len(ratings))
        rewards.append(
            Rewards(
                [values[rating] if rating is not None else None for rating in ratings.values()],
                LABELS,
                None if position == UNKNOWN else position,
            )
        )
    return rewards


def model_rewards(settings: ScorerSettings, texts: Sequence[ScorableText]) -> list[Rewards]:
    """Rewards by a served model. Raises Unavailable if it is away."""
    return [
        Rewards(scored.scores, MODEL, _first_below(scored.scores), scored.reasons)
        for scored in score_texts(settings, texts)
    ]


def _first_below(scores: Sequence[float | None]) -> int | None:
    for position, score in enumerate(scores):
        if score is None:
            return None
        if score < SCORE_THRESHOLD:
            return position
    return NO_ERROR


# --- labels of texts --------------------------------------------------------------------------------------


def known_ratings(project: Project, texts: Sequence[ScorableText]) -> list[dict[int, int | None]]:
    """By text, for each position: the rating of the step behind these steps; None where there is none."""
    digests = {problem_digest(text.problem) for text in texts}
    # As in exports, the labels of a retired problem teach nothing.
    known = Problem.objects.filter(project=project, digest__in=digests, retired_at=None)
    problems = dict(known.values_list("digest", "pk"))
    solutions_of = _solutions_of(set(problems.values()), texts)
    step_ids: list[dict[int, set[int]]] = []
    for text in texts:
        problem = problems.get(problem_digest(text.problem))
        solutions = [] if problem is None else solutions_of.get(problem, [])
        step_ids.append(_same_steps(solutions, [step.strip() for step in text.steps]))
    ratings = _ratings({pk for by_position in step_ids for ids in by_position.values() for pk in ids})
    return [
        {position: _agreed(by_position.get(position, set()), ratings) for position in range(len(text.steps))}
        for text, by_position in zip(texts, step_ids, strict=True)
    ]


@dataclass(slots=True)
class _Solution:
    """The steps of a solution that have one of the texts in question. `path`: the chosen one's text by position."""

    path: dict[int, str] = field(default_factory=dict)
    candidates: defaultdict[int, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))


def _solutions_of(problem_ids: set[int], texts: Sequence[ScorableText]) -> dict[int, list[_Solution]]:
    """By problem: its solutions, with those of their steps that have one of these texts."""
    # A solution with another first step shares none: a problem may have thousands.
    first_steps = _forms(text.steps[0] for text in texts if text.steps)
    begun = Step.objects.filter(solution__problem__in=problem_ids, position=0, text__in=first_steps)
    wanted = _forms(step for text in texts for step in text.steps)
    rows = Step.objects.filter(solution__in=begun.values("solution"), text__in=wanted).order_by("solution_id")
    solutions: defaultdict[int, dict[int, _Solution]] = defaultdict(dict)
    columns = ("solution__problem_id", "solution_id", "id", "position", "text", "chosen")
    for problem_id, solution_id, pk, position, text, chosen in rows.values_list(*columns):
        solution = solutions[problem_id].setdefault(solution_id, _Solution())
        solution.candidates[position].append((pk, text.strip()))
        if chosen:
            solution.path[position] = text.strip()
    return {problem_id: list(by_id.values()) for problem_id, by_id in solutions.items()}


def _forms(texts: Iterable[str]) -> set[str]:
    """The texts as they are and without white space around them: stored steps have either."""
    return {form for text in texts for form in (text, text.strip())}


def _same_steps(solutions: Sequence[_Solution], steps: Sequence[str]) -> dict[int, set[int]]:
    """By position: the stored steps with the same text behind the same steps."""
    same: defaultdict[int, set[int]] = defaultdict(set)
    for solution in solutions:
        for position, text in enumerate(steps):
            same[position] |= {pk for pk, candidate in solution.candidates[position] if candidate == text}
            if solution.path.get(position) != text:
                break
    return same


def _ratings(step_ids: set[int]) -> tuple[dict[int, int], dict[int, int]]:
    """The gold ratings by step, and those of the settled consensus."""
    gold = GoldLabel.objects.filter(step__in=step_ids).values_list("step_id", "rating")
    settled = StepConsensus.objects.filter(
        step__in=step_ids, is_thin=False, step__solution__consensus__state=Consensus.State.SETTLED
    )
    return dict(gold), dict(settled.values_list("step_id", "rating"))


def _agreed(step_ids: set[int], ratings: tuple[dict[int, int], dict[int, int]]) -> int | None:
    """The rating by the first source that has one; None where the source contradicts itself."""
    for source in ratings:
        found = {source[pk] for pk in step_ids if pk in source}
        if found:
            return found.pop() if len(found) == 1 else None
    return None

"""What a manager should know before a round opens. A warning forbids nothing; it names what to do, and where."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Q

from apps.corpus.models import Problem, Solution, Step
from apps.labeling.assignments.candidates import REQUESTS
from apps.labeling.models import Protocol, Round, RoundProgress
from apps.labeling.protocols import options_of
from apps.labeling.protocols.base import SamplingOptions
from apps.labeling.protocols.branching import BranchingOptions
from apps.labeling.protocols.first_error import FirstErrorOptions
from apps.labeling.rounds.plan import RoundPlan, solutions_with_gold


@dataclass(frozen=True, slots=True)
class RoundWarning:
    """`code` is stable, `message` a sentence or two. `remedy` is what helps, which pages turn into a link:
    `round`, `guidelines`, `people`, `endpoints`, `gold` or `screening`.
    """

    code: str
    message: str
    remedy: str


def round_warnings(round_: Round, plan: RoundPlan, *, people: int) -> list[RoundWarning]:
    """The warnings about a draft, given the plan that opening would store and the number of people who may work."""
    checks = (_about_people(round_, people), _about_texts(round_, plan), _about_gold(round_, plan, people))
    return [warning for check in (*checks, _about_candidates(round_, plan)) for warning in check]


def _about_people(round_: Round, people: int) -> Iterator[RoundWarning]:
    if round_.needs_screening and not _somebody_passed(round_):
        screenings = Round.objects.filter(
            project=round_.project_id, kind=Round.Kind.SCREENING, status=Round.Status.OPEN
        )
        advice = "Have people take it first." if screenings.exists() else "No screening is open: open one first."
        yield RoundWarning(
            "nobody_passed", f"Nobody has passed the screening that the round needs. {advice}", "screening"
        )
    elif people == 0:
        yield RoundWarning("nobody", "No member may work in this round. Invite people, or ask for less.", "people")
    elif not round_.is_all_gold and people < round_.redundancy:
        yield RoundWarning(
            "too_few_people",
            f"Each task needs {round_.redundancy} people, and {people} may work: no task can be completed. "
            "Invite people, or ask for fewer per task.",
            "people",
        )
    elif round_.most_people is not None and people < round_.most_people:
        yield RoundWarning(
            "too_few_for_disagreements",
            f"Where people disagree, up to {round_.most_people} are asked, and {people} may work.",
            "people",
        )


def _somebody_passed(round_: Round) -> bool:
    passed = RoundProgress.objects.filter(round__kind=Round.Kind.SCREENING, passed_at__isnull=False)
    return passed.filter(round__project=round_.project_id).exists()


def _about_texts(round_: Round, plan: RoundPlan) -> Iterator[RoundWarning]:
    guideline = round_.guideline or round_.project.guidelines.first()
    if guideline is None or not guideline.text.strip():
        yield RoundWarning(
            "no_guidelines", "The guidelines are empty: labelers are told nothing about this project.", "guidelines"
        )
    if not round_.show_reference:
        return
    problems = Problem.objects.filter(project=round_.project_id)
    if plan.problems:
        shown = problems.filter(pk__in=plan.problems)
    else:
        shown = problems.filter(pk__in=Solution.objects.filter(pk__in=[*plan.solutions, *plan.gold]).values("problem"))
    missing = shown.filter(Q(reference_answer=None) | Q(reference_answer="")).count()
    if missing:
        yield RoundWarning(
            "no_reference_answer",
            f"The reference answer is shown to labelers, and {missing:,} of {shown.count():,} problems have none. "
            "Import it, or do not show it.",
            "round",
        )


def _about_gold(round_: Round, plan: RoundPlan, people: int) -> Iterator[RoundWarning]:
    if round_.is_all_gold:
        return
    if not round_.gold_share and plan.solutions:
        if solutions_with_gold(round_.project).issuperset(plan.solutions):
            yield RoundWarning(
                "all_gold",
                "All of its solutions have gold labels already. Select others, or make the round a screening or a training.",
                "round",
            )
        return
    if not (plan.gold and people and round_.gold_share < 1):
        return
    ordinary = len(plan.ordinary) * round_.redundancy / people
    wanted = math.floor(ordinary * round_.gold_share / (1 - round_.gold_share))
    if len(plan.gold) < wanted:
        yield RoundWarning(
            "too_little_gold",
            f"With this share of gold each person would get about {wanted:,} gold tasks, and there are "
            f"{len(plan.gold):,}: nobody gets one twice. Make more gold, or lower the share.",
            "gold",
        )


# --- alternatives and candidates --------------------------------------------------------------------------


def _about_candidates(round_: Round, plan: RoundPlan) -> Iterator[RoundWarning]:
    options = options_of(round_.protocol, round_.options)
    noun = "alternatives" if round_.protocol == Protocol.FIRST_ERROR else "candidates"
    asks = isinstance(options, BranchingOptions) or (isinstance(options, FirstErrorOptions) and options.alternatives)
    if not asks or not isinstance(options, SamplingOptions):
        return
    endpoint = round_.endpoint
    if endpoint is None:
        if not _has_candidates(plan.solutions):
            yield RoundWarning(
                "no_candidates",
                f"The round asks for {noun}, its solutions have none, and no endpoint samples them. Choose an endpoint.",
                "round",
            )
    elif endpoint.check_error:
        yield RoundWarning(
            "endpoint_fails",
            f"The last check of the endpoint {endpoint.name} failed: {endpoint.check_error} "
            f"Without it there are no {noun}.",
            "endpoints",
        )
    elif endpoint.checked_at is None:
        yield RoundWarning(
            "endpoint_unchecked",
            f"The endpoint {endpoint.name}, which samples {noun}, has never been checked. Check it first.",
            "endpoints",
        )
    elif endpoint.most_choices is not None and endpoint.most_choices * REQUESTS < options.candidates:
        yield RoundWarning(
            "endpoint_few_choices",
            f"The endpoint {endpoint.name} returns at most {endpoint.most_choices} choices per request: labelers get at "
            f"most {endpoint.most_choices * REQUESTS} of the {options.candidates} {noun}.",
            "endpoints",
        )


def _has_candidates(solutions: Sequence[int]) -> bool:
    """Whether one of the solutions has a step with another candidate."""
    return Step.objects.filter(solution__in=solutions, chosen=False).exists()

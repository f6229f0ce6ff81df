"""Solutions whose first error estimation leaves uncertain: the most useful ones to label next."""

from __future__ import annotations

from django.db.models import F, FloatField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest

from apps.core.errors import DomainError
from apps.core.numbers import parse_number
from apps.corpus.models import Solution
from apps.estimation.models import EstimationRun, SolutionEstimate
from apps.runs.status import counted_run_q, run_counts

# The probability of the first error from which a result is sure; less sure ones go to people first.
SURE = 0.9


def unsure_of(solutions: QuerySet[Solution], run: str) -> QuerySet[Solution]:
    """Solutions of which the run with this number is unsure: the most useful ones to label next.

    Raises DomainError, with the run's number, if the run has not ended or has failed.
    """
    number = parse_number(run, biggest=999_999_999)
    if number is None:
        raise DomainError(f"`unsure:{run}` names no run.", fields={"select": "unsure: must be the number of a run"})
    # The solutions are of one project, as a rule. A run that does not exist selects nothing.
    projects = solutions.order_by().values("project")
    for candidate in EstimationRun.objects.filter(number=number, project__in=projects):
        if not run_counts(candidate):
            status = candidate.get_status_display()
            raise DomainError(
                f"Run {number} is {status}: `unsure` needs a run that has finished or was cancelled.",
                fields={"select": f"unsure: run {number} is {status}"},
            )
    unsure = SolutionEstimate.objects.filter(
        counted_run_q("run__"), run__number=number, failure="", probability__lt=SURE
    )
    return solutions.filter(estimates__in=unsure, estimates__run__project=F("project"))


def most_uncertain(solutions: QuerySet[Solution], size: int) -> list[int]:
    """The rule `by:uncertainty`: ids of the solutions whose first error is known least.

    How certain it is says the search of the newest counted run, by its probability; without one, the verifier score s, as
    max(s, 1 - s). Solutions with neither are left out. Raises DomainError if there are no others.
    """
    estimates = SolutionEstimate.objects.filter(counted_run_q("run__"), solution=OuterRef("pk"), failure="")
    by_score = Greatest(F("verifier_score"), 1 - F("verifier_score"), output_field=FloatField())
    newest = Subquery(estimates.order_by("-run_id").values("probability")[:1])
    known = solutions.annotate(certainty=Coalesce(newest, by_score)).filter(certainty__isnull=False)
    ids = list(known.order_by("certainty", "digest").values_list("id", flat=True)[:size])
    if not ids:
        raise DomainError(
            "by:uncertainty needs an estimation run with probabilities, or verifier scores, and there are none.",
            fields={"select": "by: uncertainty needs an estimation run or verifier scores"},
        )
    return ids

"""The page of a solution in the admin: its steps, with what all sources say of each."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from apps.accounts.models import User
from apps.core.admin_words import NOTHING, words_table
from apps.corpus.admin import SolutionAdmin
from apps.corpus.admin_words import first_error_words, rating_words
from apps.corpus.models import Solution
from apps.quality.review.evidence import Evidence, LabelerRating, StepEvidence, evidence_of

LONGEST_STEP = 600
HEAD = ("step", "text", "people", "gold", "consensus", "Monte Carlo", "judges", "reward models")

admin.site.unregister(Solution)


@admin.register(Solution)
class SolutionLabelsAdmin(SolutionAdmin):
    extra = ("problem_text", "steps_and_labels", "first_errors")

    @admin.display(description="problem")
    def problem_text(self, solution: Solution) -> str:
        return Truncator(solution.problem.statement).chars(2000)

    @admin.display(description="steps and labels")
    def steps_and_labels(self, solution: Solution) -> SafeString:
        evidence = self._evidence(solution)
        table = words_table(HEAD, (_row(row) for row in evidence.rows))
        if evidence.hidden_in is None:
            return table
        return format_html("{}<p>An open blind round ({}) hides what models say.</p>", table, evidence.hidden_in)

    @admin.display(description="first errors")
    def first_errors(self, solution: Solution) -> SafeString | str:
        rows = list(_first_errors(self._evidence(solution)))
        return words_table((), rows) if rows else NOTHING

    @staticmethod
    def _evidence(solution: Solution) -> Evidence:
        """Read once for a page."""
        cached: Evidence | None = getattr(solution, "_admin_evidence", None)
        if cached is None:
            cached = evidence_of(solution, _names)
            solution._admin_evidence = cached  # type: ignore[attr-defined]  # noqa: SLF001
        return cached


def _names(ids: set[int]) -> dict[int, str]:
    return {user.pk: str(user) for user in User.objects.filter(pk__in=ids)}


def _row(row: StepEvidence) -> tuple[str, ...]:
    step = row.step
    candidate = f", candidate {step.candidate + 1}" if step.candidate or not step.chosen else ""
    return (
        f"{step.position + 1}{candidate}",
        Truncator(step.text).chars(LONGEST_STEP),
        "; ".join(map(_person, row.ratings)) or NOTHING,
        rating_words(row.gold),
        f"{rating_words(row.consensus.rating)} ({row.consensus.get_how_display()})" if row.consensus else NOTHING,
        "; ".join(f"{e.run}: {e.successes} of {e.rollouts}" for e in row.estimates) or NOTHING,
        "; ".join(f"{verdict.run.judge}: {rating_words(verdict.rating)}" for verdict in row.verdicts) or NOTHING,
        "; ".join(f"{score.run.model}: {score.score:.2f}" for score in row.scores) or NOTHING,
    )


def _person(given: LabelerRating) -> str:
    words = "not reached" if given.is_unreached else "unsure" if given.unsure else rating_words(given.rating)
    return f"{given.labeler}: {words}{f' ({given.not_counted})' if given.not_counted else ''}"


def _first_errors(evidence: Evidence) -> Iterator[tuple[str, str]]:
    for labeler in evidence.labelers:
        yield labeler.labeler, "unknown" if labeler.first_error < -1 else first_error_words(labeler.first_error)
    if evidence.consensus is not None:
        yield f"consensus ({evidence.consensus.get_state_display()})", first_error_words(evidence.consensus.first_error)
    for estimated in evidence.runs:
        yield str(estimated.run), first_error_words(estimated.first_error)
    for judged in evidence.judges:
        yield str(judged.run), first_error_words(judged.first_error)

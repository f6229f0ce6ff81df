"""How many tasks and hours the settings in the round form would make, before there is a draft."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.errors import DomainError
from apps.dashboard.rounds.forms import RoundForm
from apps.labeling.median_time import seconds_per_assignment
from apps.labeling.models import Assignment
from apps.labeling.queue.eligibility import eligibility_of_members
from apps.labeling.rounds.count import RoundCount, count_round
from apps.projects.models import Project

COUNTED_TO = 100_000


@dataclass(frozen=True, slots=True)
class RoundSize:
    """`people` may work in a round that is all gold, and each does all of its tasks; in others a task takes `redundancy`."""

    select: str
    count: RoundCount
    redundancy: int
    people: int | None
    seconds_each: float | None

    @property
    def is_all_gold(self) -> bool:
        return self.people is not None

    @property
    def noun(self) -> str:
        return "problem" if self.count.of == "problems" else "solution"

    @property
    def has_more_fitting(self) -> bool:
        """The count of fitting solutions stopped at its limit."""
        return self.count.fitting > COUNTED_TO

    @property
    def has_more_tasks(self) -> bool:
        """The count of tasks stopped at its limit. Gold is always counted completely."""
        return not self.is_all_gold and (self.count.tasks or 0) > COUNTED_TO

    @property
    def is_refused_for_more_than_emptiness(self) -> bool:
        refusal = self.count.refusal
        return refusal is not None and (self.count.fitting > 0 or refusal.code != "empty")

    @property
    def fitting(self) -> int:
        return min(self.count.fitting, COUNTED_TO)

    @property
    def tasks(self) -> int | None:
        """None where the pairs would have to be made to be counted."""
        if self.is_all_gold:
            return self.count.gold
        return None if self.count.tasks is None else min(self.count.tasks, COUNTED_TO)

    @property
    def submissions(self) -> int | None:
        return None if self.tasks is None else self.tasks * (self.redundancy if self.people is None else self.people)

    @property
    def seconds(self) -> float | None:
        if self.submissions is None or self.seconds_each is None:
            return None
        return self.submissions * self.seconds_each


def size_of(form: RoundForm, project: Project) -> RoundSize | None:
    """None if a field that the size depends on is invalid."""
    try:
        round_ = form.unsaved(project)
        count = count_round(round_, most=COUNTED_TO) if round_ is not None else None
    except DomainError:
        return None
    if round_ is None or count is None:
        return None
    people = None
    if round_.is_all_gold:
        named = {user.pk for user in form.cleaned_data["labelers"] or ()}
        people = sum(refusal is None for _, refusal in eligibility_of_members(round_, named))
    assignments = Assignment.objects.filter(round__project=project, round__protocol=round_.protocol)
    return RoundSize(round_.selection["select"], count, round_.redundancy, people, seconds_per_assignment(assignments))

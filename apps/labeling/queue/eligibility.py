"""Who may be given work in a round, asked again at each claim: one statement of a few indexed look-ups.

What somebody holds already they may finish, whatever has changed since.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection

from apps.accounts.models import User
from apps.labeling.models import Round, RoundProgress
from apps.projects.models import Membership


@dataclass(frozen=True, slots=True)
class NoTask:
    """Why there is no task: a stable code, and a sentence for the labeler. `may_retake`: another try is open."""

    code: str
    message: str
    may_retake: bool = False


@dataclass(frozen=True, slots=True)
class ScreeningAttempt:
    """How somebody stands in a screening."""

    number: int
    tries: int
    pass_mark: float
    is_open: bool
    attempt: int = 1
    score: float | None = None
    passed_at: datetime | None = None

    @property
    def tries_left(self) -> int:
        """After the one that has been scored."""
        return max(0, self.tries - self.attempt)

    def told(self) -> NoTask:
        """The result, as the labeler is told it; only for a try that has been scored."""
        got, mark = _percent(self.score or 0), _percent(self.pass_mark)
        if self.passed_at is not None:
            return NoTask(
                "screening_passed", f"You have passed: you agree with {got} of what is known; {mark} were asked for."
            )
        left = {0: "No try is left.", 1: "One more try is left."}.get(
            self.tries_left, f"{self.tries_left} more tries are left."
        )
        return NoTask(
            "screening_failed",
            f"You have not passed: you agree with {got} of what is known; {mark} are asked for. {left}",
            may_retake=self.tries_left > 0 and self.is_open,
        )


def _percent(share: float) -> str:
    """Rounded down, so that nobody is told that they reached a mark that they missed."""
    return f"{int(share * 1000) / 10:g} %"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a round's rules ask of a labeler. `sitting` is the screening that they came furthest in."""

    status: str | None
    skills: frozenset[str]
    is_named: bool
    sitting: ScreeningAttempt | None = None


_STANDING = """
SELECT m.status, m.skills, CASE WHEN %(for_named)s THEN EXISTS (
    SELECT 1 FROM labeling_round_labelers n WHERE n.round_id = %(round)s AND n.user_id = %(labeler)s
) END
FROM projects_membership m WHERE m.project_id = %(project)s AND m.user_id = %(labeler)s
"""

# Passed before failed before not begun, and of these the newest screening.
_SITTING = """
SELECT r.number, r.tries, coalesce(r.pass_mark, 1), r.status = 'open', coalesce(s.attempt, 1), s.score, s.passed_at
FROM labeling_round r LEFT JOIN labeling_roundprogress s ON s.round_id = r.id AND s.labeler_id = %(labeler)s
WHERE r.project_id = %(project)s AND r.is_screening AND r.origin = '' AND r.status <> 'draft'
  AND (r.status <> 'closed' OR s.id IS NOT NULL)
ORDER BY s.passed_at IS NULL, r.status <> 'open', r.number
LIMIT 1
"""


def refusal(round_: Round, labeler: User) -> NoTask | None:
    """Why the labeler gets no new task here, or None when nothing speaks against it."""
    who = {
        "round": round_.pk,
        "project": round_.project_id,
        "labeler": labeler.pk,
        "for_named": round_.is_for_named,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, who)
        status, skills, is_named = cursor.fetchone() or (None, [], False)
    standing = Standing(status, frozenset(skills), bool(is_named))
    if (refused := judged(round_, standing)) is not None:
        return refused
    if round_.needs_screening:
        return unscreened(attempt_of(round_.project_id, labeler))
    return own_result(round_, labeler) if round_.is_screening else None


def judged(round_: Round, standing: Standing) -> NoTask | None:
    """By membership, names and skills alone."""
    if standing.status == Membership.Status.SUSPENDED:
        return NoTask("suspended", "Your membership in this project is suspended.")
    if standing.status != Membership.Status.ACTIVE:
        return NoTask("not_a_member", "You are not a member of this project.")
    if round_.is_for_named and not standing.is_named:
        return NoTask("not_named", "This round is for people whom a manager has named, and you are not one of them.")
    missing = [skill for skill in round_.skills if skill not in standing.skills]
    if missing:
        return NoTask("skills_missing", f"This round asks for skills that you do not have here: {', '.join(missing)}.")
    return None


def unscreened(sitting: ScreeningAttempt | None) -> NoTask | None:
    """What a round that asks for a passed screening says to somebody with this sitting."""
    if sitting is not None and sitting.passed_at is not None:
        return None
    if sitting is not None and sitting.score is not None:
        return replace(sitting.told(), may_retake=False)
    if sitting is None or not sitting.is_open:
        return NoTask(
            "screening_missing", "This round is for those who have passed a screening, and none is open to you now."
        )
    return NoTask(
        "screening_not_taken",
        f"This round is for those who have passed the screening, round {sitting.number}: take it first.",
    )


def own_result(round_: Round, labeler: User) -> NoTask | None:
    """In a screening itself: the result, once this try has been scored."""
    progress = RoundProgress.objects.filter(round=round_, labeler=labeler, score__isnull=False).first()
    return attempt_in(round_, progress).told() if progress is not None else None


def attempt_in(round_: Round, progress: RoundProgress) -> ScreeningAttempt:
    return ScreeningAttempt(
        round_.number,
        round_.tries,
        round_.pass_mark if round_.pass_mark is not None else 1.0,
        round_.status == Round.Status.OPEN,
        progress.attempt,
        progress.score,
        progress.passed_at,
    )


def attempt_of(project_id: int, labeler: User) -> ScreeningAttempt | None:
    with connection.cursor() as cursor:
        cursor.execute(_SITTING, {"project": project_id, "labeler": labeler.pk})
        row = cursor.fetchone()
    return ScreeningAttempt(*row) if row else None


def admitted(round_: Round, named: Collection[int] | None = None) -> Sequence[tuple[Membership, NoTask | None]]:
    """Every active member with what speaks against them, for a manager who looks before opening.

    `named` are the labelers' ids where the round is not saved and cannot say.
    """
    members = list(
        Membership.objects.filter(project=round_.project_id, status=Membership.Status.ACTIVE)
        .select_related("user")
        .order_by("user__name", "pk")
    )
    if named is None:
        named = set(round_.labelers.values_list("pk", flat=True))
    passed = _passed(round_) if round_.needs_screening else {}
    return [(one, _against(round_, one, named, passed)) for one in members]


def _passed(round_: Round) -> Mapping[int, Any]:
    progress_rows = RoundProgress.objects.filter(
        round__project=round_.project_id, round__is_screening=True, passed_at__isnull=False
    )
    return dict(progress_rows.values_list("labeler_id", "passed_at"))


def _against(round_: Round, member: Membership, named: Collection[int], passed: Mapping[int, Any]) -> NoTask | None:
    standing = Standing(member.status, frozenset(member.skills), member.user_id in named)
    refused = judged(round_, standing)
    if refused is None and round_.needs_screening and member.user_id not in passed:
        return NoTask("screening_not_taken", "has not passed the screening")
    return refused

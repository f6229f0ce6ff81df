"""Who may be given new tasks in a round. The rules are evaluated at each claim, by a few indexed look-ups.

A labeler may finish a task that they hold already, even if the rules no longer admit them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection

from apps.accounts.models import User
from apps.labeling.models import Round, RoundProgress
from apps.projects.models import Membership


@dataclass(frozen=True, slots=True)
class NoTask:
    """Why there is no task: a stable code, and a sentence for the labeler. `may_retake`: another attempt is open."""

    code: str
    message: str
    may_retake: bool = False


@dataclass(frozen=True, slots=True)
class ScreeningAttempt:
    """A labeler's attempt at a screening, with its score once it is over. `number` is the screening's round."""

    number: int
    tries: int
    pass_mark: float
    is_open: bool
    attempt: int = 1
    score: float | None = None
    passed_at: datetime | None = None

    @property
    def tries_left(self) -> int:
        """After this attempt."""
        return max(0, self.tries - self.attempt)

    def result(self) -> NoTask:
        """The result of a scored attempt, as its labeler sees it."""
        agreement, mark = _percent(self.score or 0), _percent(self.pass_mark)
        if self.passed_at is not None:
            return NoTask(
                "screening_passed",
                f"You have passed: you agree with {agreement} of the gold labels; {mark} is required.",
            )
        attempts_left = {
            0: "No attempt is left: ask a manager of the project what you can do.",
            1: "One more attempt is left.",
        }.get(self.tries_left, f"{self.tries_left} more attempts are left.")
        if self.tries_left:
            attempts_left += " You can try again now." if self.is_open else " You can try again when the round reopens."
        return NoTask(
            "screening_failed",
            f"You have not passed: you agree with {agreement} of the gold labels; {mark} is required. {attempts_left}",
            may_retake=self.tries_left > 0 and self.is_open,
        )


def _percent(share: float) -> str:
    """Rounded down, so that a score just below the mark is not shown as the mark."""
    return f"{int(share * 1000) / 10:g} %"


@dataclass(frozen=True, slots=True)
class LabelerStatus:
    """What a round's rules need to know about a labeler."""

    status: str | None
    skills: frozenset[str]
    is_named: bool


_LABELER_STATUS = """
SELECT m.status, m.skills, CASE WHEN %(for_named)s THEN EXISTS (
    SELECT 1 FROM labeling_round_labelers n WHERE n.round_id = %(round)s AND n.user_id = %(labeler)s
) END
FROM projects_membership m WHERE m.project_id = %(project)s AND m.user_id = %(labeler)s
"""

# A passed screening first, then a failed one, then one not begun; of equal ones the newest.
_BEST_ATTEMPT = """
SELECT r.number, r.tries, coalesce(r.pass_mark, 1), r.status = 'open', coalesce(s.attempt, 1), s.score, s.passed_at
FROM labeling_round r LEFT JOIN labeling_roundprogress s ON s.round_id = r.id AND s.labeler_id = %(labeler)s
WHERE r.project_id = %(project)s AND r.kind = 'screening' AND r.origin = '' AND r.status <> 'draft'
  AND (r.status <> 'closed' OR s.id IS NOT NULL)
ORDER BY s.passed_at IS NULL, r.status <> 'open', r.number
LIMIT 1
"""


def ineligible_reason(round_: Round, labeler: User) -> NoTask | None:
    """Why the labeler may not be given a new task here; None if they may."""
    parameters = {
        "round": round_.pk,
        "project": round_.project_id,
        "labeler": labeler.pk,
        "for_named": round_.is_for_named,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LABELER_STATUS, parameters)
        status, skills, is_named = cursor.fetchone() or (None, [], False)
    reason = membership_reason(round_, LabelerStatus(status, frozenset(skills), bool(is_named)))
    if reason is not None:
        return reason
    if round_.needs_screening:
        with connection.cursor() as cursor:
            cursor.execute(_BEST_ATTEMPT, parameters)
            row = cursor.fetchone()
        return screening_reason(ScreeningAttempt(*row) if row else None)
    return own_result(round_, labeler) if round_.is_screening else None


def membership_reason(round_: Round, labeler: LabelerStatus) -> NoTask | None:
    """By membership, names and skills alone."""
    if labeler.status == Membership.Status.SUSPENDED:
        return NoTask("suspended", "Your membership in this project is suspended.")
    if labeler.status != Membership.Status.ACTIVE:
        return NoTask("not_a_member", "You are not a member of this project.")
    if round_.is_for_named and not labeler.is_named:
        return NoTask("not_named", "This round is for labelers named by a manager, and you are not one of them.")
    missing = [skill for skill in round_.skills if skill not in labeler.skills]
    if missing:
        return NoTask("skills_missing", f"This round needs skills that you do not have here: {', '.join(missing)}.")
    return None


def screening_reason(attempt: ScreeningAttempt | None) -> NoTask | None:
    """Why this attempt at a screening does not admit its labeler to a round that needs one."""
    if attempt is not None and attempt.passed_at is not None:
        return None
    if attempt is not None and attempt.score is not None:
        return replace(attempt.result(), may_retake=False)
    if attempt is None or not attempt.is_open:
        return NoTask(
            "screening_missing",
            "This round is for labelers who have passed a screening, and no screening is open to you now.",
        )
    return NoTask(
        "screening_not_taken",
        f"This round is for labelers who have passed the screening, round {attempt.number}. Take it first.",
    )


def own_result(round_: Round, labeler: User) -> NoTask | None:
    """In a screening: the result of the labeler's current attempt, once it has been scored."""
    progress = RoundProgress.objects.filter(round=round_, labeler=labeler, score__isnull=False).first()
    return screening_attempt(round_, progress).result() if progress is not None else None


def screening_attempt(round_: Round, progress: RoundProgress) -> ScreeningAttempt:
    return ScreeningAttempt(
        round_.number,
        round_.tries,
        round_.pass_mark if round_.pass_mark is not None else 1.0,
        round_.status == Round.Status.OPEN,
        progress.attempt,
        progress.score,
        progress.passed_at,
    )


def eligibility_of_members(
    round_: Round, named: Collection[int] | None = None
) -> Sequence[tuple[Membership, NoTask | None]]:
    """Every active member, with the reason why they are not eligible, if there is one.

    `named` holds the ids of the named labelers; by default they are read from the saved round.
    """
    members = Membership.objects.filter(project=round_.project_id, status=Membership.Status.ACTIVE)
    if named is None:
        named = set(round_.labelers.values_list("pk", flat=True))
    passed: set[int] = set()
    if round_.needs_screening:
        progress = RoundProgress.objects.filter(round__project=round_.project_id, round__kind=Round.Kind.SCREENING)
        passed.update(progress.filter(passed_at__isnull=False).values_list("labeler_id", flat=True))
    rows: list[tuple[Membership, NoTask | None]] = []
    for member in members.select_related("user").order_by("user__name", "pk"):
        labeler = LabelerStatus(member.status, frozenset(member.skills), member.user_id in named)
        reason = membership_reason(round_, labeler)
        if reason is None and round_.needs_screening and member.user_id not in passed:
            reason = NoTask("screening_not_taken", "has not passed the screening")
        rows.append((member, reason))
    return rows

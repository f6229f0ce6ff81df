"""Which solutions of one problem an export takes, where the policy limits them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.corpus.identity import ranking_hash
from apps.exports.policy import LabelPolicy

SAME_TEXT = "the same text as another solution of the problem"
SAME_STEPS = "the same text as another solution of the problem, apart from white space"
OVER_CAP = "more than solutions_per_problem"
UNBALANCED = "more right than wrong solutions of the problem, or the reverse"
UNKNOWN_ANSWER = "it is unknown whether the answer is right, which balance needs"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A solution of the problem that the policy's filters select."""

    key: int
    text: str
    is_correct: bool | None
    source: str | None


def selects_solutions(policy: LabelPolicy) -> bool:
    """Whether the policy has a rule for `select_solutions`; without one it is not called."""
    return policy.duplicates != "keep" or policy.balance != "none" or policy.solutions_per_problem > 0


def select_solutions(statement: str, candidates: Sequence[Candidate], policy: LabelPolicy) -> Mapping[int, str]:
    """By key, why a solution is left out. Of duplicates the first stays; the rest is chosen by a hash of its content."""
    reasons = _duplicates(candidates, policy)
    remaining = [candidate for candidate in candidates if candidate.key not in reasons]
    ranked = sorted(remaining, key=lambda candidate: _rank(statement, candidate, policy))
    if policy.balance == "answers":
        return reasons | _unbalanced(ranked, policy)
    over = ranked[policy.solutions_per_problem :] if policy.solutions_per_problem else []
    return reasons | {candidate.key: OVER_CAP for candidate in over}


def _rank(statement: str, candidate: Candidate, policy: LabelPolicy) -> tuple[int, int]:
    """Equal in another database too: a solution's number is only used between equal ones."""
    content = (statement, candidate.source or "", candidate.text)
    return ranking_hash(policy.split_seed, *content), candidate.key


def _duplicates(candidates: Sequence[Candidate], policy: LabelPolicy) -> dict[int, str]:
    if policy.duplicates == "keep":
        return {}
    ignores_spaces = policy.duplicates == "drop_same_steps"
    reasons: dict[int, str] = {}
    seen: set[str] = set()
    for candidate in candidates:
        text = " ".join(candidate.text.split()) if ignores_spaces else candidate.text
        if text in seen:
            reasons[candidate.key] = SAME_STEPS if ignores_spaces else SAME_TEXT
        seen.add(text)
    return reasons


def _unbalanced(ranked: Sequence[Candidate], policy: LabelPolicy) -> dict[int, str]:
    """Leaves as many right solutions as wrong ones, together at most `solutions_per_problem`."""
    right = [candidate for candidate in ranked if candidate.is_correct is True]
    wrong = [candidate for candidate in ranked if candidate.is_correct is False]
    each = min(len(right), len(wrong))
    taken_count = min(each, policy.solutions_per_problem // 2) if policy.solutions_per_problem else each
    reasons = {candidate.key: UNKNOWN_ANSWER for candidate in ranked if candidate.is_correct is None}
    for group in (right, wrong):
        reasons |= {candidate.key: OVER_CAP for candidate in group[taken_count:each]}
        reasons |= {candidate.key: UNBALANCED for candidate in group[each:]}
    return reasons

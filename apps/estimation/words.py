"""What the newest run says of a solution's steps, for a labeler who verifies instead of starting afresh."""

from __future__ import annotations

from typing import Any

from apps.estimation.models import StepEstimate


def words_on(solution_id: int) -> dict[str, Any] | None:
    """The newest run that has estimates of the solution's own path, and these by position; None when there is none."""
    said = StepEstimate.objects.filter(step__solution=solution_id, step__chosen=True)
    newest = said.order_by("-run__number").values_list("run_id", "run__number").first()
    if newest is None:
        return None
    rows = said.filter(run=newest[0]).order_by("step__position")
    return {
        "run": newest[1],
        "steps": [
            {"position": position, "hard": hard, "rollouts": rollouts, "successes": successes}
            for position, hard, rollouts, successes in rows.values_list(
                "step__position", "hard", "rollouts", "successes"
            )
        ],
    }

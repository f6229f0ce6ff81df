"""Whether a run may use its endpoint."""

from __future__ import annotations

from apps.estimation.models import EstimationRun, SamplingRun
from apps.inference.grants import unusable_reason

ENDPOINT_GONE = "The endpoint of this run was removed."


def endpoint_unusable_reason(run: EstimationRun | SamplingRun) -> str | None:
    """Why the run may not use its endpoint (removed, or its grant was revoked); None if it may."""
    current = type(run).objects.select_related("project", "endpoint").get(pk=run.pk)
    return unusable_reason(current.endpoint, current.project) if current.endpoint is not None else ENDPOINT_GONE

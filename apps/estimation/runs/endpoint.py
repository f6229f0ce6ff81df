"""Whether a run's endpoint may be asked."""

from __future__ import annotations

from apps.estimation.models import EstimationRun, SamplingRun
from apps.inference.grants import why_not_usable

ENDPOINT_GONE = "The endpoint of this run is gone."


def why_not_asked(run: EstimationRun | SamplingRun) -> str | None:
    """Return why the run's endpoint may not be asked (it is gone, or its grant was revoked), or None."""
    current = type(run).objects.select_related("project", "endpoint").get(pk=run.pk)
    return why_not_usable(current.endpoint, current.project) if current.endpoint is not None else ENDPOINT_GONE

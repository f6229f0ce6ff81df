"""Whether a run may use its endpoint."""

from __future__ import annotations

from apps.inference.grants import unusable_reason
from apps.inference.models import Endpoint
from apps.runs.models import Run

ENDPOINT_GONE = "The endpoint of this run was removed."


def endpoint_unusable_reason(run: Run) -> str | None:
    """Why the run may not use its endpoint (removed, its grant revoked, or its model changed); None if it may."""
    current = type(run).objects.select_related("project", "endpoint").get(pk=run.pk)
    if current.endpoint is None:
        return ENDPOINT_GONE
    reason = unusable_reason(current.endpoint, current.project)
    # An endpoint that is removed in between loses its grants with it.
    is_gone = reason is not None and not Endpoint.objects.filter(pk=current.endpoint.pk).exists()
    return ENDPOINT_GONE if is_gone else reason or current.changed_model_reason()

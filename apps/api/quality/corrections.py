"""A reviewer's correction of an assignment, as the API shows it; the reviewer is named by pseudonym."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from apps.quality.review.corrections import Correction


class CorrectedStepSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    candidate = serializers.IntegerField()
    rating = serializers.IntegerField(allow_null=True, min_value=-1, max_value=1)
    unsure = serializers.BooleanField()


class CorrectionShownSerializer(serializers.Serializer[Any]):
    """The correction counts in place of the labeler's own ratings."""

    by = serializers.CharField(help_text="The reviewer's pseudonym in this project.")
    at = serializers.DateTimeField()
    note = serializers.CharField(allow_blank=True)
    finish_reason = serializers.CharField()
    steps = CorrectedStepSerializer(many=True)
    self_reviewed = serializers.BooleanField(help_text="The reviewer had labeled the solution; the project allows it.")


def correction_row(correction: Correction | None, names: Mapping[int, str]) -> dict[str, Any] | None:
    if correction is None:
        return None
    return {
        "by": names.get(correction.reviewer.pk, ""),
        "at": correction.at,
        "note": correction.note,
        "finish_reason": correction.submission.finish_reason,
        "steps": [
            {"position": step.position, "candidate": step.candidate, "rating": step.rating, "unsure": step.unsure}
            for _, step in sorted(correction.steps.items())
        ],
        "self_reviewed": correction.self_reviewed,
    }

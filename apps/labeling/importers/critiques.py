"""Imports critiques: those that labelers wrote, and their ratings of critiques by others."""

from __future__ import annotations

from collections.abc import Iterable

from apps.corpus.records import CritiqueRecord
from apps.labeling.models import Critique, CritiqueRating

# Assignment id, step id, and the critique.
ImportedCritique = tuple[int, int, CritiqueRecord]
Key = tuple[int, str, str]  # Step id, text and origin.


def store_critiques(imported: Iterable[ImportedCritique]) -> None:
    """Store the critiques and ratings. All ratings of critiques with one key belong to the same critique."""
    rows = list(imported)
    if not rows:
        return
    Critique.objects.bulk_create(
        Critique(step_id=step_id, text=critique.text, origin=Critique.Origin.HUMAN, written_in_id=assignment_id)
        for assignment_id, step_id, critique in rows
        if critique.is_own
    )
    rated = [row for row in rows if not row[2].is_own]
    stored = Critique.objects.filter(step_id__in={step_id for _, step_id, _ in rows}).order_by("-id")
    ids: dict[Key, int] = {
        (step_id, text, origin): pk
        for pk, step_id, text, origin in stored.values_list("id", "step_id", "text", "origin")
    }
    missing = {
        _key(step_id, critique): critique for _, step_id, critique in rated if _key(step_id, critique) not in ids
    }
    created = Critique.objects.bulk_create(
        Critique(step_id=key[0], text=critique.text, origin=critique.origin, source=critique.source)
        for key, critique in missing.items()
    )
    ids |= {key: critique.pk for key, critique in zip(missing, created, strict=True)}
    CritiqueRating.objects.bulk_create(
        (
            CritiqueRating(
                assignment_id=assignment_id, critique_id=ids[_key(step_id, critique)], rating=critique.rating or 0
            )
            for assignment_id, step_id, critique in rated
        ),
        ignore_conflicts=True,
    )


def _key(step_id: int, critique: CritiqueRecord) -> Key:
    return step_id, critique.text, critique.origin

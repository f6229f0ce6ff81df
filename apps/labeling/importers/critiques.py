"""Critiques that come with an imported file: what people wrote of steps, and what they said of what others wrote."""

from __future__ import annotations

from collections.abc import Iterable

from apps.corpus.records import CritiqueRecord
from apps.labeling.models import Critique, CritiqueRating

# Assignment, step, and what was said of it there.
Heard = tuple[int, int, CritiqueRecord]
Key = tuple[int, str, str]


def store_critiques(heard: Iterable[Heard]) -> None:
    """Critiques meet on their step, text and origin, so that everybody's ratings of one stay together."""
    words = list(heard)
    if not words:
        return
    own = [(turn, step, word) for turn, step, word in words if word.is_own]
    Critique.objects.bulk_create(
        Critique(step_id=step, text=word.text, origin=Critique.Origin.HUMAN, written_in_id=turn)
        for turn, step, word in own
    )
    ids = _standing(words)
    missing = {_key(step, word): word for _, step, word in words if not word.is_own and _key(step, word) not in ids}
    new = Critique.objects.bulk_create(
        Critique(step_id=key[0], text=word.text, origin=word.origin, source=word.source)
        for key, word in missing.items()
    )
    ids |= {key: one.pk for key, one in zip(missing, new, strict=True)}
    CritiqueRating.objects.bulk_create(
        (
            CritiqueRating(assignment_id=turn, critique_id=ids[_key(step, word)], rating=word.rating or 0)
            for turn, step, word in words
            if not word.is_own
        ),
        ignore_conflicts=True,
    )


def _standing(words: Iterable[Heard]) -> dict[Key, int]:
    found = Critique.objects.filter(step_id__in={step for _, step, _ in words}).order_by("-id")
    return {(step, text, origin): pk for pk, step, text, origin in found.values_list("id", "step_id", "text", "origin")}


def _key(step: int, word: CritiqueRecord) -> Key:
    return step, word.text, word.origin

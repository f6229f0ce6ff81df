"""Labels in words, as the admin shows them."""

from __future__ import annotations

from apps.core.admin import BigTableAdmin
from apps.core.admin_words import NOTHING
from apps.corpus.labels import BAD, GREAT, NO_ERROR, OKAY

RATING_WORDS = {GREAT: "great", OKAY: "okay", BAD: "bad"}


def rating_words(rating: int | None) -> str:
    return NOTHING if rating is None else RATING_WORDS.get(rating, str(rating))


def first_error_words(position: int | None) -> str:
    """Steps count from 1 on the pages."""
    if position is None:
        return "unknown"
    return "no error" if position == NO_ERROR else f"step {position + 1}"


class LabelAdmin(BigTableAdmin):
    """A large table of labels."""

    column_words = {"rating": rating_words, "first_error": first_error_words}

"""What a reply may quote: the boxes of the texts that the judge was shown. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from apps.verifiers.extraction.boxes import Box, boxes_of


def quotable_boxes(texts: Sequence[str]) -> frozenset[str]:
    """The contents of all boxes in these texts, as `squeezed` writes them."""
    return frozenset(squeezed(box) for text in texts for box in boxes_of(text))


def squeezed(box: Box) -> str:
    """The content without white space, in which quotes differ."""
    return "".join(box.content.split())

"""A critique by a principle and a revision, as in the first phase of Constitutional AI, as often as the options say. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from apps.judging.constitutions import Principle
from apps.judging.kinds.base import Ask, Kind, KindOptions, Readings, Result, RevisedText, SolutionCase
from apps.judging.kinds.draw import drawn_principles
from apps.judging.parsers import Shown
from apps.judging.verdicts import TextVerdict


class RevisionOptions(KindOptions, frozen=True):
    revisions: Annotated[
        int, Meta(ge=1, le=8, description="Rounds of critique and revision, each by another principle.")
    ] = 1


class CritiqueRevise(Kind[SolutionCase, RevisionOptions]):
    """Bai et al. 2022, arXiv:2212.08073, section 3.1. Slot 2r is the critique of round r, slot 2r + 1 its revision.

    Each round begins with the revision of the one before. A round that fails ends the item; what was revised before stays.
    """

    name: ClassVar = "critique-revise"
    title: ClassVar = "Critique and revision"
    about: ClassVar = "A critique of a solution by a principle and a revision that follows it: new solutions."
    of: ClassVar[Literal["solution", "comparison"]] = "solution"
    option_type: ClassVar[type[KindOptions]] = RevisionOptions
    takes_principles: ClassVar = True

    @property
    def requests(self) -> int:
        return 2 * self.options.revisions

    def principles_of(self, case: SolutionCase) -> list[Principle]:
        """The principle of each round."""
        return drawn_principles(self.principles, case.seed, self.options.revisions)

    def asks(self, case: SolutionCase, readings: Readings) -> list[Ask]:
        text = case.text
        for number, principle in enumerate(self.principles_of(case)):
            critique, revision = _text(readings, 2 * number), _text(readings, 2 * number + 1)
            if critique is None or revision is None:
                slot = 2 * number + (critique is not None)
                texts = {"problem": case.problem, "reference": case.reference, "solution": text}
                return [] if slot in readings else [self._request(slot, principle, texts, critique or "")]
            text = revision
        return []

    def _request(self, slot: int, principle: Principle, texts: Mapping[str, str], critique: str) -> Ask:
        is_revision = slot % 2 == 1
        asked = principle.revision if is_revision else principle.critique
        filled = {**texts, "principle": asked, "critique": critique}
        prompt = self.prompt.request(filled, is_revision=is_revision)
        return self._ask(slot, prompt, Shown(), parser="revision" if is_revision else "text", principle=principle.name)

    def result(self, case: SolutionCase, readings: Readings) -> Result:
        revisions: list[RevisedText] = []
        text = case.text
        for number, principle in enumerate(self.principles_of(case)):
            critique, revision = _text(readings, 2 * number), _text(readings, 2 * number + 1)
            if critique is None or revision is None:
                return self._failure(2 * number + (critique is not None), revisions, readings)
            revisions.append(RevisedText(principle.name, critique, revision, revision.split() != text.split()))
            text = revision
        return Result("verdict", principles=_names(revisions), revisions=tuple(revisions))

    def _failure(self, slot: int, revisions: list[RevisedText], readings: Readings) -> Result:
        reading = readings.get(slot)
        what = f"{'revision' if slot % 2 else 'critique'} {slot // 2 + 1} of {self.options.revisions}"
        outcome, reason = (reading.state, reading.reason) if reading else ("unreadable", "There is no reply.")
        sentence = f"It ended at {what}. {reason}"
        return Result(outcome, sentence, principles=_names(revisions), revisions=tuple(revisions))


def _text(readings: Readings, slot: int) -> str | None:
    """The text of a slot; None if it has no reading, or one without a text."""
    reading = readings.get(slot)
    return reading.verdict.text if reading and isinstance(reading.verdict, TextVerdict) else None


def _names(revisions: list[RevisedText]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(revision.principle for revision in revisions))

"""The options of an evaluation, which it freezes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta


class Truth(StrEnum):
    """What counts as right."""

    GOLD_AND_CONSENSUS = "gold_and_consensus"
    GOLD = "gold"


TRUTH_TITLES = {Truth.GOLD_AND_CONSENSUS: "gold, else consensus", Truth.GOLD: "gold alone"}


class PartProperty(StrEnum):
    """The property of problems, or of solutions, by which first errors are reported in parts."""

    SUBJECT = "subject"
    LEVEL = "level"
    SPLIT = "split"
    SOURCE = "source"


class EvaluationOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    scorer: Annotated[
        str,
        Meta(
            max_length=300,
            description="One scorer: the model of a scoring run, `run N`, or `verifier_score`. Empty: all of them.",
        ),
    ] = ""
    truth: Annotated[Truth, Meta(description="What counts as right.")] = Truth.GOLD_AND_CONSENSUS
    by: Annotated[PartProperty, Meta(description="Parts for which ProcessBench's F1 is reported, too.")] = (
        PartProperty.SUBJECT
    )
    threshold: Annotated[float, Meta(ge=0, le=1)] | None = None
    dev_share: Annotated[
        float, Meta(ge=0, le=0.9, description="Share of problems on which thresholds are chosen; the rest is reported.")
    ] = 0.2
    source: Annotated[str, Meta(max_length=1000, description="Only solutions by this model or person.")] = ""
    max_n: Annotated[int, Meta(ge=2, le=1000, description="The largest N of best-of-N.")] = 64
    resamples: Annotated[int, Meta(ge=0, le=10_000, description="Resamples of the bootstrap; 0: no intervals.")] = 1000
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1, description="Of the subsets that weighted votes draw.")] = 0


class OptionsError(ValueError):
    """An option that is unknown or out of range; `field` names it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field, self.reason = field, reason


def options_from(values: Mapping[str, Any]) -> EvaluationOptions:
    """Raises OptionsError for an unknown or invalid option."""
    unknown = [name for name in values if name not in EvaluationOptions.__struct_fields__]
    if unknown:
        raise OptionsError(unknown[0], f"unknown; there are {', '.join(EvaluationOptions.__struct_fields__)}")
    for name, value in values.items():
        try:
            msgspec.convert({name: value}, EvaluationOptions)
        except msgspec.ValidationError as error:
            raise OptionsError(name, str(error).partition(" - at")[0]) from error
    return msgspec.convert(dict(values), EvaluationOptions)

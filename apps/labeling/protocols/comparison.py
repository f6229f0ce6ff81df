"""Which of two is better: RLHF's preference, with Llama 2's margins."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec

from apps.core.errors import Unprocessable
from apps.corpus.labels import CHOICES, MARGINS
from apps.labeling.protocols.base import LEFT_EARLY, Asked, Options, check_shape
from apps.labeling.protocols.submission import Submission, SubmittedPreference


class ComparisonOptions(Options, frozen=True):
    """pairs       what is compared: `existing` comparisons, as from a file; a right solution with a wrong one
                (`right_wrong`); any two solutions (`random`); or candidates for one step (`steps`)
    each        at most so many pairs that are made of one problem, or of one step
    seed        another seed makes other pairs
    ties        whether neither may be better
    rationale   whether the labeler writes why
    """

    FOR_LABELERS: ClassVar[frozenset[str]] = frozenset({"ties", "rationale"})

    pairs: Literal["existing", "right_wrong", "random", "steps"] = "existing"
    each: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 0
    ties: bool = True
    rationale: Literal["off", "optional", "required"] = "optional"


class Comparison:
    name: ClassVar = "comparison"
    title: ClassVar = "Comparison"
    hint: ClassVar = "Say which of two is better, and by how much."
    of: ClassVar[Literal["solution", "comparison"]] = "comparison"
    options: ClassVar[type[Options]] = ComparisonOptions

    def check(self, submission: Submission, asked: Asked) -> None:
        check_shape(submission, asked)
        if submission.finish_reason == "found_error":
            raise Unprocessable("A comparison ends as solution.", fields={"finish_reason": "expected solution"})
        if submission.preference is not None:
            _check_preference(
                submission.preference, asked.options, is_left_early=submission.finish_reason in LEFT_EARLY
            )
        elif submission.finish_reason not in LEFT_EARLY:
            raise Unprocessable(
                "Not said yet: which side is better.", code="incomplete", fields={"preference": "choose a side"}
            )


def _check_preference(said: SubmittedPreference, options: ComparisonOptions, *, is_left_early: bool) -> None:
    fields: dict[str, str] = {}
    choices = CHOICES if options.ties else CHOICES[:2]
    if said.choice not in choices:
        fields["preference.choice"] = f"one of {', '.join(choices)}"
    elif said.choice == "tie" and said.margin:
        fields["preference.margin"] = "a tie has no margin"
    elif said.choice != "tie" and said.margin not in MARGINS:
        fields["preference.margin"] = f"one of {', '.join(MARGINS)}"
    has_rationale = bool(said.rationale.strip())
    if options.rationale == "off" and has_rationale:
        fields["preference.rationale"] = "this round asks for none"
    if options.rationale == "required" and not has_rationale and not is_left_early:
        fields["preference.rationale"] = "say why"
    if fields:
        raise Unprocessable("The preference is not complete.", code="incomplete", fields=fields)

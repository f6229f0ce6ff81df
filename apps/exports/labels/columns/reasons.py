"""Why a rating makes no label. Pure."""

from __future__ import annotations

import polars as pl

from apps.corpus.labels import FINISH_REASONS
from apps.exports.policy import SOURCES

# Of people's submissions.
OTHER_ROUND = "of rounds that the policy does not select"
SCREENING = "answers of a screening"
GOLD_ANSWER = "answers to gold tasks"
SUSPENDED = "of suspended labelers"
CORRECTED = "corrected by a reviewer, whose ratings count instead"
EARLIER = "of an earlier assignment of the same labeler"
OFF_PATH = "only of alternatives, where an earlier assignment of the same labeler rates the path"
EMPTY = "of a later assignment of the same labeler without ratings"
NOT_FIRST = "of labelers who were not the first"

# Of single ratings.
FEW_LABELS = "rated by fewer people than minimum_labels"
TIE = "people are tied"
UNSURE = "the labeler is unsure"
THIN = "thin: fewer people than asked for"
DEPARTED = "after a step that is not the solution's own"
UNKNOWN_STEP = "of a step that the solution does not have"

# Of Monte Carlo and of judges.
DISAGREE = "Monte Carlo and the judge disagree"
ONE_OF_TWO = "rated by only one of Monte Carlo and the judge"
FEW_ROLLOUTS = "with fewer rollouts than minimum_rollouts"
OTHER_RUN = "of an estimation run that the policy does not select"
OLDER_RUN = "of an older estimation run"
BIASED_RUN = "of an estimation run whose shares are biased"
OTHER_JUDGE = "of a judge that the policy does not select"
OLDER_JUDGE = "of an older run of a judge"
UNDECIDED_JUDGE = "of an older run of a judge whose newest result is no verdict"

SOURCES_TIED = "the sources are tied"

# Of labels in a row.
AFTER_ERROR = "after the first error"
BEHIND_GAP = "after a step without a label"
NEUTRAL_DROPPED = "okay, which the policy drops"
ALTERNATIVES_DROPPED = "alternatives, which the policy drops"
SAME_TEXT = "of a candidate with the same text and label as another"
TWO_LABELS = "of a candidate whose text has another label as well"

# Of solutions, not of ratings.
NO_FIRST_LABEL = "no label on the first step"
NO_SOURCE = "no source of the policy labels them"


def ended_in(finish_reason: str) -> str:
    return f"of assignments that ended in {finish_reason}"


def later_source(source: str, what: str = "solution") -> str:
    return f"of the source {source}, since an earlier source labels the {what}"


REASONS = (
    *(OTHER_ROUND, SCREENING, GOLD_ANSWER, SUSPENDED, CORRECTED, EARLIER, OFF_PATH, EMPTY, NOT_FIRST),
    *(FEW_LABELS, TIE, UNSURE, THIN, DEPARTED, UNKNOWN_STEP),
    *(DISAGREE, ONE_OF_TWO, FEW_ROLLOUTS, OTHER_RUN, OLDER_RUN, BIASED_RUN, OTHER_JUDGE, OLDER_JUDGE, UNDECIDED_JUDGE),
    *(AFTER_ERROR, BEHIND_GAP, NEUTRAL_DROPPED, ALTERNATIVES_DROPPED, SAME_TEXT, TWO_LABELS),
    *map(ended_in, FINISH_REASONS),
    *(later_source(source, what) for source in SOURCES for what in ("solution", "step")),
    SOURCES_TIED,
)
Reason = pl.Enum(REASONS)


def reason(text: str) -> pl.Expr:
    return pl.lit(text, dtype=Reason)


NO_REASON = pl.lit(None, dtype=Reason)

"""The ratings of solutions' steps by each source, under a policy. Pure.

A reading has every rating of a source once: `key`, and `rating`, or the `reason` why it makes no label. `labeling` numbers
the raters of a solution whose ratings may label it; it is null for the ratings of others.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from apps.corpus.label_columns import hard_label_expr, majority_expr
from apps.corpus.labels import BAD, GREAT, OKAY, UNKNOWN, more_than_half
from apps.exports.labels.columns.counted import counted_people, rated_steps
from apps.exports.labels.columns.frames import LabelFrames, position_expr, row_expr
from apps.exports.labels.columns.reasons import (
    BIASED_RUN,
    DEPARTED,
    DISAGREE,
    FEW_LABELS,
    FEW_ROLLOUTS,
    NO_REASON,
    NOT_FIRST,
    OLDER_JUDGE,
    OLDER_RUN,
    ONE_OF_TWO,
    OTHER_JUDGE,
    OTHER_RUN,
    THIN,
    TIE,
    UNDECIDED_JUDGE,
    UNKNOWN_STEP,
    UNSURE,
    Reason,
    reason,
)
from apps.exports.policy import LabelPolicy

COLUMNS = ("key", "labeling", "rating", "reason")
NO_RATING = pl.lit(None, dtype=pl.Int8)
NO_LABELING = pl.lit(None, dtype=pl.Int64)
ONLY_LABELING = pl.lit(0, dtype=pl.Int64)


def read(source: str, frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """The source's reading of all solutions."""
    reading = _READ[source](frames, policy).select(COLUMNS)
    is_unknown = ~reading["key"].is_in(frames.steps["key"].implode()) & reading["labeling"].is_not_null()
    if not is_unknown.any():
        return reading
    return reading.with_columns(
        rating=pl.when(is_unknown).then(NO_RATING).otherwise(pl.col("rating")),
        reason=pl.when(is_unknown).then(reason(UNKNOWN_STEP)).otherwise(pl.col("reason")),
    )


# --- gold and consensus -----------------------------------------------------------------------------------


def _gold(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    return frames.gold.with_columns(labeling=ONLY_LABELING, reason=NO_REASON)


def _adjudicated(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """Only ratings that reviewers adjudicated."""
    return frames.consensus.filter("is_adjudicated").with_columns(labeling=ONLY_LABELING, reason=NO_REASON)


def _consensus(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """Adjudicated ratings, which need no minimum of people, and the project's rule elsewhere."""
    people = pl.col("people").fill_null(0)
    is_few = ~pl.col("is_adjudicated") & (people < policy.minimum_labels)
    is_thin = pl.col("is_thin") & pl.lit(policy.thin == "leave_out")
    return frames.consensus.with_columns(
        labeling=ONLY_LABELING,
        rating=pl.when(~is_few & ~is_thin).then(pl.col("rating")),
        reason=pl.when(is_few).then(reason(FEW_LABELS)).when(is_thin).then(reason(THIN)),
    )


def _cascade(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """The labels of machines that the project's applied cascade lets through."""
    return frames.cascade.with_columns(labeling=ONLY_LABELING, reason=NO_REASON)


# --- Monte Carlo and judges -------------------------------------------------------------------------------


def hard_rating() -> pl.Expr:
    return hard_label_expr(rollouts=pl.col("rollouts"), successes=pl.col("successes"), hard=pl.col("hard"))


def soft_rating(threshold: float) -> pl.Expr:
    """A step without rollouts has the label of its own answer."""
    counts = (pl.col("rollouts") > 0) & pl.col("successes").is_not_null()
    share = pl.col("successes") / pl.col("rollouts")
    by_share = pl.when(share >= threshold).then(GREAT).otherwise(BAD)
    by_answer = pl.when(pl.col("hard")).then(GREAT).when(~pl.col("hard")).then(BAD).otherwise(UNKNOWN)
    return pl.when(counts).then(by_share).otherwise(by_answer).cast(pl.Int8)


def _monte_carlo_hard(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """Hard: good when some rollout reached the answer, or as the run's strategy concludes."""
    return _newest_run(frames, policy, hard_rating(), is_biased=pl.lit(value=False))


def newest_counts(frames: LabelFrames, policy: LabelPolicy, *, is_soft: bool = False) -> pl.DataFrame:
    """By `key`, the `rollouts` (at least one) and `successes` of the run that labels by hard or by soft labels."""
    reading = (_monte_carlo_soft if is_soft else _monte_carlo_hard)(frames, policy)
    has_counts = (pl.col("rollouts") > 0) & pl.col("successes").is_not_null()
    return reading.filter(pl.col("labeling").is_not_null(), has_counts).select("key", "rollouts", "successes")


def _monte_carlo_soft(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """Soft: good when the share of rollouts that reached the answer is at least the policy's threshold.

    Of runs whose strategy gives unbiased shares.
    """
    return _newest_run(frames, policy, soft_rating(policy.soft_threshold), is_biased=~pl.col("yields_soft"))


def _newest_run(frames: LabelFrames, policy: LabelPolicy, rating: pl.Expr, *, is_biased: pl.Expr) -> pl.DataFrame:
    """By the newest selected run with ratings. Steps without counted rollouts have no rating."""
    rated = frames.estimates.with_columns(rating=rating).filter(pl.col("rating") != UNKNOWN)
    is_other = ~pl.col("run").is_in(list(policy.estimation_runs)).fill_null(value=False)
    unfit: pl.Expr = pl.when(is_biased).then(reason(BIASED_RUN))
    if policy.estimation_runs:
        unfit = pl.when(is_other).then(reason(OTHER_RUN)).otherwise(unfit)
    rated = rated.with_columns(reason=unfit)
    newest = pl.when(pl.col("reason").is_null()).then(pl.col("order")).max().over(row_expr())
    is_older = pl.col("reason").is_null() & (pl.col("order") < newest)
    if rated["order"].n_unique() > 1:
        rated = rated.with_columns(reason=pl.when(is_older).then(reason(OLDER_RUN)).otherwise(pl.col("reason")))
    return _with_enough_rollouts(_only_without_reason(rated), policy)


def _with_enough_rollouts(reading: pl.DataFrame, policy: LabelPolicy) -> pl.DataFrame:
    if not policy.minimum_rollouts:
        return reading
    is_few = pl.col("labeling").is_not_null() & (pl.col("rollouts").fill_null(0) < policy.minimum_rollouts)
    return reading.with_columns(
        rating=pl.when(~is_few).then(pl.col("rating")),
        reason=pl.when(is_few).then(reason(FEW_ROLLOUTS)).otherwise(pl.col("reason")),
    )


def _only_without_reason(rated: pl.DataFrame) -> pl.DataFrame:
    """A reading whose only labeling are the ratings without a reason."""
    counts = pl.col("reason").is_null()
    return rated.with_columns(
        labeling=pl.when(counts).then(ONLY_LABELING), rating=pl.when(counts).then(pl.col("rating"))
    )


def _selected_verdicts(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """All verdicts: of a judge that the policy `is_selected`, of a run that `rates_path`, and `is_outdated` by a newer
    selected run of the same judge that names no first error."""
    verdicts = frames.verdicts.with_columns(
        on_path=frames.on_path(frames.verdicts["key"]), row=row_expr(), is_selected=_is_selected(policy)
    )
    verdicts = verdicts.with_columns(rates_path=pl.col("on_path").any().over("row", "order"))
    undecided = frames.undecided.filter(_is_selected(policy))
    if undecided.is_empty():
        return verdicts.with_columns(is_outdated=pl.lit(value=False))
    newest = undecided.group_by("row", "judge").agg(undecided=pl.col("order").max())
    is_older = (pl.col("order") < pl.col("undecided")).fill_null(value=False)
    return verdicts.join(newest, on=["row", "judge"], how="left", maintain_order="left").with_columns(
        is_outdated=pl.col("is_selected") & is_older
    )


def _is_selected(policy: LabelPolicy) -> pl.Expr:
    if not policy.judges:
        return pl.lit(value=True)
    names = (pl.col("judge"), pl.concat_str(pl.col("judge"), pl.lit(" v"), pl.col("version")))
    return pl.any_horizontal(name.is_in(list(policy.judges)) for name in names)


def verdicts_of_judges(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """The verdicts of each selected judge, by its newest run that rates the path; none where that names no first error."""
    verdicts = _selected_verdicts(frames, policy).filter("is_selected", "rates_path", ~pl.col("is_outdated"))
    return verdicts.filter(pl.col("order") == pl.col("order").max().over("row", "judge"))


def _judge(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """By the newest selected run that rates the path, of the judges whose newest run names a first error."""
    verdicts = _selected_verdicts(frames, policy)
    labels = pl.col("is_selected") & pl.col("rates_path") & ~pl.col("is_outdated")
    newest = pl.when(labels).then(pl.col("order")).max().over("row")
    unfit = (
        pl.when(~pl.col("is_selected"))
        .then(reason(OTHER_JUDGE))
        .when(pl.col("order") < newest)
        .then(reason(OLDER_JUDGE))
        .when("is_outdated")
        .then(reason(UNDECIDED_JUDGE))
        .when((pl.col("order") != newest).fill_null(value=True))
        .then(reason(UNKNOWN_STEP))
    )
    return _only_without_reason(verdicts.with_columns(reason=unfit))


def _monte_carlo_and_judge(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """Steps that both call bad, or neither: rollouts have no okay, so they can agree only on good or bad."""
    readings = [_monte_carlo_hard(frames, policy).select(COLUMNS), _judge(frames, policy).select(COLUMNS)]
    left_out = [reading.filter(pl.col("labeling").is_null()) for reading in readings]
    rollouts, judged = [reading.filter(pl.col("labeling").is_not_null()) for reading in readings]
    both = rollouts.join(judged.select("key", judged="rating"), on="key", how="full", coalesce=True)
    is_one = pl.col("rating").is_null() | pl.col("judged").is_null()
    agree = ~is_one & ((pl.col("rating") == BAD) == (pl.col("judged") == BAD))
    compared = both.with_columns(
        labeling=ONLY_LABELING,
        rating=pl.when(agree).then(pl.col("rating")),
        reason=pl.when(pl.col("reason").is_not_null())
        .then(pl.col("reason"))
        .when(is_one)
        .then(reason(ONE_OF_TWO))
        .when(~agree)
        .then(reason(DISAGREE)),
    )
    return pl.concat([compared.select(COLUMNS), *left_out])


# --- people -----------------------------------------------------------------------------------------------


def _people_with_ratings(frames: LabelFrames, policy: LabelPolicy) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Submissions and their ratings, with the reason why they are `not_counted`."""
    people = counted_people(frames, policy).select("person", "row", "redundancy", not_counted="reason")
    return people, _ratings_of_people(frames, policy).join(people, on="person", maintain_order="left")


def ratings_that_count(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """The ratings of all people who count; where the policy takes the `first`, of the one whose ratings make the labels."""
    people, ratings = _people_with_ratings(frames, policy)
    people, ratings = (table.filter(pl.col("not_counted").is_null()) for table in (people, ratings))
    if policy.people == "first":
        reading = _first(_of_enough_people(ratings, policy).with_columns(labeling=pl.col("person")), people)
        ratings = ratings.join(reading.filter(pl.col("rating").is_not_null()), on="person", how="semi")
    return ratings.filter(pl.col("rating").is_not_null())


def _human(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    people, ratings = _people_with_ratings(frames, policy)
    passed_over = ratings.filter(pl.col("not_counted").is_not_null())
    left_out = passed_over.select(
        "key", labeling=NO_LABELING, rating=NO_RATING, reason=pl.col("not_counted").cast(Reason)
    )
    ratings = _of_enough_people(ratings.filter(pl.col("not_counted").is_null()), policy)
    if policy.people == "majority":
        counted = people.filter(pl.col("not_counted").is_null())
        return pl.concat([_majority(ratings, counted, frames, policy), left_out])
    ratings = ratings.with_columns(labeling=pl.col("person"))
    if policy.people == "first":
        ratings = _first(ratings, people.filter(pl.col("not_counted").is_null()))
    return pl.concat([ratings.select(COLUMNS), left_out])


def _of_enough_people(ratings: pl.DataFrame, policy: LabelPolicy) -> pl.DataFrame:
    if not policy.minimum_labels:
        return ratings
    is_rating = pl.col("rating").is_not_null()
    is_few = is_rating & (is_rating.sum().over("key") < policy.minimum_labels)
    return ratings.with_columns(
        rating=pl.when(~is_few).then(pl.col("rating")),
        reason=pl.when(is_few).then(reason(FEW_LABELS)).otherwise(pl.col("reason")),
    )


def _first(ratings: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    """The ratings of later people than the first with any rating are left out; where nobody has any, than the first."""
    earliest = counted.group_by("row").agg(earliest=pl.col("person").min())
    rater = pl.when(pl.col("rating").is_not_null()).then(pl.col("person")).min().over("row")
    is_later = pl.col("person") > pl.coalesce(rater, "earliest")
    return ratings.join(earliest, on="row", how="left", maintain_order="left").with_columns(
        labeling=pl.when(~is_later).then(pl.col("labeling")),
        rating=pl.when(~is_later).then(pl.col("rating")),
        reason=pl.when(is_later).then(reason(NOT_FIRST)).otherwise(pl.col("reason")),
    )


def _ratings_of_people(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """Each person's ratings. Those after a chosen step that is not on the path belong to another solution."""
    ratings = rated_steps(frames, policy).with_columns(reason=pl.when("unsure").then(reason(UNSURE)))
    departures = ratings.filter(pl.col("chosen"))
    departures = departures.filter(~frames.on_path(departures["key"])) if len(departures) else departures
    if len(departures):
        departed = departures.group_by("person").agg(departed=position_expr().min())
        ratings = ratings.join(departed, on="person", how="left", maintain_order="left")
        is_behind = position_expr() > pl.col("departed")
        is_rating = pl.col("rating").is_not_null() | pl.col("unsure")
        ratings = ratings.with_columns(
            rating=pl.when(~is_behind.fill_null(value=False)).then(pl.col("rating")),
            reason=pl.when(is_behind & is_rating).then(reason(DEPARTED)).otherwise(pl.col("reason")),
        )
    ratings = ratings.with_columns(reason=pl.when(pl.col("rating").is_null()).then(pl.col("reason")))
    return ratings.filter(pl.col("rating").is_not_null() | pl.col("reason").is_not_null())


def _majority(ratings: pl.DataFrame, people: pl.DataFrame, frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """One label for each step that enough people rate. A tie makes no label, and adjudicated ratings override all."""
    decided = _votes(ratings).with_columns(labeling=ONLY_LABELING)
    if policy.thin == "leave_out":
        decided = _without_thin(decided, ratings, frames)
    reviewed = _adjudicated(frames, policy).select(COLUMNS)
    if policy.rounds:
        # Adjudicated ratings belong to no round, so a policy of rounds alone has none.
        reviewed = reviewed.filter(row_expr().is_in(people["row"].implode()))
    if len(reviewed):
        decided = decided.join(reviewed, on="key", how="anti", maintain_order="left")
    return pl.concat([decided.select(COLUMNS), reviewed])


def _votes(ratings: pl.DataFrame) -> pl.DataFrame:
    """By `key`, the `rating` of the majority or the `reason` why there is none, and `voters`, how many rate it."""
    if not ratings["key"].is_duplicated().any():
        return ratings.with_columns(voters=pl.col("rating").is_not_null().cast(pl.Int64))
    counts = {
        name: (pl.col("rating") == rating).sum() for name, rating in (("bad", BAD), ("okay", OKAY), ("great", GREAT))
    }
    votes = ratings.group_by("key", maintain_order=True).agg(
        # A reason counts only where nobody rates the step; of several the last.
        reason=pl.col("reason").drop_nulls().last(),
        voters=pl.col("rating").is_not_null().sum().cast(pl.Int64),
        **counts,
    )
    decided = majority_expr(bad=pl.col("bad"), okay=pl.col("okay"), great=pl.col("great"))
    is_tied = (decided == UNKNOWN) & (pl.col("voters") > 0)
    return votes.with_columns(
        rating=pl.when(decided != UNKNOWN).then(decided),
        reason=pl.when(is_tied).then(reason(TIE)).when(pl.col("voters") == 0).then(pl.col("reason")),
    )


def _without_thin(decided: pl.DataFrame, ratings: pl.DataFrame, frames: LabelFrames) -> pl.DataFrame:
    """Withholds labels of steps with fewer raters than asked for.

    As in the consensus by majority: the path needs as many raters as asked for, and a step more than half as many. An
    alternative that a labeler wrote was shown to no one else, so that its author's rating is enough.
    """
    rated = ratings.filter(pl.col("rating").is_not_null())
    raters = (
        rated.with_columns(on_path=frames.on_path(rated["key"]))
        .group_by("row", "person")
        .agg(pl.col("redundancy").first(), pl.col("on_path").any())
    )
    rates_path = pl.col("on_path")
    of_path = raters.filter(rates_path | ~rates_path.any().over("row"))
    requirements = of_path.group_by("row").agg(
        people=pl.len().cast(pl.Int64), required=pl.col("redundancy").min().fill_null(1)
    )
    if (requirements["required"] == 1).all():
        return decided
    own = frames.steps.filter(pl.col("is_human") & ~pl.col("chosen"))["key"]
    # The division of positive numbers: `more_than_half` is written for numbers and arrays alike.
    is_thin = (pl.col("people") < pl.col("required")) | (pl.col("voters") < more_than_half(pl.col("required")))
    is_thin = (is_thin & (pl.col("voters") > 0) & ~pl.col("key").is_in(own.implode())).fill_null(value=False)
    return (
        decided.with_columns(row=row_expr())
        .join(requirements, on="row", how="left", maintain_order="left")
        .with_columns(
            rating=pl.when(~is_thin).then(pl.col("rating")),
            reason=pl.when(is_thin).then(reason(THIN)).otherwise(pl.col("reason")),
        )
    )


_READ: dict[str, Callable[[LabelFrames, LabelPolicy], pl.DataFrame]] = {
    "gold": _gold,
    "adjudicated": _adjudicated,
    "consensus": _consensus,
    "human": _human,
    "monte_carlo_hard": _monte_carlo_hard,
    "monte_carlo_soft": _monte_carlo_soft,
    "judge": _judge,
    "monte_carlo_and_judge": _monte_carlo_and_judge,
    "cascade": _cascade,
}

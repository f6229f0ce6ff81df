"""The rules of `labels` that are needed for columns of ratings: the same answers, one expression each. Pure."""

from __future__ import annotations

import polars as pl

from apps.corpus.labels import BAD, GREAT, OKAY, UNKNOWN


def is_own_step_expr(*, rating: pl.Expr, unsure: pl.Expr, chosen: pl.Expr, is_human: pl.Expr) -> pl.Expr:
    """`labels.is_own_step`."""
    return rating.is_null() & ~unsure.fill_null(value=False) & chosen & is_human.fill_null(value=False)


def hard_label_expr(*, rollouts: pl.Expr, successes: pl.Expr, hard: pl.Expr) -> pl.Expr:
    """`labels.hard_label`."""
    by_counts = pl.when(rollouts > 0).then(successes > 0)
    conclusion = pl.coalesce(hard, by_counts)
    label = pl.when(conclusion).then(GREAT).when(~conclusion).then(BAD).otherwise(UNKNOWN)
    return label.cast(pl.Int8)


def majority_expr(*, bad: pl.Expr, okay: pl.Expr, great: pl.Expr) -> pl.Expr:
    """`labels.majority`, of the number of votes for each rating."""
    most = pl.max_horizontal(bad, okay, great)
    leads = {BAD: bad == most, OKAY: okay == most, GREAT: great == most}
    label = (
        pl.when(most == 0)
        .then(UNKNOWN)
        .when(leads[BAD] & ~leads[OKAY] & ~leads[GREAT])
        .then(BAD)
        .when(leads[BAD])
        .then(UNKNOWN)
        .when(leads[OKAY])
        .then(OKAY)
        .otherwise(GREAT)
    )
    return label.cast(pl.Int8)

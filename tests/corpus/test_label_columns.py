"""A rule in columns gives the answers of the rule."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.label_columns import hard_label_expr, is_own_step_expr, majority_expr
from apps.corpus.labels import RATINGS, hard_label, is_own_step, majority

maybe = st.one_of(st.none(), st.booleans())


@given(st.lists(st.sampled_from(RATINGS), max_size=9))
def test_majority(ratings: list[int]) -> None:
    bad, okay, great = (pl.lit(ratings.count(rating)) for rating in RATINGS)
    assert pl.select(majority_expr(bad=bad, okay=okay, great=great)).item() == majority(ratings)


@given(st.one_of(st.none(), st.integers(0, 3)), st.one_of(st.none(), st.integers(0, 3)), maybe)
def test_hard_label(rollouts: int | None, successes: int | None, hard: bool | None) -> None:
    counts = {"rollouts": pl.lit(rollouts, dtype=pl.Int32), "successes": pl.lit(successes, dtype=pl.Int32)}
    label = pl.select(hard_label_expr(**counts, hard=pl.lit(hard, dtype=pl.Boolean))).item()
    assert label == hard_label(rollouts, successes, hard=hard)


@given(st.one_of(st.none(), st.sampled_from(RATINGS)), maybe, st.booleans(), st.sampled_from(["model", "human", ""]))
def test_own_step(rating: int | None, unsure: bool | None, chosen: bool, origin: str) -> None:
    own = is_own_step_expr(
        rating=pl.lit(rating, dtype=pl.Int8),
        unsure=pl.lit(unsure, dtype=pl.Boolean),
        chosen=pl.lit(chosen),
        is_human=pl.lit(origin == "human"),
    )
    assert pl.select(own).item() == is_own_step(rating, unsure=unsure, chosen=chosen, origin=origin)

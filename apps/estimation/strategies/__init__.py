"""Strategies decide what to sample next. A new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from apps.core.errors import DomainError
from apps.estimation.strategies.base import Options, Strategy
from apps.estimation.strategies.bisect import Bisect, BisectOptions
from apps.estimation.strategies.early_stop import EarlyStop, EarlyStopOptions
from apps.estimation.strategies.math_shepherd import MathShepherd, MathShepherdOptions
from apps.estimation.strategies.posterior_search import PosteriorSearch, PosteriorSearchOptions
from apps.estimation.strategies.soft_interval import SoftInterval, SoftIntervalOptions
from apps.estimation.strategies.sweep import Sweep, SweepOptions
from apps.estimation.strategies.tree import Tree, TreeOptions

STRATEGIES: dict[str, tuple[type[Any], type[Options]]] = {
    PosteriorSearch.name: (PosteriorSearch, PosteriorSearchOptions),
    MathShepherd.name: (MathShepherd, MathShepherdOptions),
    EarlyStop.name: (EarlyStop, EarlyStopOptions),
    Bisect.name: (Bisect, BisectOptions),
    Sweep.name: (Sweep, SweepOptions),
    SoftInterval.name: (SoftInterval, SoftIntervalOptions),
    Tree.name: (Tree, TreeOptions),
}


def strategy_of(name: str, options: Mapping[str, Any]) -> Strategy:
    """The strategy with these options. Raises DomainError, with the name of the option, if one is unknown or out of range."""
    if name not in STRATEGIES:
        raise DomainError(f"Unknown strategy {name!r}.", fields={"strategy": f"must be one of {', '.join(STRATEGIES)}"})
    kind, options_kind = STRATEGIES[name]
    try:
        strategy: Strategy = kind(msgspec.convert(dict(options), options_kind))
    except msgspec.ValidationError as error:
        raise DomainError(f"Invalid options of {name}: {error}.", fields={"options": str(error)}) from error
    return strategy


def full_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """These options with the defaults of all others, to be frozen in a run. Raises DomainError as `strategy_of` does."""
    strategy: Any = strategy_of(name, options)
    return dict(msgspec.to_builtins(strategy.options))

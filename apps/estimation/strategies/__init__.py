"""What to sample next. One file each; a new one is a file and a line here."""

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
    """The strategy with these settings. Raises DomainError that names the setting."""
    if name not in STRATEGIES:
        raise DomainError(f"There is no strategy {name!r}.", fields={"strategy": f"one of {', '.join(STRATEGIES)}"})
    kind, settings = STRATEGIES[name]
    try:
        strategy: Strategy = kind(msgspec.convert(dict(options), settings))
    except msgspec.ValidationError as error:
        raise DomainError(
            f"The strategy {name} does not take this: {error}.", fields={"options": str(error)}
        ) from error
    return strategy


def full_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The given settings and the defaults of the others: what a run freezes."""
    settings: Any = strategy_of(name, options)
    return dict(msgspec.to_builtins(settings.options))

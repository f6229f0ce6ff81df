"""The rules that aggregate several ratings to one label, each in a module of its own; a new one is added to `RULES`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from apps.core.errors import DomainError
from apps.quality.aggregation.base import Options, Rule
from apps.quality.aggregation.dawid_skene import DawidSkene, DawidSkeneOptions
from apps.quality.aggregation.majority import Majority, MajorityOptions
from apps.quality.aggregation.processbench import ProcessBench, ProcessBenchOptions

RULES: dict[str, tuple[type[Any], type[Options]]] = {
    Majority.name: (Majority, MajorityOptions),
    ProcessBench.name: (ProcessBench, ProcessBenchOptions),
    DawidSkene.name: (DawidSkene, DawidSkeneOptions),
}


def rule_of(name: str, options: Mapping[str, Any]) -> Rule:
    """The rule with these settings. Raises DomainError for an unknown rule and for an invalid setting."""
    if name not in RULES:
        raise DomainError(f"Unknown rule {name!r}.", fields={"rule": f"must be one of {', '.join(RULES)}"})
    rule_class, options_class = RULES[name]
    try:
        rule: Rule = rule_class(msgspec.convert(dict(options), options_class))
    except msgspec.ValidationError as error:
        raise DomainError(f"Invalid options of the rule {name}: {error}.", fields={"options": str(error)}) from error
    return rule

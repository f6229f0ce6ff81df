"""Which label stands, of several. One file each; a new one is a file and a line here."""

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
    """The rule with these settings. Raises DomainError that names the setting."""
    if name not in RULES:
        raise DomainError(f"There is no rule {name!r}.", fields={"rule": f"one of {', '.join(RULES)}"})
    kind, settings = RULES[name]
    try:
        rule: Rule = kind(msgspec.convert(dict(options), settings))
    except msgspec.ValidationError as error:
        raise DomainError(f"The rule {name} does not take this: {error}.", fields={"options": str(error)}) from error
    return rule

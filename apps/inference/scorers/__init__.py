"""Kinds of reward model: ways to ask a server for the scores of steps. A new one is a file and a line here."""

from __future__ import annotations

from apps.inference.scorers.base import Scorer
from apps.inference.scorers.plain_json import PlainJson
from apps.inference.scorers.token_classifier import TokenClassifier
from apps.inference.scorers.token_probability import TokenProbability

_ALL: tuple[type[Scorer], ...] = (TokenProbability, TokenClassifier, PlainJson)
SCORERS = {scorer.name: scorer for scorer in _ALL}

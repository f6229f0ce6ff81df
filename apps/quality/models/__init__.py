"""Consensus labels, disputes, gold and reviews. Workers compute all of it but reviews, suspensions, rules and what gold
also accepts, and may compute it again at any time."""

from apps.quality.models.consensus import (
    Consensus,
    ConsensusMethod,
    ConsensusQuerySet,
    NotedRun,
    StaleQuerySet,
    StaleSolution,
    StepConsensus,
)
from apps.quality.models.disputes import DisputeCount, OpenDispute
from apps.quality.models.gold import AlsoAcceptable, GoldMark, Suspension
from apps.quality.models.metrics import Figure
from apps.quality.models.reviews import Review
from apps.quality.models.rules import QualityRules

__all__ = [
    "AlsoAcceptable",
    "Consensus",
    "ConsensusMethod",
    "ConsensusQuerySet",
    "DisputeCount",
    "Figure",
    "GoldMark",
    "NotedRun",
    "OpenDispute",
    "QualityRules",
    "Review",
    "StaleQuerySet",
    "StaleSolution",
    "StepConsensus",
    "Suspension",
]

"""Consensus labels, disputes, gold, reviews, trust in judges and cascades. Workers compute consensus, disputes, marks and
figures, and may compute them again at any time; all else is decided once."""

from apps.quality.models.cascades import Cascade, CascadeLabel
from apps.quality.models.consensus import (
    Consensus,
    ConsensusMethod,
    ConsensusQuerySet,
    NotedJudgeRun,
    NotedRun,
    StaleQuerySet,
    StaleSolution,
    StepConsensus,
)
from apps.quality.models.disputes import DisputeCount, OpenDispute
from apps.quality.models.fast_marks import FastMark
from apps.quality.models.gold import AlsoAcceptable, GoldMark, Suspension
from apps.quality.models.metrics import Figure
from apps.quality.models.reviews import Review
from apps.quality.models.rules import QualityRules
from apps.quality.models.trust import BlindPool, BlindSample, JudgeCertificate, SampledSolution

__all__ = [
    "AlsoAcceptable",
    "BlindPool",
    "BlindSample",
    "Cascade",
    "CascadeLabel",
    "Consensus",
    "ConsensusMethod",
    "ConsensusQuerySet",
    "DisputeCount",
    "FastMark",
    "Figure",
    "GoldMark",
    "JudgeCertificate",
    "NotedJudgeRun",
    "NotedRun",
    "OpenDispute",
    "QualityRules",
    "Review",
    "SampledSolution",
    "StaleQuerySet",
    "StaleSolution",
    "StepConsensus",
    "Suspension",
]

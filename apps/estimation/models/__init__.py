from apps.estimation.models.estimates import Rollout, RolloutBatch, SolutionEstimate, StepEstimate
from apps.estimation.models.runs import EstimationRun, Shard
from apps.estimation.models.sampling import SampledProblem, SamplingRun

__all__ = [
    "EstimationRun",
    "Rollout",
    "RolloutBatch",
    "SampledProblem",
    "SamplingRun",
    "Shard",
    "SolutionEstimate",
    "StepEstimate",
]

from apps.judging.models.judges import Constitution, Judge
from apps.judging.models.replies import JudgeReply
from apps.judging.models.runs import JudgeRun, JudgeShard, RunComparison
from apps.judging.models.verdicts import ComparisonVerdict, Revision, SolutionVerdict, StepVerdict

__all__ = [
    "ComparisonVerdict",
    "Constitution",
    "Judge",
    "JudgeReply",
    "JudgeRun",
    "JudgeShard",
    "Revision",
    "RunComparison",
    "SolutionVerdict",
    "StepVerdict",
]

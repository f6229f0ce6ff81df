from apps.judging.models.judges import Constitution, Judge
from apps.judging.models.replies import Reply
from apps.judging.models.runs import JudgeRun, JudgeShard, RunComparison
from apps.judging.models.verdicts import PreferenceVerdict, Revision, SolutionVerdict, StepVerdict

__all__ = [
    "Constitution",
    "Judge",
    "JudgeRun",
    "JudgeShard",
    "PreferenceVerdict",
    "Reply",
    "Revision",
    "RunComparison",
    "SolutionVerdict",
    "StepVerdict",
]

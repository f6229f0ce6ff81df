"""Problems, solutions and their steps, comparisons, and the imports that brought them."""

from apps.corpus.models.comparisons import Comparison
from apps.corpus.models.imports import ImportBatch, ImportFinding, Upload, upload_path
from apps.corpus.models.problems import Problem
from apps.corpus.models.solutions import RESPLIT_INTO, Solution, SolutionGrade, SolutionQuerySet, Step

__all__ = [
    "RESPLIT_INTO",
    "Comparison",
    "ImportBatch",
    "ImportFinding",
    "Problem",
    "Solution",
    "SolutionGrade",
    "SolutionQuerySet",
    "Step",
    "Upload",
    "upload_path",
]

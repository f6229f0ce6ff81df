"""People's work on steps and comparisons: rounds, tasks, assignments, labels."""

from apps.labeling.models.assignments import Assignment, AssignmentQuerySet, CandidateSet, PastSubmission
from apps.labeling.models.counted import NotCounted, counted_q, newest_q
from apps.labeling.models.labels import Critique, CritiqueRating, GoldLabel, PreferenceLabel, StepLabel
from apps.labeling.models.reports import ReportDismissal
from apps.labeling.models.reservations import Reservation, ReservationQuerySet
from apps.labeling.models.rounds import Protocol, Round, RoundQuerySet
from apps.labeling.models.saved_views import SavedView
from apps.labeling.models.tasks import RoundProgress, Task, TaskQuerySet

__all__ = [
    "Assignment",
    "AssignmentQuerySet",
    "CandidateSet",
    "Critique",
    "CritiqueRating",
    "GoldLabel",
    "NotCounted",
    "PastSubmission",
    "PreferenceLabel",
    "Protocol",
    "ReportDismissal",
    "Reservation",
    "ReservationQuerySet",
    "Round",
    "RoundProgress",
    "RoundQuerySet",
    "SavedView",
    "StepLabel",
    "Task",
    "TaskQuerySet",
    "counted_q",
    "newest_q",
]

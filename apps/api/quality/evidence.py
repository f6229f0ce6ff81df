"""All evidence on one solution: people by pseudonym, steps counted from 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import solution_of
from apps.api.pagination import Row
from apps.api.quality.corrections import CorrectionShownSerializer, correction_row
from apps.corpus.labels import UNKNOWN
from apps.corpus.models import Solution
from apps.judging.models import JudgeRun
from apps.labeling.models import NotCounted
from apps.projects.models import Membership, Project
from apps.quality.models import Consensus
from apps.quality.review.evidence import Evidence, LabelerEvidence, Naming, StepEvidence, evidence_of
from apps.quality.review.history import HistoryEntry, history_of


class ConsensusSerializer(serializers.Serializer[Consensus]):
    state = serializers.ChoiceField(choices=Consensus.State.choices)
    how = serializers.CharField()
    first_error = serializers.IntegerField(allow_null=True, help_text="A position from 0; -1: none; null: unknown.")
    certainty = serializers.FloatField()
    people = serializers.IntegerField(help_text="Labelers whose counted ratings it rests on.")
    required = serializers.IntegerField(  # type: ignore[assignment]
        help_text="Labelers that a settled label needs."
    )
    note = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()


class SourceFirstErrorSerializer(serializers.Serializer[Any]):
    source = serializers.CharField()  # type: ignore[assignment]
    name = serializers.CharField(allow_blank=True)
    first_error = serializers.IntegerField(allow_null=True)


class LabelerRatingSerializer(serializers.Serializer[Any]):
    labeler = serializers.CharField()
    rating = serializers.IntegerField(allow_null=True)
    unsure = serializers.BooleanField()
    reached = serializers.BooleanField()
    counted = serializers.BooleanField(help_text="Whether consensus is computed from it.")
    comment = serializers.CharField(allow_blank=True, help_text="What the labeler remarks on the step.")


class RolloutCountSerializer(serializers.Serializer[Any]):
    run = serializers.IntegerField()
    rollouts = serializers.IntegerField(allow_null=True)
    successes = serializers.IntegerField(allow_null=True)
    missing = serializers.IntegerField()
    hard = serializers.BooleanField(allow_null=True)


class VerdictOfStepSerializer(serializers.Serializer[Any]):
    run = serializers.IntegerField()
    judge = serializers.CharField()
    version = serializers.IntegerField()
    rating = serializers.IntegerField(min_value=-1, max_value=1)
    confidence = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class ScoreOfStepSerializer(serializers.Serializer[Any]):
    run = serializers.IntegerField()
    model = serializers.CharField()
    score = serializers.FloatField(min_value=0, max_value=1)


class StepConsensusSerializer(serializers.Serializer[Any]):
    rating = serializers.IntegerField()
    how = serializers.CharField()
    certainty = serializers.FloatField()
    people = serializers.IntegerField(help_text="Labelers with a counted rating of the step.")
    is_thin = serializers.BooleanField(help_text="Rests on fewer labelers than a settled label needs.")


class EvidenceStepSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    position = serializers.IntegerField()
    candidate = serializers.IntegerField()
    chosen = serializers.BooleanField()
    text = serializers.CharField()
    people = LabelerRatingSerializer(many=True)
    monte_carlo = RolloutCountSerializer(many=True)
    judges = VerdictOfStepSerializer(many=True)
    scores = ScoreOfStepSerializer(many=True, help_text="Of the newest counted run of each reward model.")
    gold = serializers.IntegerField(allow_null=True)
    gold_explanation = serializers.CharField(allow_blank=True, help_text="Why the step has this gold rating.")
    consensus = StepConsensusSerializer(allow_null=True)
    critiques = serializers.ListField(child=serializers.CharField())


class EvidenceAssignmentSerializer(serializers.Serializer[Any]):
    assignment = serializers.IntegerField()
    labeler = serializers.CharField()
    round = serializers.IntegerField()
    state = serializers.CharField()
    finish_reason = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    submitted_at = serializers.DateTimeField(allow_null=True)
    versions = serializers.IntegerField(help_text="How often its labeler corrected it, or it was returned.")
    note = serializers.CharField(allow_blank=True, help_text="With which a reviewer returned it last.")
    reply = serializers.CharField(allow_blank=True, help_text="What the labeler replies to the note.")
    correction = CorrectionShownSerializer(
        allow_null=True, help_text="A reviewer's, which counts in place of the labeler's own ratings."
    )
    precedes_answer_change = serializers.BooleanField(help_text="Submitted before the reference answer was changed.")
    not_counted = serializers.ChoiceField(
        choices=NotCounted.choices, allow_blank=True, help_text="Why it does not count; empty if it counts."
    )


class EvidenceRunSerializer(serializers.Serializer[Any]):
    run = serializers.IntegerField()
    strategy = serializers.CharField()
    completer = serializers.CharField(allow_blank=True)
    first_error = serializers.IntegerField(allow_null=True)
    counts = serializers.BooleanField(help_text="Has ended with a result. The newest of these is used.")
    precedes_answer_change = serializers.BooleanField(help_text="Began before the reference answer was changed.")


class EvidenceJudgeSerializer(serializers.Serializer[Any]):
    run = serializers.IntegerField()
    judge = serializers.CharField()
    version = serializers.IntegerField()
    first_error = serializers.IntegerField(allow_null=True)
    precedes_answer_change = serializers.BooleanField(help_text="Imported before the reference answer was changed.")


class HistoryEntrySerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    verb = serializers.CharField()
    actor = serializers.CharField(allow_blank=True, help_text="Empty if a worker made the change.")
    of = serializers.CharField(allow_blank=True)
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class EvidenceSerializer(serializers.Serializer[Any]):
    solution = serializers.IntegerField()
    disputes = serializers.ListField(child=serializers.CharField())
    consensus = ConsensusSerializer(allow_null=True)
    first_errors = SourceFirstErrorSerializer(many=True)
    steps = EvidenceStepSerializer(many=True)
    assignments = EvidenceAssignmentSerializer(many=True)
    runs = EvidenceRunSerializer(many=True)
    judges = EvidenceJudgeSerializer(many=True)
    history = HistoryEntrySerializer(many=True)
    hidden_in = serializers.IntegerField(
        allow_null=True,
        help_text="The open blind round in which people label the solution: meanwhile nothing of models is shown.",
    )


def consensus_row(consensus: Consensus | None) -> Row | None:
    return None if consensus is None else dict(ConsensusSerializer(consensus).data)


def evidence_row(solution: Solution, evidence: Evidence, history: list[HistoryEntry], naming: Naming) -> Row:
    reviewers = {labeler.correction.reviewer.pk for labeler in evidence.labelers if labeler.correction is not None}
    names = naming(reviewers) if reviewers else {}
    return {
        "solution": solution.pk,
        "disputes": sorted(evidence.disputes),
        "consensus": consensus_row(evidence.consensus),
        "first_errors": [
            {
                "source": named.source.value,
                "name": named.name,
                "first_error": None if named.first_error == UNKNOWN else named.first_error,
            }
            for named in evidence.first_errors
        ],
        "steps": [_step_row(step) for step in evidence.rows],
        "assignments": [_assignment_row(labeler, names) for labeler in evidence.labelers],
        "runs": [
            {
                "run": named.run.number,
                "strategy": named.run.strategy,
                "completer": named.run.completer or "",
                "first_error": named.first_error,
                "counts": named.counts,
                "precedes_answer_change": named.precedes_answer_change,
            }
            for named in evidence.runs
        ],
        "judges": [
            _judge_run(named.run)
            | {"first_error": named.first_error, "precedes_answer_change": named.precedes_answer_change}
            for named in evidence.judges
        ],
        "history": [
            {name: getattr(entry, name) for name in ("at", "verb", "actor", "of", "before", "after")}
            for entry in history
        ],
        "hidden_in": evidence.hidden_in,
    }


def _step_row(row: StepEvidence) -> Row:
    return {
        **{name: getattr(row.step, name) for name in ("id", "position", "candidate", "chosen", "text")},
        "people": [
            {
                "labeler": given.labeler,
                "rating": given.rating,
                "unsure": given.unsure,
                "reached": not given.is_unreached,
                "counted": not given.not_counted,
                "comment": given.comment,
            }
            for given in row.ratings
        ],
        "monte_carlo": [
            {
                "run": estimate.run.number,
                **{name: getattr(estimate, name) for name in ("rollouts", "successes", "missing", "hard")},
            }
            for estimate in row.estimates
        ],
        "judges": [
            _judge_run(verdict.run) | {name: getattr(verdict, name) for name in ("rating", "confidence", "reason")}
            for verdict in row.verdicts
        ],
        "scores": [{"run": score.run.number, "model": score.run.model, "score": score.score} for score in row.scores],
        "gold": row.gold,
        "gold_explanation": row.gold_explanation,
        "consensus": None if row.consensus is None else dict(StepConsensusSerializer(row.consensus).data),
        "critiques": [critique.text for critique in row.critiques],
    }


def _judge_run(run: JudgeRun) -> Row:
    return {"run": run.number, "judge": run.judge.name, "version": run.judge.version}


def _assignment_row(labeler: LabelerEvidence, names: Mapping[int, str]) -> Row:
    assignment = labeler.assignment
    return {
        "assignment": assignment.pk,
        "labeler": labeler.labeler,
        "round": assignment.round.number,
        **{
            name: getattr(assignment, name) for name in ("state", "finish_reason", "reason", "submitted_at", "versions")
        },
        "note": assignment.note,
        "reply": assignment.reply,
        "precedes_answer_change": labeler.precedes_answer_change,
        "not_counted": assignment.not_counted,
        "correction": correction_row(labeler.correction, names),
    }


def pseudonyms_in(project: Project) -> Naming:
    """Names people by their pseudonyms in the project."""

    def naming(user_ids: set[int]) -> dict[int, str]:
        pseudonyms = Membership.objects.filter(project=project, user__in=user_ids).pseudonyms()
        return {pk: pseudonyms.get(pk, "") for pk in user_ids}

    return naming


class SolutionEvidenceView(APIView):
    @extend_schema(responses=EvidenceSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """All evidence on a solution, step by step. People are named by pseudonym; steps count from 0."""
        solution = solution_of(request, pk, "review")
        naming = pseudonyms_in(solution.project)
        evidence = evidence_of(solution, naming)
        history = history_of(solution, evidence, naming)
        return Response(evidence_row(solution, evidence, history, naming))

"""All that is known of one solution, for scripts: people by pseudonym, steps from 0."""

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
from apps.corpus.models import Solution
from apps.judging.models import JudgeRun
from apps.labeling.models import NotCounted
from apps.projects.models import Membership, Project
from apps.quality.models import Consensus
from apps.quality.review.evidence import Evidence, LabelerEvidence, Naming, evidence_of
from apps.quality.review.evidence import Row as EvidenceRow
from apps.quality.review.history import Change, history_of


class StandsSerializer(serializers.Serializer[Consensus]):
    state = serializers.ChoiceField(choices=Consensus.State.choices)
    how = serializers.CharField()
    first_error = serializers.IntegerField(
        allow_null=True, help_text="A position from 0; -1: none; null: cannot be told."
    )
    certainty = serializers.FloatField()
    people = serializers.IntegerField(help_text="Labelers whose counted ratings it rests on.")
    required = serializers.IntegerField(  # type: ignore[assignment]
        help_text="Labelers that a settled label needs."
    )
    note = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()


class NamedErrorSerializer(serializers.Serializer[Any]):
    source = serializers.CharField()  # type: ignore[assignment]
    name = serializers.CharField(allow_blank=True)
    first_error = serializers.IntegerField(allow_null=True)


class LabelerRatingSerializer(serializers.Serializer[Any]):
    labeler = serializers.CharField()
    rating = serializers.IntegerField(allow_null=True)
    unsure = serializers.BooleanField()
    reached = serializers.BooleanField()
    counted = serializers.BooleanField(help_text="Whether it decides what stands.")


class CountSerializer(serializers.Serializer[Any]):
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


class StepStandsSerializer(serializers.Serializer[Any]):
    rating = serializers.IntegerField()
    how = serializers.CharField()
    certainty = serializers.FloatField()
    people = serializers.IntegerField(help_text="Labelers with a counted rating of the step.")
    is_thin = serializers.BooleanField(help_text="Rests on too few of those asked.")


class EvidenceStepSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    position = serializers.IntegerField()
    candidate = serializers.IntegerField()
    chosen = serializers.BooleanField()
    text = serializers.CharField()
    people = LabelerRatingSerializer(many=True)
    monte_carlo = CountSerializer(many=True)
    judges = VerdictOfStepSerializer(many=True)
    gold = serializers.IntegerField(allow_null=True)
    consensus = StepStandsSerializer(allow_null=True)
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
    correction = CorrectionShownSerializer(
        allow_null=True, help_text="A reviewer's, which counts in place of the labeler's own ratings."
    )
    before_mend = serializers.BooleanField(help_text="Said before the reference answer was changed.")
    not_counted = serializers.ChoiceField(
        choices=NotCounted.choices, allow_blank=True, help_text="Why it decides nothing; empty where it counts."
    )


class EvidenceRunSerializer(serializers.Serializer[Any]):
    run = serializers.IntegerField()
    strategy = serializers.CharField()
    completer = serializers.CharField(allow_blank=True)
    first_error = serializers.IntegerField(allow_null=True)
    counts = serializers.BooleanField(help_text="Has ended, with a result: the newest of these speaks.")
    before_mend = serializers.BooleanField(help_text="Began before the reference answer was changed.")


class EvidenceJudgeSerializer(serializers.Serializer[Any]):
    run = serializers.IntegerField()
    judge = serializers.CharField()
    version = serializers.IntegerField()
    first_error = serializers.IntegerField(allow_null=True)
    before_mend = serializers.BooleanField(help_text="Came before the reference answer was changed.")


class ChangeSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    verb = serializers.CharField()
    actor = serializers.CharField(allow_blank=True, help_text="Empty where a worker did it.")
    of = serializers.CharField(allow_blank=True)
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class EvidenceSerializer(serializers.Serializer[Any]):
    solution = serializers.IntegerField()
    disputes = serializers.ListField(child=serializers.CharField())
    consensus = StandsSerializer(allow_null=True)
    first_errors = NamedErrorSerializer(many=True)
    steps = EvidenceStepSerializer(many=True)
    assignments = EvidenceAssignmentSerializer(many=True)
    runs = EvidenceRunSerializer(many=True)
    judges = EvidenceJudgeSerializer(many=True)
    history = ChangeSerializer(many=True)


def _naming(project: Project) -> Naming:
    """Scripts are shown pseudonyms, whatever their owner's role."""

    def names(user_ids: set[int]) -> dict[int, str]:
        known = Membership.objects.filter(project=project, user__in=user_ids).pseudonyms()
        return {pk: known.get(pk, "") for pk in user_ids}

    return names


def stands_row(one: Consensus | None) -> Row | None:
    return None if one is None else dict(StandsSerializer(one).data)


def _evidence(solution: Solution, found: Evidence, history: list[Change], naming: Naming) -> Row:
    reviewers = {voice.correction.reviewer.pk for voice in found.voices if voice.correction is not None}
    names = naming(reviewers) if reviewers else {}
    return {
        "solution": solution.pk,
        "disputes": sorted(found.disputes),
        "consensus": stands_row(found.stands),
        "first_errors": [
            {
                "source": one.source.value,
                "name": one.name,
                "first_error": one.first_error if one.first_error >= -1 else None,
            }
            for one in found.words
        ],
        "steps": [_step(row) for row in found.rows],
        "turns": [_turn(voice, names) for voice in found.voices],
        "runs": [
            {
                "run": one.run.number,
                "strategy": one.run.strategy,
                "completer": one.run.completer or "",
                "first_error": one.position,
                "counts": one.speaks,
                "before_mend": one.precedes_answer_change,
            }
            for one in found.runs
        ],
        "judges": [
            _judge(one.run) | {"first_error": one.position, "before_mend": one.precedes_answer_change}
            for one in found.judges
        ],
        "history": [
            {name: getattr(one, name) for name in ("at", "verb", "actor", "of", "before", "after")} for one in history
        ],
    }


def _step(row: EvidenceRow) -> Row:
    return {
        **{name: getattr(row.step, name) for name in ("id", "position", "candidate", "chosen", "text")},
        "people": [
            {
                "labeler": one.labeler,
                "rating": one.rating,
                "unsure": one.unsure,
                "reached": not one.is_unreached,
                "counted": not one.not_counted,
            }
            for one in row.votes
        ],
        "monte_carlo": [
            {
                "run": one.run.number,
                **{name: getattr(one, name) for name in ("rollouts", "successes", "missing", "hard")},
            }
            for one in row.estimates
        ],
        "judges": [
            _judge(one.run) | {name: getattr(one, name) for name in ("rating", "confidence", "reason")}
            for one in row.verdicts
        ],
        "gold": row.gold,
        "consensus": None if row.stands is None else dict(StepStandsSerializer(row.stands).data),
        "critiques": [one.text for one in row.critiques],
    }


def _judge(run: JudgeRun) -> Row:
    return {"run": run.number, "judge": run.judge.name, "version": run.judge.version}


def _turn(voice: LabelerEvidence, names: Mapping[int, str]) -> Row:
    assignment = voice.assignment
    return {
        "assignment": assignment.pk,
        "labeler": voice.labeler,
        "round": assignment.round.number,
        **{
            name: getattr(assignment, name) for name in ("state", "finish_reason", "reason", "submitted_at", "versions")
        },
        "before_mend": voice.precedes_answer_change,
        "not_counted": assignment.not_counted,
        "correction": correction_row(voice.correction, names),
    }


class SolutionEvidence(APIView):
    @extend_schema(responses=EvidenceSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """All that is known of a solution, step by step. People are named by pseudonym; steps count from 0."""
        solution = solution_of(request, pk, "review")
        naming = _naming(solution.project)
        found = evidence_of(solution, naming)
        return Response(_evidence(solution, found, history_of(solution, found, naming), naming))

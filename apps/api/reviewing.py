"""What reviewers do: see what is disputed and all that is known of a solution, settle it, review turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.api.access import project_of, reviewed_of, solution_of, step_of, user_of
from apps.api.corrections import CorrectionShownSerializer, correction_row
from apps.api.pagination import ListView, Row
from apps.corpus.models import Solution
from apps.judging.models import JudgeRun
from apps.labeling.models import NotCounted
from apps.labeling.resplitting import MOST_STEPS, part_anew
from apps.projects.models import Membership, Project
from apps.quality.adjudicating import adjudicate_solution, adjudicate_step, make_gold
from apps.quality.evidence import Evidence, Naming, Voice, evidence_of
from apps.quality.evidence import Row as EvidenceRow
from apps.quality.history import Change, history_of
from apps.quality.impartiality import labeled_by
from apps.quality.models import Consensus, OpenDispute, Review
from apps.quality.queues import KINDS, Narrowing, narrowed
from apps.quality.reviewing import accept, return_to_labeler

NOTE = 2000


class DisputeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    solution = serializers.IntegerField()
    problem = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=sorted(KINDS))
    since = serializers.DateTimeField()
    is_correct = serializers.BooleanField(allow_null=True)
    is_own = serializers.BooleanField(
        help_text="You labeled the solution: another reviewer settles it, unless the project allows self-review."
    )


class DisputeQuerySerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=sorted(KINDS), required=False)
    round = serializers.IntegerField(required=False, min_value=-(2**31), max_value=2**31 - 1)
    source = serializers.CharField(required=False)  # type: ignore[assignment]
    subject = serializers.CharField(required=False)
    labeler = serializers.CharField(required=False, help_text="A pseudonym in this project.")


class FirstErrorSerializer(serializers.Serializer[Any]):
    first_error = serializers.IntegerField(min_value=-1, max_value=100_000, help_text="A position from 0; -1: none.")
    note = serializers.CharField(max_length=NOTE, default="", allow_blank=True)


class RatingSerializer(serializers.Serializer[Any]):
    rating = serializers.IntegerField(
        min_value=-1, max_value=1, allow_null=True, help_text="null takes a reviewer's word back."
    )
    note = serializers.CharField(max_length=NOTE, default="", allow_blank=True)


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


class StandingSerializer(serializers.Serializer[Any]):
    consensus = StandsSerializer(allow_null=True)


class GoldMadeSerializer(serializers.Serializer[Any]):
    gold = serializers.BooleanField(help_text="False where no reviewer has settled anything.")


class DecisionSerializer(serializers.Serializer[Any]):
    decision = serializers.ChoiceField(choices=[Review.Decision.ACCEPTED, Review.Decision.RETURNED])
    note = serializers.CharField(max_length=NOTE, default="", allow_blank=True, help_text="Needed to return it.")


class ReviewedSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    state = serializers.CharField()
    decision = serializers.CharField()


class SplitSerializer(serializers.Serializer[Any]):
    steps = serializers.ListField(child=serializers.CharField(trim_whitespace=False), max_length=MOST_STEPS)


class SplitMadeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="The newer version.")


# --- evidence ---------------------------------------------------------------------------------------------


class NamedErrorSerializer(serializers.Serializer[Any]):
    source = serializers.CharField()  # type: ignore[assignment]
    name = serializers.CharField(allow_blank=True)
    first_error = serializers.IntegerField(allow_null=True)


class VoteSerializer(serializers.Serializer[Any]):
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
    people = VoteSerializer(many=True)
    monte_carlo = CountSerializer(many=True)
    judges = VerdictOfStepSerializer(many=True)
    gold = serializers.IntegerField(allow_null=True)
    consensus = StepStandsSerializer(allow_null=True)
    critiques = serializers.ListField(child=serializers.CharField())


class EvidenceTurnSerializer(serializers.Serializer[Any]):
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
    turns = EvidenceTurnSerializer(many=True)
    runs = EvidenceRunSerializer(many=True)
    judges = EvidenceJudgeSerializer(many=True)
    history = ChangeSerializer(many=True)


def _naming(project: Project) -> Naming:
    """Scripts are shown pseudonyms, whatever their owner's role."""

    def names(user_ids: set[int]) -> dict[int, str]:
        known = Membership.objects.filter(project=project, user__in=user_ids).pseudonyms()
        return {pk: known.get(pk, "") for pk in user_ids}

    return names


def _stands(one: Consensus | None) -> Row | None:
    return None if one is None else dict(StandsSerializer(one).data)


def _evidence(solution: Solution, found: Evidence, history: list[Change], naming: Naming) -> Row:
    reviewers = {voice.correction.reviewer.pk for voice in found.voices if voice.correction is not None}
    names = naming(reviewers) if reviewers else {}
    return {
        "solution": solution.pk,
        "disputes": sorted(found.disputes),
        "consensus": _stands(found.stands),
        "first_errors": [
            {"source": one.source.value, "name": one.name, "first_error": one.first_error if one.first_error >= -1 else None}
            for one in found.words
        ],
        "steps": [_step(row) for row in found.rows],
        "turns": [_turn(voice, names) for voice in found.voices],
        "runs": [
            {
                "run": one.run.number, "strategy": one.run.strategy, "completer": one.run.completer or "",
                "first_error": one.position, "counts": one.speaks, "before_mend": one.is_before_mend,
            }
            for one in found.runs
        ],
        "judges": [
            _judge(one.run) | {"first_error": one.position, "before_mend": one.is_before_mend} for one in found.judges
        ],
        "history": [
            {name: getattr(one, name) for name in ("at", "verb", "actor", "of", "before", "after")} for one in history
        ],
    }  # fmt: skip


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


def _turn(voice: Voice, names: Mapping[int, str]) -> Row:
    turn = voice.turn
    return {
        "assignment": turn.pk,
        "labeler": voice.labeler,
        "round": turn.round.number,
        **{name: getattr(turn, name) for name in ("state", "finish_reason", "reason", "submitted_at", "versions")},
        "before_mend": voice.is_before_mend,
        "not_counted": turn.not_counted,
        "correction": correction_row(voice.correction, names),
    }


# --- routes -----------------------------------------------------------------------------------------------


class DisputeList(ListView):
    @extend_schema(
        operation_id="disputes_list",
        parameters=[DisputeQuerySerializer, OpenApiParameter("cursor", str), OpenApiParameter("page_size", int)],
        responses=DisputeSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Solutions in dispute, a row for each kind that one is in."""
        project = project_of(request, slug, "review")
        given = DisputeQuerySerializer(data=request.query_params)
        given.is_valid(raise_exception=True)
        asked = dict(given.validated_data)
        found = OpenDispute.objects.filter(project=project).select_related("solution")
        if "kind" in asked:
            found = found.filter(kind=asked.pop("kind"))
        if "labeler" in asked:
            member = Membership.objects.filter(project=project, pseudonym=asked["labeler"]).first()
            asked["labeler"] = member.user_id if member else 0
        user = user_of(request)
        return self.answer(
            request, narrowed(found, project, Narrowing(**asked)), lambda disputes: self._rows(list(disputes), user)
        )

    @staticmethod
    def _rows(disputes: list[OpenDispute], user: User) -> Iterator[Row]:
        own = labeled_by(user, {one.solution_id for one in disputes})
        for one in disputes:
            yield {
                "id": one.pk,
                "solution": one.solution_id,
                "problem": one.solution.problem_id,
                "kind": one.kind,
                "since": one.since,
                "is_correct": one.solution.is_correct,
                "is_own": one.solution_id in own,
            }


class SolutionEvidence(APIView):
    @extend_schema(responses=EvidenceSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """All that is known of a solution, step by step. People are named by pseudonym; steps count from 0."""
        solution = solution_of(request, pk, "review")
        naming = _naming(solution.project)
        found = evidence_of(solution, naming)
        return Response(_evidence(solution, found, history_of(solution, found, naming), naming))


class SolutionAdjudicate(APIView):
    @extend_schema(request=FirstErrorSerializer, responses=StandingSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """A reviewer's word on the first error: it stands above every rule."""
        solution = solution_of(request, pk, "review")
        given = FirstErrorSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        stands = adjudicate_solution(solution=solution, by=user_of(request), **given.validated_data)
        return Response({"consensus": _stands(stands)})


class SolutionGold(APIView):
    @extend_schema(request=None, responses=GoldMadeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """What reviewers settled of it becomes gold."""
        solution = solution_of(request, pk, "review")
        return Response({"gold": bool(make_gold(solutions=[solution], by=user_of(request)))})


class SolutionSplit(APIView):
    @extend_schema(request=SplitSerializer, responses={201: SplitMadeSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Part the steps anew: a newer version of the solution with the same text. Old labels stay on the older one."""
        solution = solution_of(request, pk, "review")
        given = SplitSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        newer = part_anew(solution=solution, texts=given.validated_data["steps"], actor=user_of(request))
        return Response({"id": newer.pk}, status=201)


class StepAdjudicate(APIView):
    @extend_schema(request=RatingSerializer, responses=StandingSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """A reviewer's word on one step."""
        step = step_of(request, pk, "review")
        given = RatingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        stands = adjudicate_step(step=step, by=user_of(request), **given.validated_data)
        return Response({"consensus": _stands(stands)})


class AssignmentReview(APIView):
    @extend_schema(request=DecisionSerializer, responses=ReviewedSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Accept a turn, or return it with a note to its labeler, who gets it before any new task."""
        turn = reviewed_of(request, pk)
        given = DecisionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        decision, note = given.validated_data["decision"], given.validated_data["note"]
        if decision == Review.Decision.ACCEPTED:
            accept(assignments=[turn], reviewer=user_of(request))
        else:
            return_to_labeler(assignment=turn, reviewer=user_of(request), note=note)
        turn.refresh_from_db(fields=["state"])
        return Response({"id": turn.pk, "state": turn.state, "decision": decision})

"""The trust page: judges against people, blind rounds that certify them, and choruses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import DomainError
from apps.core.http.ids import parse_id
from apps.corpus.facets import facets_of
from apps.dashboard.access import Place, place_for
from apps.dashboard.csv_files import csv_response
from apps.dashboard.trust.forms import BlindRoundForm, ChorusForm, TrustFilterForm
from apps.dashboard.trust.judges import ComparingRow, JudgeRow, comparing_table, judge_rows, judge_table
from apps.judging.models import Judge, JudgeRun
from apps.quality.models import BlindSample
from apps.quality.rules import rules_for
from apps.quality.trust.blind_rounds import open_blind_round
from apps.quality.trust.certificates import certify_judge
from apps.quality.trust.choruses import form_chorus
from apps.quality.trust.round_size import USUAL_RATE
from apps.quality.trust.sample_state import judge_sample, samples_of, state_of, step_judges
from apps.quality.trust.stored_reports import stored_judge_reports, stored_preference_reports

SHOWN_SAMPLES = 10
SHOWN_CHORUSES = 20
TAB = "trust"


@login_required
@require_GET
def trust(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "evaluate")
    form = _filters(request, place)
    judges = step_judges(place.project)
    rows, comparing = judge_rows(place.project, stored_judge_reports(place.project, form.chosen)), _comparing(place)
    context = place.context(
        TAB,
        form=form,
        query=request.GET.urlencode(),
        is_filtered=any(request.GET.values()),
        rows=rows,
        comparing=comparing,
        judged_at=_oldest([row.report.at for row in rows]),
        compared_at=_oldest([row.report.at for row in comparing]),
        samples=[state_of(sample, judges) for sample in samples_of(place.project)[:SHOWN_SAMPLES]],
        choruses=_choruses(place),
        rules=rules_for(place.project),
    )
    return render(request, "trust/trust.html", context)


@login_required
@require_GET
def table(request: AuthenticatedRequest, slug: str, name: str = "judges") -> StreamingHttpResponse:
    place = place_for(request.user, slug, "evaluate")
    if name == "comparing":
        return csv_response(comparing_table(_comparing(place)).flat(), f"{slug}-judges-that-compare")
    if name != "judges":
        raise Http404("No such table.")
    return csv_response(judge_table(_rows(request, place)).flat(), f"{slug}-trust-in-judges")


def _filters(request: AuthenticatedRequest, place: Place) -> TrustFilterForm:
    return TrustFilterForm(request.GET or None, project=place.project, facets=facets_of(place.project))


def _rows(request: AuthenticatedRequest, place: Place) -> list[JudgeRow]:
    chosen = _filters(request, place).chosen
    return judge_rows(place.project, stored_judge_reports(place.project, chosen))


def _comparing(place: Place) -> list[ComparingRow]:
    return [ComparingRow(report) for report in stored_preference_reports(place.project)]


def _oldest(moments: Sequence[datetime | None]) -> datetime | None:
    """None if all are of now."""
    return min((at for at in moments if at is not None), default=None)


def _choruses(place: Place) -> list[JudgeRun]:
    """The newest runs of choruses."""
    runs = JudgeRun.objects.filter(project=place.project, judge__kind=Judge.Kind.CHORUS)
    return list(runs.select_related("judge").order_by("-number")[:SHOWN_CHORUSES])


# --- blind rounds -------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def calibrate(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The form of a blind round; it says before how many solutions are needed."""
    place = place_for(request.user, slug, "manage_rounds")
    bar = rules_for(place.project).judge_bar
    initial = {"rate": _usual_rate(bar)}
    form = BlindRoundForm(request.POST or None, project=place.project, initial=initial)
    sample = form.run(
        lambda data: open_blind_round(
            project=place.project, name=data["name"], actor=request.user, **form.sample_arguments
        )
    )
    if sample is not None:
        assert sample.round is not None
        messages.success(
            request, f"Blind round {sample.round.number} is open. Labelers see nothing that models say of its sample."
        )
        return redirect("trust", slug)
    context = place.context(TAB, form=form, bar=bar, **_advice(form, place))
    if not form.is_bound and context["advice"] is not None:
        form.initial["size"] = context["advice"].size
    return render(request, "trust/calibrate.html", context, status=422 if form.errors else 200)


def _usual_rate(bar: float) -> float:
    """In percent: the usual expectation, or half way from the bar to 100 % if the bar is not below it."""
    return round(100 * USUAL_RATE) if bar < USUAL_RATE else round(50 + 50 * bar, 1)


@login_required
@require_GET
def advice(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """How many solutions the settings in the form need; htmx asks while they are edited."""
    place = place_for(request.user, slug, "manage_rounds")
    form = BlindRoundForm(request.GET, project=place.project)
    bar = rules_for(place.project).judge_bar
    return render(request, "trust/_advice.html", place.context(TAB, form=form, bar=bar, **_advice(form, place)))


def _advice(form: BlindRoundForm, place: Place) -> dict[str, object]:
    try:
        found, trouble = form.advice(place.project), ""
    except DomainError as error:
        found, trouble = None, "; ".join(f"{name}: {text}" for name, text in error.fields.items())
    return {"advice": found, "trouble": trouble}


@login_required
@require_POST
def decide(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """Certify or refuse the judge that the form names, by the labels of a blind round."""
    place = place_for(request.user, slug, "manage_rounds")
    sample, judge = _sample(place, pk), _judge(request, place)
    try:
        certificate = certify_judge(judge=judge, sample=sample, actor=request.user)
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("trust", slug)
    if certificate.is_granted:
        messages.success(request, f"{judge} is certified: both lower bounds reach {certificate.bar:.2f}.")
    else:
        messages.warning(request, f"{judge} is not certified: {'; '.join(certificate.reasons)}.")
    return redirect("trust", slug)


@login_required
@require_POST
def judge(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """Let a judge judge a blind sample of which it lacks verdicts."""
    place = place_for(request.user, slug, "estimate")
    try:
        run = judge_sample(sample=_sample(place, pk), judge=_judge(request, place), created_by=request.user)
        messages.success(request, f"{run} has started. It judges the sample.")
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("trust", slug)


def _sample(place: Place, pk: int) -> BlindSample:
    return get_object_or_404(BlindSample.objects.select_related("round"), project=place.project, pk=pk)


def _judge(request: AuthenticatedRequest, place: Place) -> Judge:
    pk = parse_id(request.POST.get("judge", ""))
    if pk is None:
        raise DomainError("Choose a judge.", fields={"judge": "required"})
    return get_object_or_404(Judge.objects.select_related("endpoint", "project"), project=place.project, pk=pk)


# --- choruses -----------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def new_chorus(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    form = ChorusForm(request.POST or None, judges=step_judges(place.project))
    run = form.run(
        lambda data: form_chorus(
            project=place.project,
            name=data["name"],
            members=list(data["members"]),
            rule=data["rule"],
            created_by=request.user,
        )
    )
    if run is not None:
        messages.success(
            request, f"{run.judge} is formed: {run.done - run.undecided:,} first errors in run {run.number}."
        )
        return redirect("trust", slug)
    return render(request, "trust/chorus.html", place.context(TAB, form=form), status=422 if form.errors else 200)

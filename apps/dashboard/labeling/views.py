"""The labeling page. Its JavaScript does all work through the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from apps.accounts.http import AuthenticatedRequest
from apps.accounts.models import User
from apps.core.errors import Conflict
from apps.core.http.ids import parse_id
from apps.dashboard.access import place_for, round_of
from apps.dashboard.rounds.queries import announced_action, screening_attempt_of
from apps.labeling.assignments.correct import refusal_of_correction
from apps.labeling.assignments.payload import guideline_key
from apps.labeling.assignments.submissions import newest_submission
from apps.labeling.models import Assignment, Round
from apps.labeling.progress import progress_for
from apps.labeling.protocols import PROTOCOLS, options_for_labelers
from apps.projects.markdown import to_html
from apps.projects.models import Guideline


@dataclass(frozen=True, slots=True)
class ProtocolTemplates:
    """The templates of a protocol: a folder of them, with a folder of JavaScript modules by the same name."""

    folder: str
    title: str
    stylesheet: str = ""

    def __getattr__(self, part: str) -> str:
        return f"labeling/{self.folder}/_{part}.html"


PROTOCOL_TEMPLATES = {
    "first_error": ProtocolTemplates("steps", "Rate the steps"),
    "every_step": ProtocolTemplates("steps", "Rate the steps"),
    "comparison": ProtocolTemplates("comparison", "Compare two sides", "css/comparison.css"),
    "branching": ProtocolTemplates("branching", "Rate the candidates"),
}


@dataclass(frozen=True, slots=True)
class ShownGuideline:
    version: int
    html: SafeString


@login_required
@require_GET
def label(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    place = place_for(request.user, slug, "label")
    round_ = round_of(place, number)
    if round_.protocol not in PROTOCOL_TEMPLATES:
        raise Conflict(f"The labeling page does not support the protocol {round_.get_protocol_display()}.")
    assignment = _correctable(request, round_)
    attempt = screening_attempt_of(round_, request.user)
    context = page_context(round_, request.user, round_.guideline) | {
        "assignment": assignment,
        "attempt": attempt,
        "begin": "" if assignment is not None else announced_action(round_, request.user, attempt),
    }
    context["bootstrap"] |= {
        "progress": progress_for(round_, request.user),
        "last": newest_submission(round_, request.user),
        "assignment": assignment and assignment.pk,
        # The skipped task that the page claims again before any other.
        "resume": parse_id(request.GET.get("resume", "")),
    }
    return render(request, "labeling/label.html", context)


def page_context(round_: Round, user: User, guideline: Guideline | None) -> dict[str, Any]:
    """What the labeling page needs for everybody, labeler or reviewer; without a guideline the project's newest."""
    guideline = guideline or round_.project.guidelines.first()
    return {
        "project": round_.project,
        "round": round_,
        "protocol": PROTOCOL_TEMPLATES[round_.protocol],
        "guideline": ShownGuideline(guideline.version, to_html(guideline.text)) if guideline else None,
        "bootstrap": _bootstrap(round_, user),
    }


def _correctable(request: AuthenticatedRequest, round_: Round) -> Assignment | None:
    """The user's own submission that `?assignment=ID` opens for correction. Raises Conflict when it cannot be corrected."""
    text = request.GET.get("assignment", "")
    if not text:
        return None
    pk = parse_id(text)
    if pk is None:
        raise Http404("No such assignment.")
    own = Assignment.objects.filter(round=round_, labeler=request.user).select_related("task")
    assignment = get_object_or_404(own, pk=pk)
    assignment.round = round_
    if (reason := refusal_of_correction(assignment)) is not None:
        raise Conflict(reason, code="not_correctable")
    return assignment


def _bootstrap(round_: Round, user: User) -> dict[str, Any]:
    return {
        "project": {"slug": round_.project.slug, "name": round_.project.name},
        "round": {
            "number": round_.number,
            "name": round_.name,
            "kind": round_.kind,
            "protocol": round_.protocol,
            "protocol_title": PROTOCOLS[round_.protocol].title,
            "show_reference": round_.show_reference,
            "guideline": guideline_key(round_.guideline_id),
            "options": options_for_labelers(round_.protocol, round_.options),
        },
        "user": {"email": user.email, "name": user.name},
        "api": "/api/v1",
        "keys": user.key_map,
        "home": reverse("home"),
        "work": reverse("work", args=[round_.project.slug]),
        "sign_in": reverse("account_login"),
    }

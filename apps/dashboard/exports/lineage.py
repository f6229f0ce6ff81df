"""Where an exported row comes from, and the audit of an export."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.accounts.models import User
from apps.core.errors import DomainError, NotFound
from apps.core.http.ids import parse_id
from apps.dashboard.access import Place, export_of, place_for, solution_of
from apps.dashboard.forms import ServiceForm
from apps.dashboard.solutions.evidence import naming_of
from apps.exports.audits.services import refresh_audit, start_audit, withdraw_audit
from apps.exports.lineage import lineage_of, traced_solution
from apps.exports.models import Export, ReleaseAudit
from apps.projects.models import Membership

LAST_ROW = 10**15


@login_required
@require_GET
def row(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """`?part=1&row=17` as people count, from 1: the lineage of the solution that the row is made from."""
    place = place_for(request.user, slug, "export")
    export = export_of(place, pk)
    part, number = (parse_id(request.GET.get(name, "1"), maximum=LAST_ROW) for name in ("part", "row"))
    try:
        solution_id = traced_solution(export, part=(part or 1) - 1, row=(number or 1) - 1)
    except NotFound as error:
        messages.error(request, error.message)
        return redirect("export", slug, pk)
    return redirect("export-lineage", slug, pk, solution_id)


@login_required
@require_GET
def lineage(request: AuthenticatedRequest, slug: str, pk: int, solution_pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "export")
    export, solution = export_of(place, pk), solution_of(place, solution_pk)
    found = lineage_of(export, solution, naming_of(place))
    context = place.context("exports", export=export, solution=solution, problem=solution.problem, lineage=found)
    return render(request, "exports/lineage.html", context)


class ReleaseAuditForm(ServiceForm):
    share = forms.FloatField(
        label="Solutions drawn",
        min_value=0.01,
        max_value=100,
        initial=5,
        help_text="Percent of the export, at least 5.",
    )
    gate = forms.FloatField(
        label="Required agreement",
        min_value=0.01,
        max_value=100,
        initial=90,
        help_text="Percent of first errors that must be the same.",
    )
    redundancy = forms.IntegerField(label="People per solution", min_value=1, max_value=100, initial=1)
    labelers = forms.ModelMultipleChoiceField(
        queryset=User.objects.none(),
        required=False,
        label="Only these people",
        widget=forms.CheckboxSelectMultiple,
        help_text="None selected: everyone who may label. Nobody gets a solution that they labeled before.",
    )

    def __init__(self, *args: Any, place: Place, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members = Membership.objects.filter(project=place.project, status=Membership.Status.ACTIVE)
        field = self.fields["labelers"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = User.objects.filter(memberships__in=members).order_by("name", "email")


def audit_context(place: Place, export: Export) -> dict[str, Any]:
    """What the export's page shows of its audit: the audit, or the form that starts one."""
    audit = ReleaseAudit.objects.filter(export=export).first()
    if audit is not None:
        return {"audit": refresh_audit(audit=audit)}
    return {"audit": None, "audit_form": ReleaseAuditForm(place=place)}


@login_required
@require_POST
def start(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "export")
    export = export_of(place, pk)
    form = ReleaseAuditForm(request.POST, place=place)
    audit = form.run(
        lambda data: start_audit(
            export=export,
            actor=request.user,
            share=data["share"] / 100,
            gate=data["gate"] / 100,
            redundancy=data["redundancy"],
            labelers=list(data["labelers"]),
        )
    )
    if audit is None:
        return render(
            request, "exports/audit.html", place.context("exports", export=export, audit_form=form), status=422
        )
    messages.success(request, f"The audit is under way in {audit.round}: {len(audit.sample)} solutions to label again.")
    return redirect("export", slug, pk)


@login_required
@require_POST
def withdraw(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "export")
    audit = ReleaseAudit.objects.filter(export=export_of(place, pk)).first()
    try:
        if audit is None:
            raise NotFound("This export has no audit.")
        withdraw_audit(audit=audit, actor=request.user)
        messages.success(request, "The audit is withdrawn. The export can be downloaded without it.")
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("export", slug, pk)

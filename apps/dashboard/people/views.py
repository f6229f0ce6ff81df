"""Who is in a project, and the links that let people in."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.adapter import INVITATION_KEY
from apps.accounts.http import AuthenticatedRequest
from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.dashboard.access import Place, membership_of, place_for
from apps.dashboard.home.queries import people_of
from apps.dashboard.projects.forms import InvitationForm, RoleForm, SkillsForm
from apps.projects.models import Invitation, Membership, Role
from apps.projects.permissions import can
from apps.projects.services import (
    INVITATION_IS_OVER,
    accept_invitation,
    change_role,
    invite,
    revoke_invitation,
)
from apps.projects.services import set_skills as keep_skills
from apps.quality.gold.suspensions import lift
from apps.quality.gold.suspensions import suspend as suspend_member


@login_required
@require_GET
def people(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "invite")
    form = InvitationForm(up_to=Role(place.membership.role))
    return render(request, "people/people.html", _people(place, form))


def _people(place: Place, form: InvitationForm, **more: object) -> dict[str, object]:
    everybody = people_of(place.project)
    invitations = Invitation.objects.filter(project=place.project).select_related("invited_by").order_by("-pk")
    return place.context(
        "people",
        people=[one for one in everybody if one.status != Membership.Status.IMPORTED],
        imported=[one for one in everybody if one.status == Membership.Status.IMPORTED],
        invitations=invitations.usable(timezone.now()),
        roles=Role.choices,
        form=form,
        **more,
    )


@login_required
@require_POST
def set_role(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_members")
    member, form = membership_of(place, pk), RoleForm(request.POST)
    if not form.is_valid():
        raise DomainError(f"Roles are {', '.join(Role.values)}.", fields={"role": "unknown"})
    member = change_role(membership=member, role=form.cleaned_data["role"], actor=request.user)
    messages.success(request, f"{member.user} is {member.get_role_display()} now.")
    # Who gives their own ownership away may not see this page any more; the project's page they do.
    return redirect("people" if can(member, "invite") or member.user != request.user else "project", slug)


@login_required
@require_POST
def set_skills(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "invite")
    member, form = membership_of(place, pk), SkillsForm(request.POST)
    if not form.is_valid():
        raise DomainError("These are too many skills.", fields={"skills": "1000 characters at most"})
    member = keep_skills(membership=member, skills=form.cleaned_data["skills"].split(","), actor=request.user)
    messages.success(request, f"The skills of {member.user} are kept.")
    return redirect("people", slug)


@login_required
@require_POST
def suspend(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_members")
    member = membership_of(place, pk)
    suspend_member(membership=member, reason="Suspended by hand.", by=request.user)
    messages.success(request, f"{member.user} is suspended. What they labeled stays, and is heard no longer.")
    return redirect("home") if member.user == request.user else redirect("people", slug)


@login_required
@require_POST
def reinstate(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_members")
    member = membership_of(place, pk)
    lift(membership=member, by=request.user)
    messages.success(request, f"{member.user} is back.")
    return redirect("people", slug)


# --- invitations ------------------------------------------------------------------------------------------


@login_required
@require_POST
@never_cache
def new_invitation(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The link is in this answer and nowhere else: only its hash is kept."""
    place = place_for(request.user, slug, "invite")
    form = InvitationForm(request.POST, up_to=Role(place.membership.role))
    made = form.run(lambda data: invite(project=place.project, invited_by=request.user, **data))
    if made is None:
        return render(request, "people/people.html", _people(place, form), status=422)
    invitation, secret = made
    link = request.build_absolute_uri(reverse("join", args=[secret]))
    fresh = InvitationForm(up_to=Role(place.membership.role))
    return render(request, "people/people.html", _people(place, fresh, link=link, made=invitation))


@login_required
@require_POST
def revoke(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "invite")
    invitation = get_object_or_404(Invitation.objects.select_related("project"), project=place.project, pk=pk)
    revoke_invitation(invitation=invitation, actor=request.user)
    messages.success(request, "The link is withdrawn.")
    return redirect("people", slug)


@require_http_methods(["GET", "POST"])
@never_cache
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """Where an invitation leads. Who signs up or in by it joins when they come back here."""
    user = request.user
    if not user.is_authenticated:
        return _welcome(request, secret)
    if request.method == "POST" or request.session.get(INVITATION_KEY) == secret:
        request.session.pop(INVITATION_KEY, None)
        member = accept_invitation(secret=secret, user=user)
        messages.success(request, f"You are {member.get_role_display()} in {member.project}.")
        return redirect("project", member.project.slug)
    invitation = _usable(secret)
    context = {"invitation": invitation, "secret": secret, "present": _present(invitation, user)}
    return render(request, "people/join.html", context)


def _present(invitation: Invitation, user: User) -> Membership | None:
    """The membership of whoever opens the link, where the link would add nothing to it."""
    active = Membership.objects.filter(status=Membership.Status.ACTIVE)
    found = active.filter(project=invitation.project, user=user).first()
    return found if found and Role(found.role).covers(Role(invitation.role)) else None


def _welcome(request: HttpRequest, secret: str) -> HttpResponse:
    """Sign-up is closed to all but those who hold a link that works: the session remembers it."""
    invitation = _usable(secret)
    request.session[INVITATION_KEY] = secret
    return render(request, "people/join.html", {"invitation": invitation, "secret": secret})


def _usable(secret: str) -> Invitation:
    found = Invitation.objects.by_secret(secret).usable(timezone.now()).select_related("project", "invited_by").first()
    if found is None:
        raise DomainError(INVITATION_IS_OVER, code="invitation")
    return found

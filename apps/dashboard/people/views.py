"""The members of a project, and its invitations."""

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
from apps.dashboard.people.queries import people_of
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
from apps.projects.services import set_skills as save_skills
from apps.quality.gold.suspensions import lift
from apps.quality.gold.suspensions import suspend as suspend_member


@login_required
@require_GET
def people(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "invite")
    form = InvitationForm(up_to=Role(place.membership.role))
    return render(request, "people/people.html", _people(place, form))


def _people(place: Place, form: InvitationForm, **more: object) -> dict[str, object]:
    members = people_of(place.project)
    invitations = Invitation.objects.filter(project=place.project).select_related("invited_by").order_by("-pk")
    return place.context(
        "people",
        people=[member for member in members if member.status != Membership.Status.IMPORTED],
        imported=[member for member in members if member.status == Membership.Status.IMPORTED],
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
        raise DomainError("Unknown role.", fields={"role": f"must be one of {', '.join(Role.values)}"})
    member = change_role(membership=member, role=form.cleaned_data["role"], actor=request.user)
    messages.success(request, f"{member.user} now has the role {member.get_role_display()}.")
    # Members who give up their own ownership may no longer see this page, but they see the project's page.
    return redirect("people" if can(member, "invite") or member.user != request.user else "project", slug)


@login_required
@require_POST
def set_skills(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "invite")
    member, form = membership_of(place, pk), SkillsForm(request.POST)
    if not form.is_valid():
        raise DomainError("The list of skills is too long.", fields={"skills": "must have at most 1000 characters"})
    member = save_skills(membership=member, skills=form.cleaned_data["skills"].split(","), actor=request.user)
    messages.success(request, f"Skills of {member.user} saved.")
    return redirect("people", slug)


@login_required
@require_POST
def suspend(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_members")
    member = membership_of(place, pk)
    suspend_member(membership=member, reason="Suspended manually.", by=request.user)
    messages.success(request, f"{member.user} is suspended. Their labels are kept but no longer count.")
    return redirect("home") if member.user == request.user else redirect("people", slug)


@login_required
@require_POST
def reinstate(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_members")
    member = membership_of(place, pk)
    lift(membership=member, by=request.user)
    messages.success(request, f"{member.user} is reinstated.")
    return redirect("people", slug)


# --- invitations ------------------------------------------------------------------------------------------


@login_required
@require_POST
@never_cache
def new_invitation(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The link is in this response only: the database keeps its hash."""
    place = place_for(request.user, slug, "invite")
    form = InvitationForm(request.POST, up_to=Role(place.membership.role))
    created = form.run(lambda data: invite(project=place.project, invited_by=request.user, **data))
    if created is None:
        return render(request, "people/people.html", _people(place, form), status=422)
    invitation, secret = created
    link = request.build_absolute_uri(reverse("join", args=[secret]))
    empty_form = InvitationForm(up_to=Role(place.membership.role))
    return render(request, "people/people.html", _people(place, empty_form, link=link, invitation=invitation))


@login_required
@require_POST
def revoke(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "invite")
    invitation = get_object_or_404(Invitation.objects.select_related("project"), project=place.project, pk=pk)
    revoke_invitation(invitation=invitation, actor=request.user)
    messages.success(request, "Invitation revoked.")
    return redirect("people", slug)


@require_http_methods(["GET", "POST"])
@never_cache
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """The page of an invitation link. Those who sign up or in from it join when they return here.

    Sign-up is closed except to holders of a working link, which the session remembers.
    """
    user = request.user
    if not user.is_authenticated:
        invitation = _usable_invitation(secret)
        request.session[INVITATION_KEY] = secret
        return render(request, "people/join.html", {"invitation": invitation, "secret": secret})
    if request.method == "POST" or request.session.get(INVITATION_KEY) == secret:
        request.session.pop(INVITATION_KEY, None)
        member = accept_invitation(secret=secret, user=user)
        messages.success(request, f"You joined {member.project} with the role {member.get_role_display()}.")
        return redirect("project", member.project.slug)
    invitation = _usable_invitation(secret)
    context = {"invitation": invitation, "secret": secret, "membership": _covering_membership(invitation, user)}
    return render(request, "people/join.html", context)


def _covering_membership(invitation: Invitation, user: User) -> Membership | None:
    """The user's membership, if its role already covers that of the invitation."""
    active = Membership.objects.filter(status=Membership.Status.ACTIVE)
    membership = active.filter(project=invitation.project, user=user).first()
    return membership if membership and Role(membership.role).covers(Role(invitation.role)) else None


def _usable_invitation(secret: str) -> Invitation:
    usable = Invitation.objects.by_secret(secret).usable(timezone.now())
    invitation = usable.select_related("project", "invited_by").first()
    if invitation is None:
        raise DomainError(INVITATION_IS_OVER, code="invitation")
    return invitation

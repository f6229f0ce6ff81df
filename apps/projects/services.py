"""Writes about projects: founding them, letting people in, telling them what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import DomainError, NotAllowed
from apps.projects.models import Guideline, Invitation, Membership, Project, Role
from apps.projects.permissions import allow, membership_of

# `projects/new` is a page: a project of that name would have no address.
RESERVED_SLUGS = {"new"}

INVITATION_IS_OVER = "This invitation has been used up, has expired or was withdrawn."

LONGEST_SKILL = 40


@transaction.atomic
def create_project(
    *, slug: str, name: str = "", owner: User | None = None, description: str = "", verifier: str = "math"
) -> Project:
    """A project with its owner, as the operator makes it; people found theirs by `found_project`. Errors name the field."""
    # Imported late: the verifiers load mpmath, and most commands create no project.
    from apps.verifiers.registry import VERIFIERS

    if verifier not in VERIFIERS:
        raise DomainError(f"Verifiers are {', '.join(VERIFIERS)}.", fields={"verifier": f"unknown: {verifier}"})
    project = Project(slug=slug, name=name or slug, description=description, verifier=verifier)
    _check_names(project)
    try:
        with transaction.atomic():
            project.save(force_insert=True)
    except IntegrityError as error:
        raise DomainError(f"There is a project {slug} already.", code="exists", fields={"slug": "taken"}) from error
    if owner is not None:
        add_member(project=project, user=owner, role=Role.OWNER, actor=owner)
    record_event(actor=owner, verb="project.created", target=slug, project=slug)
    return project


def may_found(user: User) -> bool:
    """Whether the operator lets this person found projects: the setting PROJECT_FOUNDERS."""
    if user.is_staff or settings.PROJECT_FOUNDERS == "everyone":
        return True
    if settings.PROJECT_FOUNDERS == "staff":
        return False
    memberships = Membership.objects.filter(user=user)
    if memberships.filter(status=Membership.Status.ACTIVE).exclude(role=Role.LABELER).exists():
        return True
    return not (user.is_invited or memberships.exists())


def check_founder(user: User) -> None:
    """Raises NotAllowed for those whom the operator does not let found projects."""
    if not may_found(user):
        raise NotAllowed(
            "You may not found projects here: ask whoever runs this server, or the owner of a project.",
            code="may_not_found",
        )


def found_project(*, founder: User, slug: str, **terms: str) -> Project:
    """A project of the founder's own. Raises NotAllowed as `check_founder` does."""
    check_founder(founder)
    return create_project(slug=slug, owner=founder, **terms)


def _check_names(project: Project) -> None:
    if project.slug in RESERVED_SLUGS:
        raise DomainError(f"{project.slug} is a page of ours: take another slug.", fields={"slug": "reserved"})
    try:
        project.clean_fields()
    except ValidationError as error:
        fields = {name: texts[0] for name, texts in error.message_dict.items()}
        about_slug = "A slug has letters, digits, - and _, and at most 64 of them."
        raise DomainError(about_slug if "slug" in fields else "This name is too long.", fields=fields) from error


@transaction.atomic
def update_project(
    *, project: Project, name: str, description: str, actor: User, shows_scores: bool | None = None
) -> Project:
    """Name, description and whether labelers see their scores; the slug stays, for addresses and scripts hold it."""
    names = ("name", "description", "shows_scores")
    before = {one: getattr(project, one) for one in names}
    project.name, project.description = name, description
    project.shows_scores = project.shows_scores if shows_scores is None else shows_scores
    project.save(update_fields=names)
    after = {one: getattr(project, one) for one in names}
    record_event(
        actor=actor,
        verb="project.updated",
        target=project.slug,
        project=project.slug,
        before=before,
        after=after,
    )
    return project


@transaction.atomic
def add_member(*, project: Project, user: User, role: str, actor: User | None = None) -> Membership:
    """Make the user a member, or change the role they have."""
    before = Membership.objects.filter(project=project, user=user).values_list("role", flat=True).first()
    membership, _ = Membership.objects.update_or_create(
        project=project, user=user, defaults={"role": Role(role), "status": Membership.Status.ACTIVE}
    )
    record_event(actor=actor, verb="member.set", target=user.email, project=project.slug, before=before, after=role)
    _withdraw_links(membership, actor)
    return membership


@transaction.atomic
def change_role(*, membership: Membership, role: str, actor: User | None) -> Membership:
    """Give a member another role. A project keeps at least one owner; who is suspended stays so."""
    held = _locked(membership)
    if held.status == Membership.Status.SUSPENDED:
        raise DomainError(f"{held.user} is suspended: let them back in first.", code="suspended")
    if held.role == Role.OWNER and role != Role.OWNER:
        _keep_an_owner(held)
    return add_member(project=held.project, user=held.user, role=role, actor=actor)


@transaction.atomic
def set_skills(*, membership: Membership, skills: Sequence[str], actor: User) -> Membership:
    """What a member can do; rounds may ask for it. Raises DomainError for a skill of more than 40 characters."""
    held = _locked(membership)
    before = list(held.skills)
    held.skills = list(dict.fromkeys(skill.strip() for skill in skills if skill.strip()))
    if any(len(skill) > LONGEST_SKILL for skill in held.skills):
        raise DomainError(
            "A skill is a word or two.", fields={"skills": f"{LONGEST_SKILL} characters at most for each"}
        )
    held.save(update_fields=["skills"])
    record_event(
        actor=actor,
        verb="member.skills",
        target=held.user.email,
        project=held.project.slug,
        before=before,
        after=held.skills,
    )
    return held


@transaction.atomic
def remove_member(*, membership: Membership, actor: User | None, reason: str = "") -> None:
    """Suspend: their labels stay, they don't come back in. Nobody as `actor`: the rules of the project did it."""
    held = _locked(membership)
    if held.role == Role.OWNER:
        _keep_an_owner(held)
    held.status = Membership.Status.SUSPENDED
    held.save(update_fields=["status"])
    record_event(
        actor=actor,
        verb="member.suspended",
        target=held.user.email,
        project=held.project.slug,
        after={"reason": reason} if reason else None,
    )
    _withdraw_links(held, actor)


@transaction.atomic
def reinstate_member(*, membership: Membership, actor: User) -> Membership:
    """Let a suspended member in again, in the role that they had."""
    held = _locked(membership)
    return add_member(project=held.project, user=held.user, role=held.role, actor=actor)


def _locked(membership: Membership) -> Membership:
    """The member as they stand now. Changes of members wait for each other: two owners may both step down.

    Raises DomainError for a labeler who came with a file: nobody stands behind them.
    """
    Project.objects.select_for_update().get(pk=membership.project_id)
    held = Membership.objects.select_related("project", "user").get(pk=membership.pk)
    if held.status == Membership.Status.IMPORTED:
        raise DomainError("This labeler came with a file and has no role to change.", code="imported")
    return held


def _keep_an_owner(membership: Membership) -> None:
    others = membership.project.memberships.filter(role=Role.OWNER, status=Membership.Status.ACTIVE)
    if not others.exclude(pk=membership.pk).exists():
        raise DomainError("A project keeps at least one owner.", code="last_owner")


def _withdraw_links(member: Membership, actor: User | None) -> None:
    """Links that the member could not make any more work no longer, and do not come back with the role."""
    now = timezone.now()
    links = Invitation.objects.open(now).filter(project=member.project_id, invited_by=member.user_id)
    still_usable = Invitation.objects.usable(now).filter(pk__in=links.values("pk"))
    lost = list(links.exclude(pk__in=still_usable.values("pk")).order_by("pk"))
    Invitation.objects.filter(pk__in=[one.pk for one in lost]).update(revoked_at=now)
    for one in lost:
        record_event(
            actor=actor,
            verb="invitation.revoked",
            target=one.role,
            project=member.project.slug,
            after={"invited_by": member.user.email, "reason": "the inviter's rights"},
        )


@transaction.atomic
def invite(*, project: Project, role: str, invited_by: User, days: int = 7, uses: int = 1) -> tuple[Invitation, str]:
    """A link's secret, shown once. Nobody can invite somebody above themselves, nor beyond what they may themselves."""
    inviter = allow(membership_of(invited_by, project), "invite")
    if not Role(inviter.role).covers(Role(role)):
        raise NotAllowed(f"Only {Role(role).label}s can invite {Role(role).label}s.")
    secret = Invitation.new_secret()
    invitation = Invitation.objects.create(
        project=project,
        role=role,
        digest=Invitation.digest_of(secret),
        invited_by=invited_by,
        uses_left=uses,
        expires_at=timezone.now() + timedelta(days=days),
    )
    record_event(actor=invited_by, verb="invitation.created", target=role, project=project.slug)
    return invitation, secret


@transaction.atomic
def revoke_invitation(*, invitation: Invitation, actor: User) -> None:
    """Withdraw a link. Who has joined by it stays."""
    Invitation.objects.filter(pk=invitation.pk, revoked_at=None).update(revoked_at=timezone.now())
    record_event(actor=actor, verb="invitation.revoked", target=invitation.role, project=invitation.project.slug)


@transaction.atomic
def accept_invitation(*, secret: str, user: User) -> Membership:
    """Use the link up by one. A member keeps a role that is higher than the link's."""
    links = Invitation.objects.by_secret(secret).select_related("project").order_by()
    known = links.first()
    if known is not None:
        # Members of a project change one at a time: an inviter does not lose their rights between this look and the use.
        Project.objects.select_for_update().get(pk=known.project_id)
    invitation = links.usable(timezone.now()).select_for_update(of=("self",)).first()
    if invitation is None:
        raise DomainError(INVITATION_IS_OVER, code="invitation")
    present = Membership.objects.filter(project=invitation.project, user=user).first()
    if present is not None and present.status == Membership.Status.SUSPENDED:
        raise NotAllowed("Your membership in this project is suspended.", code="suspended")
    if present is not None and Role(present.role).covers(Role(invitation.role)):
        return present
    Invitation.objects.filter(pk=invitation.pk).update(uses_left=F("uses_left") - 1)
    return add_member(project=invitation.project, user=user, role=invitation.role, actor=invitation.invited_by)


@transaction.atomic
def publish_guidelines(*, project: Project, text: str, author: User | None) -> Guideline:
    """A new version; the same text again is the version that stands.

    Browsers end lines with CR LF and forms cut the ends off: that is no other text.
    """
    text = text.replace("\r\n", "\n").strip()
    Project.objects.select_for_update().get(pk=project.pk)
    latest = project.guidelines.first()
    if latest is not None and latest.text == text:
        return latest
    version = (project.guidelines.aggregate(last=Max("version"))["last"] or 0) + 1
    record_event(actor=author, verb="guidelines.published", target=str(version), project=project.slug)
    return Guideline.objects.create(project=project, version=version, text=text, author=author)

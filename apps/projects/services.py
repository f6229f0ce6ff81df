"""Projects, members, invitations and guidelines."""

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
from apps.core.errors import Conflict, DomainError, NotAllowed
from apps.projects.models import Guideline, Invitation, Membership, Project, Role
from apps.projects.permissions import allow, membership_of

# `projects/new` is a page, so a project with that slug would have no address.
RESERVED_SLUGS = {"new"}

INVITATION_IS_OVER = "This invitation has been used, has expired or was revoked."

LONGEST_SKILL = 40
LONGEST_GUIDELINES = 100_000


@transaction.atomic
def create_project(
    *, slug: str, name: str = "", owner: User | None = None, description: str = "", verifier: str = "math"
) -> Project:
    """Create a project, with an owner if one is given, on behalf of the operator.

    Users create theirs with `found_project`. Raises DomainError naming the field.
    """
    # Imported late: the verifiers load mpmath, and most commands create no project.
    from apps.verifiers.registry import VERIFIERS

    if verifier not in VERIFIERS:
        raise DomainError(
            f"The verifier must be one of {', '.join(VERIFIERS)}.", fields={"verifier": f"unknown: {verifier}"}
        )
    project = Project(slug=slug, name=name or slug, description=description, verifier=verifier)
    _check_names(project)
    try:
        with transaction.atomic():
            project.save(force_insert=True)
    except IntegrityError as error:
        raise DomainError(f"A project {slug} already exists.", code="exists", fields={"slug": "taken"}) from error
    if owner is not None:
        add_member(project=project, user=owner, role=Role.OWNER, actor=owner)
    record_event(actor=owner, verb="project.created", target=slug, project=slug)
    return project


def may_found(user: User) -> bool:
    """Whether the setting PROJECT_FOUNDERS lets this user create projects."""
    if user.is_staff or settings.PROJECT_FOUNDERS == "everyone":
        return True
    if settings.PROJECT_FOUNDERS == "staff":
        return False
    memberships = Membership.objects.filter(user=user)
    if memberships.filter(status=Membership.Status.ACTIVE).exclude(role=Role.LABELER).exists():
        return True
    return not (user.is_invited or memberships.exists())


def check_founder(user: User) -> None:
    """Raises NotAllowed when `may_found` is false."""
    if not may_found(user):
        raise NotAllowed(
            "You may not create projects on this server. Ask its operator or the owner of a project.",
            code="may_not_found",
        )


def found_project(*, founder: User, slug: str, **terms: str) -> Project:
    """Create a project that the founder owns. Raises NotAllowed as `check_founder` does, and DomainError naming the field."""
    check_founder(founder)
    return create_project(slug=slug, owner=founder, **terms)


def _check_names(project: Project) -> None:
    if project.slug in RESERVED_SLUGS:
        raise DomainError(f"The slug {project.slug} is reserved. Choose another.", fields={"slug": "reserved"})
    try:
        project.clean_fields()
    except ValidationError as error:
        fields = {name: texts[0] for name, texts in error.message_dict.items()}
        about_slug = "A slug has 1 to 64 letters, digits, hyphens and underscores."
        raise DomainError(
            about_slug if "slug" in fields else "The name may have at most 200 characters.", fields=fields
        ) from error


@transaction.atomic
def update_project(
    *,
    project: Project,
    name: str,
    description: str,
    actor: User,
    shows_scores: bool | None = None,
    renders_texts: bool | None = None,
) -> Project:
    """Change name, description, whether labelers see their scores, and whether texts are rendered.

    The slug stays: addresses and scripts use it.
    """
    names = ("name", "description", "shows_scores", "renders_texts")
    before = {name: getattr(project, name) for name in names}
    project.name, project.description = name, description
    project.shows_scores = project.shows_scores if shows_scores is None else shows_scores
    project.renders_texts = project.renders_texts if renders_texts is None else renders_texts
    project.save(update_fields=names)
    after = {name: getattr(project, name) for name in names}
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
    """Make the user a member with this role, or change the role."""
    before = Membership.objects.filter(project=project, user=user).values_list("role", flat=True).first()
    membership, _ = Membership.objects.update_or_create(
        project=project, user=user, defaults={"role": Role(role), "status": Membership.Status.ACTIVE}
    )
    record_event(actor=actor, verb="member.set", target=user.email, project=project.slug, before=before, after=role)
    _revoke_links(membership, actor)
    return membership


@transaction.atomic
def add_member_by_email(*, project: Project, email: str, role: str, actor: User) -> Membership:
    """Add a user who is an active member of another of the actor's projects.

    Raises DomainError for everyone else, whether the address has an account or not: no owner can find out which
    addresses have one. Raises Conflict for members.
    """
    Project.objects.select_for_update().get(pk=project.pk)
    if Membership.objects.filter(project=project, user__email__iexact=email).exists():
        raise Conflict(f"{email} is a member already.", code="is_member", fields={"email": "is a member"})
    own = Membership.objects.filter(user=actor, status=Membership.Status.ACTIVE)
    known = Membership.objects.filter(
        project__in=own.values("project"), status=Membership.Status.ACTIVE, user__email__iexact=email
    )
    membership = known.select_related("user").filter(user__is_active=True).first()
    if membership is None:
        raise DomainError(
            f"You share no project with a user {email}: send them an invitation link.",
            code="unknown_user",
            fields={"email": "must be of a user who shares a project with you"},
        )
    return add_member(project=project, user=membership.user, role=role, actor=actor)


@transaction.atomic
def change_role(*, membership: Membership, role: str, actor: User | None) -> Membership:
    """Change a member's role. Raises DomainError for the last owner and for suspended members."""
    current = _locked(membership)
    if current.status == Membership.Status.SUSPENDED:
        raise DomainError(f"{current.user} is suspended. Reinstate them first.", code="suspended")
    if current.role == Role.OWNER and role != Role.OWNER:
        _keep_an_owner(current)
    return add_member(project=current.project, user=current.user, role=role, actor=actor)


@transaction.atomic
def set_skills(*, membership: Membership, skills: Sequence[str], actor: User) -> Membership:
    """Set a member's skills, which rounds can require. Raises DomainError for a skill of more than 40 characters."""
    current = _locked(membership)
    before = list(current.skills)
    current.skills = list(dict.fromkeys(skill.strip() for skill in skills if skill.strip()))
    if any(len(skill) > LONGEST_SKILL for skill in current.skills):
        raise DomainError(
            f"A skill may have at most {LONGEST_SKILL} characters.",
            fields={"skills": f"at most {LONGEST_SKILL} characters each"},
        )
    current.save(update_fields=["skills"])
    record_event(
        actor=actor,
        verb="member.skills",
        target=current.user.email,
        project=current.project.slug,
        before=before,
        after=current.skills,
    )
    return current


@transaction.atomic
def remove_member(*, membership: Membership, actor: User | None, reason: str = "") -> None:
    """Suspend a member. Their labels stay. `actor` is None when the project's rules suspend them."""
    current = _locked(membership)
    if current.role == Role.OWNER:
        _keep_an_owner(current)
    current.status = Membership.Status.SUSPENDED
    current.save(update_fields=["status"])
    record_event(
        actor=actor,
        verb="member.suspended",
        target=current.user.email,
        project=current.project.slug,
        after={"reason": reason} if reason else None,
    )
    _revoke_links(current, actor)


@transaction.atomic
def reinstate_member(*, membership: Membership, actor: User) -> Membership:
    """Reinstate a suspended member with their previous role."""
    current = _locked(membership)
    return add_member(project=current.project, user=current.user, role=current.role, actor=actor)


def _locked(membership: Membership) -> Membership:
    """The membership as it is now, with its project locked: two owners must not step down at once.

    Raises DomainError for the labeler of an imported file, who has no account.
    """
    Project.objects.select_for_update().get(pk=membership.project_id)
    current = Membership.objects.select_related("project", "user").get(pk=membership.pk)
    if current.status == Membership.Status.IMPORTED:
        raise DomainError("This labeler was imported with a file and has no role to change.", code="imported")
    return current


def _keep_an_owner(membership: Membership) -> None:
    owners = membership.project.memberships.filter(role=Role.OWNER, status=Membership.Status.ACTIVE)
    if not owners.exclude(pk=membership.pk).exists():
        raise DomainError("A project must have at least one owner.", code="last_owner")


def _revoke_links(member: Membership, actor: User | None) -> None:
    """Revoke the links that the member could no longer create. They stay revoked if the member gets the role again."""
    now = timezone.now()
    links = Invitation.objects.open(now).filter(project=member.project_id, invited_by=member.user_id)
    if not links.exists():
        return
    still_usable = Invitation.objects.usable(now).filter(pk__in=links.values("pk"))
    revoked = list(links.exclude(pk__in=still_usable.values("pk")).order_by("pk"))
    Invitation.objects.filter(pk__in=[link.pk for link in revoked]).update(revoked_at=now)
    for link in revoked:
        record_event(
            actor=actor,
            verb="invitation.revoked",
            target=link.role,
            project=member.project.slug,
            after={"invited_by": member.user.email, "reason": "the inviter's rights"},
        )


@transaction.atomic
def invite(*, project: Project, role: str, invited_by: User, days: int = 7, uses: int = 1) -> tuple[Invitation, str]:
    """Create an invitation link. Returns it with its secret, which is not stored.

    Raises NotAllowed for a role above the inviter's own.
    """
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
    """Revoke a link. Members who joined with it stay."""
    Invitation.objects.filter(pk=invitation.pk, revoked_at=None).update(revoked_at=timezone.now())
    record_event(actor=actor, verb="invitation.revoked", target=invitation.role, project=invitation.project.slug)


@transaction.atomic
def accept_invitation(*, secret: str, user: User) -> Membership:
    """Join by a link. A member keeps a role that is higher than the link's.

    Raises DomainError for a link that is no longer valid and NotAllowed for suspended members.
    """
    links = Invitation.objects.by_secret(secret).select_related("project").order_by()
    unlocked = links.first()
    if unlocked is not None:
        # Locks the members: the inviter must not lose their rights between this check and the use.
        Project.objects.select_for_update().get(pk=unlocked.project_id)
    invitation = links.usable(timezone.now()).select_for_update(of=("self",)).first()
    if invitation is None:
        raise DomainError(INVITATION_IS_OVER, code="invitation")
    membership = Membership.objects.filter(project=invitation.project, user=user).first()
    if membership is not None and membership.status == Membership.Status.SUSPENDED:
        raise NotAllowed("Your membership in this project is suspended.", code="suspended")
    if membership is not None and Role(membership.role).covers(Role(invitation.role)):
        return membership
    Invitation.objects.filter(pk=invitation.pk).update(uses_left=F("uses_left") - 1)
    return add_member(project=invitation.project, user=user, role=invitation.role, actor=invitation.invited_by)


@transaction.atomic
def publish_guidelines(*, project: Project, text: str, author: User | None) -> Guideline:
    """Publish a new version, unless the text equals the latest one. Line ends and outer spaces do not matter."""
    text = text.replace("\r\n", "\n").strip()
    Project.objects.select_for_update().get(pk=project.pk)
    latest = project.guidelines.first()
    if latest is not None and latest.text == text:
        return latest
    version = (project.guidelines.aggregate(last=Max("version"))["last"] or 0) + 1
    record_event(actor=author, verb="guidelines.published", target=str(version), project=project.slug)
    return Guideline.objects.create(project=project, version=version, text=text, author=author)

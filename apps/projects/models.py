"""Projects, their members, guidelines and invitations."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class Role(models.TextChoices):
    """Each role includes the ones before it."""

    LABELER = "labeler", "labeler"
    REVIEWER = "reviewer", "reviewer"
    MANAGER = "manager", "manager"
    OWNER = "owner", "owner"

    @property
    def rank(self) -> int:
        return list(Role).index(self)

    def covers(self, needed: Role) -> bool:
        return self.rank >= needed.rank


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: User) -> Self:
        """Projects in which the user is an active member."""
        return self.filter(memberships__user=user, memberships__status=Membership.Status.ACTIVE)

    def named(self, slug: str) -> Project:
        """For commands, which have no signed-in user. Raises DomainError when there is no such project."""
        project = self.filter(slug=slug).first()
        if project is None:
            raise DomainError(f"There is no project {slug!r}.", code="not_found", fields={"project": "unknown"})
        return project


class Project(models.Model):
    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    verifier = models.CharField(max_length=20, default="math", help_text="For problems that name none.")
    shows_scores = models.BooleanField(default=False, help_text="Labelers see their agreement with gold.")
    renders_texts = models.BooleanField(
        default=True, help_text="Pages render Markdown and code in problems and solutions, not formulas alone."
    )
    created_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True, blank=True, help_text="Set while it is archived: lists leave it out.")

    objects = ProjectQuerySet.as_manager()

    if TYPE_CHECKING:
        memberships: RelatedManager[Membership]
        guidelines: RelatedManager[Guideline]
        invitations: RelatedManager[Invitation]

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


def new_pseudonym() -> str:
    return str(uuid.uuid4())


class MembershipQuerySet(models.QuerySet["Membership"]):
    def pseudonyms(self) -> dict[int, str]:
        """By user id: the name under which a member's labels are exported."""
        return dict(self.values_list("user_id", "pseudonym"))


class Membership(models.Model):
    """A user's role in a project, and the pseudonym under which their labels are exported."""

    class Status(models.TextChoices):
        ACTIVE = "active", "active"
        SUSPENDED = "suspended", "suspended"
        IMPORTED = "imported", "imported with a file"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.LABELER)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    pseudonym = models.CharField(max_length=200, default=new_pseudonym, help_text="The labeler's name in exports.")
    skills = ArrayField(models.CharField(max_length=40), default=list, blank=True, help_text="Rounds may require them.")
    joined_at = models.DateTimeField(default=timezone.now)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="one_membership_per_project_and_user"),
            models.UniqueConstraint(fields=["project", "pseudonym"], name="one_pseudonym_per_project"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role}) in {self.project}"


class Guideline(models.Model):
    """Instructions for labelers, in Markdown. Each change is a new version; labels keep the version they were made under."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="guidelines")
    version = models.PositiveIntegerField()
    text = models.TextField()
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["project", "version"], name="one_guideline_per_version")]

    def __str__(self) -> str:
        return f"guidelines of {self.project}, version {self.version}"


# The lowest role that may invite.
INVITER = Role.MANAGER


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, at: datetime) -> Self:
        """Not used up, expired or revoked."""
        return self.filter(uses_left__gt=0, expires_at__gt=at, revoked_at=None)

    def usable(self, at: datetime) -> Self:
        """Open, and of an inviter who could create the same link now."""
        covered = Q()
        for role in Role:
            needed = max(role, INVITER, key=lambda candidate: candidate.rank)
            covered |= Q(role=role) & Q(Exists(_inviting([inviter for inviter in Role if inviter.covers(needed)])))
        return self.open(at).filter(covered)

    def by_secret(self, secret: str) -> Self:
        return self.filter(digest=Invitation.digest_of(secret))

    def opens(self, secret: str) -> bool:
        """Whether this secret is valid now."""
        return self.by_secret(secret).usable(timezone.now()).exists()


def _inviting(roles: Sequence[Role]) -> models.QuerySet[Membership]:
    """The inviter's membership, if it is active with one of these roles."""
    return Membership.objects.filter(
        project=OuterRef("project"),
        user=OuterRef("invited_by"),
        user__is_active=True,
        status=Membership.Status.ACTIVE,
        role__in=roles,
    )


class Invitation(models.Model):
    """A link by which people join a project. Only its hash is stored."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=Role, default=Role.LABELER)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    uses_left = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.role} in {self.project}, {self.uses_left} uses left"

    @staticmethod
    def new_secret() -> str:
        return secrets.token_urlsafe(24)

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()

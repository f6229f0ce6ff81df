"""A body of work, the people in it, and what they are told."""

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
    """Each role may do all that the ones before it may."""

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
        """Projects in which the user is an active member. The only way in for pages and the API."""
        return self.filter(memberships__user=user, memberships__status=Membership.Status.ACTIVE)

    def named(self, slug: str) -> Project:
        """For commands, which nobody signs in to. Raises DomainError when there is none."""
        found = self.filter(slug=slug).first()
        if found is None:
            raise DomainError(f"There is no project {slug!r}.", code="not_found", fields={"project": "unknown"})
        return found


class Project(models.Model):
    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    verifier = models.CharField(max_length=20, default="math", help_text="Used where a problem names none.")
    shows_scores = models.BooleanField(default=False, help_text="Labelers see how they agree with gold.")
    created_at = models.DateTimeField(default=timezone.now)

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
        """By user id: under which name each one's labels leave the project."""
        return dict(self.values_list("user_id", "pseudonym"))


class Membership(models.Model):
    """A user's role in a project, and the name under which their labels leave it."""

    class Status(models.TextChoices):
        ACTIVE = "active", "active"
        SUSPENDED = "suspended", "suspended"
        IMPORTED = "imported", "came with a file"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.LABELER)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    pseudonym = models.CharField(
        max_length=200, default=new_pseudonym, help_text="Exports name the labeler so, never by e-mail."
    )
    skills = ArrayField(models.CharField(max_length=40), default=list, blank=True, help_text="Rounds may ask for them.")
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
    """What labelers are told, in Markdown. A change is a new version; labels keep theirs."""

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


# The role from which on a member may invite.
INVITER = Role.MANAGER


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, at: datetime) -> Self:
        """Neither used up, nor expired, nor withdrawn."""
        return self.filter(uses_left__gt=0, expires_at__gt=at, revoked_at=None)

    def usable(self, at: datetime) -> Self:
        """Open, and of somebody who could make the same link now: a link gives nothing that its inviter has not."""
        covered = Q()
        for role in Role:
            needed = max(role, INVITER, key=lambda one: one.rank)
            covered |= Q(role=role) & Q(Exists(_inviting([one for one in Role if one.covers(needed)])))
        return self.open(at).filter(covered)

    def by_secret(self, secret: str) -> Self:
        return self.filter(digest=Invitation.digest_of(secret))

    def opens(self, secret: str) -> bool:
        """Whether somebody who holds this secret is let in by it, now."""
        return self.by_secret(secret).usable(timezone.now()).exists()


def _inviting(roles: Sequence[Role]) -> models.QuerySet[Membership]:
    """The inviter's membership, where they are active in one of these roles."""
    return Membership.objects.filter(
        project=OuterRef("project"),
        user=OuterRef("invited_by"),
        user__is_active=True,
        status=Membership.Status.ACTIVE,
        role__in=roles,
    )


class Invitation(models.Model):
    """A link that makes whoever opens it a member. Only its hash is kept."""

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

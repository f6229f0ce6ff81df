"""Served language models."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.inference.addresses import AddressGuard, is_entry_of
from apps.inference.encryption import decrypt
from apps.inference.prompts import DEFAULT_STOPS
from apps.inference.transports import TRANSPORTS
from apps.inference.types import Server
from apps.projects.models import Project


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def usable_in(self, project: Project) -> Self:
        """Its own, and those of the installation that the operator has granted to it by name, or to all."""
        granted = Endpoint.granted_to.through.objects.filter(project=project)
        shared = Q(for_all=True) | Q(pk__in=granted.values("endpoint_id"))
        return self.filter(Q(project=project) | (Q(project=None) & shared))

    def named(self, name: str, project: Project) -> Endpoint:
        """The project's own of this name before the one for all. Raises DomainError when there is none."""
        found = self.usable_in(project).filter(name=name).order_by(models.F("project").asc(nulls_last=True)).first()
        if found is None:
            raise DomainError(
                f"There is no endpoint {name!r} for {project.slug}, neither its own nor one granted to it.",
                code="not_found",
                fields={"endpoint": "unknown"},
            )
        return found


class Endpoint(models.Model):
    """An OpenAI-compatible URL with a model behind it, and what is known of how to ask it."""

    project = models.ForeignKey(
        Project,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="endpoints",
        help_text="Empty: one of the installation.",
    )
    for_all = models.BooleanField(
        default=False, help_text="The operator lets every project use it, those of tomorrow too."
    )
    granted_to = models.ManyToManyField(
        Project,
        blank=True,
        related_name="granted_endpoints",
        help_text="Of one of the installation: projects that may use it.",
    )
    vouched_address = models.CharField(
        max_length=300,
        blank=True,
        default="",
        editable=False,
        help_text="Host and port that the operator named at the shell, wherever they are.",
    )
    name = models.CharField(max_length=60)
    url = models.CharField(max_length=500, help_text="Ends before /completions: http://127.0.0.1:8080/v1")
    model = models.CharField(max_length=200)
    sealed_key = models.TextField(blank=True, default="", editable=False)
    transport = models.CharField(
        max_length=20, default="completions", choices=[(one.name, one.title) for one in TRANSPORTS.values()]
    )
    max_in_flight = models.PositiveIntegerField(default=64, help_text="Requests at once, of all workers together.")
    timeout_s = models.FloatField(default=300, help_text="Seconds that one request may take.")
    system_prompt = models.TextField(blank=True, default="")
    problem_template = models.TextField(
        default="{problem}\n\n", help_text="How a problem is put; {problem} stands for its statement."
    )
    prefix_end = models.CharField(
        max_length=20,
        blank=True,
        default="",
        help_text="What follows the last step of a prefix. Most models want nothing.",
    )
    stop = models.JSONField(default=list, blank=True, help_text="Texts that end a completion, as a list.")
    sends_extras = models.BooleanField(default=True, help_text="It takes top_k and min_p, as open servers do.")
    price_in = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, blank=True, help_text="Of a million prompt tokens."
    )
    price_out = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, blank=True, help_text="Of a million tokens written."
    )
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    # What the last check and the last run have found out.
    checked_at = models.DateTimeField(null=True, blank=True)
    check_error = models.TextField(blank=True, default="")
    counts_first_only = models.BooleanField(default=False, help_text="Its usage counts the first choice only.")
    most_choices = models.PositiveIntegerField(null=True, blank=True, help_text="Choices that one request may ask for.")
    refused_settings = models.JSONField(
        default=list, blank=True, help_text="Settings of sampling that it does not take."
    )
    echoes_prefill = models.BooleanField(
        null=True, blank=True, help_text="Its reply begins with the prefilled text. Empty: not known."
    )
    rollouts_per_s = models.FloatField(null=True, blank=True, help_text="As measured by the last run.")

    objects = EndpointQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="one_endpoint_per_name", nulls_distinct=False),
            models.CheckConstraint(condition=Q(max_in_flight__gte=1), name="endpoint_takes_a_request"),
            models.CheckConstraint(condition=Q(timeout_s__gt=0), name="endpoint_has_time"),
        ]

    def __str__(self) -> str:
        return self.name

    def is_usable_in(self, project: Project) -> bool:
        return Endpoint.objects.usable_in(project).filter(pk=self.pk).exists()

    @property
    def has_key(self) -> bool:
        return bool(self.sealed_key)

    @property
    def is_vouched(self) -> bool:
        """Whether the operator has named the address that the URL leads to now."""
        return is_entry_of(self.vouched_address, self.url)

    def guard(self) -> AddressGuard:
        """Outside the public internet: the operator's list, and the address that the operator gave this one."""
        return AddressGuard(self.url, settings.ENDPOINT_ALLOWED_ADDRESSES, is_vouched=self.is_vouched)

    def server(self) -> Server:
        """For the client. Raises DomainError when the stored key cannot be read."""
        return Server(
            url=self.url,
            model=self.model,
            api_key=decrypt(self.sealed_key),
            transport=self.transport,
            timeout_s=self.timeout_s,
            counts_first_only=self.counts_first_only,
            most_choices=self.most_choices,
            refused_settings=frozenset(self.refused_settings),
            echoes_prefill=self.echoes_prefill,
            allowed_addresses=tuple(settings.ENDPOINT_ALLOWED_ADDRESSES),
            is_vouched=self.is_vouched,
        )

    @property
    def stop_texts(self) -> list[str]:
        """Its own, else those that keep a completer from a question of its own: chat models end by themselves."""
        return self.stop or (list(DEFAULT_STOPS) if self.transport == "completions" else [])

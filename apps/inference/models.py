"""Endpoints: served language models."""

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
        """The project's own endpoints, and those of the installation that are granted to it or to all; none archived.

        The project's own come first, then the oldest: forms begin with the first one.
        """
        usable = self.seen_in(project).filter(archived_at=None)
        return usable.order_by(models.F("project").asc(nulls_last=True), "pk")

    def seen_in(self, project: Project) -> Self:
        """As `usable_in`, those that are archived included."""
        granted = Endpoint.granted_to.through.objects.filter(project=project)
        shared = Q(for_all=True) | Q(pk__in=granted.values("endpoint_id"))
        return self.filter(Q(project=project) | (Q(project=None) & shared))

    def first_judge(self) -> Endpoint | None:
        """The one that forms of judges begin with: the first whose model has a prompt of its own, else the first."""
        return self.exclude(judge_prompt="").first() or self.first()

    def named(self, name: str, project: Project) -> Endpoint:
        """The project's own endpoint of this name, else the installation's. Raises DomainError if there is neither."""
        endpoint = self.usable_in(project).filter(name=name).first()
        if endpoint is None:
            raise DomainError(
                f"{project.slug} has no endpoint {name!r}, neither its own nor a granted one.",
                code="not_found",
                fields={"endpoint": "unknown"},
            )
        return endpoint


class Endpoint(models.Model):
    """A model at an OpenAI-compatible URL, with the settings for requests to it."""

    project = models.ForeignKey(
        Project,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="endpoints",
        help_text="Empty: an endpoint of the installation.",
    )
    for_all = models.BooleanField(default=False, help_text="Every project may use it, including future ones.")
    granted_to = models.ManyToManyField(
        Project,
        blank=True,
        related_name="granted_endpoints",
        help_text="For an endpoint of the installation: projects that may use it.",
    )
    vouched_address = models.CharField(
        max_length=300,
        blank=True,
        default="",
        editable=False,
        help_text="Host and port that the operator chose at the shell, on any network.",
    )
    name = models.CharField(max_length=60)
    url = models.CharField(max_length=500, help_text="Ends before /completions: http://127.0.0.1:8080/v1")
    model = models.CharField(max_length=200)
    encrypted_key = models.TextField(blank=True, default="", editable=False)
    transport = models.CharField(
        max_length=20,
        default="completions",
        choices=[(transport.name, transport.title) for transport in TRANSPORTS.values()],
    )
    max_in_flight = models.PositiveIntegerField(default=64, help_text="Concurrent requests of all workers together.")
    timeout_s = models.FloatField(default=300, help_text="Time limit of one request, in seconds.")
    system_prompt = models.TextField(blank=True, default="")
    problem_template = models.TextField(
        default="{problem}\n\n", help_text="The prompt; {problem} is replaced by the problem's statement."
    )
    prefix_end = models.CharField(
        max_length=20,
        blank=True,
        default="",
        help_text="Text after the last step of a prefix. Most models need none.",
    )
    stop = models.JSONField(default=list, blank=True, help_text="Texts that end a completion.")
    sends_extras = models.BooleanField(
        default=True, help_text="Whether it accepts top_k and min_p, as open servers do."
    )
    judge_prompt = models.CharField(
        max_length=100, blank=True, default="", help_text="The prompt for which the model was trained as a judge."
    )
    price_in = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, blank=True, help_text="Per million prompt tokens."
    )
    price_out = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, blank=True, help_text="Per million completion tokens."
    )
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True, blank=True, help_text="Set while it is archived: lists leave it out.")

    # Found by the last check and the last run.
    checked_at = models.DateTimeField(null=True, blank=True)
    check_error = models.TextField(blank=True, default="")
    counts_first_only = models.BooleanField(default=False, help_text="Whether its usage counts only the first choice.")
    most_choices = models.PositiveIntegerField(
        null=True, blank=True, help_text="Most choices per request. Empty: unknown."
    )
    refused_settings = models.JSONField(default=list, blank=True, help_text="Sampling settings that it refuses.")
    echoes_prefill = models.BooleanField(
        null=True, blank=True, help_text="Whether its reply begins with the prefilled text. Empty: unknown."
    )
    rollouts_per_s = models.FloatField(null=True, blank=True, help_text="Measured by the last run.")

    objects = EndpointQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="one_endpoint_per_name", nulls_distinct=False),
            models.CheckConstraint(condition=Q(max_in_flight__gte=1), name="max_in_flight_at_least_1"),
            models.CheckConstraint(condition=Q(timeout_s__gt=0), name="timeout_positive"),
        ]

    def __str__(self) -> str:
        return self.name

    def is_usable_in(self, project: Project) -> bool:
        return Endpoint.objects.usable_in(project).filter(pk=self.pk).exists()

    @property
    def has_key(self) -> bool:
        return bool(self.encrypted_key)

    @property
    def has_prices(self) -> bool:
        """Whether costs are known."""
        return self.price_in is not None or self.price_out is not None

    @property
    def is_vouched(self) -> bool:
        """Whether the operator chose the address of the current URL."""
        return is_entry_of(self.vouched_address, self.url)

    def guard(self) -> AddressGuard:
        """Allows, outside the public internet, the addresses in the setting and the one that the operator chose."""
        return AddressGuard(self.url, settings.ENDPOINT_ALLOWED_ADDRESSES, is_vouched=self.is_vouched)

    def server(self) -> Server:
        """The client's view of it. Raises DomainError if the stored key cannot be decrypted."""
        return Server(
            url=self.url,
            model=self.model,
            api_key=decrypt(self.encrypted_key),
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
        """Its own stop texts, else the defaults for completers. Chat models end by themselves."""
        return self.stop or (list(DEFAULT_STOPS) if self.transport == "completions" else [])

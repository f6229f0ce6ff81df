"""Services of endpoints: add, change and check."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import Conflict, DomainError
from apps.inference.addresses import REFUSAL, AddressRefused, address_entry, host_and_port
from apps.inference.client import Client
from apps.inference.encryption import encrypt
from apps.inference.errors import EndpointFailure, RequestRefused
from apps.inference.models import Endpoint
from apps.inference.prompts import Template
from apps.inference.transports import TRANSPORTS
from apps.inference.transports.prefill import PROBE
from apps.inference.types import ModelResponse, SamplingParameters
from apps.projects.models import Project

CHECK_WITHIN_S = 20.0
CHECK_TOKENS = 8
EXTRAS = frozenset({"top_k", "min_p"})
log = logging.getLogger(__name__)
# By the code of the failure. What the server wrote is not repeated: it may be the text of another service.
CHECK_ERROR_TEXTS = {
    "failed": "The endpoint does not respond like a model server.",
    "unreachable": "The endpoint cannot be reached, or does not respond in time.",
    "overloaded": "The endpoint responds with a server error (5xx).",
    "too_many": "The endpoint asks for fewer requests (429).",
    "key_refused": "The endpoint refuses the key (401, 402 or 403).",
    "not_served": "There is no such path or model at this address (404, or a redirect).",
    "refused": "The endpoint refuses the request (4xx): it may not know a setting, or not accept texts of this kind.",
    "prompt_too_long": "The endpoint refuses a short prompt as too long: its context is smaller than what a run may write.",
    "setting_refused": "The endpoint refuses a setting that every run needs.",
    "unreadable": "The endpoint responds with something that is not a completion in JSON.",
    "address_not_allowed": REFUSAL,
}
# Settings besides name, URL, model and key.
SETTINGS = (
    "transport",
    "max_in_flight",
    "timeout_s",
    "system_prompt",
    "problem_template",
    "prefix_end",
    "stop",
    "sends_extras",
    "price_in",
    "price_out",
)


@transaction.atomic
def add_endpoint(
    *,
    name: str,
    url: str,
    model: str,
    project: Project | None = None,
    api_key: str = "",
    created_by: User | None = None,
    settings: Mapping[str, Any] | None = None,
    is_vouched: bool = False,
) -> Endpoint:
    """Add an endpoint to the project, or to the installation, where no project may use it until it is granted.

    `is_vouched`: the operator chose the URL, which may lead to any address. Raises DomainError with the name of an invalid
    field, and Conflict if the name is taken.
    """
    endpoint = Endpoint(project=project, name=name.strip(), model=model.strip(), created_by=created_by)
    if is_vouched:
        endpoint.vouched_address = address_entry(checked_url(url))
    _apply(endpoint, url=url, api_key=api_key, settings=settings or {})
    try:
        with transaction.atomic():
            endpoint.save()
    except IntegrityError as error:
        raise Conflict(f"The endpoint {name!r} exists already.", code="exists", fields={"name": "taken"}) from error
    record_event(actor=created_by, verb="endpoint.added", target=endpoint.name, project=project.slug if project else "")
    return endpoint


@transaction.atomic
def change_endpoint(
    *,
    endpoint: Endpoint,
    url: str,
    model: str,
    actor: User,
    api_key: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Endpoint:
    """`api_key` None keeps the stored key, "" deletes it. Raises DomainError if the host changes and no key is passed."""
    url = checked_url(url)
    moved = urlsplit(url).netloc != urlsplit(endpoint.url).netloc
    if moved and endpoint.has_key and api_key is None:
        raise DomainError(
            "The address has changed: enter the key again.", fields={"api_key": "required for a new address"}
        )
    endpoint.model = model.strip()
    endpoint.checked_at, endpoint.check_error, endpoint.most_choices = None, "", None
    endpoint.refused_settings, endpoint.echoes_prefill = [], None
    _apply(endpoint, url=url, api_key=api_key, settings=settings or {})
    endpoint.save()
    project = endpoint.project.slug if endpoint.project else ""
    record_event(actor=actor, verb="endpoint.changed", target=endpoint.name, project=project)
    return endpoint


def _apply(endpoint: Endpoint, *, url: str, api_key: str | None, settings: Mapping[str, Any]) -> None:
    endpoint.url = checked_url(url)
    if not endpoint.is_vouched:
        endpoint.vouched_address = ""
    check_address(endpoint)
    if api_key is not None:
        endpoint.encrypted_key = encrypt(api_key.strip())
    for name, value in settings.items():
        if name not in SETTINGS:
            raise DomainError(f"Unknown endpoint setting {name!r}.", fields={name: "unknown"})
        setattr(endpoint, name, value)
    _check_texts(endpoint)
    try:
        endpoint.clean_fields()
    except ValidationError as error:
        fields = {name: " ".join(messages) for name, messages in error.message_dict.items()}
        raise DomainError("Some endpoint settings are invalid.", fields=fields) from error


def check_address(endpoint: Endpoint) -> None:
    """Raise DomainError if the URL holds an IP address that is not allowed. Names are checked when connecting."""
    try:
        endpoint.guard().check_literal()
    except AddressRefused as error:
        raise DomainError(REFUSAL, code="address_not_allowed", fields={"url": "not an allowed address"}) from error


def checked_url(url: str) -> str:
    """The URL without a trailing path of the API. Raises DomainError if it is not a valid base URL."""
    url = url.strip().rstrip("/")
    try:
        parts, (host, port) = urlsplit(url), host_and_port(url)
    except ValueError:
        is_base_url = False
    else:
        is_plain = not (parts.query or parts.fragment or "@" in parts.netloc)
        is_base_url = parts.scheme in ("http", "https") and is_plain and bool(host) and port > 0
    if not is_base_url:
        raise DomainError(
            "The URL must look like http://127.0.0.1:8080/v1 or https://host/v1, without a password or a query.",
            fields={"url": "not a base URL"},
        )
    for ending in ("/chat/completions", "/completions"):
        url = url.removesuffix(ending)
    return url


def _check_texts(endpoint: Endpoint) -> None:
    if "{problem}" not in endpoint.problem_template:
        raise DomainError(
            "The problem template must contain {problem}.", fields={"problem_template": "must contain {problem}"}
        )
    if not isinstance(endpoint.stop, list) or not all(isinstance(text, str) and text for text in endpoint.stop):
        raise DomainError("`stop` must be a list of texts.", fields={"stop": "must be a list of texts"})
    for name in ("price_in", "price_out"):
        price = getattr(endpoint, name)
        if price is not None and Decimal(price) < 0:
            raise DomainError(f"`{name}` must be at least 0.", fields={name: "must be at least 0"})


def check_endpoint(*, endpoint: Endpoint, at: datetime | None = None) -> Endpoint:
    """Request a few tokens and store what the endpoint supports, or its failure. Takes seconds: not in a transaction."""
    try:
        findings = asyncio.run(_probe(endpoint))
        error = ""
    except (EndpointFailure, DomainError) as failure:
        log.info("The check of endpoint %s failed: %s", endpoint.pk, failure)
        findings = {}
        if isinstance(failure, DomainError):
            error = failure.message
        else:
            error = CHECK_ERROR_TEXTS.get(failure.code, CHECK_ERROR_TEXTS["failed"])
    changes = {"checked_at": at or timezone.now(), "check_error": error} | findings
    Endpoint.objects.filter(pk=endpoint.pk).update(**changes)
    endpoint.refresh_from_db()
    return endpoint


async def _probe(endpoint: Endpoint) -> dict[str, Any]:
    """Send one request for two choices, both cut, with the transport and settings of a run. Returns fields of Endpoint.

    It shows whether the server accepts `n`, whose tokens it counts, which settings it refuses, and whether it repeats a
    prefilled message. After a refusal that names no setting, the request is repeated without top_k and min_p.
    """
    server = replace(endpoint.server(), refused_settings=frozenset(), echoes_prefill=None)
    findings: dict[str, Any] = {}
    try:
        async with asyncio.timeout(CHECK_WITHIN_S), Client(server, attempts=2) as client:
            try:
                response = await _two_choices(client, endpoint, extras=endpoint.sends_extras)
            except RequestRefused:
                if not endpoint.sends_extras:
                    raise
                response = await _two_choices(client, endpoint, extras=False)
                findings["sends_extras"] = False
    except TimeoutError as error:
        raise DomainError(f"The endpoint did not respond within {CHECK_WITHIN_S:g} s.") from error
    if client.refused_settings & EXTRAS:
        findings["sends_extras"] = False
    findings["refused_settings"] = sorted(client.refused_settings - EXTRAS)
    findings["echoes_prefill"] = client.echoes_prefill
    both_cut = len(response.choices) == 2 and all(choice.is_cut for choice in response.choices)
    completion_tokens = response.usage.completion_tokens
    findings["most_choices"] = 1 if len(response.choices) == 1 else None
    if both_cut and not server.counts_first_only and not response.usage.is_estimated:
        findings["counts_first_only"] = completion_tokens <= CHECK_TOKENS
    return findings


async def _two_choices(client: Client, endpoint: Endpoint, *, extras: bool) -> ModelResponse:
    template = Template(endpoint.problem_template, endpoint.system_prompt, endpoint.prefix_end)
    prefix = PROBE.prefix if TRANSPORTS[endpoint.transport].prefills else "1 + 1 ="
    sampling = SamplingParameters(max_tokens=CHECK_TOKENS, stop=tuple(endpoint.stop_texts), extras=extras)
    return await client.complete(template.prompt(PROBE.problem, [prefix], "\n"), sampling, n=2)


def save_learned_settings(*, endpoint: Endpoint, client: Client) -> None:
    """Store what a run has learned about the endpoint, for the next one."""
    learned = {
        "refused_settings": sorted(client.refused_settings),
        "echoes_prefill": client.echoes_prefill,
    }
    changes = {name: value for name, value in learned.items() if getattr(endpoint, name) != value}
    if changes:
        Endpoint.objects.filter(pk=endpoint.pk, url=endpoint.url, transport=endpoint.transport).update(**changes)

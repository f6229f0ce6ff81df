"""Registering endpoints and asking whether they work."""

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
from apps.inference.types import Answer, Sampling
from apps.projects.models import Project

CHECK_WITHIN_S = 20.0
CHECK_TOKENS = 8
EXTRAS = frozenset({"top_k", "min_p"})
log = logging.getLogger(__name__)
# By the code of the failure.
CHECK_WORDS = {
    "failed": "The endpoint does not answer as a model server does.",
    "unreachable": "The endpoint cannot be reached, or does not answer in time.",
    "overloaded": "The endpoint answers with an error of its own (5xx).",
    "too_many": "The endpoint asks for fewer requests (429).",
    "key_refused": "The endpoint does not take the key (401, 402 or 403).",
    "not_served": "There is no such path or model at this address (404, or a redirect).",
    "refused": "The endpoint refuses the request (4xx): it may not know a setting, or take no texts of this kind.",
    "prompt_too_long": "The endpoint refuses a short prompt as too long: its context is smaller than what a run may write.",
    "setting_refused": "The endpoint refuses a setting without which a run cannot do.",
    "unreadable": "The endpoint answers with something that is not a completion in JSON.",
    "address_not_allowed": REFUSAL,
}
# What may be set besides name, URL, model and key.
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
    """One of the installation without a project: then nobody may use it until it is granted.

    `is_vouched`: the operator names the URL, which may lead anywhere. Raises DomainError that names the field, and
    Conflict when the name is taken.
    """
    endpoint = Endpoint(project=project, name=name.strip(), model=model.strip(), created_by=created_by)
    if is_vouched:
        endpoint.vouched_address = address_entry(checked_url(url))
    _apply(endpoint, url=url, api_key=api_key, settings=settings or {})
    try:
        with transaction.atomic():
            endpoint.save()
    except IntegrityError as error:
        raise Conflict(f"There is an endpoint {name!r} already.", code="exists", fields={"name": "taken"}) from error
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
    """`api_key` None keeps the stored one, "" forgets it. A key is never sent to another host than it was given for."""
    url = checked_url(url)
    moved = urlsplit(url).netloc != urlsplit(endpoint.url).netloc
    if moved and endpoint.has_key and api_key is None:
        raise DomainError(
            "The address has changed: enter the key again.", fields={"api_key": "needed for a new address"}
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
        endpoint.sealed_key = encrypt(api_key.strip())
    for name, value in settings.items():
        if name not in SETTINGS:
            raise DomainError(f"An endpoint has no setting {name!r}.", fields={name: "unknown"})
        setattr(endpoint, name, value)
    _check_texts(endpoint)
    try:
        endpoint.clean_fields()
    except ValidationError as error:
        fields = {name: " ".join(told) for name, told in error.message_dict.items()}
        raise DomainError("The endpoint cannot be so.", fields=fields) from error


def check_address(endpoint: Endpoint) -> None:
    """Refuse an address in the URL at once. A name is checked when connecting: what it stands for may change."""
    try:
        endpoint.guard().check_literal()
    except AddressRefused as error:
        raise DomainError(REFUSAL, code="address_not_allowed", fields={"url": "not an allowed address"}) from error


def checked_url(url: str) -> str:
    """Raises DomainError for what is no base URL, its port too."""
    url = url.strip().rstrip("/")
    if not _is_base_url(url):
        raise DomainError(
            "The URL should be as http://127.0.0.1:8080/v1 or https://host/v1, without a password or a query.",
            fields={"url": "not a base URL"},
        )
    for ending in ("/chat/completions", "/completions"):
        url = url.removesuffix(ending)
    return url


def _is_base_url(url: str) -> bool:
    try:
        parts, (host, port) = urlsplit(url), host_and_port(url)
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    return parts.scheme in ("http", "https") and is_plain and bool(host) and port > 0


def _check_texts(endpoint: Endpoint) -> None:
    if "{problem}" not in endpoint.problem_template:
        raise DomainError("The problem template lacks {problem}.", fields={"problem_template": "lacks {problem}"})
    if not isinstance(endpoint.stop, list) or not all(isinstance(one, str) and one for one in endpoint.stop):
        raise DomainError("Stop texts are a list of texts.", fields={"stop": "not a list of texts"})
    for name in ("price_in", "price_out"):
        price = getattr(endpoint, name)
        if price is not None and Decimal(price) < 0:
            raise DomainError("A price is not below 0.", fields={name: "below 0"})


def check_endpoint(*, endpoint: Endpoint, at: datetime | None = None) -> Endpoint:
    """Ask it for a few tokens and keep what it can do, or why it cannot. Takes seconds; no transaction is open."""
    try:
        found = asyncio.run(_probe(endpoint))
        error = ""
    except (EndpointFailure, DomainError) as failure:
        log.info("The check of endpoint %s failed: %s", endpoint.pk, failure)
        found, error = {}, check_words(failure)
    kept = {"checked_at": at or timezone.now(), "check_error": error} | found
    Endpoint.objects.filter(pk=endpoint.pk).update(**kept)
    endpoint.refresh_from_db()
    return endpoint


def check_words(failure: EndpointFailure | DomainError) -> str:
    """What a failed check tells: our own words. What the server wrote may be another service's, and is not repeated."""
    if isinstance(failure, DomainError):
        return failure.message
    return CHECK_WORDS.get(failure.code, CHECK_WORDS["failed"])


async def _probe(endpoint: Endpoint) -> dict[str, Any]:
    """One request for two choices that both are cut, with the transport and the settings of a run.

    What it finds out: whether the server takes `n`, whose tokens it counts, which settings it does not know, and
    whether it repeats a prefilled message. A refusal that names no setting is asked once more without top_k and min_p.
    """
    server = replace(endpoint.server(), refused_settings=frozenset(), echoes_prefill=None)
    found: dict[str, Any] = {}
    try:
        async with asyncio.timeout(CHECK_WITHIN_S), Client(server, attempts=2) as client:
            try:
                answer = await _two_choices(client, endpoint, extras=endpoint.sends_extras)
            except RequestRefused:
                if not endpoint.sends_extras:
                    raise
                answer = await _two_choices(client, endpoint, extras=False)
                found["sends_extras"] = False
    except TimeoutError as error:
        raise DomainError(f"The endpoint did not answer within {CHECK_WITHIN_S:g} s.") from error
    if client.refused_settings & EXTRAS:
        found["sends_extras"] = False
    found["refused_settings"] = sorted(client.refused_settings - EXTRAS)
    found["echoes_prefill"] = client.echoes_prefill
    both_cut = len(answer.choices) == 2 and all(choice.is_cut for choice in answer.choices)
    counted = answer.usage.completion_tokens
    found["most_choices"] = 1 if len(answer.choices) == 1 else None
    if both_cut and not server.counts_first_only and not answer.usage.is_estimated:
        found["counts_first_only"] = counted <= CHECK_TOKENS
    return found


async def _two_choices(client: Client, endpoint: Endpoint, *, extras: bool) -> Answer:
    template = Template(endpoint.problem_template, endpoint.system_prompt, endpoint.prefix_end)
    prefix = PROBE.prefix if TRANSPORTS[endpoint.transport].prefills else "1 + 1 ="
    sampling = Sampling(max_tokens=CHECK_TOKENS, stop=tuple(endpoint.stop_texts), extras=extras)
    return await client.complete(template.prompt(PROBE.problem, [prefix], "\n"), sampling, n=2)


def remember_learned(*, endpoint: Endpoint, client: Client) -> None:
    """Keep what a run found out of how to ask this endpoint, for the next one."""
    learned = {
        "refused_settings": sorted(client.refused_settings),
        "echoes_prefill": client.echoes_prefill,
    }
    changes = {name: value for name, value in learned.items() if getattr(endpoint, name) != value}
    if changes:
        Endpoint.objects.filter(pk=endpoint.pk, url=endpoint.url, transport=endpoint.transport).update(**changes)


@transaction.atomic
def remove_endpoint(*, endpoint: Endpoint, actor: User) -> None:
    """Runs that used it keep their results; one that is not over pauses when it comes to ask."""
    project = endpoint.project.slug if endpoint.project else ""
    record_event(actor=actor, verb="endpoint.removed", target=endpoint.name, project=project)
    endpoint.delete()

"""The docs name everything that there is: settings, commands, routes, formats, protocols, policy keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.urls import get_resolver
from msgspec.structs import fields

from annotate.env import Environment
from apps.corpus.imports.readers import READERS
from apps.estimation.strategies import STRATEGIES
from apps.exports.files.writers import CONTAINERS
from apps.exports.formats import FORMATS
from apps.exports.policy import LabelPolicy
from apps.inference.transports import TRANSPORTS
from apps.labeling.protocols import PROTOCOLS
from apps.quality.aggregation import RULES
from apps.quality.disputes.kinds import Dispute
from apps.verifiers.registry import VERIFIERS

ROOT = Path(__file__).resolve().parent.parent
FILES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
PAGES = {str(path.relative_to(ROOT)): path.read_text() for path in FILES}
ALL = "\n".join(PAGES.values())


def test_every_setting_is_told_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+) \|$", PAGES["docs/settings.md"], re.MULTILINE))
    descriptions = {setting.name.upper(): setting.type.__metadata__[0].description for setting in fields(Environment)}
    assert set(rows) == set(descriptions)
    for name, description in descriptions.items():
        assert description is not None
        assert description in rows[name], name


@pytest.mark.parametrize("command", sorted(name for name, app in get_commands().items() if app.startswith("apps.")))
def test_every_command_is_told(command: str) -> None:
    assert f"manage.py {command}" in ALL or f"`{command}`" in ALL


def test_every_route_of_the_api_is_told() -> None:
    (api,) = [one for one in get_resolver().url_patterns if str(one.pattern) == "api/v1/"]
    told = (
        PAGES["docs/api.md"]
        .replace("{slug}", "*")
        .replace("{id}", "*")
        .replace("{number}", "*")
        .replace("{name}", "*")
        .replace("{kind}", "*")
    )
    for one in api.url_patterns:
        route = re.sub(r"<[^>]+>", "*", str(one.pattern))
        last = route.rpartition("/")[2]
        assert f"/{route}`" in told or f"/{route} `" in told or f"`/{last}`" in told or f".../{last}`" in told, route


@pytest.mark.parametrize("names", [READERS, FORMATS, LabelPolicy.__struct_fields__])
def test_every_format_and_policy_key_is_in_the_page_on_formats(names: object) -> None:
    assert [name for name in names if f"`{name}`" not in PAGES["docs/export-formats.md"]] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [*PROTOCOLS, *VERIFIERS, *STRATEGIES, *TRANSPORTS])
def test_every_protocol_verifier_strategy_and_transport_is_told(name: str) -> None:
    assert f"`{name}`" in ALL


@pytest.mark.parametrize("name", [*RULES, *(option for _, kind in RULES.values() for option in kind.__struct_fields__)])
def test_every_rule_of_consensus_and_its_settings_are_told(name: str) -> None:
    assert f"`{name}`" in PAGES["docs/quality.md"]


@pytest.mark.parametrize("dispute", Dispute)
def test_every_kind_of_dispute_is_told(dispute: str) -> None:
    assert f"`{dispute}`" in PAGES["docs/quality.md"]


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_is_told(container: str) -> None:
    assert f"`.{container}`" in PAGES["docs/export-formats.md"]


def test_every_link_within_the_docs_leads_somewhere() -> None:
    for path in FILES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
            if not target.startswith("/"):
                assert (path.parent / target).exists(), f"{path.name}: {target}"


@pytest.mark.parametrize("page", ["docs/glossary.md", "docs/architecture.md", "CONTRIBUTING.md"])
def test_every_file_that_the_maps_name_exists(page: str) -> None:
    paths = re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py|(?:[a-z_]+/){2,})`", PAGES[page])
    assert paths
    assert [path for path in paths if not (ROOT / path).exists() and not (ROOT / "apps" / path).exists()] == []

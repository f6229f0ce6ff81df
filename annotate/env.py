"""Every setting that Annotate reads from its environment, with its type, default and meaning.

`.env` in the project's root is read too; the environment takes precedence. An invalid value ends the program with a
line that names the setting. msgspec checks the values: importing pydantic took a quarter of a command's time.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
from dotenv import dotenv_values
from msgspec import Meta, Struct
from msgspec.structs import fields

from apps.inference.addresses import parse_allowed

ROOT = Path(__file__).resolve().parent.parent

# Never repeated in a message: they contain keys and passwords.
SECRETS = {"secret_key", "database_url", "redis_url"}
# Spellings of a boolean besides those that msgspec knows.
BOOLEANS = {
    "yes": "true",
    "y": "true",
    "on": "true",
    "t": "true",
    "no": "false",
    "n": "false",
    "off": "false",
    "f": "false",
}


PostgresUrl = Annotated[str, Meta(pattern="^(postgresql|postgres)://")]
RedisUrl = Annotated[str, Meta(pattern="^(redis|rediss|unix)://")]
SecretKey = Annotated[str, Meta(min_length=32)]


class WordList(tuple[str, ...]):
    """Several words in one setting, separated by commas."""

    __slots__ = ()


class Addresses(WordList):
    """Words that are addresses, networks or host names."""

    __slots__ = ()


class Environment(Struct, frozen=True, kw_only=True):
    """The settings. Names in the environment are the upper-case ones, as in docs/settings.md."""

    annotate_home: Annotated[
        Path, Meta(description="Folder for all data: embedded servers, uploads, exports, logs.")
    ] = ROOT / ".annotate"
    database_url: Annotated[
        PostgresUrl | None,
        Meta(description="PostgreSQL 15 or later. Empty: an embedded PostgreSQL in ANNOTATE_HOME."),
    ] = None
    redis_url: Annotated[
        RedisUrl | None,
        Meta(description="Redis or Valkey. Empty: an embedded Valkey in ANNOTATE_HOME."),
    ] = None
    host: Annotated[str, Meta(description="Address that the web server listens on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="Port of the web server.")] = 8000
    web_workers: Annotated[int, Meta(ge=1, le=64, description="Processes of the web server.")] = 2
    worker_concurrency: Annotated[int, Meta(ge=1, le=64, description="Processes of the Celery worker.")] = 2
    estimation_concurrency: Annotated[
        int,
        Meta(
            ge=1,
            le=64,
            description="Processes of the Celery worker that calls models; each keeps hundreds of requests in flight.",
        ),
    ] = 2
    reasoner: Annotated[
        bool | None,
        Meta(description="Serve the bundled models. Empty: if the demo is seeded and xllamacpp is installed."),
    ] = None
    secret_key: Annotated[
        SecretKey | None,
        Meta(
            description="Signs sessions and links, and encrypts the API keys of endpoints; at least 32 characters. "
            "Empty: generated once and kept in ANNOTATE_HOME."
        ),
    ] = None
    allowed_hosts: Annotated[
        WordList, Meta(description="Host names that the server answers to, separated by commas.")
    ] = WordList(["localhost", "127.0.0.1", "[::1]"])
    csrf_trusted_origins: Annotated[
        WordList,
        Meta(description="Origins that may send forms, such as https://annotate.example, separated by commas."),
    ] = WordList()
    secure: Annotated[bool, Meta(description="Served over HTTPS: secure cookies, HSTS, redirects.")] = False
    debug: Annotated[
        bool, Meta(description="Django's debug pages. Never enable them on a server that others can reach.")
    ] = False
    demo: Annotated[
        bool | None,
        Meta(
            description="Seed the demo projects, whose passwords are public. "
            "Empty: only if no other machine can reach the server."
        ),
    ] = None
    project_founders: Annotated[
        Literal["everyone", "members", "staff"],
        Meta(
            description="Who may create projects: `everyone`, `members` (everyone except people who are only labelers), "
            "or `staff`."
        ),
    ] = "members"
    api_rate: Annotated[
        str,
        Meta(
            pattern=r"^\d+/(sec|min|hour|day)$",
            description="API requests allowed per user: a number and `/sec`, `/min`, `/hour` or `/day`.",
        ),
    ] = "6000/min"
    upload_limit_mb: Annotated[
        int,
        Meta(
            ge=1,
            le=1_048_576,
            description="Largest size of an uploaded file, and of all files of one request together, in MiB (1 to 1048576).",
        ),
    ] = 4096
    endpoint_allowed_addresses: Annotated[
        Addresses,
        Meta(
            description="Addresses outside the public internet that endpoints may have, separated by commas: "
            "`127.0.0.1:8080`, `10.0.0.0/8`, `models.internal`."
        ),
    ] = Addresses()
    hub_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://\S+|none)$",
            description="The Hub that exports can be pushed to, or `none`.",
        ),
    ] = "https://huggingface.co"
    email_host: Annotated[str | None, Meta(description="SMTP server. Empty: e-mails are written to the log.")] = None
    email_from: Annotated[str, Meta(description="Sender of e-mails.")] = "annotate@localhost"
    time_zone: Annotated[str, Meta(description="Time zone of the pages and of daily counts.")] = "UTC"
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Meta(description="Lowest severity that is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`."),
    ] = "INFO"

    @property
    def home(self) -> Path:
        return self.annotate_home.expanduser().resolve()

    @property
    def wants_demo(self) -> bool:
        is_private = self.host in {"127.0.0.1", "localhost", "::1"} and not self.secure
        return is_private if self.demo is None else self.demo

    @property
    def wants_reasoner(self) -> bool:
        return self.wants_demo if self.reasoner is None else self.reasoner

    def secret_key_value(self) -> str:
        """The key that is set, else the one generated at the first start."""
        if self.secret_key:
            return self.secret_key
        path = self.home / "secret_key"
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            _write_once(path, secrets.token_urlsafe(50))
        return path.read_text().strip()


def _write_once(path: Path, text: str) -> None:
    """Two processes that start together keep one key: linking into place fails for the second."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def load() -> Environment:
    """The settings of the environment and `.env`; exits with a line for each that is invalid."""
    source = {**dotenv_values(ROOT / ".env"), **os.environ}
    try:
        return read({name.lower(): text for name, text in source.items() if text is not None})
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


def read(source: Mapping[str, str]) -> Environment:
    """The settings by their lower-case names; an empty one has its default. Raises ValueError, with a line for each error."""
    values: dict[str, Any] = {}
    complaints: list[str] = []
    for setting in fields(Environment):
        if not (text := source.get(setting.name)):
            continue
        try:
            if bool in _alternatives(setting.type):
                text = BOOLEANS.get(text.lower(), text)
            values[setting.name] = msgspec.convert(text, setting.type, strict=False, dec_hook=_decode)
        except msgspec.ValidationError as error:
            quoted = "" if setting.name in SECRETS else f" (it is {text!r})"
            complaints.append(f"annotate: {setting.name.upper()}: {_expected(setting.type) or error}{quoted}")
    if complaints:
        raise ValueError("\n".join(complaints))
    return Environment(**values)


def _alternatives(kind: Any) -> tuple[Any, ...]:
    """The types that a setting may have: `Annotated[bool | None, ...]` may be bool or None."""
    return getattr(kind.__origin__, "__args__", (kind.__origin__,))


def _decode(kind: type[Any], text: str) -> Any:
    """Types that msgspec does not know. Raises ValueError."""
    if not issubclass(kind, WordList):
        return kind(text)
    words = [word.strip() for word in text.split(",") if word.strip()]
    if kind is Addresses:
        for word in words:
            parse_allowed(word)
    return kind(words)


def _expected(kind: Any) -> str:
    """The allowed values, where msgspec's own message does not name them all."""
    meta = kind.__metadata__[0]
    if meta.ge is not None:
        return f"Expected a whole number from {meta.ge} to {meta.le}"
    alternatives = _alternatives(kind)
    if bool in alternatives:
        return "Expected true or false"
    return f"Expected one of {', '.join(alternatives)}" if isinstance(alternatives[0], str) else ""


def database_settings(url: str) -> dict[str, Any]:
    """Django's settings for a PostgreSQL URL; `?host=/folder` means a socket there."""
    parts = urlsplit(url)
    options: dict[str, Any] = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    # Only statements that ask for it (apps/core/db/prepared.py) are prepared, and these from their first run on.
    options["prepare_threshold"] = None if options.get("prepare_threshold") == "none" else 0
    return {
        "ENGINE": "annotate.postgres",
        "NAME": unquote(parts.path.lstrip("/")) or "annotate",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def celery_url(url: str) -> str:
    """Celery has its own spelling for a socket: unix:///path becomes redis+socket:///path."""
    return (
        url.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=")
        if url.startswith("unix://")
        else url
    )

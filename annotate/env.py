"""Every setting that Annotate takes from its environment, with its type, default and meaning.

`.env` in the project's root is read too; the environment wins. A wrong value ends the program with
one line that names the setting.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from apps.inference.addresses import parse_allowed

ROOT = Path(__file__).resolve().parent.parent


# Never repeated in a message: they hold keys and passwords.
SECRETS = {"SECRET_KEY", "DATABASE_URL", "REDIS_URL"}


def _scheme(*known: str) -> AfterValidator:
    def check(url: str | None) -> str | None:
        if url is not None and urlsplit(url).scheme not in known:
            raise ValueError(f"should begin with {' or '.join(f'{scheme}://' for scheme in known)}")
        return url

    return AfterValidator(check)


def _words(value: Any) -> Any:
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


Words = Annotated[list[str], NoDecode, BeforeValidator(_words)]


def _addresses(entries: list[str]) -> list[str]:
    for entry in entries:
        parse_allowed(entry)
    return entries


class Environment(BaseSettings):
    """The settings. Names in the environment are the upper-case ones, as in docs/settings.md."""

    model_config = SettingsConfigDict(env_file=ROOT / ".env", extra="ignore", frozen=True)

    annotate_home: Path = Field(
        ROOT / ".annotate", description="Folder of all data: embedded servers, uploads, exports, logs."
    )
    database_url: Annotated[str | None, _scheme("postgresql", "postgres")] = Field(
        None, description="PostgreSQL 15 or later. Empty: an embedded PostgreSQL in ANNOTATE_HOME."
    )
    redis_url: Annotated[str | None, _scheme("redis", "rediss", "unix")] = Field(
        None, description="Redis or Valkey. Empty: an embedded Valkey in ANNOTATE_HOME."
    )
    host: str = Field("127.0.0.1", description="Address that the web server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port of the web server.")
    web_workers: int = Field(2, ge=1, le=64, description="Processes of the web server.")
    worker_concurrency: int = Field(2, ge=1, le=64, description="Processes of the Celery worker.")
    estimation_concurrency: int = Field(
        2, ge=1, le=64, description="Processes of the Celery worker that asks models; each holds hundreds of requests."
    )
    reasoner: bool | None = Field(None, description="Serve the bundled reasoner. Empty: where the demo is seeded.")
    secret_key: str | None = Field(
        None, min_length=32, description="Signs sessions and links. Empty: made once and kept in ANNOTATE_HOME."
    )
    allowed_hosts: Annotated[Words, Field(description="Host names that are answered, by commas.")] = [
        "localhost",
        "127.0.0.1",
        "[::1]",
    ]
    csrf_trusted_origins: Annotated[Words, Field(description="Origins like https://annotate.example, by commas.")] = []
    secure: bool = Field(False, description="Served by HTTPS: secure cookies, HSTS, redirects.")  # noqa: FBT003
    debug: bool = Field(False, description="Django's debug pages. Never where strangers come.")  # noqa: FBT003
    demo: bool | None = Field(
        None,
        description="Seed the demo project. Empty: only where no other machine reaches us, as its passwords are known.",
    )
    project_founders: Literal["everyone", "members", "staff"] = Field(
        "members",
        description="Who may found projects: `everyone`, `members` (all but people who are labelers only), or `staff`.",
    )
    api_rate: str = Field(
        "6000/min", pattern=r"^\d+/(sec|min|hour|day)$", description="Requests to the API that one user may make."
    )
    upload_limit_mb: int = Field(
        4096,
        ge=1,
        le=1_048_576,
        description="Largest file that may be uploaded, and all files of a request together, in MiB (1 to 1048576).",
    )
    endpoint_allowed_addresses: Annotated[
        Words,
        AfterValidator(_addresses),
        Field(
            description="Addresses outside the public internet that endpoints may have, by commas: "
            "`127.0.0.1:8080`, `10.0.0.0/8`, `models.internal`."
        ),
    ] = []
    email_host: str | None = Field(None, description="SMTP server. Empty: mails are printed to the log.")
    email_from: str = Field("annotate@localhost", description="Sender of mails.")
    time_zone: str = Field("UTC", description="Time zone of pages and of a labeler's day.")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="How much is logged.")

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
        """The key that was set, else the one that was made at the first start."""
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
    """The environment's settings; exits with a line for each that is wrong."""
    try:
        return Environment()  # type: ignore[call-arg]
    except ValidationError as error:
        for problem in error.errors():
            name = ".".join(str(part) for part in problem["loc"]).upper()
            found = "" if name in SECRETS else f" (it is {problem['input']!r})"
            print(f"annotate: {name}: {problem['msg']}{found}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


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

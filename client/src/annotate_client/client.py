"""The way in: an address and a token."""

from __future__ import annotations

from typing import Any, Self

import httpx

from annotate_client.errors import Conflict, InvalidInput
from annotate_client.project import Project
from annotate_client.transport import Retries, Transport


class Client:
    """Requests that may be sent twice are sent again after 429, 502, 503, 504 and broken connections, with backoff.

    `progress`: bars while jobs are waited for; by default where the error output is a terminal. Close it, or use it
    in a `with` statement.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 60.0,
        attempts: int = 6,
        longest_wait: float = 60.0,
        progress: bool | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.progress = progress
        retries = Retries(attempts=attempts, longest_wait=longest_wait)
        self.transport = Transport(url, token, timeout=timeout, retries=retries, transport=transport)

    def project(self, slug: str) -> Project:
        """Raises NotFound if there is none, or you are not a member."""
        return Project(self.transport, self.transport.get(f"/projects/{slug}"), progress=self.progress)

    def projects(self, *, archived: bool = False) -> list[Project]:
        """The projects that you are a member of."""
        rows = self.transport.pages("/projects", {"archived": archived})
        return [Project(self.transport, row, progress=self.progress) for row in rows]

    def create_project(self, slug: str, *, exists_ok: bool = False, **settings: Any) -> Project:
        """Create a project and own it: `name`, `description`, `verifier`. With `exists_ok`, one of yours is returned."""
        try:
            info = self.transport.post("/projects", {"slug": slug, **settings})
        except (Conflict, InvalidInput) as error:
            if exists_ok and error.code == "exists":
                return self.project(slug)
            raise
        return Project(self.transport, info, progress=self.progress)

    def close(self) -> None:
        self.transport.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

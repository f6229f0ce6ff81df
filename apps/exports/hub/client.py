"""Uploads the files of an export to a dataset repository, with the package huggingface_hub, which is an optional extra."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from apps.core.errors import DomainError, Unavailable
from apps.exports.files.storage import ExportFile

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

# As the Hub has it: an owner and a name of letters, digits, `-`, `_` and `.`, each beginning and ending in a letter or digit.
REPOSITORY = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?/[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", re.ASCII)
LONGEST_REPOSITORY = 96
MISSING = "The server lacks the package huggingface_hub: install the extra `hub`."


@dataclass(frozen=True, slots=True)
class Commit:
    """Where the files landed."""

    sha: str
    url: str


def is_installed() -> bool:
    return find_spec("huggingface_hub") is not None


def repository_problem(repository: str) -> str | None:
    """Why this is no name of a repository; None if it is one."""
    is_named = len(repository) <= LONGEST_REPOSITORY and REPOSITORY.fullmatch(repository)
    if not is_named or "--" in repository or ".." in repository or repository.endswith(".git"):
        return (
            f"must be OWNER/NAME, up to {LONGEST_REPOSITORY} letters, digits, `-`, `_` and `.`, without `--`, `..` and the "
            "ending `.git`"
        )
    return None


def upload_files(
    *, hub: str, token: str, repository: str, is_private: bool, files: Sequence[ExportFile], message: str
) -> Commit:
    """Create the repository if there is none, and add the files in one commit.

    Raises DomainError, with the Hub's reason, and Unavailable where it cannot be reached. No message holds the token.
    """
    if not is_installed():
        raise DomainError(MISSING, code="not_installed")
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    api = HfApi(endpoint=hub, token=token, library_name="annotate")
    with _as_domain_errors(token, repository):
        api.create_repo(repository, repo_type="dataset", private=is_private, exist_ok=True)
        if is_private:
            _check_private(api, repository)
        commit = api.create_commit(
            repository,
            repo_type="dataset",
            operations=[CommitOperationAdd(path_in_repo=file.name, path_or_fileobj=file.path) for file in files],
            commit_message=message,
        )
    return Commit(commit.oid, commit.commit_url)


def _check_private(api: HfApi, repository: str) -> None:
    """Raises DomainError for a repository that exists and is public: its owner may not know."""
    if not api.dataset_info(repository).private:
        raise DomainError(
            f"{repository} exists on the Hub and is public: make it private there, or push to it as a public one.",
            fields={"repository": "is public"},
        )


@contextmanager
def _as_domain_errors(token: str, repository: str) -> Iterator[None]:
    # The error of its HTTP client, whose package depends on its version.
    from huggingface_hub.errors import HfHubHTTPError, HTTPError  # type: ignore[attr-defined]

    try:
        yield
    except HfHubHTTPError as error:
        raise _refusal(error, repository, token) from None
    except HTTPError as error:
        reason = str(error).replace(token, "TOKEN") or type(error).__name__
        raise Unavailable(f"The Hub cannot be reached: {reason}") from None


def _refusal(error: HfHubHTTPError, repository: str, token: str) -> DomainError:
    status = error.response.status_code
    reason = (error.server_message or "").replace(token, "TOKEN").strip()
    if status == 401:
        return DomainError("The Hub does not know the token.", fields={"token": "refused"})
    if status == 403:
        return DomainError(
            f"The token may not write to {repository}.{f' The Hub: {reason}' if reason else ''}",
            fields={"token": "refused"},
        )
    if status >= 500:
        return Unavailable(f"The Hub failed ({status}): {reason or 'no reason'}")
    return DomainError(f"The Hub refused ({status}): {reason or 'no reason'}", fields={"repository": "refused"})

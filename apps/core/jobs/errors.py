"""How jobs end on errors. Apart from `jobs`, which the models of all jobs import: the redis package is slow to load."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from apps.core.errors import DomainError
from apps.core.jobs.transient_errors import TRANSIENT_ERRORS

log = logging.getLogger(__name__)


@contextmanager
def end_on_error(
    job: str, fail: Callable[[str], object], *, noun: str = "run", is_os_error_final: bool = False
) -> Iterator[None]:
    """End a job whose work raises: the one way in which imports, exports and runs fail.

    `fail` is called with the text to show. A DomainError ends the job with its own message. An unexpected error ends it
    with a general text; its details, which may hold anything, go to the log alone. A transient error is raised again, so
    that the job continues when its message is sent again; an OSError ends a job whose work is files (`is_os_error_final`).
    `job` names the job in the log, `noun` in the text.
    """
    try:
        yield
    except DomainError as error:
        fail(error.message)
    except TRANSIENT_ERRORS as error:
        if is_os_error_final and isinstance(error, OSError):
            log.warning("%s failed: %s", job, error)
            # The error's own text holds paths, which only the operator may see.
            reason = error.strerror or type(error).__name__
            fail(f"The operating system ended the {noun}: {reason}. Start it again.")
        else:
            log.warning("%s is interrupted and will be resumed: %s", job, error)
            raise
    except Exception as error:
        log.exception("%s failed with an unexpected error", job)
        fail(f"An unexpected error ended the {noun} ({type(error).__name__}): see the log of the workers.")

"""The Python client of Annotate: rows in, labels and training files out.

with Client("http://127.0.0.1:8000", token) as client:
    project = client.project("fractions")
    project.import_rows("solutions.jsonl")
    project.export("trl-prm").download("train.jsonl")
"""

from annotate_client.client import Client
from annotate_client.errors import (
    AnnotateError,
    AuthenticationError,
    ChecksumMismatch,
    Conflict,
    ConnectionFailed,
    InvalidInput,
    JobFailed,
    JobPaused,
    NotAllowed,
    NotFound,
    RateLimited,
    RowsRejected,
    ServerError,
    WaitTimeout,
)
from annotate_client.exports import Export
from annotate_client.imports import Import, RejectedRow
from annotate_client.jobs import Evaluation, Run
from annotate_client.project import Project
from annotate_client.rounds import Round, RoundProgress
from annotate_client.rows import Rows, StepLabel

__version__ = "0.1.0"

__all__ = [
    "AnnotateError",
    "AuthenticationError",
    "ChecksumMismatch",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "Evaluation",
    "Export",
    "Import",
    "InvalidInput",
    "JobFailed",
    "JobPaused",
    "NotAllowed",
    "NotFound",
    "Project",
    "RateLimited",
    "RejectedRow",
    "Round",
    "RoundProgress",
    "Rows",
    "RowsRejected",
    "Run",
    "ServerError",
    "StepLabel",
    "WaitTimeout",
    "__version__",
]

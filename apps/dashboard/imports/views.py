"""Files on their way in: sent, looked at, imported, and what there is to tell of them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import DomainError
from apps.core.http.uploads import refused_upload
from apps.corpus.imports.files import raw_lines
from apps.corpus.imports.preview import Preview, guessed_mapping, preview, sample_of
from apps.corpus.imports.readers import READERS
from apps.corpus.models import ImportBatch, ImportFinding, Upload
from apps.corpus.records import RowError
from apps.corpus.services import cancel_import, discard_upload, import_upload, keep_upload, queue_again
from apps.corpus.tasks import import_file
from apps.dashboard.access import Place, import_of, place_for, upload_of
from apps.dashboard.imports.forms import ImportForm, UploadForm
from apps.dashboard.pagination import page_of

SHOWN_FINDINGS = 50


@login_required
@require_GET
def imports(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "import")
    found = ImportBatch.objects.filter(project=place.project).select_related("uploaded_by")
    page = page_of(found, request.GET, size=30, newest_first=True)
    left = Upload.objects.filter(project=place.project, uploaded_by=request.user)[:5]
    return render(request, "imports/imports.html", place.context("imports", page=page, uploads=left))


@login_required
@require_http_methods(["GET", "POST"])
def new_import(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Send a file. It is kept, and looked at before anything is imported."""
    place = place_for(request.user, slug, "import")
    is_sent = request.method == "POST"
    form = UploadForm(request.POST if is_sent else None, request.FILES if is_sent else None)
    refused = refused_upload(request.META)
    if refused is not None:
        form.fields["file"].error_messages["required"] = f"The file {refused}."
    kept = form.run(lambda data: _keep(place, data["file"]))
    if kept is not None:
        return redirect("upload", slug, kept.pk)
    return render(
        request,
        "imports/new.html",
        place.context("imports", form=form, readers=READERS.values()),
        status=413 if refused else 422 if form.errors else 200,
    )


def _keep(place: Place, file: Any) -> Upload:
    return keep_upload(project=place.project, file=file, filename=file.name, uploaded_by=place.membership.user)


# --- looked at first --------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def upload(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """The first rows as they would land; POST imports the file so."""
    place = place_for(request.user, slug, "import")
    kept = upload_of(place, pk)
    form, looked, complaint = _looked_at(kept, request)
    if request.method == "POST" and form.is_valid() and complaint is None:
        chosen = {"format": form.cleaned_data["format"], "options": form.options}
        batch = form.run(lambda _: import_upload(upload=kept, **chosen))
        if batch is not None:
            transaction.on_commit(partial(import_file.delay, batch.pk))
            return redirect("import", slug, batch.pk)
    template = "imports/_preview.html" if request.htmx else "imports/upload.html"
    detected = READERS.get(looked.sample.detected or "")
    context = place.context("imports", upload=kept, form=form, preview=looked, detected=detected, complaint=complaint)
    return render(request, template, context, status=422 if request.method == "POST" else 200)


def _looked_at(kept: Upload, request: AuthenticatedRequest) -> tuple[ImportForm, Preview, RowError | None]:
    """The form and what it makes of the file; options that cannot be are told, and left out of the preview."""
    sample = sample_of(Path(kept.file.path))
    mapping = {} if sample.detected else guessed_mapping(sample.columns)
    guess = {"format": sample.detected or "jsonl", "split": "newline"}
    guess |= {f"map:{target}": column for target, column in mapping.items()}
    form = ImportForm(
        request.POST or request.GET or None, columns=[column.path for column in sample.columns], initial=guess
    )
    guessed = preview(sample, options={"mapping": mapping} if "problem.statement" in mapping else {})
    if not form.is_valid():
        return form, guessed, None
    try:
        return form, preview(sample, format=form.cleaned_data["format"], options=form.options), None
    except RowError as error:
        return form, guessed, error


@login_required
@require_POST
def discard(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "import")
    discard_upload(upload=upload_of(place, pk))
    return redirect("import-new", slug)


# --- an import --------------------------------------------------------------------------------------------


@login_required
@require_GET
def import_(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """How far it is and what it found; htmx asks for the moving part alone."""
    place = place_for(request.user, slug, "import")
    batch = import_of(place, pk)
    context = place.context("imports", batch=batch, findings=[_section(batch, kind, words) for kind, words in SECTIONS])
    return render(request, "imports/_import.html" if request.htmx else "imports/import.html", context)


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of finding, with the heads of its table."""

    title: str
    about: str
    field: str
    reason: str
    # What stands in the second column where a finding names no field.
    no_field: str
    rows: list[ImportFinding]

    @property
    def is_cut(self) -> bool:
        return len(self.rows) == SHOWN_FINDINGS


SECTIONS = (
    (
        ImportFinding.Kind.REJECTED,
        (
            "Rejected rows",
            "Mend them and import them again: what has landed is passed over.",
            "Field",
            "Reason",
            "row",
        ),
    ),
    (
        ImportFinding.Kind.DIFFERENCE,
        (
            "Where the file and our verifier differ",
            "The file's word is kept beside ours; the solutions carry both.",
            "Written by",
            "What differs",
            "not said",
        ),
    ),
)


def _section(batch: ImportBatch, kind: str, words: tuple[str, str, str, str, str]) -> Section:
    return Section(*words, list(batch.findings.filter(kind=kind)[:SHOWN_FINDINGS]))


@login_required
@require_POST
def cancel(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "import")
    cancel_import(batch=import_of(place, pk), actor=request.user)
    return redirect("import", slug, pk)


@login_required
@require_POST
def again(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "import")
    batch = queue_again(batch=import_of(place, pk))
    transaction.on_commit(partial(import_file.delay, batch.pk))
    return redirect("import", slug, pk)


@login_required
@require_GET
def rejected_rows(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponseBase:
    """The rejected rows as they stood in the file, to mend and send again."""
    place = place_for(request.user, slug, "import")
    batch = import_of(place, pk)
    numbers = set(batch.findings.filter(kind=ImportFinding.Kind.REJECTED).values_list("line", flat=True))
    path = Path(batch.file.path)
    if not path.exists():
        raise DomainError("The file of this import is not kept any more.", code="gone")
    lines = (content + b"\n" for _, content in raw_lines(path, numbers))
    return _attachment(lines, "application/x-ndjson", f"rejected-{batch.pk}.jsonl")


@login_required
@require_GET
def findings(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponseBase:
    """Everything there is to tell of the file's lines, as CSV."""
    place = place_for(request.user, slug, "import")
    return _attachment(_csv_lines(import_of(place, pk)), "text/csv; charset=utf-8", f"findings-{pk}.csv")


class _Echo:
    """A file that gives back what is written to it: the csv module needs one."""

    def write(self, line: str) -> str:
        return line


def _csv_lines(batch: ImportBatch) -> Iterator[bytes]:
    writer = csv.writer(_Echo())
    yield writer.writerow(["kind", "line", "field", "reason"]).encode()
    rows = batch.findings.order_by("pk").values_list("kind", "line", "field", "reason")
    for row in rows.iterator(chunk_size=2000):
        yield writer.writerow([_inert(value) for value in row]).encode()


def _inert(value: object) -> object:
    """Spreadsheets run what begins like a formula; the file's texts are not ours to run."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _attachment(content: Iterator[bytes], kind: str, name: str) -> HttpResponseBase:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(content, content_type=kind, headers=headers)

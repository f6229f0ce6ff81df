"""Upload a file, preview it, import it, and look at the result."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import DomainError
from apps.core.http.uploads import refused_upload
from apps.corpus.imports.files import HEADER, raw_lines, shape_of
from apps.corpus.imports.preview import Preview, guessed_options, preview, sample_of
from apps.corpus.imports.readers import READERS
from apps.corpus.models import ImportBatch, ImportFinding, Upload
from apps.corpus.records import RowError
from apps.corpus.services import cancel_import, discard_upload, import_upload, keep_upload, queue_again
from apps.dashboard.access import import_of, place_for, upload_of
from apps.dashboard.csv_files import csv_response
from apps.dashboard.imports.forms import TOOLS, ImportForm, UploadForm
from apps.dashboard.pagination import page_of
from apps.dashboard.removal.queries import listed

SHOWN_FINDINGS = 50
SHOWN_UPLOADS = 5


@login_required
@require_GET
def imports(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "import")
    batches = ImportBatch.objects.filter(project=place.project).select_related("uploaded_by")
    page = page_of(listed(batches, request), request.GET, size=30, newest_first=True)
    uploads = Upload.objects.filter(project=place.project, uploaded_by=request.user)[:SHOWN_UPLOADS]
    return render(request, "imports/imports.html", place.context("imports", page=page, uploads=uploads))


@login_required
@require_http_methods(["GET", "POST"])
def new_import(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Upload a file. It is stored and previewed before it is imported."""
    place = place_for(request.user, slug, "import")
    is_sent = request.method == "POST"
    form = UploadForm(request.POST if is_sent else None, request.FILES if is_sent else None)
    refusal = refused_upload(request.META)
    if refusal is not None:
        form.fields["file"].error_messages["required"] = f"The file {refusal}."

    def keep(data: dict[str, Any]) -> Upload:
        file = data["file"]
        return keep_upload(project=place.project, file=file, filename=file.name, uploaded_by=request.user)

    upload = form.run(keep)
    if upload is not None:
        return redirect("upload", slug, upload.pk)
    return render(
        request,
        "imports/new.html",
        place.context("imports", form=form, readers=READERS.values()),
        status=413 if refusal else 422 if form.errors else 200,
    )


# --- preview ----------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def upload(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """The first rows as they would be imported; POST imports the file with these options."""
    place = place_for(request.user, slug, "import")
    upload = upload_of(place, pk)
    shown = _preview(upload, request)
    form = shown.form
    if request.htmx and shown.is_other_form:
        # The fields of another kind of format: the page is made anew.
        return HttpResponseClientRedirect(f"{request.path}?{urlencode({'format': form.format_})}")
    if request.method == "POST" and form.is_valid() and shown.row_error is None:
        choices = {"format": form.cleaned_data["format"], "options": form.options}
        if not shown.preview.read:
            form.add_error(None, "No row of the preview can be imported, so nothing was.")
        elif (batch := form.run(lambda _: import_upload(upload=upload, **choices))) is not None:
            return redirect("import", slug, batch.pk)
    template = "imports/_preview.html" if request.htmx else "imports/upload.html"
    context = place.context(
        "imports",
        upload=upload,
        form=form,
        preview=shown.preview,
        reader=READERS[shown.preview.format],
        detected=READERS.get(shown.preview.sample.detected or ""),
        row_error=shown.row_error,
    )
    return render(request, template, context, status=422 if request.method == "POST" else 200)


@dataclass(frozen=True, slots=True)
class ShownUpload:
    """`is_other_form`: the chosen format has other fields than the form that was sent."""

    form: ImportForm
    preview: Preview
    row_error: RowError | None = None
    is_other_form: bool = False


def _preview(upload: Upload, request: AuthenticatedRequest) -> ShownUpload:
    """The form, and the preview with its options. Options that do not fit return an error and the guessed preview."""
    sample = sample_of(Path(upload.file.path))
    sent = request.POST or request.GET
    chosen = sent.get("format") or sample.detected or "jsonl"
    format_ = chosen if chosen in READERS else sample.detected or "jsonl"
    options = guessed_options(sample, format_)
    guess = {"format": format_, "shown_for": format_, "split": "newline"}
    guess |= {f"map:{target}": path for target, path in options.get("mapping", {}).items()}
    shown_for = sent.get("shown_for", format_)
    is_other_form = shown_for != format_ and bool({shown_for, format_} & set(TOOLS))
    is_sent = (request.method == "POST" or bool(sent.keys() - {"format"})) and not is_other_form
    form = ImportForm(sent if is_sent else None, sample=sample, format_=format_, initial=guess)
    error = None
    if form.is_valid():
        try:
            return ShownUpload(form, preview(sample, format=form.cleaned_data["format"], options=form.options))
        except RowError as row_error:
            error = row_error
    return ShownUpload(form, preview(sample, format=format_, options=options), error, is_other_form)


@login_required
@require_POST
def discard(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "import")
    discard_upload(upload=upload_of(place, pk))
    return redirect("import-new", slug)


# --- an import --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of finding, with the column titles of its table. `no_field` is shown for findings without a field."""

    kind: str
    title: str
    about: str
    field: str
    reason: str
    no_field: str


SECTIONS = (
    Section(
        ImportFinding.Kind.REJECTED,
        "Rejected rows",
        "Correct these rows and import them again. Rows that were imported already are skipped.",
        "Field",
        "Reason",
        "row",
    ),
    Section(
        ImportFinding.Kind.DIFFERENCE,
        "Differences between the file and the verifier",
        "Solutions keep both grades: the file's and the verifier's.",
        "Written by",
        "Difference",
        "unknown",
    ),
)


@login_required
@require_GET
def import_(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """The progress of an import and its findings; htmx polls the fragment."""
    place = place_for(request.user, slug, "import")
    batch = import_of(place, pk)
    findings = [(section, list(batch.findings.filter(kind=section.kind)[:SHOWN_FINDINGS])) for section in SECTIONS]
    context = place.context("imports", batch=batch, findings=findings, shown_findings=SHOWN_FINDINGS)
    return render(request, "imports/_import.html" if request.htmx else "imports/import.html", context)


@login_required
@require_POST
def cancel(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "import")
    cancel_import(batch=import_of(place, pk), actor=request.user)
    return redirect("import", slug, pk)


@login_required
@require_POST
def resume(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "import")
    queue_again(batch=import_of(place, pk))
    return redirect("import", slug, pk)


@login_required
@require_GET
def rejected_rows(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponseBase:
    """The rejected rows as they are in the file, to be corrected and imported again; those of a table below its header."""
    place = place_for(request.user, slug, "import")
    batch = import_of(place, pk)
    numbers = set(batch.findings.filter(kind=ImportFinding.Kind.REJECTED).values_list("line", flat=True))
    path = Path(batch.file.path)
    if not path.exists():
        raise DomainError("The file of this import was deleted.", code="gone")
    shape = shape_of(path)
    is_table = shape is not None and shape.is_table
    lines = (content + b"\n" for _, content in raw_lines(path, numbers | {HEADER} if is_table else numbers))
    ending = shape.ending if shape is not None else "jsonl"
    headers = {"Content-Disposition": f'attachment; filename="rejected-{batch.pk}.{ending}"'}
    content_type = "text/csv; charset=utf-8" if is_table else "application/x-ndjson"
    return StreamingHttpResponse(lines, content_type=content_type, headers=headers)


@login_required
@require_GET
def findings(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponseBase:
    """All findings of the import, as CSV."""
    place = place_for(request.user, slug, "import")
    rows = import_of(place, pk).findings.order_by("pk").values_list("kind", "line", "field", "reason")
    header = [("kind", "line", "field", "reason")]
    return csv_response(chain(header, rows.iterator(chunk_size=2000)), f"findings-{pk}")

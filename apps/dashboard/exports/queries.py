"""What the pages of exports show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.db.models import QuerySet
from django.utils.safestring import SafeString

from apps.core.jobs.model import JobStatus
from apps.corpus.facets import facets_of
from apps.dashboard.exports.policy_fields import Choices
from apps.estimation.models import EstimationRun
from apps.exports.description.manifest import labels_as_read
from apps.exports.files.storage import ExportFile, export_files
from apps.exports.formats import FORMATS
from apps.exports.formats.base import Reader
from apps.exports.models import ContaminationList, Export, ExportDiff
from apps.exports.policy import LabelPolicy, empty_text
from apps.exports.rows.preview import preview_export
from apps.judging.models import Judge
from apps.labeling.models import Round
from apps.projects.markdown import to_html
from apps.projects.models import Project

COMPARABLE = 100  # Exports to choose from.
_CODE = re.compile(r"```\w*\n(.*?)\n?```", re.DOTALL)


def policy_choices(project: Project) -> dict[str, Choices]:
    """What the project has for the keys of a policy that name something of it."""
    facets = facets_of(project)
    judges = list(Judge.objects.filter(project=project))
    # A judge can be named with its version, or without for all versions.
    judge_names = {judge.name: f"{judge.name}, any version" for judge in judges}
    rounds = Round.objects.filter(project=project).order_by("number")
    runs = EstimationRun.objects.filter(project=project).order_by("number").values_list("number", "strategy")
    return {
        "rounds": [(round_.number, f"{round_.number}: {round_}") for round_ in rounds],
        "estimation_runs": [(number, f"{number}: {strategy or 'from a file'}") for number, strategy in runs],
        "judges": sorted((judge_names | {str(judge): str(judge) for judge in judges}).items()),
        "generators": [(value, value) for value in facets.sources],
        "subjects": [(value, value) for value in facets.subjects],
        "contamination": [
            (name, name) for name in ContaminationList.objects.filter(project=project).values_list("name", flat=True)
        ],
    }


def preview_context(project: Project, format_: str, policy: LabelPolicy) -> dict[str, Any]:
    preview = preview_export(project=project, format=format_, policy=policy)
    tally = preview.tally
    counts = msgspec.to_builtins(tally, str_keys=True)
    counts["labels_as_read"] = labels_as_read(tally.labels, FORMATS[format_].label_names)
    defaults = LabelPolicy().to_dict()
    changed = {name: value for name, value in policy.to_dict().items() if value != defaults[name]}
    return {
        "preview": preview,
        "rows": [_json(row) for row in preview.rows],
        "tallies": tallies(counts),
        "splits": _splits(preview.splits, policy),
        "policy_json": _json(changed),
    }


def export_context(export: Export) -> dict[str, Any]:
    manifest = export.manifest or {}
    files = export_files(export)
    return {
        "format": FORMATS.get(export.format),
        "counts": manifest.get("counts", {}),
        "tallies": tallies(manifest.get("counts", {})),
        "policy": policy_texts(export.policy),
        "manifest": _json(manifest) if manifest else "",
        "notices": manifest.get("notices", ()),
        "files": files,
        "checks": _checks(export, files),
        "readers": [
            (reader, usage_blocks(reader.usage))
            for values in manifest.get("readers", ())
            for reader in [Reader(**values)]
        ],
        "others": comparable_exports(export.project).filter(format=export.format).exclude(pk=export.pk),
    }


def comparable_exports(project: Project) -> QuerySet[Export]:
    """Finished exports, the newest first."""
    exports = Export.objects.filter(project=project, status=JobStatus.FINISHED)
    return exports.defer("manifest", "parts", "policy")


def diff_context(diff: ExportDiff) -> dict[str, Any]:
    result = diff.result or {}
    labels = result.get("labels", {})
    return {
        "diff": diff,
        "result": result,
        "flips": [
            (source or "labels", change, count)
            for source, changes in sorted(labels.get("flips", {}).items())
            for change, count in sorted(changes.items(), key=lambda item: -item[1])
        ],
        "positions": sorted((int(position), count) for position, count in labels.get("by_position", {}).items()),
        "policy_differences": [
            (name.replace("_", " "), *(policy_text(name, value) for value in values))
            for name, values in result.get("policy", {}).items()
        ],
    }


def _checks(export: Export, files: Sequence[ExportFile]) -> list[tuple[str, bool]]:
    """What the page can say of the files without reading all of them."""
    if not files:
        return []
    counts = (export.manifest or {})["counts"]
    checks = [
        ("All files are stored with their recorded sizes.", all(file.is_whole for file in files)),
        (
            "The parts have as many rows as the manifest counts.",
            sum(file.rows or 0 for file in files) == counts["rows"],
        ),
    ]
    if ratings := counts.get("ratings"):
        labels = ratings["written"] + ratings["repeated"] + ratings["made"]
        checks.append(("The labels in the rows add up to those counted.", labels == sum(counts["labels"].values())))
    return checks


def usage_blocks(usage: str) -> list[tuple[str, SafeString | str]]:
    """A reader's usage as blocks of `prose`, in HTML, and `code`, which can be copied."""
    blocks: list[tuple[str, SafeString | str]] = []
    for index, text in enumerate(_CODE.split(usage)):
        if text.strip():
            blocks.append(("code", text) if index % 2 else ("prose", to_html(text)))
    return blocks


def tallies(counts: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, int, float]]]]:
    """The counts as tables of name, count and share; one table of what was left out for each unit."""
    labels = counts.get("labels_as_read") or counts.get("labels", {})
    tables = [("Labels", _with_shares(labels)), ("Sources", _with_shares(counts.get("sources", {})))]
    left_out: dict[str, dict[str, int]] = {}
    for name, count in counts.get("left_out", {}).items():
        unit, _, reason = name.partition(": ")
        left_out.setdefault(unit, {})[reason] = count
    if not left_out:
        return [*tables, ("Left out", [])]
    return [*tables, *((f"Left out: {unit}", _with_shares(reasons)) for unit, reasons in sorted(left_out.items()))]


def _splits(rows: Mapping[str, int], policy: LabelPolicy) -> list[tuple[str, int, float, float]]:
    """Name, rows, share of the rows, and the share that the policy asks for."""
    total = sum(rows.values()) or 1
    return [(name, rows[name], rows[name] / total, share) for name, share in policy.splits.items()]


def _with_shares(tally: Mapping[str, int]) -> list[tuple[str, int, float]]:
    total = sum(tally.values()) or 1
    return [(name, count, count / total) for name, count in sorted(tally.items(), key=lambda item: -item[1])]


def policy_texts(policy: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), policy_text(name, value)) for name, value in policy.items()]


def policy_text(key: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {100 * share:g} %" for name, share in value.items()) or empty_text(key)
    return (", ".join(map(str, value)) or empty_text(key)) if isinstance(value, list) else str(value).replace("_", " ")


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()

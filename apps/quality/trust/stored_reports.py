"""The reports on judges that workers keep as figures: to read all verdicts of a judge takes seconds where there are many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import fields
from typing import Any

import msgspec
from django.conf import settings

from apps.judging.models import JudgeRun
from apps.projects.models import Project
from apps.quality.models import Figure
from apps.quality.trust.preferences import (
    PreferenceMeasures,
    PreferenceReport,
    choices_version,
    comparing_judges,
    preference_reports,
)
from apps.quality.trust.report import JudgeMeasures, JudgeReport, judge_reports, newest_certificates
from apps.quality.trust.truth import TrustFilter
from apps.quality.trust.verdicts import judges_of_steps
from apps.runs.status import counted_run_q

Data = dict[str, Any]

STEPS, COMPARISONS = "judge_report", "preference_report"  # The names of their figures.


def stored_judge_reports(project: Project, chosen: TrustFilter | None = None) -> list[JudgeReport]:
    """As `judge_reports`. Without a filter, each judge's report is the one that a worker made last, if there is one."""
    if chosen not in (None, TrustFilter()):
        return judge_reports(project, chosen)
    judges, stored, newest = judges_of_steps(project.pk), _stored(project, STEPS), newest_certificates(project)
    made = judge_reports(project, judges=[judge for judge in judges if judge.pk not in stored])
    reports = {report.judge.pk: report for report in made}
    for judge in judges:
        if (figure := stored.get(judge.pk)) is not None:
            measures = _measures(JudgeMeasures, figure.data["measures"])
            certificate = newest.get(judge.pk)
            reports[judge.pk] = JudgeReport(judge=judge, certificate=certificate, at=figure.at, **measures)
    return [reports[judge.pk] for judge in judges if judge.pk in reports]


def stored_preference_reports(project: Project) -> list[PreferenceReport]:
    """As `preference_reports`: of each judge the one that a worker made last, if there is one."""
    judges, stored = comparing_judges(project.pk), _stored(project, COMPARISONS)
    made = preference_reports(project, [judge for judge in judges if judge.pk not in stored])
    reports = {report.judge.pk: report for report in made}
    for judge in judges:
        if (figure := stored.get(judge.pk)) is not None:
            measures = _measures(PreferenceMeasures, figure.data["measures"])
            reports[judge.pk] = PreferenceReport(judge=judge, at=figure.at, **measures)
    return [reports[judge.pk] for judge in judges]


def report_figures(project: Project, only: Collection[int] | None = None) -> Iterator[tuple[str, str, Data]]:
    """Name, scope and data of the figures of all judges with counted runs, or of those with these ids.

    A judge that cannot be compared with people has a figure without measures.
    """
    # Before the verdicts and labels are read: what changes meanwhile makes the figures outdated again.
    versions = {pk: version for pk, version in _versions(project.pk).items() if only is None or pk in only}
    people = choices_version(project.pk)
    judges = [judge for judge in judges_of_steps(project.pk) if judge.pk in versions]
    by_judge = {report.judge.pk: _data(JudgeMeasures, report) for report in judge_reports(project, judges=judges)}
    for pk, version in versions.items():
        yield STEPS, f"judge:{pk}", {**_made(pk), "verdicts": version, "measures": by_judge.get(pk)}
    comparing = [judge for judge in comparing_judges(project.pk) if judge.pk in versions]
    for report in preference_reports(project, comparing):
        data = {**_made(report.judge.pk), "people": people, "measures": _data(PreferenceMeasures, report)}
        yield COMPARISONS, f"judge:{report.judge.pk}", data


def outdated_judges() -> dict[int, set[int]]:
    """By project id: the judges of which runs ended or were deleted after their reports were made, and those that compare
    where people's choices changed.

    What a later import adds to a run is not seen here, nor other labels of people: both make all figures stale.
    """
    made, of_choices = _made_figures(STEPS, "verdicts"), _made_figures(COMPARISONS, "people")
    comparing = {project_id for project_id, _ in of_choices}
    counted = JudgeRun.objects.filter(counted_run_q()).order_by()
    outdated: defaultdict[int, set[int]] = defaultdict(set)
    for project_id in counted.values_list("project_id", flat=True).distinct():
        choices = choices_version(project_id) if project_id in comparing else ""
        for judge_id, version in _versions(project_id).items():
            key = (project_id, judge_id)
            if made.get(key) != version or of_choices.get(key, choices) != choices:
                outdated[project_id].add(judge_id)
    return outdated


def _versions(project_id: int) -> dict[int, str]:
    """By judge id: another text for other counted runs, or other numbers of their verdicts."""
    runs = JudgeRun.objects.filter(counted_run_q(), project=project_id).order_by("pk")
    versions: defaultdict[int, list[str]] = defaultdict(list)
    for judge_id, pk, done in runs.values_list("judge_id", "pk", "done"):
        versions[judge_id].append(f"{pk}:{done}")
    return {judge_id: " ".join(parts) for judge_id, parts in versions.items()}


def _made(judge_id: int) -> Data:
    """Whose report it is, and which version of Annotate made it."""
    return {"judge": judge_id, "annotate": settings.VERSION}


def _made_figures(name: str, version: str) -> dict[tuple[int, int], str]:
    """By the ids of project and judge: what the figures that this version of Annotate made rest on."""
    figures = Figure.objects.filter(name=name, data__annotate=settings.VERSION)
    rows = figures.values_list("project_id", "data__judge", f"data__{version}")
    return {(project_id, judge_id): of for project_id, judge_id, of in rows}


def _stored(project: Project, name: str) -> dict[int, Figure]:
    """By judge id: the figures with measures that this version of Annotate made."""
    figures = Figure.objects.filter(project=project, name=name, data__annotate=settings.VERSION)
    return {figure.data["judge"]: figure for figure in figures if figure.data["measures"] is not None}


def _data(measures: type, report: object) -> Data:
    """What a worker stores of a report: all but its judge, which is read when it is shown."""
    return {field.name: msgspec.to_builtins(getattr(report, field.name)) for field in fields(measures)}


def _measures(measures: type, data: Data) -> Data:
    """The arguments of a report."""
    read: Any = msgspec.convert(data, measures)
    return {field.name: getattr(read, field.name) for field in fields(measures)}

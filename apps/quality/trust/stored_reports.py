"""The reports on judges that workers keep as figures: to read all verdicts of a judge takes seconds where there are many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import fields
from typing import Any

import msgspec

from apps.judging.models import JudgeRun
from apps.projects.models import Project
from apps.quality.models import Figure
from apps.quality.trust.preferences import PreferenceMeasures, PreferenceReport, comparing_judges, preference_reports
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
        if (figure := stored.get(judge.pk)) is not None and figure.data["measures"] is not None:
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
    versions = {pk: version for pk, version in verdict_versions(project).items() if only is None or pk in only}
    judges = [judge for judge in judges_of_steps(project.pk) if judge.pk in versions]
    by_judge = {report.judge.pk: _data(JudgeMeasures, report) for report in judge_reports(project, judges=judges)}
    for pk, version in versions.items():
        yield STEPS, f"judge:{pk}", {"judge": pk, "verdicts": version, "measures": by_judge.get(pk)}
    comparing = [judge for judge in comparing_judges(project.pk) if judge.pk in versions]
    for report in preference_reports(project, comparing):
        data = {"judge": report.judge.pk, "measures": _data(PreferenceMeasures, report)}
        yield COMPARISONS, f"judge:{report.judge.pk}", data


def outdated_judges() -> dict[int, set[int]]:
    """By project id: the judges of which runs ended or were deleted after their reports were made.

    Imports are left out: they make all figures of the project stale.
    """
    made = dict(Figure.objects.filter(name=STEPS).values_list("data__judge", "data__verdicts"))
    outdated: defaultdict[int, set[int]] = defaultdict(set)
    for (project_id, judge_id), version in _versions().items():
        if made.get(judge_id) != version:
            outdated[project_id].add(judge_id)
    return outdated


def verdict_versions(project: Project) -> dict[int, str]:
    """By judge id: another text for other counted runs, or other numbers of their verdicts."""
    return {judge_id: version for (_, judge_id), version in _versions(project=project).items()}


def _versions(**lookup: object) -> dict[tuple[int, int], str]:
    """By the ids of project and judge."""
    runs = JudgeRun.objects.filter(counted_run_q(), **lookup).order_by("pk")
    versions: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for project_id, judge_id, pk, done in runs.values_list("project_id", "judge_id", "pk", "done"):
        versions[project_id, judge_id].append(f"{pk}:{done}")
    return {key: " ".join(parts) for key, parts in versions.items()}


def _stored(project: Project, name: str) -> dict[int, Figure]:
    """By judge id."""
    return {figure.data["judge"]: figure for figure in Figure.objects.filter(project=project, name=name)}


def _data(measures: type, report: object) -> Data:
    """What a worker stores of a report: all but its judge, which is read when it is shown."""
    return {field.name: msgspec.to_builtins(getattr(report, field.name)) for field in fields(measures)}


def _measures(measures: type, data: Data) -> Data:
    """The arguments of a report."""
    read: Any = msgspec.convert(data, measures)
    return {field.name: getattr(read, field.name) for field in fields(measures)}

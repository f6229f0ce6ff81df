"""The rows of the trust page: each judge with its figures as cells, its certificate, and its biases in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.core.statistics import Proportion
from apps.dashboard.quality.tables import Cell, Table
from apps.judging.models import Judge
from apps.projects.models import Project
from apps.quality.models import JudgeCertificate
from apps.quality.statistics.bootstrap import Measured
from apps.quality.trust.preferences import PreferenceReport
from apps.quality.trust.report import JudgeReport
from apps.quality.trust.sentences import length_sentence, preference_sentence, usable_sentence


@dataclass(frozen=True, slots=True)
class CertificateState:
    """The newest decision on a judge, and which other version of it is certified (None if none is)."""

    decision: JudgeCertificate | None
    other_version: int | None


@dataclass(frozen=True, slots=True)
class JudgeRow:
    report: JudgeReport
    certificate: CertificateState

    @property
    def judge(self) -> Judge:
        return self.report.judge

    @property
    def surest(self) -> float:
        """The smaller of the lower bounds of both rates, which a certificate rests on; -1 if one is unknown."""
        figures = self.report.figures
        lows = (figures.true_positive.low, figures.true_negative.low)
        return min(-1.0 if low is None else low for low in lows)

    @property
    def shares(self) -> list[tuple[str, Cell, bool]]:
        """The figures with bars: their titles, their cells, and whether the project's bar applies to them."""
        figures = self.report.figures
        return [
            ("bad steps found", share(figures.true_positive), True),
            ("good steps cleared", share(figures.true_negative), True),
            ("exact first error", share(figures.exact), False),
            ("F1", share(figures.first_errors.f1), False),
        ]

    @property
    def kappa(self) -> Cell:
        return number(self.report.figures.kappa)

    @property
    def self_consistency(self) -> Cell:
        return number(self.report.figures.self_consistency)

    @property
    def cost(self) -> Cell:
        return number(self.report.figures.cost)

    @property
    def tokens(self) -> float | None:
        return self.report.tokens.value

    @property
    def length(self) -> tuple[str, Cell, Cell]:
        """A sentence, the correlation given the truth, and that among solutions without an error."""
        length = self.report.length
        return length_sentence(length), number(length.given_truth), number(length.without_error)

    @property
    def preference(self) -> tuple[str, Cell, Cell]:
        """A sentence, and the false acceptances of its own model's errors and of others'."""
        preference = self.report.preference
        return preference_sentence(preference), proportion(preference.own), proportion(preference.others)


@dataclass(frozen=True, slots=True)
class ComparingRow:
    """A judge that compares. `reason` says whether its verdicts are usable, and why not."""

    report: PreferenceReport

    @property
    def judge(self) -> Judge:
        return self.report.judge

    @property
    def reason(self) -> str:
        return usable_sentence(self.report)

    @property
    def cells(self) -> list[tuple[str, Cell]]:
        report = self.report
        return [
            ("usable", share(report.usable)),
            ("agrees with people", share(report.agreement)),
            ("kappa with people", number(report.kappa)),
            ("flips with the order", share(report.position.flips)),
            ("of these to the side shown first", share(report.position.first_shown)),
            ("prefers the longer side", share(report.length.longer)),
            ("people prefer the longer side", share(report.length.people)),
            ("agrees with itself", number(report.self_consistency)),
        ]


def judge_rows(project: Project, reports: Sequence[JudgeReport]) -> list[JudgeRow]:
    """The best first: by the smaller of the lower bounds of both rates."""
    certified = certified_versions(project)
    rows = [JudgeRow(report, certificate_state(report.judge, report.certificate, certified)) for report in reports]
    return sorted(rows, key=lambda row: -row.surest)


def certified_versions(project: Project) -> dict[str, dict[int, bool]]:
    """By judge's name and version: whether the newest decision on it is a certificate."""
    versions: dict[str, dict[int, bool]] = {}
    decisions = JudgeCertificate.objects.filter(project=project).order_by("pk")
    for name, version, is_granted in decisions.values_list("judge__name", "judge__version", "is_granted"):
        versions.setdefault(name, {})[version] = is_granted
    return versions


def certificate_state(
    judge: Judge, decision: JudgeCertificate | None, certified: Mapping[str, Mapping[int, bool]]
) -> CertificateState:
    granted = [
        version
        for version, is_granted in certified.get(judge.name, {}).items()
        if is_granted and version != judge.version
    ]
    return CertificateState(decision, max(granted, default=None))


# --- cells and files ----------------------------------------------------------------------------------------


def share(measured: Measured) -> Cell:
    return Cell(measured.value, measured.low, measured.high, is_share=True, n=measured.solutions)


def number(measured: Measured) -> Cell:
    return Cell(measured.value, measured.low, measured.high, n=measured.solutions)


def proportion(counted: Proportion) -> Cell:
    low, high = counted.interval
    return Cell(counted.value, low, high, is_share=True, n=counted.of) if counted.of else Cell(None, is_share=True)


MEASURED_AT = "Measured at"  # By a worker; empty: at the request.
JUDGE_HEADER = [
    "Judge",
    "Version",
    "Model",
    "Kind",
    "Certificate",
    "Bar",
    "Certified or refused by round",
    "On",
    "Solutions",
    "True-positive rate",
    "True-negative rate",
    "Exact first error",
    "ProcessBench F1",
    "Accuracy on errors",
    "Accuracy without errors",
    "Kappa with people",
    "Self-consistency",
    "Cost per solution",
    "Tokens per solution",
    "Unreadable",
    "Correlation with length",
    "Correlation with length, without errors",
    "Correlation with length, given the truth",
    "False acceptance of its own model",
    "False acceptance of others",
    "Difference",
    MEASURED_AT,
]
COMPARING_HEADER = ["Judge", "Version", "Model", "Comparisons"]


def judge_table(rows: Sequence[JudgeRow]) -> Table:
    return Table(JUDGE_HEADER, [_file_row(row) for row in rows])


def comparing_table(rows: Sequence[ComparingRow]) -> Table:
    titles = [title.capitalize() for title, _ in rows[0].cells] if rows else []
    return Table(
        [*COMPARING_HEADER, *titles, "Usable or not", MEASURED_AT],
        [
            [
                row.judge.name,
                row.judge.version,
                row.judge.model,
                row.report.comparisons,
                *(cell for _, cell in row.cells),
                row.reason,
                moment(row.report.at),
            ]
            for row in rows
        ],
    )


def _file_row(row: JudgeRow) -> list[object]:
    report, judge, decision = row.report, row.judge, row.certificate.decision
    figures, length, preference = report.figures, report.length, report.preference
    round_ = decision.sample.round if decision else None
    return [
        judge.name,
        judge.version,
        judge.model,
        judge.get_kind_display() or "from a file",
        ("certified" if decision.is_granted else "refused") if decision else "",
        decision.bar if decision else "",
        round_.number if round_ else "",
        decision.created_at.date().isoformat() if decision else "",
        report.solutions,
        *(share(measured) for measured in (figures.true_positive, figures.true_negative, figures.exact)),
        *(share(measured) for measured in (figures.first_errors.f1, figures.first_errors.erroneous)),
        share(figures.first_errors.correct),
        *(number(measured) for measured in (figures.kappa, figures.self_consistency, figures.cost, report.tokens)),
        share(figures.unreadable),
        *(number(measured) for measured in (length.overall, length.without_error, length.given_truth)),
        proportion(preference.own),
        proportion(preference.others),
        number(preference.difference),
        moment(report.at),
    ]


def moment(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at is not None else ""

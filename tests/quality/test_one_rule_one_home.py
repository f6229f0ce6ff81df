"""Each rule of the domain is computed in one function, which every page, queue, API and export uses.

Three contradictions between pages are tests of their own:

- An also acceptable first error is right for screenings and gold marks alike:
  `test_screening.test_an_also_acceptable_first_error_passes_as_the_gold_mark_says`.
- A Monte Carlo run that has not ended counts nowhere: `test_newest_run`.
- A suspended labeler counts neither on the run page nor on the quality page:
  `test_figures_and_n.test_a_suspended_labeler_counts_neither_on_the_run_page_nor_on_the_quality_page`.

`tests/flows/test_one_answer_everywhere.py` compares all pages, the API and exports in one project.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = [path for path in (ROOT / "apps").rglob("*.py") if "migrations" not in path.parts]

HOMES = {
    "first_error": "apps/corpus/labels.py",
    "hard_label": "apps/corpus/labels.py",
    "majority": "apps/corpus/labels.py",
    "more_than_half": "apps/corpus/labels.py",
    "newest_first_errors": "apps/estimation/latest.py",
    "newest_judge_ratings": "apps/judging/latest.py",
    "gold_of": "apps/quality/gold/labels.py",
    "mark_submission": "apps/quality/gold/scoring.py",
    "counted_q": "apps/labeling/models/counted.py",
    "strips_of": "apps/quality/sources.py",
}


@pytest.fixture(scope="module")
def definitions() -> dict[str, list[str]]:
    """The modules that define each function, methods aside."""
    modules: defaultdict[str, list[str]] = defaultdict(list)
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                modules[node.name].append(str(path.relative_to(ROOT)))
    return modules


@pytest.mark.parametrize("name", HOMES)
def test_each_rule_is_defined_once(definitions: dict[str, list[str]], name: str) -> None:
    assert definitions[name] == [HOMES[name]]


@pytest.mark.parametrize("table", ["labeling_goldlabel", "quality_alsoacceptable"])
def test_no_sql_reads_gold_by_itself(table: str) -> None:
    """What gold accepts is computed by `gold_of`, and passed to SQL that needs it."""
    reading = [
        str(path.relative_to(ROOT)) for path in MODULES if re.search(rf"(FROM|JOIN) {table}\b", path.read_text())
    ]
    assert reading == []

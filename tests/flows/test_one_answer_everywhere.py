"""One project with everything that once was told differently: every page, the API and every file say the same.

A screening, gold, a correction, a suspended labeler, a run that has ended and one under way, rated alternatives, a
retired problem. What is expected is counted from the script and from the rows of rollouts alone.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from pytest_django import DjangoDbBlocker

from apps.accounts.models import User
from apps.labeling.rounds.services import open_round
from apps.projects.models import Membership, Project, Role
from apps.projects.services import add_member, create_project
from apps.quality.models import Consensus, Figure
from tests.cast import bearer, make_user, undone
from tests.database import empty_tables, restart_sequences
from tests.estimation.model import model_of
from tests.flows import one_answer_script as script
from tests.flows import trainer_files
from tests.flows.one_answer_script import (
    GOLD,
    JUDGE,
    JUDGED,
    JUDGED_BEFORE,
    KEPT,
    NO_ERROR,
    PEOPLE,
    RIGHT,
    SCRIPT,
    SILENT,
    STEPS,
    first_error,
)
from tests.flows.one_answer_stage import Told, candidate, name_of, staged
from tests.flows.test_real_files import command, rows

Row = dict[str, Any]


# Without the mark, a run of this file alone would have no database of its own.
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def told(django_db_setup: None, django_db_blocker: DjangoDbBlocker, model_server: str) -> Iterator[Told]:
    """Staged once, for tests that leave it as it is."""
    model_of(model_server)
    with django_db_blocker.unblock():
        restart_sequences()
        alice, rita, bob = (make_user(name) for name in ("alice", "rita", "bob"))
        project = create_project(slug="algebra", name="Algebra", owner=alice)
        add_member(project=project, user=rita, role=Role.REVIEWER)
        add_member(project=project, user=bob, role=Role.LABELER)
        try:
            with staged(project, owner=alice, reviewer=rita, bob=bob, url=model_server) as found:
                yield found
        finally:
            empty_tables()


# --- pages and API ----------------------------------------------------------------------------------------


def strips(page: str) -> dict[int, tuple[str, list[str], str]]:
    """By solution of a list page: whose marks are drawn, the marks, and the words behind them."""
    found = {}
    for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL):
        link = re.search(r"/solutions/(\d+)\"", row)
        drawn = re.search(
            r'<span class="strip" title="([^"]*)">(.*?)</span>\s*<span[^>]*>([^<]*)</span>', row, re.DOTALL
        )
        if link and drawn:
            found[int(link[1])] = (drawn[1], re.findall(r'class="(\w+)"', drawn[2]), drawn[3].strip())
    return found


def sources(page: str) -> dict[int, dict[str, list[str]]]:
    """By solution of a queue page: the marks of each source."""
    found = {}
    for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL):
        link = re.search(r"/solutions/(\d+)[\"?]", row)
        if link:
            drawn = re.findall(r'<dt[^>]*title="([^"]*)">.*?<span class="strip">(.*?)</span>', row, re.DOTALL)
            found[int(link[1])] = {source: re.findall(r'class="(\w+)"', marks) for source, marks in drawn}
    return found


def waiting(page: str) -> dict[str, int]:
    """By kind of dispute, how many solutions the review page says to wait."""
    found = {}
    for row in re.findall(r"<li>.*?</li>", page, re.DOTALL):
        shown = re.search(r'/review/(\w+)">.*<span class="end num"><\w+[^>]*>(\d+)<', row, re.DOTALL)
        if shown:
            found[shown[1]] = int(shown[2])
    return found


def error_drawn(marks: list[str]) -> int | None:
    """The first error that marks name; None where a tie or a step without a word stands before it."""
    for place, mark in enumerate(marks):
        if mark == "bad":
            return place
        if mark not in ("great", "okay"):
            return None
    return NO_ERROR


def test_what_people_say_and_how_many_agree_is_the_same_on_every_page(told: Told) -> None:
    drawn = strips(told.page("solutions"))
    for name, (state, error, people) in PEOPLE.items():
        stands = told.evidence(name)["consensus"]
        assert (stands["state"], stands["first_error"], stands["people"]) == (state, error, people), name
        assert told.named(name, "consensus") == ({error} if error is not None else set()), name
        page = told.page("solution", told.ids[name])
        assert Consensus.State(state).label in page or state == "settled", name
        by, marks, words = drawn[told.ids[name]]
        assert (by, error_drawn(marks)) == (script.SHOWN_BY.get(name, "people"), error), name
        counted = "1 person" if people == 1 else f"{people} people"
        assert words == ("reviewers" if name == "corrected" else counted), name
    for name in SILENT:
        assert told.evidence(name)["consensus"] is None, name
        by, marks, _ = drawn[told.ids[name]]
        error = first_error(GOLD[name]) if name in GOLD else None
        assert (by, error_drawn(marks)) == (script.SHOWN_BY[name], error), name
    for name, reasons in script.NOT_COUNTED.items():
        assignments = told.evidence(name)["assignments"]
        assert {one["not_counted"] for one in assignments} == reasons, name
        counts = sum(not one["not_counted"] for one in assignments)
        assert len([one for one in told.evidence(name)["first_errors"] if one["source"] == "person"]) == counts, name
        labels = [one for one in told.every("step-labels") if one["solution"] == told.ids[name]]
        assert {one["not_counted"] for one in labels} == reasons, name
    candidates = [step for step in told.evidence("alternatives")["steps"] if not step["chosen"]]
    assert {step["text"]: sorted(vote["rating"] for vote in step["people"]) for step in candidates} == {
        candidate(number): sorted(said[number] for said in script.ALTERNATIVES.values()) for number in (1, 2, 3)
    }
    _check_agreement(told)


def _check_agreement(told: Told) -> None:
    """It is of the solutions on which two counted people spoke."""
    compared = [
        name
        for name, said in SCRIPT.items()
        if len([person for person in said if person != "dan"]) >= 2 and name not in SILENT
    ]
    same = [name for name in compared if len({first_error(SCRIPT[name][who]) for who in ("bob", "cara")}) == 1]
    exact = Figure.objects.get(project=told.project, name="agreement", scope="").data["first_errors"]["exact"]
    assert (exact["value"], exact["solutions"]) == (pytest.approx(len(same) / len(compared)), len(compared))
    assert exact["low"] < exact["value"] < exact["high"]
    stats = dict(re.findall(r"<dt>([^<]+)</dt><dd>(.*?)</dd>", told.page("quality")))
    assert f"of {len(compared)}<" in stats["same first error"]
    assert stats["labeled solutions"] == str(len(PEOPLE))
    assert stats["settled"] == str(sum(state == "settled" for state, _, _ in PEOPLE.values()))


def test_each_queue_holds_what_the_script_brings_about_and_nothing_else(told: Told) -> None:
    of_rollouts = {name: first_error(labels) for name, labels in told.rollouts.items()}
    expected = script.QUEUES | {
        # What a reviewer has adjudicated is in dispute with rollouts no more.
        "people_monte_carlo": {
            name for name in PEOPLE if name != "corrected" and of_rollouts[name] not in script.named_by_people(name)
        },
        "monte_carlo_gold": {name for name, ratings in GOLD.items() if of_rollouts[name] != first_error(ratings)},
        "people_judge": {
            name
            for name, ratings in JUDGED.items()
            if name in PEOPLE and name != "corrected" and first_error(ratings) not in script.named_by_people(name)
        },
        "monte_carlo_judge": {
            name
            for name, ratings in JUDGED.items()
            if name != "corrected" and of_rollouts[name] != first_error(ratings)
        },
    }
    assert expected["people_monte_carlo"], "the script brings it about"
    assert expected["monte_carlo_gold"], "the script brings it about"
    assert waiting(told.page("review")) == {kind: len(names) for kind, names in expected.items()}
    for kind, names in expected.items():
        shown = sources(told.page("review-queue", kind))
        assert told.in_script(set(shown)) == names, kind
        assert told.in_script({row["solution"] for row in told.every(f"disputes?kind={kind}")}) == names, kind
        for name in names:
            of_source = shown[told.ids[name]]
            assert error_drawn(of_source["Monte Carlo"]) == of_rollouts[name], (kind, name)
            if name in PEOPLE:
                assert error_drawn(of_source["consensus"]) == PEOPLE[name][1], (kind, name)
            if name in GOLD:
                assert error_drawn(of_source["gold"]) == first_error(GOLD[name]), (kind, name)
            if name in JUDGED:
                assert error_drawn(of_source[JUDGE]) == first_error(JUDGED[name]), (kind, name)
    for name in SCRIPT:
        kinds = {kind for kind, names in expected.items() if name in names}
        assert set(told.evidence(name)["disputes"]) == kinds, name
    adjudicated = sources(told.page("review-queue", "adjudicated"))
    assert told.in_script(set(adjudicated)) == {"corrected"}
    assert error_drawn(adjudicated[told.ids["corrected"]]["consensus"]) == PEOPLE["corrected"][1]


def test_a_judge_is_its_newest_version_everywhere(told: Told, tmp_path: Path) -> None:
    for name in KEPT:
        expected = {first_error(JUDGED[name])} if name in JUDGED else set()
        assert told.named(name, "judge") == expected, name
        versions = {one["version"]: one["first_error"] for one in told.evidence(name)["judges"]}
        older = {1: first_error(JUDGED_BEFORE[name])} if name in JUDGED_BEFORE else {}
        assert versions == older | ({2: first_error(JUDGED[name])} if name in JUDGED else {}), name
    found, _ = exported(told, tmp_path, "annotate", sources=["judge"])
    errors = {name_of(row["problem"]["statement"]): row["first_error"] for row in found if row["solution"]}
    assert errors == {name: first_error(JUDGED[name]) if name in JUDGED else None for name in KEPT}
    # On the quality page each version is a row of its own, compared where the first error is settled.
    compared = [name for name in JUDGED if PEOPLE[name][0] == "settled"]
    same = sum(first_error(JUDGED[name]) == PEOPLE[name][1] for name in compared)
    newest = Figure.objects.get(project=told.project, name="judges", scope="run:2").data
    assert (newest["judge"], newest["version"]) == (JUDGE, 2)
    exact = newest["first_error_exact"]
    assert (exact["value"], exact["solutions"]) == (pytest.approx(same / len(compared)), len(compared))


def test_the_evidence_page_names_the_same_first_errors_as_the_api(told: Told) -> None:
    for name in KEPT:
        shown = re.findall(r'<div class="(\w+)"><dt>[^<]*</dt><dd>([^<]*)</dd>', told.page("solution", told.ids[name]))
        numbers = {-1: "none", None: "cannot be told"}
        expected = [
            (one["source"], numbers.get(one["first_error"], str((one["first_error"] or 0) + 1)))
            for one in told.evidence(name)["first_errors"]
        ]
        assert shown == expected, name


def against_people(page: str) -> list[int]:
    """Of a run's page: good by both, bad by people alone, bad by rollouts alone, bad by both."""
    section = re.sub(r"\s+", " ", page).partition("<h2>Against people</h2>")[2].partition("</section>")[0]
    return [int(one) for one in re.findall(r'<td class="num heat-\d">(\d+)', section)]


def table(rollouts: dict[str, list[int]]) -> list[int]:
    """Over steps with a label that stands, thin ones left out, and one of rollouts."""
    counts = {(people, machine): 0 for people in (True, False) for machine in (True, False)}
    for name in rollouts.keys() & PEOPLE.keys():
        if PEOPLE[name][0] == "thin":
            continue
        for place in range(STEPS):
            ratings = [said[place] for said in script.counted_labels(name) if place < len(said)]
            bad = sum(rating == -1 for rating in ratings)
            if len(ratings) == 2 and bad != 1:
                counts[bad == 0, rollouts[name][place] == 1] += 1
    return [counts[True, True], counts[False, True], counts[True, False], counts[False, False]]


def test_rollouts_are_those_of_the_run_that_has_ended_while_the_other_is_under_way(told: Told) -> None:
    assert set(told.rollouts) == set(KEPT)
    assert all(first_error(labels) == 0 for labels in told.partial.values())
    assert any(first_error(told.rollouts[name]) != 0 for name in told.partial), "so the two runs can be told apart"
    for name, labels in told.rollouts.items():
        assert told.named(name, "monte_carlo") == {first_error(labels)}, name
        speak = {one["run"]: (one["first_error"], one["counts"]) for one in told.evidence(name)["runs"]}
        partial = {told.under_way.number: (0, False)} if name in told.partial else {}
        assert speak == {told.ended.number: (first_error(labels), True)} | partial, name
    for run, status, labels in (
        (told.ended, "finished", told.rollouts),
        (told.under_way, "running", told.partial),
    ):
        detail = told.api(f"/estimation-runs/{run.pk}")
        assert (detail["status"], detail["done"], detail["total"]) == (status, len(labels), len(KEPT))
        estimates = [one for one in told.every("estimates") if one["run"] == run.number]
        assert {(one["solution"], one["position"], one["hard"]) for one in estimates} == {
            (told.ids[name], place, label == 1) for name, said in labels.items() for place, label in enumerate(said)
        }
        page = told.page("run", run.number)
        assert f">{status}<" in page
        assert (f"{len(labels)} of {len(KEPT)} solutions" in page) is (run == told.under_way)
        # While it is under way the page tells how far it is, and nothing that may still turn.
        assert against_people(page) == (table(labels) if run == told.ended else [])
    figure = Figure.objects.get(project=told.project, name="monte_carlo").data
    assert figure["number"] == told.ended.number
    assert sum(map(sum, figure["confusion"])) == sum(table(told.rollouts))
    with undone():
        round_ = open_round(project=told.project, protocol="every_step", mode="verify")
        eve = make_user("eve")
        add_member(project=told.project, user=eve, role=Role.LABELER)
        path = f"/api/v1/projects/{told.project.slug}/rounds/{round_.number}/claim"
        sheet = bearer(eve).post(path, {}, "application/json").json()["assignment"]
        verified = name_of(sheet["problem"]["statement"])
        assert verified in told.partial, "the first in the round, and in the run that is under way"
        assert sheet["models"]["run"] == told.ended.number
        shown = [step["successes"] for step in sheet["models"]["steps"]]
        assert [1 if one else -1 for one in shown[: STEPS - 1]] == told.rollouts[verified][: STEPS - 1]


# --- files ------------------------------------------------------------------------------------------------


def exported(told: Told, folder: Path, name: str, **policy: Any) -> tuple[list[Row], Row]:
    """The rows of a file, and the counts beside it."""
    output, file = folder / f"{name}.jsonl", folder / "policy.json"
    file.write_text(json.dumps(policy))
    command("export", project=told.project.slug, format=name, output=output, policy=file)
    found, counts = rows(output), trainer_files.manifest(output)
    assert counts["rows"] == len(found)
    return found, counts


def test_our_own_rows_hold_what_the_pages_show(told: Told, tmp_path: Path) -> None:
    found, counts = exported(told, tmp_path, "annotate", sources=["consensus"], thin="take")
    assert (counts["solutions"], counts["comparisons"]) == (len(KEPT), script.COMPARED)
    of_solutions = {name_of(row["problem"]["statement"]): row for row in found if row["solution"]}
    assert set(of_solutions) == set(KEPT)
    for name, row in of_solutions.items():
        assert row["first_error"] == (PEOPLE[name][1] if name in PEOPLE else None), name
        assert [one["rating"] for one in row["gold"]["steps"]] == GOLD.get(name, []), name
        (run,) = row["monte_carlo"]
        assert run["run"] == told.ended.number
        assert [1 if step["hard"] else -1 for step in run["steps"]] == told.rollouts[name], name
        assert {person["is_suspended"] for person in row["people"]} == {"dan" in SCRIPT[name], False}, name
        assert {person["is_screening"] for person in row["people"]} == {name == "screening"}, name
        is_gold = name in ("screening", "gold task")
        assert {person["is_quality_control"] for person in row["people"]} == {is_gold}, name
        assert len(row["people"]) == len(SCRIPT[name]) + (name == "corrected"), name
    for name, (state, error, _) in PEOPLE.items():
        stands = of_solutions[name]["consensus"]["steps"]
        said = {step["position"]: step["rating"] for step in stands}
        assert first_error([said[place] for place in sorted(said)]) == (None if state == "tied" else error), name
        reached = [step for step in stands if error == NO_ERROR or step["position"] <= (error or 0)]
        assert {step["is_thin"] for step in reached} <= {state == "thin"}, name
    preferences = [person["preference"]["choice"] for row in found if row["comparison"] for person in row["people"]]
    asked = [said for (name, *_), said in script.PREFERENCES.items() if name != "retired"]
    assert len(preferences) == sum(map(len, asked))
    assert preferences.count("tie") == sum(better is None for said in asked for better, _ in said.values())
    for source in (["gold"], ["monte_carlo_hard"]):
        found, _ = exported(told, tmp_path, "annotate", sources=source)
        errors = {name_of(row["problem"]["statement"]): row["first_error"] for row in found if row["solution"]}
        labels = GOLD if source == ["gold"] else told.rollouts
        assert errors == {name: first_error(labels[name]) if name in labels else None for name in KEPT}


@dataclass
class Trainer:
    """One that reads labels of steps, and what it gets: by solution the labels of each row, and what is left out."""

    told: Told
    folder: Path
    format: str
    read: Callable[[Row], tuple[str, list[bool]]]

    def gets(self, **policy: Any) -> tuple[dict[str, list[list[bool]]], dict[str, int]]:
        found, counts = exported(self.told, self.folder, self.format, **policy)
        labels: defaultdict[str, list[list[bool]]] = defaultdict(list)
        for statement, said in map(self.read, found):
            labels[name_of(statement)].append(said)
        signs = Counter("1" if label else "-1" for of_one in labels.values() for said in of_one for label in said)
        assert counts["labels"] == dict(signs)
        return {name: sorted(said) for name, said in labels.items()}, counts["left_out"]

    def rows(self, **policy: Any) -> dict[str, list[list[bool]]]:
        return self.gets(**policy)[0]


def test_trainers_of_step_labels_get_what_stands(told: Told, tmp_path: Path) -> None:
    of_rollouts = {name: [[label == 1 for label in said]] for name, said in told.rollouts.items()}
    for trainer in (
        Trainer(told, tmp_path, "trl-prm", trainer_files.trl_prm),
        Trainer(told, tmp_path, "math-shepherd", trainer_files.math_shepherd),
    ):
        assert trainer.rows(sources=["consensus"]) == script.SETTLED_ROWS
        assert trainer.rows(sources=["consensus"], thin="take") == script.SETTLED_ROWS | script.THIN_ROWS
        assert trainer.rows(sources=["adjudicated"]) == {"corrected": script.SETTLED_ROWS["corrected"]}
        assert trainer.rows(sources=["gold"]) == script.GOLD_ROWS
        assert trainer.gets(sources=["human"]) == (script.PEOPLE_ROWS, script.PEOPLE_LEFT_OUT)
        assert trainer.rows(sources=["human"], thin="take") == script.PEOPLE_ROWS | script.THIN_ROWS
        # Of each solution the first source that labels it: rollouts do where people are too few, or of two minds.
        until_error = {name: [script.until(script.first_error(said))] for name, said in told.rollouts.items()}
        assert trainer.rows() == until_error | script.PEOPLE_ROWS | script.SETTLED_ROWS | script.GOLD_ROWS
        dropped, left_out = trainer.gets(sources=["human"], alternatives="drop")
        assert dropped == script.PEOPLE_ROWS | {"alternatives": script.SETTLED_ROWS["alternatives"]}
        assert left_out["ratings: alternatives, which the policy drops"] == len(script.OF_ALTERNATIVES) - 1
        assert trainer.rows(sources=["monte_carlo_hard"], after_first_error="as_rated") == of_rollouts


def test_files_of_first_errors_hold_what_stands(told: Told, tmp_path: Path) -> None:
    of_people = {name: error for name, (state, error, _) in PEOPLE.items() if state == "settled"}
    of_gold = {name: first_error(ratings) for name, ratings in GOLD.items()}
    for format_, read in (("processbench", trainer_files.processbench), ("verifier-rl", trainer_files.verifier_rl)):
        for source, errors in (("consensus", of_people), ("gold", of_gold)):
            folder = tmp_path / f"{format_}-{source}"
            folder.mkdir()
            found, counts = exported(told, folder, format_, sources=[source])
            assert {name_of(statement): error for statement, error in map(read, found)} == errors, (format_, source)
            assert counts["labels"] == Counter(
                "no error" if error == NO_ERROR else "error" for error in errors.values()
            )
            assert len(found) == len(errors)


def test_files_of_people_of_answers_and_of_pairs_hold_each_what_counts_once(told: Told, tmp_path: Path) -> None:
    people = {name: user.name.lower() for user, name in _pseudonyms(told.project)}
    found, counts = exported(told, tmp_path, "prm800k")
    said = {}
    for row in found:
        statement, labeler, error = trainer_files.prm800k(row)
        name = name_of(statement)
        said[name, people[labeler]] = error
        assert row["is_quality_control_question"] == (name in ("screening", "gold task"))
        assert row["is_initial_screening_question"] == (name == "screening")
        rated = script.ALTERNATIVES[people[labeler]] if name == "alternatives" else {}
        assert trainer_files.beside_the_path(row) == {candidate(number): rating for number, rating in rated.items()}
    assert len(found) == len(said)
    assert said == {of: first_error(ratings) for of, ratings in script.PRM800K_ROWS.items()}
    assert counts["left_out"] == script.PRM800K_LEFT_OUT

    found, counts = exported(told, tmp_path, "orm")
    answers = [trainer_files.orm(row) for row in found]
    assert {name_of(statement): is_right for statement, is_right in answers} == {name: name == RIGHT for name in KEPT}
    assert len(answers) == len(KEPT)
    assert counts["left_out"] == {"solutions: of problems that are retired": 1}

    for name in ("reward-pairs", "dpo"):
        with pytest.raises(CommandError, match="The export would be empty") as empty:
            exported(told, tmp_path, name)
        for reason, count in script.THIN_PAIRS_LEFT_OUT.items():
            assert f"{reason} ({count})" in str(empty.value)
        for ties, pairs in (("drop", script.PAIRS), ("both_ways", [*script.PAIRS, *script.TIED_PAIRS])):
            found, counts = exported(told, tmp_path, name, ties=ties, thin="take")
            begun = f"Compute {script.NAMES.index('alternatives')} + {script.NAMES.index('alternatives')}."
            assert sorted(map(trainer_files.pair, found)) == sorted(
                (f"{begun}\nStep 1: we add a little more.\n", candidate(better), candidate(worse))
                for better, worse, _ in pairs
            )
            left_out = {
                reason: count
                for reason, count in script.PAIRS_LEFT_OUT.items()
                if ties == "drop" or reason != "comparisons: a tie"
            }
            assert counts["left_out"] == left_out
            if name == "reward-pairs":
                assert sorted(row["margin"] for row in found) == sorted(margin for *_, margin in pairs)


def _pseudonyms(project: Project) -> list[tuple[User, str]]:
    names = Membership.objects.filter(project=project).pseudonyms()
    return [(User.objects.get(pk=pk), name) for pk, name in names.items()]

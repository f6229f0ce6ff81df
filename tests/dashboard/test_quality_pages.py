"""Quality, labelers, rules and the trail, as managers and reviewers read them."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from apps.accounts.models import AuditEvent, User
from apps.accounts.services import record_event
from apps.dashboard.quality.tables import MAX_ROWS, MODEL_FIGURES, Cell, Share, Table
from apps.labeling.models import GoldLabel
from apps.projects.models import Membership, Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.metrics.refresh import refresh_figures
from apps.quality.models import Figure, QualityRules, Suspension
from tests.cast import signed_in
from tests.quality.labeled_project import label_at_random
from tests.quality.submissions import mark_all_stale


@pytest.fixture
def spoken(project: Project) -> Project:
    label_at_random(project)
    for solution in project.solutions.order_by("pk")[:12]:
        for step in solution.steps.all():
            GoldLabel.objects.create(step=step, rating=1)
    QualityRules.objects.create(project=project, suspends=False, hourly_cost=30)
    mark_all_stale(project)
    recompute_project(project)
    assert refresh_figures() == 1
    return project


def table(client: object, project: Project, name: str) -> list[dict[str, str]]:
    answer = client.get(f"/projects/{project.slug}/quality/{name}.csv")  # type: ignore[attr-defined]
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_only_the_newest_runs_are_plotted_and_the_page_says_so(spoken: Project, alice: User) -> None:
    bins = [{"low": 0.0, "high": 1.0, "of": 4, "good": 2, "mean": 0.5, "interval": [0.2, 0.8]}]
    measured = {"value": 0.5, "low": None, "high": None}
    told = dict.fromkeys(MODEL_FIGURES, measured) | {
        "calibration": {"bins": bins, "error": measured, "brier": measured}
    }
    for number in range(1, 13):
        for name, more in (("monte_carlo", {"strategy": "fixed"}), ("judges", {"judge": "critic", "version": 1})):
            data = {**told, **more, "number": number}
            Figure.objects.create(project=spoken, name=name, scope=f"run:{number}", data=data, at=timezone.now())
    page = signed_in(alice).get(f"/projects/{spoken.slug}/quality").content.decode()
    assert "run 12: right verdicts by confidence" in page
    assert "Run 7: good steps by soft estimate" in page
    assert "run 6: right verdicts by confidence" not in page
    assert "Run 6: good steps by soft estimate" not in page
    assert page.count("6 more are in the figures below, and all are in the file.") == 2
    assert [row["Run"] for row in table(signed_in(alice), spoken, "monte-carlo")] == [
        str(one) for one in range(12, 0, -1)
    ]


def test_the_page_shows_what_the_files_hold(spoken: Project, alice: User) -> None:
    client = signed_in(alice)
    rows = table(client, spoken, "agreement")
    assert [row["Scope"] for row in rows] == ["all", "Algebra", "Number theory"]
    exact = float(rows[0]["Same first error"])
    assert float(rows[0]["Same first error low"]) < exact < float(rows[0]["Same first error high"])
    alpha = float(rows[0]["Alpha, ordinal"])
    page = client.get(f"/projects/{spoken.slug}/quality").content.decode()
    tiles, agreement = page.partition("Over time")[0], page.partition('id="h-confusion"')[2]
    for part in (tiles, agreement):
        assert f"{100 * exact:.0f} %" in part
        assert f"{alpha:.2f}" in part
    assert len(table(client, spoken, "pairs")) == 6
    assert sum(int(value) for row in table(client, spoken, "confusion") for value in list(row.values())[1:]) > 100
    assert len(table(client, spoken, "over-time")) > 4


def test_the_quality_page_takes_the_same_queries_for_any_labels(
    spoken: Project, alice: User, django_assert_max_num_queries: object
) -> None:
    client = signed_in(alice)
    for page in ("quality", "quality/labelers"):
        with django_assert_max_num_queries(14):  # type: ignore[operator]
            assert client.get(f"/projects/{spoken.slug}/{page}").status_code == 200


def test_labelers_are_listed_with_gold_speed_cost_and_agreement(spoken: Project, alice: User) -> None:
    rows = {row["Labeler"]: row for row in table(signed_in(alice), spoken, "labelers")}
    assert set(rows) == {"Labeler0", "Labeler1", "Labeler2", "Labeler3"}
    assert all(row["Submissions"] == "40" and row["Gold tasks"] == "12" for row in rows.values())
    assert float(rows["Labeler0"]["Median seconds"]) == 20
    assert float(rows["Labeler0"]["Cost"]) == pytest.approx(40 * 20 / 3600 * 30)
    agrees = [float(rows[f"Labeler{number}"]["Agrees with the others"]) for number in range(4)]
    assert agrees[0] > agrees[2] > agrees[3]


def test_shares_are_in_percent_and_coefficients_are_not() -> None:
    told = {"value": 0.594, "low": 0.47, "high": 0.73}
    shown = [
        render_to_string("quality/_cell.html", {"cell": cell})
        for cell in (
            Cell.share(told),
            Cell.of(told),
            Cell.share(None),
            Share(0.25),
            0.25,
            12345,
            "majority",
        )
    ]
    assert [" ".join(strip_tags(text).split()) for text in shown] == [
        "59 % 47 to 73 %",
        "0.59 0.47 to 0.73",
        "–",
        "25 %",
        "0.25",
        "12,345",
        "majority",
    ]


def test_names_stand_at_the_left_and_numbers_at_the_right() -> None:
    assert Table(["One", "Other", "Same"], [["a", "b", Cell(0.5)]]).columns == [
        ("One", False),
        ("Other", False),
        ("Same", True),
    ]


def test_reviewers_see_pseudonyms(spoken: Project, rita: User) -> None:
    page = signed_in(rita).get(f"/projects/{spoken.slug}/quality/labelers").content.decode()
    assert "Labeler0" not in page
    assert Membership.objects.get(user__name="Labeler0").pseudonym[:8] in page


def test_a_name_does_not_become_a_formula(spoken: Project, alice: User) -> None:
    User.objects.filter(name="Labeler0").update(name="=HYPERLINK(1)")
    assert "'=HYPERLINK(1)" in {row["Labeler"] for row in table(signed_in(alice), spoken, "labelers")}


def test_a_labeler_is_suspended_with_a_reason_and_reinstated(spoken: Project, alice: User) -> None:
    client, member = signed_in(alice), Membership.objects.get(user__name="Labeler3")
    refused = client.post(f"/projects/{spoken.slug}/quality/labelers/{member.pk}/suspend", {"reason": " "})
    assert refused.status_code == 400
    client.post(f"/projects/{spoken.slug}/quality/labelers/{member.pk}/suspend", {"reason": "says great to all"})
    assert Suspension.objects.get().reason == "says great to all"
    assert "says great to all" in client.get(f"/projects/{spoken.slug}/quality/labelers").content.decode()
    client.post(f"/projects/{spoken.slug}/quality/labelers/{member.pk}/lift")
    assert Membership.objects.get(pk=member.pk).status == "active"
    assert Suspension.objects.get().lifted_by == alice


def test_a_change_of_rules_is_audited_and_recomputes_the_consensus(spoken: Project, alice: User) -> None:
    client = signed_in(alice)
    terms = {
        "rule": "processbench",
        "agreeing": 3,
        "limit": 2,
        "pass_mark": 75,
        "minimum": 5,
        "convincing": 0.5,
        "judge_bar": 80,
    }
    assert client.post(f"/projects/{spoken.slug}/quality/rules", terms).status_code == 422
    assert client.post(f"/projects/{spoken.slug}/quality/rules", terms | {"limit": 4}).status_code == 302
    rules = QualityRules.objects.get()
    assert (rules.rule, rules.options, rules.suspends, rules.stale_all) == (
        "processbench",
        {"agreeing": 3, "limit": 4},
        False,
        True,
    )
    event = AuditEvent.objects.get(verb="quality.rules")
    assert (event.before["rule"], event.after["rule"]) == ("majority", "processbench")


def test_the_trail_is_searched_and_leaves_as_a_file(project: Project, alice: User, mia: User) -> None:
    record_event(actor=mia, verb="gold.made", target="17", project=project.slug, after={"5": -1})
    record_event(actor=mia, verb="gold.made", target="18", project="another")
    client = signed_in(mia)
    page = client.get(f"/projects/{project.slug}/audit", {"verb": "gold.", "target": "17"}).content.decode()
    assert "gold.made" in page
    assert "guidelines" not in page.partition("<tbody>")[2].partition("</tbody>")[0]
    answer = client.get(f"/projects/{project.slug}/audit.jsonl", {"verb": "gold."})
    lines = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]  # type: ignore[attr-defined]
    assert [(one["who"], one["target"], one["after"]) for one in lines] == [(mia.email, "17", {"5": -1})]
    assert client.get(f"/projects/{project.slug}/audit", {"verb": "nonsense"}).status_code == 200


def test_a_page_shows_the_first_rows_of_a_long_table_and_the_file_all() -> None:
    long = Table(["Number"], [[number] for number in range(MAX_ROWS + 3)])
    assert (long.shown, long.left_out) == (long.rows[:MAX_ROWS], 3)
    assert len(list(long.flat())) == 1 + MAX_ROWS + 3
    assert (Table(["Number"], [[1]]).left_out, Cell(0.2).sorting < Cell(0.3).sorting < Cell(None).sorting) == (0, True)


def test_both_pages_show_the_same_suspension(spoken: Project, alice: User) -> None:
    """Suspended here and let in there, or the other way round."""
    client = signed_in(alice)
    member = Membership.objects.filter(project=spoken, role="labeler")[0]
    base = f"/projects/{spoken.slug}"
    client.post(f"{base}/quality/labelers/{member.pk}/suspend", {"reason": "says great to all"})
    client.post(reverse("member-reinstate", args=[spoken.slug, member.pk]))
    assert not Suspension.objects.filter(lifted_at=None).exists()
    client.post(reverse("member-suspend", args=[spoken.slug, member.pk]))
    assert Suspension.objects.get(lifted_at=None).by == alice
    client.post(f"{base}/quality/labelers/{member.pk}/lift")
    member.refresh_from_db()
    assert (member.status, Suspension.objects.filter(lifted_at=None).exists()) == ("active", False)


# --- too few to tell ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "shown"), [(1, "–"), (4, "–"), (5, "100 %"), (None, "100 %")])
@pytest.mark.parametrize("is_share", [True, False])
def test_a_cell_that_rests_on_too_few_is_a_dash_with_their_number(n: int | None, shown: str, is_share: bool) -> None:
    cell = Cell(1.0, 0.2, 1.0, is_share=is_share, n=n)
    told = " ".join(strip_tags(render_to_string("quality/_cell.html", {"cell": cell})).split())
    value, interval = (shown, "20 to 100 %") if is_share else (shown.replace("100 %", "1.00"), "0.20 to 1.00")
    expected = [value, *([interval] if shown != "–" else []), *([f"n {n}"] if n else [])]
    assert told == " ".join(expected)
    assert next(iter(list(Table(["A"], [[cell]]).flat())[1:])) == [1.0, 0.2, 1.0, n], "the file has the number"


def test_gold_of_one_task_is_no_share(project: Project, alice: User) -> None:
    """Nor are its steps, however many they are."""
    share = {"hits": 1, "of": 1, "interval": [0.2, 1.0], "tasks": 1}
    row = {
        "labeler": alice.pk,
        "assignments": 1,
        "median_ms": 1,
        "active_ms": 1,
        "idle_ms": 0,
        "days": 1,
        "last": None,
        "left_early": 0,
        "corrected": 0,
        "agrees": [2, 2],
        "exact": share,
        "within_one": share,
        "steps": {"hits": 9, "of": 9, "interval": [0.7, 1.0], "tasks": 1},
    }
    Figure.objects.create(project=project, name="labelers", scope="", data={"labelers": [row]}, at=timezone.now())
    page = signed_in(alice).get(f"/projects/{project.slug}/quality/labelers").content.decode()
    assert "100 %" not in page
    assert (page.count("n 1<"), page.count("n 2<")) == (3, 1)
    (told,) = table(signed_in(alice), project, "labelers")
    assert (told["Gold, steps"], told["Gold, steps n"]) == ("1.0", "1")
    assert (told["Agrees with the others"], told["Agrees with the others n"]) == ("", "2")

"""From a judge that nobody knows to its certificate: a blind round, labeled by keyboard, and a decision."""

from __future__ import annotations

from playwright.sync_api import expect

from apps.accounts.models import User
from apps.labeling.models import Assignment, Round
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.models import BlindSample, JudgeCertificate
from tests.browser.barriers import PHONE, flaws
from tests.browser.conftest import Watched
from tests.browser.labeling_page import LabelingPage
from tests.quality.judged_project import add_solutions, judge_all
from tests.quality.trusted_project import decided, judge_that_says_first, trusted_project

SIZE = 4


def test_a_blind_round_is_opened_labeled_by_keyboard_and_decides(
    project: Project, mia: User, bob: User, watched: Watched
) -> None:
    lengths = add_solutions(project, 12, steps=3)
    judge_all(project, dict.fromkeys(lengths, 1), name="critic")

    # The manager opens the round on the page, which says before how many are needed.
    manager = watched.page(mia)
    manager.goto(f"/projects/{project.slug}/judging/trust")
    manager.get_by_role("link", name="Calibrate judges").first.click()
    expect(manager.locator("#advice")).to_contain_text("are needed")
    expect(manager.locator("#advice")).to_contain_text("The project has 12")
    before = manager.locator("#advice").inner_text()
    manager.get_by_label("Expected rate of the judge").fill("97")
    expect(manager.locator("#advice")).not_to_have_text(before, use_inner_text=True)
    manager.get_by_label("Solutions to draw").fill(str(SIZE))
    manager.get_by_role("button", name="Open the blind round").click()
    expect(manager.get_by_text("Labelers see nothing that models say of its sample")).to_be_visible()
    sample = BlindSample.objects.get()
    round_ = Round.objects.select_related("project").get(pk=sample.round_id)
    expect(manager.get_by_role("button", name="Decide")).to_have_count(0)

    # Who may look at solutions sees nothing of the judge meanwhile.
    drawn = sample.solutions.first()
    assert drawn is not None
    manager.goto(f"/projects/{project.slug}/solutions/{drawn.solution_id}")
    expect(manager.get_by_text("hidden while people label this solution")).to_be_visible()
    expect(manager.locator("#evidence")).not_to_contain_text("critic")

    # The labeler finds an error in the second step of each, by keyboard.
    labeling = LabelingPage(watched.page(bob)).open(round_)
    for number in range(SIZE):
        labeling.press("3", "1")
        assert labeling.pressed() == ["great", "bad", "-"]
        labeling.submit(and_next=number + 1 < SIZE)
    assert Assignment.objects.submitted().filter(round=round_).count() == SIZE
    recompute_project(project)

    # The judge agrees with all four labels, which are too few for a certificate.
    manager.goto(f"/projects/{project.slug}/judging/trust")
    manager.once("dialog", lambda dialog: dialog.accept())
    manager.get_by_role("button", name="Decide on critic v1").click()
    expect(manager.locator(f"#sample-{sample.pk}")).to_contain_text("refused")
    decision = JudgeCertificate.objects.get()
    assert (decision.is_granted, decision.solutions, decision.true_positive) == (False, SIZE, 1.0)
    expect(manager.locator(f"#sample-{sample.pk}")).to_contain_text("true-positive rate 1.00, lower bound 0.40")
    expect(manager.locator(f"#sample-{sample.pk}")).to_contain_text("is below the bar of 0.80")


def test_a_larger_sample_certifies_and_the_pages_have_no_barrier(project: Project, mia: User, watched: Watched) -> None:
    made = trusted_project(project)
    page = watched.page(mia, viewport=PHONE)
    page.goto(f"/projects/{project.slug}/judging/trust")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Decide on careful v1").click()
    expect(page.locator("#h-judges + .scroll")).to_contain_text("certified")
    assert JudgeCertificate.objects.get().is_granted
    cascade = decided(made)
    assert cascade.tau is not None, cascade.reason
    judge_that_says_first(project)
    wrong = {}
    for path in ("trust", "trust/calibrate", "choruses/new", "cascades", "cascades/new", f"cascades/{cascade.number}"):
        page.goto(f"/projects/{project.slug}/judging/{path}")
        for summary in page.locator("main details:not(.menu) > summary").all():
            summary.click()
        if found := flaws(page):
            wrong[path] = found
    assert wrong == {}

    page.goto(f"/projects/{project.slug}/judging/cascades/{cascade.number}")
    expect(page.locator("#reason")).to_contain_text("with 95 % confidence at most")
    expect(page.locator("figure.chart .point.chosen")).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("applied")
    page.get_by_role("link", name="Open a round for what is left to people").click()
    expect(page.locator("#size")).to_contain_text(f"cascade:{cascade.number},first:dispute:monte_carlo_judge")

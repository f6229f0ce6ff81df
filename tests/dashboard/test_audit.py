"""The audit log in sentences: every kind has one, things are linked, and the search finds what it is asked for."""

from __future__ import annotations

import ast
import csv
import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import AuditEvent, User
from apps.accounts.services import record_event
from apps.dashboard.audit.forms import KINDS, about
from apps.dashboard.audit.narration import narrate
from apps.dashboard.audit.sentences import SENTENCES
from apps.dashboard.audit.things import REFERENCES
from apps.estimation.models import EstimationRun, SamplingRun
from apps.exports.models import ReleaseAudit
from apps.judging.models import JudgeRun
from apps.projects.models import Project
from apps.quality.models import Cascade
from apps.quality.review.assignments import return_to_labeler
from apps.removal.kinds import KINDS as DELETABLE
from apps.scoring.models import ScoringRun
from tests.cast import signed_in
from tests.world import World

APPS = Path(__file__).resolve().parent.parent.parent / "apps"
VERB = re.compile(r"[a-z_]+\.[a-z_]+")
# Literals of the same look in the same modules.
OTHER = {"task.solution"}


def recorded_verbs() -> set[str]:
    """Every literal that can be a verb, in the modules that record events; the rest of a verb is computed (below)."""
    verbs: set[str] = set()
    for path in APPS.rglob("*.py"):
        source = path.read_text()
        if "dashboard" in path.parts or not ("record_event(" in source or "AuditEvent(" in source):
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and VERB.fullmatch(node.value):
                verbs.add(node.value)
    return verbs - OTHER


def computed_verbs() -> set[str]:
    """Those of which a status or a kind of run is a part."""
    runs = {kind.verb for kind in (EstimationRun, SamplingRun, ScoringRun, JudgeRun)}
    acts = {"started"} | set(re.findall(r'record\(actor, "([a-z]+)"', (APPS / "runs" / "lifecycle.py").read_text()))
    kept = [kind.verb for kind in DELETABLE.values() if kind.is_archivable]
    audits = {"passed", "blocked"} & set(ReleaseAudit.Status.values)
    return {
        *(f"{run}.{act}" for run in runs for act in acts),
        *(f"{kind.verb}.deleted" for kind in DELETABLE.values()),
        *(f"{verb}.{act}" for verb in kept for act in ("archived", "brought_back")),
        *(f"audit.{status}" for status in audits),
        *(f"cascade.{status}" for status in Cascade.Status.values),
    }


def test_every_recorded_kind_of_event_has_a_sentence_and_none_is_of_a_kind_that_is_never_recorded() -> None:
    recorded = recorded_verbs() | computed_verbs()
    assert len(recorded) > 60, "the verbs are found"
    assert recorded - SENTENCES.keys() == set()
    assert SENTENCES.keys() - recorded == set()


def test_every_kind_is_in_the_filter_and_every_sentence_can_be_told() -> None:
    beginnings = [beginning for beginning, _ in KINDS if beginning]
    assert [verb for verb in SENTENCES if not any(verb.startswith(beginning) for beginning in beginnings)] == []
    assert {sentence.refers for sentence in SENTENCES.values()} - {""} == set(REFERENCES)
    for verb, sentence in SENTENCES.items():
        for part in (sentence.text, *sentence.clauses):
            assert all(name is None or name.isidentifier() for _, name, _, _ in Formatter().parse(part)), verb


def told(project: Project, **event: Any) -> str:
    recorded = record_event(project=project.slug, **event)
    (narrated,) = narrate(project.slug, [recorded])
    return narrated.text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (
            {"verb": "round.status", "target": "3", "before": "open", "after": "closed"},
            "set round 3 from open to closed.",
        ),
        (
            {"verb": "screening.passed", "target": "-1", "after": {"score": 0.9}},
            "passed screening 1 with a score of 0.9.",
        ),
        (
            {"verb": "member.set", "target": "bob@example.org", "after": "labeler"},
            "gave bob@example.org the role labeler.",
        ),
        (
            {
                "verb": "solution.adjudicated",
                "target": "12",
                "before": {"first_error": None},
                "after": {"first_error": 2, "note": "", "self_reviewed": True},
            },
            "adjudicated solution 12: the first error is step 3, before unknown, having labeled it as well.",
        ),
        (
            {"verb": "gold.also_accepted", "target": "12", "before": None, "after": {"first_errors": [-1, 0]}},
            "changed which first errors gold accepts in solution 12 to none, step 1.",
        ),
        ({"verb": "estimation.started", "target": "math-shepherd, run 5"}, "started math-shepherd, run 5."),
        ({"verb": "round.stretched", "target": "3"}, "stretched round 3."),
        ({"verb": "nonsense"}, "changed nonsense."),
        ({"verb": "assignment.returned", "target": "not a number"}, "returned submission not a number."),
        ({"verb": "evaluation.cancelled", "target": "9" * 30}, f"cancelled evaluation {'9' * 30}."),
    ],
)
def test_an_event_is_a_sentence(project: Project, mia: User, event: dict[str, Any], sentence: str) -> None:
    assert told(project, actor=mia, **event) == f"{mia} {sentence}"


def test_a_returned_submission_names_its_labeler_round_and_note_and_links_to_it(
    world: World, rita: User, mia: User
) -> None:
    assignment = world.round.assignments.get()
    return_to_labeler(assignment=assignment, reviewer=rita, note="Look at <b>step 2</b> again.")
    page = signed_in(mia).get(f"/projects/{world.project.slug}/audit?verb=assignment.").content.decode()
    link = f'<a href="/projects/{world.project.slug}/review/assignments/{assignment.pk}">the submission of '
    assert f"{rita}</a></b> returned {link}{assignment.labeler} in round {world.round.number}</a>" in page
    assert "with the note “Look at &lt;b&gt;step 2&lt;/b&gt; again.”" in page
    assert rita.email in page
    event = AuditEvent.objects.get(verb="assignment.returned")
    assert f'title="{event.at:%A}, {event.at.day} {event.at:%B %Y, %H:%M:%S.%f} UTC"' in page
    assert all(narrated.text.endswith(".") for narrated in narrate(world.project.slug, list(AuditEvent.objects.all())))


def test_the_search_finds_by_person_kind_period_and_thing(project: Project, mia: User, rita: User) -> None:
    for actor, verb, target in (
        (mia, "round.opened", "3"),
        (mia, "round.opened", "13"),
        (rita, "solution.adjudicated", "3"),
        (rita, "endpoint.added", "big model"),
    ):
        record_event(actor=actor, verb=verb, target=target, project=project.slug)

    def found(query: str) -> list[str]:
        page = signed_in(mia).get(f"/projects/{project.slug}/audit?{query}").content.decode()
        return re.findall(r"<code>([a-z_.]+)</code>", page)

    assert found("target=round+3") == ["round.opened"]
    assert found("target=solution+3") == ["solution.adjudicated"]
    assert found("target=BIG") == ["endpoint.added"]
    assert set(found("target=3")) == {"round.opened", "solution.adjudicated"}
    assert found(f"who={rita.email}&verb=endpoint.") == ["endpoint.added"]
    assert found("until=2020-01-01") == []
    assert "must not be before the first day" in (
        signed_in(mia).get(f"/projects/{project.slug}/audit?since=2026-01-02&until=2026-01-01").content.decode()
    )
    assert len(AuditEvent.objects.filter(about("screening 13"))) == 0


def test_the_file_has_each_sentence_with_the_address_and_what_was_recorded(project: Project, mia: User) -> None:
    record_event(actor=mia, verb="round.status", target="3", project=project.slug, before="open", after="=closed")
    record_event(actor=None, verb="consensus.changed", target="12", project="another", before={}, after={})
    answer = signed_in(mia).get(f"/projects/{project.slug}/audit.csv?verb=round.")
    rows = list(csv.DictReader(b"".join(answer.streaming_content).decode().splitlines()))  # type: ignore[attr-defined]
    assert [row["who"] for row in rows] == [mia.email]
    assert rows[0]["sentence"] == f"{mia} set round 3 from open to =closed."
    assert (rows[0]["kind"], rows[0]["target"], rows[0]["before"]) == ("round.status", "3", '"open"')


def test_a_page_of_many_events_takes_as_many_queries_as_one_of_few(world: World, mia: User, rita: User) -> None:
    assignment, step = world.round.assignments.get(), world.solution.steps.all()[0]

    def more(count: int) -> int:
        for _ in range(count):
            for verb, target in (("assignment.accepted", assignment.pk), ("step.adjudicated", step.pk)):
                record_event(actor=rita, verb=verb, target=str(target), project=world.project.slug)
        with CaptureQueriesContext(connection) as queries:
            assert signed_in(mia).get(f"/projects/{world.project.slug}/audit").status_code == 200
        return len(queries)

    assert more(1) == more(12)

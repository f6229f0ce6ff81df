"""What stands, from the database into a file, and what a file's consensus becomes on the way in."""

from __future__ import annotations

import json

from apps.accounts.models import User
from apps.corpus.imports.readers import READERS, ReaderOptions
from apps.exports.formats import FORMATS
from apps.exports.load.records import load_records
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.review.adjudication import adjudicate_step
from tests.cast import make_round
from tests.quality.submissions import submit_next


def test_what_stands_is_written_and_how_it_was_reached(project: Project, bob: User, rita: User) -> None:
    submit_next(make_round(project), bob, 1, -1)
    recompute_project(project)
    adjudicate_step(step=project.solutions.get().steps.get(position=1), rating=1, by=rita)
    recompute_project(project)
    ((record,),) = load_records(project)
    policy, tally = LabelPolicy.from_dict({"sources": ["consensus"]}), Tally()
    (row,) = FORMATS["annotate"].rows(record, policy, tally)
    first, second = row["consensus"]["steps"]
    assert (first["position"], first["rating"], first["how"]) == (0, 1, "majority")
    assert (second["position"], second["rating"], second["how"], second["certainty"]) == (1, 1, "adjudicated", 1.0)
    assert row["first_error"] is None, "the third step has no label"
    assert tally.sources["consensus"] == 1
    (again,) = READERS["jsonl"].read(json.loads(json.dumps(row)), ReaderOptions())
    assert again.consensus == ()
    assert again.ignored == ["consensus"], "it is told, not dropped in silence"

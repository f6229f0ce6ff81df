"""Entries of a project, the pages of each entry, and what is below a page. Pure: names of URLs, titles and actions.

A page that is new needs a line in `ENTRIES` if it is reached from everywhere, and one in `BELOW` if it is about one thing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NavigationPage:
    """A page of the second level. `name` names its URL, `needs` the action it needs, `help` a page of the docs."""

    name: str
    title: str
    needs: str
    help: str
    args: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """By which views say where they are: the URL's name, or its argument where one URL has several pages."""
        return self.args[0] if self.args else self.name


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the first level. It leads to the first of its pages that the member may see."""

    name: str
    title: str
    pages: tuple[NavigationPage, ...]


@dataclass(frozen=True, slots=True)
class Thing:
    """A page below one of `ENTRIES`. `title` is formatted with the URL's arguments and what the page shows.

    `within` names the page above it, if that is a thing, too; `takes` are the arguments that its URL shares with this one.
    """

    title: str
    within: str = ""
    takes: tuple[str, ...] = ()


ENTRIES = (
    Entry("overview", "Overview", (NavigationPage("project", "Overview", "view", "tutorial"),)),
    Entry(
        "data",
        "Data",
        (
            NavigationPage("solutions", "Solutions", "browse", "glossary#the-material"),
            NavigationPage("imports", "Imports", "import", "export-formats#in"),
        ),
    ),
    Entry(
        "label",
        "Label",
        (
            NavigationPage("rounds", "Rounds", "view", "labeling-guide#for-managers-and-reviewers"),
            NavigationPage("tasks", "Tasks", "manage_rounds", "managing#tasks"),
            NavigationPage("work", "My work", "label", "labeling-guide#my-work"),
        ),
    ),
    Entry(
        "review",
        "Review",
        (
            NavigationPage("review", "Disputes", "review", "reviewing#disputes"),
            NavigationPage("assignments", "Submissions", "review", "reviewing#assignments"),
            NavigationPage("flags", "Flags", "review", "reviewing#when-something-was-wrong-from-the-start"),
            NavigationPage("review-queue", "Adjudicated", "review", "reviewing#the-evidence-page", ("adjudicated",)),
        ),
    ),
    Entry(
        "models",
        "Models",
        (
            NavigationPage("estimation", "Estimation", "browse", "estimation#start-a-run"),
            NavigationPage("sampling-runs", "Sampling", "browse", "estimation#sample-solutions-first"),
            NavigationPage("scoring-runs", "Scoring", "browse", "scoring"),
            NavigationPage("judging", "Judges", "browse", "judging#start-a-run"),
            NavigationPage("playground", "Playground", "estimate", "judging#kinds"),
            NavigationPage("constitutions", "Constitutions", "browse", "judging#rlaif-and-constitutional-ai"),
            NavigationPage("trust", "Trust", "evaluate", "judging#which-judge-may-i-trust"),
            NavigationPage("cascades", "Cascades", "evaluate", "judging#the-cascade-with-a-promise"),
            NavigationPage("evaluation", "Evaluation", "evaluate", "evaluation"),
            NavigationPage("endpoints", "Endpoints", "manage_endpoints", "estimation#endpoints"),
        ),
    ),
    Entry(
        "quality",
        "Quality",
        (
            NavigationPage("quality", "Agreement", "browse", "quality#agreement"),
            NavigationPage("labelers", "Labelers", "browse", "quality#gold"),
            NavigationPage("quality-rules", "Rules", "manage_rounds", "quality#consensus"),
        ),
    ),
    Entry(
        "export",
        "Export",
        (
            NavigationPage("exports", "Exports", "export", "export-formats#files"),
            NavigationPage("export-new", "New export", "export", "formats"),
            NavigationPage("export-compare", "Compare", "export", "export-formats#compare-two-exports"),
        ),
    ),
    # Behind a menu: what a project has, and is seldom changed.
    Entry(
        "more",
        "More",
        (
            NavigationPage("guidelines", "Guidelines", "view", "labeling-guide"),
            NavigationPage("people", "People", "invite", "glossary#what-people-do"),
            NavigationPage("audit", "Audit log", "audit", "quality#corrections"),
            NavigationPage("project-settings", "Settings", "manage_members", "settings"),
        ),
    ),
)
MORE = "more"
ENTRY_OF = {page.key: entry for entry in ENTRIES for page in entry.pages}
PAGES = {page.key: page for entry in ENTRIES for page in entry.pages}

BELOW = {
    "guidelines-version": Thing("Version {version}"),
    "guidelines-edit": Thing("Edit"),
    "solution": Thing("Solution {pk}"),
    "solution-split": Thing("Split again", "solution", ("pk",)),
    "problem": Thing("Problem {pk}"),
    "problem-edit": Thing("Edit", "problem", ("pk",)),
    "import-new": Thing("New import"),
    "upload": Thing("{upload.filename}"),
    "import": Thing("{batch.filename}"),
    "round-new": Thing("New round"),
    "round": Thing("{round}"),
    "round-edit": Thing("Edit", "round", ("number",)),
    "review-queue": Thing("{kind.title}"),
    "person": Thing("{name}"),
    "hours": Thing("Hours and pace"),
    "own-hours": Thing("My hours"),
    "assignment": Thing("Submission {pk}"),
    "run-new": Thing("New run"),
    "run": Thing("Run {number}"),
    "sampling-new": Thing("New sampling run"),
    "sampling": Thing("Sampling {number}"),
    "scoring-new": Thing("New scoring run"),
    "scoring": Thing("Scoring {number}"),
    "judge-run-new": Thing("New judge run"),
    "judge-run": Thing("Judge run {number}"),
    "judge-run-resume": Thing("Resume", "judge-run", ("number",)),
    "judge-run-items": Thing("Results", "judge-run", ("number",)),
    "judge-run-item": Thing("{item}", "judge-run-items", ("number",)),
    "constitution": Thing("{constitution}"),
    "constitution-edit": Thing("Edit"),
    "calibrate": Thing("Calibrate"),
    "chorus-new": Thing("New chorus"),
    "cascade-new": Thing("New cascade"),
    "cascade": Thing("Cascade {number}"),
    "evaluation-new": Thing("New evaluation"),
    "evaluation-detail": Thing("Evaluation {pk}"),
    "endpoint-new": Thing("New endpoint"),
    "endpoint": Thing("{endpoint.name}"),
    "export": Thing("Export {pk}"),
    "export-lineage": Thing("Lineage of solution {solution_pk}", "export", ("pk",)),
    "export-audit-start": Thing("Release audit", "export", ("pk",)),
}

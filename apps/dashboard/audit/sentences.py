"""What the audit log says of each kind of event: one sentence for each verb. Pure.

A sentence is what the actor did. In `text`, `{target}` is the thing, with a link where it has a page; `{before}` and
`{after}` are the recorded values, or `{was_NAME}` and `{NAME}` if these are objects. Each of `clauses` follows if all
that it names is there. A kind without a sentence is still told, by its name (`unknown`); a test fails for it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """`refers` is the kind of thing that the target names, one of `things.REFERENCES`; empty if it is only a text."""

    text: str
    refers: str = ""
    clauses: tuple[str, ...] = ()


_NOTE = ", with the note “{note}”"
_OWN = ", having labeled it as well{self_reviewed}"  # The value is empty: it is only there or not.
_RUN_ACTS = {"started": "started", "paused": "paused", "resumed": "resumed", "cancelled": "cancelled"}
_RUN_KINDS: dict[str, str] = {
    "estimation": "run",
    "sampling": "sampling",
    "scoring": "scoring",
    "judging": "judge-run",
}

# What can be deleted and archived, by the first word of its events; the target is its title (`apps/removal`).
_DELETED: dict[str, str] = {
    "endpoint": "the endpoint {target}",
    "estimation": "the estimation run {target}",
    "export": "{target}",
    "import": "the import of {target}",
    "judge": "the judge {target}",
    "judging": "the judge run {target}",
    "problem": "{target}",
    "member": "the member {target}",
    "project": "the project {target}",
    "round": "{target}",
    "sampling": "the sampling run {target}",
    "scoring": "the scoring run {target}",
    "solution": "{target}",
}
_ARCHIVED = ("endpoint", "export", "import", "judge", "project", "round")

SENTENCES: dict[str, Sentence] = {
    "assignment.accepted": Sentence("accepted {target}", "assignment", (_OWN,)),
    "assignment.returned": Sentence("returned {target}", "assignment", (_NOTE, _OWN)),
    "assignment.corrected": Sentence("corrected {target}", "assignment", (_NOTE, _OWN)),
    "assignment.correction_withdrawn": Sentence("withdrew the correction of {target}", "assignment", (_OWN,)),
    "audit.blocked": Sentence(
        "stopped {target}: its release audit failed",
        "export",
        (", with {agreed} of {compared} first errors that agree",),
    ),
    "audit.passed": Sentence(
        "released {target}: its release audit passed",
        "export",
        (", with {agreed} of {compared} first errors that agree",),
    ),
    "audit.started": Sentence("started a release audit of {target}", "export"),
    "audit.withdrawn": Sentence("withdrew the release audit of {target}", "export"),
    "cascade.applied": Sentence("let the labels of {target} stand", "cascade"),
    "cascade.granted": Sentence("had {target} decided: it may be applied", "cascade"),
    "cascade.planned": Sentence("planned {target}", "cascade"),
    "cascade.refused": Sentence("had {target} decided: people label everything", "cascade"),
    "cascade.withdrawn": Sentence("withdrew the labels of {target}", "cascade"),
    "chorus.formed": Sentence("formed a chorus, {target}", "judge-run"),
    "consensus.changed": Sentence(
        "changed the consensus of {target}", "solution", (" from {was_first_error}", " to {first_error}", ", by {how}")
    ),
    "constitution.saved": Sentence("saved the constitution {target}", "constitution"),
    "contamination_list.added": Sentence("added the contamination list {target}"),
    "endpoint.added": Sentence("added the endpoint {target}", "endpoint"),
    "endpoint.changed": Sentence("changed the endpoint {target}", "endpoint"),
    "endpoint.granted": Sentence("gave the project the endpoint {target}", "endpoint"),
    "endpoint.granted_to_all": Sentence("gave all projects the endpoint {target}", "endpoint"),
    "endpoint.revoked": Sentence("took the endpoint {target} from the project"),
    "endpoint.revoked_from_all": Sentence("took the endpoint {target} from all projects"),
    "evaluation.cancelled": Sentence("cancelled {target}", "evaluation"),
    "evaluation.created": Sentence("started an evaluation, {target}", "evaluation-kind"),
    "export.cancelled": Sentence("cancelled {target}", "export"),
    "export.created": Sentence("started an export as {target}", "format"),
    "export.pushed": Sentence("pushed an export to {target}"),
    "gold.also_accepted": Sentence(
        "changed which first errors gold accepts in {target}",
        "solution",
        (" from {was_first_errors}", " to {first_errors}"),
    ),
    "gold.explained": Sentence("explained the gold labels of {target}", "solution"),
    "gold.made": Sentence("made the adjudicated labels of {target} gold", "solution", (_OWN,)),
    "guidelines.published": Sentence("published {target}", "guidelines"),
    "import.cancelled": Sentence("cancelled the import of {target}", "import"),
    "import.created": Sentence("started the import of {target}", "import"),
    "invitation.created": Sentence("invited somebody by a link, as {target}", "people"),
    "invitation.revoked": Sentence("revoked an invitation link for the role {target}", "people", (" by {invited_by}",)),
    "judge.certified": Sentence("certified the judge {target}", "judge"),
    "judge.refused": Sentence("refused to certify the judge {target}", "judge"),
    "judge.saved": Sentence("saved the judge {target}", "judge"),
    "member.set": Sentence("gave {target} the role {after}", "member", (", before {before}",)),
    "member.skills": Sentence("changed the skills of {target}", "member", (" from {before}", " to {after}")),
    "member.suspended": Sentence("suspended {target}", "member", (": {reason}",)),
    "policy.deleted": Sentence("deleted the saved policy {target}"),
    "policy.saved": Sentence("saved the policy {target}", "policy"),
    "problem.brought_back": Sentence("brought {target} back", "problem", (", which was retired for “{before}”",)),
    "problem.edited": Sentence(
        "edited {target}",
        "problem",
        (": the reference answer was {was_reference_answer}", " and is {reference_answer}"),
    ),
    "problem.graded": Sentence("graded the solutions of {target} again", "problem"),
    "problem.retired": Sentence("retired {target}", "problem", (": {after}",)),
    "project.created": Sentence("created the project"),
    "project.updated": Sentence("changed the settings of the project"),
    "quality.rules": Sentence("changed the quality rules; the consensus is by {target}", "rules"),
    "report.dismissed": Sentence(
        "dismissed the report of the problem in {target}", "assignment", (", that said “{before}”", ": {after}")
    ),
    "report.reopened": Sentence("reopened the report of the problem in {target}", "assignment"),
    "reward_model.set": Sentence("made {target} the project's reward model", "reward_model"),
    "round.discarded": Sentence("discarded the draft of round {target}"),
    "round.drafted": Sentence("drafted {target}", "round"),
    "round.edited": Sentence("edited {target}", "round"),
    "round.opened": Sentence("opened {target}", "round"),
    "round.status": Sentence("set {target} from {before} to {after}", "round"),
    "screening.failed": Sentence("failed {target}", "round", (" with a score of {score}", ", attempt {attempt}")),
    "screening.passed": Sentence("passed {target}", "round", (" with a score of {score}", ", attempt {attempt}")),
    "solution.adjudicated": Sentence(
        "adjudicated {target}",
        "solution",
        (": the first error is {first_error}", ", before {was_first_error}", _NOTE, _OWN),
    ),
    "solution.resplit": Sentence(
        "split {target} again", "solution", (" from {was_steps} steps", " into {steps}", ", as solution {was_into}")
    ),
    "step.adjudicated": Sentence("rated {target}", "step", (" {rating}", ", before {was_rating}", _NOTE, _OWN)),
    "task.assigned": Sentence("assigned {count} to {target}", "member", (_NOTE,)),
    "task.prioritized": Sentence("set the priority of {count} to {target}"),
    "task.released": Sentence("took {count} back from those who had them"),
    "token.issued": Sentence("made the API token {target}"),
    "token.revoked": Sentence("revoked the API token {target}"),
    **{f"{kind}.deleted": Sentence(f"deleted {title}") for kind, title in _DELETED.items()},
    **{f"{kind}.archived": Sentence(f"archived {_DELETED[kind]}") for kind in _ARCHIVED},
    **{f"{kind}.brought_back": Sentence(f"brought {_DELETED[kind]} back from the archive") for kind in _ARCHIVED},
    **{
        f"{kind}.{act}": Sentence(f"{did} {{target}}", refers)
        for kind, refers in _RUN_KINDS.items()
        for act, did in _RUN_ACTS.items()
    },
    "view.deleted": Sentence("deleted the shared view {target} of the task table"),
    "view.shared": Sentence("shared the view {target} of the task table"),
}


def unknown(verb: str) -> Sentence:
    """The sentence of a kind that has none: `round.stretched` is "stretched round TARGET"."""
    noun, _, act = verb.partition(".")
    return Sentence(f"{act.replace('_', ' ') or 'changed'} {noun.replace('_', ' ')} {{target}}")


def sentence_of(verb: str) -> Sentence:
    return SENTENCES.get(verb) or unknown(verb)

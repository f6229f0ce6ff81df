"""Changes of a round that is under way: what does no harm to the work that is done, and nothing else.

Claims go on meanwhile. An edit of slots or tasks holds the lock that a labeler's first claim in the round waits for, then
all progress rows, which every other claim and submission locks first: claims wait for the edit instead of finding its
tasks locked and nothing left. Then it locks tasks by id and the round, as every other change of slots does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from django.conf import settings
from django.db.models import F, Sum
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import Conflict, DomainError
from apps.labeling.models import Round, RoundProgress, Task
from apps.labeling.progress import lock_first_claims
from apps.labeling.protocols import PROTOCOLS, options_of
from apps.labeling.rounds.config import RoundConfig, config_errors
from apps.labeling.rounds.plan import plan_round, solutions_with_gold
from apps.labeling.rounds.selection import Selection
from apps.labeling.rounds.tasks import add_gold, add_tasks
from apps.projects.models import Guideline

# The status in which settings of a round can be changed, apart from those of a draft.
UNDER_WAY = (Round.Status.OPEN, Round.Status.PAUSED)

# What stays as it is from the opening on, and why.
FIXED: Mapping[str, str] = {
    "protocol": "labels of two protocols cannot be compared with each other",
    "options": "labelers would answer other questions than those before them",
    "select": "its tasks exist; more solutions can be added",
    "mode": "labels made with the models' labels in view are not blind",
    "show_reference": "people who saw the reference answer and people who did not would be mixed",
    "endpoint": "candidates of two models would be mixed",
    "kind": "work, a screening and training are counted differently",
    "fresh_eyes": "labelers may have had solutions that they know already",
    "pass_mark": "people have been measured by it",
    "tries": "people have been measured by it",
}
# What is fixed in a screening or a training besides.
FIXED_IN_GOLD: Mapping[str, str] = {
    "redundancy": "everyone does all its tasks",
    "most_people": "everyone does all its tasks",
    "gold_share": "it is all gold",
    "allows_corrections": "neither a test nor what was answered is corrected",
    "add": "everyone gets the same tasks",
}
_SLOTS = ("redundancy", "gold_share")
# Selection terms of rounds whose sample was drawn once, at random: another solution in it would not be drawn.
_DRAWN = ("blind", "audit")


def fixed_settings(round_: Round) -> dict[str, str]:
    """The settings of a round under way that cannot be changed, each with the reason."""
    fixed = dict(FIXED)
    if round_.is_all_gold:
        fixed |= FIXED_IN_GOLD
    elif any(name in _DRAWN for name, _ in Selection.parse(round_.selection.get("select", "all")).terms):
        fixed["add"] = "its sample was drawn at random, and what is added would not be"
    if PROTOCOLS[round_.protocol].of == "comparison" or round_.options.get("starts_from") == "problems":
        fixed.setdefault("gold_share", "its tasks cannot have gold labels")
    return fixed


def edit_open(round_: Round, *, actor: User, changes: Mapping[str, Any], add: str = "") -> Round:
    """Change what can be changed while people label, within the caller's transaction. `add` selects more solutions.

    Raises DomainError that names each setting that cannot have the value, with the allowed range.
    """
    if round_.origin:
        raise Conflict("This round was imported: it has no settings to change.", code="imported")
    before = RoundConfig.of(round_)
    after = before.changed(changes).normalized()
    if after.guideline is None:
        after = after.changed({"guideline": before.guideline})
    # Another protocol has other options, of which its own error says enough.
    names = [name for name in RoundConfig.__struct_fields__ if name != "options" or after.protocol == before.protocol]
    changed = [name for name in names if _value(after, name) != _value(before, name)]
    _check(round_, before, after, changed, add)
    touched = {name for name in changed if name != "labelers"}
    if add or touched.intersection(_SLOTS):
        lock_queue(round_)
        touched |= {"task_count", "slot_count", "selection"}
    for name in changed:
        if name != "labelers":
            setattr(round_, name, list(after.skills) if name == "skills" else getattr(after, name))
    if "redundancy" in changed:
        _open_more_slots(round_, before.redundancy)
    if "gold_share" in changed:
        _add_missing_gold(round_)
    if "labelers" in changed:
        round_.is_for_named = bool(after.labelers)
        round_.labelers.set(after.labelers)
        touched.add("is_for_named")
    added = _add(round_, add) if add else 0
    # Only these: the status may be changed at the same time.
    round_.save(update_fields=touched)
    if changed or added:
        event = {name: (_value(before, name), _value(after, name)) for name in changed}
        record_event(
            actor=actor,
            verb="round.edited",
            target=str(round_.number),
            project=round_.project.slug,
            before={name: old for name, (old, _) in event.items()},
            after={name: new for name, (_, new) in event.items()} | ({"add": add, "tasks": added} if added else {}),
        )
    return round_


def lock_queue(round_: Round) -> None:
    """Make claims and submissions of the round wait until the transaction ends, and read its counts as they are then."""
    lock_first_claims(round_, exclusively=True)
    list(RoundProgress.objects.filter(round=round_).order_by("pk").select_for_update().values_list("pk"))
    Task.objects.filter(round=round_, is_gold=False).lock()
    stored = Round.objects.select_for_update(no_key=True).get(pk=round_.pk)
    round_.task_count, round_.slot_count = stored.task_count, stored.slot_count


def _value(config: RoundConfig, name: str) -> Any:
    """The setting as the audit log has it, and as two of them are compared."""
    value = getattr(config, name)
    if name == "labelers":
        return sorted(labeler.email for labeler in value)
    if name == "options":
        return msgspec.to_builtins(options_of(config.protocol, value)) if config.protocol in PROTOCOLS else dict(value)
    if name == "skills":
        return list(value)
    if isinstance(value, Guideline):
        return value.version
    return str(value) if name == "endpoint" and value is not None else value


def _check(round_: Round, before: RoundConfig, after: RoundConfig, changed: Sequence[str], add: str) -> None:
    fixed = fixed_settings(round_)
    errors = {
        name: f"cannot be changed once the round is open: {fixed[name]}"
        for name in (*changed, *(["add"] if add else []))
        if name in fixed
    }
    # A setting that has become invalid, such as a suspended labeler, does not stop changes of others.
    relevant = {*changed, *(["most_people"] if "redundancy" in changed else [])}
    errors = {name: text for name, text in config_errors(round_.project, after).items() if name in relevant} | errors
    if "redundancy" in changed and "redundancy" not in errors and after.redundancy < before.redundancy:
        errors["redundancy"] = (
            f"must be between {before.redundancy} and 100: people may have done their part by the present number"
        )
    if errors:
        raise DomainError("Some settings cannot be changed in this way.", fields=errors)


def _open_more_slots(round_: Round, before: int) -> None:
    """Open slots for the people who are now wanted besides; slots that a disagreement has opened count among them."""
    more = round_.redundancy - before
    tasks = Task.objects.filter(round=round_, is_gold=False)
    served = tasks.filter(withdrawn="").annotate(opened=Greatest(more - F("extra_slots"), 0))
    round_.slot_count += served.aggregate(sum=Sum("opened", default=0))["sum"]
    Task.objects.filter(round=round_, is_gold=False, withdrawn="").update(
        open_slots=F("open_slots") + Greatest(more - F("extra_slots"), 0)
    )
    tasks.update(extra_slots=Greatest(F("extra_slots") - more, 0))
    for hook in _redundancy_hooks():
        hook(round_)


@cache
def _redundancy_hooks() -> list[Callable[[Round], object]]:
    return [import_string(path) for path in settings.REDUNDANCY_HOOKS]


def _add_missing_gold(round_: Round) -> None:
    """A round that serves gold has a task for each gold solution that does not stand out among its own."""
    if not round_.gold_share:
        return
    add_gold(round_, solutions_with_gold(round_.project, Selection.parse(round_.selection.get("select", "all"))))
    if not Task.objects.filter(round=round_, is_gold=True).exists():
        raise DomainError(
            "No solution with gold labels could be served in this round.",
            fields={"gold_share": "must be 0: no gold yet"},
        )


def _add(round_: Round, add: str) -> int:
    """Make tasks of the selected solutions that the round does not have; returns their number."""
    try:
        plan = plan_round(round_, add)
        refusal = plan.refusal
    except DomainError as error:
        refusal = error
    if refusal is not None:
        raise DomainError(refusal.message, code=refusal.code, fields={"add": "; ".join(refusal.fields.values())})
    added = add_tasks(round_, plan)
    if not added:
        raise DomainError(
            f"Everything that matches {add} is in the round already.",
            code="empty",
            fields={"add": "matches nothing new"},
        )
    entry = {"select": add, "tasks": added, "at": timezone.now().isoformat()}
    round_.selection = {**round_.selection, "added": [*round_.selection.get("added", []), entry]}
    return added

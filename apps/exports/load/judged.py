"""Loads what judges of our runs say besides the ratings of steps, within the snapshots of `records`.

Only runs that have ended count. Of one solution or comparison, each judge's runs come from the oldest to the newest, and last
the judge with the newest run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from django.db.models import OuterRef, QuerySet
from django.db.models.expressions import Exists, F, OrderBy

from apps.corpus.models import Solution
from apps.corpus.paths import chosen_steps
from apps.corpus.records import JudgePreference, ReplyRecord, RevisionRecord
from apps.judging.models import ComparisonVerdict, Judge, JudgeReply, Revision, SolutionVerdict
from apps.judging.models.runs import number_in_row
from apps.judging.models.verdicts import ItemOutcome
from apps.judging.prompts import JudgePrompt
from apps.judging.verdicts import StepsVerdict
from apps.quality.models import Cascade, CascadeLabel
from apps.runs.status import counted_run_q

Rows = list[tuple[Any, ...]]
# The columns of every row after its item: the run's number and its judge.
_RUN = ("run__number", "run__judge_id", "run__judge__name", "run__judge__version")


def load_judge_preferences(comparison_ids: Sequence[int]) -> dict[int, list[JudgePreference]]:
    """By comparison, what each counted run says of it, its undecided verdicts included."""
    columns = ("outcome", "choice", "margin", "share", "principles")
    rows = list(
        _oldest_run_first(ComparisonVerdict.objects.filter(comparison_id__in=comparison_ids)).values_list(
            "comparison_id", *_RUN, *columns
        )
    )
    prompts = _prompts(row[2] for row in rows)
    preferences: defaultdict[int, list[JudgePreference]] = defaultdict(list)
    for comparison_id, _, judge_id, name, version, *values in _newest_judge_last(rows):
        preferences[comparison_id].append(
            JudgePreference(
                judge=name,
                version=version,
                prompt=_name(prompts.get(judge_id)),
                **dict(zip(columns, values, strict=True)),
            )
        )
    return preferences


def load_replies(solution_ids: Sequence[int]) -> dict[int, list[ReplyRecord]]:
    """By solution, the replies about its steps in which a verdict was read; those of one run in their order."""
    replies = JudgeReply.objects.filter(
        solution_id__in=solution_ids,
        outcome=JudgeReply.Outcome.VERDICT,
        run__judge__kind=Judge.Kind.STEPS,
    )
    rows = list(
        _oldest_run_first(replies, F("slot").desc(), F("attempt").desc()).values_list(
            "solution_id", *_RUN, "text", "verdict"
        )
    )
    prompts = _prompts(row[2] for row in rows)
    by_solution: defaultdict[int, list[ReplyRecord]] = defaultdict(list)
    for solution_id, number, judge_id, name, version, text, verdict in _newest_judge_last(rows):
        prompt = prompts.get(judge_id)
        by_solution[solution_id].append(
            ReplyRecord(
                key=(name, version, number),
                text=text,
                ratings=StepsVerdict.from_dict(verdict).ratings,
                saw_reference=prompt is not None and prompt.needs_reference,
            )
        )
    return by_solution


def load_revisions(solution_ids: Sequence[int]) -> dict[int, list[RevisionRecord]]:
    """By solution, the critiques and revisions that ended in it, the oldest run first.

    A revision that the next one replaced ended in nothing, nor did one whose last round failed.
    """
    ended = SolutionVerdict.objects.filter(
        run=OuterRef("run"), solution=OuterRef("solution"), outcome=ItemOutcome.VERDICT
    )
    rounds = Revision.objects.filter(counted_run_q("run__"), Exists(ended), revised__isnull=False)
    keys = set(rounds.filter(revised__in=solution_ids).values_list("run_id", "solution_id"))
    columns = ("run_id", "solution_id", "principle", "revised_id", "run__judge__name", "run__judge__version")
    rows = rounds.filter(run__in={run for run, _ in keys}, solution__in={original for _, original in keys})
    by_key: defaultdict[tuple[int, int], Rows] = defaultdict(list)
    for run_id, original, *round_ in rows.order_by("run__number", "solution_id", "ordinal").values_list(*columns):
        by_key[run_id, original].append(tuple(round_))
    texts = _texts({original for _, original in by_key})
    revisions: defaultdict[int, list[RevisionRecord]] = defaultdict(list)
    for (_, original), of_original in by_key.items():
        _, revised, name, version = of_original[-1]
        principles = [principle for principle, *_ in of_original]
        if revised != original:
            revisions[revised].append(
                RevisionRecord(judge=name, version=version, original=texts[original], principles=principles)
            )
    return revisions


def load_machine_errors(solution_ids: Sequence[int]) -> dict[int, int]:
    """By solution, the first error by the applied cascade of its project, where that is a label; -1 for none."""
    rows = machine_errors().filter(solution_id__in=solution_ids).values_list("solution_id", "first_error")
    return {solution_id: error for solution_id, error in rows if error is not None}


def machine_errors() -> QuerySet[CascadeLabel]:
    return CascadeLabel.objects.filter(cascade__status=Cascade.Status.APPLIED, is_label=True)


def _oldest_run_first(rows: QuerySet[Any], *more: OrderBy) -> QuerySet[Any]:
    """The rows of counted runs, as `VerdictQuerySet.oldest_run_first` orders them."""
    number = number_in_row("run__").asc(nulls_first=True)
    return rows.filter(counted_run_q("run__")).order_by("run__judge__version", number, "run__number", *more)


def _newest_judge_last(rows: Rows) -> Rows:
    """Rows of an item and _RUN, in which each judge's oldest run comes first, with the judges in the order of their newest."""
    newest: dict[tuple[int, str], int] = {}
    for item, number, _, name, *_ in rows:
        newest[item, name] = max(number, newest.get((item, name), 0))
    return sorted(rows, key=lambda row: newest[row[0], row[3]])


def _prompts(judge_ids: Iterable[int]) -> dict[int, JudgePrompt]:
    """By judge. A judge of a file has none."""
    judges = Judge.objects.filter(pk__in=set(judge_ids)).exclude(prompt={}).values_list("pk", "prompt")
    return {pk: msgspec.convert(prompt, JudgePrompt) for pk, prompt in judges}


def _name(prompt: JudgePrompt | None) -> str:
    return f"{prompt.name} v{prompt.version}" if prompt else ""


def _texts(solution_ids: set[int]) -> dict[int, str]:
    """The whole text of each solution, as it was imported where joining its steps would not restore it."""
    steps = chosen_steps(solution_ids)
    solutions = Solution.objects.filter(pk__in=solution_ids).values_list("pk", "separator", "extras")
    return {
        pk: str((extras or {}).get("text") or separator.join(text for _, text in steps[pk]))
        for pk, separator, extras in solutions
    }

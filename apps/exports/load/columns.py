"""Loads chunks of an export from the database as columns: only what the policy's sources need, and each text once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

from apps.corpus.models import Step
from apps.exports.labels.columns import chunk, frames
from apps.exports.labels.columns.chunk import SolutionChunk
from apps.exports.labels.columns.frames import LabelFrames, key_expr
from apps.exports.labels.contamination import ContaminationIndex
from apps.exports.labels.selection import selects_solutions
from apps.exports.load.arrow import Reader
from apps.exports.load.people import UNKNOWN_MEMBER, Members
from apps.exports.load.queries import MORE, compile_queries, in_list, in_range
from apps.exports.load.spans import MOST_ID, Span
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally
from apps.labeling.protocols.submission import Submission
from apps.projects.models import Project

MOST_OTHERS = 3  # A range of ids is read whole while it has at most so many ids for each that is wanted.


class ColumnLoader:
    """Loads the chunks of one project for one policy. Made in the thread of Django's connection; any thread may load."""

    def __init__(
        self,
        project: Project,
        policy: LabelPolicy,
        members: Members,
        *,
        needs_labels: bool = True,
        is_wide: bool = False,
        index: ContaminationIndex | None = None,
    ) -> None:
        self._policy, self._members, self._index, self._is_wide = policy, members, index, is_wide
        self._needs_labels = needs_labels
        self._needed = {*chunk.sources_needed(policy), *(chunk.EVERY_SOURCE if is_wide else ())}
        self._project = project.pk
        self._in_list, self._in_range = (compile_queries(among, is_wide=is_wide) for among in (in_list, in_range))

    def load(self, reader: Reader, span: Span) -> SolutionChunk:
        tally = Tally()
        problems = self._read(reader, "problems", **borders(span))
        solutions = self._read(reader, "solutions", ids=problems["problem"], **borders(span))
        solutions = chunk.in_order(solutions, problems)
        solutions = chunk.selected(solutions, self._policy, tally, self._index)
        loaded = (
            self._with_steps(reader, solutions, tally)
            if self._needs_labels
            else self._with_paths(reader, solutions, tally)
        )
        tally.solutions += len(loaded.solutions)
        return loaded

    def _with_steps(self, reader: Reader, solutions: pl.DataFrame, tally: Tally) -> SolutionChunk:
        steps = self._numbered(self._read_of(reader, "steps", solutions["solution"]), solutions)
        if selects_solutions(self._policy):
            paths = chunk.paths_of(steps, len(solutions))
            solutions = solutions.filter(chunk.selected_within_problems(solutions, paths, self._policy, tally))
            steps = self._numbered(steps.drop("key"), solutions)
        return SolutionChunk(solutions, self._frames(reader, solutions, steps), tally)

    def _with_paths(self, reader: Reader, solutions: pl.DataFrame, tally: Tally) -> SolutionChunk:
        """The texts of the chosen steps in place of the steps."""
        paths = self._read_of(reader, "paths", solutions["solution"])
        solutions = solutions.join(paths, on="solution", how="left", maintain_order="left")
        solutions = solutions.with_columns(pl.col("path").fill_null([]))
        if selects_solutions(self._policy):
            solutions = solutions.filter(
                chunk.selected_within_problems(solutions, solutions["path"], self._policy, tally)
            )
        return SolutionChunk(solutions.drop("path"), frames.no_labels(len(solutions)), tally, solutions["path"])

    def _read(self, reader: Reader, name: str, **values: Any) -> pl.DataFrame:
        return reader.read(self._in_list[name], project=self._project, **values)

    def _read_of(self, reader: Reader, name: str, ids: pl.Series) -> pl.DataFrame:
        """The rows of these ids, and perhaps of others between them: every caller joins them with its own."""
        if ids.is_empty():
            return pl.DataFrame(schema=dict(self._in_list[name].schema))
        first, last = int(ids.min()), int(ids.max())  # type: ignore[arg-type]
        if last - first < MOST_OTHERS * len(ids):
            return reader.read(self._in_range[name], first_id=first, last_id=last)
        return reader.read(self._in_list[name], ids=ids)

    @staticmethod
    def _numbered(steps: pl.DataFrame, solutions: pl.DataFrame) -> pl.DataFrame:
        """The steps of these solutions with their keys, in order."""
        rows = solutions.select("solution").with_row_index("row")
        key = key_expr(pl.col("row"), pl.col("position"), pl.col("candidate"))
        return steps.join(rows, on="solution").with_columns(key=key).drop("row").sort("key")

    def _frames(self, reader: Reader, solutions: pl.DataFrame, steps: pl.DataFrame) -> LabelFrames:
        keys = steps.select("step", "key", "chosen")
        path = keys.filter("chosen")
        is_human = pl.col("origin") == Step.Origin.HUMAN
        people, ratings = (
            self._people(reader, solutions, steps)
            if "people" in self._needed
            else (frames.empty(frames.PEOPLE), frames.empty(frames.RATINGS))
        )
        verdicts, undecided = self._verdicts(reader, solutions, keys)
        return LabelFrames(
            size=len(solutions),
            steps=steps.select("key", "chosen", "text", is_human=is_human),
            people=people,
            ratings=ratings,
            gold=self._gold(reader, path),
            consensus=self._consensus(reader, path),
            estimates=self._estimates(reader, path),
            verdicts=verdicts,
            undecided=undecided,
            cascade=self._cascade(reader, solutions, path),
        )

    def _more(self, name: str, *columns: str) -> Sequence[str]:
        """The columns of a table that only the canonical row has."""
        return (*MORE[name], *columns) if self._is_wide else ()

    # --- single sources -----------------------------------------------------------------------------------

    def _gold(self, reader: Reader, path: pl.DataFrame) -> pl.DataFrame:
        if "gold" not in self._needed:
            return frames.empty(frames.GOLD)
        gold = self._read_of(reader, "gold", path["step"])
        return path.join(gold, on="step").select(*frames.GOLD, *self._more("gold"))

    def _cascade(self, reader: Reader, solutions: pl.DataFrame, path: pl.DataFrame) -> pl.DataFrame:
        if "cascade" not in self._needed:
            return frames.empty(frames.CASCADE)
        rows = solutions.select("solution").with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
        errors = rows.join(self._read_of(reader, "machine_errors", solutions["solution"]), on="solution")
        return frames.machine_ratings(errors.select(*frames.MACHINE_ERRORS), path["key"])

    def _consensus(self, reader: Reader, path: pl.DataFrame) -> pl.DataFrame:
        if "consensus" not in self._needed:
            return frames.empty(frames.CONSENSUS)
        consensus = self._read_of(reader, "consensus", path["step"])
        return (
            path.join(consensus, on="step")
            .with_columns(is_adjudicated=pl.col("how") == "adjudicated")
            .select(*frames.CONSENSUS, *self._more("consensus", "how"))
        )

    def _estimates(self, reader: Reader, path: pl.DataFrame) -> pl.DataFrame:
        if "estimates" not in self._needed:
            return frames.empty(frames.ESTIMATES)
        runs = self._read(reader, "runs")
        runs = runs.with_columns(yields_soft=pl.col("strategy").is_in(list(frames.YIELDS_SOFT)))
        estimates = self._read_of(reader, "estimates", path["step"])
        return (
            path.join(estimates, on="step")
            .join(runs, on="run")
            .with_columns(order="number", run="number")
            .select(*frames.ESTIMATES, *self._more("estimates", "strategy", "completer"))
        )

    def _verdicts(
        self, reader: Reader, solutions: pl.DataFrame, keys: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The verdicts, and the runs that are undecided.

        Each judge's oldest run comes first, and last the judge with the newest run that has verdicts, as in `records`.
        """
        if "verdicts" not in self._needed:
            return frames.empty(frames.VERDICTS), frames.empty(frames.UNDECIDED)
        rows = solutions.select("solution").with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
        verdicts = keys.join(self._read_of(reader, "verdicts", keys["step"]), on="step")
        undecided = rows.join(self._read_of(reader, "undecided", solutions["solution"]), on="solution")
        results = pl.concat([verdicts.with_columns(row=frames.row_expr()), undecided], how="diagonal")
        results = results.join(self._read(reader, "judge_runs"), on="run")
        newest = pl.when(pl.col("key").is_not_null()).then("number").max().over("row", "judge")
        ordered = (
            results.with_columns(newest=newest)
            .sort("newest", "version", "run_in_file", "number", nulls_last=False, maintain_order=True)
            .with_columns(order=pl.struct("newest", "run").rle_id().cast(pl.Int64))
        )
        is_verdict = pl.col("key").is_not_null()
        return (
            ordered.filter(is_verdict).select(*frames.VERDICTS, *self._more("verdicts", "run_in_file")),
            ordered.filter(~is_verdict).select(*frames.UNDECIDED),
        )

    # --- people -------------------------------------------------------------------------------------------

    def _people(
        self, reader: Reader, solutions: pl.DataFrame, steps: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        ids = solutions["solution"]
        rows = solutions.select("solution").with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
        assignments = pl.concat([self._read_of(reader, name, ids) for name in ("on_task", "on_derived")])
        # Undated submissions of files come last, as in SQL.
        people = (
            assignments.join(rows, on="solution")
            .sort("row", "submitted_at", "assignment", nulls_last=True)
            .with_row_index("place")
            .with_columns(person=pl.col("place").cast(pl.Int64) * 2)
        )
        ratings = self._read_of(reader, "ratings", people["assignment"])
        placed = ratings.join(steps.select("step", "key"), on="step").join(
            people.select("assignment", "person"), on="assignment"
        )
        people, placed = self._described(people), placed.select(*frames.RATINGS)
        corrected = people.filter("is_corrected")
        if len(corrected):
            reviewers, of_reviewers = self._corrections(reader, corrected)
            people, placed = pl.concat([people, reviewers]).sort("person"), pl.concat([placed, of_reviewers])
        return people, placed.sort("person", "key")

    def _described(self, people: pl.DataFrame) -> pl.DataFrame:
        """Submissions as the rules know them: labelers by number, rounds by the number in their file."""
        of_round = pl.when(pl.col("origin") != "").then(pl.col("generation")).otherwise(pl.col("number"))
        least = self._members.min_labelers
        return people.with_columns(
            labeler=pl.col("user"),
            round=of_round,
            is_suspended=pl.col("user").is_in(self._suspended),
            stated_finish="finish_reason",
            finish_reason=pl.when(pl.col("finish_reason") == "")
            .then(pl.lit("solution"))
            .otherwise(pl.col("finish_reason")),
            redundancy=pl.lit(least, dtype=pl.Int64) if least else pl.col("redundancy"),
            prefers=pl.lit(value=False),
        ).select("assignment", *frames.PEOPLE, *self._more("assignments", "stated_finish"))

    @property
    def _suspended(self) -> list[int]:
        return [user for user, member in self._members.items() if member.is_suspended]

    def _corrections(self, reader: Reader, corrected: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The reviewers' corrections, each behind the submission that it corrects."""
        reviews = self._read_of(reader, "corrections", corrected["assignment"]).sort("at", "review")
        newest = {review["assignment"]: review for review in reviews.to_dicts()}
        people: list[dict[str, Any]] = []
        ratings: list[dict[str, Any]] = []
        for person in corrected.to_dicts():
            if (review := newest.get(person["assignment"])) is None:
                continue
            submission = Submission.from_dict(_json(review["submission"]))
            number = person["person"] + 1
            people.append(
                person | self._reviewer(review) | {"person": number, "finish_reason": submission.finish_reason}
            )
            ratings += [
                {
                    "person": number,
                    "key": frames.key_of(person["row"], step.position, step.candidate),
                    "rating": step.rating,
                    "unsure": step.unsure,
                    "chosen": step.chosen,
                }
                for step in submission.steps
            ]
        schema: frames.Schema = {"assignment": pl.Int64, **frames.PEOPLE}
        return pl.DataFrame(people, schema=schema), pl.DataFrame(ratings, schema=frames.RATINGS)

    def _reviewer(self, review: Mapping[str, Any]) -> dict[str, Any]:
        """What a correction has in place of the submission's own. A person without membership has no number."""
        member = self._members.get(review["reviewer"], UNKNOWN_MEMBER)
        return {
            "labeler": review["reviewer"] if review["reviewer"] in self._members else -1,
            "submitted_at": review["at"],
            "is_screening": False,
            "is_quality_control": False,
            "is_suspended": member.is_suspended,
            "is_corrected": False,
        }


def _json(text: str) -> dict[str, Any]:
    return dict(msgspec.json.decode(text))


def borders(span: Span) -> dict[str, int]:
    until = span.until if span.until is not None else MOST_ID
    return {"first": span.first, "last": span.last, "after": span.after, "until": until}

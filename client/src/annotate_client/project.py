"""A project: rows in, rounds and runs, labels and files out."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from annotate_client.errors import RowsRejected
from annotate_client.exports import Export
from annotate_client.imports import Import
from annotate_client.jobs import Evaluation, Run
from annotate_client.rounds import Round
from annotate_client.rows import Row, Rows, StepLabel, write_lines
from annotate_client.transport import Transport

if TYPE_CHECKING:
    import datasets
    import pandas as pd

KEPT_IN_MEMORY = 16 * 1024 * 1024


class Project:
    """`info` is the row as the API returned it last."""

    def __init__(self, transport: Transport, info: Mapping[str, Any], *, progress: bool | None = None) -> None:
        self.transport = transport
        self.info = dict(info)
        self.progress = progress

    @property
    def slug(self) -> str:
        return str(self.info["slug"])

    @property
    def name(self) -> str:
        return str(self.info["name"])

    @property
    def path(self) -> str:
        return f"/projects/{self.slug}"

    def update(self, **settings: Any) -> Self:
        """Change `name`, `description`, `shows_scores` or `renders_texts`."""
        self.info = self.transport.request("PATCH", self.path, json=settings, is_repeatable=True)
        return self

    def delete(self, *, confirmation: str) -> None:
        """Delete the project with everything in it; `confirmation` is its name. A worker does it."""
        self.transport.request("DELETE", self.path, json={"confirmation": confirmation})

    # --- rows in --------------------------------------------------------------------------------------------

    def import_rows(
        self,
        rows: str | Path | Iterable[Mapping[str, Any]] | pd.DataFrame | datasets.Dataset,
        *,
        format: str = "jsonl",  # noqa: A002 - the API's name
        mapping: Mapping[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
        allow_rejected: bool = False,
        wait: bool = True,
        timeout: float | None = None,
    ) -> Import:
        """Import a file, or rows, which may be a generator, a Dataset or a DataFrame, and wait for the result.

        `mapping` names the path of each value where rows are not canonical. Raises RowsRejected unless
        `allow_rejected`; the rows that are not rejected are stored. The same rows again add nothing.
        """
        settings = {**(options or {}), **({"mapping": dict(mapping)} if mapping else {})}
        fields = {"format": format, "options": json.dumps(settings) if settings else ""}
        path = f"{self.path}/imports"
        if isinstance(rows, str | Path):
            with Path(rows).open("rb") as file:
                accepted = self.transport.upload(path, file, Path(rows).name, fields)
        else:
            with tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY) as lines:
                write_lines(rows, lines)
                accepted = self.transport.upload(path, lines, "rows.jsonl", fields)
        result = Import(self.transport, accepted, progress=self.progress)
        if not wait:
            return result.refresh()
        result.wait(timeout)
        if result.rejected and not allow_rejected:
            raise RowsRejected(result)
        return result

    # --- rounds and runs ------------------------------------------------------------------------------------

    def open_round(self, protocol: str = "first_error", *, draft: bool = False, **settings: Any) -> Round:
        """Open a round over the selected solutions, or only draft it. docs/api.md lists the settings."""
        created = self.transport.post(f"{self.path}/rounds", {"protocol": protocol, "draft": draft, **settings})
        return self.round(created["number"])

    def round(self, number: int) -> Round:
        return Round(self.transport, self.slug, self.transport.get(f"{self.path}/rounds/{number}"))

    def rounds(self, **filters: Any) -> list[Round]:
        rows = self.transport.pages(f"{self.path}/rounds", filters)
        return [Round(self.transport, self.slug, row) for row in rows]

    def add_endpoint(self, name: str, *, url: str, model: str, **settings: Any) -> Row:
        """Add an OpenAI-compatible model server."""
        body = {"name": name, "url": url, "model": model, **settings}
        endpoint: Row = self.transport.post(f"{self.path}/endpoints", body)
        return endpoint

    def estimate(
        self, endpoint: str, strategy: str, *, wait: bool = True, timeout: float | None = None, **settings: Any
    ) -> Run:
        """Start an estimation run: `rollouts`, `temperature`, `seed`, `selection`, `budget`, ..."""
        body = {"endpoint": endpoint, "strategy": strategy, **settings}
        return self._start("estimation-runs", body, wait=wait, timeout=timeout)

    def sample(self, endpoint: str, *, wait: bool = True, timeout: float | None = None, **settings: Any) -> Run:
        """Sample new solutions of all problems: `per_problem`, `temperature`, `max_tokens`, ..."""
        return self._start("sampling-runs", {"endpoint": endpoint, **settings}, wait=wait, timeout=timeout)

    def score(
        self, endpoint: str | None = None, *, wait: bool = True, timeout: float | None = None, **settings: Any
    ) -> Run:
        """Score steps by a reward model, by default the project's own."""
        body = {**({"endpoint": endpoint} if endpoint else {}), **settings}
        return self._start("scoring-runs", body, wait=wait, timeout=timeout)

    def judge(
        self,
        endpoint: str | None = None,
        kind: str | None = None,
        *,
        judge: int | None = None,
        wait: bool = True,
        timeout: float | None = None,
        **settings: Any,
    ) -> Run:
        """Have a model judge: `endpoint` and `kind`, or the id of a saved `judge`."""
        named = {"endpoint": endpoint, "kind": kind, "judge": judge}
        body = {name: value for name, value in named.items() if value is not None} | settings
        return self._start("judge-runs", body, wait=wait, timeout=timeout)

    def runs(self, kind: str = "estimation-runs", **filters: Any) -> list[Run]:
        """Of one kind: `estimation-runs`, `sampling-runs`, `scoring-runs` or `judge-runs`."""
        rows = self.transport.pages(f"{self.path}/{kind}", filters)
        return [Run(self.transport, row, route=kind, progress=self.progress) for row in rows]

    def _start(self, kind: str, body: Mapping[str, Any], *, wait: bool, timeout: float | None) -> Run:
        info = self.transport.post(f"{self.path}/{kind}", dict(body))
        run = Run(self.transport, info, route=kind, progress=self.progress)
        return run.wait(timeout) if wait else run

    # --- out ------------------------------------------------------------------------------------------------

    def labels(self, **filters: Any) -> Rows[StepLabel]:
        """Every rating that a labeler submitted: filters `round`, `solution`, `rating`."""
        return self._list("step-labels", filters)

    def rows(self, name: str, **filters: Any) -> Rows[Row]:
        """Any list of the project by the last part of its address, as in `rows("solutions", subject="Algebra")`."""
        return self._list(name, filters)

    def _list(self, name: str, filters: Mapping[str, Any]) -> Rows[Any]:
        return Rows(lambda: self.transport.pages(f"{self.path}/{name}", filters))

    def rewards(self, items: Sequence[Mapping[str, Any]]) -> list[Row]:
        """Rewards of steps: each item has a `problem` and its `steps`."""
        rewards: list[Row] = self.transport.post(
            f"{self.path}/rewards", {"items": [dict(item) for item in items]}, is_repeatable=True
        )["items"]
        return rewards

    def export(
        self,
        format: str,  # noqa: A002 - the API's name
        *,
        policy: Mapping[str, Any] | None = None,
        container: str = "jsonl",
        wait: bool = True,
        timeout: float | None = None,
    ) -> Export:
        """Make a training file by a label policy."""
        body = {"format": format, "policy": dict(policy or {}), "container": container}
        export = Export(self.transport, self.transport.post(f"{self.path}/exports", body), progress=self.progress)
        return export.wait(timeout) if wait else export.refresh()

    def exports(self, **filters: Any) -> list[Export]:
        rows = self.transport.pages(f"{self.path}/exports", filters)
        return [Export(self.transport, row, progress=self.progress) for row in rows]

    def evaluate(self, kind: str, *, wait: bool = True, timeout: float | None = None, **options: Any) -> Evaluation:
        """Compute figures, such as `processbench` or `best_of_n`."""
        accepted = self.transport.post(f"{self.path}/evaluations", {"kind": kind, "options": options})
        evaluation = Evaluation(self.transport, accepted, progress=self.progress)
        return evaluation.wait(timeout) if wait else evaluation.refresh()

    # --- people ---------------------------------------------------------------------------------------------

    def invite(self, role: str = "labeler", *, uses: int = 1, days: int = 7) -> str:
        """A link by which people join. It cannot be shown again."""
        body = {"role": role, "uses": uses, "days": days}
        return str(self.transport.post(f"{self.path}/invitations", body)["url"])

    def publish_guidelines(self, text: str) -> int:
        """The version. The text of the newest version again publishes nothing."""
        return int(self.transport.post(f"{self.path}/guidelines", {"text": text}, is_repeatable=True)["version"])

    def __repr__(self) -> str:
        return f"<Project {self.slug}>"

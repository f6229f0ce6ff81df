"""The column `lineage`: the address of the solution or the problem that an exported row is made from. Pure.

A row that is made from one solution has that solution's address; a row of several solutions, or of a comparison, has the
address of their problem.
"""

from __future__ import annotations

import re

import polars as pl
import pyarrow as pa

from apps.exports.policy import LabelPolicy

COLUMN = "lineage"
_SOLUTION = re.compile(r"/projects/[\w-]+/solutions/([0-9]{1,18})")


def with_column(schema: pa.Schema, policy: LabelPolicy) -> pa.Schema:
    """The columns of the file, with `lineage` where the policy asks for it."""
    return schema.append(pa.field(COLUMN, pa.string())) if policy.lineage == "column" else schema


def solution_address(project: str, solution_id: int) -> str:
    return f"/projects/{project}/solutions/{solution_id}"


def problem_address(project: str, problem_id: int) -> str:
    return f"/projects/{project}/problems/{problem_id}"


def solution_addresses(project: str, solution_ids: pl.Series) -> pl.Series:
    addresses = f"/projects/{project}/solutions/" + solution_ids.cast(pl.String)
    return addresses.alias(COLUMN)


def solution_in(address: object) -> int | None:
    """The id of the solution in an address; None in that of a problem."""
    match = _SOLUTION.fullmatch(address) if isinstance(address, str) else None
    return int(match[1]) if match else None

"""What came out, as Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from reasoner.checker import check
from reasoner.loop.curves import (
    NS,
    Curve,
    Sampled,
    Summary,
    best_curve,
    differences,
    distinct_solutions,
    majority_curve,
    pass_curve,
    summary,
)
from reasoner.loop.examples import read_rows
from reasoner.loop.experiment import LIKELIHOOD, ORM, PRM, VERIFIER, Result, training_figures

THRESHOLD = 0.5
VERIFIER_ROW, MAJORITY, PASS = "verifier", "majority", "pass@N"
LIKELIHOOD_ROW = "the reasoner's likelihood, without labels"


def curves_of(held_out: Sequence[Sampled], results: Sequence[Result]) -> dict[str, list[Curve]]:
    """The curves of the seeds by scorer; one curve where no model is trained."""
    places = {key: place for place, key in enumerate(distinct_solutions(held_out))}
    keys = [[(own.question, tuple(lines)) for lines in own.lines] for own in held_out]

    def curves(kind: str, labeled: int, reduce: Callable[[np.ndarray], float] = last) -> list[Curve]:
        return [
            best_curve(held_out, [[reduce(result.scores[places[key]]) for key in own] for own in keys])
            for result in results
            if (result.kind, result.labeled) == (kind, labeled)
        ]

    counts = sorted({result.labeled for result in results if result.kind == PRM}, reverse=True)
    rows: dict[str, list[Curve]] = {}
    for labeled in counts:
        rows[prm_row(labeled)] = curves(PRM, labeled, product)
        rows[f"PRM of {labeled}, min"] = curves(PRM, labeled, least)
        rows[orm_row(labeled)] = curves(ORM, labeled)
    return rows | {
        VERIFIER_ROW: curves(VERIFIER, counts[0]),
        LIKELIHOOD_ROW: curves(LIKELIHOOD, 0),
        MAJORITY: [majority_curve(held_out)],
        PASS: [pass_curve(held_out)],
    }


def prm_row(labeled: int) -> str:
    """The PRM of so many labeled solutions."""
    return f"PRM of {labeled}, product"


def orm_row(labeled: int) -> str:
    return f"ORM of {labeled}"


def pairs_of(counts: Sequence[int]) -> list[tuple[str, str]]:
    """What is compared, with these numbers of labeled solutions."""
    pairs = [(prm_row(labeled), orm_row(labeled)) for labeled in counts]
    pairs += [(row(labeled), MAJORITY) for row in (prm_row, orm_row) for labeled in counts]
    return [*pairs, (prm_row(min(counts)), orm_row(max(counts))), (VERIFIER_ROW, MAJORITY)]


def last(scores: np.ndarray) -> float:
    return float(scores[-1])


def least(scores: np.ndarray) -> float:
    return float(scores.min())


def product(scores: np.ndarray) -> float:
    """As a sum of logarithms, which does not underflow."""
    return float(np.log(np.maximum(scores, 1e-12)).sum())


def marks_of(held_out: Sequence[Sampled]) -> dict[tuple[str, tuple[str, ...]], list[bool]]:
    """Of each distinct solution, whether each line and all before it are right."""
    return {
        (own.question, tuple(lines)): marks
        for own in held_out
        for lines, marks in zip(own.lines, own.marks, strict=True)
    }


def first_error(marks: Sequence[bool]) -> int:
    return next((place for place, mark in enumerate(marks) if not mark), -1)


def f1_of(scores: Sequence[np.ndarray], marks: Sequence[Sequence[bool]]) -> dict[str, float]:
    """ProcessBench's F1 of the first error, by the threshold, against the exact checker."""
    hits: dict[bool, list[bool]] = {True: [], False: []}
    for own, truth in zip(scores, marks, strict=True):
        expected = first_error(truth)
        hits[expected >= 0].append(first_error([score >= THRESHOLD for score in own]) == expected)
    with_error, without = float(np.mean(hits[True])), float(np.mean(hits[False]))
    f1 = 2 * with_error * without / (with_error + without) if with_error + without else 0.0
    return {"f1": round(f1, 4), "with_error": round(with_error, 4), "without_error": round(without, 4)}


def label_accuracy(path: Path) -> dict[str, float]:
    """How many labels of an exported file the exact checker shares, up to the first error that either names."""
    right = total = exact = rows = 0
    for row in read_rows(path):
        truth = [checked.is_right for checked in check(row["prompt"].strip(), row["completions"])]
        labels = row["labels"]
        until = min([place + 1 for place in (first_error(labels), first_error(truth)) if place >= 0] or [len(labels)])
        right += sum(label == mark for label, mark in zip(labels[:until], truth[:until], strict=True))
        total += until
        exact += first_error(labels) == first_error(truth)
        rows += 1
    shares = {"labels_right": round(right / total, 4), "first_error_right": round(exact / rows, 4)}
    return {"rows": rows, "labels": total} | shares


def report(held_out: Sequence[Sampled], results: Sequence[Result], settings: Any) -> dict[str, Any]:
    curves = curves_of(held_out, results)
    distinct = distinct_solutions(held_out)
    mark_of = marks_of(held_out)
    pairs = pairs_of(sorted(settings.labeled, reverse=True))
    padded = {name: own * (len(settings.seeds) if len(own) == 1 else 1) for name, own in curves.items()}
    return {
        "settings": asdict(settings),
        "held_out": {
            "problems": len(held_out),
            "solutions": sum(len(own.lines) for own in held_out),
            "distinct": len(distinct),
            "right": round(float(np.mean([right for own in held_out for right in own.is_right])), 4),
        },
        "n": NS.tolist(),
        "best_of_n": {name: asdict(summary(own)) for name, own in curves.items()},
        "differences": {name: asdict(own) for name, own in differences(padded, pairs).items()},
        "prm_f1": [
            {"seed": result.seed, "labeled": result.labeled} | f1_of(result.scores, [mark_of[key] for key in distinct])
            for result in results
            if result.kind == PRM
        ],
        "training": [
            {
                "kind": result.kind,
                "seed": result.seed,
                "labeled": result.labeled,
            }
            | training_figures(result.losses, result.cpu_s)
            for result in results
            if result.losses
        ],
    }


def markdown(outcome: Mapping[str, Any]) -> str:
    """The table of best-of-N and of the differences, with 95 % intervals over problems."""
    head = ["", *(f"N = {n}" for n in outcome["n"])]
    rows = [head, ["---"] * len(head)]
    for part in ("best_of_n", "differences"):
        rows += [[name, *_cells(Summary(**own))] for name, own in outcome[part].items()]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def _cells(own: Summary) -> list[str]:
    return [
        f"{100 * mean:.1f} ({100 * low:.1f} to {100 * high:.1f})"
        for mean, low, high in zip(own.mean, own.low, own.high, strict=True)
    ]


def write(outcome: Mapping[str, Any], folder: Path) -> None:
    (folder / "loop.json").write_text(json.dumps(outcome, indent=1) + "\n")
    (folder / "loop.md").write_text(markdown(outcome))

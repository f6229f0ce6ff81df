"""Worked examples out of the papers that introduced the measures."""

from __future__ import annotations

import numpy as np

from apps.quality.statistics.ratings import ReliabilityData, ints

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), C: four observers, twelve units, some missing.
KRIPPENDORFF = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)

# Fleiss, "Measuring nominal scale agreement among many raters" (1971), Table 1: 30 patients, six psychiatrists each.
# 1 depression, 2 personality disorder, 3 schizophrenia, 4 neurosis, 5 other.
FLEISS = (
    "444444 222555 233335 555555 222444 113333 333355 113334 114444 555555 144444 124444 222333 144444 224445 "
    "333335 111455 111112 224444 133555 555555 244444 224555 114444 144445 222224 111155 224444 133333 555555"
)

# Cohen, "A coefficient of agreement for nominal scales" (1960), Table 2: 200 patients, two judges;
# personality disorder, neurosis, psychosis.
COHEN = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])

# Dawid and Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm" (1979), Table 1:
# 45 patients, five anaesthetists, of whom the first judged three times.
ANAESTHETISTS = """
111 1 1 1 1, 333 4 3 3 4, 112 2 1 2 2, 222 3 1 2 1, 222 3 2 2 2, 222 3 3 2 2, 122 2 1 1 1, 333 3 4 3 3, 222 2 2 2 3,
232 2 2 2 3, 444 4 4 4 4, 222 3 3 4 3, 111 1 1 1 1, 222 3 2 1 2, 121 1 1 1 1, 111 2 1 1 1, 111 1 1 1 1, 111 1 1 1 1,
222 2 2 2 1, 222 1 3 2 2, 222 2 2 2 2, 222 2 2 2 1, 222 3 2 2 2, 221 2 2 2 2, 111 1 1 1 1, 111 1 1 1 1, 232 2 2 2 2,
111 1 1 1 1, 111 1 1 1 1, 112 1 1 2 1, 111 1 1 1 1, 333 3 2 3 3, 111 1 1 1 1, 222 2 2 2 2, 222 3 2 3 2, 433 4 3 4 3,
221 2 2 3 2, 232 3 2 3 3, 333 3 4 3 2, 111 1 1 1 1, 111 1 1 1 1, 121 2 1 1 1, 232 2 2 2 2, 121 1 1 1 1, 222 2 2 2 2
"""
MARGINALS = (0.40, 0.42, 0.11, 0.07)
ERROR_RATES = (
    ((0.89, 0.11, 0.00, 0.00), (0.07, 0.88, 0.05, 0.00), (0.00, 0.34, 0.66, 0.00), (0.00, 0.00, 0.56, 0.44)),
    ((0.83, 0.17, 0.00, 0.00), (0.05, 0.63, 0.31, 0.00), (0.00, 0.00, 1.00, 0.00), (0.00, 0.00, 0.00, 1.00)),
    ((1.00, 0.00, 0.00, 0.00), (0.11, 0.79, 0.11, 0.00), (0.00, 0.40, 0.20, 0.40), (0.00, 0.00, 0.67, 0.33)),
    ((0.94, 0.06, 0.00, 0.00), (0.05, 0.84, 0.10, 0.00), (0.00, 0.00, 0.80, 0.20), (0.00, 0.00, 0.33, 0.67)),
    ((1.00, 0.00, 0.00, 0.00), (0.16, 0.73, 0.11, 0.00), (0.00, 0.21, 0.79, 0.00), (0.00, 0.00, 0.33, 0.67)),
)
# Patients whom the estimated rates leave in some doubt, by number from 1; all others are certain to two digits.
DOUBTFUL = {7: (0.98, 0.02, 0.0, 0.0), 35: (0.0, 0.95, 0.05, 0.0), 38: (0.0, 0.02, 0.98, 0.0)}


def of_rows(rows: tuple[str, ...] | list[str], value_count: int) -> ReliabilityData:
    """A row per labeler, a word per unit, '.' where missing; values from 1."""
    entries = [
        (unit, who, int(word) - 1)
        for who, row in enumerate(rows)
        for unit, word in enumerate(row.split())
        if word != "."
    ]
    units, labelers, values = zip(*entries, strict=True)
    return ReliabilityData(ints(units), ints(labelers), ints(values), np.arange(max(units) + 1), value_count)


def krippendorff() -> ReliabilityData:
    return of_rows(KRIPPENDORFF, 5)


def fleiss() -> ReliabilityData:
    return of_rows([" ".join(column) for column in zip(*FLEISS.split(), strict=True)], 5)


def anaesthetists() -> ReliabilityData:
    entries = [
        (patient, observer, int(word) - 1)
        for patient, row in enumerate(ANAESTHETISTS.split(","))
        for observer, words in enumerate(row.split())
        for word in words
    ]
    units, labelers, values = zip(*entries, strict=True)
    return ReliabilityData(ints(units), ints(labelers), ints(values), np.arange(45), 4)

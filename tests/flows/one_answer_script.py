"""Who says what in the project of `test_one_answer_everywhere`, and what has to be told of it. Without product code.

Every count here is made by hand from the script above it; only rollouts are read from their rows.
"""

from __future__ import annotations

NO_ERROR = -1
STEPS, ROLLOUTS = 3, 8

# Of each solution the ratings from the first step on, by labeler; the round asks for two people. Dan is suspended later.
SCRIPT: dict[str, dict[str, list[int]]] = {
    "agree": {"bob": [1, -1], "cara": [1, -1]},
    "no error": {"bob": [1, 1, 1], "cara": [1, 0, 1]},
    "tie": {"bob": [-1], "cara": [1, 1, 1]},
    "thin": {"bob": [1, 1, -1]},
    "suspended": {"bob": [1, -1], "dan": [-1]},
    "corrected": {"bob": [1, 1, 1], "cara": [1, 1, 1]},
    "retired": {"bob": [-1], "cara": [-1]},
    "against gold": {"bob": [-1], "cara": [-1]},
    "gold task": {"bob": [1, 1, 1], "cara": [1, 1, 1], "dan": [1, 1, 1]},
    "screening": {"bob": [1, -1]},
    "alternatives": {"bob": [1, -1], "cara": [1, -1]},
    "right": {"bob": [1, -1], "cara": [1, -1]},
}
NAMES = list(SCRIPT)
# Of its answer; everything else ends in a wrong one.
RIGHT = "right"
GOLD = {"gold task": [1, -1], "screening": [1, -1], "against gold": [1, 1, -1]}
# Rita's, of what bob said.
CORRECTION = [1, -1]

# Candidates beside the path at the second step, and what is said of them where that step is the first bad one.
CANDIDATES = {"alternatives": (1, 2, 3), "retired": (1,)}
FORK = 1
ALTERNATIVES: dict[str, dict[int, int]] = {"bob": {1: 1, 2: -1, 3: 1}, "cara": {1: 1, 2: -1, 3: -1}}

# Which of two candidates for that step is better, and by how much; None: neither is. Every pair is asked about.
PREFERENCES: dict[tuple[str, int, int], dict[str, tuple[int | None, str]]] = {
    ("alternatives", 0, 1): {"bob": (1, "clearly"), "cara": (1, "slightly"), "dan": (0, "significantly")},
    ("alternatives", 0, 2): {"bob": (None, ""), "cara": (None, "")},
    ("alternatives", 1, 2): {"bob": (1, "clearly"), "cara": (2, "clearly")},
    ("alternatives", 0, 3): {"dan": (3, "clearly")},
    ("retired", 0, 1): {"bob": (1, "clearly"), "cara": (1, "clearly")},
}

# The ratings of a judge's newest version, and of the one before, which no longer counts.
JUDGE = "checker"
JUDGED: dict[str, list[int]] = {
    "agree": [1, -1],
    "no error": [1, 0, -1],
    "tie": [-1],
    "corrected": [1, 1, 1],
    "against gold": [1, 1, -1],
    "right": [1, 1, 1],
}
JUDGED_BEFORE: dict[str, list[int]] = {"agree": [-1], "no error": [1, 1, 1], "tie": [1, 1, 1], "right": [-1]}

# --- what counts of it in the end -------------------------------------------------------------------------

# By solution the state, the first error, and how many people it rests on.
PEOPLE: dict[str, tuple[str, int | None, int]] = {
    "agree": ("settled", 1, 2),
    "no error": ("settled", NO_ERROR, 2),
    "tie": ("tied", None, 2),
    "thin": ("thin", 2, 1),
    "suspended": ("thin", 1, 1),
    "corrected": ("settled", 1, 1),
    "against gold": ("settled", 0, 2),
    "alternatives": ("settled", 1, 2),
    "right": ("settled", 1, 2),
}
SILENT = ("gold task", "screening", "retired")
KEPT = [name for name in NAMES if name != "retired"]

# Whose word a row of the browser shows, where it is not people's.
SHOWN_BY = {"corrected": "reviewers", "gold task": "gold", "screening": "gold", "retired": "no labels"}

# What waits for reviewers; the three kinds in which rollouts are a side follow from their rows.
QUEUES: dict[str, set[str]] = {
    "people": {"tie"},
    "people_gold": {"against gold"},
    "right_with_bad_step": {"right"},
    # Of the tie somebody who counts says that no step is bad.
    "wrong_without_bad_step": {"no error", "tie"},
    "unsure": set(),
    "convincing_wrong_answer": set(),
}

# Why what somebody said is not counted; empty: it is.
NOT_COUNTED = {
    "screening": {"screening"},
    "gold task": {"quality_control"},
    "retired": {"retired"},
    "suspended": {"", "suspended"},
    "agree": {""},
    "alternatives": {""},
}


def first_error(ratings: list[int], length: int = STEPS) -> int | None:
    """Of ratings from the first step on."""
    if -1 in ratings:
        return ratings.index(-1)
    return NO_ERROR if len(ratings) == length else None


def counted_labels(name: str) -> list[list[int]]:
    """What people say of a solution for which people count."""
    if name == "corrected":
        # Rita's word stands for the solution, whatever cara said.
        return [CORRECTION, CORRECTION]
    return [said for who, said in SCRIPT[name].items() if who != "dan"]


def named_by_people(name: str) -> set[int | None]:
    """The first error that stands, or every one that somebody names where none does."""
    error = PEOPLE[name][1]
    return {error} if error is not None else {first_error(said) for said in SCRIPT[name].values()}


# --- what files hold --------------------------------------------------------------------------------------

Labels = list[bool]


def until(error: int | None) -> Labels:
    """Good up to the first error, as trainers get it."""
    assert error is not None
    return [True] * STEPS if error == NO_ERROR else [True] * error + [False]


# After the first step each candidate that has a majority is a row of its own; the third is called good and bad.
OF_ALTERNATIVES: list[Labels] = [[True, False], [True, False], [True, True]]

SETTLED_ROWS = {name: [until(error)] for name, (state, error, _) in PEOPLE.items() if state == "settled"}
THIN_ROWS = {name: [until(error)] for name, (state, error, _) in PEOPLE.items() if state == "thin"}
# Nothing stands on the first step of the tie.
PEOPLE_ROWS = SETTLED_ROWS | {"alternatives": OF_ALTERNATIVES}
GOLD_ROWS = {name: [until(first_error(ratings))] for name, ratings in GOLD.items()}

PEOPLE_LEFT_OUT = {
    "ratings: answers to gold tasks": 9,
    "ratings: answers of a screening": 2,
    "ratings: of suspended labelers": 1,
    "ratings: corrected by a reviewer, whose ratings count instead": 3,
    # The first step of the tie, and the third candidate.
    "ratings: people are tied": 2,
    # Three of the thin solution, two of the one whose other labeler is suspended, and what one of two says behind the
    # other's first error: two steps of the tie, and cara's third rating of what rita corrected.
    "ratings: thin: fewer people than asked for": 8,
    "solutions: no source of the policy labels them": 5,
    "solutions: of problems that are retired": 1,
}

# One row for everybody who is not suspended, rita's in the place of bob's.
PRM800K_ROWS: dict[tuple[str, str], list[int]] = {
    (name, who): said for name in KEPT for who, said in SCRIPT[name].items() if who != "dan"
} | {("corrected", "rita"): CORRECTION}
del PRM800K_ROWS["corrected", "bob"]
PRM800K_LEFT_OUT = {
    "ratings: of suspended labelers": 4,
    "ratings: corrected by a reviewer, whose ratings count instead": 3,
    "solutions: of problems that are retired": 1,
}

# Where two of three who are asked suffice. Chosen and rejected candidate, and Llama 2's margin: of two who say so the
# smaller one.
PAIRS = [(1, 0, 1.0)]
TIED_PAIRS = [(0, 2, 0.0), (2, 0, 0.0)]
PAIRS_LEFT_OUT = {
    "comparisons: a tie": 1,
    "comparisons: no majority": 1,
    # Of six pairs of the four candidates.
    "comparisons: without a counted preference": 3,
    "comparisons: of problems that are retired": 1,
    "preferences: of suspended labelers": 2,
}
# Where they do not, the three on which two agree, or differ, have too few.
THIN_PAIRS_LEFT_OUT = {
    "comparisons: thin: fewer people than asked for": 3,
    "comparisons: without a counted preference": 3,
    "comparisons: of problems that are retired": 1,
    "preferences: of suspended labelers": 2,
}
COMPARED = 6

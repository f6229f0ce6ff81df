"""What the policy builder says of each key of the label policy: label, group, titles of values, and the formats that use it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from apps.exports.formats import FORMATS

SOURCES, STEPS, SELECTION, PAIRS, VERIFIERS, SPLITS = GROUPS = (
    "Sources",
    "Steps",
    "Selection",
    "Pairs and prompts",
    "Verifiers and rewards",
    "Splits",
)

_ALL = frozenset(FORMATS)
_PRM = frozenset({"trl-prm", "math-shepherd", "openrlhf-prm", "rlhflow-prm", "qwen-prm"})
_PAIRS = frozenset({"reward-pairs", "dpo"})
# All others are made of steps' labels, or of people's preferences, by the same rules of who counts.
_LABELED = _ALL - {"orm", "prm800k"}
_STEPS = _LABELED


@dataclass(frozen=True, slots=True)
class PolicyKey:
    """`values` are titles for the values that a key can have. `formats` use the key; all others ignore it."""

    label: str
    group: str
    help: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    formats: Collection[str] = _ALL


_KEEP = {"drop": "leave out", "keep": "keep"}
_ALL_OF = "None selected: all."

POLICY_KEYS: dict[str, PolicyKey] = {
    "sources": PolicyKey(
        "Sources of labels, in order",
        SOURCES,
        "All labels of a solution come from the first source that has any. By default the team's own labels lead: reviewers' "
        "ratings and the consensus, if the project has them, and people; gold and Monte Carlo label what is left.",
        {
            "gold": "gold",
            "adjudicated": "reviewers' ratings",
            "consensus": "consensus",
            "human": "people",
            "monte_carlo_hard": "Monte Carlo, hard",
            "monte_carlo_soft": "Monte Carlo, soft",
            "judge": "judges",
            "monte_carlo_and_judge": "Monte Carlo and judge, where they agree",
            "cascade": "machines, by the applied cascade",
        },
        _LABELED,
    ),
    "combine": PolicyKey(
        "Several sources",
        SOURCES,
        "",
        {
            "solution": "the first that rates the solution",
            "step": "for each step, the first that rates it",
            "votes": "for each step, the majority of them",
        },
        _STEPS,
    ),
    "people": PolicyKey(
        "Solutions labeled by several people",
        SOURCES,
        "",
        {"majority": "majority for each step", "each": "one row per person", "first": "first submission only"},
        _LABELED,
    ),
    "rounds": PolicyKey("Rounds", SOURCES, _ALL_OF, formats=_LABELED | {"prm800k"}),
    "thin": PolicyKey(
        "Labels by fewer people than required (thin)",
        SOURCES,
        "",
        {"leave_out": "leave out", "take": "keep"},
        _LABELED,
    ),
    "minimum_labels": PolicyKey("Fewest people who rated a step", SOURCES, formats=_STEPS),
    "finish_reasons": PolicyKey(
        "Submissions by finish reason",
        SOURCES,
        "",
        {
            "found_error": "found an error",
            "solution": "reached the solution",
            "bad_problem": "bad problem",
            "give_up": "gave up",
        },
        _LABELED,
    ),
    "quality_control": PolicyKey("Labels of gold tasks", SOURCES, "", _KEEP, _LABELED),
    "screening": PolicyKey("Labels of screenings", SOURCES, "", _KEEP, _LABELED),
    "suspended": PolicyKey("Labels of suspended labelers", SOURCES, "", _KEEP, _LABELED | {"prm800k"}),
    "estimation_runs": PolicyKey("Estimation runs", SOURCES, "None selected: all, the newest first.", formats=_STEPS),
    "soft_threshold": PolicyKey(
        "Soft labels count as good from",
        SOURCES,
        "The share of rollouts that reach the answer, for soft Monte Carlo labels.",
        formats=_STEPS,
    ),
    "minimum_rollouts": PolicyKey("Fewest rollouts of a step", SOURCES, formats=_STEPS),
    "judges": PolicyKey("Judges", SOURCES, "None selected: all, newest run first.", formats=_STEPS),
    "neutral": PolicyKey(
        "Okay (0) becomes",
        STEPS,
        "",
        {"positive": "positive", "negative": "negative", "own_class": "a class of its own", "drop": "no label"},
        _STEPS,
    ),
    "unsure": PolicyKey(
        "Unsure becomes",
        STEPS,
        "",
        {"drop": "no label", "positive": "positive", "negative": "negative"},
        _STEPS,
    ),
    "after_first_error": PolicyKey(
        "Steps after the first error",
        STEPS,
        "",
        {"leave_out": "leave out", "negative": "negative", "as_rated": "as rated"},
        _STEPS,
    ),
    "unlabeled": PolicyKey(
        "Steps without a label", STEPS, "", {"end_row": "end the row", "mask": "are masked, as -100"}, _PRM
    ),
    "alternatives": PolicyKey(
        "Rated alternatives",
        STEPS,
        "",
        {"rows": "a row for each, after the steps before it", "drop": "leave out"},
        _STEPS,
    ),
    "columns": PolicyKey(
        "More columns", STEPS, "", {"values": "values and counts of rollouts", "votes": "votes by source"}, _PRM
    ),
    "step_tag": PolicyKey(
        "Tag after each step",
        STEPS,
        "One word. Rows whose text contains it are left out.",
        formats={"math-shepherd", "openrlhf-prm"},
    ),
    "answers": PolicyKey("Final answer", SELECTION, "", {"all": "any", "right": "right", "wrong": "wrong"}),
    "generators": PolicyKey("Written by", SELECTION, _ALL_OF),
    "subjects": PolicyKey("Subjects", SELECTION, _ALL_OF),
    "solutions_per_problem": PolicyKey("Most solutions of a problem", SELECTION, "0: all."),
    "balance": PolicyKey(
        "Balance", SELECTION, "", {"none": "none", "answers": "as many right as wrong solutions of a problem"}
    ),
    "duplicates": PolicyKey(
        "Solutions with the text of another",
        SELECTION,
        "",
        {"keep": "keep", "drop_same_text": "leave out", "drop_same_steps": "leave out, whatever their white space"},
    ),
    "contamination": PolicyKey(
        "Leave out the problems of",
        SELECTION,
        "Lists of test problems: a problem that shares 13 words in a row with one of them is left out.",
    ),
    "pairs": PolicyKey(
        "Pairs are made of",
        PAIRS,
        "In this order; of two texts only the first pair counts.",
        {
            "preferences": "people's preferences",
            "answers": "a right and a wrong solution",
            "labels": "a solution with better and one with worse step labels",
        },
        _PAIRS,
    ),
    "preferences": PolicyKey(
        "Preferences come from",
        PAIRS,
        "In this order; of one comparison only the first that decides it. A judge's verdict counts only if it is the same in "
        "both orders of the sides; each row then names its source, its share of the votes and the principles.",
        {"people": "people", "judges": "judges, by comparison or by principle"},
        _PAIRS,
    ),
    "pair_matching": PolicyKey(
        "Solutions are paired",
        PAIRS,
        "",
        {
            "random": "at random",
            "closest_length": "by the closest length",
            "same_source": "only of the same source",
            "hardest": "with the hardest wrong one, by verifier score",
        },
        _PAIRS,
    ),
    "pair_score": PolicyKey(
        "How good labels are",
        PAIRS,
        "",
        {
            "good_steps": "share of good steps",
            "first_error": "share of steps before the first error",
            "verifier_score": "verifier score",
        },
        _PAIRS,
    ),
    "pairs_per_problem": PolicyKey(
        "Most pairs of a problem", PAIRS, "0: all.", formats=_PAIRS | {"step-dpo", "verifier-dpo"}
    ),
    "margin_rule": PolicyKey(
        "Margin of a pair",
        PAIRS,
        "",
        {"choice": "people's choice", "votes": "the lead in votes", "scores": "the difference of scores"},
        {"reward-pairs"},
    ),
    "margins": PolicyKey(
        "Margins as numbers",
        PAIRS,
        "",
        {"large": "3, 2, 1, 0 (Llama 2, large)", "small": "1, ⅔, ⅓, 0 (Llama 2, small)"},
        {"reward-pairs"},
    ),
    "minimum_share": PolicyKey(
        "Fewest who agree",
        PAIRS,
        "The share of people who must agree with the majority, or of a judge's votes, from 0.5 to 1.",
        formats=_PAIRS,
    ),
    "ties": PolicyKey(
        "Ties", PAIRS, "", {"drop": "no pair", "both_ways": "a pair in each order, without a margin"}, _PAIRS
    ),
    "prompts": PolicyKey(
        "Form of prompts and answers",
        PAIRS,
        "",
        {
            "standard": "texts",
            "conversational": "messages, for chat models",
            "llama_factory": "messages for LLaMA-Factory",
            "ms_swift": "messages for ms-swift",
        },
        _ALL - _PRM - {"annotate", "prm800k", "processbench", "verl", "verifier-rl"},
    ),
    "critiques": PolicyKey(
        "Critiques come from",
        VERIFIERS,
        "In this order.",
        {
            "people": "people, who wrote them or rated them +1",
            "replies": "whole replies of judges",
            "judges": "judges, by their reasons for each step",
            "rollouts": "rollouts, as a sentence",
        },
        {"verifier-sft", "verifier-dpo"},
    ),
    "critiques_per_solution": PolicyKey("Most critiques of a solution", VERIFIERS, formats={"verifier-sft"}),
    "solutions": PolicyKey(
        "Solutions",
        SELECTION,
        "Revised solutions need no reference answer; their rows name the original and the principles.",
        {"right": "with a right answer and no bad step", "revised": "in which critique and revision ended"},
        {"sft"},
    ),
    "rewards": PolicyKey(
        "Rewards",
        VERIFIERS,
        "",
        {"none": "none: a row per problem", "steps": "one for each step: a row per solution"},
        {"verl"},
    ),
    "splits": PolicyKey(
        "Split by problem",
        SPLITS,
        "Percentages by name, such as “train 90, test 10”. Empty: one split. "
        "All solutions of a problem are in the same split.",
    ),
    "split_seed": PolicyKey("Seed", SPLITS, "Another seed makes another split and another selection."),
    "lineage": PolicyKey(
        "Column with each row's lineage",
        SPLITS,
        "The address of the solution that the row is made from, which leads to all that its labels rest on.",
        {"drop": "no", "column": "yes"},
    ),
}


def formats_using(name: str) -> list[str]:
    """The formats that use the key, in their order."""
    return [format_ for format_ in FORMATS if format_ in POLICY_KEYS[name].formats]

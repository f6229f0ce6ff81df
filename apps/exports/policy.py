"""The label policy: how ratings of steps become the labels of a training file. Pure.

*Let's Verify Step by Step* (arXiv 2305.20050) supervises up to and including the first bad step (2.6)
and treats neutral as positive (appendix F): those are the defaults. A step that was not judged never
becomes bad unless the policy names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from apps.corpus.identity import normalized_words, ranking_hash
from apps.corpus.labels import BAD, GREAT, OKAY

SOURCES = (
    "gold",
    "adjudicated",
    "consensus",
    "human",
    "monte_carlo_hard",
    "monte_carlo_soft",
    "judge",
    "monte_carlo_and_judge",
    "cascade",
)


# The lists that must name something, with what they may name.
LISTS = {
    "preferences": ("people", "judges"),
    "critiques": ("people", "replies", "judges", "rollouts"),
    "solutions": ("right", "revised"),
}
# The keys that choose among what a project has.
FILTERS = frozenset({"estimation_runs", "generators", "judges", "rounds", "subjects"})
STEP_TAG = "\u043a\u0438"
MOST_CRITIQUES = 100
LOWEST_SHARE = 0.5


class PolicyError(ValueError):
    """A policy that is not valid: the key and the reason."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason


class LabelPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to label. The first of `sources` that rates a solution labels all of it.

    combine            of several sources that rate a solution, the first one labels all of it (`solution`) or each step that
                       it rates (`step`); or their `votes` decide each step, where a tie makes no label
    neutral            what a rating of 0 becomes; `own_class` only where the format has three classes
    unsure             what an unsure step becomes; `drop` leaves it without a label
    after_first_error  `leave_out` what follows the first bad step, call it `negative`, or keep it `as_rated`
    alternatives       each rated candidate that is not on the solution's own path: `rows`, one for each, with the steps
                       before it and then the candidate, as PRM800K was trained; or `drop`
    unlabeled          a row ends before the first step without a label (`end_row`), or holds all steps and -100 for the label
                       of such a step, which trainers ignore (`mask`; trl-prm and qwen-prm)
    people             several people on one solution: the `majority` of each step (a tie makes no label),
                       one row for `each` person, or the `first` to submit
    finish_reasons     of the submissions that count; by default not `give_up` and `bad_problem`
    quality_control    keep or drop ratings of gold tasks
    screening          keep or drop ratings of screenings
    suspended          keep or drop ratings by suspended labelers
    thin               with the source `consensus`, and with `human` by majority: `leave_out` or `take` labels with fewer
                       people than the project's rule or the round asks for
    step_tag           what `math-shepherd` writes after each step; a row whose text contains it is left out
    soft_threshold     with the source `monte_carlo_soft`, the share of successes from which a step is good
    estimation_runs    only these runs, by number; empty: all, the newest first
    minimum_rollouts   labels of Monte Carlo with fewer counted rollouts make none
    minimum_labels     with the sources `human` and `consensus`: steps that fewer people rate have no label of theirs
    columns            lists beside the labels of each step, in trl-prm and qwen-prm: `values`, its share of successes with the
                       number of rollouts, the 95 % Wilson interval and the advantage over the step before; `votes`, for each
                       source how many call it bad, okay and great
    judges             only these judges, as `NAME` or, of one version, `NAME v3`; empty: all, the newest run first
    answers            solutions with a right, a wrong or any final answer; of a comparison both sides
    pairs              what makes pairs, in this order, and of two texts only the first: people's `preferences`; `answers`, a
                       right solution and a wrong one; `labels`, a solution with better step labels and one with worse
    preferences        whose preferences make pairs, in this order, and of one comparison only the first that decides it:
                       `people`; `judges`, of the newest run of each judge, where both orders of the sides agree
    pair_matching      which two solutions make a pair first: at `random`, of `closest_length`, only by the `same_source`,
                       or with the `hardest` wrong one, by the highest verifier score
    pair_score         how good a solution's labels are: its share of `good_steps`, the share of steps before its
                       `first_error`, or its `verifier_score`
    pairs_per_problem  at most so many pairs of a problem; 0: all
    margin_rule        the margin of a pair: by the people's `choice`, by the lead in `votes` on the same scale, or the
                       difference of the `scores` of `pair_score`
    margins            Llama 2's scale in numbers, from significantly to negligibly better: `large` 3, 2, 1, 0 or
                       `small` 1, 2/3, 1/3, 0
    minimum_share      the share of people who must agree with the majority, or of a judge's votes, from 0.5 to 1
    ties               comparisons where neither side is better: `drop`, or a pair `both_ways`, with no margin
    prompts            pairs as `standard` texts, or `conversational`, as messages; and as the messages of `llama_factory` or
                       `ms_swift`
    critiques          where the critiques of verifiers come from, in order of preference: `people`, who wrote them or rated
                       them +1; whole `replies` of judges in runs of ours; `judges`, by their reasons; `rollouts`
    critiques_per_solution  how many critiques of one solution make a row in `verifier-sft`
    solutions          in `sft`: `right` solutions; `revised` ones, in which critique and revision ended
    rewards            in `verl`: a row for each problem (`none`), or for each solution with a reward for each of its `steps`
    rounds             with the source `human`: only ratings of these rounds; empty: all
    generators, subjects   only these; empty: all
    solutions_per_problem  at most so many solutions of a problem, chosen by a hash with `split_seed`; 0: all
    balance            `answers`: of each problem as many right solutions as wrong ones
    duplicates         solutions of a problem with the text of an earlier one: `keep`, `drop_same_text`, or
                       `drop_same_steps`, which ignores differences in white space
    contamination      lists of test problems, by name: problems that share 13 words in a row with one of them are left out
    splits             shares by name, such as {"train": 0.9, "test": 0.1}; empty: one file
    split_seed         another seed is another split
    lineage            `column`: each row has the address of what it is made from, which leads to all that its labels rest on
    """

    # A policy from outside that names none has those of `default_sources`, which ask what the project has.
    sources: tuple[str, ...] = ("gold", "human", "monte_carlo_hard")
    combine: Literal["solution", "step", "votes"] = "solution"
    neutral: Literal["positive", "negative", "own_class", "drop"] = "positive"
    unsure: Literal["drop", "positive", "negative"] = "drop"
    after_first_error: Literal["leave_out", "negative", "as_rated"] = "leave_out"
    alternatives: Literal["rows", "drop"] = "rows"
    unlabeled: Literal["end_row", "mask"] = "end_row"
    people: Literal["majority", "each", "first"] = "majority"
    finish_reasons: tuple[Literal["found_error", "solution", "bad_problem", "give_up"], ...] = (
        "found_error",
        "solution",
    )
    quality_control: Literal["keep", "drop"] = "drop"
    screening: Literal["keep", "drop"] = "drop"
    suspended: Literal["keep", "drop"] = "drop"
    thin: Literal["leave_out", "take"] = "leave_out"
    step_tag: Annotated[str, msgspec.Meta(min_length=1, max_length=50)] = STEP_TAG
    soft_threshold: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    estimation_runs: tuple[int, ...] = ()
    minimum_rollouts: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    minimum_labels: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    columns: tuple[Literal["values", "votes"], ...] = ()
    judges: tuple[str, ...] = ()
    answers: Literal["all", "right", "wrong"] = "all"
    pairs: tuple[Literal["preferences", "answers", "labels"], ...] = ("preferences",)
    preferences: tuple[Literal["people", "judges"], ...] = ("people",)
    pair_matching: Literal["random", "closest_length", "same_source", "hardest"] = "random"
    pair_score: Literal["good_steps", "first_error", "verifier_score"] = "good_steps"
    pairs_per_problem: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    margin_rule: Literal["choice", "votes", "scores"] = "choice"
    margins: Literal["large", "small"] = "large"
    minimum_share: Annotated[float, msgspec.Meta(ge=LOWEST_SHARE, le=1)] = LOWEST_SHARE
    ties: Literal["drop", "both_ways"] = "drop"
    prompts: Literal["standard", "conversational", "llama_factory", "ms_swift"] = "standard"
    critiques: tuple[Literal["people", "replies", "judges", "rollouts"], ...] = (
        "people",
        "replies",
        "judges",
        "rollouts",
    )
    critiques_per_solution: Annotated[int, msgspec.Meta(ge=1, le=MOST_CRITIQUES)] = 1
    solutions: tuple[Literal["right", "revised"], ...] = ("right",)
    rewards: Literal["none", "steps"] = "none"
    rounds: tuple[int, ...] = ()
    generators: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    solutions_per_problem: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    balance: Literal["none", "answers"] = "none"
    duplicates: Literal["keep", "drop_same_text", "drop_same_steps"] = "keep"
    contamination: tuple[str, ...] = ()
    splits: dict[str, float] = {}
    split_seed: str = "annotate"
    lineage: Literal["drop", "column"] = "drop"

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LabelPolicy:
        """The checked policy. Raises PolicyError naming the key."""
        try:
            policy = msgspec.convert(dict(values), cls)
        except msgspec.ValidationError as error:
            reason, _, path = str(error).partition(" - at `$.")
            if "unknown field" in reason:
                raise PolicyError(
                    reason.split("`")[1], f"unknown key; keys are {', '.join(cls.__struct_fields__)}"
                ) from None
            raise PolicyError(path.rstrip("`") or "policy", reason) from None
        _check_texts(policy)
        _check_step_tag(policy.step_tag)
        _check_sources(policy.sources)
        _check_lists(policy)
        _check_rounds(policy)
        _check_label_keys(policy)
        _check_selection(policy)
        _check_splits(policy.splits)
        return policy

    @property
    def unsure_label(self) -> int | None:
        """What an unsure step becomes; None where it has no label."""
        return {"drop": None, "positive": GREAT, "negative": BAD}[self.unsure]

    @property
    def neutral_label(self) -> int | None:
        """The label that a rating of 0 becomes; None for none."""
        return {"positive": GREAT, "negative": BAD, "own_class": OKAY, "drop": None}[self.neutral]

    def to_dict(self) -> dict[str, Any]:
        return dict(msgspec.to_builtins(self))


def _check_texts(policy: LabelPolicy) -> None:
    """Refuse NUL and lone surrogates, which PostgreSQL cannot store."""
    for key in ("generators", "subjects", "judges", "contamination", "split_seed", "splits", "step_tag"):
        value = getattr(policy, key)
        for text in [value] if isinstance(value, str) else value:
            if any(sign == "\x00" or "\ud800" <= sign <= "\udfff" for sign in text):
                raise PolicyError(key, "contains a character that cannot be stored")
    for number in (*policy.rounds, *policy.estimation_runs):
        if not -(2**31) <= number < 2**31:
            raise PolicyError("rounds", f"{number} is not the number of a round or a run")


def _check_step_tag(tag: str) -> None:
    """The tag is one word that is neither part of `Step 1:` nor a label."""
    if any(sign.isspace() for sign in tag):
        raise PolicyError("step_tag", "must be one word of 1 to 50 characters, without spaces or line ends")
    if tag in {"+", "-"} or any(tag in f"Step {digit}:" for digit in range(10)):
        raise PolicyError("step_tag", f"{tag!r} occurs in every row: choose a word that no solution contains")


def _check_sources(sources: Sequence[str]) -> None:
    if not sources:
        raise PolicyError("sources", f"must name at least one of {', '.join(SOURCES)}")
    for source in sources:
        if source not in SOURCES:
            raise PolicyError("sources", f"unknown source {source!r}; must be among {', '.join(SOURCES)}")


def _check_lists(policy: LabelPolicy) -> None:
    """Raises PolicyError for a list that names nothing, or something twice."""
    for key, values in LISTS.items():
        named = getattr(policy, key)
        if not named or len(set(named)) < len(named):
            raise PolicyError(key, f"must name at least one of {', '.join(values)}, and each at most once")


def _check_rounds(policy: LabelPolicy) -> None:
    """Only ratings by people belong to rounds: with other sources the filter would be ignored."""
    if policy.rounds and "human" not in policy.sources:
        raise PolicyError(
            "rounds", f"must be empty unless the source human is named: {', '.join(policy.sources)} belong to no round"
        )


def _check_label_keys(policy: LabelPolicy) -> None:
    """Refuses keys that would change nothing, or that contradict each other."""
    if policy.combine != "solution" and "cascade" in policy.sources:
        raise PolicyError("combine", "must be solution where sources name cascade: its promise is of whole solutions")
    if policy.combine != "solution" and policy.people == "each":
        raise PolicyError("combine", "must be solution where people is each: every person has labels of their own")
    if policy.minimum_rollouts and not any(source.startswith("monte_carlo") for source in policy.sources):
        raise PolicyError("minimum_rollouts", "must be 0 unless a source of Monte Carlo is named")
    if policy.minimum_labels and not {"human", "consensus"} & set(policy.sources):
        raise PolicyError("minimum_labels", "must be 0 unless the source human or consensus is named")


def _check_selection(policy: LabelPolicy) -> None:
    """With `balance`, half of the solutions are right."""
    if not policy.pairs:
        raise PolicyError("pairs", "must name at least one of preferences, answers, labels")
    if policy.balance == "answers" and policy.solutions_per_problem % 2:
        raise PolicyError("solutions_per_problem", "must be even where balance is answers, or 0 for all")
    if policy.balance == "answers" and policy.answers != "all":
        raise PolicyError(
            "balance", f"must be none where answers is {policy.answers}: all solutions are {policy.answers}"
        )


def _check_splits(splits: Mapping[str, float]) -> None:
    for name, share in splits.items():
        if not name.isidentifier():
            raise PolicyError("splits", f"{name!r} must be a plain word, since it names a file")
        if not 0 < share <= 1:
            raise PolicyError("splits", f"the share of {name} must be above 0 and at most 1")
    if splits and abs(sum(splits.values()) - 1) > 1e-9:
        raise PolicyError("splits", f"the shares must add up to 1, not to {sum(splits.values()):g}")


def empty_text(key: str) -> str:
    """What an empty list or mapping stands for: an empty filter lets everything through, any other key names nothing."""
    return "all" if key in FILTERS else "none"


def split_of(statement: str, policy: LabelPolicy) -> str:
    """The split of a problem, by a hash of its words, so that no problem is in two splits.

    Statements that differ only in case, white space, punctuation or Unicode form are in the same split.
    """
    if not policy.splits:
        return ""
    point, upper = ranking_hash(policy.split_seed, normalized_words(statement)) / 2**64, 0.0
    for name, share in sorted(policy.splits.items()):
        upper += share
        if point < upper:
            return name
    return name

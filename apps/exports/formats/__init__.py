"""The formats that can be exported: one file and one line each. Pure."""

from __future__ import annotations

from apps.exports.formats.annotate import Annotate
from apps.exports.formats.base import Format
from apps.exports.formats.dpo import Dpo
from apps.exports.formats.math_shepherd import MathShepherd
from apps.exports.formats.openrlhf_prm import OpenRlhfPrm
from apps.exports.formats.orm import Orm
from apps.exports.formats.prm800k import Prm800k
from apps.exports.formats.processbench import ProcessBench
from apps.exports.formats.qwen_prm import QwenPrm
from apps.exports.formats.reward_pairs import RewardPairs
from apps.exports.formats.rlhflow_prm import RlhflowPrm
from apps.exports.formats.sft import Sft
from apps.exports.formats.step_dpo import StepDpo
from apps.exports.formats.trl_prm import TrlPrm
from apps.exports.formats.verifier_dpo import VerifierDpo
from apps.exports.formats.verifier_rl import VerifierRl
from apps.exports.formats.verifier_sft import VerifierSft
from apps.exports.formats.verl import Verl

FORMATS: dict[str, Format] = {
    format_.name: format_
    for format_ in (
        Annotate(),
        Prm800k(),
        ProcessBench(),
        VerifierSft(),
        VerifierDpo(),
        VerifierRl(),
        TrlPrm(),
        QwenPrm(),
        RlhflowPrm(),
        OpenRlhfPrm(),
        MathShepherd(),
        Orm(),
        RewardPairs(),
        Dpo(),
        StepDpo(),
        Sft(),
        Verl(),
    )
}
FORMAT_NAMES = sorted(FORMATS)

__all__ = ["FORMATS", "FORMAT_NAMES", "Format"]

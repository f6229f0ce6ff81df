#!/usr/bin/env bash
# LLaMA-Factory over a pair whose prompt is longer than cutoff_len, and over a desired answer that is empty.
#
# Subject: llamafactory 0.9.5 (its processors of pairs and of KTO), transformers 5.6.0, a tokenizer made here.
#
# Guessed: the prompt loses its beginning, so that the answer still follows the mark that opens the assistant's turn; an
#          answer that `kto_tag` calls true stays desired, whatever its text.
# Seen:    the prompt loses its end, the mark included: the answer follows the middle of the question. A desired answer
#          without text is trained as an undesired one. No log says so of either row.
#
# Output when run:
#   the prompt that is trained ends in: 'word word word '
#   kto_tag True, answer '': trained as False
#
# Exits 1 when any of this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install transformers==5.6.0 datasets==4.0.0 trl==0.24.0 peft==0.18.1 accelerate==1.11.0 \
  torch==2.13.0 av==16.0.0 omegaconf==2.4.0 pyyaml hf-transfer==0.1.9 modelscope==1.40.2 pillow numpy pandas einops==0.8.2 safetensors
# Its images and sound are not used: an empty torchaudio stands in for the one that loads CUDA's libraries.
"$folder/venv/bin/pip" -q install --no-deps llamafactory==0.9.5
cd "$folder"
DISABLE_VERSION_CHECK=1 HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - <<'PY' 2> "$folder/log" || { tail -5 "$folder/log"; exit 1; }
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

sound = ModuleType("torchaudio")
sound.__spec__ = ModuleSpec("torchaudio", None)
sys.modules["torchaudio"] = sound
from llamafactory.data.converter import AlpacaDatasetConverter
from llamafactory.data.processor.feedback import FeedbackDatasetProcessor
from llamafactory.data.processor.pairwise import PairwiseDatasetProcessor
from llamafactory.data.template import TEMPLATES
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

core = Tokenizer(models.BPE())
core.pre_tokenizer, core.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
core.train_from_iterator(["word yes no assistant user"] * 9, trainers.BpeTrainer(
    vocab_size=400, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"], show_progress=False,
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|im_end|>", pad_token="<|endoftext|>")
settings = SimpleNamespace(cutoff_len=64, media_dir=None)
columns = {name: None for name in ("history", "query", "system", "tools", "images", "videos", "audios")}


def made(processor, row, **names):
    attributes = SimpleNamespace(**{**columns, "kto_tag": None, "ranking": False, "response": None, **names})
    example = AlpacaDatasetConverter(attributes, settings)(row)
    batch = {key: [value] for key, value in example.items()}
    return processor(TEMPLATES["chatml"], tokenizer, None, settings).preprocess_dataset(batch)


pair = made(PairwiseDatasetProcessor, {"prompt": "word " * 200, "chosen": "yes", "rejected": "no"},
            prompt="prompt", chosen="chosen", rejected="rejected", ranking=True)
ids, labels = pair["chosen_input_ids"][0], pair["chosen_labels"][0]
prompt = tokenizer.decode([token for token, label in zip(ids, labels) if label == -100])
judged = made(FeedbackDatasetProcessor, {"prompt": "word", "completion": "", "label": True},
              prompt="prompt", response="completion", kto_tag="label")
print(f"the prompt that is trained ends in: {prompt[-15:]!r}")
print(f"kto_tag True, answer '': trained as {judged['kto_tags'][0]}", flush=True)
sys.exit(not (prompt.endswith("word ") and "assistant" not in prompt and judged["kto_tags"] == [False]))
PY

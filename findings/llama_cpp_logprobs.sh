#!/usr/bin/env bash
# llama.cpp's server answers to /v1/completions with `logprobs` in the form of chats (`logprobs.content[].top_logprobs[]`)
# and not in that of OpenAI's completions (`tokens`, `token_logprobs`, `top_logprobs`), which vLLM and SGLang have. `echo` is
# accepted and ignored, and `max_tokens: 0` writes one token all the same: the log-probabilities of a prompt cannot be had,
# only those of the token behind it. They are those of the raw softmax: temperature, top_k and top_p leave them as they are, and a
# token that `logit_bias` makes the server write has the probability that it had before the bias, also where it is far
# from the most likely ones. So the probability of any token costs one request with `logprobs: 1`.
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
url = server.listening_address + "/v1/completions"


def ask(**more):
    body = {"prompt": "Step 1: 9 * 3 =", "max_tokens": 1, "temperature": 1, "seed": 1, **more}
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    answer = json.load(urllib.request.urlopen(request, timeout=60))
    return answer["choices"][0], answer["usage"]


choice, _ = ask(logprobs=1000)
everything = {one["token"]: one["logprob"] for one in choice["logprobs"]["content"][0]["top_logprobs"]}
plain, _ = ask(logprobs=2)
sharp, _ = ask(logprobs=2, temperature=0.1, top_k=1, top_p=0.1)
echoed, _ = ask(logprobs=2, echo=True)
nothing, usage = ask(logprobs=2, max_tokens=0)
rare = next(token for token in reversed(list(everything)) if token.isascii() and token.isalpha())
forced, _ = ask(logprobs=1, logit_bias=[[rare, 100]])
written = forced["logprobs"]["content"][0]
first = lambda one: [(top["token"], round(top["logprob"], 3)) for top in one["logprobs"]["content"][0]["top_logprobs"]]
facts = {
    "keys of logprobs": sorted(plain["logprobs"]) == ["content"],
    "echo is ignored": len(echoed["logprobs"]["content"]) == 1 and not echoed["text"].startswith("Step"),
    "max_tokens 0 writes a token": usage["completion_tokens"] == 1,
    "temperature, top_k and top_p change nothing": first(sharp) == first(plain),
    "a forced token keeps its probability": written["token"] == rare
    and abs(written["logprob"] - everything[rare]) < 0.01
    and rare not in {token for token, _ in first(forced)},
}
for name, holds in facts.items():
    print("yes" if holds else "NO ", name)
print("the most likely:", first(plain), "forced:", rare, round(written["logprob"], 3), "before:", round(everything[rare], 3))
sys.stdout.flush()
os._exit(0 if all(facts.values()) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/try.py" "$folder/model.gguf"

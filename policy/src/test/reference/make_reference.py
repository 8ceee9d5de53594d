"""Makes the tiny random checkpoints that tests compare with, and their logits as the transformers library computes them.

    python3 make_reference.py OUT_FOLDER [CASE ...]

Each case is a folder with config.json, model.safetensors and reference.json: {"ids": [...], "logits": [[...], ...],
"greedy": [...]} (logits: one row for each position, for a reward model one row, the scores at the last token; greedy: up
to 40 tokens behind the ids, of a language model), computed in float32 from the weights as stored.
"""
import json
import pathlib
import sys

import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

COMMON = dict(
    vocab_size=96, hidden_size=64, intermediate_size=48, num_hidden_layers=2, max_position_embeddings=128,
    bos_token_id=2, eos_token_id=1, pad_token_id=0,
)
ROPE = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=16)

CASES = {
    "llama-tied": (LlamaForCausalLM, LlamaConfig(
        **COMMON, num_attention_heads=4, num_key_value_heads=4, tie_word_embeddings=True), torch.float32),
    "llama-grouped-bf16": (LlamaForCausalLM, LlamaConfig(
        **COMMON, num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=False), torch.bfloat16),
    "llama3-rope-f16": (LlamaForCausalLM, LlamaConfig(
        **COMMON, num_attention_heads=4, num_key_value_heads=1, tie_word_embeddings=True,
        rope_parameters=ROPE), torch.float16),
    "qwen2-biases": (Qwen2ForCausalLM, Qwen2Config(
        **COMMON, num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True), torch.float32),
    "qwen3-head-norms": (Qwen3ForCausalLM, Qwen3Config(
        **COMMON, num_attention_heads=4, num_key_value_heads=2, head_dim=32, tie_word_embeddings=True), torch.bfloat16),
    "mistral": (MistralForCausalLM, MistralConfig(
        **COMMON, num_attention_heads=4, num_key_value_heads=2, sliding_window=None), torch.float32),
    "llama-reward": (LlamaForSequenceClassification, LlamaConfig(
        **COMMON, num_attention_heads=4, num_key_value_heads=2, num_labels=4), torch.float32),
}


def greedy(model, ids):
    with torch.no_grad():
        return model.generate(ids, max_new_tokens=40, do_sample=False)[0][ids.shape[1]:].tolist()


def make(name, kind, config, dtype, out):
    torch.manual_seed(len(name))
    model = kind(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3 + (1.0 if parameter.dim() == 1 else 0.0))
    folder = out / name
    model.to(dtype).save_pretrained(folder)
    model = kind.from_pretrained(folder, dtype=torch.float32).eval()
    ids = torch.randint(3, config.vocab_size, (1, 24))
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0]
    rows = logits.tolist() if logits.dim() == 2 else [logits.tolist()]
    reference = {"ids": ids[0].tolist(), "logits": rows}
    if logits.dim() == 2:
        reference["greedy"] = greedy(model, ids)
    (folder / "reference.json").write_text(json.dumps(reference))
    for extra in folder.glob("generation_config.json"):
        extra.unlink()


wanted = sys.argv[2:] or CASES
for case in wanted:
    kind, config, dtype = CASES[case]
    make(case, kind, config, dtype, pathlib.Path(sys.argv[1]))
    print(case)

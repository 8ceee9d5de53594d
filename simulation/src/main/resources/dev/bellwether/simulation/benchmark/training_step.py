"""A step of supervised fine-tuning in PyTorch with transformers: what `bench training` compares with. Prints JSON.

Same model, shapes, number of threads, loss and optimizer as `train speed`; with --lora through peft.
"""
import argparse
import json
import statistics
import time

import torch
from transformers import AutoModelForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("--checkpoint", required=True)
parser.add_argument("--rows", type=int, required=True)
parser.add_argument("--tokens", type=int, required=True)
parser.add_argument("--steps", type=int, required=True)
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--device", default="cpu")
parser.add_argument("--lora", action="store_true")
arguments = parser.parse_args()

gpu = arguments.device != "cpu"
autocast = torch.autocast("cuda", torch.bfloat16, enabled=gpu)
torch.set_num_threads(arguments.threads)
torch.manual_seed(1)
model = AutoModelForCausalLM.from_pretrained(
    arguments.checkpoint, dtype=torch.float32, attn_implementation="sdpa").train()
if arguments.lora:
    from peft import LoraConfig, get_peft_model
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, lora_dropout=0, target_modules="all-linear"))
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
model.to(arguments.device)
optimizer = torch.optim.AdamW(trained, lr=1e-5, betas=(.9, .95), eps=1e-8, weight_decay=.01, fused=True)
prompt = arguments.tokens // 4


def states(ids):
    base = model.base_model.model if arguments.lora else model
    return base.model(ids, use_cache=False).last_hidden_state, base.lm_head


def loss(ids):
    """The head is applied where a reply's token follows, and nowhere else."""
    hidden, head = states(ids)
    logits = head(hidden[:, prompt - 1:-1])
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, prompt:].flatten())


def now():
    if gpu:
        torch.cuda.synchronize()
    return time.perf_counter()


seconds, forward = [], []
for step in range(arguments.steps + 1):
    ids = torch.randint(2, model.config.vocab_size, (arguments.rows, arguments.tokens)).to(arguments.device)
    start = now()
    with autocast:
        value = loss(ids)
    value.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.)
    optimizer.step()
    optimizer.zero_grad()
    seconds.append(now() - start)
    with torch.no_grad(), autocast:
        start = now()
        loss(ids)
        forward.append(now() - start)
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
print(json.dumps({"version": torch.__version__, "sft_seconds": statistics.median(seconds[1:]),
                  "forward_seconds": statistics.median(forward[1:]), "resident_peak_bytes": peak}))

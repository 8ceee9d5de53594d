"""Trains a bot's policy by TRL's RLOO in a refresh of Bellwether.

    pip install torch transformers trl

and in bots.yaml, of the bot:

    refresh:
      external: {command: [python3, /opt/bellwether/drivers/trl_rloo.py]}

The trainer starts it with the folders and the reward model's address in its environment (docs/reference/training.md).
"""
import json
import os
import pathlib
import urllib.request

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import RLOOConfig, RLOOTrainer

GENERATIONS = 4

folder = pathlib.Path(os.environ["BELLWETHER_IN"])
settings = json.loads((folder / "settings.json").read_text())
prompts = [json.loads(line) for line in (folder / "prompts.jsonl").read_text().splitlines()]
base = os.environ["BELLWETHER_BASE"]

tokenizer = AutoTokenizer.from_pretrained(base)


class AsWritten(type(tokenizer)):
    """Prompts have their control tokens already: no tokenizer is to put its first one before them again."""

    def __call__(self, *texts, **options):
        return super().__call__(*texts, **{**options, "add_special_tokens": False})


tokenizer.__class__ = AsWritten
tokenizer.padding_side = "left"
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
ends = model.generation_config.eos_token_id
ends = ends if isinstance(ends, list) else [ends]
if tokenizer.eos_token_id not in ends:
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(ends[0])
if tokenizer.pad_token is None:
    tokenizer.pad_token = tokenizer.eos_token


def reward(prompts, completions, label, completion_ids, **_):
    """What Bellwether's reward model gives; the end token stays in the text, so that it sees which replies have one."""
    texts = [tokenizer.decode(ids, skip_special_tokens=False) for ids in completion_ids]
    body = json.dumps({"query": texts, "prompts": [""] * len(texts), "labels": label}).encode()
    request = urllib.request.Request(
        os.environ["BELLWETHER_REWARD_URL"], body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)["rewards"]


class Progress(TrainerCallback):
    def on_log(self, args, state, control, logs=None, **_):
        metrics = {name: value for name, value in (logs or {}).items() if isinstance(value, (int, float))}
        print(json.dumps({"progress": state.global_step / state.max_steps, "metrics": metrics}), flush=True)


rollouts = settings["rollouts"] // GENERATIONS * GENERATIONS
config = RLOOConfig(
    output_dir=os.path.join(settings["out"], "work"),
    max_steps=settings["steps"],
    per_device_train_batch_size=max(GENERATIONS, rollouts // 4),
    gradient_accumulation_steps=4 if rollouts >= 4 * GENERATIONS else 1,
    num_generations=GENERATIONS,
    num_iterations=2,
    max_completion_length=settings["completion_tokens_max"],
    temperature=settings["temperature"],
    beta=settings["kl_penalty"],
    learning_rate=settings["learning_rate"],
    lr_scheduler_type="linear",
    warmup_steps=min(5, settings["steps"] // 4),
    use_cpu=not torch.cuda.is_available(),
    bf16=torch.cuda.is_available(),
    gradient_checkpointing=False,
    logging_steps=1,
    save_strategy="no",
    report_to="none",
    disable_tqdm=True,
)
trainer = RLOOTrainer(
    model=model,
    reward_funcs=reward,
    args=config,
    train_dataset=Dataset.from_list(prompts),
    processing_class=tokenizer,
    callbacks=[Progress()],
)
trainer.train()
trainer.model.save_pretrained(settings["out"])

#!/usr/bin/env bash
# Trains a bot's policy by verl on Ray in a refresh of Bellwether; in bots.yaml, of the bot:
#
#   refresh:
#     external: {command: [bash, /opt/bellwether/drivers/verl.sh], silence_max: PT1H}
#
# The settings are those of verl 0.9.1 and compose with its configuration; it was never run, as it needs GPUs. GPUS is how many
# there are. Prompts are texts as the model reads them, so the chat template that verl applies gives back what it gets.
set -euo pipefail

setting() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$BELLWETHER_IN/settings.json" "$1"; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$BELLWETHER_OUT/work
gpus=${GPUS:-1}
samples=4
rollouts=$(setting rollouts)
prompts=$((rollouts / samples))
tokens=$(setting completion_tokens_max)
mkdir -p "$work"

python3 - "$work/prompts.parquet" "$tokens" <<'PYTHON'
import json
import os
import sys

import pandas
from transformers import AutoConfig, AutoTokenizer, GenerationConfig

base = os.environ["BELLWETHER_BASE"]
own = os.path.exists(os.path.join(base, "generation_config.json"))
ends = (GenerationConfig if own else AutoConfig).from_pretrained(base).eos_token_id
end = AutoTokenizer.from_pretrained(base).convert_ids_to_tokens(ends[0] if isinstance(ends, list) else ends)
with open(os.path.join(os.environ["BELLWETHER_IN"], "prompts.jsonl")) as file:
    prompts = [json.loads(line) for line in file]
pandas.DataFrame([{
    "data_source": "bellwether",
    "prompt": [{"role": "user", "content": each["prompt"]}],
    "reward_model": {"style": "rule", "ground_truth": each["label"]},
    "extra_info": {"tokens_max": int(sys.argv[2]), "end": end},
} for each in prompts]).to_parquet(sys.argv[1])
PYTHON

python3 -m verl.trainer.main_ppo \
  data.train_files="$work/prompts.parquet" data.val_files="$work/prompts.parquet" \
  data.train_batch_size="$prompts" data.max_response_length="$tokens" data.filter_overlong_prompts=True \
  '+data.apply_chat_template_kwargs.chat_template="{{ messages[0].content }}"' \
  actor_rollout_ref.model.path="$BELLWETHER_BASE" \
  actor_rollout_ref.actor.optim.lr="${LEARNING_RATE:-1e-6}" \
  actor_rollout_ref.actor.ppo_mini_batch_size="$prompts" actor_rollout_ref.actor.use_dynamic_bsz=True \
  actor_rollout_ref.rollout.name=vllm actor_rollout_ref.rollout.n="$samples" \
  actor_rollout_ref.rollout.temperature="$(setting temperature)" \
  actor_rollout_ref.rollout.gpu_memory_utilization=.5 actor_rollout_ref.rollout.tensor_model_parallel_size=1 \
  actor_rollout_ref.rollout.log_prob_use_dynamic_bsz=True actor_rollout_ref.ref.log_prob_use_dynamic_bsz=True \
  algorithm.adv_estimator=rloo algorithm.use_kl_in_reward=True algorithm.kl_ctrl.kl_coef="$(setting kl_penalty)" \
  reward.custom_reward_function.path="$here/verl_reward.py" reward.custom_reward_function.name=compute_score \
  trainer.n_gpus_per_node="$gpus" trainer.nnodes=1 trainer.logger='[console]' trainer.val_before_train=False \
  trainer.total_training_steps="$(setting steps)" trainer.save_freq="$(setting steps)" \
  trainer.default_local_dir="$work/checkpoints" trainer.resume_mode=disable

python3 -m verl.model_merger merge --backend fsdp \
  --local_dir "$work/checkpoints/global_step_$(setting steps)/actor" --target_dir "$BELLWETHER_OUT"

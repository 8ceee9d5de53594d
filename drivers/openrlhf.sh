#!/usr/bin/env bash
# Trains a bot's policy by OpenRLHF on Ray in a refresh of Bellwether; in bots.yaml, of the bot:
#
#   refresh:
#     external: {command: [bash, /opt/bellwether/drivers/openrlhf.sh], silence_max: PT1H}
#
# The options are those of openrlhf.cli.train_ppo_ray at 021d1b0; it was never run, as it needs GPUs. GPUS is how many there are.
set -euo pipefail

setting() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$BELLWETHER_IN/settings.json" "$1"; }

gpus=${GPUS:-1}
rollouts=$(setting rollouts)
steps=$(setting steps)
samples=4

exec python3 -m openrlhf.cli.train_ppo_ray \
  --pretrain "$BELLWETHER_BASE" \
  --remote_rm_url "$BELLWETHER_REWARD_URL" \
  --prompt_data "$BELLWETHER_IN/prompts.jsonl" --input_key prompt --label_key label \
  --save_path "$BELLWETHER_OUT" --ckpt_path "$BELLWETHER_OUT/work" \
  --advantage_estimator rloo --n_samples_per_prompt "$samples" \
  --rollout_batch_size "$((rollouts / samples))" --train_batch_size "$rollouts" \
  --max_samples "$((steps * rollouts / samples))" --num_episodes 1 \
  --generate_max_len "$(setting completion_tokens_max)" --temperature "$(setting temperature)" \
  --init_kl_coef "$(setting kl_penalty)" --actor_learning_rate "${LEARNING_RATE:-1e-6}" \
  --actor_num_gpus_per_node "$gpus" --ref_num_gpus_per_node "$gpus" --colocate_all_models \
  --vllm_num_engines "$gpus" --vllm_gpu_memory_utilization .5 --vllm_enable_sleep --deepspeed_enable_sleep \
  --zero_stage 3 --bf16 --gradient_checkpointing

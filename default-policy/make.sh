#!/usr/bin/env bash
# Makes the default policy again: make.sh BANKING77_TRAIN_CSV OUT_FOLDER
set -euo pipefail
if [ $# -ne 2 ]; then
  echo "usage: $0 BANKING77_TRAIN_CSV OUT_FOLDER" >&2
  exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
train=("$here/../bellwether" train)
banking=$1
out=$2
mkdir -p "$out"

# pass NUMBER REPLIES LEARNING_RATE QUESTIONS...: goes on from the pass before, with its tokenizer
pass() {
  local number=$1 replies=$2 rate=$3
  shift 3
  "${train[@]}" compose --corpus "$here/corpus" --questions "$@" --out "$out/pass$number" --replies "$replies" --seed "$number"
  if [ "$number" -gt 1 ]; then
    cp "$out/trained$((number - 1))"/{model.safetensors,config.json,tokenizer.json,tokenizer_config.json} "$out/pass$number/"
  fi
  "${train[@]}" sft --base "$out/pass$number" --data "$out/pass$number/train.jsonl" \
    --held-out "$out/pass$number/held-out.jsonl" --out "$out/trained$number" --learning-rate "$rate" --seed "$number"
}

pass 1 12 0.0015 "$banking"
pass 2 14 0.001 "$banking"
pass 3 6 0.001 "$banking" "$here/corpus/training-questions.csv"
"${train[@]}" import --checkpoint "$out/trained3" --store "$out/store" --version default
echo "the artefact is $out/store/support/default; it belongs in $here/artefact"

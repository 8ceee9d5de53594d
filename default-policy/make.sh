#!/usr/bin/env bash
# Makes the default policy again, on the CPU: make.sh BANKING77_TRAIN_CSV OUT_FOLDER
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

"${train[@]}" compose --corpus "$here/corpus" --questions "$banking" "$here/corpus/training-questions.csv" \
  --out "$out/composed" --replies 17 --seed 1
"${train[@]}" sft --base "$out/composed" --data "$out/composed/train.jsonl" \
  --held-out "$out/composed/held-out.jsonl" --out "$out/trained" --seed 1
"${train[@]}" import --checkpoint "$out/trained" --store "$out/store" --version default
echo "the artefact is $out/store/support/default; it belongs in $here/artefact"

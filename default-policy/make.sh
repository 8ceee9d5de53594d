#!/usr/bin/env bash
# Makes the default policy again: make.sh BANKING77_TRAIN_CSV OUT_FOLDER
set -euo pipefail
if [ $# -ne 2 ]; then
  echo "usage: $0 BANKING77_TRAIN_CSV OUT_FOLDER" >&2
  exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
train=("$here/../bellwether" train)
out=$2
mkdir -p "$out"
for pass in 1 2; do
  replies=$((pass == 1 ? 12 : 14))
  rate=$([ "$pass" = 1 ] && echo 0.0015 || echo 0.001)
  "${train[@]}" compose --corpus "$here/corpus" --questions "$1" --out "$out/pass$pass" --replies "$replies" --seed "$pass"
  if [ "$pass" = 2 ]; then
    cp "$out/trained1/model.safetensors" "$out/pass2/"
  fi
  "${train[@]}" sft --base "$out/pass$pass" --data "$out/pass$pass/train.jsonl" \
    --held-out "$out/pass$pass/held-out.jsonl" --out "$out/trained$pass" --learning-rate "$rate" --seed "$pass"
done
"${train[@]}" import --checkpoint "$out/trained2" --store "$out/store" --version default
echo "the artefact is $out/store/support/default; it belongs in $here/artefact"

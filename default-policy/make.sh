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

own=$here/corpus/training-questions.csv

compose() {
  "${train[@]}" compose --corpus "$here/corpus" --questions "${@:4}" --out "$1" --replies "$2" --seed "$3"
}

learn() {
  "${train[@]}" sft --base "$1" --data "$2/train.jsonl" --held-out "$2/held-out.jsonl" --out "$3" "${@:4}"
}

compose "$out/composed" 17 1 "$banking" "$own"
learn "$out/composed" "$out/composed" "$out/first" --seed 1
# Most questions so far were Banking77's: the project's own once more, then all.
compose "$out/own" 8 7 "$own"
learn "$out/first" "$out/own" "$out/second" --learning-rate 0.0006 --seed 2
compose "$out/all" 3 8 "$banking" "$own"
learn "$out/second" "$out/all" "$out/trained" --learning-rate 0.0006 --seed 3
"${train[@]}" import --checkpoint "$out/trained" --store "$out/store" --version default
echo "the artefact is $out/store/support/default; it belongs in $here/artefact"

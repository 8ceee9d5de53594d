#!/usr/bin/env bash
# Shows that trl_rloo.py carries a refresh: customers judge, TRL trains the policy, the release gate examines it, users meet
# it. A quarter of an hour on two cores; it installs torch, transformers and trl from PyPI into target/trl, 6 GB.
#
#   drivers/try-trl.sh [report.json]
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
work=$home/target/trl
report=${1:-$work/report.json}
mkdir -p "$work"

python=${BELLWETHER_PYTHON:-}
if [ -z "$python" ]; then
  python=$work/venv/bin/python
  if ! [ -x "$python" ]; then
    python3 -m venv "$work/venv"
  fi
  "$python" -m pip install --quiet torch transformers trl
fi

"$python" - "$home" "$work" "$python" <<'PYTHON'
import pathlib
import sys

home, work, python = sys.argv[1:]
demo = pathlib.Path(home, "simulation/demo-bots.yaml").read_text()
refresh = f"""      external: {{command: ["{python}", "{home}/drivers/trl_rloo.py"], limit: PT2H, silence_max: PT15M}}
"""
pathlib.Path(work, "bots.yaml").write_text(demo.rstrip("\n") + "\n" + refresh)
PYTHON

"$home/bellwether" demo --exit --refreshes 1 --bots "$work/bots.yaml" --report "$report"

"$python" - "$report" <<'PYTHON'
import json
import sys

report = json.load(open(sys.argv[1]))
promoted = [each for each in report["versions"] if each["state"] == "promoted"]
if not promoted:
    sys.exit(f"no version that TRL trained was rolled out: {report['refreshes']}")
print("TRL trained a version that passed the gate and was rolled out")
PYTHON

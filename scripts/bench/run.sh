#!/bin/sh
# run.sh [FIGURE...]: what `make bench` runs, from the root of the repository.
# ORCH names another binary to measure.
set -eu
export ORCH="${ORCH:-build/orch}"
sh scripts/bench/setup.sh
exec "$ORCH" run scripts/bench/run.lua "$@"

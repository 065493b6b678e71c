#!/bin/sh
# prepare.sh FOLDER: the input of the figures of checks, and nothing that orch remembers of an
# earlier measurement. Prints what a figure's server prints.
set -eu
here=$(dirname "$0")
orch=${ORCH:-build/orch}
mkdir -p "$1"
[ -d "$1/mixed" ] || "$orch" run "$here/tree.lua" "$1/mixed" >/dev/null
[ -d "$1/small" ] || "$orch" run "$here/tree.lua" "$1/small" --small 50000 >/dev/null
rm -rf "$1/mixed/.orch" "$1/small/.orch"
"$orch" run "$here/rules.lua" "$1"
echo "ready folder=$1"

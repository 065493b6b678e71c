#!/bin/sh
# live.sh ORCH FOLDER: runs live.lua in a terminal of 50 lines, and prints what it used.
set -eu
here=$(dirname "$0")
mkdir -p "$2"
cp "$here/live.lua" "$2"
rm -f "$2/used"
screen=$2/screen
TERM=xterm-256color script -qec \
  "stty rows 50 cols 120; $1 run -j 50 -C $2 live.lua" "$screen" </dev/null >/dev/null
# What was drawn, so that nobody measures a view that shows nothing.
grep -q 'shaders:50' "$screen" || { echo "live.sh: no live view in $screen" >&2; exit 1; }
cat "$2/used"

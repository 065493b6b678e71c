#!/bin/sh
# prepare.sh FOLDER: the input of the pipelines' figures, and nothing that orch remembers of
# an earlier measurement. Prints what a figure's server prints.
set -eu
here=$(dirname "$0")
mkdir -p "$1/in" "$1/out"
cp "$here"/*.lua "$here/dodo.py" "$1"
rm -rf "$1/.orch" "$1"/.doit.db*
if [ ! -e "$1/build.ninja" ]; then
  seq -f %05g 10000 >"$1/numbers"
  while read -r i; do echo "int f$i(void);" >"$1/in/$i.c"; done <"$1/numbers"
  { printf 'rule copy\n  command = cp $in $out\n'
    sed 's|.*|build out/&.o: copy in/&.c|' "$1/numbers"; } >"$1/build.ninja"
fi
echo "ready folder=$1"

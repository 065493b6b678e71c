#!/bin/sh
# prepare.sh FOLDER: 1 GB of files and two archives of them, once.
set -eu
folder=$1
python3 scripts/bench/archive/data.py "$folder"
[ -e "$folder.zip" ] || bsdtar -caf "$folder.zip" -C "$folder" .
[ -e "$folder.tar.zst" ] || bsdtar -caf "$folder.tar.zst" -C "$folder" .

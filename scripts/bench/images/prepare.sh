#!/bin/sh
# prepare.sh FOLDER: 1,000 pictures as a game has them, once: ten formats, four sizes; the
# 25 of each are links to one file.
set -eu
folder=$1
[ -e "$folder.done" ] && exit 0
rm -rf "$folder"
mkdir -p "$folder"
i=0
for size in 256x256 512x512 1024x512 1024x1024; do
  convert -seed 7 -size $size plasma:teal-orange -depth 8 "$folder/base.miff"
  for format in png jpg tga psd tif bmp dds exr webp gif; do
    i=$((i + 1))
    first="$folder/$i.$format"
    convert "$folder/base.miff" "$first"
    for copy in $(seq 2 25); do
      ln "$first" "$folder/$i-$copy.$format"
    done
  done
done
rm "$folder/base.miff"
touch "$folder.done"

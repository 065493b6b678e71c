#!/bin/sh
# A fake compiler: takes seconds, prints what real ones print, and writes real files.
#
#   sh compile.sh PLATFORM VERSION PROJECT FOLDER     BROKEN=PLATFORM makes it fail
set -eu
platform=$1 version=$2 project=$3 out=$4
rm -rf "$out"
mkdir -p "$out/data"
say() { printf '%s\n' "$@" | tee -a "$out/build.log"; }
work() { sleep "${MOCK_SECONDS:-$1}"; }

case $platform in
android) # as Unity does
  say 'Unity Editor version:    2021.3.45f1 (0da89fac8e79)' 'Batch mode:              YES'
  for scene in Menu Castle Dungeon Throne; do
    say "Opening scene 'Assets/Scenes/$scene.unity'"
    work 0.5
  done
  say "Assets/Scripts/Cat.cs(42,13): warning CS0168: The variable 'lives' is never used"
  ;;
ios) # as clang does
  for file in Metal Audio Touch Store; do
    say "CompileC build/$file.o $file.mm normal arm64 objective-c++"
    work 0.4
  done
  say "Store.mm:35:15: warning: unused parameter 'receipt' [-Wunused-parameter]"
  ;;
windows) # as Unreal does
  for map in Menu Castle Dungeon Throne; do
    say "LogCook: Display: Cooked packages $map Packages Remain 0"
    work 0.6
  done
  say 'LogMaterial: Warning: M_Moat has no physical material'
  ;;
esac

if [ "${BROKEN:-}" = "$platform" ]; then
  case $platform in
  android) say "Assets/Scripts/Cat.cs(43,20): error CS0246: The type 'Purr' could not be found" ;;
  ios) say "Store.mm:36:10: error: use of undeclared identifier 'receipt'" ;;
  windows) say 'LogCook: Error: Content is missing from cook: /Game/Maps/Throne' ;;
  esac
  exit 1
fi

cp -r "$project/Assets" "$project/ProjectSettings" "$out/data"
case $platform in
android) mb=3 file=game.aab ;;
ios) mb=4 file=game.ipa ;;
windows) mb=5 file=game.zip ;;
esac
{ echo "$platform $version"; head -c ${mb}000000 /dev/zero; } > "$out/$file"

case $platform in
android) say "Build completed with a result of 'Succeeded' in 2 seconds (2104 ms)" ;;
ios) say '** ARCHIVE SUCCEEDED **' ;;
windows) say 'AutomationTool executed for 0h 0m 2s' 'BUILD SUCCESSFUL' ;;
esac

#!/bin/sh
# A fake compiler: takes seconds, prints what real ones print, and writes real files.
#
#   sh compile.sh PLATFORM VERSION BUILD PROJECT FOLDER     BROKEN=PLATFORM makes it fail
set -eu
platform=$1 version=$2 build=$3 project=$4 out=$5
rm -rf "$out"
mkdir -p "$out"
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
webgl) # as Emscripten does
  for file in Menu Castle Dungeon Throne; do
    say "[100/400] emcc -O3 -c $file.cpp -o build/$file.o"
    work 0.6
  done
  say "Throne.cpp:12:7: warning: unused variable 'moat' [-Wunused-variable]"
  ;;
esac

if [ "${BROKEN:-}" = "$platform" ]; then
  case $platform in
  android) say "Assets/Scripts/Cat.cs(43,20): error CS0246: The type 'Purr' could not be found" ;;
  ios) say "Store.mm:36:10: error: use of undeclared identifier 'receipt'" ;;
  webgl) say 'wasm-ld: error: build/Castle.o: undefined symbol: raise_drawbridge' ;;
  esac
  exit 1
fi

case $platform in
android) mb=3 file=game.aab ;;
ios) mb=4 file=game.ipa ;;
webgl) mb=5 file=site/Build/game.wasm ;;
esac
mkdir -p "$(dirname "$out/$file")"
{ echo "$platform versionCode=$build $version"; head -c ${mb}000000 /dev/zero; } > "$out/$file"
if [ "$platform" = webgl ]; then
  cp -r "$project/Assets" "$out/site/StreamingAssets"
  echo "<script src=\"Build/game.js\"></script>" > "$out/site/index.html"
fi

case $platform in
android) say "Build completed with a result of 'Succeeded' in 2 seconds (2104 ms)" ;;
ios) say '** ARCHIVE SUCCEEDED **' ;;
webgl) say 'BUILD SUCCESSFUL' ;;
esac

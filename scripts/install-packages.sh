#!/bin/sh
# Installs the missing Debian packages of one purpose: build, demo or test.
#   sh scripts/install-packages.sh build
# As root or through sudo; otherwise prints the command to run and stops.
set -eu

# build: the compiler, and what orch stands on:
#   liblua5.4-dev   the language of the scripts (linked statically)
#   lua5.4          runs scripts/embed.lua during the build
#   libuv1-dev      the event loop: timers, thread pool, pipes
#   libpcre2-dev    regular expressions with a JIT, for fs.scan
#   libssl-dev      hashes (libcrypto), in a plug-in
#   libcurl4-openssl-dev  the HTTP client (and FTP, SFTP), in a plug-in
#   libmicrohttpd-dev     the HTTP server of http.serve, in a plug-in
#   libsqlite3-dev  the state of pipelines, in a plug-in
#   libarchive-dev  zip and tar, in a plug-in
#   libpq-dev       PostgreSQL, in a plug-in
#   libyaml-dev     YAML, in a plug-in
#   libexpat1-dev   XML, in a plug-in
#   libcsv-dev      CSV, in a plug-in
#   libxxhash-dev   fingerprints of files and code: headers only, used inline
#   zlib1g-dev      compressed arrays in FBX files, in a plug-in
#   libsndfile1-dev decodes sounds for audio.stats, in a plug-in
#   libstb-dev      pixels of images, in a plug-in: headers only
#   libjpeg62-turbo-dev  pixels of JPEGs, where the decoder of stb is not safe
#   lua-cjson-dev   the fast path of orch.json, in a plug-in
#   lua-argparse    help and errors of the larger subcommands
build="gcc make libc6-dev pkg-config lua5.4 liblua5.4-dev libuv1-dev
  libpcre2-dev libssl-dev libcurl4-openssl-dev libmicrohttpd-dev libsqlite3-dev
  libarchive-dev libpq-dev libyaml-dev libexpat1-dev libcsv-dev libxxhash-dev
  zlib1g-dev libsndfile1-dev libstb-dev libjpeg62-turbo-dev
  lua-cjson-dev lua-argparse"
# demo: what `make demo` uploads to, beside the stand-ins that are part of orch:
#   vsftpd          an FTP server, as users have one
#   python3         gives it a port that is free, and ends it with the demo
demo="vsftpd python3"
# test: real tools that the tests drive:
#   procps          finds what a killed run has left behind
#   util-linux      setpriv, to be somebody who may not read a file
#   bsdutils        script, to have a terminal
#   libxml2-utils   reads our JUnit files
#   python3         the HTTP server that misbehaves on request
#   python3-yaml    reads what orch.yaml writes, and the other way round
#   zip, unzip, libarchive-tools, zstd, xz-utils  make and read archives as others do
#   python3-aiosmtpd  a mail server, for mail by SMTP
#   openssl         throw-away certificates
#   nginx-light     HTTP/2, and an HTTP server as users have one
#   libnginx-mod-http-dav-ext  WebDAV with PROPFIND
#   vsftpd          uploads over FTP
#   openssh-server  uploads over SFTP
#   postgresql-15   the server that db.postgres is tested with, and bench too
#   chromium        opens our HTML reports, as a browser does
#   graphviz        reads what orch graph --dot writes
#   zsh, fish       completion, beside that for bash
#   ffmpeg          converts sounds, and ffprobe reads what our readers read
#   fontconfig, fonts-dejavu-core  fc-scan, and fonts to hold our reader against
#   assimp-utils    reads models, and writes the ones that ours are held against
#   imagemagick, libmagickcore-6.q16-6-extra  what identify says of images, EXR too
# No service of theirs is started: the tests run them with folders of their own.
test="procps util-linux bsdutils libxml2-utils
  python3 python3-yaml python3-aiosmtpd openssl nginx-light vsftpd
  openssh-server postgresql-15 chromium graphviz
  zsh fish zip unzip libarchive-tools zstd xz-utils
  ffmpeg fontconfig fonts-dejavu-core assimp-utils
  imagemagick libmagickcore-6.q16-6-extra"

case "${1-}" in
build) wanted=$build ;;
demo) wanted=$demo ;;
test) wanted=$test ;;
*)
  echo "usage: $0 build|demo|test" >&2
  exit 2
  ;;
esac

missing=
for package in $wanted; do
  state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$state" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
  sudo=
elif command -v sudo >/dev/null 2>&1; then
  sudo=sudo
else
  echo "orch needs packages that are not installed. Run as root:" >&2
  echo "  apt-get update && $install" >&2
  exit 1
fi
echo "installing:$missing"
$sudo apt-get update -q >/dev/null

# Debian starts a server as soon as it is installed, unless this file says no.
policy=/usr/sbin/policy-rc.d
if [ "$1" != build ] && [ ! -e $policy ]; then
  trap '$sudo rm -f $policy' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
  $sudo chmod 755 $policy
fi
$sudo env DEBIAN_FRONTEND=noninteractive $install >/dev/null

#!/bin/sh
# Installs the peers of the benchmark, builds its helpers, makes its input. Runs
# from the root of the repository; what is there already costs nothing.
set -eu

missing=
need() { # FILE PACKAGE
  [ -e "$1" ] || missing="$missing $2"
}
need /usr/bin/python3 python3
need /usr/lib/python3/dist-packages/aiofiles python3-aiofiles
need /usr/bin/node nodejs
need /usr/bin/rg ripgrep
need /usr/bin/lua5.4 lua5.4
need /usr/bin/cc gcc
# The HTTP figures: servers, peers, and what makes the certificate.
need /usr/sbin/nginx nginx
need /usr/bin/openssl openssl
need /usr/lib/python3/dist-packages/aiohttp python3-aiohttp
need /usr/lib/python3/dist-packages/uvloop python3-uvloop
need /usr/lib/python3/dist-packages/httpx python3-httpx
need /usr/lib/python3/dist-packages/h2 python3-h2
need /usr/bin/wrk wrk
need /usr/bin/h2load nghttp2-client
need /usr/bin/curl curl
# The figures of pipelines: other runners of jobs, and a terminal (script).
need /usr/bin/ninja ninja-build
need /usr/bin/doit python3-doit
need /usr/bin/parallel parallel
need /usr/bin/script bsdutils
# The figures of archives: the same library from the command line.
need /usr/bin/bsdtar libarchive-tools
# The figures of pictures: another reader of headers, which makes them as well.
need /usr/bin/identify imagemagick
# The figures of checks: the loop that studios write (Pillow).
need /usr/lib/python3/dist-packages/PIL python3-pil

# The figures of databases: a server with pgbench, and a peer.
need /usr/lib/postgresql/15/bin/pgbench postgresql-15
need /usr/lib/python3/dist-packages/psycopg2 python3-psycopg2

# The figures of deploying: FTP and SFTP servers, and who else sends folders.
need /usr/sbin/vsftpd vsftpd
need /usr/sbin/sshd openssh-server
need /usr/bin/lftp lftp
need /usr/bin/rclone rclone

# The figures of glTF: the validator is a package of npm's.
need /usr/bin/npm npm

if [ -n "$missing" ]; then
  install="apt-get install -y --no-install-recommends$missing"
  if [ "$(id -u)" = 0 ]; then
    $install || { apt-get update && $install; }
  elif command -v sudo >/dev/null; then
    sudo $install || { sudo apt-get update && sudo $install; }
  else
    echo "make bench needs:$missing. As root:" >&2
    echo "  apt-get update && $install" >&2
    exit 1
  fi
fi

mkdir -p build/bench
for source in scripts/bench/stopwatch.c scripts/bench/processes/vfork_loop.c \
  scripts/bench/http/slow_server.c scripts/bench/http/sink_server.c; do
  program=build/bench/$(basename "$source" .c)
  [ -n "$(find "$program" -newer "$source" 2>/dev/null)" ] ||
    cc -std=gnu11 -O2 -o "$program" "$source"
done
[ build/bench/sqlite_loop -nt scripts/bench/db/sqlite_loop.c ] ||
  cc -std=gnu11 -O2 -o build/bench/sqlite_loop scripts/bench/db/sqlite_loop.c \
    -lsqlite3
[ -d build/bench/gltf/node_modules/gltf-validator ] ||
  npm install --silent --no-audit --no-fund --prefix build/bench/gltf \
    gltf-validator@2.0.0-dev.3.10
/usr/bin/lua5.4 scripts/bench/data.lua tests/data/logs build/bench
mkdir -p build/bench/nginx/files
truncate -s 2G build/bench/nginx/files/2g # a hole: costs no disk

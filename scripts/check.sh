#!/bin/sh
# make check: formatting, syntax, and that every power has one home.
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0

complain() {
  echo "check: $1" >&2
  failed=1
}

# A power outside its home. Comments do not count.
home() { # pattern file why
  found=$(grep -nE "$1" src/*.c | grep -vE "^src/$2:" |
    grep -vE '^[^:]+:[0-9]+:[[:space:]]*(/?\*|//)')
  [ -z "$found" ] || complain "$3:
$found"
}

home '\blua_resume\(' task.c 'lua_resume belongs in task.c'
home '\blua_yieldk?\(' op.c 'lua_yield belongs in op.c'
home '\buv_run\(' runtime.c 'uv_run belongs in runtime.c'
home '\bcurl_multi_' 'transfer(_line|_line_thread)?.c' 'curl_multi_ belongs in transfer.c'
home '(^|[^_[:alnum:]])exit\(' main.c 'exit() belongs in main.c'

# A primitive knows op.h and clock.h, never tasks or scopes.
core='anchor|cancelled|print|coroutine|guard|leak|op|outcome|park|place|protect|ready|runlib|runtime|scope|scopelib|signals|task|taskinfo|tasklib|trace|watchdog'
found=$(grep -lE '#include "(task|scope|tasklib|outcome)\.h"' src/*.c |
  grep -vE "^src/($core)\.c$")
[ -z "$found" ] || complain "a primitive includes the scheduler's headers:
$found"

# orch.core.X (C) is for orch.X and the library below it, not for scripts.
found=$(grep -nE 'require[ (]*"orch\.core' examples/*.lua 2>/dev/null)
[ -z "$found" ] || complain "an example uses orch.core:
$found"

for file in $(git ls-files '*.lua'); do
  case $file in tests/script/*) continue ;; esac # some are broken on purpose
  luac5.4 -p "$file" || complain "syntax: $file"
done

if command -v clang-format >/dev/null 2>&1; then
  clang-format --dry-run -Werror src/*.c src/*.h 2>&1 | head -20
  clang-format --dry-run -Werror src/*.c src/*.h >/dev/null 2>&1 ||
    complain 'formatting: run clang-format -i src/*.c src/*.h'
else
  echo 'check: clang-format is not installed: formatting not checked'
fi

[ $failed = 0 ] && echo 'check: fine'
exit $failed

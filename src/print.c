/* Lua's print does not look whether anybody reads: `orch ... | head -1` would
 * compute to the end, and a full disk would go unnoticed. */
#include "print.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>
#include "error.h"
#include "guard.h"
#include "mask.h"

#define READER_GONE 141 /* 128 + SIGPIPE: what a shell calls it */

static int failed(lua_State *L) {
  int error = errno;
  clearerr(stdout);
  if (error == EPIPE) return guard_exit(L, READER_GONE);
  error_push(L, "os", "cannot write standard output: %s", strerror(error));
  lua_pushstring(L, uv_err_name(-error));
  lua_setfield(L, -2, "code");
  return error_throw(L);
}

static int print(lua_State *L) {
  int n = lua_gettop(L);
  for (int i = 1; i <= n; i++) {
    size_t size;
    const char *text = luaL_tolstring(L, i, &size);
    if (i > 1) putc('\t', stdout);
    fwrite(text, 1, size, stdout);
    lua_pop(L, 1);
  }
  putc('\n', stdout);
  return fflush(stdout) != 0 || ferror(stdout) ? failed(L) : 0;
}

void print_open(lua_State *L) {
  lua_pushcfunction(L, print);
  lua_setglobal(L, "print");
}

int print_close(int code) {
  bool written = fflush(stdout) == 0 && !ferror(stdout);
  int error = errno;
  mask_finish();
  if (written) return code;
  if (code != 0) return code; /* that has been told */
  if (error == EPIPE) return READER_GONE;
  fprintf(stderr, "orch: cannot write standard output: %s\n", strerror(error));
  return 1;
}

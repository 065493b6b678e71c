/* orch.core.error: Errors for the Lua library. */
#include <lauxlib.h>
#include "error.h"

/* make(table) -> the same table as an Error */
static int make(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_pushnil(L);
  lua_setmetatable(L, 1);
  error_normalize(L);
  return 1;
}

/* throw(error): raises it with `traceback` and `where` set */
static int throw(lua_State * L) {
  lua_settop(L, 1);
  error_normalize(L);
  return error_throw(L);
}

/* normalize(value) -> Error */
static int normalize(lua_State *L) {
  lua_settop(L, 1);
  error_normalize(L);
  return 1;
}

/* suppress(error, other): other goes to error.suppressed */
static int suppress(lua_State *L) {
  lua_settop(L, 2);
  luaL_checktype(L, 1, LUA_TTABLE);
  error_suppress(L, 1);
  return 0;
}

static int is(lua_State *L) {
  lua_pushboolean(L, error_is_error(L, 1));
  return 1;
}

static int is_cancelled(lua_State *L) {
  lua_pushboolean(L, error_is_cancelled(L, 1));
  return 1;
}

/* where() -> "file:line" of the innermost line of the script's own */
static int where(lua_State *L) {
  error_push_where(L, L);
  return 1;
}

/* handler(value): for xpcall; adds the traceback at the raise */
static const luaL_Reg functions[] = {
    {"make", make},
    {"throw", throw},
    {"normalize", normalize},
    {"suppress", suppress},
    {"is", is},
    {"is_cancelled", is_cancelled},
    {"where", where},
    {"handler", error_handler},
    {NULL, NULL},
};

int luaopen_orch_core_error(lua_State *L);
int luaopen_orch_core_error(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}

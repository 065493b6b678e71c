/* pcall and xpcall that a cancellation passes through, so that a script cannot
 * swallow it by accident. Otherwise as in Lua 5.4's lbaselib.c. */
#include "protect.h"

#include <lauxlib.h>
#include "error.h"
#include "task.h"

bool protect_is_cancel(lua_State *L, int index) {
  struct task *task = task_of(L);
  return task && task->scope->effective && error_is_cancelled(L, index);
}

static int finish(lua_State *L, int status, lua_KContext extra) {
  if (status == LUA_OK || status == LUA_YIELD)
    return lua_gettop(L) - (int)extra;
  if (protect_is_cancel(L, -1)) return lua_error(L);
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

static int protected_call(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, 1); /* first result if there are no errors */
  lua_insert(L, 1);
  int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish);
  return finish(L, status, 0);
}

/* The script's handler does not see a cancellation. */
static int handle(lua_State *L) {
  lua_settop(L, 1);
  if (protect_is_cancel(L, 1)) return 1;
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, LUA_MULTRET);
  return lua_gettop(L);
}

/* Stack for the call: function, handler, true, function, arguments. */
static int protected_call_handled(lua_State *L) {
  int n = lua_gettop(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, handle, 1);
  lua_replace(L, 2);
  lua_pushboolean(L, 1);
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2);
  int status = lua_pcallk(L, n - 2, LUA_MULTRET, 2, 2, finish);
  return finish(L, status, 2);
}

void protect_open(lua_State *L) {
  lua_pushcfunction(L, protected_call);
  lua_setglobal(L, "pcall");
  lua_pushcfunction(L, protected_call_handled);
  lua_setglobal(L, "xpcall");
}

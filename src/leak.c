/* A list of sentences in the registry. */
#include "leak.h"

#include <lauxlib.h>
#include <stdarg.h>
#include "task.h"

#define LEAKS "orch.leaks"

void leak_note(lua_State *L, const char *fmt, ...) {
  va_list args;
  luaL_checkstack(L, 4, NULL);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LEAKS);
  va_start(args, fmt);
  lua_pushvfstring(L, fmt, args);
  va_end(args);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}

/* Held tasks that failed and that nobody awaited or asked. */
static void note_unseen(lua_State *L) {
  while (task_unseen) {
    struct task *task = task_unseen;
    luaL_checkstack(L, 8, NULL);
    lua_State *co = task->co;
    if (!lua_checkstack(co, 1)) luaL_error(L, "not enough memory");
    task_push(L, task);
    lua_getfield(L, -1, "name");
    lua_pushvalue(co, -1);
    lua_xmove(co, L, 1);
    luaL_tolstring(L, -1, NULL);
    leak_note(L, "%s failed and nobody looked at it: %s", lua_tostring(L, -3),
              lua_tostring(L, -1));
    lua_pop(L, 4);
    task_see(L, task);
  }
}

int leak_take(lua_State *L) {
  note_unseen(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LEAKS);
  lua_pushnil(L);
  lua_setfield(L, LUA_REGISTRYINDEX, LEAKS);
  return 1;
}

/* A traceback in the words of luaL_traceback, at a tenth of its price. */
#ifndef ORCH_TRACEBACK_H
#define ORCH_TRACEBACK_H

#include <lua.h>

/* Pushes on `L` the traceback of `co` from `level` outwards. */
void traceback_push(lua_State *L, lua_State *co, int level);

#endif

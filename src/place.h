/* Where Lua cannot yield: finds out which C function is in the way and raises
 * an error that names it and the way out. */
#ifndef ORCH_PLACE_H
#define ORCH_PLACE_H

#include <lua.h>

/* Raises kind `usage`: "NAME was called inside string.gsub (a.lua:12); ...". */
int place_raise(lua_State *L, const char *name);

#endif

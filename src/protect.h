/* pcall and xpcall for scripts. */
#ifndef ORCH_PROTECT_H
#define ORCH_PROTECT_H

#include <lua.h>
#include <stdbool.h>

/* Replaces the globals. */
void protect_open(lua_State *L);

/* Whether the value is a cancellation of the running task, which nothing may
 * catch. */
bool protect_is_cancel(lua_State *L, int index);

#endif

/* orch.core.runtime: the run's settings, what is open, and what to do at its
 * end. */
#ifndef ORCH_RUNLIB_H
#define ORCH_RUNLIB_H

#include <lua.h>

/* Calls what Lua gave to at_exit, newest first; outside of any task. */
void runlib_at_exit(lua_State *L);

#endif

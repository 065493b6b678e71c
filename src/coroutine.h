/* coroutine.* for scripts: generators that may wait. */
#ifndef ORCH_COROUTINE_H
#define ORCH_COROUTINE_H

#include <lua.h>

/* Replaces coroutine.resume, wrap, yield, close and status. */
void coroutine_open(lua_State *L);

#endif

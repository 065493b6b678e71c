/* Cancellation as Lua values; the bookkeeping is in scope.c. */
#ifndef ORCH_CANCELLED_H
#define ORCH_CANCELLED_H

#include <lua.h>

struct scope;

/* Pushes the Cancelled that unwinds a task inside this scope: the one that
 * cancel() made, or one that gives the cause. */
void cancelled_push(lua_State *L, struct scope *scope);

/* Raises the Cancelled of the running task; `busy`: it was not waiting. */
int cancelled_raise(lua_State *L);
int cancelled_raise_busy(lua_State *L);

/* Pushes the Cancelled of a cancel() call: the reason at index `reason`, by
 * whom and from where. */
void cancelled_push_reason(lua_State *L, int reason);

/* Pushes the ordinary Error of kind `cancelled` for the Cancelled at `index`:
 * what those see who were not cancelled themselves. */
void cancelled_push_error(lua_State *L, int index);

#endif

/* What a scope's end means: joins the children, then decides which error, if
 * any, comes out: the first failure itself, with the others on it. */
#ifndef ORCH_OUTCOME_H
#define ORCH_OUTCOME_H

#include "task.h"

/* Waits for all children, then calls kind->result in the resumed task, also
 * when there was nothing to wait for. `return scope_join(L, scope, kind)`. */
int scope_join(lua_State *L, struct scope *scope, const struct op_kind *kind);

/* After the join. `error` is the stack index of the body's own error or 0.
 * Pushes the value to raise and returns true, or pushes nothing. */
bool scope_outcome(lua_State *L, struct scope *scope, int error);

/* Lets go of the failed children that are left when the memory ran out while
 * their errors were put together. */
void outcome_drop(lua_State *L, struct scope *scope);

/* Whether this error is the cancellation of the scope (or of one outside), not
 * a Cancelled that a script kept and raised elsewhere. */
bool outcome_is_cancel(lua_State *L, struct scope *scope, int error);

/* User values of the Scope userdata, found at registry[scope pointer]. */
enum scope_value { SCOPE_NAME = 1, SCOPE_WHERE, SCOPE_REASON, SCOPE_BUSY };

/* The function and arguments under which every task runs: joins its children
 * and returns the results, or the error with task->outcome set. */
int task_main(lua_State *L);

#endif

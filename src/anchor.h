/* What keeps tasks from the collector while they live, and coroutines for
 * reuse: both happen for every task, so they cost no more than they must. */
#ifndef ORCH_ANCHOR_H
#define ORCH_ANCHOR_H

#include <lua.h>

struct task;

void anchor_open(lua_State *L);

/* Keeps the Task on top of the stack until task_release. */
void anchor_task(lua_State *L, struct task *task);

/* Pushes a coroutine, a used one when there is one. */
lua_State *anchor_push_coroutine(lua_State *L);

/* Keeps the coroutine of a task that has ended well with at most one result,
 * which moves to the Task; comes before task_release. */
void anchor_recycle(lua_State *L, struct task *task);

#endif

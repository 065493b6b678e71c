/* Looking at tasks: for trees, traces and messages. */
#ifndef ORCH_TASKINFO_H
#define ORCH_TASKINFO_H

#include <lua.h>

struct task;

/* Pushes the task's name, given or made up. */
void taskinfo_push_name(lua_State *L, struct task *task);

/* Pushes "file:line" of the line that spawned a live task. */
void taskinfo_push_spawned_at(lua_State *L, struct task *task);

#endif

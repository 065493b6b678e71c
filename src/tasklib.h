/* What the two halves of orch.core.task (tasklib.c, scopelib.c) share. */
#ifndef ORCH_TASKLIB_H
#define ORCH_TASKLIB_H

#include <lua.h>
#include "task.h"

/* Spawns from (name, flags, fn, ...) at stack index `base` and on; leaves the
 * Task on top. */
struct task *tasklib_spawn(lua_State *L, struct scope *scope, int base);

/* Remembers the script's line that spawned the task on top of the stack. Our
 * own frames are skipped when `deep`, which costs more. */
void tasklib_note_spawner(lua_State *L, struct task *task, bool deep);

/* Pushes the Cancelled of a cancel() call: the reason at `reason`, by whom and
 * from where. */
void tasklib_push_reason(lua_State *L, int reason);

/* The name, given or made up; "file:line" of the line that spawned a live task.
 */
void task_push_name(lua_State *L, struct task *task);
void task_push_spawned_at(lua_State *L, struct task *task);

/* Adds `open` to the module on top of the stack. */
void tasklib_add_scopes(lua_State *L);

#endif

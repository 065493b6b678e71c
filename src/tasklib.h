/* What the parts of orch.core.task (tasklib.c, scopelib.c, taskinfo.c) share.
 */
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

/* Add their functions to the module on top of the stack. */
void scopelib_add(lua_State *L);
void taskinfo_add(lua_State *L);

#endif

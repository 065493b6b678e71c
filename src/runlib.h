/* What the run does with its tasks from outside: interrupt, deadlock, time
 * limit, and orch.core.runtime, by which the Lua library arranges it. */
#ifndef ORCH_RUNLIB_H
#define ORCH_RUNLIB_H

#include <lua.h>
#include <stdbool.h>

void runlib_open(lua_State *L);

/* Cancels the guarded task: Ctrl-C and friends. */
void runlib_interrupt(void);

/* Nothing can happen any more: cancels the guarded task. False: it was of no
 * use, the run has to be given up (runlib_stuck). */
bool runlib_deadlock(lua_State *L);
bool runlib_stuck(void);

void runlib_print_tree(void);
void runlib_at_exit(lua_State *L);

/* Set by process.c; kills every process group that we started, at once. Async-
 * signal-safe. */
extern void (*runlib_child_killer)(void);
void runlib_kill_children(void);

#endif

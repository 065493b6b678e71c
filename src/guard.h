/* How a run is ended from outside its tasks: a signal, a deadlock, a time
 * limit, os.exit. Each cancels the task that Lua has named for it and leaves it
 * the grace; what comes out then is an Error that no script can catch. */
#ifndef ORCH_GUARD_H
#define ORCH_GUARD_H

#include <lua.h>
#include <stdbool.h>

void guard_open(lua_State *L);

/* Cancels the guarded task: Ctrl-C and friends. */
void guard_interrupt(void);

/* Nothing can happen any more: cancels the guarded task. False: it was of no
 * use, the run has to be given up (guard_stuck). */
bool guard_deadlock(lua_State *L);
bool guard_stuck(void);

/* The time limit: whether it is over by so much that the loop, which looks
 * first, cannot be turning; whether it has ended its task (any thread may ask
 * both); and ending the task that it is for. */
bool guard_is_late(void);
bool guard_was_late(void);
void guard_end_late(lua_State *L);

/* Called between two turns of the loop. */
void guard_deliver(void);

/* Pushes the Error with which a task ends that was cancelled by a deadlock or
 * its time limit. */
void guard_push_error(lua_State *L, bool deadlock);

/* Cancels the guarded task; the run ends with this code. Raises in a task that
 * is part of it. */
int guard_exit(lua_State *L, int code);

void guard_print_tree(void);

/* Set by process.c; kills every process group that we started, at once. Async-
 * signal-safe. */
extern void (*guard_child_killer)(void);
void guard_kill_children(void);

/* Adds guard, alarm, set_tree, exit, exit_code and interrupted to the module on
 * top of the stack. */
void guard_add_functions(lua_State *L);

#endif

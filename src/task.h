/* Tasks: running coroutines, and the only lua_resume. */
#ifndef ORCH_TASK_H
#define ORCH_TASK_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>
#include "op.h"
#include "park.h"
#include "scope.h"

enum task_state { TASK_READY, TASK_RUNNING, TASK_WAITING, TASK_DONE };
enum task_outcome { OUTCOME_OK, OUTCOME_ERROR, OUTCOME_CANCELLED };

enum task_flag {
  TASK_DAEMON = 1,   /* cancelled when the scope's body ends */
  TASK_HOLD = 2,     /* a failure is kept for await and fails no scope */
  TASK_QUIET = 4,    /* nobody need look at it: a call of orch's does */
  TASK_AT_SCOPE = 8, /* spawned where its scope was opened */
};

/* User values of the Task userdata. */
enum task_value {
  TASK_CO = 1,     /* the coroutine; after the end whatever holds the results */
  TASK_LOCALS = 2, /* table of task-local values, shared until changed */
  TASK_NAME = 3,   /* string or nil */
  TASK_SPAWNER = 4, /* the function that spawned it, or "file:line" */
  TASK_REASON = 5,  /* the Cancelled of task:cancel */
};

struct task {
  /* What a step touches comes first: one line of the cache. */
  lua_State *co; /* NULL once it serves another task */
  struct task *ready_next;
  lua_State *waiting_co; /* the coroutine that waits: co, or one that the
                            script made */
  struct op *op;         /* what it waits for */
  struct scope *scope;   /* the innermost open one */
  int delivered;         /* values for waiting_co, already on its stack */
  enum task_state state;
  enum task_outcome outcome;
  uint8_t flags;
  bool started;
  bool one_result; /* it is in TASK_CO, the coroutine is gone */
  bool has_locals; /* TASK_LOCALS is set */
  bool crashed;    /* the memory ran out outside the protected body */
  bool seen;       /* somebody has looked at the outcome */
  bool awaited;    /* an await has raised its error */
  bool held;       /* a coroutine of it was resumed where Lua cannot yield */

  struct scope body;        /* every task body is a scope */
  struct scope *parent;     /* owns this task */
  struct task *prev, *next; /* siblings; failures or unseen after the end */
  struct waitq waiters;     /* who awaits its end */
  struct waiter joining;    /* its own await: a task waits for one thing */
  uint64_t id;
  int ref;        /* keeps it from the collector while it lives */
  int spawn_line; /* 0: not known; -1: TASK_SPAWNER has all of it */
};

int task_open(lua_State *L); /* metatables and registry; pushes nothing */

/* The task that `L` runs in; NULL outside of tasks (worker threads, the main
 * state). */
static inline struct task *task_of(lua_State *L) {
  return *(struct task **)lua_getextraspace(L);
}
static inline void task_bind(lua_State *L, struct task *task) {
  *(struct task **)lua_getextraspace(L) = task;
}

/* Makes a task of the function and `nargs` arguments on top of `L` and
 * replaces them by the Task. `scope` is NULL for the root task only. */
struct task *task_spawn(lua_State *L, struct scope *scope, int nargs,
                        unsigned flags);
struct task *task_check(lua_State *L, int index);
void task_push(lua_State *L, struct task *task);

/* Pushes what the body of the Task at `index` returned, or the error of one
 * that did not end well; returns the number of values. */
int task_push_results(lua_State *L, int index);

/* Resumes a ready task; for ready.c. */
void task_step(lua_State *L, struct task *task);

/* Resumes a coroutine that the script made; what waits in it is refused where
 * `from` cannot yield. */
int task_resume(lua_State *co, lua_State *from, int nargs, int *nresults);

/* Lets go of a task that its scope kept because it failed. */
void task_release(lua_State *L, struct task *task);

/* Marks the outcome as looked at. */
void task_see(lua_State *L, struct task *task);

/* Held tasks that failed and that nobody has looked at. */
extern struct task *task_unseen;

extern struct task *task_root;

/* NULL, or called round every step of a task: --trace. */
enum task_step { TASK_STARTS, TASK_SUSPENDS, TASK_ENDS };
extern void (*task_on_step)(lua_State *L, struct task *task,
                            enum task_step step);

int luaopen_orch_core_task(lua_State *L);

#endif

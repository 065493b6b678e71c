/* What worker.c (the threads) and lane.c (a Lua state that they run) know of
 * each other, and the hook for the end of the run. */
#ifndef ORCH_WORKER_H
#define ORCH_WORKER_H

#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include "op.h"

/* A Lua state that lives on from call to call. The Lua side holds it as a
 * userdata; it belongs to a thread while one runs it, and to the queue once
 * it is being closed. */
struct lane {
  lua_State *L;                /* NULL until the first call */
  lua_State *volatile running; /* innermost coroutine of the call */
  atomic_bool stop;            /* the call was cancelled */
  struct lane *next;           /* in a queue */
  struct op *op;               /* who waits for the call; NULL: close it */
  const char *package_path, *package_cpath; /* for require; in our memory */
  const char *data; /* packed function and arguments, in Lua's */
  int status;       /* a negative libuv code: no answer at all */
  bool failed;      /* the answer on top of L is an Error */
  bool queued;
  unsigned thread; /* which one runs it */
};

/* Runs the call; on the worker's thread. The answer, packed, is on top of L. */
void lane_run(struct lane *lane);

/* Makes the running Lua code of the lane raise; from a signal handler. */
void lane_interrupt(struct lane *lane);

/* Closes the state and frees the lane. */
void lane_free(struct lane *lane);

/* The lane that the calling thread runs; NULL elsewhere. */
extern _Thread_local struct lane *volatile worker_lane;

/* Queues the lane for the next free thread: 0 or a negative libuv code. */
int worker_start(struct lane *lane);

/* Takes the lane out of the queue (true: it will not run), or stops it. */
bool worker_stop(struct lane *lane);

/* Gives the lane to a thread that closes it, or closes it here. */
void worker_retire(struct lane *lane);

unsigned worker_limit(void);

/* Stops what runs and joins the threads; when the main state is closed. */
void worker_close(void);

#endif

/* The life of one awaited operation: the contract of every primitive.
 *
 *   check   read the arguments; own nothing yet              may raise
 *   new     op = op_new(L, &kind)                            may raise
 *   start   hand it to libuv, a thread or a queue            may not raise
 *   await   return op_await(L, op): suspends the task        the last thing
 *   end     op_done(op), once, from the last close callback
 *
 * The op is a userdata on the waiting coroutine's own stack: Lua owns its
 * memory, and the arguments below it stay alive until the task resumes. */
#ifndef ORCH_OP_H
#define ORCH_OP_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct op;
struct task;

/* One per primitive, static and constant. */
struct op_kind {
  const char *name; /* "fs.read": opens every message about this op */
  size_t size;      /* of the struct whose first member is `struct op` */

  /* Runs in the resumed task after an end without cancellation: pushes the
   * results and returns their number, or raises. NULL: no results beyond
   * what was pushed by op_deliver. */
  int (*result)(lua_State *L, struct op *op);

  /* Hastens the end; op_done still follows, now or later. NULL: the op is
   * short and simply ends by itself. */
  void (*cancel)(struct op *op);

  /* Frees what Lua does not own. Runs once, from the collector, also when
   * the op was never started. NULL: nothing to free. */
  void (*drop)(struct op *op);

  bool shielded; /* cannot be cancelled and is not refused (joins) */
  bool internal; /* no libuv work behind it: a timer, a queue, a join */
};

struct op {
  const struct op_kind *kind;
  struct task *task; /* who waits; NULL after the end */
  uint64_t since_ns; /* when it began to wait (clock_now) */
  int status;        /* 0, or a negative libuv code that is raised */
  int delivered;     /* values on the task's stack, from op_deliver */
  bool cancelled;    /* raises Cancelled when it ends */
  bool done;
};

/* A zeroed op of `kind->size` bytes on top of the stack. Raises Cancelled when
 * the task is cancelled already, a usage error where Lua cannot yield or
 * where there is no task (a worker thread). */
void *op_new(lua_State *L, const struct op_kind *kind);

/* The checks of op_new alone, for ops that allocate nothing. */
void op_check(lua_State *L, const char *name);

/* The same for an op that is part of a longer-lived struct: nothing is
 * allocated or raised. */
void op_init(lua_State *L, struct op *op, const struct op_kind *kind);

/* Suspends the running task until op_done(op): `return op_await(L, op)`. The op
 * may have ended already; the task still goes to the back of the queue. */
int op_await(lua_State *L, struct op *op);

/* Ends the op and makes its task ready. Called exactly once, by the primitive,
 * from the loop's thread; nothing of the op may be left in the loop. */
void op_done(struct op *op);

/* Ends the op with the `n` values on top of `from`, moved to the waiter. */
void op_deliver(lua_State *from, int n, struct op *op);

/* Asks a waiting op to end early. No effect on an op that has ended; where the
 * work was done before it could be stopped and must not be done twice, the
 * primitive clears `cancelled` before op_done, and its result counts. */
void op_cancel(struct op *op);

/* One trip to the thread pool; embed it as the first member. `run` is called on
 * a pool thread and must not touch Lua; it should look at `stop` now and then
 * where it takes long. op_done follows on the loop's thread. */
struct op_work {
  struct op op;
  uv_work_t req;
  void (*run)(struct op_work *work);
  volatile int stop; /* set when cancelled; read it with __atomic_load_n */
};

/* Starts `run` on the pool. Use op_work_cancel as the kind's `cancel`. */
void op_work_start(struct op_work *work, void (*run)(struct op_work *work));
void op_work_cancel(struct op *op);
static inline bool op_work_stopped(struct op_work *work) {
  return __atomic_load_n(&work->stop, __ATOMIC_RELAXED);
}

/* A trip to the pool that is only a part of an op: uv_queue_work, which must
 * not be called otherwise. */
int op_queue_work(uv_work_t *req, uv_work_cb run, uv_after_work_cb after);

/* Operations with libuv or a thread behind them that have not ended: while
 * there are any, virtual time does not jump. */
int op_real_count(void);

/* Checkpoint: the task goes to the back of the queue; raises Cancelled. The
 * Lua function `orch.checkpoint`. */
int op_checkpoint(lua_State *L);

/* The answer is there already, the `n` values on top: the task goes to the back
 * of the queue all the same and then has it. Comes after op_check; `return
 * op_answer(L, n)`. */
int op_answer(lua_State *L, int n);

/* Passes a system yield through a coroutine that the script made itself: see
 * coroutine.c. And a script's own coroutine.yield. */
int op_yield_through(lua_State *L, lua_KContext ctx, lua_KFunction k);
int op_yield_values(lua_State *L);

#endif

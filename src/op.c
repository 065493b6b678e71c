/* The only lua_yieldk. One continuation ends every op: it raises Cancelled,
 * then the status, then calls the kind's `result`. */
#include "op.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "error.h"
#include "place.h"
#include "task.h"
#include "runtime.h"
#include "ready.h"
#include "cancelled.h"

#define DROPPING "orch.op"

static int real_ops;

int op_real_count(void) {
  return real_ops;
}

static int collect_op(lua_State *L) {
  struct op *op = lua_touserdata(L, 1);
  op->kind->drop(op);
  return 0;
}

static void set_drop(lua_State *L) {
  if (luaL_newmetatable(L, DROPPING)) {
    lua_pushcfunction(L, collect_op);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
}

void op_check(lua_State *L, const char *name) {
  struct task *task = task_of(L);
  if (task == NULL)
    error_usage(L,
                "%s waits, and nothing can wait here: a worker thread has "
                "no event loop; do it in the task that calls orch.thread",
                name);
  if (!lua_isyieldable(L) || task->held) place_raise(L, name);
  if (scope_deadlines > 0) clock_fire();
  if (task->scope->effective) cancelled_raise(L);
}

void *op_new(lua_State *L, const struct op_kind *kind) {
  if (!kind->shielded)
    op_check(L, kind->name);
  else if (!lua_isyieldable(L) || task_of(L)->held)
    place_raise(L, kind->name);
  luaL_checkstack(L, 4, kind->name);
  struct op *op = lua_newuserdatauv(L, kind->size, 0);
  memset(op, 0, kind->size);
  op->kind = kind;
  if (kind->drop) set_drop(L);
  op_init(L, op, kind);
  return op;
}

void op_init(lua_State *L, struct op *op, const struct op_kind *kind) {
  op->kind = kind;
  op->task = task_of(L);
  op->status = 0;
  op->delivered = 0;
  op->cancelled = op->done = false;
}

/* Runs in the resumed task, as the rest of the primitive's C function. */
static int resumed(lua_State *L, int status, lua_KContext ctx) {
  struct op *op = (struct op *)ctx;
  (void)status;
  op->task = NULL;
  if (op->cancelled) return cancelled_raise(L);
  if (op->status < 0) return error_os(L, op->kind->name, NULL, op->status);
  return op->kind->result ? op->kind->result(L, op) : op->delivered;
}

int op_await(lua_State *L, struct op *op) {
  struct task *task = op->task;
  op->since_ns = runtime_now();
  task->waiting_co = L;
  task->delivered = 0;
  if (op->done) {
    task->op = NULL;
    ready_add(task);
  } else {
    task->op = op;
    task->state = TASK_WAITING;
    if (!op->kind->internal) real_ops++;
  }
  return lua_yieldk(L, 0, (lua_KContext)op, resumed);
}

void op_done(struct op *op) {
  struct task *task = op->task;
  op->done = true;
  if (task->op != op) return; /* ended before op_await: that queues the task */
  if (!op->kind->internal) real_ops--;
  task->op = NULL;
  task->delivered = op->delivered;
  ready_add(task);
}

void op_deliver(lua_State *from, int n, struct op *op) {
  lua_State *to = op->task->waiting_co;
  if (n > 0 && lua_checkstack(to, n)) {
    lua_xmove(from, to, n);
    op->delivered = n;
  } else if (n > 0) {
    lua_pop(from, n);
    op->status = UV_ENOMEM;
  }
  op_done(op);
}

void op_cancel(struct op *op) {
  if (op->done || op->cancelled || op->kind->shielded) return;
  op->cancelled = true;
  if (op->kind->cancel) op->kind->cancel(op);
}

static int requeue(lua_State *L, lua_KContext ctx, lua_KFunction k) {
  struct task *task = task_of(L);
  task->waiting_co = L;
  task->delivered = 0;
  ready_add(task);
  return lua_yieldk(L, 0, ctx, k);
}

static int answered(lua_State *L, int status, lua_KContext n) {
  (void)L, (void)status;
  return (int)n;
}

int op_answer(lua_State *L, int n) {
  return requeue(L, n, answered);
}

static int checkpoint_resumed(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct task *task = task_of(L);
  return task->scope->effective ? cancelled_raise(L) : 0;
}

int op_checkpoint(lua_State *L) {
  op_check(L, "checkpoint");
  return requeue(L, 0, checkpoint_resumed);
}

int op_yield_through(lua_State *L, lua_KContext ctx, lua_KFunction k) {
  return lua_yieldk(L, 0, ctx, k);
}

int op_yield_values(lua_State *L) {
  return lua_yieldk(L, lua_gettop(L), 0, NULL);
}

/* The pool has as many threads as suit the machine, and that setting must
 * not reach child processes. */
static void size_pool(bool starting) {
  static bool started, ours;
  if (starting) {
    ours = !started && getenv("UV_THREADPOOL_SIZE") == NULL;
    if (ours) setenv("UV_THREADPOOL_SIZE", runtime_pool_size(), 1);
  } else if (ours) {
    unsetenv("UV_THREADPOOL_SIZE");
    ours = false;
  }
  started = true;
}

static void on_work(uv_work_t *req) {
  struct op_work *work = req->data;
  work->run(work);
}

static void on_after_work(uv_work_t *req, int status) {
  struct op_work *work = req->data;
  if (status < 0 && work->op.status == 0) work->op.status = status;
  op_done(&work->op);
}

int op_queue_work(uv_work_t *req, uv_work_cb run, uv_after_work_cb after) {
  size_pool(true);
  int status = uv_queue_work(runtime_loop(), req, run, after);
  size_pool(false);
  return status;
}

void op_work_start(struct op_work *work, void (*run)(struct op_work *work)) {
  work->run = run;
  work->req.data = work;
  int status = op_queue_work(&work->req, on_work, on_after_work);
  if (status == 0) return;
  work->op.status = status;
  op_done(&work->op);
}

void op_work_cancel(struct op *op) {
  struct op_work *work = (struct op_work *)op;
  __atomic_store_n(&work->stop, 1, __ATOMIC_RELAXED);
  uv_cancel((uv_req_t *)&work->req); /* refused once it runs; fine */
}

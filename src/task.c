/* Tasks and the ready queue. Callbacks only queue; task_run resumes in FIFO
 * order from an empty C stack. */
#include "task.h"

#include <lauxlib.h>
#include <stdlib.h>
#include "error.h"
#include "outcome.h"
#include "runtime.h"
#include "watchdog.h"

#define TASK "orch.task"
#define IDLE_MAX                                                               \
  1024                  /* coroutines kept for the next tasks: about 1 KB each \
                         */
#define RUN_NS 1000000u /* look at the loop at least once a millisecond */

struct task *task_root;
struct task *task_unseen;
void (*task_on_step)(lua_State *L, struct task *task, enum task_step step);

static struct {
  struct task *first, *last;
  int alive;       /* registry reference of the table that anchors live tasks */
  int *free_slots; /* of that table; as many as fit all slots in use */
  int free_count, slots, capacity;
  int metatable; /* registry reference */
  int idle;      /* like `alive`, for coroutines whose task has ended */
  int idle_count;
  uint64_t ids;
  uint64_t random; /* of the shuffle; 0: FIFO */
} sched;

int task_open(lua_State *L) {
  luaL_newmetatable(L, TASK);
  sched.metatable = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_newtable(L);
  sched.alive = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_createtable(L, IDLE_MAX, 0);
  sched.idle = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

/* Like luaL_ref, with the free slots in C: this happens for every task. */
static void anchor(lua_State *L, struct task *task) {
  if (sched.free_count == 0 && sched.slots == sched.capacity) {
    int capacity = sched.capacity ? sched.capacity * 2 : 256;
    int *slots = realloc(sched.free_slots, (size_t)capacity * sizeof *slots);
    if (!slots) luaL_error(L, "not enough memory");
    sched.free_slots = slots;
    sched.capacity = capacity;
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, sched.alive);
  lua_pushvalue(L, -2);
  int slot = sched.free_count ? sched.free_slots[sched.free_count - 1]
                              : sched.slots + 1;
  lua_rawseti(L, -2, slot);
  if (sched.free_count)
    sched.free_count--;
  else
    sched.slots++;
  task->ref = slot;
  lua_pop(L, 1);
}

void task_release(lua_State *L, struct task *task) {
  if (task->ref == LUA_NOREF) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, sched.alive);
  lua_pushboolean(L, 0); /* not nil: the slot stays in the array */
  lua_rawseti(L, -2, task->ref);
  lua_pop(L, 1);
  sched.free_slots[sched.free_count++] = task->ref;
  task->ref = LUA_NOREF;
}

void task_push(lua_State *L, struct task *task) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, sched.alive);
  lua_rawgeti(L, -1, task->ref);
  lua_remove(L, -2);
}

struct task *task_check(lua_State *L, int index) {
  struct task *task = luaL_testudata(L, index, TASK);
  if (task) return task;
  lua_Debug ar = {0};
  if (lua_getstack(L, 0, &ar)) lua_getinfo(L, "n", &ar);
  const char *name = ar.name ? ar.name : "await";
  error_usage(L,
              "task:%s: its Task is missing (got %s); write task:%s(), with "
              "a colon",
              name, luaL_typename(L, index), name);
  return NULL;
}

/* Pushes a coroutine, a used one when there is one. */
static lua_State *push_coroutine(lua_State *L) {
  if (sched.idle_count == 0) return lua_newthread(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, sched.idle);
  lua_rawgeti(L, -1, sched.idle_count--);
  lua_remove(L, -2);
  return lua_tothread(L, -1);
}

/* Keeps the coroutine of a task that has ended with at most one result, which
 * moves to the Task. The Task is not reachable from here once it is released,
 * so this comes first. */
static void recycle(lua_State *L, struct task *task) {
  lua_State *co = task->co;
  int n = lua_gettop(co);
  if (n > 1 || sched.idle_count == IDLE_MAX) return;
  task_push(L, task);
  lua_rawgeti(L, LUA_REGISTRYINDEX, sched.idle);
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  lua_rawseti(L, -2, ++sched.idle_count);
  lua_pop(L, 1);
  task->one_result = n == 1;
  if (n == 1)
    lua_xmove(co, L, 1);
  else
    lua_pushnil(L);
  lua_setiuservalue(L, -2, TASK_CO);
  lua_pop(L, 1);
  task_bind(co, NULL);
  task->co = NULL;
}

/* The task's user values on the Task at the top of the stack. */
static void inherit(lua_State *L) {
  struct task *spawner = task_of(L);
  if (!spawner || !spawner->has_locals) return;
  struct task *task = lua_touserdata(L, -1);
  task->has_locals = true;
  task_push(L, spawner);
  lua_getiuservalue(L, -1, TASK_LOCALS);
  lua_setiuservalue(L, -3, TASK_LOCALS);
  lua_pop(L, 1);
}

struct task *task_spawn(lua_State *L, struct scope *scope, int nargs,
                        unsigned flags) {
  luaL_checkstack(L, nargs + 8, "too many arguments for a task");
  int base = lua_gettop(L) - nargs;
  struct task *task = lua_newuserdatauv(L, sizeof *task, 5);
  *task = (struct task){.ref = LUA_NOREF, .flags = (uint8_t)flags};
  task->seen = flags & TASK_QUIET;
  lua_rawgeti(L, LUA_REGISTRYINDEX, sched.metatable);
  lua_setmetatable(L, -2);
  lua_State *co = task->co = push_coroutine(L);
  lua_setiuservalue(L, -2, TASK_CO);
  inherit(L);
  if (!lua_checkstack(co, nargs + 4))
    luaL_error(L, "too many arguments for a task");
  anchor(L, task);
  lua_insert(L, base);
  lua_pushcfunction(co, task_main);
  lua_xmove(L, co, nargs + 1);
  task_bind(co, task);
  task->id = ++sched.ids;
  task->scope = &task->body;
  task->body.owner = task;
  if (scope) scope_add_child(scope, task);
  task->delivered = nargs + 1;
  task->waiting_co = co;
  task_ready(task);
  return task;
}

void task_ready(struct task *task) {
  task->state = TASK_READY;
  task->ready_next = NULL;
  if (sched.last)
    sched.last->ready_next = task;
  else
    sched.first = task;
  sched.last = task;
}

int task_resume(lua_State *co, lua_State *from, int nargs, int *nresults) {
  lua_State *outer = watchdog_enter(co);
  int status = lua_resume(co, from, nargs, nresults);
  watchdog_enter(outer);
  return status;
}

int task_push_results(lua_State *L, int index) {
  struct task *task = lua_touserdata(L, index);
  lua_State *co = task->co;
  if (!co) {
    if (task->one_result) lua_getiuservalue(L, index, TASK_CO);
    return task->one_result;
  }
  int n = task->outcome == OUTCOME_OK ? lua_gettop(co) : 1;
  luaL_checkstack(L, n, "too many results");
  if (!lua_checkstack(co, n)) luaL_error(L, "not enough memory");
  for (int i = 0; i < n; i++) lua_pushvalue(co, -n);
  lua_xmove(co, L, n);
  return n;
}

static void keep_unseen(struct task *task) {
  task->prev = NULL;
  task->next = task_unseen;
  if (task_unseen) task_unseen->prev = task;
  task_unseen = task;
}

void task_see(lua_State *L, struct task *task) {
  if (task->seen) return;
  task->seen = true;
  if (task->state != TASK_DONE || task->outcome != OUTCOME_ERROR ||
      !(task->flags & TASK_HOLD))
    return;
  if (task->prev)
    task->prev->next = task->next;
  else
    task_unseen = task->next;
  if (task->next) task->next->prev = task->prev;
  task_release(L, task);
}

static void end_task(lua_State *L, struct task *task) {
  struct waiter *waiter;
  task->state = TASK_DONE;
  while ((waiter = waitq_take(&task->waiters))) op_done(&waiter->op);
  struct scope *parent = task->parent;
  if (task->crashed) outcome_drop(L, &task->body);
  if (!parent) return; /* the root: its results are the run's */
  if (task->outcome == OUTCOME_OK) recycle(L, task);
  bool failed = task->outcome == OUTCOME_ERROR;
  bool held = task->flags & TASK_HOLD;
  scope_child_ended(parent, task);
  if (failed && held && !task->seen)
    keep_unseen(task);
  else if (!failed || held)
    task_release(L, task);
  task->parent = NULL;
  if (parent->owner->crashed && parent->live == 0) end_task(L, parent->owner);
}

/* An error outside the protected body: the memory ran out. Children are
 * cancelled and the task ends when they have. */
static bool crashed(struct task *task) {
  task->outcome = OUTCOME_ERROR;
  task->crashed = true;
  while (task->scope != &task->body) scope_abandon(task->scope);
  if (task->body.live == 0) return true;
  scope_body_ended(&task->body, true);
  return false;
}

static void step(lua_State *L, struct task *task) {
  int nresults;
  int nargs = task->waiting_co == task->co ? task->delivered : 0;
  if (task_on_step && !task->started) task_on_step(L, task, TASK_STARTS);
  task->state = TASK_RUNNING;
  task->started = true;
  int status = task_resume(task->co, L, nargs, &nresults);
  if (task_on_step)
    task_on_step(L, task, status == LUA_YIELD ? TASK_SUSPENDS : TASK_ENDS);
  if (status == LUA_YIELD) return;
  if (status == LUA_OK || crashed(task)) end_task(L, task);
}

static uint64_t random_next(void) { /* xorshift64*, Vigna 2016 */
  sched.random ^= sched.random >> 12;
  sched.random ^= sched.random << 25;
  sched.random ^= sched.random >> 27;
  return sched.random * 0x2545F4914F6CDD1Du;
}

void task_shuffle(uint64_t seed) {
  sched.random = seed * 2 + 1;
}

/* Puts the tasks that are ready now into a random order. */
static void shuffle_batch(void) {
  size_t n = 0;
  for (struct task *t = sched.first; t; t = t->ready_next) n++;
  struct task **batch = n > 1 ? malloc(n * sizeof *batch) : NULL;
  if (!batch) return;
  n = 0;
  for (struct task *t = sched.first; t; t = t->ready_next) batch[n++] = t;
  for (size_t i = n - 1; i > 0; i--) {
    size_t j = random_next() % (i + 1);
    struct task *swap = batch[i];
    batch[i] = batch[j];
    batch[j] = swap;
  }
  sched.first = sched.last = NULL;
  for (size_t i = 0; i < n; i++) task_ready(batch[i]);
  free(batch);
}

static void run_batch(lua_State *L, struct task *last) {
  for (;;) {
    struct task *task = sched.first;
    sched.first = task->ready_next;
    if (!sched.first) sched.last = NULL;
    step(L, task);
    if (task == last || !sched.first) return;
  }
}

bool task_any_ready(void) {
  return sched.first != NULL;
}

void task_run(lua_State *L) {
  uint64_t stop = uv_hrtime() + RUN_NS;
  while (sched.first) {
    if (sched.random) shuffle_batch();
    struct task *last = sched.last;
    if (!sched.random) { /* a long batch may be cut anywhere: order stays */
      last = sched.first;
      for (int i = 0; i < 63 && last->ready_next; i++) last = last->ready_next;
    }
    run_batch(L, last);
    if (uv_hrtime() >= stop) break;
  }
}

/* ---- cancellation, seen from the task ---- */

static const char *reason_of(enum cause cause) {
  switch (cause) {
  case CAUSE_FAILURE:
    return "another part of the same scope failed";
  case CAUSE_DEADLINE:
    return "the time limit of its scope is over";
  case CAUSE_BODY_DONE:
    return "the scope it served has ended";
  case CAUSE_DEADLOCK:
    return "deadlock";
  case CAUSE_ALARM:
    return "the time limit of the run is over";
  case CAUSE_SIGNAL:
    return "interrupted";
  case CAUSE_EXIT:
    return "os.exit";
  default:
    return "cancelled";
  }
}

/* Pushes the Cancelled that cancel() left on the scope's Task or Scope. */
static bool push_reason(lua_State *L, struct scope *scope) {
  if (scope == &scope->owner->body) {
    task_push(L, scope->owner);
    lua_getiuservalue(L, -1, TASK_REASON);
  } else {
    lua_rawgetp(L, LUA_REGISTRYINDEX, scope);
    lua_getiuservalue(L, -1, SCOPE_REASON);
  }
  lua_remove(L, -2);
  if (error_is_cancelled(L, -1)) return true;
  lua_pop(L, 1);
  return false;
}

void task_push_cancelled(lua_State *L, struct scope *scope) {
  struct scope *culprit = scope_culprit(scope);
  luaL_checkstack(L, 8, NULL);
  if (culprit && culprit->cause == CAUSE_CANCEL && push_reason(L, culprit))
    return;
  error_push_cancelled(L, reason_of(culprit ? culprit->cause : CAUSE_NONE));
}

int task_raise_cancelled(lua_State *L) {
  task_push_cancelled(L, task_of(L)->scope);
  return lua_error(L);
}

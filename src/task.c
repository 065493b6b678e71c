/* The life of a task: spawned, stepped, ended. */
#include "task.h"

#include <lauxlib.h>
#include "anchor.h"
#include "error.h"
#include "outcome.h"
#include "ready.h"
#include "watchdog.h"

#define TASK "orch.task"

struct task *task_root;
struct task *task_unseen;
void (*task_on_step)(lua_State *L, struct task *task, enum task_step step);

static int metatable;    /* registry reference */
static const void *meta; /* the same table, to compare with */
static uint64_t ids;

int task_open(lua_State *L) {
  luaL_newmetatable(L, TASK);
  meta = lua_topointer(L, -1);
  metatable = luaL_ref(L, LUA_REGISTRYINDEX);
  anchor_open(L);
  return 0;
}

struct task *task_check(lua_State *L, int index) {
  if (lua_type(L, index) == LUA_TUSERDATA && lua_getmetatable(L, index)) {
    const void *its = lua_topointer(L, -1);
    lua_pop(L, 1);
    if (its == meta) return lua_touserdata(L, index);
  }
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
  lua_rawgeti(L, LUA_REGISTRYINDEX, metatable);
  lua_setmetatable(L, -2);
  lua_State *co = task->co = anchor_push_coroutine(L);
  lua_setiuservalue(L, -2, TASK_CO);
  inherit(L);
  if (!lua_checkstack(co, nargs + 4))
    luaL_error(L, "too many arguments for a task");
  anchor_task(L, task);
  lua_insert(L, base);
  lua_pushcfunction(co, task_main);
  lua_xmove(L, co, nargs + 1);
  task_bind(co, task);
  task->id = ++ids;
  task->scope = &task->body;
  task->body.owner = task;
  if (scope) scope_add_child(scope, task);
  task->delivered = nargs + 1;
  task->waiting_co = co;
  ready_add(task);
  return task;
}

static inline int resume(lua_State *co, lua_State *from, int nargs,
                         int *nresults) {
  lua_State *outer = watchdog_enter(co);
  int status = lua_resume(co, from, nargs, nresults);
  watchdog_enter(outer);
  return status;
}

int task_resume(lua_State *co, lua_State *from, int nargs, int *nresults) {
  struct task *task = task_of(co);
  if (!task) return resume(co, from, nargs, nresults);
  bool held = task->held;
  if (!lua_isyieldable(from)) task->held = true;
  int status = resume(co, from, nargs, nresults);
  task->held = held;
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
  if (task->outcome == OUTCOME_OK) anchor_recycle(L, task);
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

void task_step(lua_State *L, struct task *task) {
  int nresults;
  int nargs = task->waiting_co == task->co ? task->delivered : 0;
  if (task_on_step && !task->started) task_on_step(L, task, TASK_STARTS);
  task->state = TASK_RUNNING;
  task->started = true;
  watchdog_step();
  int status = resume(task->co, L, nargs, &nresults);
  if (task_on_step)
    task_on_step(L, task, status == LUA_YIELD ? TASK_SUSPENDS : TASK_ENDS);
  if (status == LUA_YIELD) return;
  if (status == LUA_OK || crashed(task)) end_task(L, task);
}

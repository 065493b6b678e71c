/* orch.core.task, the part about tasks: what Lua can do with one. */
#include "tasklib.h"

#include <lauxlib.h>
#include <string.h>
#include "error.h"
#include "outcome.h"
#include "runtime.h"
#include "task.h"
#include "cancelled.h"
#include "taskinfo.h"
#include "traceback.h"

/* The running task's innermost scope, or a usage error outside of tasks. */
static struct task *running(lua_State *L, const char *name) {
  struct task *task = task_of(L);
  if (!task)
    error_usage(L, "%s works in a task only, not in a worker thread", name);
  return task;
}

void tasklib_note_spawner(lua_State *L, struct task *task, bool deep) {
  lua_Debug ar;
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, deep ? "Slf" : "lf", &ar);
    if (ar.currentline <= 0 || (deep && strncmp(ar.source, "=orch/", 6) == 0)) {
      lua_pop(L, 1);
      continue;
    }
    lua_setiuservalue(L, -2, TASK_SPAWNER);
    task->spawn_line = ar.currentline;
    return;
  }
}

/* spawn(fn, ...) -> Task. Anything but a function goes to the upvalue, the Lua
 * function that understands options. */
static int spawn_plain(lua_State *L) {
  if (lua_type(L, 1) != LUA_TFUNCTION) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
  }
  struct task *task = running(L, "spawn");
  task = task_spawn(L, task->scope, lua_gettop(L) - 1, 0);
  tasklib_note_spawner(L, task, false);
  return 1;
}

/* make_spawn(options_form) -> spawn */
static int make_spawn(lua_State *L) {
  lua_settop(L, 1);
  lua_pushcclosure(L, spawn_plain, 1);
  return 1;
}

struct task *tasklib_spawn(lua_State *L, struct scope *scope, int base) {
  unsigned flags = (unsigned)luaL_checkinteger(L, base + 1);
  int nargs = lua_gettop(L) - (base + 2);
  struct task *task = task_spawn(L, scope, nargs, flags);
  lua_pushvalue(L, base);
  lua_setiuservalue(L, -2, TASK_NAME);
  return task;
}

/* spawn(name, flags, fn, ...) -> Task, child of the innermost scope */
static int spawn(lua_State *L) {
  luaL_checkany(L, 3);
  struct task *task = tasklib_spawn(L, running(L, "spawn")->scope, 1);
  tasklib_note_spawner(L, task, true);
  return 1;
}

/* ---- await ---- */

/* Pushes the error of the Task at index 1, which did not end well. */
static void push_failure(lua_State *L, struct task *target) {
  luaL_checkstack(L, 8, NULL);
  task_push_results(L, 1);
  if (target->outcome != OUTCOME_CANCELLED) return;
  cancelled_push_error(L, -1);
  lua_getfield(L, 1, "name");
  lua_setfield(L, -2, "task");
  lua_remove(L, -2);
}

static int await_result(lua_State *L, struct op *op) {
  (void)op;
  struct task *target = lua_touserdata(L, 1);
  task_see(L, target);
  if (target->outcome != OUTCOME_OK) {
    target->awaited = true;
    push_failure(L, target);
    return lua_error(L);
  }
  return task_push_results(L, 1);
}

static int join_result(lua_State *L, struct op *op) {
  (void)L, (void)op;
  return 0;
}

static const struct op_kind await_kind = {
    .name = "await",
    .result = await_result,
    .cancel = waiter_cancel,
    .internal = true,
};

static const struct op_kind join_kind = {
    .name = "join",
    .result = join_result,
    .cancel = waiter_cancel,
    .internal = true,
};

static int wait_for_end(lua_State *L, const struct op_kind *kind) {
  struct task *target = task_check(L, 1);
  lua_settop(L, 1);
  if (target == task_of(L))
    return error_raise(L, "deadlock", "a task cannot await itself");
  op_check(L, kind->name);
  struct waiter *waiter = &task_of(L)->joining;
  op_init(L, &waiter->op, kind);
  waiter->queue = NULL;
  if (target->state == TASK_DONE)
    op_done(&waiter->op);
  else
    waitq_add(&target->waiters, waiter);
  return op_await(L, &waiter->op);
}

/* task:await() -> its results, or raises its error */
static int await(lua_State *L) {
  return wait_for_end(L, &await_kind);
}

/* task:join(): waits for the end, whatever it is */
static int join(lua_State *L) {
  return wait_for_end(L, &join_kind);
}

/* task:result() -> true, results... | false, error | nothing while it runs */
static int result(lua_State *L) {
  struct task *target = task_check(L, 1);
  if (target->state != TASK_DONE) return 0;
  lua_settop(L, 1);
  task_see(L, target);
  bool ok = target->outcome == OUTCOME_OK;
  lua_pushboolean(L, ok);
  if (ok)
    task_push_results(L, 1);
  else
    push_failure(L, target);
  return lua_gettop(L) - 1;
}

static int done(lua_State *L) {
  lua_pushboolean(L, task_check(L, 1)->state == TASK_DONE);
  return 1;
}

/* failed(task) -> whether it ended with an error; does not count as a look */
static int failed(lua_State *L) {
  struct task *target = task_check(L, 1);
  lua_pushboolean(L, target->state == TASK_DONE &&
                         target->outcome == OUTCOME_ERROR);
  return 1;
}

/* ---- cancel ---- */

/* task:cancel(reason) */
static int cancel(lua_State *L) {
  struct task *task = task_check(L, 1);
  lua_settop(L, 2);
  if (!lua_isnil(L, 2) && lua_type(L, 2) != LUA_TSTRING)
    return error_usage(L,
                       "task:cancel: argument 1 should be a string, not a %s",
                       luaL_typename(L, 2));
  if (task->state == TASK_DONE || task->body.cause != CAUSE_NONE) return 0;
  cancelled_push_reason(L, 2);
  lua_setiuservalue(L, 1, TASK_REASON);
  scope_cancel(&task->body, CAUSE_CANCEL);
  return 0;
}

/* task:traceback() -> where it stands, its script's coroutines included */
static int traceback(lua_State *L) {
  struct task *task = task_check(L, 1);
  lua_State *co = task->state == TASK_WAITING ? task->waiting_co : task->co;
  if (!co) {
    lua_pushliteral(L, "the task has ended");
    return 1;
  }
  traceback_push(L, co, 0);
  return 1;
}

static int index_task(lua_State *L) {
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  struct task *task = task_check(L, 1);
  const char *key = lua_tostring(L, 2);
  if (key && strcmp(key, "name") == 0) {
    if (lua_getiuservalue(L, 1, TASK_NAME) == LUA_TSTRING) return 1;
    lua_pushfstring(L, "task %I", (LUAI_UACINT)task->id);
    return 1;
  }
  lua_pushvalue(L, 2);
  lua_gettable(L, lua_upvalueindex(1));
  return 1;
}

/* locals() -> the task-local table or nil; set_locals(table) */
static int locals(lua_State *L) {
  struct task *task = task_of(L);
  if (!task || !task->has_locals) return 0;
  task_push(L, task);
  lua_getiuservalue(L, -1, TASK_LOCALS);
  return 1;
}

static int set_locals(lua_State *L) {
  lua_settop(L, 1);
  struct task *task = running(L, "set_locals");
  task->has_locals = true;
  task_push(L, task);
  lua_insert(L, 1);
  lua_setiuservalue(L, 1, TASK_LOCALS);
  return 0;
}

static const luaL_Reg methods[] = {
    {"await", await}, {"join", join},     {"result", result},
    {"done", done},   {"cancel", cancel}, {"traceback", traceback},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"spawn", spawn},
    {"make_spawn", make_spawn},
    {"locals", locals},
    {"set_locals", set_locals},
    {"checkpoint", op_checkpoint},
    {"failed", failed},
    {NULL, NULL},
};

static int task_tostring(lua_State *L) {
  lua_getfield(L, 1, "name");
  lua_pushfstring(L, "Task(%s)", lua_tostring(L, -1));
  return 1;
}

int luaopen_orch_core_task(lua_State *L) {
  luaL_newlib(L, functions);
  luaL_getmetatable(L, "orch.task");
  luaL_newlib(L, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, "methods");
  lua_pushcclosure(L, index_task, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, task_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pop(L, 1);
  scopelib_add(L);
  taskinfo_add(L);
  return 1;
}

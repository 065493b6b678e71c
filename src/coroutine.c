/* A coroutine that a script made runs inside a task. When the script yields, it
 * yields to whoever resumed it; when an orch call waits, the yield passes on
 * outwards to the scheduler and comes back the same way. While a coroutine
 * runs or waits, its extra space holds the task; otherwise NULL. */
#include "coroutine.h"

#include <lauxlib.h>
#include "error.h"
#include "op.h"
#include "protect.h"
#include "task.h"
#include "watchdog.h"

static int after(lua_State *L, int status, int nresults);

/* The innermost coroutine gets what the operation delivered. */
static int resumed(lua_State *L, int status, lua_KContext ctx) {
  lua_State *co = (lua_State *)ctx;
  struct task *task = task_of(L);
  int nargs = task->waiting_co == co ? task->delivered : 0;
  int nresults;
  (void)status;
  status = task_resume(co, L, nargs, &nresults);
  return after(L, status, nresults);
}

/* resume gives false and the error; wrap closes the coroutine and raises it. */
static int failed(lua_State *L, lua_State *co) {
  bool wrapped = lua_toboolean(L, lua_upvalueindex(2));
  lua_xmove(co, L, 1);
  if (wrapped || protect_is_cancel(L, -1)) {
    lua_resetthread(co);
    task_bind(co, NULL);
    return lua_error(L);
  }
  task_bind(co, NULL);
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

/* Leaves the results on the stack and returns their number. Does not return
 * while the coroutine waits. */
static int after(lua_State *L, int status, int nresults) {
  lua_State *co = lua_tothread(L, 1);
  struct task *task = task_of(L);
  bool waits = status == LUA_YIELD && task && task->waiting_co &&
               task->state != TASK_RUNNING;
  if (waits) return op_yield_through(L, (lua_KContext)co, resumed);
  if (status != LUA_OK && status != LUA_YIELD) return failed(L, co);
  task_bind(co, NULL);
  if (!lua_checkstack(L, nresults + 1)) {
    lua_pop(co, nresults);
    return luaL_error(L, "too many results to resume");
  }
  int first = lua_gettop(L) + 1;
  bool wrapped = lua_toboolean(L, lua_upvalueindex(2));
  if (!wrapped) lua_pushboolean(L, 1);
  lua_xmove(co, L, nresults);
  return lua_gettop(L) - first + 1;
}

static int body_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  if (status != LUA_OK && status != LUA_YIELD) return lua_error(L);
  return lua_gettop(L);
}

/* What every coroutine runs, on its function and arguments: an error or a
 * cancellation unwinds in here, where <close> values may wait. */
static int body(lua_State *L) {
  int status = lua_pcallk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, 0, body_ended);
  return body_ended(L, status, 0);
}

/* Stack: coroutine, arguments. */
static int resume(lua_State *L, lua_State *co) {
  int nargs = lua_gettop(L) - 1;
  const char *problem = NULL;
  if (task_of(co))
    problem = co == L ? "cannot resume non-suspended coroutine"
                      : "cannot resume a coroutine that is running or waiting";
  else if (!lua_checkstack(co, nargs))
    problem = "too many arguments to resume";
  else if (lua_status(co) == LUA_OK && lua_gettop(co) == 0)
    problem = "cannot resume dead coroutine";
  if (problem) {
    if (lua_toboolean(L, lua_upvalueindex(2)))
      return luaL_error(L, "%s", problem);
    lua_pushboolean(L, 0);
    lua_pushstring(L, problem);
    return 2;
  }
  int nresults;
  bool starts = lua_status(co) == LUA_OK && lua_tocfunction(co, 1) == body;
  lua_xmove(L, co, nargs);
  if (starts) nargs++; /* the function, below them */
  task_bind(co, task_of(L));
  int status = task_resume(co, L, nargs, &nresults);
  return after(L, status, nresults);
}

static lua_State *check_coroutine(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "coroutine");
  return co;
}

static int coroutine_resume(lua_State *L) {
  return resume(L, check_coroutine(L));
}

static int call_wrapped(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  return resume(L, lua_tothread(L, 1));
}

static int coroutine_create(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  task_bind(co, NULL);
  lua_pushcfunction(co, body);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  return 1;
}

static int coroutine_wrap(lua_State *L) {
  coroutine_create(L);
  lua_pushboolean(L, 1);
  lua_pushcclosure(L, call_wrapped, 2);
  return 1;
}

static int coroutine_yield(lua_State *L) {
  struct task *task = task_of(L);
  if (task && task->co == L)
    return error_usage(L,
                       "coroutine.yield was called outside of a coroutine: "
                       "a task waits with orch.checkpoint() or orch.sleep()");
  return op_yield_values(L);
}

/* The stock function, unless the coroutine waits inside an orch call. */
static int coroutine_status(lua_State *L) {
  lua_State *co = check_coroutine(L);
  if (co != L && task_of(co) && lua_status(co) == LUA_YIELD) {
    lua_pushliteral(L, "normal");
    return 1;
  }
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static int coroutine_close(lua_State *L) {
  lua_State *co = check_coroutine(L);
  struct task *its = task_of(co);
  if (co != L && its && (lua_status(co) == LUA_YIELD || its->co == co))
    return luaL_error(L, "cannot close a normal coroutine");
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  if (lua_status(co) != LUA_YIELD || its) {
    lua_call(L, 1, LUA_MULTRET);
    return lua_gettop(L);
  }
  /* Its __close handlers run here: they may look at their task, and a time
   * limit reaches them. */
  task_bind(co, task_of(L));
  lua_State *outer = watchdog_enter(co);
  int status = lua_pcall(L, 1, LUA_MULTRET, 0);
  watchdog_enter(outer);
  task_bind(co, NULL);
  if (status != LUA_OK || protect_is_cancel(L, -1)) return lua_error(L);
  return lua_gettop(L);
}

static void wrap_stock(lua_State *L, const char *name, lua_CFunction function) {
  lua_getfield(L, -1, name);
  lua_pushcclosure(L, function, 1);
  lua_setfield(L, -2, name);
}

void coroutine_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"create", coroutine_create},
      {"wrap", coroutine_wrap},
      {"yield", coroutine_yield},
      {NULL, NULL},
  };
  lua_getglobal(L, "coroutine");
  luaL_setfuncs(L, functions, 0);
  lua_pushnil(L); /* upvalue 1, and 2 (false): results with a status */
  lua_pushboolean(L, 0);
  lua_pushcclosure(L, coroutine_resume, 2);
  lua_setfield(L, -2, "resume");
  wrap_stock(L, "status", coroutine_status);
  wrap_stock(L, "close", coroutine_close);
  lua_pop(L, 1);
}

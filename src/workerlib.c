/* orch.core.worker: open() -> Lane, call(lane, labels, fn, ...) -> results of
 * fn on a worker thread, cores(). */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "copy.h"
#include "error.h"
#include "worker.h"
#include "traceback.h"

#define LANE_TYPE "orch.lane"

int luaopen_orch_core_worker(lua_State *L);

struct call {
  struct op op;
  struct lane *lane;
};

/* Both tracebacks on the Error on top: the worker's, then the caller's. */
static void join_tracebacks(lua_State *L) {
  lua_getfield(L, -1, "traceback");
  const char *inner = lua_isstring(L, -1) ? lua_tostring(L, -1) : "";
  lua_pushfstring(L, "%s\nworker thread called from:\n", inner);
  traceback_push(L, L, 0);
  lua_concat(L, 2);
  lua_setfield(L, -3, "traceback");
  lua_pop(L, 1);
}

static int call_result(lua_State *L, struct op *op) {
  struct lane *lane = ((struct call *)op)->lane;
  if (lane->status < 0) return luaL_error(L, "not enough memory");
  int n = copy_unpack(L, lua_tostring(lane->L, -1));
  if (!lane->failed) return n;
  join_tracebacks(L);
  return error_throw(L);
}

static void call_cancel(struct op *op) {
  worker_stop(((struct call *)op)->lane);
}

static const struct op_kind call_kind = {
    .name = "thread",
    .size = sizeof(struct call),
    .result = call_result,
    .cancel = call_cancel,
};

static struct lane **check_lane(lua_State *L) {
  struct lane **lane = luaL_checkudata(L, 1, LANE_TYPE);
  if (!*lane) error_usage(L, "thread: the lane is closed");
  return lane;
}

/* The labels name the values in messages; the copy ends up on top and stays
 * on the stack while the thread reads it. */
static int lane_call(lua_State *L) {
  struct lane *lane = *check_lane(L);
  const struct copy_style style = {.labels = 2, .noun = "argument"};
  if (lane->op) return error_usage(L, "thread: the lane is busy");
  copy_pack(L, 3, &style);
  struct call *call = op_new(L, &call_kind);
  call->lane = lane;
  lane->data = lua_tostring(L, -2);
  lane->op = &call->op;
  int status = worker_start(lane);
  if (status == 0) return op_await(L, &call->op);
  lane->op = NULL;
  return error_os(L, "start a worker thread", NULL, status);
}

static char *copy_field(lua_State *L, const char *field) {
  lua_getfield(L, -1, field);
  const char *text = lua_tostring(L, -1);
  char *copy = strdup(text ? text : "");
  lua_pop(L, 1);
  return copy;
}

static int lane_open(lua_State *L) {
  struct lane **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, LANE_TYPE);
  lua_getglobal(L, "package");
  if (lua_type(L, -1) != LUA_TTABLE)
    return error_usage(L, "thread: the global 'package' is not a table");
  struct lane *lane = *box = calloc(1, sizeof *lane);
  if (!lane) return luaL_error(L, "not enough memory");
  lane->package_path = copy_field(L, "path");
  lane->package_cpath = copy_field(L, "cpath");
  lua_pop(L, 1);
  if (!lane->package_path || !lane->package_cpath)
    return luaL_error(L, "not enough memory");
  return 1;
}

static int lane_close(lua_State *L) {
  struct lane **box = luaL_checkudata(L, 1, LANE_TYPE), *lane = *box;
  *box = NULL;
  if (lane) worker_retire(lane);
  return 0;
}

static int cores(lua_State *L) {
  lua_pushinteger(L, worker_limit());
  return 1;
}

static const luaL_Reg functions[] = {
    {"open", lane_open},
    {"call", lane_call},
    {"cores", cores},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"close", lane_close},
    {"__close", lane_close},
    {"__gc", lane_close},
    {NULL, NULL},
};

static int on_state_closing(lua_State *L) {
  (void)L;
  worker_close();
  return 0;
}

/* Finalizers run in reverse order of creation: after those of all lanes. */
static void close_with_state(lua_State *L) {
  lua_newuserdatauv(L, 0, 0);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, on_state_closing);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, (void *)on_state_closing);
}

int luaopen_orch_core_worker(lua_State *L) {
  close_with_state(L);
  luaL_newmetatable(L, LANE_TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}

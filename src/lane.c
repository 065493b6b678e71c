/* A Lua state for worker threads: made at its first call, on the worker's own
 * thread, and kept until it is closed. The bytes of a call and of its answer
 * stay in the state that wrote them until the other one has read them. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "copy.h"
#include "error.h"
#include "runtime.h"
#include "worker.h"

/* Raises at every instruction until the call is left: a pcall in it cannot hold
 * it up. */
static void on_stop(lua_State *L, lua_Debug *ar) {
  (void)ar;
  luaL_error(L, "the worker's call was cancelled");
}

static void set_hook(lua_State *L) {
  lua_sethook(L, on_stop, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

void lane_interrupt(struct lane *lane) {
  if (lane->running) set_hook(lane->running);
}

/* resume(co, ...) of the standard library (the upvalue), while the lane knows
 * which coroutine is the innermost: hooks are per coroutine. */
static int tracked_resume(lua_State *L) {
  struct lane *lane = worker_lane;
  lua_State *outer = lane->running, *co = lua_tothread(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  if (co) lane->running = co;
  if (co && lane->stop) set_hook(co);
  int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  lane->running = outer;
  if (lane->stop) set_hook(L);
  return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

static void track_coroutines(lua_State *L) {
  lua_getglobal(L, "coroutine");
  lua_getfield(L, -1, "resume");
  lua_pushcclosure(L, tracked_resume, 1);
  lua_setfield(L, -2, "resume");
  lua_pop(L, 1);
}

/* lua/orch/worker.lua makes the rest of the difference to a task's state. */
static void prepare(lua_State *L, const struct lane *lane) {
  track_coroutines(L);
  lua_getglobal(L, "package");
  lua_pushstring(L, lane->package_path);
  lua_setfield(L, -2, "path");
  lua_pushstring(L, lane->package_cpath);
  lua_setfield(L, -2, "cpath");
  lua_pop(L, 1);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "orch.worker");
  lua_call(L, 1, 0);
  lua_pushboolean(L, true);
  lua_rawsetp(L, LUA_REGISTRYINDEX, (void *)prepare);
}

/* Protected: unpacks the call, runs it, packs the results. */
static int run_call(lua_State *L) {
  static const struct copy_style style = {.noun = "result"};
  const struct lane *lane = lua_touserdata(L, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, (void *)prepare) == LUA_TNIL)
    prepare(L, lane);
  lua_settop(L, 0);
  int n = copy_unpack(L, lane->data);
  lua_call(L, n - 1, LUA_MULTRET);
  copy_pack(L, 1, &style);
  return 1;
}

static int pack_error(lua_State *L) {
  static const struct copy_style style = {.noun = "error", .lenient = true};
  lua_settop(L, 1);
  error_normalize(L);
  copy_pack(L, 1, &style);
  return 1;
}

/* Leaves the packed answer on top, or sets `status`. */
static void answer(struct lane *lane) {
  lua_State *L = lane->L;
  lua_settop(L, 0);
  lua_pushcfunction(L, error_handler);
  lua_pushcfunction(L, run_call);
  lua_pushlightuserdata(L, lane);
  lane->failed = lua_pcall(L, 1, 1, 1) != LUA_OK;
  if (!lane->failed || lane->stop) return;
  lua_pushcfunction(L, pack_error);
  lua_insert(L, -2);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) lane->status = UV_ENOMEM;
}

void lane_run(struct lane *lane) {
  lane->status = 0;
  if (!lane->L) lane->L = runtime_new_state();
  if (!lane->L) {
    lane->status = UV_ENOMEM;
    return;
  }
  lua_sethook(lane->L, NULL, 0, 0);
  lane->running = lane->L;
  if (!lane->stop) answer(lane);
  lane->running = NULL;
}

void lane_free(struct lane *lane) {
  if (lane->L) {
    lua_sethook(lane->L, NULL, 0, 0);
    lua_close(lane->L);
  }
  free((char *)lane->package_path);
  free((char *)lane->package_cpath);
  free(lane);
}

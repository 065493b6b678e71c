/* orch.core.runtime, by which the Lua library arranges the run. */
#include "runlib.h"

#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <uv.h>
#include "error.h"
#include "guard.h"
#include "leak.h"
#include "modules.h"
#include "runtime.h"
#include "signals.h"
#include "task.h"
#include "watchdog.h"
#include "ready.h"

static const char at_exit_key = 0; /* registry key: its address */

/* at_exit(fn): runs when all tasks have ended, newest first; cannot wait */
static int at_exit(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &at_exit_key) == LUA_TNIL) {
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &at_exit_key);
  }
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  return 0;
}

/* Outside of any protected call: nothing here but the functions allocates. */
void runlib_at_exit(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &at_exit_key) == LUA_TTABLE)
    for (lua_Integer i = (lua_Integer)lua_rawlen(L, -1); i > 0; i--) {
      lua_rawgeti(L, -1, i);
      if (lua_pcall(L, 0, 0, 0) != LUA_OK) runtime_report(L, "at exit: ");
    }
  lua_pop(L, 1);
}

/* ---- settings ---- */

static int set_grace(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  scope_default_grace_ns =
      seconds < 9e9 ? (uint64_t)(seconds * 1e9) : CLOCK_NEVER;
  signals_grace_ms = seconds < 4e6 ? (uint64_t)(seconds * 1000) : UINT32_MAX;
  return 0;
}

static int grace(lua_State *L) {
  lua_pushnumber(L, scope_default_grace_ns == CLOCK_NEVER
                        ? (double)INFINITY
                        : (double)scope_default_grace_ns / 1e9);
  return 1;
}

static int set_slow(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  watchdog_set_slow(seconds < 4e6 ? (uint64_t)(seconds * 1000) : 0);
  return 0;
}

/* shuffle(seed): from now on each ready batch runs in a random order */
static int shuffle(lua_State *L) {
  ready_shuffle((uint64_t)luaL_checkinteger(L, 1));
  return 0;
}

static int executable(lua_State *L) {
  char path[4096];
  size_t size = sizeof path;
  int status = uv_exepath(path, &size);
  if (status < 0) return error_os(L, "find the program itself", NULL, status);
  lua_pushlstring(L, path, size);
  return 1;
}

/* check_folder(path) -> nil, or the code of what is wrong */
static int check_folder(lua_State *L) {
  struct stat info;
  if (stat(luaL_checkstring(L, 1), &info) != 0)
    lua_pushstring(L, uv_err_name(-errno));
  else if (!S_ISDIR(info.st_mode))
    lua_pushliteral(L, "ENOTDIR");
  else
    lua_pushnil(L);
  return 1;
}

static int cwd(lua_State *L) {
  char path[4096];
  size_t size = sizeof path;
  int status = uv_cwd(path, &size);
  if (status < 0)
    return error_os(L, "find the working directory", NULL, status);
  lua_pushlstring(L, path, size);
  return 1;
}

/* ---- what is open ---- */

struct handle_walk {
  lua_State *L;
  lua_Integer n;
};

static void list_handle(uv_handle_t *handle, void *arg) {
  struct handle_walk *walk = arg;
  if (!uv_is_active(handle) || !uv_has_ref(handle)) return;
  lua_pushstring(walk->L, uv_handle_type_name(handle->type));
  lua_rawseti(walk->L, -2, ++walk->n);
}

/* handles() -> list of the kinds of open loop handles (ours aside) */
static int handles(lua_State *L) {
  struct handle_walk walk = {L, 0};
  lua_newtable(L);
  uv_walk(runtime_loop(), list_handle, &walk);
  return 1;
}

/* live_ops() -> operations in flight with libuv or a thread behind them */
static int live_ops(lua_State *L) {
  lua_pushinteger(L, op_real_count());
  return 1;
}

/* cpus() -> processors that this process may use */
static int cpus(lua_State *L) {
  lua_pushinteger(L, uv_available_parallelism());
  return 1;
}

static int versions(lua_State *L) {
  lua_newtable(L);
  lua_pushliteral(L, LUA_RELEASE);
  lua_setfield(L, -2, "lua");
  lua_pushstring(L, uv_version_string());
  lua_setfield(L, -2, "libuv");
  lua_pushliteral(L, ORCH_VERSION);
  lua_setfield(L, -2, "orch");
  return 1;
}

static const luaL_Reg functions[] = {
    {"at_exit", at_exit}, {"set_grace", set_grace},
    {"grace", grace},     {"set_slow", set_slow},
    {"shuffle", shuffle}, {"executable", executable},
    {"cwd", cwd},         {"check_folder", check_folder},
    {"handles", handles}, {"live_ops", live_ops},
    {"leaks", leak_take}, {"versions", versions},
    {"cpus", cpus},       {"source", modules_source},
    {NULL, NULL},
};

int luaopen_orch_core_runtime(lua_State *L) {
  luaL_newlib(L, functions);
  guard_add_functions(L);
  return 1;
}

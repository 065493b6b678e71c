/* orch.core.runtime. Lua hands in the tasks to guard and a function that draws
 * the task tree; both are used from outside any task. */
#include "runlib.h"

#include <lauxlib.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>
#include "error.h"
#include "runtime.h"
#include "signals.h"
#include "task.h"
#include "watchdog.h"

void (*runlib_child_killer)(void);

static struct {
  lua_State *L;
  struct task *interrupt, *deadlock; /* anchored in `refs` */
  int refs;                          /* table: guards, tree, at_exit, leaks */
  uv_timer_t alarm;
  struct task *alarmed;
  bool alarm_open, stuck;
  int exit_code;
  bool exiting;
} lib = {.refs = LUA_NOREF};

static void push_ref(lua_State *L, const char *name) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, lib.refs);
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
}

/* Sets refs[name] to the value on top and pops it. */
static void set_ref(lua_State *L, const char *name) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, lib.refs);
  lua_insert(L, -2);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

void runlib_open(lua_State *L) {
  lib.L = L;
  lua_newtable(L);
  lib.refs = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_newtable(L);
  set_ref(L, "leaks");
  lua_newtable(L);
  set_ref(L, "at_exit");
}

void runlib_kill_children(void) {
  if (runlib_child_killer) runlib_child_killer();
}

static void end(struct task *task, enum cause cause) {
  if (!task) task = task_root;
  if (task && task->state != TASK_DONE) scope_cancel(&task->body, cause);
}

void runlib_interrupt(void) {
  end(lib.interrupt, CAUSE_SIGNAL);
}

int runtime_interrupted(void) {
  return signals_interrupted();
}

/* ---- deadlock ---- */

static int draw_tree(lua_State *L) {
  push_ref(L, "tree");
  if (lua_isfunction(L, -1))
    lua_call(L, 0, 1);
  else
    lua_pushliteral(L, "");
  luaL_tolstring(L, -1, NULL);
  return 1;
}

static int note_deadlock(lua_State *L) {
  draw_tree(L);
  set_ref(L, "deadlock");
  return 0;
}

void runlib_print_tree(void) {
  lua_State *L = lib.L;
  lua_pushcfunction(L, draw_tree);
  if (lua_pcall(L, 0, 1, 0) == LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  }
  lua_pop(L, 1);
}

bool runlib_stuck(void) {
  return lib.stuck;
}

bool runlib_deadlock(lua_State *L) {
  struct task *task = lib.deadlock ? lib.deadlock : task_root;
  if (task->state == TASK_DONE || task->body.cause == CAUSE_DEADLOCK) {
    fputs("orch: deadlock: the clean-up waits for ever as well\n", stderr);
    runlib_print_tree();
    lib.stuck = true;
    return false;
  }
  lua_pushcfunction(L, note_deadlock);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) lua_pop(L, 1);
  task->body.cause = CAUSE_DEADLOCK;
  scope_cancel(&task->body, CAUSE_DEADLOCK);
  return true;
}

void runtime_push_deadlock(lua_State *L) {
  error_push(L, "deadlock",
             "deadlock: every task waits for another one, and nothing is left "
             "that could wake one");
  push_ref(L, "deadlock");
  lua_setfield(L, -2, "tree");
}

/* ---- leaks ---- */

void runtime_leak(lua_State *L, const char *fmt, ...) {
  va_list args;
  luaL_checkstack(L, 4, NULL);
  push_ref(L, "leaks");
  va_start(args, fmt);
  lua_pushvfstring(L, fmt, args);
  va_end(args);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}

static void leak_unseen(lua_State *L) {
  while (task_unseen) {
    struct task *task = task_unseen;
    luaL_checkstack(L, 8, NULL);
    lua_State *co = task->co;
    if (!lua_checkstack(co, 1)) luaL_error(L, "not enough memory");
    task_push(L, task);
    lua_getfield(L, -1, "name");
    lua_pushvalue(co, -1);
    lua_xmove(co, L, 1);
    luaL_tolstring(L, -1, NULL);
    runtime_leak(L, "%s failed and nobody looked at it: %s",
                 lua_tostring(L, -3), lua_tostring(L, -1));
    lua_pop(L, 4);
    task_see(L, task);
  }
}

/* leaks() -> list of sentences about what was never closed; empties it */
static int leaks(lua_State *L) {
  leak_unseen(L);
  push_ref(L, "leaks");
  lua_newtable(L);
  set_ref(L, "leaks");
  return 1;
}

/* ---- arrangements made by Lua ---- */

/* guard("interrupt"|"deadlock", task or nil) */
static int guard(lua_State *L) {
  static const char *const names[] = {"interrupt", "deadlock", NULL};
  int which = luaL_checkoption(L, 1, NULL, names);
  struct task *task = lua_isnil(L, 2) ? NULL : task_check(L, 2);
  lua_settop(L, 2);
  set_ref(L, names[which]);
  if (which == 0)
    lib.interrupt = task;
  else
    lib.deadlock = task;
  return 0;
}

static void on_alarm(uv_timer_t *timer) {
  (void)timer;
  end(lib.alarmed, CAUSE_ALARM);
}

/* alarm(seconds, task): real time, also while the clock is virtual; nil ends it
 */
static int alarm_after(lua_State *L) {
  double seconds = luaL_optnumber(L, 1, -1);
  lib.alarmed = lua_isnoneornil(L, 2) ? NULL : task_check(L, 2);
  lua_settop(L, 2);
  set_ref(L, "alarmed");
  if (!lib.alarm_open) {
    uv_timer_init(runtime_loop(), &lib.alarm);
    uv_unref((uv_handle_t *)&lib.alarm);
    lib.alarm_open = true;
  }
  uv_timer_stop(&lib.alarm);
  if (seconds < 0) return 0;
  uv_update_time(runtime_loop());
  uv_timer_start(&lib.alarm, on_alarm, (uint64_t)(seconds * 1000), 0);
  return 0;
}

/* set_tree(fn): draws the task tree as text */
static int set_tree(lua_State *L) {
  lua_settop(L, 1);
  set_ref(L, "tree");
  return 0;
}

/* at_exit(fn): runs when all tasks have ended, newest first; cannot wait */
static int at_exit(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  push_ref(L, "at_exit");
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  return 0;
}

void runlib_at_exit(lua_State *L) {
  if (lib.refs == LUA_NOREF) return;
  push_ref(L, "at_exit");
  for (lua_Integer i = (lua_Integer)lua_rawlen(L, -1); i > 0; i--) {
    lua_rawgeti(L, -1, i);
    if (lua_pcall(L, 0, 0, 0) == LUA_OK) continue;
    fprintf(stderr, "orch: at exit: %s\n", luaL_tolstring(L, -1, NULL));
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
}

/* ---- exit and settings ---- */

/* exit(code): cancels the guarded task; the run ends with this code */
static int exit_run(lua_State *L) {
  lib.exit_code = (int)luaL_checkinteger(L, 1);
  lib.exiting = true;
  end(lib.interrupt, CAUSE_EXIT);
  struct task *task = task_of(L);
  if (task && task->scope->effective) return task_raise_cancelled(L);
  return 0;
}

/* exit_code() -> the code given to exit, or nil */
static int exit_code(lua_State *L) {
  if (!lib.exiting) return 0;
  lua_pushinteger(L, lib.exit_code);
  return 1;
}

/* interrupted() -> signal number or nil */
static int interrupted(lua_State *L) {
  if (signals_interrupted() == 0) return 0;
  lua_pushinteger(L, signals_interrupted());
  return 1;
}

static int set_grace(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  scope_default_grace_ns =
      isinf(seconds) ? CLOCK_NEVER : (uint64_t)(seconds * 1e9);
  signals_grace_ms = isinf(seconds) ? UINT32_MAX : (uint64_t)(seconds * 1000);
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
  watchdog_set_slow(isinf(seconds) ? 0 : (uint64_t)(seconds * 1000));
  return 0;
}

/* shuffle(seed): from now on each ready batch runs in a random order */
static int shuffle(lua_State *L) {
  task_shuffle((uint64_t)luaL_checkinteger(L, 1));
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
    {"guard", guard},
    {"alarm", alarm_after},
    {"set_tree", set_tree},
    {"at_exit", at_exit},
    {"exit", exit_run},
    {"exit_code", exit_code},
    {"interrupted", interrupted},
    {"set_grace", set_grace},
    {"grace", grace},
    {"set_slow", set_slow},
    {"shuffle", shuffle},
    {"executable", executable},
    {"cwd", cwd},
    {"check_folder", check_folder},
    {"handles", handles},
    {"live_ops", live_ops},
    {"leaks", leaks},
    {"versions", versions},
    {NULL, NULL},
};

int luaopen_orch_core_runtime(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}

/* The Lua side hands in tasks and a function that draws the task tree; the tree
 * is drawn before the cancellation changes it. */
#include "guard.h"

#include <lauxlib.h>
#include <stdio.h>
#include <uv.h>
#include "error.h"
#include "runtime.h"
#include "signals.h"
#include "task.h"
#include "cancelled.h"

/* Registry keys. The tasks are kept there too, at the address of their place in
 * `guards`, so that they are not collected. */
#define TREE "orch.guard.tree"
#define PICTURE "orch.guard.picture"
#define MESSAGE "orch.guard.message"
#define LATE_NS 500000000u

void (*guard_child_killer)(void);

enum { INTERRUPT, DEADLOCK, ALARM, GUARDS };
static const char *const names[] = {"interrupt", "deadlock", "alarm", NULL};

static struct {
  lua_State *L;
  struct task *tasks[GUARDS];
  uv_timer_t alarm;
  volatile uint64_t late_ns; /* 0: there is no limit, or it has done its work */
  volatile bool was_late;    /* the alarm has ended its task */
  bool alarm_over, alarm_open, stuck, exiting;
  int exit_code;
} guards;

void guard_open(lua_State *L) {
  guards.L = L;
}

void guard_kill_children(void) {
  if (guard_child_killer) guard_child_killer();
}

static void end(int guard, enum cause cause) {
  struct task *task = guards.tasks[guard] ? guards.tasks[guard] : task_root;
  if (task && task->state != TASK_DONE) scope_cancel(&task->body, cause);
}

void guard_interrupt(void) {
  end(INTERRUPT, CAUSE_SIGNAL);
}

/* ---- the task tree ---- */

static int draw_tree(lua_State *L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, TREE) == LUA_TFUNCTION)
    lua_call(L, 0, 1);
  else
    lua_pushliteral(L, "");
  luaL_tolstring(L, -1, NULL);
  return 1;
}

void guard_print_tree(void) {
  lua_State *L = guards.L;
  lua_pushcfunction(L, draw_tree);
  if (lua_pcall(L, 0, 1, 0) == LUA_OK)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_pop(L, 1);
}

static int keep_tree(lua_State *L) {
  draw_tree(L);
  lua_setfield(L, LUA_REGISTRYINDEX, PICTURE);
  return 0;
}

static void note_tree(lua_State *L) {
  lua_pushcfunction(L, keep_tree);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) lua_pop(L, 1);
}

void guard_push_error(lua_State *L, bool deadlock) {
  if (deadlock) {
    error_push(L, "deadlock",
               "deadlock: every task waits, and nothing is left that could "
               "wake one");
  } else {
    lua_getfield(L, LUA_REGISTRYINDEX, MESSAGE);
    error_push(L, "timeout", "%s", luaL_optstring(L, -1, "it took too long"));
    lua_remove(L, -2);
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "alarm");
  }
  lua_getfield(L, LUA_REGISTRYINDEX, PICTURE);
  lua_setfield(L, -2, "tree");
}

/* ---- deadlock ---- */

bool guard_stuck(void) {
  return guards.stuck;
}

bool guard_deadlock(lua_State *L) {
  struct task *task = guards.tasks[DEADLOCK];
  if (!task) task = task_root;
  if (task->state == TASK_DONE || task->body.cause == CAUSE_DEADLOCK) {
    fputs("orch: deadlock: the clean-up waits for ever as well\n", stderr);
    guard_print_tree();
    guards.stuck = true;
    return false;
  }
  note_tree(L);
  task->body.cause = CAUSE_DEADLOCK; /* also where it was cancelled before */
  scope_cancel(&task->body, CAUSE_DEADLOCK);
  return true;
}

/* ---- the time limit ---- */

static void on_alarm(uv_timer_t *timer) {
  (void)timer;
  guards.alarm_over = true;
}

bool guard_is_late(void) {
  uint64_t late_ns = __atomic_load_n(&guards.late_ns, __ATOMIC_RELAXED);
  return late_ns && uv_hrtime() >= late_ns;
}

bool guard_was_late(void) {
  return guards.was_late;
}

void guard_end_late(lua_State *L) {
  guards.was_late = true;
  __atomic_store_n(&guards.late_ns, 0, __ATOMIC_RELAXED);
  note_tree(L);
  end(ALARM, CAUSE_ALARM);
}

void guard_deliver(void) {
  if (!guards.alarm_over) return;
  guards.alarm_over = false;
  if (guards.late_ns) guard_end_late(guards.L);
}

static void set_alarm(double seconds) {
  if (!guards.alarm_open) {
    uv_timer_init(runtime_loop(), &guards.alarm);
    uv_unref((uv_handle_t *)&guards.alarm);
    guards.alarm_open = true;
  }
  uint64_t late_ns =
      seconds < 0 ? 0 : uv_hrtime() + (uint64_t)(seconds * 1e9) + LATE_NS;
  __atomic_store_n(&guards.late_ns, late_ns, __ATOMIC_RELAXED);
  guards.alarm_over = guards.was_late = false;
  uv_timer_stop(&guards.alarm);
  if (seconds < 0) return;
  uv_update_time(runtime_loop());
  uv_timer_start(&guards.alarm, on_alarm, (uint64_t)(seconds * 1000), 0);
}

/* ---- for Lua ---- */

/* Names the task at `index` (nil: none) for a guard. */
static void set_guard(lua_State *L, int guard, int index) {
  struct task *task = lua_isnoneornil(L, index) ? NULL : task_check(L, index);
  guards.tasks[guard] = NULL;
  lua_pushvalue(L, index);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &guards.tasks[guard]);
  guards.tasks[guard] = task;
}

/* guard("interrupt"|"deadlock", task or nil) */
static int guard(lua_State *L) {
  lua_settop(L, 2);
  set_guard(L, luaL_checkoption(L, 1, NULL, names), 2);
  return 0;
}

/* alarm(seconds, task, message): ends the task with kind `timeout` after so
 * long in real time, also when it never waits; alarm() ends the alarm */
static int set_limit(lua_State *L) {
  double seconds = luaL_optnumber(L, 1, -1);
  lua_settop(L, 3);
  set_guard(L, ALARM, 2);
  lua_setfield(L, LUA_REGISTRYINDEX, MESSAGE);
  set_alarm(seconds > 9e9 ? -1 : seconds);
  return 0;
}

/* set_tree(fn): draws the task tree as text */
static int set_tree(lua_State *L) {
  lua_settop(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, TREE);
  return 0;
}

int guard_exit(lua_State *L, int code) {
  guards.exit_code = code;
  guards.exiting = true;
  end(INTERRUPT, CAUSE_EXIT);
  struct task *task = task_of(L);
  if (task && task->scope->effective) return cancelled_raise(L);
  return 0;
}

/* exit(code) */
static int exit_run(lua_State *L) {
  return guard_exit(L, (int)luaL_checkinteger(L, 1));
}

/* exit_code() -> the code given to exit, or nil */
static int exit_code(lua_State *L) {
  if (!guards.exiting) return 0;
  lua_pushinteger(L, guards.exit_code);
  return 1;
}

/* interrupted() -> signal number or nil */
static int interrupted(lua_State *L) {
  if (signals_interrupted() == 0) return 0;
  lua_pushinteger(L, signals_interrupted());
  return 1;
}

void guard_add_functions(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"guard", guard},
      {"alarm", set_limit},
      {"set_tree", set_tree},
      {"exit", exit_run},
      {"exit_code", exit_code},
      {"interrupted", interrupted},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}

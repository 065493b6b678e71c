/* The run from opening to closing. The loop is turned by hand: ready tasks
 * first, then libuv, so that callbacks never run Lua and a deadlock is seen
 * exactly when nothing can happen any more. */
#include "runtime.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "alloc.h"
#include "clock.h"
#include "coroutine.h"
#include "error.h"
#include "mask.h"
#include "modules.h"
#include "print.h"
#include "protect.h"
#include "guard.h"
#include "runlib.h"
#include "signals.h"
#include "task.h"
#include "watchdog.h"
#include "ready.h"

#define EXIT_FAILED 1
#define SLOW_MS 1000
/* Percent; Lua's own 200 collects more often than pays. */
#define GC_PAUSE 300

static struct {
  uv_loop_t loop;
  lua_State *L;
  uv_idle_t awake;
  uv_prepare_t before_wait;
  uint64_t now_ns;
  bool loop_open;
} run;

uv_loop_t *runtime_loop(void) {
  return &run.loop;
}

uint64_t runtime_now(void) {
  return run.now_ns;
}

const char *runtime_pool_size(void) {
  static char text[16];
  unsigned threads = uv_available_parallelism() * 2;
  snprintf(text, sizeof text, "%u", threads < 4 ? 4 : threads);
  return text;
}

static int open_state(lua_State *L) {
  luaL_openlibs(L);
  mask_open(L);
  error_open(L);
  modules_open(L);
  return 0;
}

static int on_panic(lua_State *L) {
  fprintf(stderr, "orch: fatal: %s\n", luaL_tolstring(L, -1, NULL));
  return 0;
}

static lua_State *prepare_state(lua_State *L) {
  if (!L) return NULL;
  task_bind(L, NULL);
  lua_atpanic(L, on_panic);
  lua_pushcfunction(L, open_state);
  if (lua_pcall(L, 0, 0, 0) == LUA_OK) return L;
  lua_close(L);
  return NULL;
}

lua_State *runtime_new_state(void) {
  return prepare_state(luaL_newstate());
}

/* Arguments: argc, argv. Leaves the root task in the ready queue. */
static int prepare(lua_State *L) {
  int argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);
  lua_gc(L, LUA_GCINC, GC_PAUSE, 0, 0);
  protect_open(L);
  coroutine_open(L);
  print_open(L);
  task_open(L);
  guard_open(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "orch.prelude");
  lua_call(L, 1, 0);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "orch.cli");
  lua_call(L, 1, 1);
  lua_createtable(L, argc, 0);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i);
  }
  task_root = task_spawn(L, NULL, 1, 0);
  lua_pushliteral(L, "root");
  lua_setiuservalue(L, -2, TASK_NAME);
  return 0;
}

static void on_awake(uv_idle_t *awake) {
  uv_idle_stop(awake);
}

/* libuv fires due timers and then waits for the next event all the same: not
 * when a timer has made a task ready. */
static void on_before_wait(uv_prepare_t *before_wait) {
  if (ready_any()) uv_stop(before_wait->loop);
}

/* Turns the loop although nothing may keep it alive: limits in real time hold
 * where tasks only pass checkpoints, and in virtual time. */
static void peek(void) {
  uv_idle_start(&run.awake, on_awake);
  uv_run(&run.loop, UV_RUN_NOWAIT);
}

static void turn(void) {
  ready_run(run.L);
  signals_deliver();
  guard_deliver();
  if (task_root->state == TASK_DONE) return;
  if (ready_any()) {
    peek();
  } else if (op_real_count() == 0 && clock_jump()) {
    peek();
  } else if (uv_loop_alive(&run.loop)) {
    uv_run(&run.loop, UV_RUN_ONCE);
  } else if (!guard_deadlock(run.L)) {
    return;
  }
  run.now_ns = clock_now();
}

static int print_error(lua_State *L) {
  const char *doing = lua_touserdata(L, 2);
  fprintf(stderr, "orch: %s%s\n", doing, luaL_tolstring(L, 1, NULL));
  return 0;
}

void runtime_report(lua_State *L, const char *doing) {
  lua_pushcfunction(L, print_error);
  lua_insert(L, -2);
  lua_pushlightuserdata(L, (void *)doing);
  if (lua_pcall(L, 2, 0, 0) == LUA_OK) return;
  lua_pop(L, 1);
  fprintf(stderr, "orch: %snot enough memory\n", doing);
}

/* The root task's result is the exit code; an error in it is one of ours. */
static int exit_code(lua_State *L) {
  lua_State *co = task_root->co;
  if (task_root->outcome == OUTCOME_OK && lua_isinteger(co, 1))
    return (int)lua_tointeger(co, 1);
  if (lua_gettop(co) == 0) return EXIT_FAILED;
  lua_xmove(co, L, 1);
  runtime_report(L, "");
  return EXIT_FAILED;
}

static int run_tasks(lua_State *L, int argc, char **argv) {
  lua_pushcfunction(L, prepare);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
    runtime_report(L, "cannot start: ");
    return EXIT_FAILED;
  }
  uv_idle_init(&run.loop, &run.awake);
  uv_prepare_init(&run.loop, &run.before_wait);
  uv_prepare_start(&run.before_wait, on_before_wait);
  uv_unref((uv_handle_t *)&run.before_wait);
  run.now_ns = clock_now();
  while (task_root->state != TASK_DONE && !guard_stuck()) turn();
  int code = guard_stuck() ? EXIT_FAILED : exit_code(L);
  runlib_at_exit(L);
  return code;
}

static void close_handle(uv_handle_t *handle, void *arg) {
  (void)arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void close_loop(void) {
  signals_close();
  clock_close();
  uv_run(&run.loop, UV_RUN_DEFAULT);
  uv_walk(&run.loop, close_handle, NULL);
  uv_run(&run.loop, UV_RUN_DEFAULT);
  uv_loop_close(&run.loop);
}

int runtime_main(int argc, char **argv) {
  int code = EXIT_FAILED;
  argv = uv_setup_args(argc, argv);
  if (uv_loop_init(&run.loop) < 0 || clock_open(&run.loop) < 0 ||
      signals_open(&run.loop) < 0 || watchdog_open(SLOW_MS) < 0 ||
      !(run.L = prepare_state(lua_newstate(alloc_lua, NULL)))) {
    fputs("orch: cannot start: out of memory or threads\n", stderr);
    return code;
  }
  code = run_tasks(run.L, argc, argv);
  code = print_close(code);
  watchdog_close();
  if (guard_stuck()) _exit(code); /* tasks still hold what lua_close frees */
  lua_close(run.L);
  close_loop();
  return code;
}

/* --trace: a line on stderr when a task starts, waits and ends, with the time,
 * the task and the script's line. Allocates nothing, so that it may run between
 * two tasks. */
#include <inttypes.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include "task.h"

static uint64_t began_ns;

/* The name, in `text` where the task has none. */
static const char *name_of(lua_State *L, struct task *task, char text[32]) {
  const char *name = NULL;
  if (task->ref != LUA_NOREF) {
    task_push(L, task);
    if (lua_getiuservalue(L, -1, TASK_NAME) == LUA_TSTRING)
      name = lua_tostring(L, -1); /* the Task keeps it */
    lua_pop(L, 2);
  }
  if (name) return name;
  snprintf(text, 32, "task %" PRIu64, task->id);
  return text;
}

/* The innermost line of the script in `co`. */
static void print_line(lua_State *co) {
  lua_Debug ar;
  for (int level = 0; lua_getstack(co, level, &ar); level++) {
    lua_getinfo(co, "Sl", &ar);
    if (ar.currentline <= 0 || strncmp(ar.source, "=orch/", 6) == 0) continue;
    fprintf(stderr, "  %s:%d", ar.short_src, ar.currentline);
    return;
  }
}

static const char *ending(struct task *task) {
  switch (task->outcome) {
  case OUTCOME_OK:
    return "ends";
  case OUTCOME_CANCELLED:
    return "ends, cancelled";
  default:
    return "fails";
  }
}

/* A task that only passed a checkpoint says nothing; nor do orch's own. */
static void on_step(lua_State *L, struct task *task, enum task_step step) {
  char text[32];
  const char *name = name_of(L, task, text);
  if (step == TASK_SUSPENDS && task->op == NULL) return;
  if (task == task_root || strncmp(name, "orch/", 5) == 0) return;
  double seconds = (double)(uv_hrtime() - began_ns) / 1e9;
  fprintf(stderr, "%10.6f  %-16s ", seconds, name);
  switch (step) {
  case TASK_STARTS:
    fputs("starts", stderr);
    break;
  case TASK_SUSPENDS:
    fprintf(stderr, "waits  %s", task->op->kind->name);
    print_line(task->waiting_co);
    break;
  case TASK_ENDS:
    fputs(ending(task), stderr);
    break;
  }
  fputc('\n', stderr);
}

/* on(): from now on, until the end of the run */
static int trace_on(lua_State *L) {
  (void)L;
  began_ns = uv_hrtime();
  task_on_step = on_step;
  return 0;
}

static const luaL_Reg functions[] = {{"on", trace_on}, {NULL, NULL}};

int luaopen_orch_core_trace(lua_State *L);
int luaopen_orch_core_trace(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}

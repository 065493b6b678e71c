/* The values of a cancellation: what unwinds the cancelled task, and what those
 * see who look at it from outside. */
#include "cancelled.h"

#include <lauxlib.h>
#include "error.h"
#include "outcome.h"
#include "task.h"
#include "tasklib.h"
#include "traceback.h"
#include "taskinfo.h"

static const char *reason_of(enum cause cause) {
  switch (cause) {
  case CAUSE_FAILURE:
    return "another part of the same scope failed";
  case CAUSE_DEADLINE:
    return "the time limit of its scope is over";
  case CAUSE_BODY_DONE:
    return "the scope it served has ended";
  case CAUSE_DEADLOCK:
    return "deadlock";
  case CAUSE_ALARM:
    return "the time limit of the run is over";
  case CAUSE_SIGNAL:
    return "interrupted";
  case CAUSE_EXIT:
    return "os.exit";
  default:
    return "cancelled";
  }
}

/* Pushes the Cancelled that cancel() left on the scope's Task or Scope. */
static bool push_reason(lua_State *L, struct scope *scope) {
  if (scope == &scope->owner->body) {
    task_push(L, scope->owner);
    lua_getiuservalue(L, -1, TASK_REASON);
  } else {
    lua_rawgetp(L, LUA_REGISTRYINDEX, scope);
    lua_getiuservalue(L, -1, SCOPE_REASON);
  }
  lua_remove(L, -2);
  if (error_is_cancelled(L, -1)) return true;
  lua_pop(L, 1);
  return false;
}

void cancelled_push(lua_State *L, struct scope *scope) {
  struct scope *culprit = scope_culprit(scope);
  luaL_checkstack(L, 8, NULL);
  if (culprit && culprit->cause == CAUSE_CANCEL && push_reason(L, culprit))
    return;
  error_push_cancelled(L, reason_of(culprit ? culprit->cause : CAUSE_NONE));
}

/* The first one that was found computing when the time limit of a scope was
 * over, be it the scope's own task or one within it. */
static void note_busy(lua_State *L, struct scope *scope) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, scope);
  if (lua_getiuservalue(L, -1, SCOPE_BUSY) == LUA_TNIL) {
    traceback_push(L, L, 0);
    lua_setiuservalue(L, -3, SCOPE_BUSY);
  }
  lua_pop(L, 2);
}

static int unwind(lua_State *L, bool busy) {
  struct task *task = task_of(L);
  struct scope *culprit = scope_culprit(task->scope);
  /* The body is cut short, whatever its clean-up makes of the error. */
  bool ours = culprit && culprit->owner == task;
  if (ours) culprit->lost = true;
  cancelled_push(L, task->scope);
  if (ours && culprit->cause == CAUSE_DEADLINE) {
    traceback_push(L, L, 0); /* the timeout tells what took so long */
    lua_setfield(L, -2, "traceback");
  }
  if (busy && culprit && culprit->cause == CAUSE_DEADLINE)
    note_busy(L, culprit);
  return lua_error(L);
}

int cancelled_raise(lua_State *L) {
  return unwind(L, false);
}

int cancelled_raise_busy(lua_State *L) {
  return unwind(L, true);
}

void cancelled_push_reason(lua_State *L, int reason) {
  const char *text = luaL_optstring(L, reason, "cancelled by the script");
  error_push_cancelled(L, text);
  if (task_of(L)) {
    taskinfo_push_name(L, task_of(L));
    lua_setfield(L, -2, "by");
  }
  error_push_where(L, L);
  lua_setfield(L, -2, "where");
}

/* What a task or scope that was cancelled by name gives to whoever looks. */
void cancelled_push_error(lua_State *L, int cancelled) {
  cancelled = lua_absindex(L, cancelled);
  lua_getfield(L, cancelled, "message");
  error_push(L, "cancelled", "%s", luaL_optstring(L, -1, "cancelled"));
  lua_remove(L, -2);
  static const char *const fields[] = {"reason", "by", "where"};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    lua_getfield(L, cancelled, fields[i]);
    lua_setfield(L, -2, fields[i]);
  }
}

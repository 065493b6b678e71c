/* The end of a scope, in the owner's own coroutine, where memory may run out
 * and errors may be raised without harm. */
#include "outcome.h"

#include <lauxlib.h>
#include <math.h>
#include "error.h"
#include "place.h"
#include "guard.h"
#include "leak.h"
#include "tasklib.h"
#include "cancelled.h"
#include "taskinfo.h"

int scope_join(lua_State *L, struct scope *scope, const struct op_kind *kind) {
  scope->cap = 0;
  op_init(L, &scope->join, kind);
  if (scope->live == 0) {
    scope->join.task = NULL;
    return kind->result(L, &scope->join);
  }
  if (!lua_isyieldable(L) || task_of(L)->held)
    return place_raise(L, "leaving a scope");
  return op_await(L, &scope->join);
}

/* Pushes seconds the way people write them: 90 -> "1m30s". */
static void push_duration(lua_State *L, double s) {
  char text[32];
  if (s >= 3600)
    snprintf(text, sizeof text, "%.0fh%02.0fm", floor(s / 3600),
             floor(fmod(s, 3600) / 60));
  else if (s >= 60)
    snprintf(text, sizeof text, "%.0fm%02.0fs", floor(s / 60), fmod(s, 60));
  else if (s >= 1 || s == 0)
    snprintf(text, sizeof text, "%.3gs", s);
  else
    snprintf(text, sizeof text, "%.3gms", s * 1000);
  lua_pushstring(L, text);
}

/* On the timeout below the top, whose traceback is on top: somebody was
 * computing. */
static void hint_busy(lua_State *L) {
  lua_setfield(L, -2, "traceback");
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "busy");
  lua_pushliteral(L, "it computed and did not wait; move long computations to "
                     "orch.thread(...), or call orch.checkpoint() in the loop");
  lua_setfield(L, -2, "hint");
}

/* `cut` is the index of the Cancelled that cut the body short, or 0. */
static void push_timeout(lua_State *L, struct scope *scope, int cut) {
  int base = lua_gettop(L) + 1;
  lua_rawgetp(L, LUA_REGISTRYINDEX, scope);
  lua_getiuservalue(L, base, SCOPE_NAME);
  push_duration(L, scope->limits->timeout);
  error_push(L, "timeout", "%s timed out after %s",
             luaL_optstring(L, base + 1, "scope"), lua_tostring(L, base + 2));
  lua_pushnumber(L, scope->limits->timeout);
  lua_setfield(L, -2, "timeout");
  lua_getiuservalue(L, base, SCOPE_WHERE);
  lua_setfield(L, -2, "where");
  lua_pushvalue(L, base);
  lua_setfield(L, -2, "scope"); /* move_on_after knows its own */
  if (cut) {
    lua_getfield(L, cut, "traceback");
    lua_setfield(L, -2, "traceback");
  }
  if (lua_getiuservalue(L, base, SCOPE_BUSY) == LUA_TSTRING)
    hint_busy(L);
  else
    lua_pop(L, 1);
  lua_replace(L, base);
  lua_settop(L, base);
}

/* A pcall round `await` does not keep the failure from the scope: the report
 * says what does. `error` is the index of the body's own error, or 0. */
static void hint_hold(lua_State *L, struct task *task, int error) {
  if (!task->awaited || lua_type(L, -1) != LUA_TTABLE) return;
  if (error && lua_rawequal(L, error, -1)) return;
  lua_pushliteral(L, "hint");
  lua_pushliteral(L,
                  "an await of this task saw the error as well; to handle it "
                  "there, spawn the task with hold=true");
  lua_rawset(L, -3);
}

/* Pushes the error of a failed child and lets go of the child. */
static void take_failure(lua_State *L, struct scope *scope, int error) {
  struct task *task = scope->failed_first;
  luaL_checkstack(L, 4, NULL);
  lua_checkstack(task->co, 1);
  lua_pushvalue(task->co, -1);
  lua_xmove(task->co, L, 1);
  hint_hold(L, task, error);
  scope->failed_first = task->next;
  if (!task->next) scope->failed_last = NULL;
  task_see(L, task);
  task_release(L, task);
}

void outcome_drop(lua_State *L, struct scope *scope) {
  struct task *task;
  while ((task = scope->failed_first)) {
    scope->failed_first = task->next;
    task_release(L, task);
  }
  scope->failed_last = NULL;
}

static void suppress_unless_same(lua_State *L, int first) {
  if (lua_rawequal(L, first, -1) || lua_type(L, first) != LUA_TTABLE)
    lua_pop(L, 1);
  else
    error_suppress(L, first);
}

/* Pushes the first failure with all others on its `.suppressed`. */
static void push_failures(lua_State *L, struct scope *scope, int error,
                          bool timed_out, int cut) {
  int first = lua_gettop(L) + 1;
  bool body_first = error && scope->body_failed_first;
  if (timed_out) push_timeout(L, scope, cut);
  if (body_first) {
    lua_pushvalue(L, error);
    if (scope->failed_first || timed_out) error_normalize(L);
    if (timed_out) suppress_unless_same(L, first);
  }
  while (scope->failed_first) {
    take_failure(L, scope, error);
    if (lua_gettop(L) > first) suppress_unless_same(L, first);
  }
  if (error && !body_first) {
    lua_pushvalue(L, error);
    if (lua_gettop(L) > first) {
      error_normalize(L);
      suppress_unless_same(L, first);
    }
  }
}

bool outcome_is_cancel(lua_State *L, struct scope *scope, int error) {
  return scope->effective && error_is_cancelled(L, error);
}

bool scope_outcome(lua_State *L, struct scope *scope, int error) {
  bool cancelled = error && outcome_is_cancel(L, scope, error);
  bool interrupted = cancelled || scope->lost;
  int own_error = cancelled ? 0 : error;
  bool timed_out = scope->timed_out && interrupted;
  bool outer = scope->parent && scope->parent->effective && !scope->shield;
  luaL_checkstack(L, 12, NULL);

  if (interrupted &&
      (scope->cause == CAUSE_DEADLOCK || scope->cause == CAUSE_ALARM)) {
    guard_push_error(L, scope->cause == CAUSE_DEADLOCK);
    return true;
  }
  if (scope->failed_first || own_error || timed_out) {
    push_failures(L, scope, own_error, timed_out, cancelled ? error : 0);
    return true;
  }
  if (outer && interrupted) {
    cancelled_push(L, scope->parent);
    return true;
  }
  if (cancelled) {
    lua_pushvalue(L, error);
    return true;
  }
  return false;
}

/* ---- the body of a task ---- */

/* Stack: handler, then the results or the error of the body. */
static int main_joined(lua_State *L, struct op *op) {
  (void)op;
  struct task *task = task_of(L);
  bool failed = lua_toboolean(L, 1);
  if (!scope_outcome(L, &task->body, failed ? 3 : 0)) {
    if (!task->body.lost || !task->body.effective) {
      task->outcome = OUTCOME_OK;
      return lua_gettop(L) - 2;
    }
    cancelled_push(L, &task->body);
  }
  task->outcome =
      outcome_is_cancel(L, &task->body, -1) ? OUTCOME_CANCELLED : OUTCOME_ERROR;
  return 1;
}

static const struct op_kind main_join = {
    .name = "join",
    .result = main_joined,
    .shielded = true,
    .internal = true,
};

/* Says on the Error at `error` which task it ended and, below its traceback,
 * the lines that spawned the task and those it descends from. */
static void note_task(lua_State *L, int error, struct task *task) {
  if (!error_is_error(L, error)) return;
  lua_pushliteral(L, "task");
  if (lua_rawget(L, error) != LUA_TNIL) {
    lua_pop(L, 1); /* it comes from a task of ours, which has said so */
    return;
  }
  lua_pop(L, 1);
  taskinfo_push_name(L, task);
  lua_setfield(L, error, "task");
  if (lua_getfield(L, error, "traceback") == LUA_TSTRING) {
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    lua_pushvalue(L, -2);
    luaL_addvalue(&text);
    for (; task->parent && task->spawn_line; task = task->parent->owner) {
      lua_pushliteral(L, "\n\tspawned at ");
      luaL_addvalue(&text);
      taskinfo_push_spawned_at(L, task);
      luaL_addvalue(&text);
    }
    luaL_pushresult(&text);
    lua_setfield(L, error, "traceback");
  }
  lua_pop(L, 1);
}

/* ---- scopes that the body opened and never closed ---- */

/* Pushes the Scope and notes that it was forgotten. */
static void push_leaked(lua_State *L, struct scope *scope) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, scope);
  lua_getiuservalue(L, -1, SCOPE_NAME);
  lua_getiuservalue(L, -2, SCOPE_WHERE);
  leak_note(L,
            "%s was opened at %s and never closed: write `local s "
            "<close> = orch.scope{...}`",
            luaL_optstring(L, -2, "a scope"), luaL_optstring(L, -1, "?"));
  lua_pop(L, 2);
}

static int join_body(lua_State *L) {
  struct task *task = task_of(L);
  bool failed = lua_toboolean(L, 1);
  scope_body_ended(&task->body,
                   failed && !outcome_is_cancel(L, &task->body, 3));
  return scope_join(L, &task->body, &main_join);
}

/* What comes out of closing one is the body's error from then on. */
static void absorb(lua_State *L, int status) {
  if (status == LUA_OK || status == LUA_YIELD) return;
  lua_insert(L, 3);
  lua_settop(L, 3);
  lua_pushboolean(L, 1);
  lua_replace(L, 1);
  note_task(L, 3, task_of(L));
}

static int leaked_closed(lua_State *L, int status, lua_KContext ctx);

/* Closes them from the inside out, as `<close>` would have done. */
static int close_leaked(lua_State *L) {
  struct task *task = task_of(L);
  while (task->scope != &task->body) {
    struct scope *scope = task->scope;
    push_leaked(L, scope);
    lua_getfield(L, -1, "close");
    lua_insert(L, -2);
    if (lua_toboolean(L, 1))
      lua_pushvalue(L, 3);
    else
      lua_pushnil(L);
    absorb(L, lua_pcallk(L, 2, 0, 0, (lua_KContext)scope, leaked_closed));
    if (task->scope == scope) scope_abandon(scope);
  }
  return join_body(L);
}

static int leaked_closed(lua_State *L, int status, lua_KContext ctx) {
  struct task *task = task_of(L);
  absorb(L, status);
  if (task->scope == (struct scope *)ctx) scope_abandon(task->scope);
  return close_leaked(L);
}

static int main_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  bool failed = status != LUA_OK && status != LUA_YIELD;
  if (failed) {
    lua_settop(L, 3);
    note_task(L, 3, task_of(L));
  }
  lua_pushboolean(L, failed);
  lua_replace(L, 1);
  return close_leaked(L);
}

int task_main(lua_State *L) {
  struct task *task = task_of(L);
  if (task->body.effective) { /* cancelled before its first step */
    task->outcome = OUTCOME_CANCELLED;
    cancelled_push(L, &task->body);
    return 1;
  }
  lua_pushnil(L); /* will say whether the body failed */
  lua_insert(L, 1);
  lua_pushcfunction(L, error_handler);
  lua_insert(L, 2);
  int status = lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 2, 0, main_ended);
  return main_ended(L, status, 0);
}

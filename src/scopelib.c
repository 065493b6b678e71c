/* orch.core.task, the part about scopes: the <close>-able Scope. */
#include "tasklib.h"

#include <lauxlib.h>
#include "error.h"
#include "outcome.h"
#include "runtime.h"
#include "cancelled.h"

#define SCOPE "orch.scope"

struct open_scope {
  struct scope scope;
  struct scope_limits limits;
  int error; /* stack index of the body's error in close(), or 0 */
};

static const void
    *metatable; /* to compare with: a look-up by name costs more */

static struct open_scope *check(lua_State *L) {
  struct open_scope *self = lua_touserdata(L, 1);
  if (!self || !lua_getmetatable(L, 1) || lua_topointer(L, -1) != metatable)
    luaL_checkudata(L, 1, SCOPE);
  lua_pop(L, 1);
  if (!self->scope.open)
    error_raise(L, "closed",
                "the scope has been left; nothing can be done "
                "with it any more");
  return self;
}

static void on_deadline(struct timer *timer) {
  struct scope_limits *limits =
      (struct scope_limits *)((char *)timer -
                              offsetof(struct scope_limits, deadline));
  struct scope *scope = limits->scope;
  scope->timed_out = !scope->failed_first && !scope->effective;
  scope_cancel(scope, CAUSE_DEADLINE);
}

/* open(name, timeout, shield, grace, collect) -> Scope, times in seconds */
static int open_scope(lua_State *L) {
  struct task *task = task_of(L);
  if (!task) return error_usage(L, "a worker thread cannot open a scope");
  lua_settop(L, 5);
  struct open_scope *self = lua_newuserdatauv(L, sizeof *self, 4);
  *self = (struct open_scope){0};
  luaL_setmetatable(L, SCOPE);
  self->limits.scope = &self->scope;
  self->limits.deadline.fire = on_deadline;
  self->limits.grace_ns = scope_default_grace_ns;
  if (!lua_isnil(L, 4)) {
    double grace = luaL_checknumber(L, 4);
    self->limits.grace_ns = grace < 9e9 ? (uint64_t)(grace * 1e9) : CLOCK_NEVER;
  }
  self->scope.limits = &self->limits;
  self->scope.shield = lua_toboolean(L, 3);
  self->scope.collect = lua_toboolean(L, 5);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, SCOPE_NAME);
  error_push_where(L, L);
  lua_setiuservalue(L, -2, SCOPE_WHERE);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &self->scope);
  if (!lua_isnil(L, 2)) {
    self->limits.timeout = luaL_checknumber(L, 2);
    uint64_t due = clock_due(self->limits.timeout);
    if (due != CLOCK_NEVER && clock_start(&self->limits.deadline, due) != 0) {
      lua_pushnil(L);
      lua_rawsetp(L, LUA_REGISTRYINDEX, &self->scope);
      return luaL_error(L, "not enough memory");
    }
  }
  self->limits.has_deadline = self->limits.deadline.slot != 0;
  if (self->limits.has_deadline) scope_count_deadlines(1);
  scope_enter(&self->scope, task);
  self->scope.open = true;
  return 1;
}

/* scope:spawn(name, flags, fn, ...) -> Task. The library's own calls stand
 * where their scope was opened; finding the line anew for each of many tasks
 * costs as much as the task. */
static int spawn(lua_State *L) {
  struct open_scope *self = check(L);
  luaL_checkany(L, 4);
  bool here = lua_tointeger(L, 3) & TASK_AT_SCOPE;
  struct task *task = tasklib_spawn(L, &self->scope, 2);
  if (here) {
    lua_getiuservalue(L, 1, SCOPE_WHERE);
    lua_setiuservalue(L, -2, TASK_SPAWNER);
    task->spawn_line = -1;
  } else {
    tasklib_note_spawner(L, task, true);
  }
  return 1;
}

/* scope:cancel(reason) */
static int cancel(lua_State *L) {
  struct open_scope *self = check(L);
  lua_settop(L, 2);
  if (self->scope.cause != CAUSE_NONE) return 0;
  cancelled_push_reason(L, 2);
  lua_setiuservalue(L, 1, SCOPE_REASON);
  scope_cancel(&self->scope, CAUSE_CANCEL);
  return 0;
}

static void wait_cancel(struct op *op) {
  op_done(op);
}

static const struct op_kind wait_kind = {
    .name = "children",
    .size = sizeof(struct op),
    .cancel = wait_cancel,
    .internal = true,
};

/* scope:wait(cap): until fewer than `cap` children (daemons aside) live */
static int wait(lua_State *L) {
  struct open_scope *self = check(L);
  struct scope *scope = &self->scope;
  lua_Integer cap = luaL_checkinteger(L, 2);
  if (scope->owner != task_of(L))
    return error_usage(L, "only the task that opened a scope can wait for it");
  op_check(L, wait_kind.name);
  scope->cap = (uint32_t)cap;
  op_init(L, &scope->join, &wait_kind);
  if (scope->live - scope->daemons < scope->cap) {
    scope->join.task = NULL;
    return 0;
  }
  return op_await(L, &scope->join);
}

static void leave(lua_State *L, struct open_scope *self) {
  scope_exit(&self->scope);
  self->scope.open = false;
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &self->scope);
}

/* The Scope and the body's error or nil -> what the scope raises, or nothing.
 */
static int outcome(lua_State *L) {
  struct open_scope *self = lua_touserdata(L, 1);
  struct scope *scope = &self->scope;
  if (!scope_outcome(L, scope, self->error)) return 0;
  bool outer = scope->parent->effective && !scope->shield;
  if (!outer && scope->effective && error_is_cancelled(L, -1))
    cancelled_push_error(L, -1);
  return 1;
}

/* Protected: the scope is left also when there is no memory for its error. */
static int close_joined(lua_State *L, struct op *op) {
  struct open_scope *self =
      (struct open_scope *)((char *)op - offsetof(struct scope, join));
  struct scope *scope = &self->scope;
  bool plain = !self->error && !scope->failed_first && !scope->effective;
  if (plain) {
    leave(L, self);
    return 0;
  }
  lua_settop(L, 2);
  lua_pushcfunction(L, outcome);
  lua_insert(L, 1);
  lua_pcall(L, 2, LUA_MULTRET, 0);
  outcome_drop(L, scope);
  leave(L, self);
  return lua_gettop(L) > 0 ? lua_error(L) : 0;
}

static const struct op_kind close_kind = {
    .name = "children",
    .result = close_joined,
    .shielded = true,
    .internal = true,
};

/* __close(scope, error) and scope:close(): joins the children */
static int close_scope(lua_State *L) {
  struct open_scope *self = luaL_checkudata(L, 1, SCOPE);
  lua_settop(L, 2);
  if (!self->scope.open) return 0;
  struct scope *scope = &self->scope;
  if (scope->owner != task_of(L))
    return error_usage(L, "a scope is closed by the task that opened it");
  self->error = lua_isnil(L, 2) ? 0 : 2;
  scope_body_ended(scope,
                   self->error && !outcome_is_cancel(L, scope, self->error));
  return scope_join(L, scope, &close_kind);
}

/* deadline() -> the earliest one that this task stands under, on the scale of
 * the clock, or nil */
static int deadline(lua_State *L) {
  struct task *task = task_of(L);
  uint64_t due = CLOCK_NEVER;
  struct scope *scope = task ? task->scope : NULL;
  for (; scope; scope = scope->shield ? NULL : scope->parent)
    if (scope->limits && scope->limits->deadline.slot &&
        scope->limits->deadline.due_ns < due)
      due = scope->limits->deadline.due_ns;
  if (due == CLOCK_NEVER) return 0;
  lua_pushnumber(L, (double)due / 1e9);
  return 1;
}

static const luaL_Reg methods[] = {
    {"spawn", spawn},       {"cancel", cancel}, {"wait", wait},
    {"close", close_scope}, {NULL, NULL},
};

void scopelib_add(lua_State *L) {
  luaL_newmetatable(L, SCOPE);
  metatable = lua_topointer(L, -1);
  luaL_newlib(L, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, "scope_methods");
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, close_scope);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
  lua_pushcfunction(L, open_scope);
  lua_setfield(L, -2, "open");
  lua_pushcfunction(L, deadline);
  lua_setfield(L, -2, "deadline");
}

/* orch.core.task, the part about looking: changes nothing. */
#include "taskinfo.h"

#include <lauxlib.h>
#include "clock.h"
#include "park.h"
#include "task.h"
#include "tasklib.h"

void taskinfo_push_name(lua_State *L, struct task *task) {
  if (task->ref != LUA_NOREF) {
    task_push(L, task);
    lua_getiuservalue(L, -1, TASK_NAME);
    lua_remove(L, -2);
    if (lua_type(L, -1) == LUA_TSTRING) return;
    lua_pop(L, 1);
  }
  lua_pushfstring(L, "task %I", (LUAI_UACINT)task->id);
}

void taskinfo_push_spawned_at(lua_State *L, struct task *task) {
  lua_Debug ar;
  task_push(L, task);
  int spawner = lua_getiuservalue(L, -1, TASK_SPAWNER);
  if (spawner == LUA_TFUNCTION) {
    lua_getinfo(L, ">S", &ar);
    lua_pushfstring(L, "%s:%d", ar.short_src, task->spawn_line);
  } else if (spawner != LUA_TSTRING) {
    lua_pop(L, 1);
    lua_pushliteral(L, "?");
  }
  lua_remove(L, -2);
}

static int current(lua_State *L) {
  if (!task_of(L)) return 0;
  task_push(L, task_of(L));
  return 1;
}

static const char *state_name(struct task *task) {
  switch (task->state) {
  case TASK_READY:
    return task->started ? "ready" : "new";
  case TASK_RUNNING:
    return "running";
  case TASK_WAITING:
    return "waiting";
  default:
    return "done";
  }
}

/* info(task) -> {id, name, state, waiting_on, object, seconds, parent,
 * spawned_at, daemon} */
static int info(lua_State *L) {
  struct task *task = task_check(L, 1);
  lua_settop(L, 1);
  lua_createtable(L, 0, 9);
  lua_pushinteger(L, (lua_Integer)task->id);
  lua_setfield(L, -2, "id");
  lua_pushstring(L, state_name(task));
  lua_setfield(L, -2, "state");
  lua_getfield(L, 1, "name");
  lua_setfield(L, -2, "name");
  if (task->ref != LUA_NOREF) {
    taskinfo_push_spawned_at(L, task);
    lua_setfield(L, -2, "spawned_at");
  }
  lua_pushboolean(L, task->flags & TASK_DAEMON);
  lua_setfield(L, -2, "daemon");
  if (task->parent) {
    task_push(L, task->parent->owner);
    lua_setfield(L, -2, "parent");
  }
  if (task->state == TASK_WAITING && task->op) {
    lua_pushstring(L, task->op->kind->name);
    lua_setfield(L, -2, "waiting_on");
    lua_pushnumber(L, (double)(clock_now() - task->op->since_ns) / 1e9);
    lua_setfield(L, -2, "seconds");
    park_push_owner(L, task->waiting_co, task->op);
    lua_setfield(L, -2, "object");
  }
  return 1;
}

/* children(task) -> list of its live children, oldest first */
static int children(lua_State *L) {
  struct task *task = task_check(L, 1);
  lua_Integer n = 0;
  lua_newtable(L);
  if (task->state == TASK_DONE) return 1;
  for (struct scope *scope = &task->body; scope; scope = scope->inner)
    for (struct task *child = scope->first; child; child = child->next) {
      task_push(L, child);
      lua_rawseti(L, -2, ++n);
    }
  return 1;
}

static int root(lua_State *L) {
  task_push(L, task_root);
  return 1;
}

static const luaL_Reg functions[] = {
    {"current", current}, {"info", info}, {"children", children},
    {"root", root},       {NULL, NULL},
};

void taskinfo_add(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}

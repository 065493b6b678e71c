/* Two tables in the registry: the live tasks, in slots, and idle coroutines. */
#include "anchor.h"

#include <lauxlib.h>
#include <stdlib.h>
#include "task.h"

/* Coroutines kept for the next tasks: about 1 KB each. */
#define IDLE_MAX 1024

static struct {
  int alive;       /* registry reference of the table of live tasks */
  int *free_slots; /* of that table; as many as fit all slots in use */
  int free_count, slots, capacity;
  int idle; /* registry reference of the table of idle coroutines */
  int idle_count;
} kept;

void anchor_open(lua_State *L) {
  lua_newtable(L);
  kept.alive = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_createtable(L, IDLE_MAX, 0);
  kept.idle = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Like luaL_ref, with the free slots in C: this happens for every task. */
void anchor_task(lua_State *L, struct task *task) {
  if (kept.free_count == 0 && kept.slots == kept.capacity) {
    int capacity = kept.capacity ? kept.capacity * 2 : 256;
    int *slots = realloc(kept.free_slots, (size_t)capacity * sizeof *slots);
    if (!slots) luaL_error(L, "not enough memory");
    kept.free_slots = slots;
    kept.capacity = capacity;
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, kept.alive);
  lua_pushvalue(L, -2);
  int slot =
      kept.free_count ? kept.free_slots[kept.free_count - 1] : kept.slots + 1;
  lua_rawseti(L, -2, slot);
  if (kept.free_count)
    kept.free_count--;
  else
    kept.slots++;
  task->ref = slot;
  lua_pop(L, 1);
}

void task_release(lua_State *L, struct task *task) {
  if (task->ref == LUA_NOREF) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, kept.alive);
  lua_pushboolean(L, 0); /* not nil: the slot stays in the array */
  lua_rawseti(L, -2, task->ref);
  lua_pop(L, 1);
  kept.free_slots[kept.free_count++] = task->ref;
  task->ref = LUA_NOREF;
}

void task_push(lua_State *L, struct task *task) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, kept.alive);
  lua_rawgeti(L, -1, task->ref);
  lua_remove(L, -2);
}

/* Pushes a coroutine, a used one when there is one. */
lua_State *anchor_push_coroutine(lua_State *L) {
  if (kept.idle_count == 0) return lua_newthread(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, kept.idle);
  lua_rawgeti(L, -1, kept.idle_count--);
  lua_remove(L, -2);
  return lua_tothread(L, -1);
}

/* Keeps the coroutine of a task that has ended with at most one result, which
 * moves to the Task. The Task is not reachable from here once it is released,
 * so this comes first. */
void anchor_recycle(lua_State *L, struct task *task) {
  lua_State *co = task->co;
  int n = lua_gettop(co);
  if (n > 1 || kept.idle_count == IDLE_MAX) return;
  task_push(L, task);
  lua_rawgeti(L, LUA_REGISTRYINDEX, kept.idle);
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  lua_rawseti(L, -2, ++kept.idle_count);
  lua_pop(L, 1);
  task->one_result = n == 1;
  if (n == 1)
    lua_xmove(co, L, 1);
  else
    lua_pushnil(L);
  lua_setiuservalue(L, -2, TASK_CO);
  lua_pop(L, 1);
  task_bind(co, NULL);
  task->co = NULL;
}

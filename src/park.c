/* orch.core.park: queues of suspended tasks for the Lua library. Policy (who
 * owns a lock, what a full queue means) stays in Lua. */
#include "park.h"

#include <lauxlib.h>
#include "error.h"

#define PARK "orch.park"

struct park {
  struct waitq queue;
  lua_Integer count;
};

struct parked {
  struct waiter waiter;
  struct park *park;
};

void waitq_add(struct waitq *queue, struct waiter *waiter) {
  waiter->queue = queue;
  waiter->prev = queue->last;
  waiter->next = NULL;
  if (queue->last)
    queue->last->next = waiter;
  else
    queue->first = waiter;
  queue->last = waiter;
}

static void unlink_waiter(struct waiter *waiter) {
  struct waitq *queue = waiter->queue;
  if (waiter->prev)
    waiter->prev->next = waiter->next;
  else
    queue->first = waiter->next;
  if (waiter->next)
    waiter->next->prev = waiter->prev;
  else
    queue->last = waiter->prev;
  waiter->queue = NULL;
}

struct waiter *waitq_take(struct waitq *queue) {
  struct waiter *waiter = queue->first;
  if (waiter) unlink_waiter(waiter);
  return waiter;
}

void waiter_cancel(struct op *op) {
  struct waiter *waiter = (struct waiter *)op;
  if (!waiter->queue) return;
  unlink_waiter(waiter);
  op_done(op);
}

static void parked_cancel(struct op *op) {
  ((struct parked *)op)->park->count--;
  waiter_cancel(op);
}

static const struct op_kind park_kind = {
    .name = "park",
    .size = sizeof(struct parked),
    .cancel = parked_cancel,
    .internal = true,
};

static struct park *check_park(lua_State *L) {
  return luaL_checkudata(L, 1, PARK);
}

/* new(owner) -> park; `owner` says in task trees what is waited for. */
static int park_new(lua_State *L) {
  lua_settop(L, 1);
  struct park *park = lua_newuserdatauv(L, sizeof *park, 1);
  *park = (struct park){0};
  luaL_setmetatable(L, PARK);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

/* park:wait() -> whatever wake gave */
static int park_wait(lua_State *L) {
  struct park *park = check_park(L);
  lua_settop(L, 1);
  struct parked *parked = op_new(L, &park_kind);
  parked->park = park;
  park->count++;
  waitq_add(&park->queue, &parked->waiter);
  return op_await(L, &parked->waiter.op);
}

/* park:wake(...) -> true when a task was woken with these values */
static int park_wake(lua_State *L) {
  struct park *park = check_park(L);
  struct waiter *waiter = waitq_take(&park->queue);
  if (waiter) {
    park->count--;
    op_deliver(L, lua_gettop(L) - 1, &waiter->op);
  }
  lua_pushboolean(L, waiter != NULL);
  return 1;
}

/* park:wake_all(...) -> number of tasks woken, each with these values */
static int park_wake_all(lua_State *L) {
  struct park *park = check_park(L);
  int n = lua_gettop(L) - 1;
  lua_Integer woken = 0;
  luaL_checkstack(L, n + 2, "wake_all");
  /* Only those that wait now: a woken task runs later and may wait again. */
  while (park->queue.first) {
    for (int i = 1; i <= n; i++) lua_pushvalue(L, i + 1);
    struct waiter *waiter = waitq_take(&park->queue);
    park->count--;
    op_deliver(L, n, &waiter->op);
    woken++;
  }
  lua_pushinteger(L, woken);
  return 1;
}

static int park_count(lua_State *L) {
  lua_pushinteger(L, check_park(L)->count);
  return 1;
}

void park_push_owner(lua_State *L, lua_State *co, struct op *op) {
  if (op->kind != &park_kind || !lua_checkstack(co, 1)) {
    lua_pushnil(L);
    return;
  }
  /* A suspended coroutine's current frame is park_wait: 1 is the park. */
  lua_pushvalue(co, 1);
  lua_xmove(co, L, 1);
  lua_getiuservalue(L, -1, 1);
  lua_remove(L, -2);
}

static const luaL_Reg methods[] = {
    {"wait", park_wait},   {"wake", park_wake}, {"wake_all", park_wake_all},
    {"count", park_count}, {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"new", park_new},
    {NULL, NULL},
};

int luaopen_orch_core_park(lua_State *L) {
  luaL_newmetatable(L, PARK);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}

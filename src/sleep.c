/* orch.core.clock: reading the time, sleeping, virtual time for tests. */
#include <lauxlib.h>
#include "clock.h"
#include "op.h"

struct sleep {
  struct op op;
  struct timer timer;
};

static void on_due(struct timer *timer) {
  struct sleep *sleep =
      (struct sleep *)((char *)timer - offsetof(struct sleep, timer));
  op_done(&sleep->op);
}

static void cancel_sleep(struct op *op) {
  clock_stop(&((struct sleep *)op)->timer);
  op_done(op);
}

static const struct op_kind sleep_kind = {
    .name = "sleep",
    .size = sizeof(struct sleep),
    .cancel = cancel_sleep,
    .internal = true,
};

/* sleep(seconds): 0 and less is a checkpoint */
static int sleep_seconds(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  if (!(seconds > 0)) return op_checkpoint(L);
  struct sleep *sleep = op_new(L, &sleep_kind);
  sleep->timer.fire = on_due;
  sleep->op.status = clock_start(&sleep->timer, clock_due(seconds));
  if (sleep->op.status < 0) op_done(&sleep->op);
  return op_await(L, &sleep->op);
}

/* now() -> seconds, monotonic */
static int now(lua_State *L) {
  lua_pushnumber(L, (double)clock_now() / 1e9);
  return 1;
}

static int set_virtual(lua_State *L) {
  clock_set_virtual(lua_toboolean(L, 1));
  return 0;
}

/* advance(seconds): fires what becomes due; virtual time only */
static int advance(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, clock_is_virtual(), 1, "the clock is not virtual");
  luaL_argcheck(L, seconds >= 0 && seconds < 9e9, 1, "not a duration");
  clock_advance((uint64_t)(seconds * 1e9));
  return 0;
}

/* step(seconds) -> seconds that time moved: to the next timer, which fires, but
 * by no more than `seconds`; virtual time only */
static int step(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, clock_is_virtual(), 1, "the clock is not virtual");
  luaL_argcheck(L, seconds >= 0 && seconds < 9e9, 1, "not a duration");
  uint64_t now = clock_now(), due = clock_next();
  uint64_t ns = (uint64_t)(seconds * 1e9);
  if (due != CLOCK_NEVER && due <= now + ns) ns = due > now ? due - now : 0;
  clock_advance(ns);
  lua_pushnumber(L, (double)ns / 1e9);
  return 1;
}

static int is_virtual(lua_State *L) {
  lua_pushboolean(L, clock_is_virtual());
  return 1;
}

static const luaL_Reg functions[] = {
    {"sleep", sleep_seconds},
    {"now", now},
    {"set_virtual", set_virtual},
    {"is_virtual", is_virtual},
    {"advance", advance},
    {"step", step},
    {NULL, NULL},
};

int luaopen_orch_core_clock(lua_State *L);
int luaopen_orch_core_clock(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}

/* A sleep that does not count: it neither delays the report of a deadlock nor
 * keeps virtual time from jumping, and passes in real time. For time limits and
 * notices about the run itself; scripts have orch.sleep. */
#include <lauxlib.h>
#include "op.h"
#include "runtime.h"

struct quiet {
  struct op op;
  uv_timer_t timer;
};

static void on_closed(uv_handle_t *handle) {
  op_done(handle->data);
}

static void on_due(uv_timer_t *timer) {
  uv_close((uv_handle_t *)timer, on_closed);
}

static void cancel(struct op *op) {
  struct quiet *quiet = (struct quiet *)op;
  if (!uv_is_closing((uv_handle_t *)&quiet->timer)) on_due(&quiet->timer);
}

static const struct op_kind quiet_kind = {
    .name = "quiet",
    .size = sizeof(struct quiet),
    .cancel = cancel,
    .internal = true,
};

/* sleep(seconds) */
static int quiet_sleep(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds >= 0 && seconds < 9e12, 1, "not a duration");
  struct quiet *quiet = op_new(L, &quiet_kind);
  uv_timer_init(runtime_loop(), &quiet->timer);
  uv_unref((uv_handle_t *)&quiet->timer);
  quiet->timer.data = &quiet->op;
  uv_update_time(runtime_loop());
  uv_timer_start(&quiet->timer, on_due, (uint64_t)(seconds * 1000), 0);
  return op_await(L, &quiet->op);
}

static const luaL_Reg functions[] = {{"sleep", quiet_sleep}, {NULL, NULL}};

int luaopen_orch_core_quiet(lua_State *L);
int luaopen_orch_core_quiet(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}

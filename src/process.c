/* orch.core.process: commands as Lua values. A Process is waited for with
 * `next` (whatever happens first), `read`, `write` and `close`, each with at
 * most one task in it; the facade sees to that. */
#include "process.h"

#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <string.h>
#include "clock.h"
#include "command.h"
#include "error.h"
#include "guard.h"

enum outcome { HAPPENED, TIMED_OUT, STALLED };

struct next {
  struct op op;
  struct process *process;
  struct timer timer;
  uint64_t since_ns;
  enum outcome outcome;
};

int process_busy(lua_State *L, const char *what) {
  return error_usage(L, "process: another task is already %s", what);
}

/* ---- waiting for whatever comes first ---- */

static bool next_is_ready(const struct process *process) {
  const struct child *child = process->child;
  for (int i = 0; i < 2; i++) {
    if (child->out[i].overflow || child->out[i].status < 0) return true;
    if (process->handed_on[i] && reader_size(&child->out[i])) return true;
  }
  return child->state == CHILD_ENDED;
}

static void end_next(struct next *next) {
  clock_stop(&next->timer);
  next->process->next = NULL;
  op_done(&next->op);
}

static uint64_t stalls_at(const struct next *next) {
  const struct process *process = next->process;
  uint64_t last_ns = next->since_ns;
  for (int i = 0; i < 2; i++) {
    uint64_t arrived_ns = process->child->out[i].arrived_ns;
    if (arrived_ns > last_ns) last_ns = arrived_ns;
  }
  return process->stall_ns == CLOCK_NEVER ? CLOCK_NEVER
                                          : last_ns + process->stall_ns;
}

/* Also the timer's callback: output has moved the stall in the meantime. */
static void set_limits(struct next *next) {
  uint64_t now = clock_now(), stall = stalls_at(next);
  uint64_t due = next->process->deadline_ns;
  if (now >= due || now >= stall) {
    next->outcome = now >= due ? TIMED_OUT : STALLED;
    end_next(next);
    return;
  }
  if (stall < due) due = stall;
  if (due == CLOCK_NEVER) return;
  int status = clock_start(&next->timer, due);
  if (status == 0) return;
  next->op.status = status;
  end_next(next);
}

static void on_limit(struct timer *timer) {
  set_limits((struct next *)((char *)timer - offsetof(struct next, timer)));
}

static void cancel_next(struct op *op) {
  end_next((struct next *)op);
}

static void drop_next(struct op *op) {
  struct next *next = (struct next *)op;
  clock_stop(&next->timer);
  if (next->process && next->process->next == next) next->process->next = NULL;
}

static const char *const output_names[] = {"stdout", "stderr"};

static int next_result(lua_State *L, struct op *op) {
  struct next *next = (struct next *)op;
  struct process *process = next->process;
  if (next->outcome != HAPPENED) {
    lua_pushstring(L, next->outcome == TIMED_OUT ? "timeout" : "stall");
    return 1;
  }
  for (int i = 0; i < 2; i++) {
    struct reader *out = &process->child->out[i];
    if (out->overflow) {
      lua_pushliteral(L, "overflow");
      lua_pushstring(L, output_names[i]);
      return 2;
    }
    if (out->status < 0)
      return error_os(L, "read the output of the command", NULL, out->status);
    if (!process->handed_on[i] || !reader_size(out)) continue;
    lua_pushstring(L, output_names[i]);
    return 1 + reader_take(L, out, WANT_SOME, 0);
  }
  return 0;
}

static const struct op_kind next_kind = {
    .name = "process.run",
    .size = sizeof(struct next),
    .result = next_result,
    .cancel = cancel_next,
    .drop = drop_next,
};

/* next() -> "stdout"|"stderr", bytes | "overflow", name | "timeout" | "stall"
 * | nothing: it has ended */
static int process_next(lua_State *L) {
  struct process *process = process_check(L);
  if (process->next) return process_busy(L, "waiting for its end");
  struct next *next = op_new(L, &next_kind);
  next->process = process;
  next->timer.fire = on_limit;
  next->since_ns = clock_now();
  process->next = next;
  if (next_is_ready(process))
    end_next(next);
  else
    set_limits(next);
  return op_await(L, &next->op);
}

/* ---- the end ---- */

void process_changed(struct child *child) {
  struct process *process = child->owner;
  if (process->next && next_is_ready(process)) end_next(process->next);
  process_pipes_changed(process);
  if (process->closer && child->state == CHILD_ENDED) {
    struct op *closer = process->closer;
    process->closer = NULL;
    op_done(closer);
  }
}

static const struct op_kind close_kind = {
    .name = "process:close",
    .size = sizeof(struct op),
    .shielded = true,
};

/* close(): ends it if it still runs and waits until nothing of it is left */
static int process_close(lua_State *L) {
  struct process *process = process_check(L);
  if (process->child == NULL || process->child->state == CHILD_ENDED) return 0;
  if (process->closer) return process_busy(L, "closing it");
  child_stop(process->child, process->grace_ns); /* whatever else fails */
  if (process->child->state == CHILD_ENDED) return 0;
  struct op *closer = op_new(L, &close_kind);
  process->closer = closer;
  return op_await(L, closer);
}

/* stop(grace): asks for the end without waiting for it */
static int process_stop(lua_State *L) {
  struct process *process = process_check(L);
  double grace = luaL_optnumber(L, 2, -1);
  child_stop(process->child, grace < 0 ? process->grace_ns : process_ns(grace));
  return 0;
}

/* limit(timeout, stall) in seconds, or nil */
static int process_limit(lua_State *L) {
  struct process *process = process_check(L);
  if (!lua_isnoneornil(L, 2))
    process->deadline_ns = clock_due(luaL_checknumber(L, 2));
  if (!lua_isnoneornil(L, 3))
    process->stall_ns = process_ns(luaL_checknumber(L, 3));
  return 0;
}

static void push_signal(lua_State *L, int number) {
  const char *name = sigabbrev_np(number);
  if (name)
    lua_pushfstring(L, "SIG%s", name);
  else
    lua_pushfstring(L, "signal %d", number);
}

/* signal(number) -> whether there was something to send it to */
static int process_signal(lua_State *L) {
  struct process *process = process_check(L);
  int number = (int)luaL_checkinteger(L, 2);
  int status = child_signal(process->child, number);
  if (status < 0 && status != -ESRCH)
    return error_os(L, "send a signal to the command", NULL, status);
  lua_pushboolean(L, status == 0);
  return 1;
}

/* result() -> exit_code or nil, signal or nil, elapsed, lost */
static int process_result(lua_State *L) {
  const struct child *child = process_check(L)->child;
  if (child->exited && child->signal == 0)
    lua_pushinteger(L, child->exit_code);
  else
    lua_pushnil(L);
  if (child->exited && child->signal != 0)
    push_signal(L, child->signal);
  else
    lua_pushnil(L);
  uint64_t end_ns = child->exited ? child->exited_ns : uv_hrtime();
  lua_pushnumber(L, (double)(end_ns - child->started_ns) / 1e9);
  lua_pushboolean(L, child->lost);
  return 4;
}

/* output(1|2) -> what was kept of it */
static int process_output(lua_State *L) {
  int which = (int)luaL_checkinteger(L, 2) - 1;
  luaL_argcheck(L, which == 0 || which == 1, 2, "1 or 2");
  const struct reader *out = &process_check(L)->child->out[which];
  lua_pushlstring(L, reader_size(out) ? out->data + out->begin : "",
                  reader_size(out));
  return 1;
}

static int process_pid(lua_State *L) {
  lua_pushinteger(L, process_check(L)->child->pid);
  return 1;
}

static int process_collect(lua_State *L) {
  struct process *process = process_check(L);
  if (process->slot) supervisor_leave(process->slot); /* never started */
  if (process->child) child_abandon(process->child);
  process->slot = NULL;
  process->child = NULL;
  return 0;
}

/* signal_number("TERM"|"SIGTERM") -> number or nil */
static int signal_number(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  if (strncmp(name, "SIG", 3) == 0) name += 3;
  for (int number = 1; number < NSIG; number++) {
    const char *known = sigabbrev_np(number);
    if (known == NULL || strcmp(known, name) != 0) continue;
    lua_pushinteger(L, number);
    return 1;
  }
  return 0;
}

static const luaL_Reg methods[] = {
    {"next", process_next},
    {"read", process_read},
    {"write", process_write},
    {"feed", process_feed},
    {"close_stdin", process_close_stdin},
    {"close", process_close},
    {"stop", process_stop},
    {"limit", process_limit},
    {"signal", process_signal},
    {"result", process_result},
    {"output", process_output},
    {"pid", process_pid},
    {"__close", process_close},
    {"__gc", process_collect},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"spawn", process_spawn},
    {"find", command_find},
    {"programs", command_programs},
    {"signal_number", signal_number},
    {NULL, NULL},
};

int luaopen_orch_core_process(lua_State *L);
int luaopen_orch_core_process(lua_State *L) {
  guard_child_killer = child_kill_all;
  luaL_newmetatable(L, PROCESS);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}

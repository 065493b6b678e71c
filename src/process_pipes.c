/* Reading what a command says and writing to it: the part of orch.core.process
 * for process.spawn. */
#include <lauxlib.h>
#include "error.h"
#include "process.h"

struct take {
  struct op op;
  struct process *process;
  int which;
  enum reader_want want;
  size_t count;
};

struct put {
  struct op op;
  struct process *process;
};

static void end_take(struct take *take) {
  take->process->take[take->which] = NULL;
  op_done(&take->op);
}

static void cancel_take(struct op *op) {
  end_take((struct take *)op);
}

static int take_result(lua_State *L, struct op *op) {
  struct take *take = (struct take *)op;
  struct reader *out = &take->process->child->out[take->which];
  if (out->status < 0)
    return error_os(L, "read the output of the command", NULL, out->status);
  return reader_take(L, out, take->want, take->count);
}

static const struct op_kind take_kind = {
    .name = "process:read",
    .size = sizeof(struct take),
    .result = take_result,
    .cancel = cancel_take,
};

/* read(1|2, "some"|"line"|"count"|"all", count) -> text or nil at the end */
int process_read(lua_State *L) {
  static const char *const wants[] = {"some", "line", "count", "all", NULL};
  struct process *process = process_check(L);
  int which = (int)luaL_checkinteger(L, 2) - 1;
  int want = luaL_checkoption(L, 3, NULL, wants);
  size_t count = (size_t)luaL_optinteger(L, 4, 0);
  luaL_argcheck(L, which == 0 || which == 1, 2, "1 or 2");
  if (process->take[which]) return process_busy(L, "reading this output");
  struct take *take = op_new(L, &take_kind);
  *take = (struct take){take->op, process, which, want, count};
  process->take[which] = take;
  struct reader *out = &process->child->out[which];
  if (out->full == READER_DROPS && process->child->state == CHILD_RUNNING) {
    out->full = READER_WAITS; /* from now on somebody reads it */
    out->limit = READER_WINDOW;
  }
  if (reader_has(out, take->want, take->count)) end_take(take);
  return op_await(L, &take->op);
}

static void end_put(struct put *put) {
  put->process->put = NULL;
  op_done(&put->op);
}

/* A part may have been written; the rest is forgotten. */
static void cancel_put(struct op *op) {
  writer_stop(&((struct put *)op)->process->child->in);
}

static int put_result(lua_State *L, struct op *op) {
  lua_pushboolean(L, ((struct put *)op)->process->child->in.fd >= 0);
  return 1;
}

static const struct op_kind put_kind = {
    .name = "process:write",
    .size = sizeof(struct put),
    .result = put_result,
    .cancel = cancel_put,
};

/* write(text) -> whether it still reads */
int process_write(lua_State *L) {
  struct process *process = process_check(L);
  size_t size;
  const char *text = luaL_checklstring(L, 2, &size);
  if (process->put || process->child->in.in_loop)
    return process_busy(L, "writing to it");
  struct put *put = op_new(L, &put_kind);
  put->process = process;
  process->put = put;
  if (child_write(process->child, text, size)) end_put(put);
  return op_await(L, &put->op);
}

/* feed(text): writes it in the background, then ends its stdin */
int process_feed(lua_State *L) {
  struct process *process = process_check(L);
  size_t size;
  const char *text = luaL_checklstring(L, 2, &size);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 1, 1);
  child_write(process->child, text, size);
  child_close_stdin(process->child, true);
  return 0;
}

int process_close_stdin(lua_State *L) {
  child_close_stdin(process_check(L)->child, true);
  return 0;
}

void process_pipes_changed(struct process *process) {
  struct child *child = process->child;
  for (int i = 0; i < 2; i++) {
    struct take *take = process->take[i];
    if (take && reader_has(&child->out[i], take->want, take->count))
      end_take(take);
  }
  if (process->put && !child->in.in_loop) end_put(process->put);
}

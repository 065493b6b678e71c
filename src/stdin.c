/* orch.core.stdin: our own standard input, awaitable. Its open file is shared
 * with whoever started us, so its flags are left alone: a pipe or a terminal is
 * opened a second time, and what cannot be (a socket) or never blocks for long
 * (a file) is read on a thread. One task reads at a time. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include "error.h"
#include "lone.h"
#include "op.h"
#include "pipe.h"

struct take {
  union {
    struct op op;
    struct lone lone;
  } via;
  enum reader_want want;
  size_t count;
};

static struct {
  struct reader reader; /* in the loop only while a task waits */
  struct take *take;
  bool opened, threaded;
} in = {.reader = {.fd = -1, .full = READER_WAITS, .limit = READER_WINDOW}};

static void end_take(void) {
  struct take *take = in.take;
  in.take = NULL;
  op_done(&take->via.op);
}

static void on_closed(struct reader *reader) {
  (void)reader;
  end_take();
}

static void on_change(struct reader *reader) {
  if (reader_has(reader, in.take->want, in.take->count)) reader_stop(reader);
}

static void open_input(void) {
  struct stat info;
  in.opened = true;
  in.reader.on_change = on_change;
  in.reader.on_closed = on_closed;
  if (fstat(0, &info) != 0) {
    in.reader.eof = true; /* closed: as good as empty */
    return;
  }
  if (S_ISFIFO(info.st_mode) || isatty(0))
    in.reader.fd =
        open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  in.threaded = in.reader.fd < 0;
  if (in.threaded) in.reader.fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
  if (in.reader.fd < 0) in.reader.status = -errno;
}

static void run_thread(struct lone *lone) {
  struct take *take = (struct take *)lone;
  /* Somebody may have made it non-blocking: waiting is poll's, not read's. */
  struct pollfd ready = {.fd = in.reader.fd, .events = POLLIN};
  while (!lone_stopped(lone) &&
         !reader_has(&in.reader, take->want, take->count))
    if (poll(&ready, 1, -1) >= 0) reader_pull(&in.reader);
}

static void on_thread_ended(struct lone *lone) {
  (void)lone;
  in.take = NULL;
}

/* What has been read stays in the buffer, for the next one who reads. */
static void cancel(struct op *op) {
  if (in.threaded)
    lone_cancel(op);
  else
    reader_stop(&in.reader);
}

static void drop(struct op *op) {
  if (in.take == (struct take *)op) in.take = NULL;
}

static int result(lua_State *L, struct op *op) {
  struct take *take = (struct take *)op;
  if (in.reader.status < 0)
    return error_os(L, "read from stdin", NULL, in.reader.status);
  return reader_take(L, &in.reader, take->want, take->count);
}

static const struct op_kind read_kind = {
    .name = "stdin:read",
    .size = sizeof(struct take),
    .result = result,
    .cancel = cancel,
    .drop = drop,
};

/* read("line"|"count"|"all", count) -> text, or nil at the end */
static int stdin_read(lua_State *L) {
  static const char *const names[] = {"line", "count", "all", NULL};
  static const enum reader_want wants[] = {WANT_LINE, WANT_COUNT, WANT_ALL};
  enum reader_want want = wants[luaL_checkoption(L, 1, NULL, names)];
  size_t count = (size_t)luaL_optinteger(L, 2, 0);
  if (in.take)
    return error_usage(L, "stdin: another task is already reading it");
  struct take *take = op_new(L, &read_kind);
  take->want = want;
  take->count = count;
  if (!in.opened) open_input();
  in.take = take;
  if (reader_has(&in.reader, want, count)) {
    end_take();
  } else if (in.threaded) {
    take->via.lone.finish = on_thread_ended;
    lone_start(&take->via.lone, run_thread);
  } else {
    int status = reader_start(&in.reader);
    if (status < 0) {
      take->via.op.status = status;
      end_take();
    }
  }
  return op_await(L, &take->via.op);
}

static const luaL_Reg functions[] = {
    {"read", stdin_read},
    {NULL, NULL},
};

int luaopen_orch_core_stdin(lua_State *L);
int luaopen_orch_core_stdin(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}

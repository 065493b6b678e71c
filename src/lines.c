/* fs.lines: a file read block by block, each cut into lines on the way. A FIFO
 * or a terminal is read on a thread of its own: it may have nothing for long.
 */
#include "error.h"
#include "fault.h"
#include "folder.h"
#include "lone.h"
#include "op.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READER "orch.lines"

enum { BLOCK = 64 << 10 };

struct reader {
  int fd;     /* -1: not opened yet, or at the end */
  bool alone; /* no ordinary file */
  bool opened;
  struct text rest; /* the beginning of a line whose end is not read yet */
  struct op *user;  /* the last op on it, done or not */
  struct fault fault;
};

struct lines_op {
  union {
    struct op op;
    struct op_work work;
    struct lone lone;
  } via;
  struct reader *reader;
  const char *path;
  struct text block; /* whole lines, and at the end what is left */
  bool alone, again, over;
};

static void close_reader(struct reader *reader) {
  if (reader->fd >= 0) close(reader->fd);
  reader->fd = -1;
}

static int reader_gc(lua_State *L) {
  struct reader *reader = luaL_checkudata(L, 1, READER);
  close_reader(reader);
  free(reader->rest.data);
  reader->rest = (struct text){0};
  fault_clear(&reader->fault);
  return 0;
}

static bool fail(struct lines_op *lines, int error) {
  return fault_set(&lines->reader->fault, error, "read", lines->path);
}

/* Looks before it opens: a FIFO that is opened and closed again wakes whoever
 * waits at its other end. */
static bool open_file(struct lines_op *lines) {
  struct reader *reader = lines->reader;
  struct stat info;
  if (reader->opened) return reader->fd >= 0;
  if (stat(lines->path, &info) != 0) return fail(lines, errno);
  if (S_ISDIR(info.st_mode))
    return fault_say(&reader->fault, EISDIR, "read", lines->path,
                     "it is a folder; fs.list gives its entries");
  lines->again = !S_ISREG(info.st_mode) && !lines->alone;
  if (lines->again) return false;
  reader->fd = open(lines->path, O_RDONLY | O_CLOEXEC);
  if (reader->fd < 0) return fail(lines, errno);
  return reader->opened = true;
}

/* Reads until a line is whole; what follows it is kept for the next block. */
static bool read_block(struct lines_op *lines) {
  struct reader *reader = lines->reader;
  char *buffer = malloc(BLOCK);
  if (buffer == NULL) return fail(lines, ENOMEM);
  ssize_t got = 1;
  char *end = NULL;
  while (end == NULL && got > 0) {
    got = read(reader->fd, buffer, BLOCK);
    if (got < 0 && errno == EINTR) {
      bool over = lines->alone ? lone_stopped(&lines->via.lone)
                               : op_work_stopped(&lines->via.work);
      if (over) {
        free(buffer);
        return false;
      }
      got = 1;
      continue;
    }
    if (got <= 0) break;
    end = memrchr(buffer, '\n', got);
    size_t whole = end != NULL ? (size_t)(end + 1 - buffer) : 0;
    if (whole > 0 && reader->rest.size > 0) {
      lines->block = reader->rest;
      reader->rest = (struct text){0};
    }
    if (text_add(&lines->block, buffer, whole) != 0 ||
        text_add(&reader->rest, buffer + whole, got - whole) != 0) {
      errno = ENOMEM;
      got = -1;
    }
    bool stopped = lines->alone ? lone_stopped(&lines->via.lone)
                                : op_work_stopped(&lines->via.work);
    if (stopped) break;
  }
  if (got < 0) fail(lines, errno);
  free(buffer);
  return got == 0;
}

static void run(struct lines_op *lines) {
  struct reader *reader = lines->reader;
  if (!open_file(lines)) return;
  if (!read_block(lines)) return;
  lines->over = true;
  close_reader(reader);
  lines->block = reader->rest;
  reader->rest = (struct text){0};
}

static void run_work(struct op_work *work) {
  run((struct lines_op *)work);
}

static void run_alone(struct lone *lone) {
  run((struct lines_op *)lone);
}

static void cancel(struct op *op) {
  if (((struct lines_op *)op)->alone)
    lone_cancel(op);
  else
    op_work_cancel(op);
}

/* The reader is alive: it lies below the op on the same stack. */
static void lines_drop(struct op *op) {
  struct lines_op *lines = (struct lines_op *)op;
  free(lines->block.data);
  lines->block = (struct text){0};
  if (lines->reader->user == op) lines->reader->user = NULL;
}

static void push_lines(lua_State *L, const struct text *block, bool keep) {
  const char *at = block->data, *end = at + block->size;
  lua_newtable(L);
  for (lua_Integer n = 1; at < end; n++) {
    const char *newline = memchr(at, '\n', end - at);
    const char *next = newline != NULL ? newline + 1 : end;
    size_t size = (newline != NULL && !keep ? newline : next) - at;
    if (!keep && newline != NULL && size > 0 && at[size - 1] == '\r') size--;
    lua_pushlstring(L, at, size);
    lua_rawseti(L, -2, n);
    at = next;
  }
}

/* A list of lines and whether more may follow; or nothing: call again, alone.
 */
static int lines_result(lua_State *L, struct op *op) {
  struct lines_op *lines = (struct lines_op *)op;
  fault_check(L, &lines->reader->fault, lines->path);
  if (lines->again) return 0;
  push_lines(L, &lines->block, lua_toboolean(L, 4));
  lua_pushboolean(L, !lines->over);
  lines_drop(op);
  return 2;
}

/* next(reader, path, alone, keep_ends) -> list of lines, more */
static int lines_next(lua_State *L) {
  static const struct op_kind kind = {.name = "fs.lines",
                                      .size = sizeof(struct lines_op),
                                      .result = lines_result,
                                      .cancel = cancel,
                                      .drop = lines_drop};
  struct reader *reader = luaL_checkudata(L, 1, READER);
  const char *path = luaL_checkstring(L, 2);
  bool alone = lua_toboolean(L, 3);
  if (reader->user != NULL && !reader->user->done)
    return error_usage(L, "fs.lines: another task is reading these lines "
                          "already; a queue can share them out");
  struct lines_op *lines = op_new(L, &kind);
  lines->reader = reader;
  lines->path = path;
  lines->alone = alone;
  reader->user = &lines->via.op;
  if (alone)
    lone_start(&lines->via.lone, run_alone);
  else
    op_work_start(&lines->via.work, run_work);
  return op_await(L, &lines->via.op);
}

static int lines_open(lua_State *L) {
  struct reader *reader = lua_newuserdatauv(L, sizeof *reader, 0);
  memset(reader, 0, sizeof *reader);
  reader->fd = -1;
  luaL_setmetatable(L, READER);
  return 1;
}

static int lines_close(lua_State *L) {
  struct reader *reader = luaL_checkudata(L, 1, READER);
  if (reader->user == NULL || reader->user->done) close_reader(reader);
  return 0;
}

int luaopen_orch_core_lines(lua_State *L);
int luaopen_orch_core_lines(lua_State *L) {
  static const luaL_Reg functions[] = {{"open", lines_open},
                                       {"next", lines_next},
                                       {"close", lines_close},
                                       {NULL, NULL}};
  luaL_newmetatable(L, READER);
  lua_pushcfunction(L, reader_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}

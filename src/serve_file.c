/* Files for answers: opened, looked at and read on the pool, so that a slow
 * disk stops nobody else. */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "error.h"

#define FILE_NAME "orch.serve.file"

struct file {
  int fd; /* -1: closed */
};

struct file_op {
  struct op_work work;
  struct file *file;
  const char *path;
  struct stat info;
  char *bytes; /* what is read */
  size_t size;
  off_t offset;
  int error;
};

static struct file *check(lua_State *L) {
  struct file *file = luaL_checkudata(L, 1, FILE_NAME);
  luaL_argcheck(L, file->fd >= 0, 1, "the file is closed");
  return file;
}

static int close_file(lua_State *L) {
  struct file *file = luaL_checkudata(L, 1, FILE_NAME);
  if (file->fd >= 0) close(file->fd);
  file->fd = -1;
  return 0;
}

/* Anything but an ordinary file might block for ever. */
static void run_open(struct op_work *work) {
  struct file_op *op = (struct file_op *)work;
  int fd = open(op->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 || fstat(fd, &op->info) != 0)
    op->error = errno;
  else if (S_ISDIR(op->info.st_mode))
    op->error = EISDIR;
  else if (!S_ISREG(op->info.st_mode))
    op->error = EINVAL;
  if (op->error && fd >= 0) close(fd);
  if (!op->error) op->file->fd = fd;
}

static int open_result(lua_State *L, struct op *base) {
  struct file_op *op = (struct file_op *)base;
  if (op->error) return error_os(L, "send", op->path, -op->error);
  lua_pushvalue(L, 2); /* the file, below the op */
  lua_pushinteger(L, (lua_Integer)op->info.st_size);
  lua_pushinteger(L, (lua_Integer)op->info.st_mtime);
  return 3;
}

/* open_file(path) -> file, bytes, seconds since 1970 */
static int open_file(lua_State *L) {
  static const struct op_kind kind = {.name = "http.serve: file",
                                      .size = sizeof(struct file_op),
                                      .result = open_result,
                                      .cancel = op_work_cancel};
  const char *path = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  struct file *file = lua_newuserdatauv(L, sizeof *file, 0);
  file->fd = -1;
  luaL_setmetatable(L, FILE_NAME);
  struct file_op *op = op_new(L, &kind);
  op->file = file;
  op->path = path;
  op_work_start(&op->work, run_open);
  return op_await(L, &op->work.op);
}

static void run_read(struct op_work *work) {
  struct file_op *op = (struct file_op *)work;
  op->bytes = malloc(op->size);
  if (!op->bytes) {
    op->error = ENOMEM;
    return;
  }
  ssize_t got = pread(op->file->fd, op->bytes, op->size, op->offset);
  if (got < 0) op->error = errno;
  op->size = got > 0 ? (size_t)got : 0;
}

static void read_drop(struct op *base) {
  struct file_op *op = (struct file_op *)base;
  free(op->bytes);
  op->bytes = NULL;
}

static int read_result(lua_State *L, struct op *base) {
  struct file_op *op = (struct file_op *)base;
  if (op->error) return error_os(L, "read a file to send", NULL, -op->error);
  lua_pushlstring(L, op->bytes, op->size);
  read_drop(base);
  return 1;
}

/* read_file(file, offset, bytes) -> text, "" at the end */
static int read_file(lua_State *L) {
  static const struct op_kind kind = {.name = "http.serve: file",
                                      .size = sizeof(struct file_op),
                                      .result = read_result,
                                      .cancel = op_work_cancel,
                                      .drop = read_drop};
  struct file *file = check(L);
  lua_Integer offset = luaL_checkinteger(L, 2);
  lua_Integer size = luaL_checkinteger(L, 3);
  struct file_op *op = op_new(L, &kind);
  op->file = file;
  op->offset = (off_t)offset;
  op->size = (size_t)size;
  op_work_start(&op->work, run_read);
  return op_await(L, &op->work.op);
}

void serve_file_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"open_file", open_file},
                                       {"close_file", close_file},
                                       {"read_file", read_file},
                                       {NULL, NULL}};
  luaL_newmetatable(L, FILE_NAME);
  lua_pushcfunction(L, close_file);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, close_file);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}

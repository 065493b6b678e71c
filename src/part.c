/* fs.read of a part: some bytes of an ordinary file and how large all of it is,
 * in one trip. Headers of files of any size are read with it. */
#include "cached.h"
#include "error.h"
#include "fault.h"
#include "op.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLICE = 8 << 20 }; /* bytes between two looks at a cancellation */

struct part_op {
  struct op_work work;
  struct fault fault;
  const char *path;
  size_t offset, length; /* what is asked for */
  char *data;
  size_t size, total; /* what was read, and of how much */
};

static bool read_slices(struct part_op *part, int fd, size_t wanted) {
  while (part->size < wanted && !op_work_stopped(&part->work)) {
    size_t left = wanted - part->size;
    ssize_t got =
        pread(fd, part->data + part->size, left < SLICE ? left : SLICE,
              (off_t)(part->offset + part->size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fault_set(&part->fault, errno, "read", part->path);
    if (got == 0) return true;
    part->size += (size_t)got;
  }
  return true;
}

/* What the kernel makes up (/proc) has no size before it is read. */
static bool read_sizeless(struct part_op *part, int fd) {
  size_t room = 0;
  if (part->offset > INT64_MAX / 2) return true; /* the kernel refuses it */
  do {
    room = room < part->length / 2 ? room * 2 + 4096 : part->length;
    if (room > part->length) room = part->length;
    char *data = realloc(part->data, room + 1);
    if (data == NULL)
      return fault_set(&part->fault, ENOMEM, "read", part->path);
    part->data = data;
    if (!read_slices(part, fd, room)) return false;
  } while (part->size == room && room < part->length &&
           !op_work_stopped(&part->work));
  part->total = part->size > 0 ? part->offset + part->size : 0;
  return true;
}

static bool read_part(struct part_op *part, int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0)
    return fault_set(&part->fault, errno, "read", part->path);
  if (S_ISDIR(info.st_mode))
    return fault_say(&part->fault, EISDIR, "read", part->path,
                     "it is a folder; fs.list gives its entries");
  if (!S_ISREG(info.st_mode))
    return fault_say(&part->fault, EINVAL, "read a part of", part->path,
                     "it is no ordinary file");
  if (info.st_size == 0) return read_sizeless(part, fd);
  part->total = (size_t)info.st_size;
  if (part->total <= part->offset) return true;
  size_t left = part->total - part->offset;
  size_t wanted = left < part->length ? left : part->length;
  part->data = malloc(wanted + 1);
  if (part->data == NULL)
    return fault_set(&part->fault, ENOMEM, "read", part->path);
  return read_slices(part, fd, wanted);
}

/* Without O_NONBLOCK a FIFO would keep the thread. */
static void run(struct op_work *work) {
  struct part_op *part = (struct part_op *)work;
  int fd = open(part->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    fault_set(&part->fault, errno, "read", part->path);
    return;
  }
  read_part(part, fd);
  close(fd);
}

static void drop(struct op *op) {
  struct part_op *part = (struct part_op *)op;
  free(part->data);
  part->data = NULL;
  fault_clear(&part->fault);
}

static int result(lua_State *L, struct op *op) {
  struct part_op *part = (struct part_op *)op;
  fault_check(L, &part->fault, part->path);
  lua_pushlstring(L, part->data ? part->data : "", part->size);
  lua_pushinteger(L, (lua_Integer)part->total);
  drop(op);
  return 2;
}

/* read(path, offset, length) -> bytes, fewer at the end of the file; the size
 * of the file */
static int read_call(lua_State *L) {
  static const struct op_kind kind = {.name = "fs.read",
                                      .size = sizeof(struct part_op),
                                      .result = result,
                                      .cancel = op_work_cancel,
                                      .drop = drop};
  const char *path = luaL_checkstring(L, 1);
  size_t offset = (size_t)luaL_checkinteger(L, 2);
  size_t length = (size_t)luaL_checkinteger(L, 3), total;
  struct cached_file cached;
  op_check(L, kind.name);
  if (cached_part(path, offset, length, &cached, &total) == CACHED_READ) {
    lua_pushlstring(L, cached.data, cached.size);
    lua_pushinteger(L, (lua_Integer)total);
    return op_answer(L, 2);
  }
  struct part_op *part = op_new(L, &kind);
  part->path = path;
  part->offset = offset;
  part->length = length;
  op_work_start(&part->work, run);
  return op_await(L, &part->work.op);
}

int luaopen_orch_core_part(lua_State *L);
int luaopen_orch_core_part(lua_State *L) {
  static const luaL_Reg functions[] = {{"read", read_call}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

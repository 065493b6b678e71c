/* fs.read, fs.write and fs.append: a whole file in one trip. What is no
 * ordinary file (a FIFO, a terminal) may block for ever: the pool only finds
 * that out, and the facade calls again with `alone`. */
#include "cached.h"
#include "error.h"
#include "fault.h"
#include "lone.h"
#include "op.h"
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  SLICE = 8 << 20,  /* bytes between two looks at a cancellation */
  GUESS = 64 << 10, /* for files that do not tell their size, as in /proc */
};

enum how { ATOMIC, IN_PLACE, APPEND };

struct file_op {
  union {
    struct op op;
    struct op_work work;
    struct lone lone;
  } via;
  struct fault fault;
  const char *path;
  char *data; /* read: ours; write: the Lua string's */
  size_t size, capacity;
  enum how how;
  int mode;
  bool sync;
  int stream;   /* an open FIFO that does not block, or -1 */
  bool alone;   /* on a thread of its own */
  bool special; /* no ordinary file: to be called again, alone */
};

static bool stopped(struct file_op *file) {
  return file->alone ? lone_stopped(&file->via.lone)
                     : op_work_stopped(&file->via.work);
}

static void start(struct file_op *file, void (*run)(struct op_work *),
                  void (*run_alone)(struct lone *)) {
  if (file->alone)
    lone_start(&file->via.lone, run_alone);
  else
    op_work_start(&file->via.work, run);
}

static void cancel(struct op *op) {
  struct file_op *file = (struct file_op *)op;
  if (file->alone)
    lone_cancel(op);
  else
    op_work_cancel(op);
}

/* Looks before it opens: a FIFO that is opened and closed again wakes whoever
 * waits at its other end. False where only a lone thread may go on. */
static bool may_open(struct file_op *file, const struct stat *info) {
  file->special = !S_ISREG(info->st_mode) && !file->alone;
  return !file->special;
}

static bool grow(struct file_op *file) {
  if (file->size < file->capacity) return true;
  size_t capacity = file->capacity * 2;
  char *data = realloc(file->data, capacity);
  if (data == NULL) return fault_set(&file->fault, ENOMEM, "read", file->path);
  file->data = data;
  file->capacity = capacity;
  return true;
}

/* Until there is something to read, or its end. */
static void wait_for_data(int fd) {
  struct pollfd poller = {.fd = fd, .events = POLLIN};
  poll(&poller, 1, -1); /* a cancellation interrupts it */
}

/* One byte more than the size shows the end without a second call. */
static bool read_all(struct file_op *file, int fd, const struct stat *info) {
  bool sized = S_ISREG(info->st_mode) && info->st_size > 0;
  file->capacity = sized ? (size_t)info->st_size + 1 : GUESS;
  file->data = malloc(file->capacity);
  if (file->data == NULL)
    return fault_set(&file->fault, ENOMEM, "read", file->path);
  while (!stopped(file)) {
    size_t room = file->capacity - file->size;
    size_t wanted = room < SLICE ? room : SLICE;
    if (file->stream >= 0) wait_for_data(fd);
    if (stopped(file)) break;
    ssize_t got = read(fd, file->data + file->size, wanted);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fault_set(&file->fault, errno, "read", file->path);
    file->size += got;
    if (got == 0 || (sized && (size_t)got < wanted)) return true;
    if (!grow(file)) return false;
  }
  return true;
}

static void read_file(struct file_op *file) {
  struct stat info;
  if (stat(file->path, &info) != 0) {
    fault_set(&file->fault, errno, "read", file->path);
    return;
  }
  if (S_ISDIR(info.st_mode)) {
    fault_say(&file->fault, EISDIR, "read", file->path,
              "it is a folder; fs.list gives its entries");
    return;
  }
  if (!may_open(file, &info)) return;
  int fd = open(file->path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    fault_set(&file->fault, errno, "read", file->path);
    return;
  }
  read_all(file, fd, &info);
  close(fd);
}

static void run_read(struct op_work *work) {
  read_file((struct file_op *)work);
}

static void run_read_alone(struct lone *lone) {
  struct file_op *file = (struct file_op *)lone;
  struct stat info = {.st_mode = S_IFIFO};
  if (file->stream < 0) {
    read_file(file);
    return;
  }
  read_all(file, file->stream, &info);
  close(file->stream);
  file->stream = -1;
}

static void read_drop(struct op *op) {
  struct file_op *file = (struct file_op *)op;
  if (file->stream >= 0) close(file->stream); /* its thread never began */
  file->stream = -1;
  free(file->data);
  file->data = NULL;
  fault_clear(&file->fault);
}

/* The content, or nil for "call again, alone". */
static int read_result(lua_State *L, struct op *op) {
  struct file_op *file = (struct file_op *)op;
  fault_check(L, &file->fault, file->path);
  if (file->special) return 0;
  lua_pushlstring(L, file->data, file->size);
  read_drop(op); /* at once: the collector cannot see how much it is */
  return 1;
}

static const struct op_kind read_kind = {.name = "fs.read",
                                         .size = sizeof(struct file_op),
                                         .result = read_result,
                                         .cancel = cancel,
                                         .drop = read_drop};

/* read(path, alone) -> content or nothing */
static int file_read(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  bool alone = lua_toboolean(L, 2);
  static int stream = -1; /* open, and not yet an operation's */
  struct cached_file cached = {.fd = -1};
  op_check(L, read_kind.name);
  if (stream >= 0) close(stream); /* the memory had run out */
  enum cached result = alone ? CACHED_NOT : cached_read(path, &cached);
  if (result == CACHED_READ) {
    lua_pushlstring(L, cached.data, cached.size);
    return op_answer(L, 1);
  }
  stream = cached.fd;
  struct file_op *file = op_new(L, &read_kind);
  file->path = path;
  file->stream = stream;
  stream = -1;
  file->alone = alone || result == CACHED_STREAM;
  start(file, run_read, run_read_alone);
  return op_await(L, &file->via.op);
}

static const char *doing(struct file_op *file) {
  return file->how == APPEND ? "append to" : "write";
}

static bool write_all(struct file_op *file, int fd) {
  size_t done = 0;
  while (done < file->size && !stopped(file)) {
    size_t left = file->size - done;
    ssize_t put = write(fd, file->data + done, left < SLICE ? left : SLICE);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fault_set(&file->fault, errno, doing(file), file->path);
    done += put;
  }
  return !stopped(file);
}

/* Asked for, or the only way: a FIFO or a device cannot be replaced. */
static void write_in_place(struct file_op *file) {
  struct stat info;
  if (stat(file->path, &info) == 0 && !S_ISDIR(info.st_mode) &&
      !may_open(file, &info))
    return;
  int flags = file->how == APPEND ? O_APPEND : O_TRUNC;
  int fd = open(file->path, O_WRONLY | O_CREAT | O_CLOEXEC | flags,
                file->mode < 0 ? 0666 : file->mode);
  if (fd < 0 && errno == EISDIR) {
    fault_say(&file->fault, EISDIR, doing(file), file->path, "it is a folder");
    return;
  }
  bool done = fd >= 0 && write_all(file, fd);
  if (fd < 0 || (done && file->sync && fsync(fd) != 0 && errno != EINVAL &&
                 errno != EROFS))
    fault_set(&file->fault, errno, doing(file), file->path);
  if (fd >= 0) close(fd);
}

static void write_atomically(struct file_op *file) {
  struct replace replace;
  if (!replace_open(&replace, file->path, file->mode, "write", &file->fault))
    return;
  if (replace_is_special(&replace)) {
    replace_abandon(&replace);
    file->how = IN_PLACE;
    write_in_place(file);
  } else if (write_all(file, replace.fd)) {
    replace_commit(&replace, file->sync, "write", &file->fault);
  } else {
    replace_abandon(&replace);
  }
}

static void write_file(struct file_op *file) {
  if (file->how == ATOMIC)
    write_atomically(file);
  else
    write_in_place(file);
}

static void run_write(struct op_work *work) {
  write_file((struct file_op *)work);
}

static void run_write_alone(struct lone *lone) {
  write_file((struct file_op *)lone);
}

static void write_drop(struct op *op) {
  fault_clear(&((struct file_op *)op)->fault);
}

/* True when it is written, false for "call again, alone". */
static int write_result(lua_State *L, struct op *op) {
  struct file_op *file = (struct file_op *)op;
  fault_check(L, &file->fault, file->path);
  lua_pushboolean(L, !file->special);
  return 1;
}

static const struct op_kind write_kind = {.name = "fs.write",
                                          .size = sizeof(struct file_op),
                                          .result = write_result,
                                          .cancel = cancel,
                                          .drop = write_drop};

/* write(path, data, how, mode or -1, sync, alone) -> whether it is done */
static int file_write(lua_State *L) {
  static const char *const ways[] = {"atomic", "in_place", "append", NULL};
  size_t size;
  const char *path = luaL_checkstring(L, 1);
  const char *data = luaL_checklstring(L, 2, &size);
  enum how how = luaL_checkoption(L, 3, NULL, ways);
  int mode = (int)luaL_checkinteger(L, 4);
  bool sync = lua_toboolean(L, 5), alone = lua_toboolean(L, 6);
  struct file_op *file = op_new(L, &write_kind);
  file->path = path;
  file->data = (char *)data;
  file->size = size;
  file->how = how;
  file->mode = mode;
  file->sync = sync;
  file->alone = alone;
  start(file, run_write, run_write_alone);
  return op_await(L, &file->via.op);
}

int luaopen_orch_core_file(lua_State *L);
int luaopen_orch_core_file(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"read", file_read}, {"write", file_write}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

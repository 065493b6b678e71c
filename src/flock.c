/* fs.lock: a kernel lock on a file, freed by the kernel when we die. Waiting
 * for it may take for ever, hence the thread of its own. */
#include "clock.h"
#include "error.h"
#include "fault.h"
#include "lone.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define HELD "orch.flock"

/* The value that holds the lock; -1: released. */
struct held {
  int fd;
};

struct flock_op {
  struct lone lone;
  struct fault fault;
  struct timer timer;
  const char *path;
  struct held *held; /* made before the wait: getting the lock cannot fail */
  bool shared, locked;
  int owner; /* who has the lock, when we gave up; 0: unknown */
};

static void release(struct held *held) {
  if (held->fd >= 0) close(held->fd);
  held->fd = -1;
}

static int held_release(lua_State *L) {
  struct held *held = luaL_checkudata(L, 1, HELD);
  lua_pushboolean(L, held->fd >= 0);
  release(held);
  return 1;
}

/* Reads the number of the process that holds the lock from a line such as
 * "1: FLOCK ADVISORY WRITE 4711 fe:00:262147 0 EOF". */
static int find_owner(int fd) {
  struct stat info;
  char line[256];
  int owner = 0;
  FILE *locks = fopen("/proc/locks", "re");
  if (locks == NULL || fstat(fd, &info) != 0) info.st_ino = 0;
  while (locks != NULL && owner == 0 && fgets(line, sizeof line, locks)) {
    int pid;
    unsigned major, minor;
    unsigned long inode;
    if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%lu", &pid, &major, &minor,
               &inode) == 4 &&
        inode == info.st_ino && makedev(major, minor) == info.st_dev)
      owner = pid;
  }
  if (locks != NULL) fclose(locks);
  return owner;
}

/* Gives -1 and sets the fault when it cannot be opened. */
static int open_file(struct flock_op *op) {
  int fd = open(op->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EISDIR))
    fd = open(op->path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) fault_set(&op->fault, errno, "lock", op->path);
  return fd;
}

/* Who had the lock may have removed the file, or somebody else may: the next
 * to come makes another one, which we know nothing of. */
static bool is_still_there(int fd, const char *path) {
  struct stat ours, there;
  if (fstat(fd, &ours) != 0) return true;
  if (stat(path, &there) != 0) return errno != ENOENT;
  return ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

/* Waits until it is locked, or until nobody wants it any more. */
static bool take(struct flock_op *op, int fd) {
  int how = op->shared ? LOCK_SH : LOCK_EX, status;
  do status = flock(fd, how | (lone_stopped(&op->lone) ? LOCK_NB : 0));
  while (status != 0 && errno == EINTR);
  if (status == 0) return true;
  if (errno == EWOULDBLOCK)
    op->owner = find_owner(fd);
  else
    fault_set(&op->fault, errno, "lock", op->path);
  return false;
}

static void run_flock(struct lone *lone) {
  struct flock_op *op = (struct flock_op *)lone;
  int fd;
  while ((fd = open_file(op)) >= 0) {
    bool taken = take(op, fd);
    if (taken && is_still_there(fd, op->path)) {
      op->locked = true;
      op->held->fd = fd;
      return;
    }
    close(fd);
    if (!taken) return;
  }
}

static void on_timeout(struct timer *timer) {
  struct flock_op *op =
      (struct flock_op *)((char *)timer - offsetof(struct flock_op, timer));
  lone_interrupt(&op->lone);
}

/* A lock that came together with the cancellation belongs to nobody. */
static void finish(struct lone *lone) {
  struct flock_op *op = (struct flock_op *)lone;
  clock_stop(&op->timer);
  if (op->lone.op.cancelled) release(op->held);
}

static void flock_drop(struct op *base) {
  fault_clear(&((struct flock_op *)base)->fault);
}

static int raise_timeout(lua_State *L, struct flock_op *op) {
  if (op->owner > 0)
    error_push(L, "timeout", "cannot lock '%s': process %d holds it", op->path,
               op->owner);
  else
    error_push(L, "timeout", "cannot lock '%s': another process holds it",
               op->path);
  lua_pushstring(L, op->path);
  lua_setfield(L, -2, "path");
  if (op->owner > 0) {
    lua_pushinteger(L, op->owner);
    lua_setfield(L, -2, "pid");
  }
  return error_throw(L);
}

static int flock_result(lua_State *L, struct op *base) {
  struct flock_op *op = (struct flock_op *)base;
  fault_check(L, &op->fault, op->path);
  if (!op->locked) return raise_timeout(L, op);
  lua_pushvalue(L, 4);
  return 1;
}

/* lock(path, seconds, shared) -> held, which has release */
static int flock_lock(lua_State *L) {
  static const struct op_kind kind = {.name = "fs.lock",
                                      .size = sizeof(struct flock_op),
                                      .result = flock_result,
                                      .cancel = lone_cancel,
                                      .drop = flock_drop};
  const char *path = luaL_checkstring(L, 1);
  lua_Number seconds = luaL_checknumber(L, 2);
  bool shared = lua_toboolean(L, 3);
  lua_settop(L, 3);
  struct held *held = lua_newuserdatauv(L, sizeof *held, 0);
  held->fd = -1;
  luaL_setmetatable(L, HELD);
  struct flock_op *op = op_new(L, &kind);
  op->path = path;
  op->held = held;
  op->shared = shared;
  op->lone.finish = finish;
  op->timer.fire = on_timeout;
  if (seconds > 0 && !isinf(seconds) &&
      clock_start(&op->timer, clock_due(seconds)) != 0)
    return error_os(L, "lock", path, UV_ENOMEM);
  lone_start(&op->lone, run_flock);
  if (seconds <= 0) lone_interrupt(&op->lone);
  return op_await(L, &op->lone.op);
}

int luaopen_orch_core_flock(lua_State *L);
int luaopen_orch_core_flock(lua_State *L) {
  static const luaL_Reg functions[] = {{"lock", flock_lock}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"release", held_release},
                                     {"__gc", held_release},
                                     {"__close", held_release},
                                     {NULL, NULL}};
  luaL_newmetatable(L, HELD);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}

/* orch.core.journal: files that only grow, for what must not be lost: the log
 * of events, the output of jobs. What they were given has reached the kernel,
 * also in a task that is being cancelled: appending is no checkpoint. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "error.h"
#include "op.h"

#define JOURNAL "orch.journal"

/* Its path is its user value. `torn`: a write broke off in the middle, as on a
 * full disk; what comes next begins with a new line. */
struct journal {
  int fd; /* -1: closed */
  bool torn;
};

/* On a thread of the pool, with a descriptor of its own: the journal may be
 * closed meanwhile. */
struct journal_op {
  struct op_work work;
  struct journal *journal;
  const char *path, *text;
  size_t size;
  int fd, error;
  bool torn;
};

static struct journal *check(lua_State *L) {
  return luaL_checkudata(L, 1, JOURNAL);
}

static const char *path_of(lua_State *L) {
  lua_getiuservalue(L, 1, 1);
  return lua_tostring(L, -1);
}

static struct journal *check_open(lua_State *L) {
  struct journal *journal = check(L);
  if (journal->fd < 0)
    error_raise(L, "closed", "'%s' was closed already", path_of(L));
  return journal;
}

/* 0 or an errno. One write(2), unless the kernel takes only a part. */
static int write_all(int fd, const char *text, size_t size, size_t *done) {
  while (*done < size) {
    ssize_t put = write(fd, text + *done, size - *done);
    if (put < 0 && errno != EINTR) return errno;
    if (put > 0) *done += (size_t)put;
  }
  return 0;
}

static int append_to(int fd, const char *text, size_t size, bool *torn) {
  size_t done = 0;
  int error = *torn ? write_all(fd, "\n", 1, &done) : 0;
  if (error != 0) return error;
  done = 0;
  error = write_all(fd, text, size, &done);
  *torn = error != 0 && done > 0;
  return error;
}

/* ---- opening and closing ---- */

static int make_folders(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash;
       slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    int error = mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : errno;
    *slash = '/';
    if (error != 0) return error;
  }
  return 0;
}

static int open_file(const char *path, bool parents) {
  int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
  int fd = open(path, flags, 0666);
  if (fd >= 0 || errno != ENOENT || !parents || *path == '\0') return fd;
  char *copy = strdup(path);
  int error = copy ? make_folders(copy) : ENOMEM;
  free(copy);
  errno = error;
  return error == 0 ? open(path, flags, 0666) : -1;
}

/* A writer that was killed left half a line: it stays alone. */
static bool ends_torn(int fd) {
  struct stat info;
  char last;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return false;
  return info.st_size > 0 && pread(fd, &last, 1, info.st_size - 1) == 1 &&
         last != '\n';
}

/* open(path, parents) -> journal */
static int journal_open(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  bool parents = lua_toboolean(L, 2);
  struct journal *journal = lua_newuserdatauv(L, sizeof *journal, 1);
  *journal = (struct journal){.fd = -1};
  luaL_setmetatable(L, JOURNAL);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  journal->fd = open_file(path, parents);
  if (journal->fd < 0) return error_os(L, "write", path, -errno);
  journal->torn = ends_torn(journal->fd);
  int error = append_to(journal->fd, "", 0, &journal->torn);
  return error == 0 ? 1 : error_os(L, "write", path, -error);
}

static int journal_close(lua_State *L) {
  struct journal *journal = check(L);
  if (journal->fd >= 0) close(journal->fd);
  journal->fd = -1;
  return 0;
}

/* ---- at once ---- */

/* append(text) */
static int journal_append(lua_State *L) {
  struct journal *journal = check_open(L);
  size_t size;
  const char *text = luaL_checklstring(L, 2, &size);
  int error = append_to(journal->fd, text, size, &journal->torn);
  return error == 0 ? 0 : error_os(L, "write", path_of(L), -error);
}

/* At most `size` of its last bytes; a negative errno where it fails. */
static ssize_t read_end(int fd, char *text, size_t size, bool *whole) {
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0) return -errno;
  off_t from = info.st_size > (off_t)size ? info.st_size - (off_t)size : 0;
  *whole = from == 0;
  ssize_t got = pread(fd, text, size, from);
  return got < 0 ? -errno : got;
}

/* tail(path, size) -> the end of a file, whether that is all of it */
static int journal_tail(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  size_t size = (size_t)luaL_checkinteger(L, 2);
  luaL_Buffer buffer;
  char *text = luaL_buffinitsize(L, &buffer, size);
  bool whole = false;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  ssize_t got = read_end(fd, text, size, &whole);
  if (fd >= 0) close(fd);
  if (got < 0) return error_os(L, "read", path, (int)got);
  luaL_pushresultsize(&buffer, (size_t)got);
  lua_pushboolean(L, whole);
  return 2;
}

/* ---- on the pool ---- */

static void drop(struct op *base) {
  struct journal_op *op = (struct journal_op *)base;
  if (op->fd >= 0) close(op->fd);
  op->fd = -1;
}

static int push_done(lua_State *L, struct op *base) {
  struct journal_op *op = (struct journal_op *)base;
  if (op->text) op->journal->torn = op->torn;
  drop(base);
  return op->error == 0 ? 0 : error_os(L, "write", op->path, -op->error);
}

static int start(lua_State *L, const struct op_kind *kind,
                 void (*run)(struct op_work *)) {
  struct journal *journal = check_open(L);
  size_t size = 0;
  const char *text = lua_tolstring(L, 2, &size);
  const char *path = path_of(L);
  struct journal_op *op = op_new(L, kind);
  op->journal = journal;
  op->path = path;
  op->text = text;
  op->size = size;
  op->torn = journal->torn;
  op->fd = fcntl(journal->fd, F_DUPFD_CLOEXEC, 3);
  if (op->fd < 0) {
    op->work.op.status = -errno;
    op_done(&op->work.op);
  } else {
    op_work_start(&op->work, run);
  }
  return op_await(L, &op->work.op);
}

static void run_append(struct op_work *work) {
  struct journal_op *op = (struct journal_op *)work;
  op->error = append_to(op->fd, op->text, op->size, &op->torn);
}

/* append_later(text): for large pieces, on the pool */
static int journal_append_later(lua_State *L) {
  static const struct op_kind kind = {.name = "journal:append_later",
                                      .size = sizeof(struct journal_op),
                                      .result = push_done,
                                      .drop = drop,
                                      .shielded = true};
  check(L);
  luaL_checkstring(L, 2);
  return start(L, &kind, run_append);
}

static void run_sync(struct op_work *work) {
  struct journal_op *op = (struct journal_op *)work;
  int status = fdatasync(op->fd);
  if (status != 0 && errno != EINVAL && errno != EROFS) op->error = errno;
}

/* sync(): to the disk */
static int journal_sync(lua_State *L) {
  static const struct op_kind kind = {.name = "journal:sync",
                                      .size = sizeof(struct journal_op),
                                      .result = push_done,
                                      .cancel = op_work_cancel,
                                      .drop = drop};
  lua_settop(L, 1);
  return start(L, &kind, run_sync);
}

int luaopen_orch_core_journal(lua_State *L);
int luaopen_orch_core_journal(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"open", journal_open}, {"tail", journal_tail}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"append", journal_append},
                                     {"append_later", journal_append_later},
                                     {"sync", journal_sync},
                                     {"close", journal_close},
                                     {"__close", journal_close},
                                     {"__gc", journal_close},
                                     {NULL, NULL}};
  luaL_newmetatable(L, JOURNAL);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}

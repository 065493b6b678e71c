/* fs.watch: the raw inotify events of a tree. The kernel watches single
 * folders, so a tree is one watch per folder; those made later are added when
 * they are reported. What the events mean is decided in Lua. */
#include "clock.h"
#include "error.h"
#include "fault.h"
#include "folder.h"
#include "op.h"
#include "runtime.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define WATCH "orch.watch"

enum {
  EVENTS = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE |
           IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF,
  BUFFER = 64 << 10,
};

struct watch {
  int fd; /* -1: closed */
  struct op *reader;
};

static struct watch *check_watch(lua_State *L) {
  struct watch *watch = luaL_checkudata(L, 1, WATCH);
  if (watch->fd < 0) error_raise(L, "closed", "fs.watch: it is closed");
  return watch;
}

/* --- add: one trip over the tree --- */

struct add_op {
  struct op_work work;
  struct fault fault;
  int fd;
  const char *path, *shown; /* the same folder, as the script calls it */
  struct text at;           /* where the walk is */
  struct text found;        /* packed: int wd or -1 for no folder, path, NUL */
  bool recursive;
};

static bool add_fail(struct add_op *add, int error) {
  const char *note = NULL;
  if (error == ENOSPC)
    note = "the system's limit of watched folders is reached; raise "
           "fs.inotify.max_user_watches with sysctl";
  const char *below = add->at.data + strlen(add->path);
  struct text name = {0};
  bool named = text_add(&name, add->shown, strlen(add->shown)) == 0 &&
               text_add(&name, below, strlen(below) + 1) == 0;
  fault_say(&add->fault, error, "watch", named ? name.data : add->shown, note);
  free(name.data);
  return false;
}

static bool add_found(struct add_op *add, int wd) {
  return (text_add(&add->found, &wd, sizeof wd) == 0 &&
          text_add(&add->found, add->at.data, add->at.size + 1) == 0) ||
         add_fail(add, ENOMEM);
}

static bool add_tree(struct add_op *add);

static bool add_entries(struct add_op *add, const struct folder *folder) {
  size_t size = add->at.size;
  for (size_t i = 0; i < folder->count; i++) {
    const struct entry *entry = &folder->entries[i];
    if (op_work_stopped(&add->work)) return false;
    if (text_set_name(&add->at, size, entry->name) != 0)
      return add_fail(add, ENOMEM);
    bool done = entry->type == DT_DIR && add->recursive ? add_tree(add)
                                                        : add_found(add, -1);
    if (!done) return false;
  }
  add->at.size = size;
  add->at.data[size] = '\0';
  return true;
}

/* The watch comes before the listing: what is made in between is in both. */
static bool add_tree(struct add_op *add) {
  struct folder folder;
  int wd = inotify_add_watch(add->fd, add->at.data, EVENTS);
  if (wd < 0) return errno == ENOENT ? true : add_fail(add, errno);
  if (!add_found(add, wd)) return false;
  int fd = open(add->at.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return errno == ENOENT || errno == ENOTDIR || add_fail(add, errno);
  int error = folder_read(&folder, fd);
  bool done = error == 0 ? add_entries(add, &folder) : add_fail(add, error);
  folder_free(&folder);
  return done;
}

static void run_add(struct op_work *work) {
  struct add_op *add = (struct add_op *)work;
  if (access(add->path, F_OK) != 0)
    fault_set(&add->fault, errno, "watch", add->shown);
  else if (text_add(&add->at, add->path, strlen(add->path) + 1) != 0)
    fault_set(&add->fault, ENOMEM, "watch", add->shown);
  else {
    add->at.size--;
    add_tree(add);
  }
}

static void add_drop(struct op *op) {
  struct add_op *add = (struct add_op *)op;
  free(add->at.data);
  free(add->found.data);
  add->at = add->found = (struct text){0};
  fault_clear(&add->fault);
}

static int add_result(lua_State *L, struct op *op) {
  struct add_op *add = (struct add_op *)op;
  fault_check(L, &add->fault, add->shown);
  const char *at = add->found.data, *end = at + add->found.size;
  lua_newtable(L);
  for (lua_Integer n = 1; at < end; n += 2) {
    int wd;
    memcpy(&wd, at, sizeof wd);
    lua_pushinteger(L, wd);
    lua_rawseti(L, -2, n);
    lua_pushstring(L, at + sizeof wd);
    lua_rawseti(L, -2, n + 1);
    at += sizeof wd + strlen(at + sizeof wd) + 1;
  }
  add_drop(op);
  return 1;
}

/* add(watch, path, recursive, shown) -> {wd, path, -1, path, ...}: the folders
 * that are watched now and the entries in them; an error calls them by `shown`
 */
static int watch_add(lua_State *L) {
  static const struct op_kind kind = {.name = "fs.watch",
                                      .size = sizeof(struct add_op),
                                      .result = add_result,
                                      .cancel = op_work_cancel,
                                      .drop = add_drop};
  struct watch *watch = check_watch(L);
  const char *path = luaL_checkstring(L, 2);
  bool recursive = lua_toboolean(L, 3);
  const char *shown = luaL_checkstring(L, 4);
  struct add_op *add = op_new(L, &kind);
  add->fd = watch->fd;
  add->path = path;
  add->shown = shown;
  add->recursive = recursive;
  op_work_start(&add->work, run_add);
  return op_await(L, &add->work.op);
}

/* --- read: waits for events --- */

struct read_op {
  struct op op;
  struct watch *watch;
  uv_poll_t poll;
  struct timer timer;
};

static void on_closed(uv_handle_t *handle) {
  op_done(handle->data);
}

static void end(struct read_op *read_op) {
  if (uv_is_closing((uv_handle_t *)&read_op->poll)) return;
  clock_stop(&read_op->timer);
  uv_close((uv_handle_t *)&read_op->poll, on_closed);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  (void)events;
  struct read_op *read_op = poll->data;
  if (status < 0) read_op->op.status = status;
  end(read_op);
}

static void on_timeout(struct timer *timer) {
  end((struct read_op *)((char *)timer - offsetof(struct read_op, timer)));
}

static void read_cancel(struct op *op) {
  end((struct read_op *)op);
}

static void push_events(lua_State *L, const char *at, const char *end_of) {
  while (at < end_of) {
    const struct inotify_event *event = (const struct inotify_event *)at;
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    lua_pushinteger(L, event->wd);
    lua_rawseti(L, -2, n + 1);
    lua_pushinteger(L, event->mask);
    lua_rawseti(L, -2, n + 2);
    lua_pushstring(L, event->len > 0 ? event->name : "");
    lua_rawseti(L, -2, n + 3);
    at += sizeof *event + event->len;
  }
}

/* The descriptor does not block: reading here costs less than a trip. */
static int read_result(lua_State *L, struct op *op) {
  struct read_op *read_op = (struct read_op *)op;
  char buffer[BUFFER]
      __attribute__((aligned(__alignof__(struct inotify_event))));
  lua_newtable(L);
  if (read_op->watch->fd < 0) return 1;
  ssize_t got = read(read_op->watch->fd, buffer, sizeof buffer);
  if (got > 0) push_events(L, buffer, buffer + got);
  return 1;
}

/* read(watch, seconds) -> {wd, mask, name, ...}; empty after `seconds` */
static int watch_read(lua_State *L) {
  static const struct op_kind kind = {.name = "fs.watch",
                                      .size = sizeof(struct read_op),
                                      .result = read_result,
                                      .cancel = read_cancel};
  struct watch *watch = check_watch(L);
  lua_Number seconds = luaL_checknumber(L, 2);
  if (watch->reader != NULL && !watch->reader->done)
    return error_usage(L, "fs.watch: another task is waiting on it already");
  struct read_op *read_op = op_new(L, &kind);
  read_op->watch = watch;
  read_op->timer.fire = on_timeout;
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, 1); /* `reader` must not dangle */
  if (!isinf(seconds) && clock_start(&read_op->timer, clock_due(seconds)) != 0)
    return error_os(L, "watch", NULL, UV_ENOMEM);
  int status = uv_poll_init(runtime_loop(), &read_op->poll, watch->fd);
  if (status < 0) {
    clock_stop(&read_op->timer);
    return error_os(L, "watch", NULL, status);
  }
  read_op->poll.data = read_op;
  watch->reader = &read_op->op;
  uv_poll_start(&read_op->poll, UV_READABLE, on_readable);
  return op_await(L, &read_op->op);
}

static int watch_open(lua_State *L) {
  struct watch *watch = lua_newuserdatauv(L, sizeof *watch, 1);
  watch->fd = -1;
  watch->reader = NULL;
  luaL_setmetatable(L, WATCH);
  watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (watch->fd < 0) return error_os(L, "start watching", NULL, -errno);
  return 1;
}

static int watch_forget(lua_State *L) {
  inotify_rm_watch(check_watch(L)->fd, (int)luaL_checkinteger(L, 2));
  return 0;
}

/* A task that waits on it wakes up with no events and sees that it is closed.
 */
static int watch_close(lua_State *L) {
  struct watch *watch = luaL_checkudata(L, 1, WATCH);
  if (watch->reader != NULL && !watch->reader->done)
    end((struct read_op *)watch->reader);
  if (watch->fd >= 0) close(watch->fd);
  watch->fd = -1;
  return 0;
}

int luaopen_orch_core_watch(lua_State *L);
int luaopen_orch_core_watch(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"open", watch_open},     {"add", watch_add},     {"read", watch_read},
      {"forget", watch_forget}, {"close", watch_close}, {NULL, NULL}};
  static const struct {
    const char *name;
    int mask;
  } masks[] = {{"CREATE", IN_CREATE},
               {"MODIFY", IN_MODIFY},
               {"WRITTEN", IN_CLOSE_WRITE},
               {"ATTRIB", IN_ATTRIB},
               {"DELETE", IN_DELETE},
               {"MOVED_FROM", IN_MOVED_FROM},
               {"MOVED_TO", IN_MOVED_TO},
               {"FOLDER", IN_ISDIR},
               {"GONE", IN_IGNORED},
               {"OVERFLOW", IN_Q_OVERFLOW},
               {"SELF_DELETED", IN_DELETE_SELF},
               {"SELF_MOVED", IN_MOVE_SELF}};
  luaL_newmetatable(L, WATCH);
  lua_pushcfunction(L, watch_close);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
    lua_pushinteger(L, masks[i].mask);
    lua_setfield(L, -2, masks[i].name);
  }
  return 1;
}

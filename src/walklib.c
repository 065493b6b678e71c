/* orch.core.walk: the Lua side of a walk (see walk.h). */
#include "error.h"
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#define WALK "orch.walk"

static int walk_gc(lua_State *L) {
  struct walk *walk = luaL_checkudata(L, 1, WALK);
  walk_free(walk);
  fault_clear(&walk->fault);
  return 0;
}

static unsigned char type_from_name(const char *name) {
  if (strcmp(name, "file") == 0) return DT_REG;
  if (strcmp(name, "folder") == 0) return DT_DIR;
  return strcmp(name, "link") == 0 ? DT_LNK : 0;
}

/* The patterns stay alive as the walk's user value. */
static int add_globs(lua_State *L, struct walk *walk, int list, int at) {
  int count = (int)lua_rawlen(L, list);
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, list, i + 1);
    const char *pattern = luaL_checkstring(L, -1);
    if (!glob_compile(&walk->globs[at + i], pattern))
      error_usage(L, "fs.glob: the pattern '%s' has more than %d parts",
                  pattern, GLOB_PARTS);
    walk->below[at + i] = glob_start(&walk->globs[at + i]);
    lua_pop(L, 1);
  }
  return count;
}

static void add_patterns(lua_State *L, struct walk *walk, int includes,
                         int excludes) {
  size_t count = lua_rawlen(L, includes) + lua_rawlen(L, excludes);
  walk->globs = calloc(count + 1, sizeof *walk->globs);
  walk->below = calloc(count + 1, sizeof *walk->below);
  if (walk->globs == NULL || walk->below == NULL)
    error_os(L, "walk", NULL, UV_ENOMEM);
  walk->include_count = add_globs(L, walk, includes, 0);
  walk->glob_count =
      walk->include_count + add_globs(L, walk, excludes, walk->include_count);
}

/* The exclusions are relative to another folder, `names` above the root. True:
 * they exclude the root itself. */
static bool step_to_root(lua_State *L, struct walk *walk, int names) {
  bool excluded = false;
  for (int n = 1; n <= (int)lua_rawlen(L, names); n++) {
    lua_rawgeti(L, names, n);
    for (int i = walk->include_count; i < walk->glob_count; i++) {
      walk->below[i] = glob_step(&walk->globs[i], walk->below[i],
                                 luaL_checkstring(L, -1), false);
      excluded = excluded || glob_is_match(&walk->globs[i], walk->below[i]);
    }
    lua_pop(L, 1);
  }
  return excluded;
}

static bool flag(lua_State *L, int table, const char *name) {
  lua_getfield(L, table, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* open(root, includes, excludes, names of the root for them, depth or 0, type
 * or "", flags {hidden, follow, stat, missing_ok, skip_unreadable}) -> walk */
static int walk_open(lua_State *L) {
  size_t size;
  const char *root = luaL_checklstring(L, 1, &size);
  for (int i = 2; i <= 4; i++) luaL_checktype(L, i, LUA_TTABLE);
  int max_depth = (int)luaL_checkinteger(L, 5);
  unsigned char type = type_from_name(luaL_checkstring(L, 6));
  luaL_checktype(L, 7, LUA_TTABLE);
  struct walk *walk = lua_newuserdatauv(L, sizeof *walk, 2);
  memset(walk, 0, sizeof *walk);
  luaL_setmetatable(L, WALK);
  for (int i = 1; i <= 2; i++) {
    lua_pushvalue(L, i + 1);
    lua_setiuservalue(L, -2, i);
  }
  walk->max_depth = max_depth;
  walk->type = type;
  walk->hidden = flag(L, 7, "hidden");
  walk->follow = flag(L, 7, "follow");
  walk->want_stat = flag(L, 7, "stat");
  walk->missing_ok = flag(L, 7, "missing_ok");
  walk->skip_unreadable = flag(L, 7, "skip_unreadable");
  add_patterns(L, walk, 2, 3);
  walk->over = step_to_root(L, walk, 4);
  if (text_add(&walk->path, root, size + 1) != 0)
    return error_os(L, "walk", root, UV_ENOMEM);
  walk->path.size--;
  walk->root_size = size;
  return 1;
}

struct walk_op {
  struct op_work work;
  struct walk *walk;
  struct walk_batch batch;
  const char *prefix;
  size_t limit;
  bool paths_only;
};

static int by_path(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Where only paths are wanted they come in the order of bytes, not of folders:
 * the block is turned into pointers, sorted, and packed again. */
static bool sort_paths(struct walk_batch *batch) {
  const char **paths = malloc((batch->count + 1) * sizeof *paths);
  struct text sorted = {0};
  bool done = paths != NULL;
  const char *at = batch->found.data;
  for (size_t i = 0; done && i < batch->count; i++) {
    struct walk_found found;
    memcpy(&found, at, sizeof found);
    paths[i] = at + sizeof found;
    at = paths[i] + found.path_size + 1;
  }
  if (done) qsort(paths, batch->count, sizeof *paths, by_path);
  for (size_t i = 0; done && i < batch->count; i++)
    done = text_add(&sorted, paths[i], strlen(paths[i]) + 1) == 0;
  free(paths);
  free(batch->found.data);
  batch->found = sorted;
  return done;
}

static void run_walk(struct op_work *work) {
  struct walk_op *op = (struct walk_op *)work;
  if (op->walk->over) return;
  walk_run(op->walk, &op->batch, op->limit, work);
  bool sort = op->paths_only && op->batch.count > 0;
  if (sort && op->walk->fault.error == 0 && !sort_paths(&op->batch))
    fault_set(&op->walk->fault, ENOMEM, "list", NULL);
}

static void free_batch(struct walk_op *op) {
  free(op->batch.found.data);
  op->batch = (struct walk_batch){0};
}

/* The walk is alive: it lies below the op on the same stack. */
static void walk_drop(struct op *base) {
  struct walk_op *op = (struct walk_op *)base;
  free_batch(op);
  if (op->walk->reader == base) op->walk->reader = NULL;
}

static void push_path(lua_State *L, const char *prefix, const char *path) {
  if (*prefix == '\0')
    lua_pushstring(L, path);
  else
    lua_pushfstring(L, "%s%s", prefix, path);
}

static void push_paths(lua_State *L, struct walk_op *op) {
  const char *at = op->batch.found.data;
  for (size_t i = 1; i <= op->batch.count; i++) {
    push_path(L, op->prefix, at);
    lua_rawseti(L, -2, (lua_Integer)i);
    at += strlen(at) + 1;
  }
}

static void push_entry(lua_State *L, struct walk_op *op,
                       const struct walk_found *found, const char *path) {
  const char *slash = strrchr(path, '/');
  lua_createtable(L, 0, op->walk->want_stat ? 7 : 4);
  push_path(L, op->prefix, path);
  lua_setfield(L, -2, "path");
  lua_pushstring(L, slash != NULL ? slash + 1 : path);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, folder_type_name(found->type));
  lua_setfield(L, -2, "type");
  lua_pushinteger(L, found->depth);
  lua_setfield(L, -2, "depth");
  if (!op->walk->want_stat) return;
  lua_pushinteger(L, found->size);
  lua_setfield(L, -2, "size");
  lua_pushnumber(L, found->mtime);
  lua_setfield(L, -2, "mtime");
  lua_pushinteger(L, found->mode);
  lua_setfield(L, -2, "mode");
}

static void push_entries(lua_State *L, struct walk_op *op) {
  const char *at = op->batch.found.data;
  for (size_t i = 1; i <= op->batch.count; i++) {
    struct walk_found found;
    memcpy(&found, at, sizeof found);
    push_entry(L, op, &found, at + sizeof found);
    lua_rawseti(L, -2, (lua_Integer)i);
    at += sizeof found + found.path_size + 1;
  }
}

/* What was found before a fault is given first; the next call raises. */
static int walk_result(lua_State *L, struct op *base) {
  struct walk_op *op = (struct walk_op *)base;
  if (op->batch.count == 0 || op->paths_only)
    fault_check(L, &op->walk->fault, op->walk->path.data);
  if (op->batch.count == 0 && !op->paths_only) return 0;
  lua_createtable(L, (int)op->batch.count, 0);
  if (op->paths_only)
    push_paths(L, op);
  else
    push_entries(L, op);
  free_batch(op);
  return 1;
}

/* next(walk, limit, prefix, paths_only) -> list or, at the end, nothing */
static int walk_next(lua_State *L) {
  static const struct op_kind kind = {.name = "fs.walk",
                                      .size = sizeof(struct walk_op),
                                      .result = walk_result,
                                      .cancel = op_work_cancel,
                                      .drop = walk_drop};
  struct walk *walk = luaL_checkudata(L, 1, WALK);
  lua_Integer limit = luaL_checkinteger(L, 2);
  const char *prefix = luaL_checkstring(L, 3);
  bool paths_only = lua_toboolean(L, 4);
  if (walk->reader != NULL && !walk->reader->done)
    return error_usage(L, "fs.walk: another task is reading this walk already; "
                          "give each task a walk of its own");
  struct walk_op *op = op_new(L, &kind);
  op->walk = walk;
  op->limit = limit;
  op->prefix = prefix;
  op->paths_only = paths_only;
  walk->reader = &op->work.op;
  op_work_start(&op->work, run_walk);
  return op_await(L, &op->work.op);
}

/* match(pattern, names) -> whether a path of these components matches */
static int walk_match(lua_State *L) {
  const char *pattern = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  struct glob glob;
  if (!glob_compile(&glob, pattern))
    return error_usage(L, "glob: the pattern '%s' has more than %d parts",
                       pattern, GLOB_PARTS);
  uint64_t state = glob_start(&glob);
  for (int i = 1; i <= (int)lua_rawlen(L, 2); i++) {
    lua_rawgeti(L, 2, i);
    state = glob_step(&glob, state, luaL_checkstring(L, -1), false);
    lua_pop(L, 1);
  }
  lua_pushboolean(L, glob_is_match(&glob, state));
  return 1;
}

int luaopen_orch_core_walk(lua_State *L);
int luaopen_orch_core_walk(lua_State *L) {
  static const luaL_Reg functions[] = {{"open", walk_open},
                                       {"next", walk_next},
                                       {"match", walk_match},
                                       {NULL, NULL}};
  luaL_newmetatable(L, WALK);
  lua_pushcfunction(L, walk_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}

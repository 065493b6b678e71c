/* inputs.detail and inputs.compare: the files of one group one by one, with
 * their contents; see stamp_blob.h. */
#include "stamp_blob.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct detail_op {
  struct op_work work;
  struct stamp_plan plan;
  const char *known; /* a blob, Lua's */
  size_t known_size;
  struct stamp_contents contents;
  struct text blob;
  struct fingerprint digest;
};

/* --- from the look to a sorted list --- */

static int by_path(const void *a, const void *b) {
  const struct stamp_record *left = a, *right = b;
  return strcmp(left->path, right->path);
}

static size_t count_found(const struct text *found) {
  size_t count = 0;
  for (size_t at = 0; at < found->size; count++) {
    struct stamp_facts facts;
    memcpy(&facts, found->data + at, sizeof facts);
    at += (sizeof facts + facts.path_size + 8) & ~(size_t)7;
  }
  return count;
}

static struct stamp_record *add_found(struct stamp_record *to,
                                      const struct text *found) {
  for (size_t at = 0; at < found->size; to++) {
    *to = (struct stamp_record){.path = found->data + at + sizeof to->facts};
    memcpy(&to->facts, found->data + at, sizeof to->facts);
    at += (sizeof to->facts + to->facts.path_size + 8) & ~(size_t)7;
  }
  return to;
}

static bool is_file(const struct stamp_literal *literal) {
  return literal->facts.mode != 0 && !S_ISDIR(literal->facts.mode);
}

/* What two patterns found is there once. */
static size_t drop_twins(struct stamp_record *records, size_t count) {
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (kept == 0 || strcmp(records[kept - 1].path, records[i].path) != 0)
      records[kept++] = records[i];
  return kept;
}

static bool list_files(struct detail_op *detail) {
  struct stamp_plan *plan = &detail->plan;
  size_t count = plan->literals.count;
  for (int i = 0; i < plan->thread_count; i++)
    count += count_found(&plan->tallies[i].found);
  struct stamp_record *records = malloc((count + 1) * sizeof *records);
  if (records == NULL) return stamp_fail(plan, ENOMEM, plan->root);
  struct stamp_record *to = records;
  for (int i = 0; i < plan->thread_count; i++)
    to = add_found(to, &plan->tallies[i].found);
  for (int i = 0; i < plan->literals.count; i++) {
    struct stamp_literal *literal = STAMP_LITERAL(plan, i);
    if (is_file(literal))
      *to++ =
          (struct stamp_record){.path = literal->path, .facts = literal->facts};
  }
  count = (size_t)(to - records);
  qsort(records, count, sizeof *records, by_path);
  detail->contents.records = records;
  detail->contents.count = drop_twins(records, count);
  return true;
}

/* --- detail --- */

/* Here a file that cannot be read is a failure: its content is asked for. */
static bool check_result(struct detail_op *detail) {
  struct stamp_plan *plan = &detail->plan;
  if (plan->fault.error != 0 || stamp_is_stopped(plan)) return false;
  struct stamp_result result = stamp_result_of(plan, 0);
  if (result.error == 0 || detail->contents.limit >= 0) return true;
  return fault_set(&plan->fault, result.error, "read", result.error_path);
}

static void run_detail(struct op_work *work) {
  struct detail_op *detail = (struct detail_op *)work;
  struct stamp_plan *plan = &detail->plan;
  detail->contents.plan = plan;
  stamp_look(plan);
  if (!check_result(detail) || !list_files(detail)) return;
  if (detail->known != NULL)
    stamp_blob_vouch(&detail->contents, detail->known, detail->known_size);
  plan->root_fd = open(plan->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (plan->root_fd < 0) {
    stamp_fail(plan, errno, plan->root);
    return;
  }
  stamp_hash_contents(&detail->contents);
  close(plan->root_fd);
  if (plan->fault.error == 0 && !stamp_is_stopped(plan) &&
      stamp_blob_write(&detail->blob, &detail->contents, &detail->digest) != 0)
    stamp_fail(plan, ENOMEM, plan->root);
}

static void detail_drop(struct op *op) {
  struct detail_op *detail = (struct detail_op *)op;
  free(detail->contents.records);
  free(detail->blob.data);
  detail->contents.records = NULL;
  detail->blob = (struct text){0};
  stamp_plan_free(&detail->plan);
}

/* As a look has it, of what was hashed: where a file changed meanwhile, it is
 * never the same again. */
static void push_stamp(lua_State *L, struct detail_op *detail) {
  struct stamp_result result = stamp_result_of(&detail->plan, 0);
  uint64_t now = uv_hrtime();
  if (atomic_load(&detail->contents.changed))
    fingerprint_add(&result.sum.stamp, fingerprint_of(&now, sizeof now));
  lua_pushlstring(L, (const char *)&result.sum.stamp, FINGERPRINT);
}

/* A folder that could not be read, where that is no failure. */
static int push_unread(lua_State *L, struct detail_op *detail) {
  struct stamp_result result = stamp_result_of(&detail->plan, 0);
  if (result.error == 0) return 0;
  lua_pushstring(L, result.error_path ? result.error_path : "?");
  lua_pushstring(L, uv_strerror(-result.error));
  return 2;
}

static int detail_result(lua_State *L, struct op *op) {
  struct detail_op *detail = (struct detail_op *)op;
  fault_check(L, &detail->plan.fault, detail->plan.root);
  size_t hashed = 0, files = 0;
  for (size_t i = 0; i < detail->contents.count; i++) {
    hashed += !detail->contents.records[i].known;
    files += !detail->contents.records[i].gone;
  }
  lua_pushlstring(L, detail->blob.data, detail->blob.size);
  lua_pushlstring(L, (const char *)&detail->digest, FINGERPRINT);
  lua_pushinteger(L, (lua_Integer)files);
  lua_pushinteger(L, (lua_Integer)hashed);
  push_stamp(L, detail);
  int unread = push_unread(L, detail);
  detail_drop(op); /* the collector does not know how large it is */
  return 5 + unread;
}

/* detail(root, patterns, excludes, prepare, known, limit, folders) -> blob,
 * digest, files, how many of them were read, stamp
 *
 * With `limit` size and time stand for the content of files that have more
 * bytes, or cannot be read; a folder that cannot is told: its path, and why. */
int stamp_detail(lua_State *L) {
  static const struct op_kind kind = {.name = "inputs.detail",
                                      .size = sizeof(struct detail_op),
                                      .result = detail_result,
                                      .cancel = op_work_cancel,
                                      .drop = detail_drop};
  const char *root = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 4, LUA_TFUNCTION);
  int64_t limit = luaL_optinteger(L, 6, -1);
  bool folders = lua_toboolean(L, 7);
  lua_settop(L, 5);
  struct detail_op *detail = op_new(L, &kind);
  stamp_plan_init(&detail->plan, root, &detail->work.stop);
  detail->contents.limit = limit;
  detail->plan.gather = true;
  detail->plan.folders = folders;
  detail->known = lua_tolstring(L, 5, &detail->known_size);
  stamp_check_group(L, &detail->plan, 2, 3, 4);
  op_work_start(&detail->work, run_detail);
  return op_await(L, &detail->work.op);
}

/* --- compare(old, new) --- */

enum { ADDED = 3, REMOVED, CHANGED };

static void add_path(lua_State *L, int list,
                     const struct stamp_record *record) {
  lua_pushlstring(L, record->path, record->facts.path_size);
  lua_rawseti(L, list, (lua_Integer)lua_rawlen(L, list) + 1);
}

static bool is_equal(const struct stamp_record *a,
                     const struct stamp_record *b) {
  return a->content.low == b->content.low &&
         a->content.high == b->content.high && a->facts.mode == b->facts.mode;
}

/* compare(old, new) -> paths added, removed, changed; each sorted */
int stamp_compare(lua_State *L) {
  size_t old_size, new_size;
  struct stamp_reader before, after;
  struct stamp_record old, new;
  const char *old_blob = luaL_checklstring(L, 1, &old_size);
  const char *new_blob = luaL_checklstring(L, 2, &new_size);
  stamp_blob_open(&before, old_blob, old_size);
  stamp_blob_open(&after, new_blob, new_size);
  lua_settop(L, 2);
  for (int list = ADDED; list <= CHANGED; list++) lua_newtable(L);
  bool has_old = stamp_blob_next(&before, &old);
  bool has_new = stamp_blob_next(&after, &new);
  while (has_old || has_new) {
    int order = !has_old ? 1 : !has_new ? -1 : strcmp(old.path, new.path);
    if (order > 0) add_path(L, ADDED, &new);
    if (order < 0) add_path(L, REMOVED, &old);
    if (order == 0 && !is_equal(&old, &new)) add_path(L, CHANGED, &new);
    if (order <= 0) has_old = stamp_blob_next(&before, &old);
    if (order >= 0) has_new = stamp_blob_next(&after, &new);
  }
  return 3;
}

/* sizes(blob, limit) -> list of {path, bytes} for the first files, and how
 * many there are in all */
int stamp_sizes(lua_State *L) {
  size_t size;
  struct stamp_reader reader;
  struct stamp_record record;
  const char *blob = luaL_checklstring(L, 1, &size);
  lua_Integer limit = luaL_checkinteger(L, 2), count = 0;
  stamp_blob_open(&reader, blob, size);
  lua_newtable(L);
  while (stamp_blob_next(&reader, &record)) {
    if (++count > limit) continue;
    lua_createtable(L, 2, 0);
    lua_pushlstring(L, record.path, record.facts.path_size);
    lua_rawseti(L, -2, 1);
    lua_pushinteger(L, (lua_Integer)record.facts.size);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, count);
  }
  lua_pushinteger(L, count);
  return 2;
}

static void set_record(lua_State *L, lua_Integer i,
                       const struct stamp_record *record) {
  lua_pushlstring(L, record->path, record->facts.path_size);
  lua_rawseti(L, 2, i);
  lua_pushlstring(L, (const char *)&record->content, FINGERPRINT);
  lua_rawseti(L, 3, i);
  lua_pushinteger(L, (lua_Integer)record->facts.size);
  lua_rawseti(L, 4, i);
  lua_pushnumber(L, (lua_Number)record->facts.mtime_ns / 1e9);
  lua_rawseti(L, 5, i);
}

/* records(blob) -> lists of paths, contents (16 bytes), sizes, times of change
 * (seconds); only ordinary files */
int stamp_records(lua_State *L) {
  size_t size;
  struct stamp_reader reader;
  struct stamp_record record;
  const char *blob = luaL_checklstring(L, 1, &size);
  stamp_blob_open(&reader, blob, size);
  lua_settop(L, 1);
  int room = (int)(size / 64 < 1 << 20 ? size / 64 : 1 << 20);
  for (int list = 2; list <= 5; list++) lua_createtable(L, room, 0);
  for (lua_Integer i = 1; stamp_blob_next(&reader, &record);)
    if (S_ISREG(record.facts.mode)) set_record(L, i++, &record);
  return 4;
}

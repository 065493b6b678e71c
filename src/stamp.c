/* orch.core.stamp, a plug-in: what groups of files look like from outside, all
 * of them in one trip to the pool. See stamp.h for the work. */
#include "stamp_memory.h"

#include "error.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>

struct look_op {
  struct op_work work;
  struct stamp_plan plan;
  bool brief;
};

static void check(lua_State *L, int error) {
  if (error == ENOMEM) luaL_error(L, "not enough memory");
  if (error != 0)
    error_usage(L, "a pattern has more than %d components", GLOB_PARTS);
}

/* --- patterns --- */

/* Whether it is taken as it is: without braces, exclusions, escapes, and in
 * the shape in which a path is written. The others go through `prepare`. */
static bool is_plain(const char *text, size_t size) {
  char before = '/';
  for (size_t i = 0; i < size; i++) {
    char c = text[i], after = i + 1 < size ? text[i + 1] : '/';
    if (c == '{' || c == '\\' || c == '\0') return false;
    if (c == '/' && (before == '/' || i + 1 == size)) return false;
    if (c == '.' && before == '/' && after == '/') return false;
    before = c;
  }
  return size > 0 && text[0] != '!';
}

static bool is_plain_list(lua_State *L, int list) {
  bool plain = true;
  for (lua_Integer i = 1, n = lua_rawlen(L, list); plain && i <= n; i++) {
    size_t size;
    if (lua_rawgeti(L, list, i) != LUA_TSTRING) {
      plain = false;
    } else {
      const char *text = lua_tolstring(L, -1, &size);
      plain = is_plain(text, size);
    }
    lua_pop(L, 1);
  }
  return plain;
}

/* Pushes the patterns to find and, if there may be any, those to leave out. */
static void push_prepared(lua_State *L, int list, int prepare) {
  if (is_plain_list(L, list)) {
    lua_pushvalue(L, list);
    lua_pushnil(L);
    return;
  }
  lua_pushvalue(L, prepare);
  lua_pushvalue(L, list);
  lua_call(L, 1, 2);
}

static int count_of(lua_State *L, int list) {
  return lua_istable(L, list) ? (int)lua_rawlen(L, list) : 0;
}

static const char **add_excludes(lua_State *L, struct stamp_plan *plan,
                                 const char **to, int list) {
  for (int i = 1, n = count_of(L, list); i <= n; i++) {
    size_t size;
    lua_rawgeti(L, list, i);
    const char *text = luaL_checklstring(L, -1, &size);
    *to = stamp_keep(plan, text, size);
    if (*to++ == NULL) check(L, ENOMEM);
    lua_pop(L, 1);
  }
  return to;
}

void stamp_check_group(lua_State *L, struct stamp_plan *plan, int list,
                       int excludes, int prepare) {
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, "patterns");
  push_prepared(L, list, prepare);
  lua_pushnil(L);
  if (count_of(L, excludes) > 0) {
    lua_pop(L, 1);
    push_prepared(L, excludes, prepare);
    lua_settop(L, top + 3);
  }
  size_t room = 1 + count_of(L, top + 2) + count_of(L, top + 3);
  const char **left_out = stamp_allocate(plan, room * sizeof *left_out);
  if (left_out == NULL) check(L, ENOMEM);
  *add_excludes(L, plan, add_excludes(L, plan, left_out, top + 2), top + 3) =
      NULL;
  check(L, stamp_group_open(plan, left_out));
  for (int i = 1, n = count_of(L, top + 1); i <= n; i++) {
    size_t size;
    lua_rawgeti(L, top + 1, i);
    const char *text = luaL_checklstring(L, -1, &size);
    check(L, stamp_group_add(plan, text, size));
    lua_pop(L, 1);
  }
  lua_settop(L, top);
}

/* --- look(root, groups, excludes, prepare) --- */

static void run_look(struct op_work *work) {
  stamp_look(&((struct look_op *)work)->plan);
}

static void look_drop(struct op *op) {
  stamp_plan_free(&((struct look_op *)op)->plan);
}

/* Nothing is said to be the same where something could not be read. */
static void push_problem(lua_State *L, struct stamp_result *result) {
  const char *path = result->error_path ? result->error_path : "?";
  uint64_t now = uv_hrtime();
  fingerprint_add(&result->sum.stamp, fingerprint_of(&now, sizeof now));
  lua_pushfstring(L, "cannot read '%s': %s", path, uv_strerror(-result->error));
  lua_setfield(L, -2, "problem");
}

static void push_missing(lua_State *L, struct stamp_plan *plan, int group) {
  const struct stamp_group *all = STAMP_GROUP(plan, group);
  int count = 0;
  lua_newtable(L);
  for (int i = 0; i < all->item_count; i++) {
    const struct stamp_item *item = STAMP_ITEM(plan, all->first_item + i);
    if (!stamp_is_missing(plan, item)) continue;
    lua_pushstring(L, item->text);
    lua_rawseti(L, -2, ++count);
  }
}

/* As fs.stat has it, bit by bit: the two are compared. */
static double seconds_of(int64_t time_ns) {
  int64_t rest = time_ns % 1000000000;
  if (rest < 0) rest += 1000000000;
  return (double)((time_ns - rest) / 1000000000) + (double)rest / 1e9;
}

/* `defaults` is the metatable of all looks: their empty list `missing`. A brief
 * look that has nothing to tell beyond its stamp is the stamp itself. */
static void push_look(lua_State *L, struct stamp_plan *plan, int group,
                      int defaults, bool brief) {
  struct stamp_result result = stamp_result_of(plan, group);
  bool young =
      result.sum.files > 0 && stamp_is_young(plan, result.sum.newest_ns);
  if (brief && !young && result.error == 0 && result.missing == 0) {
    lua_pushlstring(L, (const char *)&result.sum.stamp, FINGERPRINT);
    return;
  }
  lua_createtable(L, 0, 4);
  if (result.error != 0) push_problem(L, &result);
  lua_pushlstring(L, (const char *)&result.sum.stamp, FINGERPRINT);
  lua_setfield(L, -2, "stamp");
  lua_pushinteger(L, (lua_Integer)result.sum.files);
  lua_setfield(L, -2, "files");
  lua_pushinteger(L, (lua_Integer)result.sum.bytes);
  lua_setfield(L, -2, "bytes");
  lua_pushnumber(L, seconds_of(result.sum.newest_ns));
  lua_setfield(L, -2, "newest");
  if (young) {
    lua_pushboolean(L, true);
    lua_setfield(L, -2, "young");
  }
  if (result.missing > 0) {
    push_missing(L, plan, group);
    lua_setfield(L, -2, "missing");
  }
  lua_pushvalue(L, defaults);
  lua_setmetatable(L, -2);
}

static void push_defaults(lua_State *L) {
  lua_createtable(L, 0, 1);
  lua_createtable(L, 0, 1);
  lua_newtable(L);
  lua_setfield(L, -2, "missing");
  lua_setfield(L, -2, "__index");
}

static int look_result(lua_State *L, struct op *op) {
  struct stamp_plan *plan = &((struct look_op *)op)->plan;
  bool brief = ((struct look_op *)op)->brief;
  fault_check(L, &plan->fault, plan->root);
  luaL_checkstack(L, 10, "looks");
  push_defaults(L);
  int defaults = lua_gettop(L);
  lua_createtable(L, plan->groups.count, 0);
  for (int i = 0; i < plan->groups.count; i++) {
    push_look(L, plan, i, defaults, brief);
    lua_rawseti(L, -2, i + 1);
  }
  look_drop(op); /* the collector does not know how large it is */
  return 1;
}

/* look(root, groups, excludes, prepare, brief, folders) -> a look for each
 * group
 *
 * groups: lists of patterns; excludes: for some of them, by the same index,
 * a list of patterns that are not theirs; prepare(patterns) -> patterns to
 * find, patterns to leave out; folders: which there are counts, too. */
static int stamp_look_at(lua_State *L) {
  static const struct op_kind kind = {.name = "inputs.look",
                                      .size = sizeof(struct look_op),
                                      .result = look_result,
                                      .cancel = op_work_cancel,
                                      .drop = look_drop};
  const char *root = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  luaL_checktype(L, 4, LUA_TFUNCTION);
  bool brief = lua_toboolean(L, 5), folders = lua_toboolean(L, 6);
  lua_settop(L, 4);
  struct look_op *look = op_new(L, &kind);
  look->brief = brief;
  stamp_plan_init(&look->plan, root, &look->work.stop);
  look->plan.folders = folders;
  for (lua_Integer i = 1, n = lua_rawlen(L, 2); i <= n; i++) {
    lua_rawgeti(L, 2, i);
    luaL_checktype(L, -1, LUA_TTABLE);
    lua_rawgeti(L, 3, i);
    stamp_check_group(L, &look->plan, 6, 7, 4);
    lua_settop(L, 5);
  }
  op_work_start(&look->work, run_look);
  return op_await(L, &look->work.op);
}

int luaopen_orch_core_stamp(lua_State *L);
int luaopen_orch_core_stamp(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"look", stamp_look_at},    {"detail", stamp_detail},
      {"compare", stamp_compare}, {"sizes", stamp_sizes},
      {"records", stamp_records}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

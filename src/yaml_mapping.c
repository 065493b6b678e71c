/* Mappings: names that are unique, and what `<<` brings in from others. */
#include <lauxlib.h>
#include <string.h>
#include "yaml_value.h"

bool yaml_is_marked(lua_State *L, int index, const char *mark) {
  if (!lua_getmetatable(L, index)) return false;
  luaL_getmetatable(L, mark);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

static bool is_list(lua_State *L, int index) {
  if (yaml_is_marked(L, index, YAML_LIST)) return true;
  return lua_rawlen(L, index) > 0 && !yaml_is_marked(L, index, YAML_MAPPING);
}

/* Copies what the mapping `map` has no own value for from that on top. */
static void merge_one(struct yaml_reader *r, int map, const yaml_mark_t *mark) {
  lua_State *L = r->L;
  int from = lua_gettop(L);
  if (!lua_istable(L, from) || is_list(L, from))
    yaml_fail(r, mark, "'<<' takes a mapping, or a list of mappings");
  for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    if (lua_rawget(L, map) == LUA_TNIL) {
      lua_pushvalue(L, -3);
      lua_pushvalue(L, -3);
      lua_rawset(L, map);
    }
    lua_pop(L, 1);
  }
}

/* The value of `<<` is on top. */
static void merge(struct yaml_reader *r, int map, const yaml_mark_t *mark) {
  lua_State *L = r->L;
  if (!lua_istable(L, -1) || !is_list(L, lua_gettop(L))) {
    merge_one(r, map, mark);
    return;
  }
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, i);
    merge_one(r, map, mark);
    lua_pop(L, 1);
  }
}

static bool is_merge(const yaml_event_t *event) {
  return event->type == YAML_SCALAR_EVENT &&
         event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
         !event->data.scalar.tag &&
         strcmp((const char *)event->data.scalar.value, "<<") == 0;
}

/* Pushes a name. */
static void read_key(struct yaml_reader *r, int map, yaml_mark_t mark) {
  lua_State *L = r->L;
  yaml_read_node(r, r->all_texts);
  if (lua_istable(L, -1))
    yaml_fail(r, &mark, "a list or mapping cannot be a name here");
  if (lua_type(L, -1) == LUA_TNUMBER &&
      lua_tonumber(L, -1) != lua_tonumber(L, -1))
    yaml_fail(r, &mark, "NaN cannot be a name");
  lua_pushvalue(L, -1);
  if (lua_rawget(L, map) != LUA_TNIL && !r->keep_last)
    yaml_fail(r, &mark, "the name '%s' stands twice in this mapping",
              luaL_tolstring(L, -2, NULL));
  lua_pop(L, 1);
}

/* Whether the scalar of the name on top stays text. */
static bool stays_text(struct yaml_reader *r) {
  if (!r->texts) return r->all_texts;
  lua_pushvalue(r->L, -1);
  lua_rawget(r->L, r->texts);
  bool stays = lua_toboolean(r->L, -1);
  lua_pop(r->L, 1);
  return stays;
}

/* Own values first, in whatever order: what `<<` brings never replaces one. */
size_t yaml_read_mapping(struct yaml_reader *r) {
  lua_State *L = r->L;
  size_t weight = 0;
  lua_Integer merges = 0;
  yaml_mark_t mark = r->event.start_mark;
  yaml_enter(r);
  lua_newtable(L);
  int map = lua_gettop(L);
  for (yaml_next(r); r->event.type != YAML_MAPPING_END_EVENT; yaml_next(r)) {
    if (is_merge(&r->event)) {
      if (merges == 0) {
        mark = r->event.start_mark;
        lua_newtable(L);
      }
      yaml_next(r);
      weight += yaml_read_node(r, r->all_texts);
      lua_rawseti(L, map + 1, ++merges);
      continue;
    }
    read_key(r, map, r->event.start_mark);
    yaml_next(r);
    weight += yaml_read_node(r, stays_text(r));
    lua_rawset(L, map);
  }
  for (lua_Integer i = 1; i <= merges; i++) {
    lua_rawgeti(L, map + 1, i);
    merge(r, map, &mark);
    lua_pop(L, 1);
  }
  lua_settop(L, map);
  if (lua_rawgeti(L, map, 1) != LUA_TNIL) {
    luaL_getmetatable(L, YAML_MAPPING);
    lua_setmetatable(L, map);
  }
  lua_settop(L, map);
  r->depth--;
  return weight;
}

/* Builds Lua values from libyaml's events. An alias is the very table of its
 * anchor, and what all aliases stand for is counted, so that nine lines cannot
 * become a billion values. Recursion ends at YAML_MAX_DEPTH. */
#include <lauxlib.h>
#include <string.h>
#include "yaml_value.h"

#define MAX_ALIASED 1000000

#define STANDARD "tag:yaml.org,2002:"

static enum yaml_meaning push_meaning(struct yaml_reader *r, const char *text,
                                      size_t length) {
  int64_t integer = 0;
  double real = 0;
  enum yaml_meaning meaning = yaml_resolve(text, length, &integer, &real);
  switch (meaning) {
  case YAML_NULL:
    lua_pushlightuserdata(r->L, NULL);
    break;
  case YAML_TRUE:
  case YAML_FALSE:
    lua_pushboolean(r->L, meaning == YAML_TRUE);
    break;
  case YAML_INTEGER:
    lua_pushinteger(r->L, integer);
    break;
  case YAML_FLOAT:
    lua_pushnumber(r->L, real);
    break;
  default:
    lua_pushlstring(r->L, text, length);
  }
  return meaning;
}

/* A scalar whose tag says what it is: !!int "7". */
static void push_tagged(struct yaml_reader *r, const char *type,
                        const char *text, size_t length) {
  enum yaml_meaning meaning = push_meaning(r, text, length);
  bool good = true;
  if (strcmp(type, "int") == 0)
    good = meaning == YAML_INTEGER;
  else if (strcmp(type, "float") == 0)
    good = meaning == YAML_INTEGER || meaning == YAML_FLOAT;
  else if (strcmp(type, "bool") == 0)
    good = meaning == YAML_TRUE || meaning == YAML_FALSE;
  else if (strcmp(type, "null") == 0)
    good = meaning == YAML_NULL;
  else
    meaning = YAML_TEXT;
  if (!good) yaml_fail(r, &r->event.start_mark, "'%s' is no !!%s", text, type);
  if (strcmp(type, "float") == 0)
    lua_pushnumber(r->L, lua_tonumber(r->L, -1));
  else if (meaning == YAML_TEXT)
    lua_pushlstring(r->L, text, length);
  else
    return;
  lua_replace(r->L, -2);
}

static void push_scalar(struct yaml_reader *r, bool as_text) {
  const char *text = (const char *)r->event.data.scalar.value;
  const char *tag = (const char *)r->event.data.scalar.tag;
  size_t length = r->event.data.scalar.length;
  bool plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  if (tag && strncmp(tag, STANDARD, strlen(STANDARD)) == 0)
    push_tagged(r, tag + strlen(STANDARD), text, length);
  else if (!plain || (tag && strcmp(tag, "!") == 0) || (as_text && length > 0))
    lua_pushlstring(r->L, text, length);
  else
    push_meaning(r, text, length);
}

void yaml_enter(struct yaml_reader *r) {
  if (++r->depth > YAML_MAX_DEPTH)
    yaml_fail(r, &r->event.start_mark, "nested deeper than %d levels",
              YAML_MAX_DEPTH);
}

static size_t read_list(struct yaml_reader *r) {
  lua_State *L = r->L;
  lua_Integer n = 0;
  size_t weight = 0;
  yaml_enter(r);
  lua_newtable(L);
  for (yaml_next(r); r->event.type != YAML_SEQUENCE_END_EVENT; yaml_next(r)) {
    weight += yaml_read_node(r, r->all_texts);
    lua_rawseti(L, -2, ++n);
  }
  if (n == 0) luaL_setmetatable(L, YAML_LIST);
  r->depth--;
  return weight;
}

static size_t read_alias(struct yaml_reader *r) {
  lua_State *L = r->L;
  const char *name = (const char *)r->event.data.alias.anchor;
  yaml_mark_t mark = r->event.start_mark;
  if (lua_getfield(L, r->weights, name) == LUA_TNIL)
    yaml_fail(r, &mark, "no anchor &%s stands before this alias", name);
  size_t weight = (size_t)lua_tointeger(L, -1);
  if (weight == 0)
    yaml_fail(r, &mark, "the alias *%s is part of its own anchor", name);
  lua_pop(L, 1);
  r->aliased += weight;
  if (r->aliased > MAX_ALIASED)
    yaml_fail(r, &mark, "the aliases up to here stand for more than %d values",
              MAX_ALIASED);
  lua_getfield(L, r->anchors, name);
  return weight;
}

/* Replaces the value on top by what the script makes of its tag. */
static void apply_tag(struct yaml_reader *r, int tag) {
  lua_State *L = r->L;
  const char *name = lua_tostring(L, tag);
  if (!r->on_tag || strncmp(name, STANDARD, strlen(STANDARD)) == 0) return;
  lua_pushvalue(L, r->on_tag);
  lua_pushvalue(L, tag);
  lua_pushvalue(L, -3);
  lua_call(L, 2, 1);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushlightuserdata(L, NULL);
  }
  lua_replace(L, -2);
}

static void set_weight(struct yaml_reader *r, int anchor, size_t weight) {
  lua_pushvalue(r->L, anchor);
  lua_pushinteger(r->L, (lua_Integer)weight);
  lua_rawset(r->L, r->weights);
}

/* Pushes a value; returns how many there are in it, itself included. */
size_t yaml_read_node(struct yaml_reader *r, bool as_text) {
  lua_State *L = r->L;
  size_t weight = 1;
  luaL_checkstack(L, 16, "YAML nested too deeply");
  if (r->event.type == YAML_ALIAS_EVENT) return read_alias(r);
  int anchor = lua_gettop(L) + 1, tag = anchor + 1;
  lua_pushstring(L, yaml_anchor(&r->event));
  lua_pushstring(L, yaml_tag(&r->event));
  if (!lua_isnil(L, anchor)) set_weight(r, anchor, 0);
  if (r->event.type == YAML_SCALAR_EVENT)
    push_scalar(r, as_text);
  else if (r->event.type == YAML_SEQUENCE_START_EVENT)
    weight += read_list(r);
  else
    weight += yaml_read_mapping(r);
  if (!lua_isnil(L, tag)) apply_tag(r, tag);
  if (!lua_isnil(L, anchor)) {
    lua_pushvalue(L, anchor);
    lua_pushvalue(L, -2);
    lua_rawset(L, r->anchors);
    set_weight(r, anchor, weight);
  }
  lua_replace(L, anchor);
  lua_settop(L, anchor);
  return weight;
}

void yaml_read(struct yaml_reader *r) {
  yaml_read_node(r, r->all_texts);
}

/* A breadth-first list of the tables instead of recursion: a chain of a million
 * tables is copied like any other. First the values, then the contents of each
 * table in the order in which it was first met; a table met again is a number.
 */
#include "copy.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include "buffer.h"
#include "copy_format.h"
#include "error.h"

struct pack {
  lua_State *L;
  const struct copy_style *style;
  struct buffer *out;
  int first, last; /* the values */
  int seen;        /* index of {object = number} */
  int met;         /* index of {objects in order} */
  uint32_t count;
  uint32_t at; /* number of the table in work; 0: the values */
  int key;     /* index of its key in work */
};

static void put(struct pack *p, enum tag tag, const void *data, size_t size) {
  char *to = buffer_reserve(p->L, p->out, size + 1);
  *to = (char)tag;
  memcpy(to + 1, data, size);
  p->out->length += size + 1;
}

static enum kind kind_of(lua_State *L, int index) {
  if (!lua_getmetatable(L, index)) return KIND_PLAIN;
  luaL_getmetatable(L, COPY_JSON_ARRAY);
  bool array = lua_rawequal(L, -1, -2);
  lua_pop(L, 1);
  lua_pushliteral(L, "__plain"); /* arg.lua's: it has no methods to lose */
  bool plain = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 2);
  return array                      ? KIND_ARRAY
         : plain                    ? KIND_PLAIN
         : error_is_error(L, index) ? KIND_ERROR
                                    : KIND_OTHER;
}

/* The number of items in the list part, and of the other fields. A table with
 * holes may call a far one its length: then it is no list. */
static uint32_t list_length(lua_State *L, int index, uint32_t *fields) {
  lua_Unsigned length = lua_rawlen(L, index), total = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) total++;
  if (length > total) length = 0;
  *fields = (uint32_t)(total - length);
  return (uint32_t)length;
}

/* Pushes the key that leads from table `parent` to the value on top; false: it
 * is not in there. */
static bool find_key(struct pack *p, uint32_t parent) {
  lua_State *L = p->L;
  int value = lua_gettop(L), table = value + 1;
  if (lua_rawgeti(L, p->met, parent) != LUA_TTABLE) {
    lua_settop(L, value);
    return false;
  }
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    if (!lua_rawequal(L, -1, value)) continue;
    lua_pop(L, 1);
    lua_replace(L, table);
    return true;
  }
  lua_settop(L, value);
  return false;
}

/* Turns the key on top into ".name" or "[3]". */
static void format_key(lua_State *L) {
  bool name = lua_type(L, -1) == LUA_TSTRING;
  const char *text = luaL_tolstring(L, -1, NULL);
  lua_pushfstring(L, name ? ".%s" : "[%s]", text);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* Pushes the name of value `index` when it is the object on top. */
static bool push_label(struct pack *p, int index) {
  lua_State *L = p->L;
  if (!lua_rawequal(L, index, -1)) return false;
  int number = index - p->first + 1;
  if (p->style->labels == 0)
    lua_pushnil(L);
  else
    lua_rawgeti(L, p->style->labels, number);
  if (lua_isstring(L, -1)) return true;
  lua_pop(L, 1);
  if (p->style->labels) number -= (int)lua_rawlen(L, p->style->labels);
  lua_pushfstring(L, "%s %d", p->style->noun, number);
  return true;
}

/* Pushes "argument 2.jobs[3]", the place of the value at `index`, whose key is
 * known only for the innermost step; the others are searched for. */
static void push_place(struct pack *p, int index) {
  lua_State *L = p->L;
  char path[512] = "";
  luaL_checkstack(L, 100, "place");
  if (p->at > 0) {
    lua_pushvalue(L, p->key);
    format_key(L);
    snprintf(path, sizeof path, "%s", lua_tostring(L, -1));
    lua_rawgeti(L, p->met, p->at);
  } else {
    lua_pushvalue(L, index);
  }
  for (int steps = 0; steps < 16; steps++) {
    for (int i = p->first; i <= p->last; i++) {
      if (!push_label(p, i)) continue;
      lua_pushfstring(L, "%s%s", lua_tostring(L, -1), path);
      return;
    }
    uint32_t parent = 1;
    while (parent <= p->count && !find_key(p, parent)) parent++;
    if (parent > p->count) break;
    format_key(L);
    size_t length = strlen(path), room = sizeof path - length;
    size_t add = strlen(lua_tostring(L, -1));
    if (add >= room) break;
    memmove(path + add, path, length + 1);
    memcpy(path, lua_tostring(L, -1), add);
    lua_rawgeti(L, p->met, parent);
  }
  lua_pushfstring(L, "...%s", path);
}

static void refuse(struct pack *p, int index, const char *why) {
  push_place(p, index);
  error_usage(p->L, "cannot copy %s to another thread: it %s",
              lua_tostring(p->L, -1), why);
}

/* Lenient: what cannot be copied is described. */
static void put_text(struct pack *p, int index) {
  char text[64];
  size_t size =
      (size_t)snprintf(text, sizeof text, "%s: %p", luaL_typename(p->L, index),
                       lua_topointer(p->L, index));
  put(p, TAG_STRING, &size, sizeof size);
  buffer_add(p->L, p->out, text, size);
}

/* True when the object was met before; otherwise it gets its number. */
static bool met_before(struct pack *p, int index) {
  lua_State *L = p->L;
  lua_pushvalue(L, index);
  if (lua_rawget(L, p->seen) != LUA_TNIL) {
    uint32_t number = (uint32_t)lua_tointeger(L, -1);
    put(p, TAG_AGAIN, &number, sizeof number);
    lua_pop(L, 1);
    return true;
  }
  lua_pop(L, 1);
  lua_pushvalue(L, index);
  lua_rawseti(L, p->met, ++p->count);
  lua_pushvalue(L, index);
  lua_pushinteger(L, p->count);
  lua_rawset(L, p->seen);
  return false;
}

static void put_table(struct pack *p, int index) {
  lua_State *L = p->L;
  struct copy_table head = {.kind = kind_of(L, index)};
  if (head.kind == KIND_OTHER && !p->style->lenient)
    refuse(p, index,
           "has a metatable, whose methods would be lost; pass a "
           "plain table");
  if (met_before(p, index)) return;
  head.items = list_length(L, index, &head.fields);
  put(p, TAG_TABLE, &head, sizeof head);
}

static int add_code(lua_State *L, const void *data, size_t size, void *buffer) {
  buffer_add(L, buffer, data, size);
  return 0;
}

/* What a captured variable is in the copy, or what cannot be: 0. */
static enum capture capture_of(lua_State *L, int function, const char *name) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  bool globals = strcmp(name, "_ENV") == 0 || lua_rawequal(L, -1, -2);
  bool itself = lua_rawequal(L, function, -2);
  lua_pop(L, 1);
  return globals ? CAPTURE_GLOBALS : itself ? CAPTURE_ITSELF : CAPTURE_NONE;
}

/* Notes how to restore what the function captures; refuses anything but the
 * globals and the function itself (recursion). */
static unsigned check_captures(struct pack *p, int index, char *captures) {
  char names[256] = "", why[384];
  const char *name;
  unsigned count = 0;
  while ((name = lua_getupvalue(p->L, index, (int)count + 1))) {
    captures[count] = (char)capture_of(p->L, index, name);
    size_t length = strlen(names);
    if (captures[count++] == CAPTURE_NONE)
      snprintf(names + length, sizeof names - length, "%s'%s'",
               length ? ", " : "", name);
    lua_pop(p->L, 1);
  }
  snprintf(why, sizeof why,
           "captures %s; pass values as arguments, and require modules "
           "inside the function",
           names);
  if (*names) refuse(p, index, why);
  return count;
}

static void put_function(struct pack *p, int index) {
  char captures[COPY_MAX_CAPTURES];
  struct copy_function head = {0};
  if (p->style->lenient) {
    put_text(p, index);
    return;
  }
  if (lua_iscfunction(p->L, index))
    refuse(p, index, "is a C function; call it inside a function of your own");
  head.captures = check_captures(p, index, captures);
  if (met_before(p, index)) return;
  put(p, TAG_FUNCTION, &head, sizeof head);
  buffer_add(p->L, p->out, captures, head.captures);
  size_t start = p->out->length;
  lua_pushvalue(p->L, index);
  lua_dump(p->L, add_code, p->out, 0);
  lua_pop(p->L, 1);
  head.size = p->out->length - start;
  memcpy(p->out->data + start - head.captures - sizeof head, &head,
         sizeof head);
}

static void put_number(struct pack *p, int index) {
  if (lua_isinteger(p->L, index)) {
    lua_Integer integer = lua_tointeger(p->L, index);
    put(p, TAG_INTEGER, &integer, sizeof integer);
  } else {
    lua_Number real = lua_tonumber(p->L, index);
    put(p, TAG_FLOAT, &real, sizeof real);
  }
}

static void put_string(struct pack *p, int index) {
  size_t size;
  const char *text = lua_tolstring(p->L, index, &size);
  put(p, TAG_STRING, &size, sizeof size);
  buffer_add(p->L, p->out, text, size);
}

static void put_value(struct pack *p, int index) {
  char why[64];
  switch (lua_type(p->L, index)) {
  case LUA_TNIL:
    put(p, TAG_NIL, "", 0);
    return;
  case LUA_TBOOLEAN:
    put(p, lua_toboolean(p->L, index) ? TAG_TRUE : TAG_FALSE, "", 0);
    return;
  case LUA_TNUMBER:
    put_number(p, index);
    return;
  case LUA_TSTRING:
    put_string(p, index);
    return;
  case LUA_TTABLE:
    put_table(p, index);
    return;
  case LUA_TFUNCTION:
    put_function(p, index);
    return;
  case LUA_TLIGHTUSERDATA:
    if (!lua_touserdata(p->L, index)) {
      put(p, TAG_NULL, "", 0);
      return;
    }
  }
  snprintf(why, sizeof why, "is a %s", luaL_typename(p->L, index));
  if (p->style->lenient)
    put_text(p, index);
  else
    refuse(p, index, why);
}

/* The contents of the table on top: its list first, then the other fields. */
static void put_contents(struct pack *p) {
  lua_State *L = p->L;
  int table = lua_gettop(L);
  uint32_t fields, count = list_length(L, table, &fields);
  lua_Integer items = count;
  p->key = table + 1;
  buffer_add(L, p->out, &count, sizeof count);
  for (lua_Integer i = 1; i <= items; i++) {
    lua_pushinteger(L, i);
    lua_rawgeti(L, table, i);
    put_value(p, table + 2);
    lua_pop(L, 2);
  }
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    if (lua_isinteger(L, p->key) && lua_tointeger(L, p->key) > 0 &&
        lua_tointeger(L, p->key) <= items)
      continue;
    put_value(p, table + 1);
    put_value(p, table + 2);
  }
  put(p, TAG_END, "", 0);
}

void copy_pack(lua_State *L, int first, const struct copy_style *style) {
  struct pack p = {.L = L, .style = style, .first = first};
  p.last = lua_gettop(L);
  luaL_checkstack(L, 24, "too many values to copy");
  lua_newtable(L);
  p.seen = p.last + 1;
  lua_newtable(L);
  p.met = p.last + 2;
  p.out = buffer_new(L);
  uint32_t values = (uint32_t)(p.last - first + 1);
  buffer_add(L, p.out, &values, sizeof values);
  for (int i = first; i <= p.last; i++) put_value(&p, i);
  for (p.at = 1; p.at <= p.count; p.at++) {
    if (lua_rawgeti(L, p.met, p.at) == LUA_TTABLE) put_contents(&p);
    lua_pop(L, 1);
  }
  buffer_push(L, p.out);
  lua_replace(L, p.seen);
  lua_settop(L, p.seen);
}

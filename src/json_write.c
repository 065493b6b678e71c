/* Writes Lua values as JSON text: integers and doubles so that they come back
 * the same, and a refusal with its place for what JSON cannot say. cjson would
 * write 14 digits, {} for [] and "\/", so nothing here goes through it. */
#include "json.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "buffer.h"
#include "error.h"
#include "json_scan.h"

#define TEXT_OF(number) #number
#define TEXT(macro) TEXT_OF(macro)
#define LIMIT TEXT(JSON_MAX_DEPTH)

/* One table that is being written; its chain is the place of a value. */
struct frame {
  struct frame *up;
  int table, key; /* stack indices; of the key in work */
};

struct writer {
  lua_State *L;
  struct buffer *out;
  const struct json_style *style;
  struct frame *top;
  int depth;
};

static void write_value(struct writer *w, int index);

/* Pushes ".jobs[3].run", the place of the value in work. */
static void push_place(lua_State *L, struct frame *frame) {
  if (!frame) {
    lua_pushliteral(L, "");
    return;
  }
  luaL_checkstack(L, 4, "JSON place");
  push_place(L, frame->up);
  if (frame->key == 0) return;
  const char *name = lua_type(L, frame->key) == LUA_TSTRING
                         ? lua_tostring(L, frame->key)
                         : NULL;
  if (!name)
    lua_pushfstring(L, "[%s]", luaL_tolstring(L, frame->key, NULL));
  else if (*name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
                                 "RSTUVWXYZ_0123456789") == strlen(name))
    lua_pushfstring(L, ".%s", name);
  else
    lua_pushfstring(L, "[\"%s\"]", name);
  if (!name) lua_remove(L, -2);
  lua_concat(L, 2);
}

/* "cannot encode WHAT at PLACE" */
static void refuse(struct writer *w, const char *what, const char *advice) {
  lua_State *L = w->L;
  luaL_checkstack(L, 8, "JSON place");
  push_place(L, w->top);
  const char *place = lua_tostring(L, -1);
  error_push(L, "json", "cannot encode %s%s%s%s", what, *place ? " at " : "",
             place, advice);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "at");
  error_throw(L);
}

static void write_text(struct writer *w, const char *text) {
  buffer_add(w->L, w->out, text, strlen(text));
}

static void write_string(struct writer *w, int index) {
  if (!json_add_string(w->L, w->out, index))
    refuse(w, "a string that is not UTF-8", "");
}

static void write_number(struct writer *w, int index) {
  char *to = buffer_reserve(w->L, w->out, JSON_NUMBER_SIZE);
  if (lua_isinteger(w->L, index)) {
    w->out->length += json_format_integer(lua_tointeger(w->L, index), to);
    return;
  }
  double real = lua_tonumber(w->L, index);
  if (isnan(real)) refuse(w, "NaN", ": JSON has no such number");
  if (isinf(real)) refuse(w, "infinity", ": JSON has no such number");
  w->out->length += json_format_double(real, to);
}

static void write_break(struct writer *w) {
  if (w->style->indent == 0) return;
  size_t spaces = (size_t)w->depth * (size_t)w->style->indent;
  char *to = buffer_reserve(w->L, w->out, spaces + 1);
  *to = '\n';
  memset(to + 1, ' ', spaces);
  w->out->length += spaces + 1;
}

static void write_array(struct writer *w, int table) {
  lua_State *L = w->L;
  lua_Integer n = (lua_Integer)lua_rawlen(L, table);
  lua_pushnil(L);
  w->top->key = lua_gettop(L);
  buffer_byte(L, w->out, '[');
  w->depth++;
  for (lua_Integer i = 1; i <= n; i++) {
    if (i > 1) buffer_byte(L, w->out, ',');
    lua_pushinteger(L, i);
    lua_replace(L, w->top->key);
    write_break(w);
    lua_rawgeti(L, table, i);
    write_value(w, lua_gettop(L));
    lua_pop(L, 1);
  }
  w->depth--;
  if (n > 0) write_break(w);
  buffer_byte(L, w->out, ']');
  lua_pop(L, 1);
}

/* The name and value on top. */
static void write_member(struct writer *w, bool first) {
  int key = lua_gettop(w->L) - 1;
  w->top->key = key;
  if (!first) buffer_byte(w->L, w->out, ',');
  write_break(w);
  write_string(w, key);
  write_text(w, w->style->indent ? ": " : ":");
  write_value(w, key + 1);
}

struct name {
  const char *text;
  size_t length;
};

static int compare_names(const void *a, const void *b) {
  const struct name *x = a, *y = b;
  size_t shorter = x->length < y->length ? x->length : y->length;
  int order = memcmp(x->text, y->text, shorter);
  return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* The names stay alive as keys of the table. */
static void write_sorted(struct writer *w, int table, size_t count) {
  lua_State *L = w->L;
  struct name *names = lua_newuserdatauv(L, count * sizeof *names, 0);
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), n++)
    names[n].text = lua_tolstring(L, -2, &names[n].length);
  qsort(names, count, sizeof *names, compare_names);
  for (n = 0; n < count; n++) {
    lua_pushlstring(L, names[n].text, names[n].length);
    lua_pushvalue(L, -1);
    lua_rawget(L, table);
    write_member(w, n == 0);
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
}

static void write_object(struct writer *w, int table, size_t count) {
  lua_State *L = w->L;
  bool first = true;
  buffer_byte(L, w->out, '{');
  w->depth++;
  if (w->style->sorted && count > 1)
    write_sorted(w, table, count);
  else
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), first = false)
      write_member(w, first);
  w->depth--;
  if (count > 0) write_break(w);
  buffer_byte(L, w->out, '}');
}

/* Counts the names of the table, or refuses what is neither list nor object. */
static size_t check_keys(struct writer *w, int table, bool *array) {
  lua_State *L = w->L;
  lua_Integer items = 0, last = 0;
  size_t names = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    if (lua_type(L, -2) == LUA_TSTRING) {
      names++;
    } else if (lua_isinteger(L, -2) && lua_tointeger(L, -2) > 0) {
      items++;
      if (lua_tointeger(L, -2) > last) last = lua_tointeger(L, -2);
    } else {
      w->top->key = lua_gettop(L) - 1;
      refuse(w, "a key that is neither a name nor a list index", "");
    }
  }
  *array = items > 0 || *array;
  if (*array && names > 0)
    refuse(w, "a table with both list items and names", "");
  if (last == items) return names;
  lua_Integer hole = 1;
  while (lua_rawgeti(L, table, hole) != LUA_TNIL) {
    lua_pop(L, 1);
    hole++;
  }
  lua_pushinteger(L, hole);
  w->top->key = lua_gettop(L);
  refuse(w, "a list with a hole", ": write json.null there");
  return 0;
}

/* A table that contains itself runs into the limit, too. The shallowest place
 * where a table of the chain comes again is the one to show. */
static void refuse_depth(struct writer *w) {
  struct frame *again = NULL;
  for (struct frame *a = w->top; a; a = a->up)
    for (struct frame *b = a->up; b; b = b->up)
      if (lua_rawequal(w->L, a->table, b->table)) again = a;
  w->top = again ? again->up : NULL;
  if (again) refuse(w, "a table that contains itself", "");
  refuse(w, "a value nested deeper than " LIMIT " levels", "");
}

static void write_table(struct writer *w, int index) {
  lua_State *L = w->L;
  struct frame frame = {.up = w->top, .table = index, .key = 0};
  bool array = false;
  luaL_checkstack(L, 10, "JSON nested too deeply");
  if (lua_getmetatable(L, index)) {
    luaL_getmetatable(L, JSON_ARRAY);
    array = lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    lua_pushliteral(L, "__pairs");
    if (lua_rawget(L, -2) != LUA_TNIL)
      refuse(w, "an object with a __pairs of its own",
             ": copy it to a plain table first");
    lua_pop(L, 2);
  }
  w->top = &frame;
  if (w->depth == JSON_MAX_DEPTH) refuse_depth(w);
  size_t names = check_keys(w, index, &array);
  frame.key = 0;
  if (array)
    write_array(w, index);
  else
    write_object(w, index, names);
  w->top = frame.up;
}

static void write_value(struct writer *w, int index) {
  char what[48];
  switch (lua_type(w->L, index)) {
  case LUA_TBOOLEAN:
    write_text(w, lua_toboolean(w->L, index) ? "true" : "false");
    return;
  case LUA_TNUMBER:
    write_number(w, index);
    return;
  case LUA_TSTRING:
    write_string(w, index);
    return;
  case LUA_TTABLE:
    write_table(w, index);
    return;
  case LUA_TNIL:
    refuse(w, "nil", ": write json.null");
    return;
  case LUA_TLIGHTUSERDATA:
    if (!lua_touserdata(w->L, index)) {
      write_text(w, "null");
      return;
    }
  }
  snprintf(what, sizeof what, "a %s", luaL_typename(w->L, index));
  refuse(w, what, "");
}

void json_write(lua_State *L, int index, const struct json_style *style) {
  struct writer w = {.L = L, .style = style};
  index = lua_absindex(L, index);
  w.out = buffer_new(L);
  write_value(&w, index);
  buffer_push(L, w.out);
  lua_remove(L, -2);
}

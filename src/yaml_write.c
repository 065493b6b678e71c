/* Writes Lua values as YAML: names sorted, quotes where a reader could take a
 * text for something else, texts of several lines as blocks. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "error.h"
#include "json_scan.h"
#include "yaml_value.h"
#include "yaml_emit.h"

static void write_value(struct yaml_writer *w, int index);

/* Pushes ".jobs[3].run", the place of the value in work. */
static void push_place(lua_State *L, struct yaml_frame *frame) {
  if (!frame) {
    lua_pushliteral(L, "");
    return;
  }
  luaL_checkstack(L, 6, "YAML place");
  push_place(L, frame->up);
  if (lua_type(L, frame->key) == LUA_TSTRING)
    lua_pushfstring(L, ".%s", lua_tostring(L, frame->key));
  else
    lua_pushfstring(L, "[%s]", luaL_tolstring(L, frame->key, NULL));
  if (lua_type(L, frame->key) != LUA_TSTRING) lua_remove(L, -2);
  lua_concat(L, 2);
}

/* "cannot encode WHAT at PLACE" */
static int refuse(struct yaml_writer *w, const char *what) {
  lua_State *L = w->L;
  luaL_checkstack(L, 10, "YAML place");
  push_place(L, w->top);
  const char *place = lua_tostring(L, -1);
  error_push(L, "yaml", "cannot encode %s%s%s", what, *place ? " at " : "",
             place);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "at");
  return error_throw(L);
}

static void write_plain(struct yaml_writer *w, const char *text,
                        size_t length) {
  yaml_emit_scalar(w, text, length, YAML_PLAIN_SCALAR_STYLE);
}

static bool is_utf8(const char *text, size_t length) {
  for (const char *end = text + length; text < end;) {
    size_t bytes = (unsigned char)*text < 0x80 ? 1 : json_utf8(text);
    if (bytes == 0) return false;
    text += bytes;
  }
  return true;
}

static void write_string(struct yaml_writer *w, int index) {
  size_t length;
  const char *text = lua_tolstring(w->L, index, &length);
  yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;
  if (length >= INT32_MAX) refuse(w, "a string of more than 2 GB");
  if (!is_utf8(text, length)) refuse(w, "a string that is not UTF-8");
  if (memchr(text, '\n', length) && !memchr(text, '\t', length))
    style = YAML_LITERAL_SCALAR_STYLE;
  else if (memchr(text, '\n', length))
    style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
  else if (yaml_is_ambiguous(text, length))
    style = YAML_SINGLE_QUOTED_SCALAR_STYLE;
  yaml_emit_scalar(w, text, length, style);
}

/* With a point before the exponent, without which YAML 1.1 sees a text. */
static void write_number(struct yaml_writer *w, int index) {
  char text[JSON_NUMBER_SIZE + 2];
  size_t length;
  double real = lua_tonumber(w->L, index);
  if (lua_isinteger(w->L, index)) {
    length = json_format_integer(lua_tointeger(w->L, index), text);
  } else if (isnan(real)) {
    length = strlen(strcpy(text, ".nan"));
  } else if (isinf(real)) {
    length = strlen(strcpy(text, real > 0 ? ".inf" : "-.inf"));
  } else {
    length = json_format_double(real, text);
    char *exponent = memchr(text, 'e', length);
    if (exponent && !memchr(text, '.', length)) {
      memmove(exponent + 2, exponent, (size_t)(text + length - exponent));
      memcpy(exponent, ".0", 2);
      length += 2;
    }
  }
  write_plain(w, text, length);
}

struct key {
  int type;
  bool is_integer;
  lua_Integer integer; /* of a boolean as well */
  double number;
  const char *text;
  size_t length;
};

/* Booleans, numbers, then texts in byte order. */
static int compare_keys(const void *a, const void *b) {
  const struct key *x = a, *y = b;
  if (x->type != y->type) return x->type - y->type;
  if (x->type == LUA_TNUMBER && x->number != y->number)
    return x->number < y->number ? -1 : 1;
  if (x->type != LUA_TSTRING)
    return (x->integer > y->integer) - (x->integer < y->integer);
  size_t shorter = x->length < y->length ? x->length : y->length;
  int order = memcmp(x->text, y->text, shorter);
  return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* The texts stay alive as keys of the table. */
static void take_key(struct yaml_writer *w, int index, struct key *key) {
  lua_State *L = w->L;
  memset(key, 0, sizeof *key);
  key->type = lua_type(L, index);
  if (key->type == LUA_TSTRING) {
    key->text = lua_tolstring(L, index, &key->length);
  } else if (key->type == LUA_TBOOLEAN) {
    key->integer = lua_toboolean(L, index);
  } else if (key->type == LUA_TNUMBER) {
    key->is_integer = lua_isinteger(L, index);
    key->integer = lua_tointeger(L, index);
    key->number = lua_tonumber(L, index);
  } else {
    refuse(w, "a key that is no text, number or boolean");
  }
}

static void push_key(lua_State *L, const struct key *key) {
  if (key->type == LUA_TSTRING)
    lua_pushlstring(L, key->text, key->length);
  else if (key->type == LUA_TBOOLEAN)
    lua_pushboolean(L, key->integer != 0);
  else if (key->is_integer)
    lua_pushinteger(L, key->integer);
  else
    lua_pushnumber(L, key->number);
}

static void start_mapping(struct yaml_writer *w) {
  yaml_event_t event;
  yaml_emit(w, &event,
            yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                                YAML_BLOCK_MAPPING_STYLE));
}

static void write_mapping(struct yaml_writer *w, int table, size_t count) {
  lua_State *L = w->L;
  yaml_event_t event;
  struct key *keys = lua_newuserdatauv(L, count * sizeof *keys + 1, 0);
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), n++) {
    w->top->key = lua_gettop(L) - 1;
    take_key(w, w->top->key, &keys[n]);
  }
  qsort(keys, count, sizeof *keys, compare_keys);
  start_mapping(w);
  for (size_t i = 0; i < count; i++) {
    push_key(L, &keys[i]);
    int key = w->top->key = lua_gettop(L);
    write_value(w, key);
    lua_pushvalue(L, key);
    lua_rawget(L, table);
    write_value(w, key + 1);
    lua_settop(L, key - 1);
  }
  yaml_emit(w, &event, yaml_mapping_end_event_initialize(&event));
  lua_pop(L, 1);
}

static void write_list(struct yaml_writer *w, int table, lua_Integer count) {
  lua_State *L = w->L;
  yaml_event_t event;
  yaml_emit(w, &event,
            yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                 YAML_BLOCK_SEQUENCE_STYLE));
  for (lua_Integer i = 1; i <= count; i++) {
    lua_pushinteger(L, i);
    w->top->key = lua_gettop(L);
    lua_rawgeti(L, table, i);
    write_value(w, lua_gettop(L));
    lua_pop(L, 2);
  }
  yaml_emit(w, &event, yaml_sequence_end_event_initialize(&event));
}

static void write_table(struct yaml_writer *w, int table) {
  lua_State *L = w->L;
  size_t count = 0, items = (size_t)lua_rawlen(L, table);
  bool mapping = yaml_is_marked(L, table, YAML_MAPPING);
  bool list = yaml_is_marked(L, table, YAML_LIST), numbers = false;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), count++)
    numbers = numbers || lua_type(L, -2) == LUA_TNUMBER;
  if (mapping || (items == 0 && !list && !(count > 0 && numbers))) {
    write_mapping(w, table, count);
  } else if (count == items) {
    write_list(w, table, (lua_Integer)items);
  } else if (items == 0 && !list) {
    write_mapping(w, table, count);
  } else {
    refuse(w, "a table with both list items and names, or with holes,");
  }
}

static void write_nested(struct yaml_writer *w, int index) {
  struct yaml_frame frame = {.up = w->top, .key = index};
  if (++w->depth > YAML_MAX_DEPTH)
    refuse(w, "what is deeper than 1000 levels (or contains itself)");
  w->top = &frame;
  write_table(w, index);
  w->top = frame.up;
  w->depth--;
}

static void write_value(struct yaml_writer *w, int index) {
  lua_State *L = w->L;
  luaL_checkstack(L, 12, "YAML nested too deeply");
  switch (lua_type(L, index)) {
  case LUA_TSTRING:
    write_string(w, index);
    return;
  case LUA_TNUMBER:
    write_number(w, index);
    return;
  case LUA_TBOOLEAN:
    if (lua_toboolean(L, index))
      write_plain(w, "true", 4);
    else
      write_plain(w, "false", 5);
    return;
  case LUA_TTABLE:
    write_nested(w, index);
    return;
  case LUA_TLIGHTUSERDATA:
    if (!lua_touserdata(L, index)) {
      write_plain(w, "null", 4);
      return;
    } /* fall through */
  default:
    refuse(w, lua_pushfstring(L, "a %s", luaL_typename(L, index)));
  }
}

void yaml_write(lua_State *L, int index, int indent) {
  yaml_event_t event;
  struct yaml_writer *w = yaml_writer_new(L, indent);
  yaml_emit(w, &event,
            yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
  yaml_emit(w, &event,
            yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
  write_value(w, index);
  yaml_emit(w, &event, yaml_document_end_event_initialize(&event, 1));
  yaml_emit(w, &event, yaml_stream_end_event_initialize(&event));
  lua_pushlstring(L, w->data, w->length);
}

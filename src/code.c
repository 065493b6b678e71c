/* orch.core.code: what a Lua function does, as a fingerprint of its bytecode
 * without lines and names, and the text constants in it. string.dump keeps the
 * lines of every function even when it strips, so this reads the dump. */
#include "buffer.h"
#include "error.h"
#include "fingerprint.h"

#include <lauxlib.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* The format is internal to Lua and said to be that of one version only. */
#if LUA_VERSION_NUM != 504
#error "the format of dumps is known of Lua 5.4 only"
#endif

enum { FLOAT = 0x13, INTEGER = 0x03, SHORT_TEXT = 0x04, LONG_TEXT = 0x14 };

struct dump {
  lua_State *L;
  const unsigned char *at, *end;
  unsigned char *kept; /* where the next bytes that count go to */
  int strings;         /* stack index of the table of constants; 0: none */
};

static void broken(struct dump *dump) {
  luaL_error(dump->L, "code: this dump of a function cannot be read");
}

static const unsigned char *take(struct dump *dump, size_t size) {
  const unsigned char *bytes = dump->at;
  if ((size_t)(dump->end - bytes) < size) broken(dump);
  dump->at += size;
  return bytes;
}

/* What counts moves to the front of the dump's own memory, over what does not.
 */
static void keep(struct dump *dump, const unsigned char *bytes, size_t size) {
  memmove(dump->kept, bytes, size);
  dump->kept += size;
}

/* Seven bits a byte, the highest first; the last one has its top bit set. */
static size_t take_size(struct dump *dump) {
  size_t value = 0;
  for (;;) {
    unsigned char byte = *take(dump, 1);
    if (value >> (sizeof value * CHAR_BIT - 7)) broken(dump);
    value = value << 7 | (byte & 0x7F);
    if (byte & 0x80) return value;
  }
}

static size_t keep_size(struct dump *dump) {
  const unsigned char *from = dump->at;
  size_t value = take_size(dump);
  keep(dump, from, (size_t)(dump->at - from));
  return value;
}

static void keep_vector(struct dump *dump, size_t each) {
  size_t count = keep_size(dump);
  if (count > (size_t)(dump->end - dump->at)) broken(dump);
  keep(dump, take(dump, count * each), count * each);
}

static void skip_vector(struct dump *dump, size_t each) {
  size_t count = take_size(dump);
  if (count > (size_t)(dump->end - dump->at)) broken(dump);
  take(dump, count * each);
}

/* Its length plus one, then its bytes; 0: there is none. */
static void skip_name(struct dump *dump) {
  size_t size = take_size(dump);
  if (size > 0) take(dump, size - 1);
}

static void keep_text(struct dump *dump) {
  size_t size = keep_size(dump);
  if (size == 0) return;
  const unsigned char *text = take(dump, size - 1);
  if (dump->strings != 0) {
    lua_pushlstring(dump->L, (const char *)text, size - 1);
    lua_pushboolean(dump->L, true);
    lua_rawset(dump->L, dump->strings);
  }
  keep(dump, text, size - 1);
}

static void keep_constants(struct dump *dump) {
  for (size_t left = keep_size(dump); left > 0; left--) {
    const unsigned char *type = take(dump, 1);
    unsigned char kind = *type;
    keep(dump, type, 1);
    if (kind == FLOAT)
      keep(dump, take(dump, sizeof(lua_Number)), sizeof(lua_Number));
    else if (kind == INTEGER)
      keep(dump, take(dump, sizeof(lua_Integer)), sizeof(lua_Integer));
    else if (kind == SHORT_TEXT || kind == LONG_TEXT)
      keep_text(dump);
  }
}

/* As ldump.c writes a function; nested ones follow each other. */
static void keep_function(struct dump *dump) {
  luaL_checkstack(dump->L, 4, "functions within functions");
  skip_name(dump); /* source */
  take_size(dump); /* first line */
  take_size(dump); /* last line */
  keep(dump, take(dump, 3), 3);
  keep_vector(dump, sizeof(uint32_t)); /* instructions */
  keep_constants(dump);
  keep_vector(dump, 3); /* where upvalues come from */
  for (size_t left = keep_size(dump); left > 0; left--) keep_function(dump);
  skip_vector(dump, 1); /* lines */
  for (size_t left = take_size(dump); left > 0; left--) {
    take_size(dump);
    take_size(dump);
  }
  for (size_t left = take_size(dump); left > 0; left--) { /* locals */
    skip_name(dump);
    take_size(dump);
    take_size(dump);
  }
  for (size_t left = take_size(dump); left > 0; left--) skip_name(dump);
}

/* The header of this very Lua: another one's dump would mean something else. */
static void check_header(struct dump *dump) {
  static const unsigned char known[] = {'\x1b',
                                        'L',
                                        'u',
                                        'a',
                                        0x54,
                                        0,
                                        0x19,
                                        0x93,
                                        '\r',
                                        '\n',
                                        0x1a,
                                        '\n',
                                        sizeof(uint32_t),
                                        sizeof(lua_Integer),
                                        sizeof(lua_Number)};
  const unsigned char *header = take(dump, sizeof known);
  if (memcmp(header, known, sizeof known) != 0) broken(dump);
  take(dump, sizeof(lua_Integer) + sizeof(lua_Number));
  keep(dump, take(dump, 1), 1); /* number of upvalues */
}

static int add_piece(lua_State *L, const void *bytes, size_t size, void *data) {
  buffer_add(L, data, bytes, size);
  return 0;
}

/* Every call uses the same buffer, an upvalue. What counts is gathered at its
 * front while the rest is read; it is never longer. */
static struct fingerprint read_function(lua_State *L, int strings) {
  struct buffer *buffer = lua_touserdata(L, lua_upvalueindex(1));
  luaL_checktype(L, 1, LUA_TFUNCTION);
  if (lua_iscfunction(L, 1)) error_usage(L, "code: a C function has no code");
  buffer->length = 0;
  lua_pushvalue(L, 1);
  lua_dump(L, add_piece, buffer, true);
  lua_pop(L, 1);
  unsigned char *start = (unsigned char *)buffer->data;
  struct dump dump = {.L = L,
                      .at = start,
                      .end = start + buffer->length,
                      .kept = start,
                      .strings = strings};
  check_header(&dump);
  keep_function(&dump);
  if (dump.at != dump.end) broken(&dump);
  return fingerprint_of(start, (size_t)(dump.kept - start));
}

static int push_fingerprint(lua_State *L, struct fingerprint one) {
  lua_pushlstring(L, (const char *)&one, sizeof one);
  return 1;
}

/* fingerprint(function) -> 16 bytes */
static int code_fingerprint(lua_State *L) {
  return push_fingerprint(L, read_function(L, 0));
}

/* strings(function) -> {constant = true}, of the functions in it, too */
static int code_strings(lua_State *L) {
  lua_settop(L, 1);
  lua_newtable(L);
  read_function(L, 2);
  return 1;
}

static bool is_script(lua_State *L) {
  lua_Debug about;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_pushvalue(L, 1);
  lua_getinfo(L, ">S", &about);
  return *about.what != 'C' && strncmp(about.source, "=orch/", 6) != 0;
}

/* is_script(function): neither C nor a part of orch's own library */
static int code_is_script(lua_State *L) {
  lua_pushboolean(L, is_script(L));
  return 1;
}

/* of_script(function) -> its fingerprint; false where it is not the script's */
static int code_of_script(lua_State *L) {
  if (is_script(L)) return code_fingerprint(L);
  lua_pushboolean(L, false);
  return 1;
}

/* hash(text) -> 16 bytes */
static int code_hash(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  return push_fingerprint(L, fingerprint_of(text, size));
}

static void add_string(lua_State *L, struct buffer *buffer, int index) {
  size_t size;
  const char *text = luaL_checklstring(L, index, &size);
  buffer_add(L, buffer, &size, sizeof size);
  buffer_add(L, buffer, text, size);
}

static void add_list(lua_State *L, struct buffer *buffer, int index) {
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  buffer_add(L, buffer, &count, sizeof count);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, index, i);
    add_string(L, buffer, lua_gettop(L));
    lua_pop(L, 1);
  }
}

/* hash_all(...) -> 16 bytes over strings, lists of strings and nil, none of
 * which runs into the next; without a string of it all in between */
static int code_hash_all(lua_State *L) {
  struct buffer *buffer = lua_touserdata(L, lua_upvalueindex(1));
  int count = lua_gettop(L);
  buffer->length = 0;
  for (int i = 1; i <= count; i++) {
    char type = (char)lua_type(L, i);
    buffer_add(L, buffer, &type, 1);
    if (type == LUA_TTABLE)
      add_list(L, buffer, i);
    else if (type != LUA_TNIL)
      add_string(L, buffer, i);
  }
  return push_fingerprint(L, fingerprint_of(buffer->data, buffer->length));
}

int luaopen_orch_core_code(lua_State *L);
int luaopen_orch_core_code(lua_State *L) {
  static const luaL_Reg functions[] = {{"fingerprint", code_fingerprint},
                                       {"hash", code_hash},
                                       {"is_script", code_is_script},
                                       {"of_script", code_of_script},
                                       {"strings", code_strings},
                                       {"hash_all", code_hash_all},
                                       {NULL, NULL}};
  luaL_newlibtable(L, functions);
  buffer_new(L);
  luaL_setfuncs(L, functions, 1);
  return 1;
}

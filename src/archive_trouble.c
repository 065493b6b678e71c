/* What went wrong with an archive, from the thread to the task: see
 * archive_common.h. Names of entries come from strangers and may hold anything.
 */
#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "archive_common.h"
#include "error.h"

bool trouble_os(struct trouble *trouble, int error, const char *doing,
                const char *path) {
  if (trouble->kind) return false;
  trouble->kind = "os";
  trouble->error = error;
  if (doing) trouble->doing = doing;
  trouble->path = path ? strdup(path) : NULL;
  return false;
}

bool trouble_say(struct trouble *trouble, const char *kind, const char *reason,
                 const char *entry, const char *format, ...) {
  if (trouble->kind) return false;
  trouble->kind = kind;
  trouble->reason = reason;
  trouble->entry = entry ? strdup(entry) : NULL;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(trouble->words, sizeof trouble->words, format, arguments);
  va_end(arguments);
  return false;
}

/* U+0080 to U+009F: 155, for one, begins commands as ESC [ does. */
static bool is_c1(const char *at) {
  unsigned char next = (unsigned char)at[1];
  return (unsigned char)at[0] == 0xC2 && next >= 0x80 && next < 0xA0;
}

/* Without control characters, which a terminal would obey, and cut short. */
static void add_shown(luaL_Buffer *buffer, const char *text, size_t limit) {
  for (size_t i = 0; text[i] != '\0'; i++) {
    unsigned char c = (unsigned char)text[i];
    if (i >= limit && (c & 0xC0) != 0x80) {
      luaL_addstring(buffer, "...");
      return;
    }
    bool c1 = is_c1(text + i);
    if (c >= 32 && c != 127 && !c1) {
      luaL_addchar(buffer, (char)c);
    } else {
      char code[8];
      if (c1) c = (unsigned char)text[++i];
      snprintf(code, sizeof code, "\\x%02X", c);
      luaL_addstring(buffer, code);
    }
  }
}

static void push_sentence(lua_State *L, const struct trouble *trouble,
                          const char *path) {
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  luaL_addstring(&buffer, "cannot ");
  luaL_addstring(&buffer, trouble->doing);
  luaL_addstring(&buffer, " '");
  add_shown(&buffer, path, SIZE_MAX);
  luaL_addstring(&buffer, "': ");
  if (trouble->entry) {
    luaL_addstring(&buffer, "'");
    add_shown(&buffer, trouble->entry, 200);
    luaL_addstring(&buffer, "': ");
  }
  add_shown(&buffer, trouble->words, SIZE_MAX);
  luaL_pushresult(&buffer);
  if (trouble->offset >= 0) {
    lua_pushfstring(L, "%s (at byte %I)", lua_tostring(L, -1),
                    (lua_Integer)trouble->offset);
    lua_remove(L, -2);
  }
}

static void set_text(lua_State *L, const char *key, const char *value) {
  if (value == NULL) return;
  lua_pushstring(L, value);
  lua_setfield(L, -2, key);
}

void trouble_check(lua_State *L, struct trouble *trouble, const char *path) {
  if (trouble->kind == NULL) return;
  if (trouble->error != 0) {
    if (trouble->path) path = trouble->path;
    error_os(L, trouble->doing, path, -trouble->error);
  }
  push_sentence(L, trouble, path);
  error_push(L, trouble->kind, "%s", lua_tostring(L, -1));
  set_text(L, "path", path);
  set_text(L, "entry", trouble->entry);
  set_text(L, "reason", trouble->reason);
  if (trouble->offset >= 0) {
    lua_pushinteger(L, trouble->offset);
    lua_setfield(L, -2, "offset");
  }
  error_throw(L);
}

void trouble_clear(struct trouble *trouble) {
  free(trouble->path);
  free(trouble->entry);
  memset(trouble, 0, sizeof *trouble);
}

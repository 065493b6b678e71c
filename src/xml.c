/* orch.core.xml: decode(text, spaces) -> element; open(text) and next(reader)
 * for events one by one. */
#include "xml.h"

#include <lauxlib.h>
#include <string.h>

#define READER "orch.xml.reader"
#define ELEMENT "orch.xml.element"

int luaopen_orch_core_xml(lua_State *L);

static int drop(lua_State *L) {
  xml_log_drop(luaL_checkudata(L, 1, READER));
  return 0;
}

/* Pushes a reader that keeps the text at `index`. */
static struct xml_log *open_log(lua_State *L, int index) {
  size_t length;
  const char *text = luaL_checklstring(L, index, &length);
  struct xml_log *log = lua_newuserdatauv(L, sizeof *log, 1);
  memset(log, 0, sizeof *log);
  luaL_setmetatable(L, READER);
  lua_pushvalue(L, index);
  lua_setiuservalue(L, -2, 1);
  if (!xml_log_open(log, text, length)) luaL_error(L, "not enough memory");
  return log;
}

static void push_taken(lua_State *L, struct xml_log *log) {
  size_t length;
  const char *text = xml_log_take(log, &length);
  lua_pushlstring(L, text, length);
}

static void push_attributes(lua_State *L, struct xml_log *log) {
  lua_newtable(L);
  while (log->data[log->at]) {
    push_taken(L, log);
    push_taken(L, log);
    lua_rawset(L, -3);
  }
  log->at++;
}

static bool is_space(const char *text) {
  return text[strspn(text, " \t\r\n")] == '\0';
}

/* The element whose start is at hand. */
static void push_element(lua_State *L, struct xml_log *log) {
  lua_createtable(L, 0, 2);
  log->at++;
  push_taken(L, log);
  lua_setfield(L, -2, "name");
  push_attributes(L, log);
  lua_setfield(L, -2, "attributes");
  luaL_setmetatable(L, ELEMENT);
}

/* Text that only sets elements apart is left out. */
static bool is_layout(struct xml_log *log, size_t count) {
  const char *text = log->data + log->at + 1;
  const char *after = text + strlen(text) + 1;
  return is_space(text) && (count > 0 || *after != XML_ENDING);
}

/* decode(text, spaces): the open elements are on the stack. */
static int decode(lua_State *L) {
  size_t counts[XML_MAX_DEPTH + 1] = {0};
  int depth = 0;
  enum xml_event kind;
  lua_settop(L, 2);
  bool spaces = lua_toboolean(L, 2);
  struct xml_log *log = open_log(L, 1);
  lua_pushnil(L); /* the root goes here */
  while ((kind = xml_log_peek(L, log)) != XML_NOTHING) {
    luaL_checkstack(L, 8, "XML nested too deeply");
    if (kind == XML_START) {
      push_element(L, log);
      counts[++depth] = 0;
      continue;
    }
    if (kind == XML_TEXT) {
      bool layout = !spaces && is_layout(log, counts[depth]);
      log->at++;
      push_taken(L, log);
      if (layout)
        lua_pop(L, 1);
      else
        lua_rawseti(L, -2, (lua_Integer)++counts[depth]);
      continue;
    }
    size_t length;
    xml_log_take(log, &length);
    if (--depth == 0)
      lua_replace(L, 4);
    else
      lua_rawseti(L, -2, (lua_Integer)++counts[depth]);
  }
  lua_settop(L, 4);
  return 1;
}

/* open(text) -> reader */
static int open_reader(lua_State *L) {
  open_log(L, 1);
  return 1;
}

/* next(reader) -> "start", name, attributes | "text", text | "ending", name |
 * nil */
static int next_event(lua_State *L) {
  static const char *const names[] = {
      [XML_START] = "start", [XML_TEXT] = "text", [XML_ENDING] = "ending"};
  struct xml_log *log = luaL_checkudata(L, 1, READER);
  enum xml_event kind = xml_log_peek(L, log);
  if (kind == XML_NOTHING) return 0;
  lua_pushstring(L, names[kind]);
  log->at++;
  push_taken(L, log);
  if (kind != XML_START) return 2;
  push_attributes(L, log);
  return 3;
}

/* version() -> expat's */
static int version(lua_State *L) {
  lua_pushstring(L, XML_ExpatVersion());
  return 1;
}

int luaopen_orch_core_xml(lua_State *L) {
  static const luaL_Reg functions[] = {{"decode", decode},
                                       {"open", open_reader},
                                       {"next", next_event},
                                       {"version", version},
                                       {NULL, NULL}};
  luaL_newmetatable(L, READER);
  lua_pushcfunction(L, drop);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, functions);
  luaL_newmetatable(L, ELEMENT);
  lua_setfield(L, -2, "element");
  return 1;
}

/* orch.core.yaml: decode(text, ...) and encode(value, indent). libyaml says
 * what the text consists of; yaml_read.c makes values of it. */
#include "yaml_value.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <string.h>
#include "error.h"
#include "json_scan.h"

#define READER "orch.yaml.reader"

int luaopen_orch_core_yaml(lua_State *L);

static int raise_at(lua_State *L, size_t line, size_t column,
                    const char *words) {
  error_push(L, "yaml", "line %d, column %d: %s", (int)line, (int)column,
             words);
  lua_pushinteger(L, (lua_Integer)line);
  lua_setfield(L, -2, "line");
  lua_pushinteger(L, (lua_Integer)column);
  lua_setfield(L, -2, "column");
  return error_throw(L);
}

int yaml_fail(struct yaml_reader *r, const yaml_mark_t *mark, const char *fmt,
              ...) {
  va_list args;
  va_start(args, fmt);
  const char *words = lua_pushvfstring(r->L, fmt, args);
  va_end(args);
  return raise_at(r->L, mark->line + 1, mark->column + 1, words);
}

/* What libyaml says, and what people meant by it. */
static const char *const advice[][2] = {
    {"mapping values are not allowed in this context",
     "a ':' cannot stand here: quote a text that contains ': ', or mend the "
     "indentation"},
    {"found character that cannot start any token",
     "a text cannot begin with this character: put it in quotes"},
    {"did not find expected key",
     "expected a name or the end of the mapping here: look at the indentation "
     "and the quotes above"},
    {"did not find expected '-' indicator",
     "expected '- ' or the end of the list here: look at the indentation"},
    {"could not find expected ':'", "expected ':' after the name"},
    {"found unexpected end of stream", "the text ends within quotes"},
    {"did not find expected ',' or ']'", "expected ',' or ']'"},
    {"did not find expected ',' or '}'", "expected ',' or '}'"},
    {"did not find expected <document start>",
     "expected the end of the document: a line further left than its "
     "beginning, or a text behind the value"},
    {"block sequence entries are not allowed in this context",
     "a list cannot begin here: begin it on a line of its own"},
    {"found undefined tag handle",
     "no %TAG line says what this tag stands for"},
};

/* Marks count characters, without a byte order mark. */
static size_t offset_of(struct yaml_reader *r, size_t index) {
  size_t at = strncmp(r->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
  for (; at < r->length; at++)
    if (((unsigned char)r->text[at] & 0xC0) != 0x80 && index-- == 0) break;
  return at;
}

static int raise_parser(struct yaml_reader *r) {
  yaml_parser_t *p = &r->parser;
  const char *words = p->problem ? p->problem : "not YAML";
  size_t line = p->problem_mark.line + 1, column = p->problem_mark.column + 1;
  if (p->error == YAML_MEMORY_ERROR)
    return luaL_error(r->L, "not enough memory");
  if (p->error == YAML_READER_ERROR) {
    size_t at = p->problem_offset < r->length ? p->problem_offset : r->length;
    json_position(r->text, at, &line, &column);
    return raise_at(r->L, line, column,
                    lua_pushfstring(r->L, "%s: is it UTF-8?", words));
  }
  size_t at = offset_of(r, p->problem_mark.index);
  if (at == r->length) /* libyaml has it a line further */
    json_position(r->text, at, &line, &column);
  else if (r->text[at] == '\t')
    words = "a tab cannot indent: use spaces";
  for (size_t i = 0; i < sizeof advice / sizeof *advice; i++)
    if (strcmp(words, advice[i][0]) == 0) words = advice[i][1];
  return raise_at(r->L, line, column, words);
}

void yaml_next(struct yaml_reader *r) {
  if (r->has_event) yaml_event_delete(&r->event);
  r->has_event = false;
  if (!yaml_parser_parse(&r->parser, &r->event)) raise_parser(r);
  r->has_event = true;
}

static int drop(lua_State *L) {
  struct yaml_reader *r = luaL_checkudata(L, 1, READER);
  if (r->has_event) yaml_event_delete(&r->event);
  yaml_parser_delete(&r->parser);
  return 0;
}

static struct yaml_reader *open_reader(lua_State *L) {
  struct yaml_reader *r = lua_newuserdatauv(L, sizeof *r, 0);
  memset(r, 0, sizeof *r);
  r->L = L;
  r->text = lua_tolstring(L, 1, &r->length);
  if (!yaml_parser_initialize(&r->parser)) luaL_error(L, "not enough memory");
  luaL_setmetatable(L, READER);
  yaml_parser_set_input_string(&r->parser, (const unsigned char *)r->text,
                               r->length);
  return r;
}

/* {tag=, anchor=, line=, value=} of the document whose node is current. */
static void read_described(struct yaml_reader *r) {
  lua_State *L = r->L;
  lua_createtable(L, 0, 4);
  lua_pushstring(L, yaml_tag(&r->event));
  lua_setfield(L, -2, "tag");
  lua_pushstring(L, yaml_anchor(&r->event));
  lua_setfield(L, -2, "anchor");
  lua_pushinteger(L, (lua_Integer)r->event.start_mark.line + 1);
  lua_setfield(L, -2, "line");
  yaml_read(r);
  lua_setfield(L, -2, "value");
}

/* The current event is a document's start. */
static void read_document(struct yaml_reader *r, bool described) {
  lua_newtable(r->L);
  lua_replace(r->L, r->anchors);
  lua_newtable(r->L);
  lua_replace(r->L, r->weights);
  yaml_next(r);
  if (described)
    read_described(r);
  else
    yaml_read(r);
  yaml_next(r); /* the document's end */
}

/* decode(text, how, texts, on_tag, keep_last) -> value, or a list of them.
 * how: "one", "all" or "documents"; texts: true, or a set of names. */
static int decode(lua_State *L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  const char *how = luaL_checkstring(L, 2);
  lua_settop(L, 7); /* 6 and 7 are anchors and weights */
  struct yaml_reader *r = open_reader(L);
  r->all_texts = lua_isboolean(L, 3) && lua_toboolean(L, 3);
  r->texts = lua_istable(L, 3) ? 3 : 0;
  r->on_tag = lua_isnil(L, 4) ? 0 : 4;
  r->keep_last = lua_toboolean(L, 5);
  r->anchors = 6;
  r->weights = 7;
  lua_Integer count = 0;
  lua_newtable(L);
  yaml_next(r);
  for (yaml_next(r); r->event.type == YAML_DOCUMENT_START_EVENT; yaml_next(r)) {
    if (*how == 'o' && count > 0)
      yaml_fail(r, &r->event.start_mark,
                "a second document begins here: yaml.decode_all reads several");
    read_document(r, *how == 'd');
    lua_rawseti(L, -2, ++count);
  }
  if (*how != 'o') return 1;
  if (lua_rawgeti(L, -1, 1) == LUA_TNIL) lua_pushlightuserdata(L, NULL);
  return 1;
}

/* encode(value, indent) */
static int encode(lua_State *L) {
  luaL_checkany(L, 1);
  yaml_write(L, 1, (int)luaL_optinteger(L, 2, 2));
  return 1;
}

/* version() -> libyaml's */
static int version(lua_State *L) {
  lua_pushstring(L, yaml_get_version_string());
  return 1;
}

int luaopen_orch_core_yaml(lua_State *L) {
  static const luaL_Reg functions[] = {{"decode", decode},
                                       {"encode", encode},
                                       {"version", version},
                                       {NULL, NULL}};
  luaL_newmetatable(L, READER);
  lua_pushcfunction(L, drop);
  lua_setfield(L, -2, "__gc");
  luaL_newmetatable(L, YAML_LIST);
  luaL_newlib(L, functions);
  luaL_newmetatable(L, YAML_MAPPING);
  lua_setfield(L, -2, "mapping");
  return 1;
}

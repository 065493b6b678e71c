/* orch.core.csv: decode(text, ...): rows and fields by libcsv, in its strict
 * mode. Its callbacks may raise: libcsv keeps what it owns in the parser, which
 * is only freed afterwards. */
#include <csv.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "error.h"
#include "json_scan.h"

#define READER "orch.csv.reader"

int luaopen_orch_core_csv(lua_State *L);

/* Stack indices of decode. */
enum { TEXT = 1, SEPARATOR, QUOTE, NAMES, HEADER, RAGGED, ROWS };

struct reader {
  lua_State *L;
  struct csv_parser parser;
  bool header; /* the row in work holds the names */
  bool named, ragged, after_return;
  lua_Integer rows, fields, columns;
  lua_Integer line, row_line; /* here; where the row in work begins */
};

static int drop(lua_State *L) {
  struct reader *r = luaL_checkudata(L, 1, READER);
  csv_free(&r->parser);
  return 0;
}

static int raise_at(lua_State *L, lua_Integer line, lua_Integer column,
                    const char *words) {
  if (column > 0)
    error_push(L, "csv", "line %d, column %d: %s", (int)line, (int)column,
               words);
  else
    error_push(L, "csv", "line %d: %s", (int)line, words);
  lua_pushinteger(L, line);
  lua_setfield(L, -2, "line");
  if (column > 0) {
    lua_pushinteger(L, column);
    lua_setfield(L, -2, "column");
  }
  return error_throw(L);
}

static int no_space(unsigned char c) {
  (void)c;
  return 0;
}

static void count_lines(struct reader *r, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++)
    r->line += text[i] == '\n' ||
               (text[i] == '\r' && (i + 1 == length || text[i + 1] != '\n'));
}

/* The row is on top of the stack. */
static void on_field(void *field, size_t length, void *data) {
  struct reader *r = data;
  lua_State *L = r->L;
  const char *text = length > 0 ? field : "";
  if (r->fields++ == 0) lua_newtable(L);
  if (memchr(text, '\n', length) || memchr(text, '\r', length))
    count_lines(r, text, length);
  r->after_return = false;
  if (r->named && !r->header && r->fields <= r->columns) {
    lua_rawgeti(L, NAMES, r->fields);
    lua_pushlstring(L, text, length);
    lua_rawset(L, -3);
  } else {
    lua_pushlstring(L, text, length);
    bool extra = r->named && !r->header;
    lua_rawseti(L, -2, extra ? r->fields - r->columns : r->fields);
  }
}

/* The row on top holds the names. */
static void take_names(struct reader *r) {
  lua_State *L = r->L;
  lua_newtable(L);
  for (lua_Integer i = 1; i <= r->fields; i++) {
    lua_rawgeti(L, -2, i);
    const char *name = lua_tostring(L, -1);
    if (!*name)
      raise_at(L, r->row_line, 0,
               lua_pushfstring(L, "column %d has no name", (int)i));
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) != LUA_TNIL)
      raise_at(L, r->row_line, 0,
               lua_pushfstring(L, "two columns have the name '%s'", name));
    lua_pop(L, 1);
    lua_pushboolean(L, true);
    lua_rawset(L, -3);
  }
  lua_pop(L, 1);
  lua_replace(L, NAMES);
  r->columns = r->fields;
  r->header = false;
}

static void end_row(struct reader *r) {
  lua_State *L = r->L;
  if (r->header) {
    take_names(r);
    return;
  }
  if (r->columns == 0) r->columns = r->fields;
  if (r->fields != r->columns && !r->ragged)
    raise_at(L, r->row_line, 0,
             lua_pushfstring(L, "the row has %d field%s, %s %d", (int)r->fields,
                             r->fields == 1 ? "" : "s",
                             r->named ? "but the columns are"
                                      : "but the first row has",
                             (int)r->columns));
  lua_rawseti(L, ROWS, ++r->rows);
}

/* libcsv reports each CR and LF outside of quotes; a line without fields is no
 * row. */
static void on_row(int c, void *data) {
  struct reader *r = data;
  if (r->fields > 0) end_row(r);
  r->fields = 0;
  if (c != '\n' || !r->after_return) r->line++;
  r->after_return = c == '\r';
  r->row_line = r->line;
}

static int raise_parser(struct reader *r, size_t at) {
  size_t line, column;
  const char *text = lua_tostring(r->L, TEXT);
  if (csv_error(&r->parser) != CSV_EPARSE)
    return luaL_error(r->L, "not enough memory");
  json_position(text, at, &line, &column);
  bool quote = (unsigned char)text[at] == csv_get_quote(&r->parser);
  return raise_at(r->L, (lua_Integer)line, (lua_Integer)column,
                  quote ? "a quote within a field: put the field in quotes and "
                          "double the quotes in it"
                        : "text behind a closing quote: double a quote that "
                          "is part of the field");
}

/* decode(text, separator, quote or "", names or nil, header, ragged) -> rows,
 * names */
static int decode(lua_State *L) {
  size_t length, from = 0;
  const char *text = luaL_checklstring(L, TEXT, &length);
  lua_settop(L, RAGGED);
  lua_newtable(L);
  struct reader *r = lua_newuserdatauv(L, sizeof *r, 0);
  memset(r, 0, sizeof *r);
  csv_init(&r->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);
  luaL_setmetatable(L, READER);
  csv_set_space_func(&r->parser, no_space);
  csv_set_delim(&r->parser, (unsigned char)*luaL_checkstring(L, SEPARATOR));
  csv_set_quote(&r->parser, (unsigned char)*luaL_checkstring(L, QUOTE));
  r->L = L;
  r->line = r->row_line = 1;
  r->header = lua_toboolean(L, HEADER);
  r->named = r->header || lua_istable(L, NAMES);
  r->ragged = lua_toboolean(L, RAGGED);
  if (lua_istable(L, NAMES)) r->columns = (lua_Integer)lua_rawlen(L, NAMES);
  const char *nul = memchr(text, 0, length);
  if (nul) {
    size_t line, column;
    json_position(text, (size_t)(nul - text), &line, &column);
    raise_at(L, (lua_Integer)line, (lua_Integer)column,
             "a NUL byte: save the table as UTF-8 text");
  }
  if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) from = 3;
  size_t done =
      csv_parse(&r->parser, text + from, length - from, on_field, on_row, r);
  if (done < length - from) raise_parser(r, from + done);
  if (csv_fini(&r->parser, on_field, on_row, r) != 0) {
    if (csv_error(&r->parser) != CSV_EPARSE) luaL_error(L, "not enough memory");
    raise_at(L, r->row_line, 0,
             "a quote of the row that begins here is never closed");
  }
  lua_pushvalue(L, ROWS);
  lua_pushvalue(L, NAMES);
  return 2;
}

int luaopen_orch_core_csv(lua_State *L) {
  static const luaL_Reg functions[] = {{"decode", decode}, {NULL, NULL}};
  luaL_newmetatable(L, READER);
  lua_pushcfunction(L, drop);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, functions);
  return 1;
}

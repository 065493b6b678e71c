/* The two directions of orch.core.json; json.c puts them together. */
#ifndef ORCH_JSON_H
#define ORCH_JSON_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

/* Registry name of the metatable that marks a table as an array, so that an
 * empty one is written as []. */
#define JSON_ARRAY "orch.json.array"

/* Pushes the value of text that json_scan has accepted. */
void json_read(lua_State *L, const char *text, size_t length);

/* Turns the floats that cjson made of integers back, in the value on top. */
void json_restore(lua_State *L);

struct json_style {
  bool sorted; /* names in byte order */
  int indent;  /* spaces per level; 0: one line */
};

/* Pushes the JSON text of the value at `index`; raises kind `json` with the
 * place of what cannot be written. */
void json_write(lua_State *L, int index, const struct json_style *style);

struct buffer;

/* Adds the string at `index` in quotes; false: it is not UTF-8. */
bool json_add_string(lua_State *L, struct buffer *out, int index);

#endif

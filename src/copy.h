/* Values between Lua states, as bytes: nil, booleans, numbers, strings, tables
 * with shared references and cycles, Errors, Lua functions without captures. */
#ifndef ORCH_COPY_H
#define ORCH_COPY_H

#include <lua.h>
#include <stdbool.h>

struct copy_style {
  int labels; /* stack index of a list of names for the first values, or 0 */
  const char *noun; /* what a value without a label is: "argument" */
  bool lenient;     /* what cannot be copied becomes a text (for Errors) */
};

/* Pushes a string that holds the values from index `first` to the top. Raises
 * kind `usage` with the place of what cannot be copied. */
void copy_pack(lua_State *L, int first, const struct copy_style *style);

/* Pushes the values and returns how many. */
int copy_unpack(lua_State *L, const char *data);

#endif

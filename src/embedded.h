/* The Lua library, compiled (rules as text); scripts/embed.lua makes the array.
 */
#ifndef ORCH_EMBEDDED_H
#define ORCH_EMBEDDED_H

#include <stddef.h>

struct embedded {
  const char *name; /* "fs/path"; NULL ends the array */
  size_t size;
  const char *text; /* a dump of Lua, or its text */
};

extern const struct embedded embedded_files[];

#endif

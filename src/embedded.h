/* The Lua library as text; the array is made by scripts/embed.lua. */
#ifndef ORCH_EMBEDDED_H
#define ORCH_EMBEDDED_H

#include <stddef.h>

struct embedded {
  const char *name; /* "fs/path"; NULL ends the array */
  size_t size;      /* bytes of text */
  const char *text;
};

extern const struct embedded embedded_files[];

#endif

/* Finds a plain text, with or without regard to ASCII case, 32 bytes at a time.
 * No Lua. */
#ifndef ORCH_LITERAL_H
#define ORCH_LITERAL_H

#include <stdbool.h>
#include <stddef.h>

struct literal {
  const char *text; /* lower case where `caseless`; must outlive this */
  size_t size;      /* at least 1 */
  bool caseless;
};

/* The first occurrence at or after `from`, or NULL. */
const char *literal_find(const struct literal *literal, const char *from,
                         const char *end);

#endif

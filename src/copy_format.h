/* The bytes that copy.c writes and copy_unpack.c reads, within one process. */
#ifndef ORCH_COPY_FORMAT_H
#define ORCH_COPY_FORMAT_H

#include <stdint.h>

/* json.lua's mark for a list; survives the copy. */
#define COPY_JSON_ARRAY "orch.json.array"

enum tag {
  TAG_NIL,
  TAG_FALSE,
  TAG_TRUE,
  TAG_INTEGER,
  TAG_FLOAT,
  TAG_STRING,
  TAG_NULL,     /* the light userdata NULL: json.null */
  TAG_TABLE,    /* first met: struct copy_table */
  TAG_FUNCTION, /* first met: struct copy_function */
  TAG_AGAIN,    /* number of a table or function met before */
  TAG_END,      /* of a table's fields */
};

enum kind { KIND_PLAIN, KIND_ERROR, KIND_ARRAY, KIND_OTHER };

/* Captured variables that a copy can restore. */
enum capture { CAPTURE_NONE, CAPTURE_GLOBALS, CAPTURE_ITSELF };

#define COPY_MAX_CAPTURES 255 /* Lua's own limit */

/* Behind TAG_FUNCTION, before an enum capture each (a byte) and the bytecode.
 */
struct copy_function {
  uint64_t size;
  uint32_t captures;
};

/* Behind TAG_TABLE: what helps to make it at its final size. */
struct copy_table {
  uint32_t kind, items, fields;
};

#endif

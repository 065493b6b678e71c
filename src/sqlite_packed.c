/* Values as packed bytes: a tag and what belongs to it. No Lua here, and no
 * SQLite. */
#include <stdlib.h>
#include <string.h>
#include "sqlite.h"

/* Room for `size` more bytes; NULL when memory runs out. */
static char *reserve(struct packed *packed, size_t size) {
  if (packed->room - packed->length < size) {
    size_t room = packed->room ? packed->room : 1024;
    while (room - packed->length < size) room *= 2;
    char *grown = realloc(packed->data, room);
    if (grown == NULL) return NULL;
    packed->data = grown;
    packed->room = room;
  }
  return packed->data + packed->length;
}

static bool has_bytes(const struct packed_value *value) {
  return value->tag == PACKED_TEXT || value->tag == PACKED_BLOB;
}

size_t packed_size(const struct packed_value *value) {
  return 10 + (has_bytes(value) ? value->length : 0);
}

char *packed_write(char *to, const struct packed_value *value) {
  *to++ = (char)value->tag;
  if (value->tag == PACKED_NULL) return to;
  if (value->tag == PACKED_INTEGER)
    memcpy(to, &value->integer, 8);
  else if (value->tag == PACKED_FLOAT)
    memcpy(to, &value->number, 8);
  else
    memcpy(to, &value->length, 8);
  to += 8;
  if (!has_bytes(value)) return to;
  if (value->length > 0) memcpy(to, value->bytes, value->length);
  to[value->length] = '\0';
  return to + value->length + 1;
}

bool packed_add_value(struct packed *packed, const struct packed_value *value) {
  char *to = reserve(packed, packed_size(value));
  if (to == NULL) return false;
  packed->length = (size_t)(packed_write(to, value) - packed->data);
  return true;
}

const char *packed_read(const char *from, struct packed_value *value) {
  value->tag = (enum packed_tag)from[0];
  from++;
  switch (value->tag) {
  case PACKED_NULL:
    return from;
  case PACKED_INTEGER:
    memcpy(&value->integer, from, 8);
    return from + 8;
  case PACKED_FLOAT:
    memcpy(&value->number, from, 8);
    return from + 8;
  default:
    memcpy(&value->length, from, 8);
    value->bytes = from + 8;
    return from + 8 + value->length + 1;
  }
}

const char *packed_read_count(const char *from, size_t *count) {
  memcpy(count, from, sizeof *count);
  return from + sizeof *count;
}

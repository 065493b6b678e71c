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

/* The head of a value: its tag, and a number, a float's bits or a length. */
size_t packed_make_head(char *head, const struct packed_value *value) {
  head[0] = (char)value->tag;
  switch (value->tag) {
  case PACKED_NULL:
    return 1;
  case PACKED_INTEGER:
    memcpy(head + 1, &value->integer, 8);
    return 9;
  case PACKED_FLOAT:
    memcpy(head + 1, &value->number, 8);
    return 9;
  default:
    memcpy(head + 1, &value->length, 8);
    return 9;
  }
}

bool packed_has_bytes(const struct packed_value *value) {
  return value->tag == PACKED_TEXT || value->tag == PACKED_BLOB;
}

bool packed_add_value(struct packed *packed, const struct packed_value *value) {
  size_t length = packed_has_bytes(value) ? value->length : 0;
  char *to = reserve(packed, length + 10);
  if (to == NULL) return false;
  to += packed_make_head(to, value);
  if (packed_has_bytes(value)) {
    if (length > 0) memcpy(to, value->bytes, length);
    to[length] = '\0';
    to += length + 1;
  }
  packed->length = (size_t)(to - packed->data);
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

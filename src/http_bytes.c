#include "http_bytes.h"

#include <stdlib.h>
#include <string.h>

bool bytes_reserve(struct bytes *bytes, size_t size) {
  if (size <= bytes->room) return true;
  char *grown = realloc(bytes->data, size);
  if (grown == NULL) return false;
  bytes->data = grown;
  bytes->room = size;
  return true;
}

bool bytes_add(struct bytes *bytes, const void *data, size_t size) {
  size_t needed = bytes->length + size;
  if (needed > bytes->room) {
    size_t doubled = bytes->room * 2 < 512 ? 512 : bytes->room * 2;
    if (!bytes_reserve(bytes, needed > doubled ? needed : doubled))
      return false;
  }
  memcpy(bytes->data + bytes->length, data, size);
  bytes->length = needed;
  return true;
}

void bytes_free(struct bytes *bytes) {
  free(bytes->data);
  *bytes = (struct bytes){0};
}

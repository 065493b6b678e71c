/* Bytes that grow in callbacks, where Lua's memory is out of reach. */
#ifndef ORCH_HTTP_BYTES_H
#define ORCH_HTTP_BYTES_H

#include <stdbool.h>
#include <stddef.h>

struct bytes {
  char *data;
  size_t length, room;
};

/* Room for `size` bytes in all; false: no memory, and nothing has changed. */
bool bytes_reserve(struct bytes *bytes, size_t size);
bool bytes_add(struct bytes *bytes, const void *data, size_t size);
void bytes_free(struct bytes *bytes);

#endif

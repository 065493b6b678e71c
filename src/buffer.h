/* A byte buffer that grows and that Lua owns: an error while it is filled leaks
 * nothing, and values may come and go on the stack above it. */
#ifndef ORCH_BUFFER_H
#define ORCH_BUFFER_H

#include <lua.h>
#include <stddef.h>

struct buffer {
  char *data;
  size_t length, room;
};

/* Pushes an empty one. */
struct buffer *buffer_new(lua_State *L);

/* Room for `size` more bytes; the caller adds to `length` what it filled.
 * Raises when memory runs out. */
char *buffer_reserve(lua_State *L, struct buffer *buffer, size_t size);

void buffer_add(lua_State *L, struct buffer *buffer, const void *data,
                size_t size);

static inline void buffer_byte(lua_State *L, struct buffer *buffer, char c) {
  *buffer_reserve(L, buffer, 1) = c;
  buffer->length++;
}

/* Pushes the bytes as a string and frees the buffer's own memory. */
void buffer_push(lua_State *L, struct buffer *buffer);

#endif

/* Memory comes from the state's own allocator, so a test that makes it fail
 * reaches this as well. */
#include "buffer.h"

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

#define BUFFER_TYPE "orch.buffer"

static void release(lua_State *L, struct buffer *buffer) {
  void *context;
  lua_Alloc alloc = lua_getallocf(L, &context);
  alloc(context, buffer->data, buffer->room, 0);
  memset(buffer, 0, sizeof *buffer);
}

static int on_collect(lua_State *L) {
  release(L, lua_touserdata(L, 1));
  return 0;
}

struct buffer *buffer_new(lua_State *L) {
  struct buffer *buffer = lua_newuserdatauv(L, sizeof *buffer, 0);
  memset(buffer, 0, sizeof *buffer);
  if (luaL_newmetatable(L, BUFFER_TYPE)) {
    lua_pushcfunction(L, on_collect);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return buffer;
}

char *buffer_reserve(lua_State *L, struct buffer *buffer, size_t size) {
  if (size <= buffer->room - buffer->length)
    return buffer->data + buffer->length;
  size_t room = buffer->room * 2 < 256 ? 256 : buffer->room * 2;
  if (size > SIZE_MAX / 4 - buffer->length) luaL_error(L, "not enough memory");
  while (room - buffer->length < size) room *= 2;
  void *context;
  lua_Alloc alloc = lua_getallocf(L, &context);
  char *data = alloc(context, buffer->data, buffer->room, room);
  if (!data) luaL_error(L, "not enough memory");
  buffer->data = data;
  buffer->room = room;
  return data + buffer->length;
}

void buffer_add(lua_State *L, struct buffer *buffer, const void *data,
                size_t size) {
  if (size > 0) memcpy(buffer_reserve(L, buffer, size), data, size);
  buffer->length += size;
}

void buffer_push(lua_State *L, struct buffer *buffer) {
  lua_pushlstring(L, buffer->length ? buffer->data : "", buffer->length);
  release(L, buffer);
}

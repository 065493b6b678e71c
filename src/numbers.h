/* Numbers of one type in a Lua string, every so many bytes: what the buffers
 * of 3D models are made of. A view is a Lua table of eight:
 *
 *   { data, offset, code, columns, rows, column_size, stride, count }
 *
 * with the code of the type as in string.unpack: b B h H I f. An element has
 * columns * rows numbers; they are checked to be inside of the string. */
#ifndef ORCH_NUMBERS_H
#define ORCH_NUMBERS_H

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

struct view {
  const unsigned char *at; /* the first element */
  char code;
  int size;                  /* bytes of a number */
  int columns, rows, length; /* length = columns * rows */
  size_t column_size, stride, count;
};

/* The view at `index`; its elements [first, first + n) are in the string.
 * Raises where they are not. */
void view_get(lua_State *L, int index, struct view *view);

static inline double number_at(char code, const unsigned char *at) {
  union {
    int16_t i16;
    uint16_t u16;
    uint32_t u32;
    float f32;
  } value;
  switch (code) {
  case 'b':
    return (int8_t)*at;
  case 'B':
    return *at;
  case 'h':
    return memcpy(&value, at, 2), value.i16;
  case 'H':
    return memcpy(&value, at, 2), value.u16;
  case 'I':
    return memcpy(&value, at, 4), value.u32;
  default:
    return memcpy(&value, at, 4), value.f32;
  }
}

/* Number `c` of element `i`. */
static inline double view_number(const struct view *view, size_t i, int c) {
  const unsigned char *at = view->at + i * view->stride;
  at += (size_t)(c / view->rows) * view->column_size;
  return number_at(view->code, at + (size_t)(c % view->rows) * view->size);
}

/* What was found: a Lua list of numbers at a stack index, cut at a limit. */
struct found {
  lua_State *L;
  int table;
  lua_Integer used, limit;
};

struct found found_new(lua_State *L, lua_Integer limit);
void found_add(struct found *found, int n, const double *values);

/* One vertex after the other (numbers_influence.c). */
int numbers_influences(lua_State *L);

#endif

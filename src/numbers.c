/* orch.core.numbers: what a check of 3D models asks of long lists of numbers;
 * see numbers.h for what a view is. Each function looks at n elements from
 * `first` on, so that the caller can pause in between. */
#include "numbers.h"

#include <math.h>
#include <stdbool.h>

int luaopen_orch_core_numbers(lua_State *L);

static lua_Integer field(lua_State *L, int index, int i) {
  lua_geti(L, index, i);
  lua_Integer value = luaL_checkinteger(L, -1);
  lua_pop(L, 1);
  if (value < 0 || value > (lua_Integer)1 << 40)
    luaL_error(L, "numbers: field %d of a view is out of range", i);
  return value;
}

static int size_of(char code) {
  if (code == 'b' || code == 'B') return 1;
  return code == 'h' || code == 'H' ? 2 : 4;
}

void view_get(lua_State *L, int index, struct view *view) {
  size_t length;
  luaL_checktype(L, index, LUA_TTABLE);
  lua_geti(L, index, 1);
  const char *data = luaL_checklstring(L, -1, &length);
  lua_geti(L, index, 3);
  view->code = *luaL_checkstring(L, -1);
  lua_pop(L, 2);
  view->size = size_of(view->code);
  size_t offset = (size_t)field(L, index, 2);
  view->columns = (int)field(L, index, 4);
  view->rows = (int)field(L, index, 5);
  view->column_size = (size_t)field(L, index, 6);
  view->stride = (size_t)field(L, index, 7);
  view->count = (size_t)field(L, index, 8);
  view->at = (const unsigned char *)data + offset;
  view->length = view->columns * view->rows;
  if (view->columns < 1 || view->columns > 4 || view->rows < 1 ||
      view->rows > 4 || view->stride > 65536 || view->column_size > 16)
    luaL_error(L, "numbers: a view is wrong");
  size_t last = view->column_size * (size_t)(view->columns - 1) +
                (size_t)view->rows * (size_t)view->size;
  if (view->count > 0 &&
      offset + view->stride * (view->count - 1) + last > length)
    luaL_error(L, "numbers: a view is larger than its data");
}

/* [first, first + n) of the view, cut at its end. */
static size_t begin(lua_State *L, struct view *view, size_t *end) {
  view_get(L, 1, view);
  lua_Integer first = luaL_checkinteger(L, 2), n = luaL_checkinteger(L, 3);
  luaL_argcheck(L, first >= 0 && n >= 0, 2, "negative");
  *end = (size_t)first + (size_t)n;
  if (*end > view->count) *end = view->count;
  return (size_t)first;
}

struct found found_new(lua_State *L, lua_Integer limit) {
  lua_newtable(L);
  return (struct found){L, lua_gettop(L), 0, limit};
}

void found_add(struct found *found, int n, const double *values) {
  if (found->used >= found->limit * n) return;
  for (int i = 0; i < n; i++) {
    lua_pushnumber(found->L, values[i]);
    lua_rawseti(found->L, found->table, ++found->used);
  }
}

static void found_pair(struct found *found, size_t index, double value) {
  found_add(found, 2, (double[]){(double)index, value});
}

/* What is declared for each number, as a float where the numbers are. */
static bool declared(lua_State *L, int index, const struct view *view,
                     double *values) {
  if (lua_isnoneornil(L, index)) return false;
  for (int c = 0; c < view->length; c++) {
    lua_geti(L, index, c + 1);
    double value = luaL_checknumber(L, -1);
    values[c] = view->code == 'f' ? (double)(float)value : value;
    lua_pop(L, 1);
  }
  return true;
}

static void push_list(lua_State *L, int length, const double *values) {
  lua_createtable(L, length, 0);
  for (int c = 0; c < length; c++) {
    lua_pushnumber(L, values[c]);
    lua_rawseti(L, -2, c + 1);
  }
}

/* range(view, first, n, limit, min, max) -> least and greatest of each number,
 * how many are below `min` and above `max`, and a list of what is no finite
 * number: index, value, ... */
static int range(lua_State *L) {
  struct view view;
  size_t end, i = begin(L, &view, &end);
  double low[16], high[16], least[16] = {0}, most[16] = {0};
  double below[16] = {0}, above[16] = {0};
  lua_Integer limit = luaL_checkinteger(L, 4);
  bool has_low = declared(L, 5, &view, low),
       has_high = declared(L, 6, &view, high);
  struct found bad = found_new(L, limit);
  for (size_t first = i; i < end; i++) {
    for (int c = 0; c < view.length; c++) {
      double value = view_number(&view, i, c);
      if (i == first || least[c] > value) least[c] = value;
      if (i == first || most[c] < value) most[c] = value;
      if (has_low && value < low[c]) below[c]++;
      if (has_high && value > high[c]) above[c]++;
      if (!isfinite(value))
        found_pair(&bad, i * (size_t)view.length + (size_t)c, value);
    }
  }
  push_list(L, view.length, least);
  push_list(L, view.length, most);
  push_list(L, view.length, below);
  push_list(L, view.length, above);
  lua_pushvalue(L, bad.table);
  return 5;
}

/* indices(view, first, n, limit, last, restart, by_three) -> lists of what is
 * beyond `last` (index, value) and of what is `restart`, and how many
 * triangles have a corner twice */
static int indices(lua_State *L) {
  struct view view;
  size_t end, i = begin(L, &view, &end);
  lua_Integer limit = luaL_checkinteger(L, 4), degenerate = 0;
  double last = luaL_checknumber(L, 5), restart = luaL_checknumber(L, 6);
  bool by_three = lua_toboolean(L, 7);
  struct found beyond = found_new(L, limit), restarts = found_new(L, limit);
  double corner[3] = {0};
  for (; i < end; i++) {
    double value = view_number(&view, i, 0);
    if (value > last) found_pair(&beyond, i, value);
    if (value == restart) found_pair(&restarts, i, value);
    corner[i % 3] = value;
    if (i % 3 == 2 && (corner[0] == corner[1] || corner[1] == corner[2] ||
                       corner[2] == corner[0]))
      degenerate++;
  }
  lua_pushinteger(L, by_three ? degenerate : 0);
  return 3;
}

static double normal_of(const struct view *view, size_t i, int c,
                        bool normalized) {
  double value = view_number(view, i, c);
  if (!normalized) return value;
  switch (view->code) {
  case 'b':
    return fmax(value / 127, -1);
  case 'B':
    return value / 255;
  case 'h':
    return fmax(value / 32767, -1);
  case 'H':
    return value / 65535;
  default:
    return value;
  }
}

/* lengths(view, first, n, limit, parts, tolerance, normalized, cubic) -> a list
 * of the vectors (of `parts` numbers) that are not of length 1: index of the
 * first number, length. With `cubic` the second of three elements counts. */
static int lengths(lua_State *L) {
  struct view view;
  size_t end, i = begin(L, &view, &end);
  lua_Integer limit = luaL_checkinteger(L, 4);
  int parts = (int)luaL_checkinteger(L, 5);
  double tolerance = luaL_checknumber(L, 6);
  bool normalized = lua_toboolean(L, 7), cubic = lua_toboolean(L, 8);
  luaL_argcheck(L, parts <= view.length, 5, "too many");
  struct found found = found_new(L, limit);
  for (; i < end; i++) {
    if (cubic && i % 3 != 1) continue;
    double sum = 0;
    for (int c = 0; c < parts; c++) {
      double value = normal_of(&view, i, c, normalized);
      sum += value * value;
    }
    if (fabs(sqrt(sum) - 1) > tolerance)
      found_pair(&found, i * (size_t)view.length, sqrt(sum));
  }
  return 1;
}

/* signs(view, first, n, limit, normalized) -> a list of the elements whose
 * fourth number is neither 1 nor -1: index of the first number, value */
static int signs(lua_State *L) {
  struct view view;
  size_t end, i = begin(L, &view, &end);
  lua_Integer limit = luaL_checkinteger(L, 4);
  bool normalized = lua_toboolean(L, 5);
  luaL_argcheck(L, view.length == 4, 1, "should have four numbers");
  struct found found = found_new(L, limit);
  for (; i < end; i++) {
    double value = normal_of(&view, i, 3, normalized);
    if (value != 1 && value != -1) found_pair(&found, i * 4, value);
  }
  return 1;
}

/* outside(view, first, n, limit, least, most) -> index, value, ... of numbers
 * that are not between them */
static int outside(lua_State *L) {
  struct view view;
  size_t end, i = begin(L, &view, &end);
  lua_Integer limit = luaL_checkinteger(L, 4);
  double least = luaL_checknumber(L, 5), most = luaL_checknumber(L, 6);
  struct found found = found_new(L, limit);
  for (; i < end; i++)
    for (int c = 0; c < view.length; c++) {
      double value = view_number(&view, i, c);
      if (value < least || value > most)
        found_pair(&found, i * (size_t)view.length + (size_t)c, value);
    }
  return 1;
}

/* steps(view, first, n, limit, before) -> index, value, value before, ... of
 * numbers that are not greater than the one before; and the last number.
 * Negative ones do not count. */
static int steps(lua_State *L) {
  struct view view;
  size_t end, i = begin(L, &view, &end);
  lua_Integer limit = luaL_checkinteger(L, 4);
  double before = luaL_checknumber(L, 5);
  struct found found = found_new(L, limit);
  for (; i < end; i++) {
    double value = view_number(&view, i, 0);
    if (value < 0) continue;
    if (i != 0 && value <= before)
      found_add(&found, 3, (double[]){(double)i, value, before});
    before = value;
  }
  lua_pushnumber(L, before);
  return 2;
}

/* last_rows(view, first, n, limit) -> index, place in the matrix, value, ... of
 * what in the last row of a matrix of four columns is not 0 0 0 1 */
static int last_rows(lua_State *L) {
  struct view view;
  size_t end, i = begin(L, &view, &end);
  lua_Integer limit = luaL_checkinteger(L, 4);
  luaL_argcheck(L, view.length == 16, 1, "should be of matrices");
  struct found found = found_new(L, limit);
  for (; i < end; i++)
    for (int c = 3; c < 16; c += 4) {
      double value = view_number(&view, i, c);
      if (value != (c == 15))
        found_add(&found, 3,
                  (double[]){(double)(i * 16 + (size_t)c), c, value});
    }
  return 1;
}

/* The rising indices at the beginning say where values go. */
static void patch_elements(unsigned char *to, size_t count, size_t element,
                           const struct view *at, const unsigned char *values) {
  double before = -1;
  for (size_t i = 0; i < at->count; i++) {
    double index = view_number(at, i, 0);
    if (index <= before || index >= (double)count) return;
    memcpy(to + (size_t)index * element, values + i * element, element);
    before = index;
  }
}

/* patch(count, element, base or nil, indices, values, offset) -> `count` packed
 * elements of `element` bytes: those of a view or zeros, and instead of some
 * of them what `values` has from `offset` on */
static int patch(lua_State *L) {
  struct view base, at;
  size_t length, count = (size_t)luaL_checkinteger(L, 1);
  size_t element = (size_t)luaL_checkinteger(L, 2);
  bool has_base = !lua_isnil(L, 3);
  if (has_base) view_get(L, 3, &base);
  view_get(L, 4, &at);
  const char *values = luaL_checklstring(L, 5, &length);
  size_t offset = (size_t)luaL_checkinteger(L, 6);
  luaL_argcheck(L, count <= (size_t)1 << 32 && element <= 64, 1, "too many");
  luaL_argcheck(L, !has_base || base.count >= count, 3, "too few");
  luaL_argcheck(L,
                offset <= length && at.count <= count &&
                    at.count * element <= length - offset,
                5, "too few");
  luaL_Buffer buffer;
  unsigned char *to =
      (unsigned char *)luaL_buffinitsize(L, &buffer, count * element + 1);
  if (!has_base) memset(to, 0, count * element);
  for (size_t i = 0; has_base && i < count; i++)
    memcpy(to + i * element, base.at + i * base.stride, element);
  patch_elements(to, count, element, &at,
                 (const unsigned char *)values + offset);
  luaL_pushresultsize(&buffer, count * element);
  return 1;
}

int luaopen_orch_core_numbers(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"indices", indices},     {"influences", numbers_influences},
      {"last_rows", last_rows}, {"lengths", lengths},
      {"outside", outside},     {"patch", patch},
      {"range", range},         {"signs", signs},
      {"steps", steps},         {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

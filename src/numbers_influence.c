/* numbers.influences: the bones of each vertex, and how much each of them
 * counts. All sets of a vertex are looked at together. */
#include "numbers.h"

#include <math.h>
#include <stdbool.h>

enum { SETS = 16 };

/* What rounding to a float may change, for each joint that counts. */
static const double step = 2e-7;

enum kind { BEYOND = 1, TWICE, NEGATIVE, UNUSED, SUM };

struct vertices {
  int sets;
  struct view joints[SETS], weights[SETS];
  double most; /* the greatest joint there is */
};

static double weight_at(const struct view *view, size_t i, int c) {
  double value = view_number(view, i, c);
  switch (view->code) {
  case 'B':
    return value * (1.0 / 255);
  case 'H':
    return value * (1.0 / 65535);
  default:
    return value;
  }
}

static bool seen(const double *joints, int used, double joint) {
  for (int k = 0; k < used; k++)
    if (joints[k] == joint) return true;
  return false;
}

static void check_vertex(const struct vertices *all, size_t i,
                         struct found *found) {
  double joints[SETS * 4];
  float sum = 0;
  int used = 0;
  for (int c = 0; c < 4; c++)
    for (int set = 0; set < all->sets; set++) {
      double joint = view_number(&all->joints[set], i, c);
      double weight = weight_at(&all->weights[set], i, c);
      double index = (double)(i * 4 + (size_t)c);
      if (joint > all->most) {
        found_add(found, 5, (double[]){BEYOND, set, index, c, joint});
      } else if (weight == 0) {
        if (joint != 0)
          found_add(found, 5, (double[]){UNUSED, set, index, c, joint});
      } else {
        bool twice = seen(joints, used, joint);
        if (!twice) joints[used++] = joint;
        if (twice) found_add(found, 5, (double[]){TWICE, set, index, c, joint});
        if (weight < 0)
          found_add(found, 5, (double[]){NEGATIVE, set, index, c, weight});
        else if (!twice)
          sum = (float)((double)sum + weight);
      }
    }
  if (fabs((double)sum - 1) > step * used)
    for (int set = 0; set < all->sets; set++)
      found_add(found, 5,
                (double[]){SUM, set, (double)(i * 4), 0, (double)sum});
}

static void get_views(lua_State *L, int index, int sets, struct view *views) {
  for (int set = 0; set < sets; set++) {
    lua_geti(L, index, set + 1);
    view_get(L, lua_gettop(L), &views[set]);
    luaL_argcheck(L, views[set].length == 4, index, "should be of four");
    lua_pop(L, 1);
  }
}

/* influences(joints, weights, first, n, limit, most) with lists of views -> a
 * list: kind, set, index, place, value, ... */
int numbers_influences(lua_State *L) {
  struct vertices all;
  lua_Integer sets = luaL_len(L, 1), first = luaL_checkinteger(L, 3);
  size_t n = (size_t)luaL_checkinteger(L, 4);
  lua_Integer limit = luaL_checkinteger(L, 5);
  luaL_argcheck(L, sets > 0 && sets <= SETS && sets == luaL_len(L, 2), 1,
                "should be 1 to 16");
  luaL_argcheck(L, first >= 0, 3, "negative");
  all.sets = (int)sets;
  all.most = luaL_checknumber(L, 6);
  get_views(L, 1, all.sets, all.joints);
  get_views(L, 2, all.sets, all.weights);
  size_t end = (size_t)first + n;
  for (int set = 0; set < all.sets; set++) {
    if (end > all.joints[set].count) end = all.joints[set].count;
    if (end > all.weights[set].count) end = all.weights[set].count;
  }
  struct found found = found_new(L, limit);
  for (size_t i = (size_t)first; i < end; i++) check_vertex(&all, i, &found);
  return 1;
}

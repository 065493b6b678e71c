/* luaL_traceback looks for every function in every loaded module, to give it a
 * global name; that takes 50 microseconds, and an Error carries a traceback
 * whether somebody prints it or a retry throws it away. */
#include "traceback.h"

#include <lauxlib.h>

#define FIRST 10 /* frames shown at either end of a long one */
#define LAST 11

/* The number of levels of the stack: doubling, then halving the steps. */
static int count_levels(lua_State *co) {
  lua_Debug ar;
  int low = 1, high = 1;
  while (lua_getstack(co, high, &ar)) {
    low = high;
    high *= 2;
  }
  while (low < high) {
    int middle = (low + high) / 2;
    if (lua_getstack(co, middle, &ar))
      low = middle + 1;
    else
      high = middle;
  }
  return high - 1;
}

static void add_function(luaL_Buffer *text, lua_State *L, lua_Debug *ar) {
  if (*ar->namewhat)
    lua_pushfstring(L, "%s '%s'", ar->namewhat, ar->name);
  else if (*ar->what == 'm')
    lua_pushliteral(L, "main chunk");
  else if (*ar->what != 'C')
    lua_pushfstring(L, "function <%s:%d>", ar->short_src, ar->linedefined);
  else
    lua_pushliteral(L, "?");
  luaL_addvalue(text);
}

static void add_frame(luaL_Buffer *text, lua_State *L, lua_State *co,
                      lua_Debug *ar) {
  lua_getinfo(co, "Slnt", ar);
  if (ar->currentline <= 0)
    lua_pushfstring(L, "\n\t%s: in ", ar->short_src);
  else
    lua_pushfstring(L, "\n\t%s:%d: in ", ar->short_src, ar->currentline);
  luaL_addvalue(text);
  add_function(text, L, ar);
  if (ar->istailcall) luaL_addstring(text, "\n\t(...tail calls...)");
}

void traceback_push(lua_State *L, lua_State *co, int level) {
  lua_Debug ar;
  luaL_Buffer text;
  luaL_checkstack(L, 8, NULL);
  luaL_buffinit(L, &text);
  luaL_addstring(&text, "stack traceback:");
  /* Counting walks the whole stack: only where it is long. */
  int last = lua_getstack(co, level + FIRST + LAST, &ar) ? count_levels(co) : 0;
  int skip = last - level - FIRST - LAST + 1;
  for (int shown = 0; lua_getstack(co, level, &ar); level++, shown++) {
    if (shown == FIRST && skip > 0) {
      lua_pushfstring(L, "\n\t...\t(skipping %d levels)", skip);
      luaL_addvalue(&text);
      level += skip;
      if (!lua_getstack(co, level, &ar)) break;
    }
    add_frame(&text, L, co, &ar);
  }
  luaL_pushresult(&text);
}

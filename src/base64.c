/* orch.core.base64: bytes of base64 text, as data URIs have it. Both alphabets
 * are taken; anything else, and wrong padding, is not. */
#include <lauxlib.h>
#include <stdbool.h>
#include <stdint.h>

int luaopen_orch_core_base64(lua_State *L);

/* One more than the six bits of a digit, 0 for what is none. */
static const uint8_t values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,
    ['G'] = 7,  ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12,
    ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
    ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,
    ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
    ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
    ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
    ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,
    ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64, ['-'] = 63, ['_'] = 64};

/* Four digits make three bytes; false where one is none. */
static bool put_group(const uint8_t *from, char *to) {
  uint8_t a = values[from[0]], b = values[from[1]];
  uint8_t c = values[from[2]], d = values[from[3]];
  if (!a || !b || !c || !d) return false;
  uint32_t bits = (a - 1u) << 18 | (b - 1u) << 12 | (c - 1u) << 6 | (d - 1u);
  to[0] = (char)(bits >> 16);
  to[1] = (char)(bits >> 8);
  to[2] = (char)bits;
  return true;
}

/* decode(text, first) -> the bytes of what stands from `first` on; nil where
 * that is no base64 */
static int decode(lua_State *L) {
  size_t length;
  const uint8_t *text = (const uint8_t *)luaL_checklstring(L, 1, &length);
  lua_Integer first = luaL_checkinteger(L, 2) - 1;
  luaL_argcheck(L, first >= 0 && (size_t)first <= length, 2, "outside");
  text += first;
  length -= (size_t)first;
  size_t padding = 0;
  while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
    padding++;
  if (length % 4 != 0) return 0;
  luaL_Buffer buffer;
  size_t size = length / 4 * 3;
  char *to = luaL_buffinitsize(L, &buffer, size + 1);
  size_t whole = padding ? length - 4 : length, at = 0;
  for (; at < whole; at += 4, to += 3)
    if (!put_group(text + at, to)) return 0;
  if (padding) {
    uint8_t last[4] = {text[at], text[at + 1], text[at + 2], 'A'};
    if (padding == 2) last[2] = 'A';
    if (!put_group(last, to)) return 0;
    /* The bits that are left over are 0. */
    if (to[3 - padding] != 0) return 0;
  }
  luaL_pushresultsize(&buffer, size - padding);
  return 1;
}

int luaopen_orch_core_base64(lua_State *L) {
  static const luaL_Reg functions[] = {{"decode", decode}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

/* orch.core.base64: bytes of base64 text, as data URIs have it. Both alphabets
 * are taken; anything else, and wrong padding, is not. */
#include <lauxlib.h>
#include <stdbool.h>
#include <stdint.h>

int luaopen_orch_core_base64(lua_State *L);

enum { BAD = 64 };

/* Six bits for each digit, BAD for what is none. */
static uint8_t values[256];

static void fill_values(void) {
  static const char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int i = 0; i < 256; i++) values[i] = BAD;
  for (uint8_t i = 0; i < 64; i++) values[(uint8_t)digits[i]] = i;
  values['-'] = 62;
  values['_'] = 63;
}

/* Four digits make three bytes; false where one is none. */
static bool put_group(const uint8_t *from, char *to) {
  uint8_t a = values[from[0]], b = values[from[1]];
  uint8_t c = values[from[2]], d = values[from[3]];
  if ((a | b | c | d) & BAD) return false;
  uint32_t bits = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | d;
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
  fill_values();
  luaL_newlib(L, functions);
  return 1;
}

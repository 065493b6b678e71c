/* Strings as JSON: UTF-8 goes as it is, only what must be escaped is. */
#include <string.h>
#include "buffer.h"
#include "json.h"
#include "json_scan.h"

static void add_escape(lua_State *L, struct buffer *out, unsigned char c) {
  static const char from[] = "\"\\\b\f\n\r\t", into[] = "\"\\bfnrt";
  const char *found = c ? strchr(from, c) : NULL;
  char *to = buffer_reserve(L, out, 6);
  *to++ = '\\';
  if (found) {
    *to = into[found - from];
    out->length += 2;
    return;
  }
  memcpy(to, "u00", 3);
  to[3] = "0123456789abcdef"[c >> 4];
  to[4] = "0123456789abcdef"[c & 15];
  out->length += 6;
}

bool json_add_string(lua_State *L, struct buffer *out, int index) {
  size_t length, bytes = 1;
  const char *s = lua_tolstring(L, index, &length), *end = s + length;
  buffer_byte(L, out, '"');
  while (s < end) {
    const char *run = s;
    while (s < end && bytes > 0 && (unsigned char)*s >= 0x20 && *s != '"' &&
           *s != '\\') {
      bytes = (unsigned char)*s < 0x80 ? 1 : json_utf8(s);
      s += bytes;
    }
    if (bytes == 0) return false;
    buffer_add(L, out, run, (size_t)(s - run));
    if (s < end) add_escape(L, out, (unsigned char)*s++);
  }
  buffer_byte(L, out, '"');
  return true;
}

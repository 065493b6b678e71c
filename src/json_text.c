/* The small parts of JSON text: positions, UTF-8, and numbers, exactly: 64-bit
 * integers stay integers and a double is the nearest one, whatever the locale
 * says about decimal points. */
#include "json_scan.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_position(const char *text, size_t at, size_t *line, size_t *column) {
  size_t start = 0;
  *line = 1;
  *column = 1;
  for (size_t i = 0; i < at; i++) {
    if (text[i] != '\n') continue;
    (*line)++;
    start = i + 1;
  }
  if (start == 0 && strncmp(text, "\xEF\xBB\xBF", 3) == 0) start = 3;
  for (size_t i = start; i < at; i++)
    *column += ((unsigned char)text[i] & 0xC0) != 0x80;
}

size_t json_utf8(const char *text) {
  const unsigned char *s = (const unsigned char *)text;
  size_t length = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
  if (length == 1) return 1;
  if (s[0] < 0xC2 || s[0] > 0xF4) return 0; /* overlong, or above U+10FFFF */
  for (size_t i = 1; i < length; i++)
    if ((s[i] & 0xC0) != 0x80) return 0;
  if (s[0] == 0xE0 && s[1] < 0xA0) return 0; /* overlong */
  if (s[0] == 0xED && s[1] > 0x9F) return 0; /* surrogate */
  if (s[0] == 0xF0 && s[1] < 0x90) return 0; /* overlong */
  if (s[0] == 0xF4 && s[1] > 0x8F) return 0; /* above U+10FFFF */
  return length;
}

/* The C locale, made once: Lua scripts may call os.setlocale. */
static locale_t c_locale;
static pthread_once_t locale_once = PTHREAD_ONCE_INIT;

static void make_locale(void) {
  c_locale = newlocale(LC_ALL_MASK, "C", NULL);
}

static double nearest_double(const char *text) {
  pthread_once(&locale_once, make_locale);
  return c_locale ? strtod_l(text, NULL, c_locale) : strtod(text, NULL);
}

/* Significant digits without the zeros at the end: what a shortest-form writer
 * (JavaScript) leaves of a double is at most 17 of them. */
static bool is_written_double(const char *digits, size_t count, double value) {
  char exact[340];
  while (count > 0 && digits[count - 1] == '0') count--;
  if (count <= 17) return true;
  snprintf(exact, sizeof exact, "%.0f", fabs(value));
  return strncmp(exact, digits, count) == 0 &&
         strspn(exact + count, "0") == strlen(exact + count);
}

/* Up to 15 digits and a small power of ten: both are exact doubles, so one
 * division rounds correctly (Clinger). */
static bool simple_double(const char *text, size_t length, double *real) {
  static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  bool negative = *text == '-';
  int64_t mantissa = 0;
  size_t fraction = 0;
  bool point = false;
  if (length > 17) return false;
  for (size_t i = negative; i < length; i++) {
    if (text[i] == '.') {
      point = true;
    } else if (isdigit((unsigned char)text[i])) {
      mantissa = mantissa * 10 + (text[i] - '0');
      fraction += point;
    } else {
      return false;
    }
  }
  if (mantissa > 999999999999999 || fraction > 15) return false;
  *real = (negative ? -1.0 : 1.0) * (double)mantissa / powers[fraction];
  return true;
}

enum json_number json_number(const char *text, size_t length, int64_t *integer,
                             double *real) {
  const char *digits = text + (*text == '-');
  size_t count = length - (size_t)(digits - text);
  uint64_t limit = (uint64_t)INT64_MAX + (digits != text), value = 0;
  bool fits = true;
  for (size_t i = 0; i < count; i++) {
    if (!isdigit((unsigned char)digits[i])) {
      if (simple_double(text, length, real)) return JSON_FLOAT;
      *real = nearest_double(text);
      return isinf(*real) ? JSON_TOO_BIG : JSON_FLOAT;
    }
    unsigned digit = (unsigned)(digits[i] - '0');
    fits = fits && value <= (limit - digit) / 10;
    value = value * 10 + digit;
  }
  if (fits) {
    *integer = (int64_t)(digits != text ? 0 - value : value);
    return JSON_INTEGER;
  }
  *real = nearest_double(text);
  if (isinf(*real)) return JSON_TOO_BIG;
  return is_written_double(digits, count, *real) ? JSON_FLOAT : JSON_INEXACT;
}

size_t json_format_integer(int64_t integer, char *to) {
  char digits[20];
  size_t n = 0, length = 0;
  uint64_t rest = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
  do {
    digits[n++] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  if (integer < 0) to[length++] = '-';
  while (n > 0) to[length++] = digits[--n];
  return length;
}

/* 15 digits are enough for most, 17 for all. */
static size_t format_shortest(double real, char *to) {
  int length = 0;
  for (int digits = 15; digits <= 17; digits++) {
    length = snprintf(to, JSON_NUMBER_SIZE, "%.*g", digits, real);
    if (nearest_double(to) == real) break;
  }
  return (size_t)length;
}

size_t json_format_double(double real, char *to) {
  if (fabs(real) < 1e15 && real == floor(real)) {
    size_t sign = signbit(real) ? 1 : 0;
    to[0] = '-';
    size_t length = sign + json_format_integer((int64_t)fabs(real), to + sign);
    memcpy(to + length, ".0", 2);
    return length + 2;
  }
  pthread_once(&locale_once, make_locale);
  locale_t before = c_locale ? uselocale(c_locale) : (locale_t)0;
  size_t length = format_shortest(real, to);
  if (before) uselocale(before);
  if (memchr(to, '.', length) || memchr(to, 'e', length)) return length;
  memcpy(to + length, ".0", 2);
  return length + 2;
}

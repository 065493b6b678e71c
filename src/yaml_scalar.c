/* What plain scalars mean: the core schema of YAML 1.2, in which only true and
 * false are booleans; and which texts need quotes. No Lua state here. */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>
#include "json_scan.h"
#include "yaml_value.h"

static bool is_word(const char *text, size_t length, const char *const *words) {
  for (; *words; words++)
    if (strlen(*words) == length && memcmp(*words, text, length) == 0)
      return true;
  return false;
}

static size_t count_digits(const char *text) {
  return strspn(text, "0123456789");
}

/* [+-]? (digits (. digits*)? | . digits) ([eE] [+-]? digits)? */
static bool is_float(const char *text, size_t length) {
  const char *at = text + (*text == '-' || *text == '+');
  size_t whole = count_digits(at), fraction = 0;
  at += whole;
  if (*at == '.') {
    fraction = count_digits(++at);
    at += fraction;
  }
  if (whole + fraction == 0) return false;
  if (*at == 'e' || *at == 'E') {
    at++;
    if (*at == '-' || *at == '+') at++;
    if (count_digits(at) == 0) return false;
    at += count_digits(at);
  }
  return at == text + length;
}

static enum yaml_meaning radix(const char *digits, size_t length, int bits,
                               int64_t *integer) {
  uint64_t value = 0;
  for (size_t i = 0; i < length; i++) {
    unsigned c = (unsigned char)digits[i];
    unsigned digit = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
    if (!isxdigit((int)c) || digit >= 1u << bits) return YAML_TEXT;
    if (value > (uint64_t)INT64_MAX >> bits) return YAML_TEXT;
    value = value << bits | digit;
  }
  *integer = (int64_t)value;
  return length > 0 ? YAML_INTEGER : YAML_TEXT;
}

static enum yaml_meaning number(const char *text, size_t length,
                                int64_t *integer, double *real) {
  if (text[0] == '0' && text[1] == 'x')
    return radix(text + 2, length - 2, 4, integer);
  if (text[0] == '0' && text[1] == 'o')
    return radix(text + 2, length - 2, 3, integer);
  if (!is_float(text, length)) return YAML_TEXT;
  size_t plus = *text == '+';
  switch (json_number(text + plus, length - plus, integer, real)) {
  case JSON_INTEGER:
    return YAML_INTEGER;
  case JSON_FLOAT:
    return strspn(text, "+-0123456789") == length ? YAML_TEXT : YAML_FLOAT;
  default:
    return YAML_TEXT;
  }
}

static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
static const char *const trues[] = {"true", "True", "TRUE", NULL};
static const char *const falses[] = {"false", "False", "FALSE", NULL};
static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};

enum yaml_meaning yaml_resolve(const char *text, size_t length,
                               int64_t *integer, double *real) {
  size_t sign = *text == '-' || *text == '+';
  if (length > 0 && (isdigit((unsigned char)text[sign]) || text[sign] == '.')) {
    enum yaml_meaning meaning = number(text, length, integer, real);
    if (meaning != YAML_TEXT) return meaning;
    if (is_word(text + sign, length - sign, infinities)) {
      *real = *text == '-' ? -INFINITY : INFINITY;
      return YAML_FLOAT;
    }
    *real = NAN;
    return is_word(text, length, nans) ? YAML_FLOAT : YAML_TEXT;
  }
  if (is_word(text, length, nulls)) return YAML_NULL;
  if (is_word(text, length, trues)) return YAML_TRUE;
  return is_word(text, length, falses) ? YAML_FALSE : YAML_TEXT;
}

bool yaml_is_ambiguous(const char *text, size_t length) {
  static const char *const words[] = {"y",  "n", "yes",  "no",   "on",    "off",
                                      "<<", "=", "null", "true", "false", NULL};
  int64_t integer;
  double real;
  if (yaml_resolve(text, length, &integer, &real) != YAML_TEXT) return true;
  for (size_t i = 0; words[i]; i++)
    if (strlen(words[i]) == length && strncasecmp(words[i], text, length) == 0)
      return true;
  /* Numbers of 1.1 such as 0b1, 1_000 and 1:30, and its dates. */
  return strchr("0123456789+-.", *text) && text[strcspn(text, "0123456789")] &&
         strspn(text, "0123456789abcdefABCDEFxXoO_:.,+-tTzZ ") == length;
}

/* The recogniser: one pass, no recursion, and a sentence for each fault. */
#include "json_scan.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool fault(struct json_scan *scan, const char *at, const char *fmt,
                  ...) {
  va_list args;
  va_start(args, fmt);
  vsnprintf(scan->fault, sizeof scan->fault, fmt, args);
  va_end(args);
  scan->at = (size_t)(at - scan->text);
  return false;
}

static const char *skip_space(const char *s) {
  while (*s == ' ' || *s == '\n' || *s == '\t' || *s == '\r') s++;
  return s;
}

static int hex4(const char *s) {
  int value = 0;
  for (int i = 0; i < 4; i++) {
    if (!isxdigit((unsigned char)s[i])) return -1;
    value = value * 16 + (s[i] <= '9' ? s[i] - '0' : (s[i] | 32) - 'a' + 10);
  }
  return value;
}

/* `s` is at the backslash. NULL: a fault. */
static const char *scan_escape(struct json_scan *scan, const char *s) {
  scan->flags |= JSON_ESCAPES;
  if (s[1] && strchr("\"\\/bfnrt", s[1])) return s + 2;
  if (s[1] != 'u') {
    if (isprint((unsigned char)s[1]))
      fault(scan, s, "'\\%c' is not an escape that JSON knows", s[1]);
    else
      fault(scan, s, "a backslash begins no escape that JSON knows");
    return NULL;
  }
  int unit = hex4(s + 2);
  if (unit < 0) {
    fault(scan, s, "'\\u' takes four hexadecimal digits");
    return NULL;
  }
  if (unit < 0xD800 || unit > 0xDFFF) return s + 6;
  int low = s[6] == '\\' && s[7] == 'u' ? hex4(s + 8) : -1;
  if (unit <= 0xDBFF && low >= 0xDC00 && low <= 0xDFFF) return s + 12;
  fault(scan, s, "'%.6s' is half of a surrogate pair", s);
  return NULL;
}

/* `s` is at the opening quote; returns the place behind the closing one. */
static const char *scan_string(struct json_scan *scan, const char *s) {
  const char *open = s++;
  for (;;) {
    unsigned char c = (unsigned char)*s;
    if (c == '"') return s + 1;
    if (c == '\\') {
      if (!(s = scan_escape(scan, s))) return NULL;
    } else if (c >= 0x80) {
      size_t length = json_utf8(s);
      if (length == 0) {
        fault(scan, s, "byte 0x%02X is not valid UTF-8 here", c);
        return NULL;
      }
      s += length;
    } else if (c >= 0x20) {
      s++;
    } else if (c == 0 && s == scan->text + scan->length) {
      fault(scan, open, "the string that begins here is never closed");
      return NULL;
    } else if (c == '\n' || c == '\r') {
      fault(scan, s, "a line break inside a string is written \\n");
      return NULL;
    } else {
      fault(scan, s,
            "the control character 0x%02X inside a string is "
            "written \\u%04x",
            c, c);
      return NULL;
    }
  }
}

static const char *skip_digits(const char *s) {
  while (isdigit((unsigned char)*s)) s++;
  return s;
}

static bool check_range(struct json_scan *scan, const char *s, size_t length) {
  int64_t integer;
  double real;
  int shown = length > 40 ? 40 : (int)length;
  const char *dots = length > 40 ? "..." : "";
  switch (json_number(s, length, &integer, &real)) {
  case JSON_TOO_BIG:
    return fault(scan, s, "the number %.*s%s is out of range", shown, s, dots);
  case JSON_INEXACT:
    return scan->big_floats ||
           fault(scan, s, "the integer %.*s%s does not fit in 64 bits", shown,
                 s, dots);
  default:
    return true;
  }
}

/* Notes what cjson would not keep: see JSON_DELICATE. */
static const char *scan_number(struct json_scan *scan, const char *s) {
  const char *start = s, *digits = s + (*s == '-'), *end = skip_digits(digits);
  scan->flags |= JSON_NUMBERS;
  if (end == digits) {
    fault(scan, s, "a digit must follow the minus sign");
    return NULL;
  }
  if (*digits == '0' && end - digits > 1) {
    fault(scan, s, "a number cannot begin with 0");
    return NULL;
  }
  bool delicate = false;
  if (*end == '.') {
    const char *fraction = end + 1;
    end = skip_digits(fraction);
    if (end == fraction) {
      fault(scan, s, "a digit must follow the decimal point");
      return NULL;
    }
    delicate = strspn(fraction, "0") == (size_t)(end - fraction);
  }
  if (*end == 'e' || *end == 'E') {
    const char *exponent = end + 1;
    exponent += *exponent == '+' || *exponent == '-';
    end = skip_digits(exponent);
    if (end == exponent) {
      fault(scan, s, "a digit must follow the exponent's 'e'");
      return NULL;
    }
    delicate = true;
  }
  if (delicate || end - start > 15) {
    scan->flags |= JSON_DELICATE;
    if (!check_range(scan, start, (size_t)(end - start))) return NULL;
  }
  return end;
}

/* What stands where a value should: the likely mistake, by name. */
static const char *bad_value(struct json_scan *scan, const char *s) {
  static const char *const words[][2] = {
      {"NaN", "JSON has no NaN"},
      {"nan", "JSON has no NaN"},
      {"Infinity", "JSON has no Infinity"},
      {"inf", "JSON has no Infinity"},
      {"None", "JSON writes null, not None"},
      {"nil", "JSON writes null, not nil"},
      {"undefined", "JSON has no undefined"},
      {"True", "JSON writes true, not True"},
      {"False", "JSON writes false, not False"},
      {"//", "JSON has no comments"},
      {"/*", "JSON has no comments"},
      {"#", "JSON has no comments"},
      {"'", "JSON strings take double quotes"},
      {"+", "JSON numbers have no plus sign"},
      {".", "a digit must stand before the decimal point"},
  };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (strncmp(s, words[i][0], strlen(words[i][0])) != 0) continue;
    fault(scan, s, "%s", words[i][1]);
    return NULL;
  }
  size_t length = json_utf8(s);
  if (s == scan->text + scan->length)
    fault(scan, s, "a value is missing at the end of the text");
  else if (length > 0 && (unsigned char)*s > ' ')
    fault(scan, s, "expected a value, found '%.*s'", (int)length, s);
  else
    fault(scan, s, "expected a value, found byte 0x%02X", (unsigned char)*s);
  return NULL;
}

static const char *scan_scalar(struct json_scan *scan, const char *s) {
  if (*s == '"') return scan_string(scan, s);
  if (*s == '-' || isdigit((unsigned char)*s)) return scan_number(scan, s);
  size_t length = strncmp(s, "true", 4) == 0 || strncmp(s, "null", 4) == 0 ? 4
                  : strncmp(s, "false", 5) == 0                            ? 5
                                                                           : 0;
  return length ? s + length : bad_value(scan, s);
}

/* `s` is behind "{" or ",": returns the place behind the colon. */
static const char *scan_key(struct json_scan *scan, const char *s) {
  if (*s != '"') {
    if (*s == '}')
      fault(scan, s, "a name must follow the comma");
    else if (s == scan->text + scan->length)
      fault(scan, s, "the text ends inside an object");
    else
      fault(scan, s, "a name in double quotes is expected here");
    return NULL;
  }
  if (!(s = scan_string(scan, s))) return NULL;
  s = skip_space(s);
  if (*s == ':') return s + 1;
  fault(scan, s, "a colon must follow the name");
  return NULL;
}

static const char *bad_follower(struct json_scan *scan, const char *s,
                                const char *open) {
  const char *close = *open == '{' ? "}" : "]";
  size_t line, column;
  if (s != scan->text + scan->length) {
    fault(scan, s, "expected ',' or '%s' after the value", close);
    return NULL;
  }
  json_position(scan->text, (size_t)(open - scan->text), &line, &column);
  fault(scan, s, "the '%c' of line %zu, column %zu is never closed", *open,
        line, column);
  return NULL;
}

struct nesting {
  const char *opened[JSON_MAX_DEPTH];
  int depth;
};

/* `s` is at a bracket: returns the place of the first value inside or, when
 * there is none (`*empty`), of the closing bracket. */
static const char *scan_open(struct json_scan *scan, const char *s,
                             struct nesting *nesting, bool *empty) {
  const char *inside = skip_space(s + 1);
  if (nesting->depth == JSON_MAX_DEPTH) {
    fault(scan, s, "nested deeper than %d levels", JSON_MAX_DEPTH);
    return NULL;
  }
  nesting->opened[nesting->depth++] = s;
  *empty = *inside == (*s == '{' ? '}' : ']');
  if (*empty && *s == '[') scan->flags |= JSON_DELICATE;
  return *empty || *s == '[' ? inside : scan_key(scan, inside);
}

/* `s` is behind a value: returns the place of the next one, or, when the
 * outermost one is over (depth 0), of the end. */
static const char *scan_follower(struct json_scan *scan, const char *s,
                                 struct nesting *nesting) {
  for (s = skip_space(s); nesting->depth > 0; s = skip_space(s + 1)) {
    const char *open = nesting->opened[nesting->depth - 1];
    if (*s == ',') {
      s = skip_space(s + 1);
      if (*open == '{') return scan_key(scan, s);
      if (*s != ']') return s;
      fault(scan, s, "a value must follow the comma");
      return NULL;
    }
    if (*s != (*open == '{' ? '}' : ']')) return bad_follower(scan, s, open);
    nesting->depth--;
  }
  if (s == scan->text + scan->length) return s;
  fault(scan, s, "nothing may follow the value");
  return NULL;
}

bool json_scan(struct json_scan *scan) {
  struct nesting nesting;
  const char *s = scan->text;
  nesting.depth = 0;
  scan->flags = 0;
  if (strncmp(s, "\xEF\xBB\xBF", 3) == 0) {
    scan->flags |= JSON_DELICATE;
    s += 3;
  }
  do {
    bool empty = true;
    s = skip_space(s);
    if (*s == '{' || *s == '[')
      s = scan_open(scan, s, &nesting, &empty);
    else
      s = scan_scalar(scan, s);
    if (s && empty) s = scan_follower(scan, s, &nesting);
  } while (s && nesting.depth > 0);
  return s != NULL;
}

/* Strict JSON (RFC 8259) recognised before anything is built: the reader
 * behind it may then assume valid text. No Lua state here. */
#ifndef ORCH_JSON_SCAN_H
#define ORCH_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MAX_DEPTH 1000

enum json_flag {
  JSON_NUMBERS = 1,  /* has numbers: cjson makes all of them floats */
  JSON_ESCAPES = 2,  /* has a backslash */
  JSON_DELICATE = 4, /* cjson would damage it: [], 1.0, 1e5, long numbers,
                        a byte order mark */
};

struct json_scan {
  const char *text; /* ends with a NUL, as Lua's strings do */
  size_t length;
  bool big_floats; /* an integer beyond 64 bits may become a float */

  unsigned flags;
  size_t at;       /* of the fault, a byte offset */
  char fault[160]; /* why it is not JSON, without the position */
};

/* False: not JSON, see `at` and `fault`. */
bool json_scan(struct json_scan *scan);

/* Line and column from 1; a column is one UTF-8 character. */
void json_position(const char *text, size_t at, size_t *line, size_t *column);

enum json_number { JSON_INTEGER, JSON_FLOAT, JSON_TOO_BIG, JSON_INEXACT };

/* Reads the number token of `length` bytes at `text`. JSON_TOO_BIG: not even a
 * double. JSON_INEXACT: an integer of more than 64 bits that a double would
 * change; `*real` is the nearest. */
enum json_number json_number(const char *text, size_t length, int64_t *integer,
                             double *real);

#define JSON_NUMBER_SIZE 32

/* Write at most JSON_NUMBER_SIZE bytes, return how many. A double is as short
 * as it can be to come back the same, and never looks like an integer. */
size_t json_format_integer(int64_t integer, char *to);
size_t json_format_double(double real, char *to);

/* The length of the valid UTF-8 sequence at `text`, which ends with a NUL; 0:
 * invalid. */
size_t json_utf8(const char *text);

#endif

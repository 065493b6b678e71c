/* Parameters on their way into a statement, by place or by name. No Lua here.
 */
#include <string.h>
#include "sqlite.h"

static int bind_value(sqlite3_stmt *statement, int i,
                      const struct packed_value *value) {
  switch (value->tag) {
  case PACKED_INTEGER:
    return sqlite3_bind_int64(statement, i, value->integer);
  case PACKED_FLOAT:
    return sqlite3_bind_double(statement, i, value->number);
  case PACKED_TEXT:
    return sqlite3_bind_text64(statement, i, value->bytes, value->length,
                               SQLITE_STATIC, SQLITE_UTF8);
  case PACKED_BLOB:
    return sqlite3_bind_blob64(statement, i, value->bytes, value->length,
                               SQLITE_STATIC);
  default:
    return sqlite3_bind_null(statement, i);
  }
}

/* Keeps what the statement wants for those who say what is wrong. */
static const char *mismatch(struct query *query, sqlite3_stmt *statement,
                            int given) {
  int wanted = sqlite3_bind_parameter_count(statement);
  run_failed(query, SQLITE_RANGE, sqlite3_sql(statement));
  sqlite3_snprintf(sizeof query->message, query->message,
                   "the statement has %d parameters, %d were given", wanted,
                   given);
  query->mismatch = true;
  query->names.length = 0;
  for (int i = 1; i <= wanted; i++) {
    struct packed_value name = {.tag = PACKED_NULL};
    const char *text = sqlite3_bind_parameter_name(statement, i);
    if (text && text[0] != '?') {
      name.tag = PACKED_TEXT;
      name.bytes = text + 1; /* without : @ $ */
      name.length = strlen(name.bytes);
    }
    if (!packed_add_value(&query->names, &name)) {
      run_failed(query, SQLITE_NOMEM, NULL);
      break;
    }
  }
  return NULL;
}

static const char *failed(struct query *query, sqlite3_stmt *statement,
                          int code) {
  run_failed(query, code, sqlite3_sql(statement));
  return NULL;
}

static const char *bind_list(struct query *query, sqlite3_stmt *statement,
                             const char *from, size_t given) {
  int wanted = sqlite3_bind_parameter_count(statement);
  if (given != (size_t)wanted) return mismatch(query, statement, (int)given);
  for (int i = 1; i <= wanted; i++) {
    struct packed_value value;
    from = packed_read(from, &value);
    int code = bind_value(statement, i, &value);
    if (code != SQLITE_OK) return failed(query, statement, code);
  }
  return from;
}

/* The place of a name, whichever of its marks the statement uses; 0: none. The
 * packed bytes are ours to change. */
static int place_of(sqlite3_stmt *statement, const struct packed_value *name) {
  int i = 0;
  for (const char *mark = ":@$"; *mark && i == 0; mark++) {
    *(char *)name->bytes = *mark;
    i = sqlite3_bind_parameter_index(statement, name->bytes);
  }
  return i;
}

static const char *bind_named(struct query *query, sqlite3_stmt *statement,
                              const char *from, size_t given) {
  int wanted = sqlite3_bind_parameter_count(statement);
  if (given != (size_t)wanted) return mismatch(query, statement, (int)given);
  for (size_t n = 0; n < given; n++) {
    struct packed_value name, value;
    from = packed_read(from, &name);
    from = packed_read(from, &value);
    int i = place_of(statement, &name);
    if (i == 0) return mismatch(query, statement, (int)given);
    int code = bind_value(statement, i, &value);
    if (code != SQLITE_OK) return failed(query, statement, code);
  }
  return from;
}

const char *bind_params(struct query *query, sqlite3_stmt *statement,
                        const char *from) {
  size_t given;
  from = packed_read_count(from, &given);
  if (given & PACKED_NAMED)
    return bind_named(query, statement, from, given & ~PACKED_NAMED);
  return bind_list(query, statement, from, given);
}

/* What a connection does on its thread with one statement. No Lua here. */
#include <stdlib.h>
#include <string.h>
#include "sqlite.h"

#define SQL_KEPT 4096 /* bytes of a statement that failed */

bool run_failed(struct query *query, int code, const char *sql) {
  sqlite3 *handle = query->database->handle;
  query->code = code & 0xff;
  query->extended = handle ? sqlite3_extended_errcode(handle) : code;
  if ((query->extended & 0xff) != query->code) query->extended = code;
  free(query->failed_sql);
  query->failed_sql = sql ? strndup(sql, SQL_KEPT) : NULL;
  const char *words = handle && query->extended == sqlite3_errcode(handle)
                          ? sqlite3_errmsg(handle)
                          : sqlite3_errstr(code);
  sqlite3_snprintf(sizeof query->message, query->message, "%s", words);
  query->offset = handle ? sqlite3_error_offset(handle) : -1;
  query->rolled_back =
      query->footing == INSIDE && handle && sqlite3_get_autocommit(handle);
  return false;
}

bool run_refused(struct query *query, int code, const char *sql,
                 const char *words) {
  run_failed(query, code, sql);
  query->offset = -1;
  sqlite3_snprintf(sizeof query->message, query->message, "%s", words);
  return false;
}

static bool out_of_memory(struct query *query) {
  return run_failed(query, SQLITE_NOMEM, NULL);
}

/* ---- where a statement may run ---- */

bool run_may_start(struct query *query, sqlite3_stmt *statement) {
  struct database *database = query->database;
  if (database->reader && statement && !sqlite3_stmt_readonly(statement)) {
    query->needs_writer = true;
    return false;
  }
  if (query->footing != INSIDE || !sqlite3_get_autocommit(database->handle))
    return true;
  run_refused(query, SQLITE_ABORT, NULL,
              "the transaction is over already: an error, or the end of a "
              "statement that was stopped, has rolled it back");
  query->rolled_back = true;
  return false;
}

void run_check_end(struct query *query) {
  sqlite3 *handle = query->database->handle;
  bool open = !sqlite3_get_autocommit(handle);
  if (query->footing == OUTSIDE && open) {
    sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
    if (query->code == SQLITE_OK)
      run_refused(query, SQLITE_MISUSE, query->sql,
                  "a transaction was begun and not ended, and is rolled back: "
                  "others would have been in it; use transaction(fn)");
  } else if (query->footing == INSIDE && !open && query->code == SQLITE_OK) {
    run_refused(query, SQLITE_MISUSE, query->sql,
                "the statement has ended the transaction, which the end of its "
                "function does");
  }
}

/* ---- rows ---- */

/* A connection without a mutex may read its values as they are, which takes
 * half the time of sqlite3_column_*. */
static void read_column(sqlite3_stmt *statement, int i,
                        struct packed_value *value) {
  sqlite3_value *column = sqlite3_column_value(statement, i);
  switch (sqlite3_value_type(column)) {
  case SQLITE_INTEGER:
    value->tag = PACKED_INTEGER;
    value->integer = sqlite3_value_int64(column);
    return;
  case SQLITE_FLOAT:
    value->tag = PACKED_FLOAT;
    value->number = sqlite3_value_double(column);
    return;
  case SQLITE_TEXT:
    value->tag = PACKED_TEXT;
    value->bytes = (const char *)sqlite3_value_text(column);
    break;
  case SQLITE_BLOB:
    value->tag = PACKED_BLOB;
    value->bytes = sqlite3_value_blob(column);
    break;
  default:
    value->tag = PACKED_NULL;
    return;
  }
  value->length = (size_t)sqlite3_value_bytes(column);
}

bool run_keep_names(struct query *query, sqlite3_stmt *statement) {
  query->columns = sqlite3_column_count(statement);
  for (int i = 0; i < query->columns; i++) {
    struct packed_value name = {.tag = PACKED_TEXT};
    name.bytes = sqlite3_column_name(statement, i);
    if (name.bytes == NULL) return false;
    name.length = strlen(name.bytes);
    if (!packed_add_value(&query->names, &name)) return false;
  }
  return true;
}

bool run_keep_row(struct query *query, sqlite3_stmt *statement) {
  for (int i = 0; i < query->columns; i++) {
    struct packed_value value;
    read_column(statement, i, &value);
    if (!packed_add_value(&query->out, &value)) return false;
  }
  query->rows++;
  return true;
}

/* A statement that writes goes on to its end: where it is one of its own, that
 * is the commit, which may fail. */
static bool has_enough(struct query *query, sqlite3_stmt *statement) {
  return query->limit && query->rows >= query->limit &&
         sqlite3_stmt_readonly(statement);
}

/* Runs a bound statement to its end. The columns are known after the first
 * step: a schema that changed has compiled it anew. */
static bool step_all(struct query *query, sqlite3_stmt *statement) {
  bool first = query->wants_rows, good = true;
  int code;
  do {
    code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
      return run_failed(query, code, sqlite3_sql(statement));
    if (first && sqlite3_column_count(statement) > 0)
      good = run_keep_names(query, statement);
    first = false;
    bool wanted = !query->limit || query->rows < query->limit;
    if (good && code == SQLITE_ROW && query->wants_rows && wanted)
      good = run_keep_row(query, statement);
  } while (good && code == SQLITE_ROW && !has_enough(query, statement));
  return good || out_of_memory(query);
}

const char *run_row(struct query *query, sqlite3_stmt *statement,
                    const char *from) {
  const char *next = bind_params(query, statement, from);
  int64_t before = run_count(query);
  if (next && !step_all(query, statement)) next = NULL;
  run_count_changes(query, before);
  sqlite3_reset(statement);
  return next;
}

int64_t run_count(struct query *query) {
  return sqlite3_total_changes64(query->database->handle);
}

void run_count_changes(struct query *query, int64_t before) {
  sqlite3 *handle = query->database->handle;
  if (run_count(query) != before) query->changes += sqlite3_changes64(handle);
  query->last_id = sqlite3_last_insert_rowid(handle);
}

void run_prepare(struct query *query) {
  cache_prepare(query, query->sql, query->sql_length);
}

void run_one(struct query *query) {
  sqlite3_stmt *statement = cache_prepare(query, query->sql, query->sql_length);
  if (statement && run_may_start(query, statement)) {
    run_row(query, statement, query->in);
    sqlite3_clear_bindings(statement);
    run_check_end(query);
  }
}

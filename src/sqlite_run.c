/* What a connection does on its thread: open, one statement, close. No
 * Lua here. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "sqlite.h"

/* How many steps of SQLite's machine lie between two looks at `stop`. */
#define LOOK_EVERY 1000
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

/* ---- waiting and stopping ---- */

bool run_stopped(struct database *database) {
  return __atomic_load_n(&database->running->stop, __ATOMIC_RELAXED);
}

static int on_progress(void *data) {
  return run_stopped(data);
}

/* SQLite's own handler would sleep on after a cancellation. */
static int on_busy(void *data, int count) {
  struct database *database = data;
  uint64_t now_ns = uv_hrtime();
  if (count == 0) database->busy_since_ns = now_ns;
  uint64_t waited_ms = (now_ns - database->busy_since_ns) / 1000000;
  if (run_stopped(database) || waited_ms >= (uint64_t)database->busy_ms)
    return 0;
  struct timespec pause = {.tv_nsec = count < 10 ? 1000000 : 10000000};
  nanosleep(&pause, NULL);
  return 1;
}

/* ---- open and close ---- */

/* What these tell a reader is never what the script means. */
static int on_authorize(void *data, int action, const char *first,
                        const char *name, const char *third,
                        const char *fourth) {
  static const char *const of_writer[] = {"last_insert_rowid", "changes",
                                          "total_changes"};
  (void)data, (void)first, (void)third, (void)fourth;
  if (action != SQLITE_FUNCTION) return SQLITE_OK;
  for (int i = 0; i < 3; i++)
    if (sqlite3_stricmp(name, of_writer[i]) == 0) return SQLITE_DENY;
  return SQLITE_OK;
}

void run_open(struct query *query) {
  struct database *database = query->database;
  int code =
      sqlite3_open_v2(database->path, &database->handle, query->flags, NULL);
  if (code != SQLITE_OK) {
    if (database->handle) sqlite3_extended_result_codes(database->handle, 1);
    run_failed(query, code, NULL);
    sqlite3_close_v2(database->handle);
    database->handle = NULL;
    return;
  }
  sqlite3_extended_result_codes(database->handle, 1);
  int on = 0;
  if (database->strict)
    sqlite3_db_config(database->handle, SQLITE_DBCONFIG_DQS_DML, 0, &on);
  if (database->reader)
    sqlite3_set_authorizer(database->handle, on_authorize, NULL);
  sqlite3_busy_handler(database->handle, on_busy, database);
  sqlite3_progress_handler(database->handle, LOOK_EVERY, on_progress, database);
}

/* With what is left of cursors that nobody closed. */
void run_close(struct query *query) {
  struct database *database = query->database;
  cache_clear(database);
  cursor_clear(database);
  sqlite3_close_v2(database->handle);
  database->handle = NULL;
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

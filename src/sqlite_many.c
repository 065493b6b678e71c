/* What a connection does on its thread with several statements, or with one for
 * many rows of parameters. No Lua here. */
#include "sqlite.h"

static bool execute(struct query *query, const char *sql) {
  int code = sqlite3_exec(query->database->handle, sql, NULL, NULL, NULL);
  return code == SQLITE_OK || run_failed(query, code, sql);
}

/* Statement by statement, so that a mistake has its place in the whole text. */
static void run_statements(struct query *query) {
  sqlite3 *handle = query->database->handle;
  const char *tail = query->sql;
  while (*tail && query->code == SQLITE_OK) {
    const char *sql = tail;
    sqlite3_stmt *statement = NULL;
    int64_t before = run_count(query);
    int code = sqlite3_prepare_v2(handle, sql, -1, &statement, &tail);
    if (code == SQLITE_OK && !statement) continue;
    while (code == SQLITE_OK || code == SQLITE_ROW)
      code = sqlite3_step(statement);
    if (code != SQLITE_DONE) {
      run_failed(query, code, query->sql);
      if (query->offset >= 0) query->offset += (int)(sql - query->sql);
    }
    run_count_changes(query, before);
    sqlite3_finalize(statement);
  }
}

void run_script(struct query *query) {
  if (!run_may_start(query, NULL)) return;
  run_statements(query);
  run_check_end(query);
}

/* One statement of a batch with all its rows; where the next begins. */
static const char *run_item(struct query *query, const char *from) {
  struct packed_value sql;
  size_t rows;
  from = packed_read(from, &sql);
  from = packed_read_count(from, &rows);
  sqlite3_stmt *statement = cache_prepare(query, sql.bytes, sql.length);
  if (statement == NULL) return NULL;
  while (from && rows-- > 0) {
    from = run_row(query, statement, from);
    if (from && run_stopped(query->database)) {
      run_failed(query, SQLITE_INTERRUPT, sql.bytes);
      from = NULL;
    }
  }
  sqlite3_clear_bindings(statement);
  return from;
}

/* Which may meet the cancellation, too. */
static void roll_back(struct query *query, const char *sql) {
  sqlite3 *handle = query->database->handle;
  int code = SQLITE_INTERRUPT;
  while (code == SQLITE_INTERRUPT && !sqlite3_get_autocommit(handle))
    code = sqlite3_exec(handle, sql, NULL, NULL, NULL);
}

void run_batch(struct query *query) {
  size_t items;
  const char *from = packed_read_count(query->in, &items);
  if (!execute(query, "BEGIN IMMEDIATE")) return;
  while (from && items-- > 0) from = run_item(query, from);
  if (!from || !execute(query, "COMMIT")) roll_back(query, "ROLLBACK");
}

/* One statement for many rows of parameters. */
static bool run_rows(struct query *query) {
  size_t rows;
  const char *from = packed_read_count(query->in, &rows);
  sqlite3_stmt *statement = cache_prepare(query, query->sql, query->sql_length);
  if (!statement) return false;
  for (size_t i = 1; from && i <= rows; i++) {
    query->at_row = i;
    from = run_row(query, statement, from);
    if (from && run_stopped(query->database)) {
      run_failed(query, SQLITE_INTERRUPT, query->sql);
      from = NULL;
    }
  }
  sqlite3_clear_bindings(statement);
  if (from) query->at_row = 0;
  return from != NULL;
}

/* All of it or nothing, in a transaction as well. */
void run_many(struct query *query) {
  bool inside = query->footing == INSIDE;
  if (!run_may_start(query, NULL)) return;
  if (!execute(query, inside ? "SAVEPOINT orch_many" : "BEGIN IMMEDIATE"))
    return;
  if (run_rows(query) &&
      execute(query, inside ? "RELEASE orch_many" : "COMMIT"))
    return;
  roll_back(query,
            inside ? "ROLLBACK TO orch_many; RELEASE orch_many" : "ROLLBACK");
}

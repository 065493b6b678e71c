/* Statements that are read piece by piece, and copies of a whole database: what
 * takes many steps. No Lua here. */
#include <stdlib.h>
#include <time.h>
#include "sqlite.h"

enum {
  PIECE = 256 << 10, /* bytes of a piece that may still grow by a row */
  PAGES = 256,       /* a step of a backup */
};

/* ---- cursors ---- */

static void end_reading(struct database *database, struct reading **at) {
  struct reading *reading = *at;
  *at = reading->next;
  sqlite3_finalize(reading->statement);
  free(reading);
  __atomic_sub_fetch(&database->cursors, 1, __ATOMIC_RELAXED);
}

static void end_cursor(struct cursor *cursor) {
  if (!cursor->statement) return;
  struct reading **at = &cursor->database->readings;
  while ((*at)->statement != cursor->statement) at = &(*at)->next;
  cursor->statement = NULL;
  end_reading(cursor->database, at);
}

/* Not with sqlite3_next_stmt: the statements of virtual tables, such as fts5's,
 * are not ours to end. */
void cursor_clear(struct database *database) {
  while (database->readings) end_reading(database, &database->readings);
}

static void begin_reading(struct query *query) {
  struct database *database = query->database;
  struct reading *reading = calloc(1, sizeof *reading);
  int code = SQLITE_NOMEM;
  if (reading)
    code = sqlite3_prepare_v2(database->handle, query->sql,
                              (int)query->sql_length + 1, &reading->statement,
                              NULL);
  if (code != SQLITE_OK) {
    run_failed(query, code, query->sql);
    free(reading);
    return;
  }
  reading->next = database->readings;
  database->readings = reading;
  query->cursor->statement = reading->statement;
  __atomic_add_fetch(&database->cursors, 1, __ATOMIC_RELAXED);
}

static void begin_cursor(struct query *query) {
  struct cursor *cursor = query->cursor;
  cursor->begun = true;
  /* The cache says what is wrong with a text, and keeps nothing of ours. */
  sqlite3_stmt *checked = cache_prepare(query, query->sql, query->sql_length);
  if (!checked || !run_may_start(query, checked)) return;
  if (!sqlite3_stmt_readonly(checked)) { /* nobody could commit until its end */
    query->needs_writer = true;
    return;
  }
  begin_reading(query);
  if (!cursor->statement) return;
  if (!bind_params(query, cursor->statement, query->in)) end_cursor(cursor);
}

static bool fetch_row(struct query *query, sqlite3_stmt *statement) {
  int code = sqlite3_step(statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE)
    return run_failed(query, code, query->sql);
  bool good = query->columns >= 0 || run_keep_names(query, statement);
  if (code == SQLITE_DONE)
    end_cursor(query->cursor);
  else
    good = good && run_keep_row(query, statement);
  return good || run_failed(query, SQLITE_NOMEM, NULL);
}

/* Up to `limit` rows, fewer where they are large. */
void run_fetch(struct query *query) {
  struct cursor *cursor = query->cursor;
  if (!cursor->begun) begin_cursor(query);
  bool good = true;
  while (good && cursor->statement && query->rows < query->limit &&
         query->out.length < PIECE)
    good = fetch_row(query, cursor->statement);
  if (!good) end_cursor(cursor);
  if (query->footing == OUTSIDE && !cursor->statement) run_check_end(query);
}

void run_end_cursor(struct query *query) {
  end_cursor(query->cursor);
}

/* ---- backups ---- */

static int copy_pages(struct query *query, sqlite3_backup *backup) {
  int code;
  do {
    code = sqlite3_backup_step(backup, PAGES);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
      struct timespec pause = {.tv_nsec = 5000000};
      nanosleep(&pause, NULL);
    }
    if (run_stopped(query->database)) return SQLITE_INTERRUPT;
  } while (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED);
  return code;
}

/* Into the file `sql`, of one moment: a transaction that reads keeps what
 * others write away from it. */
void run_backup(struct query *query) {
  struct database *database = query->database;
  sqlite3 *target = NULL;
  int code = sqlite3_open(query->sql, &target);
  bool alone = sqlite3_get_autocommit(database->handle);
  if (code == SQLITE_OK && alone)
    code = sqlite3_exec(database->handle,
                        "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL,
                        NULL);
  sqlite3_backup *backup =
      code == SQLITE_OK
          ? sqlite3_backup_init(target, "main", database->handle, "main")
          : NULL;
  if (backup) {
    code = copy_pages(query, backup);
    sqlite3_backup_finish(backup);
  } else if (code == SQLITE_OK) {
    code = sqlite3_errcode(target);
  }
  if (alone) sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
  if (code != SQLITE_DONE) run_refused(query, code, NULL, sqlite3_errstr(code));
  sqlite3_close(target);
}

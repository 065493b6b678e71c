/* A connection begins and ends, on its thread, with what SQLite asks meanwhile:
 * whether to go on, to wait, to allow. No Lua here. */
#include <time.h>
#include "sqlite.h"

/* How many steps of SQLite's machine lie between two looks at `stop`. */
#define LOOK_EVERY 1000

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

/* 10,000 inserts with the C API: what the library itself takes. The settings of
 * the file are those of orch.db.sqlite. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static sqlite3 *db;

static void run(const char *sql) {
  if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK) return;
  fprintf(stderr, "%s\n", sqlite3_errmsg(db));
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  int n = argc > 2 ? atoi(argv[2]) : 10000;
  sqlite3_stmt *insert, *sum;
  if (sqlite3_open(argv[1], &db) != SQLITE_OK) return 1;
  run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
      "DROP TABLE IF EXISTS player;"
      "CREATE TABLE player (id INTEGER PRIMARY KEY, name TEXT, score REAL)");
  double start = now();
  run("BEGIN IMMEDIATE");
  sqlite3_prepare_v2(db, "INSERT INTO player VALUES (?, ?, ?)", -1, &insert,
                     NULL);
  for (int i = 1; i <= n; i++) {
    char name[32];
    int length = snprintf(name, sizeof name, "player %d", i);
    sqlite3_bind_int64(insert, 1, i);
    sqlite3_bind_text(insert, 2, name, length, SQLITE_STATIC);
    sqlite3_bind_double(insert, 3, i * 0.5);
    if (sqlite3_step(insert) != SQLITE_DONE) return 1;
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  run("COMMIT");
  double seconds = now() - start;
  sqlite3_prepare_v2(db, "SELECT count(*) || ' ' || sum(score) FROM player", -1,
                     &sum, NULL);
  sqlite3_step(sum);
  printf("seconds %.6f\nanswer %s\n", seconds, sqlite3_column_text(sum, 0));
  sqlite3_finalize(sum);
  sqlite3_close(db);
  return 0;
}

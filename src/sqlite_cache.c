/* The prepared statements of a connection: the last few texts stay compiled.
 * No Lua here. */
#include <string.h>
#include "sqlite.h"

static bool is_text(const struct cached_statement *entry, const char *sql,
                    size_t length) {
  return entry->length == length &&
         memcmp(sqlite3_sql(entry->statement), sql, length) == 0;
}

/* Where a text is, or where it may go. */
static struct cached_statement *find(struct database *database, const char *sql,
                                     size_t length) {
  struct cached_statement *oldest = database->cache;
  for (size_t i = 0; i < SQLITE_CACHED; i++) {
    struct cached_statement *entry = &database->cache[i];
    if (entry->statement == NULL) {
      if (oldest->statement) oldest = entry;
    } else if (is_text(entry, sql, length)) {
      return entry;
    } else if (oldest->statement && entry->used < oldest->used) {
      oldest = entry;
    }
  }
  return oldest;
}

/* Only blanks and comments after the first statement. */
static bool is_all(struct query *query, const char *tail) {
  sqlite3_stmt *more = NULL;
  int code = sqlite3_prepare_v2(query->database->handle, tail, -1, &more, NULL);
  sqlite3_finalize(more);
  return code == SQLITE_OK && more == NULL;
}

/* Temporary tables and attached files are the writer's only, and so is what the
 * functions tell that run_open refuses to readers. */
static bool is_of_writer(const struct query *query) {
  static const char *const words[] = {"no such table: ",
                                      "not authorized to use"};
  if (!query->database->reader) return false;
  for (int i = 0; i < 2; i++)
    if (strncmp(query->message, words[i], strlen(words[i])) == 0) return true;
  return false;
}

static bool compile(struct query *query, struct cached_statement *entry,
                    const char *sql, size_t length) {
  const char *tail;
  if (memchr(sql, '\0', length))
    return run_refused(query, SQLITE_MISUSE, sql, "NUL in the text");
  int code =
      sqlite3_prepare_v3(query->database->handle, sql, (int)length + 1,
                         SQLITE_PREPARE_PERSISTENT, &entry->statement, &tail);
  if (code != SQLITE_OK) {
    run_failed(query, code, sql);
    query->ask_writer = is_of_writer(query);
    return false;
  }
  if (entry->statement == NULL)
    return run_refused(query, SQLITE_MISUSE, sql,
                       "there is no statement in it");
  entry->length = length;
  if (is_all(query, tail)) return true;
  sqlite3_finalize(entry->statement);
  entry->statement = NULL;
  return run_refused(
      query, SQLITE_MISUSE, sql,
      "there is more than one statement in it; script(sql) runs several");
}

sqlite3_stmt *cache_prepare(struct query *query, const char *sql,
                            size_t length) {
  struct database *database = query->database;
  struct cached_statement *entry = find(database, sql, length);
  if (entry->statement && !is_text(entry, sql, length)) {
    sqlite3_finalize(entry->statement);
    entry->statement = NULL;
  }
  if (entry->statement == NULL && !compile(query, entry, sql, length))
    return NULL;
  entry->used = ++database->uses;
  return entry->statement;
}

void cache_clear(struct database *database) {
  for (size_t i = 0; i < SQLITE_CACHED; i++) {
    sqlite3_finalize(database->cache[i].statement);
    database->cache[i].statement = NULL;
  }
}

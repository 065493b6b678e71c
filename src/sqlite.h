/* SQLite for orch.core.sqlite. A connection runs one operation at a time, on a
 * thread of the pool; what goes in and comes out is packed bytes, because only
 * the loop's thread may touch Lua. sqlite_run.c and sqlite_cache.c know no Lua,
 * sqlite_pack.c no SQLite. */
#ifndef ORCH_SQLITE_H
#define ORCH_SQLITE_H

#include <lua.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buffer.h"
#include "op.h"

#define SQLITE_CACHED 32

struct cached_statement {
  sqlite3_stmt *statement;
  uint64_t used; /* when: the oldest makes room */
};

/* Bytes that grow on a thread of the pool; malloc's. */
struct packed {
  char *data;
  size_t length, room;
};

struct query;

struct database {
  sqlite3 *handle;
  const char *path; /* a user value of the connection */
  int busy_ms;
  uint64_t busy_since_ns;
  bool closing; /* close was called: nothing more is let in */
  struct cached_statement cache[SQLITE_CACHED];
  uint64_t uses;
  struct query *running, *first, *last; /* the queue is FIFO */
};

/* What one awaited call asks and gets. */
struct query {
  struct op op; /* first */
  uv_work_t req;
  struct database *database; /* a value on the stack of the waiting task */
  void (*run)(struct query *query);
  struct query *next;
  volatile int stop; /* set when cancelled */

  const char *sql; /* in the arguments of the waiting task, like `in` */
  size_t sql_length;
  const char *in;
  size_t in_length;
  int flags; /* of open */
  bool named, wants_rows;

  struct packed out; /* the rows, value by value */
  uint64_t rows;
  struct packed names; /* the columns' */
  int columns;         /* -1: the statement gives no rows */
  int64_t changes, last_id;

  int code, extended; /* SQLite's; SQLITE_OK: fine */
  char message[512];
  char *failed_sql; /* ours (malloc): the cache may have dropped it since */
};

/* ---- sqlite_pack.c: values between Lua and packed bytes ---- */

enum packed_tag {
  PACKED_NULL,
  PACKED_INTEGER,
  PACKED_FLOAT,
  PACKED_TEXT,
  PACKED_BLOB
};

#define SQLITE_BLOB_TYPE "orch.sqlite.blob"

/* A value read from packed bytes; a text ends with a NUL that is not counted.
 */
struct packed_value {
  enum packed_tag tag;
  int64_t integer;
  double number;
  const char *bytes;
  size_t length;
};

/* False when memory runs out. */
bool packed_add_value(struct packed *packed, const struct packed_value *value);
const char *packed_read(const char *from, struct packed_value *value);
const char *packed_read_count(const char *from, size_t *count);

/* Adds the list at `index` (its `n`, if set, counts what may be nil) to the
 * buffer: a count and values. Raises a usage error that opens with `what`. */
void pack_row(lua_State *L, struct buffer *buffer, int index, const char *what);

/* Adds a batch, a list of {sql, {row, ...}}: a count, and for each the text,
 * the number of rows, the rows. */
void pack_batch(lua_State *L, struct buffer *buffer, int index);

/* Pushes the rows, tables by name or lists, and the names of the columns. The
 * value at `null` stands for NULL; 0: such a column is left out. */
void pack_push_rows(lua_State *L, const struct query *query, int null);

/* ---- sqlite_cache.c: prepared statements ---- */

/* The statement of `query`s connection for a text, reset and with nothing
 * bound; NULL and `code` set when it does not compile. Owned by the cache. */
sqlite3_stmt *cache_prepare(struct query *query, const char *sql,
                            size_t length);
void cache_clear(struct database *database);

/* ---- sqlite_run.c: on a thread of the pool ---- */

void run_open(struct query *query);
void run_close(struct query *query);
void run_one(struct query *query);
void run_script(struct query *query);
void run_batch(struct query *query);

/* Keeps SQLite's words about what failed; false. */
bool run_failed(struct query *query, int code, const char *sql);

#endif

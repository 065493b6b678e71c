/* SQLite for orch.core.sqlite. A connection runs one operation at a time, on a
 * thread of its own; what goes in and comes out is packed bytes, because only
 * the loop's thread may touch Lua: sqlite.c, ask, reading, failure, pack and
 * push know it, the others do not. */
#ifndef ORCH_SQLITE_H
#define ORCH_SQLITE_H

#include <lauxlib.h>
#include <lua.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buffer.h"
#include "op.h"

#define SQLITE_CACHED 64

struct cached_statement {
  sqlite3_stmt *statement;
  size_t length; /* of its text */
  uint64_t used; /* when: the oldest makes room */
};

/* A statement of a cursor; the list outlives a cursor that nobody has ended. */
struct reading {
  sqlite3_stmt *statement;
  struct reading *next;
};

/* Bytes that grow on the connection's thread; malloc's. */
struct packed {
  char *data;
  size_t length, room;
};

struct database;
struct cursor;

/* What a statement expects: of a connection that anybody may use, that of a
 * transaction, or whatever it is. */
enum footing { ANYWHERE, OUTSIDE, INSIDE };

/* What one awaited call asks and gets. */
struct query {
  struct op op;              /* first */
  struct database *database; /* a value on the stack of the waiting task */
  void (*run)(struct query *query);
  struct query *next;
  uint64_t posted_ns;
  bool looked;       /* for its end, instead of sleeping */
  volatile int stop; /* set when cancelled */

  const char *sql; /* in the arguments of the waiting task, like `in` */
  size_t sql_length;
  const char *in;
  size_t in_length;
  int flags; /* of open */
  bool named, wants_rows;
  enum footing footing;
  uint64_t limit; /* rows; 0: all */
  struct cursor *cursor;

  struct packed out; /* the rows, value by value */
  uint64_t rows;
  struct packed names; /* the columns', or the parameters' of a mismatch */
  int columns;         /* -1: the statement gives no rows */
  int64_t changes, last_id;

  int code, extended; /* SQLite's; SQLITE_OK: fine */
  char message[512];
  char *failed_sql;  /* ours (malloc): the cache may have dropped it since */
  int offset;        /* of the mistake in `sql`, or -1 */
  uint64_t at_row;   /* of many, from 1 */
  bool mismatch;     /* the parameters are not those of the statement */
  bool needs_writer; /* refused by a reader */
  bool ask_writer;   /* a reader cannot know it; the failure is told, too */
  bool rolled_back;  /* it took the transaction with it */
};

struct database {
  sqlite3 *handle;
  const char *path; /* a user value of the connection */
  int busy_ms;
  uint64_t busy_since_ns;
  bool reader;  /* refuses what writes, before it is begun */
  bool strict;  /* "text" in double quotes is a name, and nothing else */
  bool closing; /* close was called: nothing more is let in */
  struct cached_statement cache[SQLITE_CACHED];
  uint64_t uses;
  struct reading *readings;
  int cursors; /* that have begun and not ended */

  /* sqlite_thread.c */
  pthread_t thread;
  bool started;            /* the thread */
  bool quick;              /* the last trip was short */
  unsigned in_vain, pause; /* trips that were not, although we looked */
  pthread_mutex_t lock;
  pthread_cond_t wake;
  bool asleep, leaving;
  struct query *running, *last;
  struct query *volatile first; /* the queue is FIFO */

  struct query end; /* to close or to roll back needs no memory */
};

/* A statement that is read piece by piece. */
struct cursor {
  struct database *database; /* a user value of the cursor */
  sqlite3_stmt *statement;   /* NULL before the first piece, after the last */
  bool begun;
  struct query end; /* here, so that ending one needs no memory */
};

/* ---- sqlite_packed.c: values as bytes ---- */

enum packed_tag {
  PACKED_NULL,
  PACKED_INTEGER,
  PACKED_FLOAT,
  PACKED_TEXT,
  PACKED_BLOB
};

#define SQLITE_BLOB_TYPE "orch.sqlite.blob"

/* In the registry, from lua/orch/db: the metatable of its blobs, its null, and
 * the function (what, parameter, value) that says what is wrong with one. */
#define SQLITE_DB_BLOB "orch.db.blob"
#define SQLITE_DB_NULL "orch.db.null"
#define SQLITE_DB_CHECK "orch.db.check"

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

/* Writes a value, at most packed_size bytes; where the next one goes. */
size_t packed_size(const struct packed_value *value);
char *packed_write(char *to, const struct packed_value *value);

/* ---- sqlite_pack.c: parameters into packed bytes ---- */

/* In a count: a name before each value, with a byte for its mark in front. */
#define PACKED_NAMED ((size_t)1 << 62)

/* Adds the list at `index` (its `n`, if set, counts what may be nil) to the
 * buffer: a count and values. Raises a usage error that opens with `what`. */
void pack_row(lua_State *L, struct buffer *buffer, int index, const char *what);

/* The same, also for values by name; nil is an empty list. */
void pack_params(lua_State *L, struct buffer *buffer, int index,
                 const char *what);

/* Adds some of a list of parameters: a count, and for each what pack_params
 * adds. */
void pack_many(lua_State *L, struct buffer *buffer, int index, size_t first,
               size_t last, const char *what);

/* Adds a batch, a list of {sql, {row, ...}}: a count, and for each the text,
 * the number of rows, the rows. */
void pack_batch(lua_State *L, struct buffer *buffer, int index);

/* ---- sqlite_push.c: rows into Lua ---- */

/* Pushes the rows, tables by name or lists, and the names of the columns. The
 * value at `null` stands for NULL; 0: such a column is left out. */
void pack_push_rows(lua_State *L, const struct query *query, int null);

/* Pushes the first row, by name, or its first value; there is one. */
void pack_push_first(lua_State *L, const struct query *query);
void pack_push_value(lua_State *L, const struct query *query);

/* Pushes the names as a list, false for what has none. */
void pack_push_names(lua_State *L, const struct query *query);

/* ---- sqlite_cache.c: prepared statements ---- */

/* The statement of `query`s connection for a text, reset and with nothing
 * bound; NULL and `code` set when it does not compile. Owned by the cache. */
sqlite3_stmt *cache_prepare(struct query *query, const char *sql,
                            size_t length);
void cache_clear(struct database *database);

/* ---- sqlite_thread.c: the thread of a connection, and back to the loop ----
 */

/* Before the first post: 0 or a negative libuv code. */
int thread_open(struct database *database);

/* Hands a query to the thread; op_done follows on the loop's. */
void thread_post(struct query *query, void (*run)(struct query *query));

/* An op_kind's `cancel`. */
void thread_cancel(struct op *op);

/* Ends and joins the thread; nothing is queued. */
void thread_close(struct database *database);

/* ---- sqlite_bind.c: parameters ---- */

/* Binds packed parameters; where the next ones begin, or NULL. What was bound
 * is not ours for longer than until the statement is reset. */
const char *bind_params(struct query *query, sqlite3_stmt *statement,
                        const char *from);

/* ---- sqlite_open.c: on the thread of the connection ---- */

void run_open(struct query *query);
void run_close(struct query *query);

/* The query that runs has been cancelled. */
bool run_stopped(struct database *database);

/* ---- sqlite_run.c: there as well ---- */

void run_prepare(struct query *query);
void run_one(struct query *query);

/* Keeps SQLite's words about what failed; false. */
bool run_failed(struct query *query, int code, const char *sql);

/* The same in our words. */
bool run_refused(struct query *query, int code, const char *sql,
                 const char *words);

/* Whether a statement may run where it is to run, and whether it has left the
 * connection as it should be. */
bool run_may_start(struct query *query, sqlite3_stmt *statement);
void run_check_end(struct query *query);

bool run_keep_names(struct query *query, sqlite3_stmt *statement);
bool run_keep_row(struct query *query, sqlite3_stmt *statement);

/* Runs a statement with the packed parameters at `from`; where the next ones
 * begin, or NULL. They stay bound until the next time, or until somebody clears
 * them. */
const char *run_row(struct query *query, sqlite3_stmt *statement,
                    const char *from);

/* What a statement has changed since run_count, if anything, without what its
 * triggers did. */
int64_t run_count(struct query *query);
void run_count_changes(struct query *query, int64_t before);

/* ---- sqlite_many.c, sqlite_cursor.c: there as well ---- */

void run_many(struct query *query);
void run_script(struct query *query);
void run_batch(struct query *query);

void run_fetch(struct query *query);
void cursor_clear(struct database *database);
void run_end_cursor(struct query *query);
void run_backup(struct query *query);

/* ---- sqlite_failure.c: what has failed, for Lua ---- */

bool sqlite_has_failed(const struct query *query);
int sqlite_raise(lua_State *L, struct query *query);

/* Pushes the address of sqlite_failed, FAILED for orch.db, and a table. */
int sqlite_push_failed(lua_State *L, struct query *query);
extern const char sqlite_failed;

/* ---- sqlite.c, sqlite_ask.c, sqlite_reading.c: calls ---- */

struct database *sqlite_check_open(lua_State *L);
enum footing sqlite_check_footing(lua_State *L, int index);
void sqlite_query_drop(struct op *op);
int sqlite_cursor_call(lua_State *L);
extern const luaL_Reg sqlite_ask_methods[];
void sqlite_ask_open(lua_State *L);
void sqlite_reading_open(lua_State *L);

#endif

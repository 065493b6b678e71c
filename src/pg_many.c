/* One statement for many rows of parameters, in one trip: libpq's pipeline up
 * to a single Sync, which is one transaction of its own unless one is open. It
 * is fed as the socket takes it. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "buffer.h"
#include "error.h"
#include "pg.h"

#define STATEMENT "" /* the unnamed one */
/* How many are sent between two looks at the socket. */
#define STRIDE 16

struct many {
  struct pg_call call;
  const char *at; /* of the next row in the packed ones */
  int rows, sent; /* of them */
  int count;      /* parameters in each */
  int answered;   /* the one that prepares included */
  int failed;     /* the row that failed, from 1 */
  bool synced;    /* nothing more is sent */
  bool broken;    /* could not be sent: the connection is given up */
  int64_t changed;
  const char **values;
  int *lengths, *formats;
};

/* ---- rows as bytes: a length (-1: null), a format, the bytes, a NUL ---- */

static void pack_row(lua_State *L, struct buffer *packed,
                     const struct pg_params *params) {
  for (int i = 0; i < params->count; i++) {
    bool null = params->values[i] == NULL;
    int length = null ? -1 : params->lengths[i];
    buffer_add(L, packed, &length, sizeof length);
    if (null) continue;
    buffer_byte(L, packed, (char)params->formats[i]);
    buffer_add(L, packed, params->values[i], (size_t)length);
    buffer_byte(L, packed, '\0');
  }
}

static void unpack_row(struct many *many) {
  for (int i = 0; i < many->count; i++) {
    memcpy(&many->lengths[i], many->at, sizeof(int));
    many->at += sizeof(int);
    many->values[i] = NULL;
    many->formats[i] = 0;
    if (many->lengths[i] < 0) continue;
    many->formats[i] = *many->at++;
    many->values[i] = many->at;
    many->at += many->lengths[i] + 1;
  }
}

/* ---- feeding and reading ---- */

static void feed(struct many *many) {
  PGconn *conn = many->call.pg->conn;
  while (!many->synced && !many->broken) {
    if (many->call.op.cancelled) {
      /* What was sent must not be committed: this is no statement. */
      many->broken =
          !PQsendQueryParams(conn, "cancelled", 0, NULL, NULL, NULL, NULL, 0);
      many->sent = many->rows;
    }
    if (many->sent == many->rows) {
      many->synced = PQpipelineSync(conn);
      many->broken = !many->synced;
      return;
    }
    unpack_row(many);
    many->sent++;
    many->broken =
        !PQsendQueryPrepared(conn, STATEMENT, many->count, many->values,
                             many->lengths, many->formats, 0);
    if (many->sent % STRIDE == 0 && PQflush(conn) != 0) return;
  }
}

/* True: that was the Sync. */
static bool take(struct many *many, PGresult *result) {
  ExecStatusType status = PQresultStatus(result);
  bool over = status == PGRES_PIPELINE_SYNC;
  bool failed = status == PGRES_FATAL_ERROR;
  if (!over) many->answered++;
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
    many->changed += strtoll(PQcmdTuples(result), NULL, 10);
  else if (failed && many->failed == 0)
    many->failed = many->answered - 1;
  bool first = many->call.result == NULL;
  bool better = failed && !first && pg_is_success(many->call.result);
  if (!over && (first || better)) {
    PQclear(many->call.result);
    many->call.result = result;
  } else {
    PQclear(result);
  }
  return over;
}

static void give_up(struct pg_call *call) {
  if (call->result && !pg_is_success(call->result)) return;
  PQclear(call->result);
  call->result = PQmakeEmptyPGresult(call->pg->conn, PGRES_FATAL_ERROR);
}

/* The end of each statement is a NULL, two of them that of the pipeline. */
static bool many_go(struct pg_call *call) {
  struct many *many = (struct many *)call;
  PGconn *conn = call->pg->conn;
  feed(many);
  if (many->broken) {
    give_up(call);
    return true;
  }
  int nothing = 0;
  while (!PQisBusy(conn) && nothing < 2) {
    PGresult *result = PQgetResult(conn);
    nothing = result ? 0 : nothing + 1;
    if (result && take(many, result)) {
      PQexitPipelineMode(conn);
      return true;
    }
  }
  if (PQstatus(conn) == CONNECTION_BAD) give_up(call); /* nothing is done */
  return false;
}

/* ---- the call ---- */

/* A server that waits for more would not answer. */
static void many_cancel(struct op *op) {
  struct pg *pg = ((struct pg_call *)op)->pg;
  pg_start_cancelling(pg);
  if (pg->call) pg_turn(pg);
}

static int many_result(lua_State *L, struct op *op) {
  struct many *many = (struct many *)op;
  struct pg_call *call = &many->call;
  if (many->broken) pg_lose(call->pg);
  if (call->result == NULL || !pg_is_success(call->result)) {
    int n = pg_push_failure(L, call->pg, call->result);
    if (many->failed > 0) {
      lua_pushinteger(L, many->failed);
      lua_setfield(L, -2, "row");
    }
    return n;
  }
  lua_pushboolean(L, true);
  lua_pushinteger(L, many->changed);
  return 2;
}

static const struct op_kind many_kind = {.name = "db.exec_many",
                                         .size = sizeof(struct many),
                                         .result = many_result,
                                         .cancel = many_cancel,
                                         .drop = pg_call_drop};

static int pack_rows(lua_State *L, struct buffer *packed, int rows) {
  int count = 0;
  for (int i = 1; i <= rows; i++) {
    struct pg_params params;
    if (lua_rawgeti(L, 3, i) != LUA_TTABLE)
      error_usage(L, "db: row %d of the parameters is not a table", i);
    int row = lua_gettop(L);
    pg_read_params(L, &params, row, 4);
    if (i == 1) count = params.count;
    if (params.count != count)
      error_usage(L, "db: row %d has %d parameters, the first one %d", i,
                  params.count, count);
    pack_row(L, packed, &params);
    lua_settop(L, row - 1);
  }
  return count;
}

/* many(connection, sql, rows, names) -> true, changed: all of them or none */
int pg_many(lua_State *L) {
  const char *sql = luaL_checkstring(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 4);
  int rows = (int)lua_rawlen(L, 3);
  struct buffer *packed = buffer_new(L);
  int count = pack_rows(L, packed, rows);
  size_t each = sizeof(char *) + 2 * sizeof(int);
  char *room = lua_newuserdatauv(L, each * (size_t)count + 1, 0);
  struct many *many = pg_call_new(L, &many_kind, many_go);
  PGconn *conn = many->call.pg->conn;
  many->at = packed->data;
  many->rows = rows;
  many->count = count;
  many->values = (const char **)(void *)room;
  many->lengths = (int *)(many->values + count);
  many->formats = many->lengths + count;
  int sent = PQenterPipelineMode(conn) && PQsendPrepare(conn, "", sql, 0, NULL);
  if (sent) feed(many);
  return pg_call_await(L, &many->call, sent);
}

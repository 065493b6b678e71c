/* Connecting: a name's addresses, found on a thread of their own because libpq
 * would block in DNS; and libpq's steps to a connection, for one address. */
#include <lauxlib.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include "error.h"
#include "pg.h"
#include "pg_aside.h"

/* ---- resolve ---- */

struct lookup {
  struct addrinfo *list;
  int error;
  char host[];
};

struct resolve {
  struct op op;
  struct aside *aside;
  struct lookup *lookup; /* the aside's, until it has ended */
  struct addrinfo *list;
  int error;
};

static void run_lookup(void *data) {
  struct lookup *lookup = data;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  lookup->error = getaddrinfo(lookup->host, NULL, &hints, &lookup->list);
}

static void drop_lookup(void *data) {
  struct lookup *lookup = data;
  if (lookup->list) freeaddrinfo(lookup->list);
  free(lookup);
}

static void on_looked_up(void *owner) {
  struct resolve *resolve = owner;
  resolve->aside = NULL;
  resolve->list = resolve->lookup->list;
  resolve->error = resolve->lookup->error;
  resolve->lookup->list = NULL;
  op_done(&resolve->op);
}

static void cancel_resolve(struct op *op) {
  struct resolve *resolve = (struct resolve *)op;
  if (resolve->aside == NULL) return;
  aside_abandon(resolve->aside);
  resolve->aside = NULL;
  op_done(op);
}

static void drop_resolve(struct op *op) {
  struct resolve *resolve = (struct resolve *)op;
  if (resolve->list) freeaddrinfo(resolve->list);
  resolve->list = NULL;
}

static int resolve_result(lua_State *L, struct op *op) {
  struct resolve *resolve = (struct resolve *)op;
  if (resolve->error != 0) {
    lua_pushboolean(L, false);
    lua_pushstring(L, gai_strerror(resolve->error));
    return 2;
  }
  lua_newtable(L);
  lua_Integer n = 0;
  for (struct addrinfo *at = resolve->list; at; at = at->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, NULL, 0,
                    NI_NUMERICHOST) != 0)
      continue;
    lua_pushstring(L, text);
    lua_rawseti(L, -2, ++n);
  }
  drop_resolve(op);
  return 1;
}

static const struct op_kind resolve_kind = {.name = "db.postgres: resolve",
                                            .size = sizeof(struct resolve),
                                            .result = resolve_result,
                                            .cancel = cancel_resolve,
                                            .drop = drop_resolve};

/* resolve(host) -> {address, ...}, or false and why not */
int pg_resolve(lua_State *L) {
  size_t length;
  const char *host = luaL_checklstring(L, 1, &length);
  struct resolve *resolve = op_new(L, &resolve_kind);
  struct lookup *lookup = calloc(1, sizeof *lookup + length + 1);
  if (lookup) memcpy(lookup->host, host, length);
  struct aside_call call = {run_lookup, drop_lookup, on_looked_up, lookup,
                            resolve};
  resolve->lookup = lookup;
  if (lookup) resolve->aside = aside_start(&call);
  if (resolve->aside == NULL) {
    free(lookup);
    resolve->op.status = UV_ENOMEM;
    op_done(&resolve->op);
  }
  return op_await(L, &resolve->op);
}

/* ---- connect ---- */

/* True: it has come to an end. */
static bool step(struct pg_call *call) {
  struct pg *pg = call->pg;
  pg_watch_stop(pg);
  PostgresPollingStatusType next = PQconnectPoll(pg->conn);
  bool waits = next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING;
  if (next != PGRES_POLLING_FAILED && !pg_watch_open(pg))
    next = PGRES_POLLING_FAILED;
  if (waits && next != PGRES_POLLING_FAILED) {
    pg_want(pg, next == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE);
    return false;
  }
  pg->connected =
      next == PGRES_POLLING_OK && PQsetnonblocking(pg->conn, 1) == 0;
  if (!pg->connected) pg_watch_close(pg);
  call->complete = true;
  pg_end(pg);
  return true;
}

static void cancel_connect(struct op *op) {
  pg_lose(((struct pg_call *)op)->pg);
}

static int connect_result(lua_State *L, struct op *op) {
  struct pg_call *call = (struct pg_call *)op;
  struct pg *pg = call->pg;
  if (pg->connected) {
    lua_pushvalue(L, 4);
    return 1;
  }
  if (pg->conn == NULL)
    return error_raise(L, "closed", "db: it was closed while it connected");
  lua_pushboolean(L, false);
  lua_createtable(L, 0, 3);
  lua_pushstring(L, PQerrorMessage(pg->conn));
  lua_setfield(L, -2, "message");
  lua_pushboolean(L, PQconnectionNeedsPassword(pg->conn));
  lua_setfield(L, -2, "needs_password");
  lua_pushboolean(L, true);
  lua_setfield(L, -2, "lost");
  pg_lose(pg);
  return 2;
}

static const struct op_kind connect_kind = {.name = "db.postgres: connect",
                                            .size = sizeof(struct pg_call),
                                            .result = connect_result,
                                            .cancel = cancel_connect,
                                            .drop = pg_call_drop};

static const char **read_texts(lua_State *L, int index, int count) {
  const char **texts =
      lua_newuserdatauv(L, sizeof *texts * ((size_t)count + 1), 0);
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, index, i + 1);
    texts[i] = luaL_checkstring(L, -1); /* the table keeps it */
    lua_pop(L, 1);
  }
  texts[count] = NULL;
  return texts;
}

/* connect(names, values, seconds) -> Connection, or false and what went wrong:
 * libpq's options, with an address instead of a name that must be looked up;
 * what the server has to end a cancelled query, before it is given up. */
int pg_connect(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Number cancel = luaL_checknumber(L, 3);
  lua_settop(L, 3);
  int count = (int)lua_rawlen(L, 1);
  struct pg *pg = lua_newuserdatauv(L, sizeof *pg, 0);
  *pg = (struct pg){.cancel_ms =
                        cancel < 1e6 ? (uint64_t)(cancel * 1e3) : 1000000000};
  luaL_setmetatable(L, PG_TYPE);
  const char **names = read_texts(L, 1, count);
  const char **values = read_texts(L, 2, count);
  struct pg_call *call = op_new(L, &connect_kind);
  call->pg = pg;
  call->go = step;
  pg->call = call;
  pg->conn = PQconnectStartParams(names, values, 0);
  if (pg->conn == NULL) {
    pg->call = NULL;
    call->op.status = UV_ENOMEM;
    op_done(&call->op);
    return op_await(L, &call->op);
  }
  PQsetErrorVerbosity(pg->conn, PQERRORS_VERBOSE); /* for the SQLSTATE */
  pg_listen_to_notices(pg);
  /* libpq: as if the last step had asked for writing. */
  if (PQstatus(pg->conn) == CONNECTION_BAD) {
    call->complete = true;
    pg_end(pg);
  } else if (!pg_watch_open(pg)) {
    pg_lose(pg);
    call->op.status = UV_ENOMEM;
  } else {
    pg_want(pg, UV_WRITABLE);
  }
  return op_await(L, &call->op);
}

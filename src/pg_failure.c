/* What went wrong on a connection, and what the server says meanwhile, as
 * plain tables. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "pg.h"

/* More are not kept until Lua asks for them. */
#define MOST_NOTICES 100

static const struct {
  const char *name;
  int code;
} fields[] = {
    {"severity", PG_DIAG_SEVERITY_NONLOCALIZED},
    {"code", PG_DIAG_SQLSTATE},
    {"message", PG_DIAG_MESSAGE_PRIMARY},
    {"detail", PG_DIAG_MESSAGE_DETAIL},
    {"hint", PG_DIAG_MESSAGE_HINT},
    {"position", PG_DIAG_STATEMENT_POSITION},
    {"internal_sql", PG_DIAG_INTERNAL_QUERY},
    {"context", PG_DIAG_CONTEXT},
    {"schema", PG_DIAG_SCHEMA_NAME},
    {"table", PG_DIAG_TABLE_NAME},
    {"column", PG_DIAG_COLUMN_NAME},
    {"type", PG_DIAG_DATATYPE_NAME},
    {"constraint", PG_DIAG_CONSTRAINT_NAME},
};

int pg_push_failure(lua_State *L, struct pg *pg, const PGresult *result) {
  lua_pushboolean(L, false);
  lua_createtable(L, 0, 8);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    const char *text =
        result ? PQresultErrorField(result, fields[i].code) : NULL;
    if (text == NULL) continue;
    lua_pushstring(L, text);
    lua_setfield(L, -2, fields[i].name);
  }
  if (lua_getfield(L, -1, "message") == LUA_TNIL) { /* libpq's own words */
    lua_pushstring(L,
                   result ? PQresultErrorMessage(result) : "not enough memory");
    lua_setfield(L, -3, "message");
  }
  lua_pop(L, 1);
  lua_pushboolean(L, pg->conn == NULL || PQstatus(pg->conn) == CONNECTION_BAD);
  lua_setfield(L, -2, "lost");
  return 2;
}

/* ---- notices ---- */

/* What libpq only shows for the length of a call. */
struct pg_notice {
  struct pg_notice *next;
  size_t words; /* where they begin in `text` */
  char text[];  /* severity, NUL, words, NUL */
};

static const char *field(const PGresult *result, int code) {
  const char *text = PQresultErrorField(result, code);
  return text ? text : "";
}

static void on_notice(void *data, const PGresult *result) {
  struct pg *pg = data;
  const char *severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  const char *words = field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (pg->notices >= MOST_NOTICES || *words == '\0') return;
  size_t before = strlen(severity) + 1, size = strlen(words) + 1;
  struct pg_notice *notice = malloc(sizeof *notice + before + size);
  if (notice == NULL) return;
  notice->next = NULL;
  notice->words = before;
  memcpy(notice->text, severity, before);
  memcpy(notice->text + before, words, size);
  if (pg->last_notice)
    pg->last_notice->next = notice;
  else
    pg->first_notice = notice;
  pg->last_notice = notice;
  pg->notices++;
}

void pg_listen_to_notices(struct pg *pg) {
  PQsetNoticeReceiver(pg->conn, on_notice, pg);
}

static void drop_first(struct pg *pg) {
  struct pg_notice *notice = pg->first_notice;
  pg->first_notice = notice->next;
  if (notice->next == NULL) pg->last_notice = NULL;
  pg->notices--;
  free(notice);
}

void pg_drop_notices(struct pg *pg) {
  while (pg->first_notice) drop_first(pg);
}

/* notices() -> nil, or {severity, words, ...}: those since the last call */
int pg_notices(lua_State *L) {
  struct pg *pg = luaL_checkudata(L, 1, PG_TYPE);
  if (pg->first_notice == NULL) return 0;
  lua_newtable(L);
  for (lua_Integer n = 1; pg->first_notice; n += 2) {
    struct pg_notice *notice = pg->first_notice;
    lua_pushstring(L, notice->text);
    lua_rawseti(L, -2, n);
    lua_pushstring(L, notice->text + notice->words);
    lua_rawseti(L, -2, n + 1);
    drop_first(pg);
  }
  return 1;
}

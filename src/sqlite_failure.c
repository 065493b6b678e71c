/* What has failed on the thread, for Lua: an Error, or for orch.db a table with
 * what it makes a sentence of. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "error.h"
#include "sqlite.h"

#define SQL_SHOWN 160 /* bytes of a statement in a message */

const char sqlite_failed = 0;

bool sqlite_has_failed(const struct query *query) {
  return query->code != SQLITE_OK || query->needs_writer;
}

static const struct {
  int code;
  const char *name;
} code_names[] = {
#define NAME(code)                                                             \
  { code, #code }
    NAME(SQLITE_ERROR),
    NAME(SQLITE_PERM),
    NAME(SQLITE_ABORT),
    NAME(SQLITE_BUSY),
    NAME(SQLITE_LOCKED),
    NAME(SQLITE_NOMEM),
    NAME(SQLITE_READONLY),
    NAME(SQLITE_INTERRUPT),
    NAME(SQLITE_IOERR),
    NAME(SQLITE_CORRUPT),
    NAME(SQLITE_FULL),
    NAME(SQLITE_CANTOPEN),
    NAME(SQLITE_PROTOCOL),
    NAME(SQLITE_SCHEMA),
    NAME(SQLITE_TOOBIG),
    NAME(SQLITE_CONSTRAINT),
    NAME(SQLITE_MISMATCH),
    NAME(SQLITE_MISUSE),
    NAME(SQLITE_AUTH),
    NAME(SQLITE_RANGE),
    NAME(SQLITE_NOTADB),
    NAME(SQLITE_CONSTRAINT_CHECK),
    NAME(SQLITE_CONSTRAINT_FOREIGNKEY),
    NAME(SQLITE_CONSTRAINT_NOTNULL),
    NAME(SQLITE_CONSTRAINT_PRIMARYKEY),
    NAME(SQLITE_CONSTRAINT_TRIGGER),
    NAME(SQLITE_CONSTRAINT_UNIQUE),
    NAME(SQLITE_CONSTRAINT_ROWID),
    NAME(SQLITE_CONSTRAINT_DATATYPE),
    NAME(SQLITE_BUSY_SNAPSHOT),
    NAME(SQLITE_BUSY_RECOVERY),
    NAME(SQLITE_BUSY_TIMEOUT),
    NAME(SQLITE_CANTOPEN_ISDIR),
    NAME(SQLITE_READONLY_DBMOVED),
    NAME(SQLITE_READONLY_DIRECTORY),
    NAME(SQLITE_READONLY_CANTINIT),
    NAME(SQLITE_IOERR_READ),
    NAME(SQLITE_IOERR_SHORT_READ),
    NAME(SQLITE_IOERR_WRITE),
    NAME(SQLITE_IOERR_FSYNC),
    NAME(SQLITE_IOERR_TRUNCATE),
    NAME(SQLITE_IOERR_SHMSIZE),
    NAME(SQLITE_ABORT_ROLLBACK),
    NAME(SQLITE_CORRUPT_INDEX),
    NAME(SQLITE_LOCKED_SHAREDCACHE),
#undef NAME
};

static const char *code_name(int code) {
  for (size_t i = 0; i < sizeof code_names / sizeof *code_names; i++)
    if (code_names[i].code == code) return code_names[i].name;
  return code > 0xff ? code_name(code & 0xff) : "SQLITE_ERROR";
}

/* Pushes the beginning of a statement, cut between two characters. */
static const char *push_shown(lua_State *L, const char *sql) {
  size_t most = SQL_SHOWN;
  if (sql == NULL) return lua_pushliteral(L, "");
  if (strlen(sql) <= most) return lua_pushfstring(L, " in: %s", sql);
  while (most > 0 && ((unsigned char)sql[most] & 0xc0) == 0x80) most--;
  lua_pushlstring(L, sql, most);
  return lua_pushfstring(L, " in: %s...", lua_tostring(L, -1));
}

int sqlite_raise(lua_State *L, struct query *query) {
  const char *shown = push_shown(L, query->failed_sql);
  error_push(L, "db", "'%s': %s (%s)%s", query->database->path, query->message,
             code_name(query->code), shown);
  lua_pushstring(L, code_name(query->code));
  lua_setfield(L, -2, "code");
  lua_pushinteger(L, query->extended);
  lua_setfield(L, -2, "extended_code");
  lua_pushstring(L, query->database->path);
  lua_setfield(L, -2, "path");
  lua_pushstring(L, query->failed_sql);
  lua_setfield(L, -2, "sql");
  return error_throw(L);
}

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, lua_Integer number) {
  lua_pushinteger(L, number);
  lua_setfield(L, -2, name);
}

int sqlite_push_failed(lua_State *L, struct query *query) {
  lua_pushlightuserdata(L, (void *)&sqlite_failed);
  lua_createtable(L, 0, 8);
  lua_pushboolean(L, query->needs_writer);
  lua_setfield(L, -2, "needs_writer");
  if (query->needs_writer) return 2;
  lua_pushboolean(L, query->ask_writer);
  lua_setfield(L, -2, "ask_writer");
  set_text(L, "code", code_name(query->extended));
  set_text(L, "primary", code_name(query->code));
  set_text(L, "words", query->message);
  if (query->offset >= 0) set_number(L, "offset", query->offset);
  if (query->at_row) set_number(L, "row", (lua_Integer)query->at_row);
  lua_pushboolean(L, query->rolled_back);
  lua_setfield(L, -2, "rolled_back");
  if (query->mismatch) {
    pack_push_names(L, query);
    lua_setfield(L, -2, "wanted");
  }
  return 2;
}

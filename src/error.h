/* The Error object: a table {kind, message, ...} with a metatable, the same
 * for C and Lua. Nothing in orch returns nil, err: failure raises one. */
#ifndef ORCH_ERROR_H
#define ORCH_ERROR_H

#include <lua.h>
#include <stdbool.h>

/* Makes the metatables; leaves nothing on the stack. Works in every state,
 * worker threads included. */
void error_open(lua_State *L);

/* Pushes Error{kind=, message=} so that the caller can set further fields;
 * error_throw raises the Error on top, with `traceback` and `where` set. */
void error_push(lua_State *L, const char *kind, const char *fmt, ...);
int error_throw(lua_State *L);

/* error_push and error_throw in one. */
int error_raise(lua_State *L, const char *kind, const char *fmt, ...);

/* A wrong argument or option: kind `usage`. */
int error_usage(lua_State *L, const char *fmt, ...);

/* Kind `os`, with `code` ("ENOENT") and, unless it is NULL, `path`. `doing`
 * completes "cannot ...": error_os(L, "read", "a.txt", UV_ENOENT) says
 * cannot read 'a.txt': no such file or directory. `status` is a negative libuv
 * code (UV__ERR(errno) or -errno). */
int error_os(lua_State *L, const char *doing, const char *path, int status);

/* Makes any value on top of the stack an Error, in place: a table is kept (and
 * gets Error's metatable when it has none); anything else becomes kind
 * `error` with `message` and `cause`. */
void error_normalize(lua_State *L);

/* Message handler for protected calls: takes the traceback at the raise. Leaves
 * strings as strings and Cancelled alone. */
int error_handler(lua_State *L);

/* Pushes a Cancelled, the value that unwinds a cancelled task. pcall does
 * not catch it: see protect.c. */
void error_push_cancelled(lua_State *L, const char *reason);
bool error_is_cancelled(lua_State *L, int index);
bool error_is_error(lua_State *L, int index);

/* Appends the value on top to errors[index].suppressed and pops it. */
void error_suppress(lua_State *L, int index);

/* Pushes "file:line" of the innermost frame of `co` that is the script's own,
 * or "?". */
void error_push_where(lua_State *L, lua_State *co);

#endif

/* print, io.write and file:write as scripts have them. Lua's own do not look
 * whether anybody reads: `orch ... | head -1` would compute to the end, and a
 * full disk would go unnoticed. And what a job prints is not the terminal's:
 * all three ask for the sink of the running task first, once there are any. */
#include "print.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include "error.h"
#include "guard.h"
#include "mask.h"

#define READER_GONE 141 /* 128 + SIGPIPE: what a shell calls it */

/* Gives the sink of the running task; in the registry. */
static const char finder;
static bool has_finder;

/* io's own functions: both are without upvalues. */
static lua_CFunction io_write, file_write;

static int failed(lua_State *L) {
  int error = errno;
  clearerr(stdout);
  if (error == EPIPE) return guard_exit(L, READER_GONE);
  error_push(L, "os", "cannot write standard output: %s", strerror(error));
  lua_pushstring(L, uv_err_name(-error));
  lua_setfield(L, -2, "code");
  return error_throw(L);
}

/* Pushes the sink, or nothing and false. */
static bool push_sink(lua_State *L) {
  if (!has_finder) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &finder);
  lua_call(L, 0, 1);
  if (!lua_isnil(L, -1)) return true;
  lua_pop(L, 1);
  return false;
}

/* sink:write(text), both on top of the stack. */
static void write_to_sink(lua_State *L) {
  lua_getfield(L, -2, "write");
  lua_insert(L, -3);
  lua_call(L, 2, 0);
}

static void print_to_sink(lua_State *L, int n) {
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  for (int i = 1; i <= n; i++) {
    if (i > 1) luaL_addchar(&text, '\t');
    luaL_tolstring(L, i, NULL);
    luaL_addvalue(&text);
  }
  luaL_addchar(&text, '\n');
  luaL_pushresult(&text);
  write_to_sink(L);
}

static int print(lua_State *L) {
  int n = lua_gettop(L);
  if (push_sink(L)) {
    print_to_sink(L, n);
    return 0;
  }
  for (int i = 1; i <= n; i++) {
    size_t size;
    const char *text = luaL_tolstring(L, i, &size);
    if (i > 1) putc('\t', stdout);
    fwrite(text, 1, size, stdout);
    lua_pop(L, 1);
  }
  putc('\n', stdout);
  return fflush(stdout) != 0 || ferror(stdout) ? failed(L) : 0;
}

/* What io.write would have written, from argument `first` on. */
static void push_written(lua_State *L, int first, int last) {
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  for (int i = first; i <= last; i++) {
    char number[64];
    bool is_float = lua_type(L, i) == LUA_TNUMBER && !lua_isinteger(L, i);
    if (is_float) {
      lua_number2str(number, sizeof number, lua_tonumber(L, i));
      luaL_addstring(&text, number);
    } else {
      luaL_checkstring(L, i);
      lua_pushvalue(L, i);
      luaL_addvalue(&text);
    }
  }
  luaL_pushresult(&text);
}

static bool is_standard(lua_State *L, int file) {
  return lua_rawequal(L, file, lua_upvalueindex(1)) ||
         lua_rawequal(L, file, lua_upvalueindex(2));
}

static int write_file(lua_State *L) {
  int n = lua_gettop(L);
  if (!has_finder || !is_standard(L, 1) || !push_sink(L)) return file_write(L);
  push_written(L, 2, n);
  write_to_sink(L);
  lua_settop(L, 1);
  return 1;
}

/* Where io.output leads elsewhere, it is a file. */
static bool writes_standard(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(3));
  lua_call(L, 0, 1);
  bool standard = is_standard(L, -1);
  lua_pop(L, 1);
  return standard;
}

static int write_output(lua_State *L) {
  int n = lua_gettop(L);
  if (!has_finder || !writes_standard(L) || !push_sink(L)) return io_write(L);
  push_written(L, 1, n);
  write_to_sink(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  return 1;
}

static void push_streams(lua_State *L, int io) {
  lua_getfield(L, io, "stdout");
  lua_getfield(L, io, "stderr");
}

void print_open(lua_State *L) {
  lua_pushcfunction(L, print);
  lua_setglobal(L, "print");
  lua_getglobal(L, LUA_IOLIBNAME);
  int io = lua_gettop(L);
  lua_getfield(L, io, "write");
  io_write = lua_tocfunction(L, -1);
  push_streams(L, io);
  lua_getfield(L, io, "output");
  lua_pushcclosure(L, write_output, 3);
  lua_setfield(L, io, "write");
  luaL_getmetatable(L, LUA_FILEHANDLE);
  lua_getfield(L, -1, "__index");
  lua_getfield(L, -1, "write");
  file_write = lua_tocfunction(L, -1);
  lua_pop(L, 1);
  push_streams(L, io);
  lua_pushcclosure(L, write_file, 2);
  lua_setfield(L, -2, "write");
  lua_settop(L, io - 1);
}

/* An earlier write has failed; why is not known any more. */
static int lost_error(void) {
  struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
  bool gone = poll(&out, 1, 0) > 0 && (out.revents & POLLERR);
  return gone ? EPIPE : 0;
}

int print_close(int code) {
  has_finder = false;
  bool flushed = fflush(stdout) == 0;
  int error = flushed ? lost_error() : errno;
  bool written = flushed && !ferror(stdout);
  mask_finish();
  if (written) return code;
  if (code != 0) return code; /* that has been told */
  if (error == EPIPE) return READER_GONE;
  fprintf(stderr, "orch: cannot write standard output: %s\n",
          error ? strerror(error) : "an earlier write failed");
  return 1;
}

/* ask(find): find() gives the sink of the running task or nil from now on */
static int ask(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &finder);
  has_finder = true;
  return 0;
}

int luaopen_orch_core_print(lua_State *L);
int luaopen_orch_core_print(lua_State *L) {
  static const luaL_Reg functions[] = {{"ask", ask}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

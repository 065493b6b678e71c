/* orch.core.tty: what a terminal is like, and how wide text is on one. The
 * width needs a UTF-8 locale for wcwidth; it is set for this thread and call
 * only, so that Lua's string functions go on to work on bytes. */
#include <lauxlib.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

enum {
  ESCAPE = 0x1b,
  BELL = 0x07,
  JOINER = 0x200d,
  EMOJI_STYLE = 0xfe0f,
  TAB = 8,
};

/* size(fd) -> columns, rows | nothing where it is no terminal */
static int size(lua_State *L) {
  struct winsize window;
  if (ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &window) != 0) return 0;
  if (window.ws_col == 0) return 0;
  lua_pushinteger(L, window.ws_col);
  lua_pushinteger(L, window.ws_row);
  return 2;
}

static int is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

/* echo(on) -> whether it was on: of the terminal that stdin is */
static int echo(lua_State *L) {
  struct termios settings;
  bool on = lua_toboolean(L, 1);
  if (tcgetattr(0, &settings) != 0) return 0;
  lua_pushboolean(L, (settings.c_lflag & ECHO) != 0);
  settings.c_lflag = on ? settings.c_lflag | ECHO : settings.c_lflag & ~ECHO;
  tcsetattr(0, TCSANOW, &settings);
  return 1;
}

/* ---- width ---- */

/* The next character, or -1 for a byte that is not UTF-8; moves `at`. */
static int32_t decode(const unsigned char **at, const unsigned char *end) {
  const unsigned char *text = *at;
  int32_t code = *text;
  int more = code < 0x80   ? 0
             : code < 0xc2 ? -1
             : code < 0xe0 ? 1
             : code < 0xf0 ? 2
             : code < 0xf5 ? 3
                           : -1;
  (*at)++;
  if (more <= 0) return more < 0 ? -1 : code;
  if (end - text <= more) return -1;
  code &= 0x3f >> more;
  for (int i = 1; i <= more; i++) {
    if ((text[i] & 0xc0) != 0x80) return -1;
    code = code << 6 | (text[i] & 0x3f);
  }
  *at += more;
  return code;
}

/* Behind an escape sequence whose ESC is at `at`: CSI ... letter, OSC ... BEL
 * or ESC \, or two characters. */
static const unsigned char *skip_escape(const unsigned char *at,
                                        const unsigned char *end) {
  if (++at == end) return end;
  if (*at == '[') {
    for (at++; at < end && (*at < 0x40 || *at > 0x7e);) at++;
  } else if (*at == ']') {
    while (at < end && *at != BELL && !(*at == '\\' && at[-1] == ESCAPE)) at++;
  }
  return at < end ? at + 1 : end;
}

static bool is_flag_half(int32_t code) {
  return code >= 0x1f1e6 && code <= 0x1f1ff;
}

static bool is_skin_tone(int32_t code) {
  return code >= 0x1f3fb && code <= 0x1f3ff;
}

struct column {
  int now, widest;
  int32_t before; /* the character to the left, 0 at the start */
  int last_width; /* what it took */
};

static void put(struct column *column, int32_t code) {
  int width = code < 0 ? 1 : wcwidth(code);
  if (width < 0) width = 0;
  if (column->before == JOINER) width = 0;
  if (is_skin_tone(code) && column->last_width == 2) width = 0;
  if (is_flag_half(code)) {
    bool second = is_flag_half(column->before);
    width = second ? 0 : 2;
    if (second) code = 0; /* the pair is complete */
  }
  if (code == EMOJI_STYLE && column->last_width == 1) width = 1;
  if (code == '\t') width = TAB - column->now % TAB;
  column->now += width;
  if (code == '\n' || code == '\r') column->now = 0;
  if (column->now > column->widest) column->widest = column->now;
  column->last_width = code == EMOJI_STYLE && width == 1 ? 2 : width;
  column->before = code;
}

static int measure(const unsigned char *text, size_t length) {
  const unsigned char *end = text + length;
  struct column column = {0};
  while (text < end) {
    if (*text == ESCAPE)
      text = skip_escape(text, end);
    else
      put(&column, decode(&text, end));
  }
  return column.widest;
}

static int width(lua_State *L) {
  static locale_t utf8;
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  if (utf8 == NULL) utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
  locale_t before = utf8 ? uselocale(utf8) : NULL;
  int columns = measure((const unsigned char *)text, length);
  if (before) uselocale(before);
  lua_pushinteger(L, columns);
  return 1;
}

static const luaL_Reg functions[] = {
    {"size", size}, {"is_terminal", is_terminal},
    {"echo", echo}, {"width", width},
    {NULL, NULL},
};

int luaopen_orch_core_tty(lua_State *L);
int luaopen_orch_core_tty(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}

/* The options of an exchange by name: one table row each. */
#include "http_setting.h"

#include <lauxlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "error.h"

enum { NEW_HTTP2 = 0x80100 }; /* libcurl 8.1 */

enum value_type {
  TEXT,
  NUMBER,  /* integer */
  SIZE,    /* integer, 64 bits */
  SECONDS, /* given to libcurl in milliseconds */
  WHOLE_SECONDS,
  YES, /* true: the value `yes` */
};

struct setting {
  const char *name;
  CURLoption option;
  enum value_type type;
  long yes;
};

static const struct setting settings[] = {
    {"timeout", CURLOPT_TIMEOUT_MS, SECONDS, 0},
    {"connect_timeout", CURLOPT_CONNECTTIMEOUT_MS, SECONDS, 0},
    {"stall", CURLOPT_LOW_SPEED_TIME, WHOLE_SECONDS, 0},
    {"ca", CURLOPT_CAINFO, TEXT, 0},
    {"ca_path", CURLOPT_CAPATH, TEXT, 0},
    {"cert", CURLOPT_SSLCERT, TEXT, 0},
    {"key", CURLOPT_SSLKEY, TEXT, 0},
    {"key_password", CURLOPT_KEYPASSWD, TEXT, 0},
    {"proxy", CURLOPT_PROXY, TEXT, 0},
    {"no_proxy", CURLOPT_NOPROXY, TEXT, 0},
    {"netrc", CURLOPT_NETRC, YES, CURL_NETRC_OPTIONAL},
    {"netrc_file", CURLOPT_NETRC_FILE, TEXT, 0},
    {"user", CURLOPT_USERNAME, TEXT, 0},
    {"password", CURLOPT_PASSWORD, TEXT, 0},
    {"user_agent", CURLOPT_USERAGENT, TEXT, 0},
    {"compressed", CURLOPT_ACCEPT_ENCODING, YES, 0},
    {"buffer", CURLOPT_BUFFERSIZE, NUMBER, 0},
    {"fresh", CURLOPT_FRESH_CONNECT, YES, 1},
    {"protocols", CURLOPT_PROTOCOLS_STR, TEXT, 0},
    {"cookie", CURLOPT_COOKIE, TEXT, 0},
    {"interface", CURLOPT_INTERFACE, TEXT, 0},
    {"expect_timeout", CURLOPT_EXPECT_100_TIMEOUT_MS, SECONDS, 0},
    /* FTP, SFTP and SMTP */
    {"nobody", CURLOPT_NOBODY, YES, 1},
    {"file_time", CURLOPT_FILETIME, YES, 1},
    {"mail_from", CURLOPT_MAIL_FROM, TEXT, 0},
    {"mail_some", CURLOPT_MAIL_RCPT_ALLLOWFAILS, YES, 1},
    {"resume_from", CURLOPT_RESUME_FROM_LARGE, SIZE, 0},
    {"create_dirs", CURLOPT_FTP_CREATE_MISSING_DIRS, YES,
     CURLFTP_CREATE_DIR_RETRY},
    {"use_tls", CURLOPT_USE_SSL, YES, CURLUSESSL_ALL},
    {"known_hosts", CURLOPT_SSH_KNOWNHOSTS, TEXT, 0},
    {"ssh_key", CURLOPT_SSH_PRIVATE_KEYFILE, TEXT, 0},
    {"ssh_public_key", CURLOPT_SSH_PUBLIC_KEYFILE, TEXT, 0},
};

struct choice {
  const char *name;
  long value;
};

static const struct choice versions[] = {
    {"1.0", CURL_HTTP_VERSION_1_0},
    {"1.1", CURL_HTTP_VERSION_1_1},
    {"2", CURL_HTTP_VERSION_2TLS},
    {"2-prior-knowledge", CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE},
    {NULL, 0},
};

static const struct choice schemes[] = {
    {"basic", CURLAUTH_BASIC},   {"digest", CURLAUTH_DIGEST},
    {"ntlm", CURLAUTH_NTLM},     {"negotiate", CURLAUTH_NEGOTIATE},
    {"any", (long)CURLAUTH_ANY}, {NULL, 0},
};

static const struct choice ftp_methods[] = {
    {"multicwd", CURLFTPMETHOD_MULTICWD},
    {"nocwd", CURLFTPMETHOD_NOCWD},
    {"singlecwd", CURLFTPMETHOD_SINGLECWD},
    {NULL, 0},
};

static long check_choice(lua_State *L, const char *what, int index,
                         const struct choice *choices) {
  const char *name = luaL_checkstring(L, index);
  const struct choice *choice = choices;
  while (choice->name && strcmp(choice->name, name) != 0) choice++;
  if (choice->name == NULL) {
    luaL_Buffer known;
    luaL_buffinit(L, &known);
    for (choice = choices; choice->name; choice++) {
      if (choice != choices) luaL_addstring(&known, ", ");
      luaL_addstring(&known, choice->name);
    }
    luaL_pushresult(&known);
    error_usage(L, "http: option `%s` should be one of %s, not '%s'", what,
                lua_tostring(L, -1), name);
  }
  return choice->value;
}

static const char *check_line(lua_State *L, const struct setting *setting) {
  size_t size;
  const char *text = luaL_checklstring(L, 3, &size);
  if (strlen(text) != size || strpbrk(text, "\r\n"))
    error_usage(L, "http: option `%s` has a line end or a NUL in it",
                setting->name);
  return text;
}

static CURLcode apply(lua_State *L, CURL *easy, const struct setting *setting) {
  switch (setting->type) {
  case TEXT:
    return curl_easy_setopt(easy, setting->option, check_line(L, setting));
  case NUMBER:
    return curl_easy_setopt(easy, setting->option,
                            (long)luaL_checkinteger(L, 3));
  case SIZE:
    return curl_easy_setopt(easy, setting->option,
                            (curl_off_t)luaL_checkinteger(L, 3));
  case YES:
    if (!lua_toboolean(L, 3)) return CURLE_OK;
    if (setting->option == CURLOPT_ACCEPT_ENCODING)
      return curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    return curl_easy_setopt(easy, setting->option, setting->yes);
  default:
    break;
  }
  double seconds = luaL_checknumber(L, 3);
  if (setting->type == WHOLE_SECONDS) {
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    return curl_easy_setopt(easy, setting->option,
                            seconds < 1 ? 1L : (long)(seconds + 0.5));
  }
  /* 0 would mean libcurl's default */
  double ms = seconds * 1000;
  return curl_easy_setopt(easy, setting->option,
                          ms < 1     ? 1L
                          : ms > 2e9 ? 2000000000L
                                     : (long)ms);
}

static void set_version(struct exchange *exchange, long version) {
  CURL *easy = exchange->transfer.easy;
  bool old =
      version == CURL_HTTP_VERSION_1_0 || version == CURL_HTTP_VERSION_1_1;
  exchange->shares = version == CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
  exchange->transfer.group = old && exchange->secure ? GROUP_HTTP1
                             : exchange->shares      ? GROUP_HTTP2
                                                     : GROUP_ANY;
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
  if (old) curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 0L);
}

static bool apply_special(lua_State *L, struct exchange *exchange,
                          const char *name) {
  CURL *easy = exchange->transfer.easy;
  if (strcmp(name, "insecure") == 0) {
    long verify = !lua_toboolean(L, 3);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify * 2);
  } else if (strcmp(name, "http_version") == 0) {
    set_version(exchange, check_choice(L, name, 3, versions));
  } else if (strcmp(name, "auth_scheme") == 0) {
    long scheme = check_choice(L, name, 3, schemes);
    exchange->negotiates = scheme != CURLAUTH_BASIC;
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, scheme);
  } else if (strcmp(name, "ftp_method") == 0) {
    curl_easy_setopt(easy, CURLOPT_FTP_FILEMETHOD,
                     check_choice(L, name, 3, ftp_methods));
  } else if (strcmp(name, "limit") == 0) {
    exchange->limit = (uint64_t)luaL_checkinteger(L, 3);
  } else if (strcmp(name, "rewindable") == 0) {
    exchange->rewindable = lua_toboolean(L, 3);
  } else if (strcmp(name, "unix_socket") == 0) {
    snprintf(exchange->unix_socket, sizeof exchange->unix_socket, "%s",
             luaL_checkstring(L, 3));
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, lua_tostring(L, 3));
  } else {
    return false;
  }
  return true;
}

void http_set(lua_State *L, struct exchange *exchange) {
  const char *name = luaL_checkstring(L, 2);
  if (apply_special(L, exchange, name) || http_set_list(L, exchange, name))
    return;
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    if (strcmp(settings[i].name, name) != 0) continue;
    CURLcode code = apply(L, exchange->transfer.easy, &settings[i]);
    if (code != CURLE_OK)
      error_usage(L, "http: option `%s`: %s", name, curl_easy_strerror(code));
    return;
  }
  error_usage(L, "http: libcurl has no option '%s' here", name);
}

/* Otherwise libcurl makes up six names and asks for each, every time; nobody
 * changes the environment of the process. */
static bool environment_has_proxy(void) {
  static int known = -1;
  for (char **entry = environ; known < 0 && entry && *entry; entry++) {
    size_t name = strcspn(*entry, "=");
    if (name > 6 && strncasecmp(*entry + name - 6, "_proxy", 6) == 0) known = 1;
  }
  if (known < 0) known = 0;
  return known;
}

/* Before 8.1, libcurl gives bytes of one HTTP/2 stream to another when one of
 * them is paused, and waits for ever for the end of a body that the server has
 * answered early: such requests go over HTTP/1.1. */
bool http_set_apart(struct exchange *exchange) {
  if (curl_version_info(CURLVERSION_NOW)->version_num >= NEW_HTTP2) return true;
  if (exchange->shares) return false;
  if (exchange->secure) set_version(exchange, CURL_HTTP_VERSION_1_1);
  return true;
}

void http_set_defaults(struct exchange *exchange) {
  CURL *easy = exchange->transfer.easy;
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  if (!environment_has_proxy()) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "orch/" ORCH_VERSION);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  /* Waits for a connection that may carry several requests (HTTP/2). */
  if (exchange->secure) curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  /* A cancelled look-up of a name is left to its thread. */
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

/* libcurl's codes become kinds here; the sentence is made in Lua. */
#include "http_failure.h"

#include <lauxlib.h>
#include <string.h>
#include <strings.h>
#include "error.h"

static const char raiser_key = 0; /* registry key: its address */

int http_raise_with(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &raiser_key);
  return 0;
}

/* libcurl says "out of memory" of a header line above its own limit. */
static bool has_long_line(const struct exchange *exchange) {
  return exchange->code == CURLE_OUT_OF_MEMORY &&
         exchange->facts.first_byte > 0 && !exchange->head_done;
}

/* Where libcurl has one code for a broken connection and for what it cannot
 * read, its words differ. */
static const char *kind_of_words(const char *detail) {
  if (strstr(detail, "chunked-encoding")) return "http";
  if (strstr(detail, "response headers")) return "http";
  if (strstr(detail, "SSL routines")) return "tls";
  return "network";
}

static const char *kind_of(const struct exchange *exchange) {
  if (exchange->closed) return "closed";
  if (has_long_line(exchange)) return "http";
  switch (exchange->code) {
  case CURLE_OPERATION_TIMEDOUT:
    return "timeout";
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ENGINE_NOTFOUND:
  case CURLE_SSL_ENGINE_SETFAILED:
  case CURLE_SSL_ENGINE_INITFAILED:
  case CURLE_SSL_SHUTDOWN_FAILED:
  case CURLE_SSL_CRL_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
  case CURLE_SSL_INVALIDCERTSTATUS:
  case CURLE_SSL_CLIENTCERT:
  case CURLE_USE_SSL_FAILED:
    return "tls";
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_CONNECT:
  case CURLE_INTERFACE_FAILED:
  case CURLE_SEND_FAIL_REWIND: /* a kept-alive connection had gone */
  case CURLE_GOT_NOTHING:
  case CURLE_PROXY:
  case CURLE_SSH:
  case CURLE_HTTP2_STREAM:
    return "network";
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
    return kind_of_words(exchange->detail);
  case CURLE_OUT_OF_MEMORY:
    return "os";
  default:
    return "http";
  }
}

/* How far it got. */
static const char *phase_of(const struct exchange *exchange) {
  const struct exchange_facts *facts = &exchange->facts;
  if (exchange->head.length > 0) return "receiving";
  if (facts->connected == 0 && facts->connects == 0 && facts->requested == 0)
    return facts->resolved == 0 ? "resolving" : "connecting";
  if (exchange->secure && facts->secured == 0 && facts->connects > 0)
    return "handshake";
  bool has_body = exchange->source.by_chunks || exchange->source.total > 0;
  bool sent = exchange->source.by_chunks
                  ? exchange->source.complete
                  : (uint64_t)facts->sent >= exchange->source.total;
  return has_body && !sent ? "sending" : "waiting";
}

static const char *detail_of(const struct exchange *exchange) {
  if (exchange->closed) return "another task has closed it";
  if (exchange->head_cut) return "the header of the answer breaks off";
  if (has_long_line(exchange))
    return "a header line of the answer is over 100 KB";
  if (exchange->head_too_long) return "the header of the answer is over 1 MB";
  if (exchange->body_too_long)
    return "the body is longer than the option `limit` allows";
  if (exchange->source.shrunk)
    return "a file of the body has become shorter while it was sent";
  if (exchange->code == CURLE_SEND_FAIL_REWIND)
    return "the kept-alive connection had gone, and the request must not be "
           "sent twice";
  if (exchange->detail[0]) return exchange->detail;
  return curl_easy_strerror(exchange->code);
}

static void raise_file_failure(lua_State *L, struct exchange *exchange) {
  const struct source *source = &exchange->source;
  const struct sink *sink = &exchange->sink;
  if (exchange->no_memory) luaL_error(L, "not enough memory");
  if (source->status < 0) error_os(L, "read", source->failed, source->status);
  if (sink->status < 0) error_os(L, "write", sink->path, sink->status);
}

/* The last line before `*end`, without its own end; returns where it begins. */
static size_t last_line(const struct bytes *head, size_t *end) {
  while (*end > 0 && strchr("\r\n", head->data[*end - 1])) (*end)--;
  size_t begin = *end;
  while (begin > 0 && head->data[begin - 1] != '\n') begin--;
  return begin;
}

/* What a server of FTP or SMTP said last: "550 Permission denied." Its farewell
 * to libcurl's QUIT is not meant. */
static void push_reply(lua_State *L, const struct exchange *exchange) {
  const struct bytes *head = &exchange->head;
  size_t end = head->length;
  if (strncasecmp(exchange->url, "http", 4) == 0) end = 0;
  size_t begin = last_line(head, &end);
  if (end - begin >= 4 && memcmp(head->data + begin, "221 ", 4) == 0) {
    end = begin;
    begin = last_line(head, &end);
  }
  if (end > begin)
    lua_pushlstring(L, head->data + begin, end - begin);
  else
    lua_pushnil(L);
}

int http_raise(lua_State *L, struct exchange *exchange) {
  const struct exchange_facts *facts = &exchange->facts;
  raise_file_failure(L, exchange);
  luaL_checkstack(L, 16, NULL);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &raiser_key);
  lua_pushstring(L, kind_of(exchange));
  lua_pushstring(L, exchange->method);
  lua_pushstring(L, exchange->url);
  lua_pushstring(L, detail_of(exchange));
  lua_pushstring(L, phase_of(exchange));
  lua_pushinteger(L, facts->received);
  if (facts->expected >= 0)
    lua_pushinteger(L, facts->expected);
  else
    lua_pushnil(L);
  lua_pushinteger(L, facts->sent);
  lua_pushnumber(L, (double)facts->total / 1e6);
  if (facts->status > 0)
    lua_pushinteger(L, facts->status);
  else
    lua_pushnil(L);
  if (facts->os_error > 0)
    lua_pushstring(L, uv_strerror((int)-facts->os_error));
  else
    lua_pushnil(L);
  lua_pushstring(L, exchange->unix_socket);
  lua_pushinteger(L, exchange->code);
  push_reply(L, exchange);
  lua_call(L, 14, 0);
  return luaL_error(L, "http: the failure was not raised");
}

/* libcurl's callbacks and the end of a transfer. Whatever happens, `changed`
 * looks whether the waiting task can go on. */
#include "http_exchange.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
  WINDOW = 256 << 10, /* of a stream, read ahead of its consumer */
  LONGEST_HEAD = 1 << 20,
  MOST_RESERVED = 64 << 20, /* for a body whose length the server names */
};

static bool busy(const struct exchange *exchange) {
  return exchange->source.reading || exchange->sink.writing;
}

static bool over(const struct exchange *exchange) {
  return exchange->ended && !busy(exchange) &&
         (exchange->mode != BODY_FILE || exchange->sink.finished);
}

bool exchange_has(struct exchange *exchange, enum exchange_want want) {
  if (want == WANT_HEAD && exchange->head_done) return true;
  if (want == WANT_BODY && exchange->body.length > 0) return true;
  return over(exchange);
}

void exchange_wait(struct op **place, struct op *op) {
  transfer_awaited((op != NULL) - (*place != NULL));
  *place = op;
}

static void end_feeder(struct exchange *exchange) {
  struct op *feeder = exchange->feeder;
  exchange_wait(&exchange->feeder, NULL);
  exchange->source.chunk = NULL;
  if (feeder) op_done(feeder);
}

static void release(struct exchange *exchange) {
  CURL *easy = exchange->transfer.easy;
  if (easy && exchange->spoils)
    curl_easy_cleanup(easy);
  else if (easy)
    transfer_give_easy(easy);
  curl_slist_free_all(exchange->headers);
  curl_slist_free_all(exchange->resolve);
  if (exchange->known) known_url_give(exchange->known);
  exchange->known = NULL;
  exchange->transfer.easy = NULL;
  exchange->headers = exchange->resolve = NULL;
}

static void free_exchange(struct exchange *exchange) {
  release(exchange);
  source_close(&exchange->source);
  sink_close(&exchange->sink);
  bytes_free(&exchange->head);
  bytes_free(&exchange->body);
  free(exchange->url);
  free(exchange);
}

static void changed(struct exchange *exchange) {
  struct op *waiter = exchange->waiter;
  if (exchange->dropped) {
    if (!busy(exchange)) free_exchange(exchange);
    return;
  }
  if (exchange->ended && exchange->mode == BODY_FILE)
    sink_finish(&exchange->sink);
  if (exchange->ended) end_feeder(exchange);
  if (!waiter || !exchange_has(exchange, exchange->want)) return;
  exchange_wait(&exchange->waiter, NULL);
  op_done(waiter);
}

/* ---- the answer ---- */

/* A status line begins a head: an interim answer's is replaced. */
static size_t on_header(char *line, size_t one, size_t size, void *data) {
  struct exchange *exchange = data;
  (void)one;
  if (exchange->head_done) return size; /* a trailer */
  if (size > 5 && memcmp(line, "HTTP/", 5) == 0) exchange->head.length = 0;
  if (exchange->head.length + size > LONGEST_HEAD) {
    exchange->head_too_long = true;
    return 0;
  }
  if (!bytes_add(&exchange->head, line, size)) {
    exchange->no_memory = true;
    return 0;
  }
  long status = 0;
  if (size > 2 || exchange->negotiates) return size;
  curl_easy_getinfo(exchange->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200) return size;
  exchange->head_done = true;
  /* An answer that comes early may end the transfer, but libcurl does not look
   * at it while the body of the request is paused. */
  if (exchange->source.paused) transfer_resume_soon(&exchange->transfer);
  changed(exchange);
  return size;
}

static void reserve_body(struct exchange *exchange) {
  curl_off_t length = -1;
  curl_easy_getinfo(exchange->transfer.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
                    &length);
  if (length > 0 && length <= MOST_RESERVED)
    bytes_reserve(&exchange->body, (size_t)length);
}

static size_t keep(struct exchange *exchange, const char *data, size_t size) {
  if (exchange->body.length + size > exchange->limit) {
    exchange->body_too_long = true;
    return 0;
  }
  if (exchange->body.length == 0 && exchange->mode == BODY_WHOLE)
    reserve_body(exchange);
  if (bytes_add(&exchange->body, data, size)) return size;
  exchange->no_memory = true;
  return 0;
}

static size_t pause_receiving(struct exchange *exchange) {
  exchange->paused = true;
  return CURL_WRITEFUNC_PAUSE;
}

static size_t on_body(char *data, size_t one, size_t size, void *owner) {
  struct exchange *exchange = owner;
  (void)one;
  exchange->head_done = true;
  if (exchange->mode == BODY_FILE) {
    enum sink_take take = sink_take(&exchange->sink, data, size);
    if (take == SINK_FULL) return pause_receiving(exchange);
    return take == SINK_TAKEN ? size : 0;
  }
  if (exchange->mode == BODY_STREAM && exchange->body.length >= WINDOW)
    return pause_receiving(exchange);
  size_t kept = keep(exchange, data, size);
  changed(exchange);
  return kept;
}

void exchange_resume(struct exchange *exchange) {
  if (!exchange->paused || exchange->ended) return;
  exchange->paused = false;
  transfer_resume(&exchange->transfer);
}

static void on_written(struct sink *sink) {
  struct exchange *exchange = sink->owner;
  exchange_resume(exchange);
  changed(exchange);
}

bool exchange_save(struct exchange *exchange, const char *path, uint64_t offset,
                   bool sync) {
  struct sink *sink = &exchange->sink;
  if (!sink_open(sink, path, offset, sync)) return false;
  sink->owner = exchange;
  sink->on_written = on_written;
  exchange->mode = BODY_FILE;
  if (exchange->body.length > 0)
    sink_take(sink, exchange->body.data, exchange->body.length);
  bytes_free(&exchange->body);
  exchange_resume(exchange);
  changed(exchange);
  return true;
}

/* ---- the body of the request ---- */

static size_t on_send(char *to, size_t one, size_t size, void *owner) {
  struct exchange *exchange = owner;
  size_t got;
  (void)one;
  switch (source_read(&exchange->source, to, size, &got)) {
  case SOURCE_WAIT:
    return CURL_READFUNC_PAUSE;
  case SOURCE_FAILED:
    return CURL_READFUNC_ABORT;
  default:
    return got;
  }
}

static int on_seek(void *owner, curl_off_t offset, int origin) {
  struct exchange *exchange = owner;
  struct source *source = &exchange->source;
  if (origin != SEEK_SET || source->by_chunks || source->reading)
    return CURL_SEEKFUNC_FAIL;
  source_seek(source, (uint64_t)offset);
  return CURL_SEEKFUNC_OK;
}

/* Before each time that it is sent. libcurl repeats what got no answer on a
 * kept-alive connection, and only a body that cannot be rewound stops it. */
static int on_request(void *owner, char *to_ip, char *from_ip, int to_port,
                      int from_port) {
  struct exchange *exchange = owner;
  (void)to_ip, (void)from_ip, (void)to_port, (void)from_port;
  exchange->repeated = exchange->requested;
  exchange->requested = true;
  return exchange->repeated ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void on_source_ready(struct source *source) {
  struct exchange *exchange = source->owner;
  transfer_resume(&exchange->transfer);
}

static void on_source_idle(struct source *source) {
  changed(source->owner);
}

static void on_consumed(struct source *source) {
  end_feeder(source->owner);
}

/* ---- the life ---- */

void exchange_look(struct exchange *exchange) {
  struct exchange_facts *facts = &exchange->facts;
  CURL *easy = exchange->transfer.easy;
  if (easy == NULL) return;
  curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &facts->resolved);
  curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &facts->connected);
  curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &facts->secured);
  curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME_T, &facts->first_byte);
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &facts->total);
  curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &facts->received);
  curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &facts->sent);
  curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &facts->expected);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &facts->status);
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &facts->version);
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &facts->connects);
  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &facts->requested);
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &facts->os_error);
}

/* libcurl takes the end of the connection for the end of a header. */
static bool head_is_cut(const struct bytes *head) {
  const char *end = head->data + head->length;
  if (head->length < 5 || memcmp(head->data, "HTTP/", 5) != 0) return false;
  return memcmp(end - 2, "\n\n", 2) != 0 && memcmp(end - 3, "\n\r\n", 3) != 0;
}

static void on_end(struct transfer *transfer, CURLcode code) {
  struct exchange *exchange = (struct exchange *)transfer;
  exchange->ended = true;
  exchange->head_cut = code == CURLE_OK && head_is_cut(&exchange->head);
  exchange->code = exchange->head_cut   ? CURLE_PARTIAL_FILE
                   : exchange->repeated ? CURLE_SEND_FAIL_REWIND
                                        : code;
  exchange_look(exchange);
  release(exchange);
  changed(exchange);
}

struct exchange *exchange_new(const char *method, const char *url) {
  struct exchange *exchange = calloc(1, sizeof *exchange);
  if (exchange == NULL) return NULL;
  snprintf(exchange->method, sizeof exchange->method, "%s", method);
  exchange->limit = UINT64_MAX;
  exchange->transfer.easy = transfer_take_easy();
  exchange->transfer.on_end = on_end;
  exchange->url = strdup(url);
  exchange->secure = strncasecmp(url, "https:", 6) == 0 ||
                     strncasecmp(url, "ftps:", 5) == 0 ||
                     strncasecmp(url, "sftp:", 5) == 0;
  exchange->transfer.forgetful = strncasecmp(url, "http", 4) != 0;
  exchange->source.owner = exchange;
  exchange->source.on_ready = on_source_ready;
  exchange->source.on_consumed = on_consumed;
  exchange->source.on_idle = on_source_idle;
  if (exchange->transfer.easy && exchange->url) return exchange;
  free_exchange(exchange);
  return NULL;
}

static void set_callbacks(struct exchange *exchange) {
  CURL *easy = exchange->transfer.easy;
  curl_easy_setopt(easy, CURLOPT_URL, exchange->url);
  exchange->known = known_url_take(exchange->url);
  if (exchange->known)
    curl_easy_setopt(easy, CURLOPT_CURLU, known_url_parts(exchange->known));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->detail);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
  curl_easy_setopt(easy, CURLOPT_READDATA, exchange);
  if (exchange->rewindable) {
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, exchange);
  }
  if (!exchange->rewindable && !exchange->negotiates) {
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
  }
  if (exchange->resolve)
    curl_easy_setopt(easy, CURLOPT_RESOLVE, exchange->resolve);
  if (!exchange->secure && !exchange->shares && transfer_all_busy())
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

void exchange_start(struct exchange *exchange) {
  set_callbacks(exchange);
  exchange->started = true;
  if (transfer_start(&exchange->transfer) < 0)
    on_end(&exchange->transfer, CURLE_OUT_OF_MEMORY);
}

void exchange_abort(struct exchange *exchange) {
  if (!exchange->started || exchange->ended) return;
  transfer_stop(&exchange->transfer);
  on_end(&exchange->transfer, CURLE_ABORTED_BY_CALLBACK);
}

void exchange_drop(struct exchange *exchange) {
  exchange_wait(&exchange->waiter, NULL);
  exchange_wait(&exchange->feeder, NULL);
  transfer_stop(&exchange->transfer);
  release(exchange);
  exchange->dropped = true;
  changed(exchange);
}

/* libcurl hands over the answer and asks for the body of the request. Nothing
 * here calls libcurl's work in turn: what would is put off. */
#include "http_callback.h"

#include <string.h>

enum {
  WINDOW = 256 << 10, /* of a stream, read ahead of its consumer */
  LONGEST_HEAD = 1 << 20,
  MOST_RESERVED = 64 << 20, /* for a body whose length the server names */
};

/* On the thread of a line nobody waits for less than the end. */
static void tell(struct exchange *exchange) {
  if (!exchange->transfer.line) exchange_changed(exchange);
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
  tell(exchange);
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
  tell(exchange);
  return kept;
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
  exchange_changed(source->owner);
}

static void on_consumed(struct source *source) {
  exchange_end_feeder(source->owner);
}

void http_callbacks_set(struct exchange *exchange) {
  CURL *easy = exchange->transfer.easy;
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
  exchange->source.owner = exchange;
  exchange->source.on_ready = on_source_ready;
  exchange->source.on_consumed = on_consumed;
  exchange->source.on_idle = on_source_idle;
}

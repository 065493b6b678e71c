/* What the waiting task wants, and the life of an exchange from its start to
 * the last thread that works for it. */
#include "http_exchange.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "http_callback.h"
#include "transfer_line.h"

/* A thread has the handle and all that its callbacks touch. */
static bool busy_line(const struct exchange *exchange) {
  return exchange->transfer.line && exchange->transfer.running;
}

static bool busy(const struct exchange *exchange) {
  return exchange->source.reading || exchange->sink.writing ||
         busy_line(exchange);
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

void exchange_end_feeder(struct exchange *exchange) {
  struct op *feeder = exchange->feeder;
  exchange_wait(&exchange->feeder, NULL);
  exchange->source.chunk = NULL;
  if (feeder) op_done(feeder);
}

static void release(struct exchange *exchange) {
  CURL *easy = exchange->transfer.easy;
  struct line *line = exchange->transfer.line;
  if (line && easy)
    line_give(line, !exchange->spoils);
  else if (easy && exchange->spoils)
    curl_easy_cleanup(easy);
  else if (easy)
    transfer_give_easy(easy);
  curl_slist_free_all(exchange->headers);
  curl_slist_free_all(exchange->resolve);
  for (int i = 0; i < EXCHANGE_LISTS; i++) {
    curl_slist_free_all(exchange->lists[i]);
    exchange->lists[i] = NULL;
  }
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

void exchange_changed(struct exchange *exchange) {
  struct op *waiter = exchange->waiter;
  if (exchange->dropped) {
    if (!busy(exchange)) free_exchange(exchange);
    return;
  }
  if (exchange->ended && exchange->mode == BODY_FILE)
    sink_finish(&exchange->sink);
  if (exchange->ended) exchange_end_feeder(exchange);
  if (!waiter || !exchange_has(exchange, exchange->want)) return;
  exchange_wait(&exchange->waiter, NULL);
  op_done(waiter);
}

void exchange_resume(struct exchange *exchange) {
  if (!exchange->paused || exchange->ended) return;
  exchange->paused = false;
  transfer_resume(&exchange->transfer);
}

static void on_written(struct sink *sink) {
  struct exchange *exchange = sink->owner;
  exchange_resume(exchange);
  exchange_changed(exchange);
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
  exchange_changed(exchange);
  return true;
}

void exchange_look(struct exchange *exchange) {
  struct exchange_facts *facts = &exchange->facts;
  CURL *easy = exchange->transfer.easy;
  if (easy == NULL) return;
  if (busy_line(exchange)) {
    line_look(exchange->transfer.line, &facts->received, &facts->sent);
    return;
  }
  curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &facts->resolved);
  curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &facts->connected);
  curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &facts->secured);
  curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME_T, &facts->first_byte);
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &facts->total);
  curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &facts->received);
  curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &facts->sent);
  curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &facts->expected);
  curl_easy_getinfo(easy, CURLINFO_FILETIME_T, &facts->file_time);
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
  if (!exchange->source.reading) source_shut(&exchange->source);
  exchange_changed(exchange);
}

static void take_easy(struct exchange *exchange, const char *url) {
  struct transfer *transfer = &exchange->transfer;
  if (!line_is_for(url)) {
    transfer->easy = transfer_take_easy();
    return;
  }
  transfer->line = line_take(url);
  if (transfer->line) transfer->easy = line_easy(transfer->line);
  exchange->source.blocks = true;
}

struct exchange *exchange_new(const char *method, const char *url) {
  struct exchange *exchange = calloc(1, sizeof *exchange);
  if (exchange == NULL) return NULL;
  snprintf(exchange->method, sizeof exchange->method, "%s", method);
  exchange->limit = UINT64_MAX;
  exchange->transfer.on_end = on_end;
  take_easy(exchange, url);
  exchange->url = strdup(url);
  exchange->secure =
      strncasecmp(url, "https:", 6) == 0 || strncasecmp(url, "ftps:", 5) == 0 ||
      strncasecmp(url, "sftp:", 5) == 0 || strncasecmp(url, "smtps:", 6) == 0;
  if (exchange->transfer.easy && exchange->url) return exchange;
  free_exchange(exchange);
  return NULL;
}

static void set_address(struct exchange *exchange) {
  CURL *easy = exchange->transfer.easy;
  curl_easy_setopt(easy, CURLOPT_URL, exchange->url);
  if (!exchange->transfer.line) exchange->known = known_url_take(exchange->url);
  if (exchange->known)
    curl_easy_setopt(easy, CURLOPT_CURLU, known_url_parts(exchange->known));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->detail);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
  if (exchange->resolve)
    curl_easy_setopt(easy, CURLOPT_RESOLVE, exchange->resolve);
  if (!exchange->transfer.line && !exchange->secure && !exchange->shares &&
      transfer_all_busy())
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

void exchange_start(struct exchange *exchange) {
  set_address(exchange);
  http_callbacks_set(exchange);
  exchange->started = true;
  if (transfer_start(&exchange->transfer) < 0)
    on_end(&exchange->transfer, CURLE_OUT_OF_MEMORY);
}

void exchange_abort(struct exchange *exchange) {
  if (!exchange->started || exchange->ended) return;
  transfer_stop(&exchange->transfer);
  if (!busy_line(exchange))
    on_end(&exchange->transfer, CURLE_ABORTED_BY_CALLBACK);
}

void exchange_drop(struct exchange *exchange) {
  exchange_wait(&exchange->waiter, NULL);
  exchange_wait(&exchange->feeder, NULL);
  transfer_stop(&exchange->transfer);
  if (!busy_line(exchange)) release(exchange);
  exchange->dropped = true;
  exchange_changed(exchange);
}

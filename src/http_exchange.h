/* One request and its answer: what libcurl's callbacks collect and what the Lua
 * side waits for. No Lua here. */
#ifndef ORCH_HTTP_EXCHANGE_H
#define ORCH_HTTP_EXCHANGE_H

#include <stdint.h>
#include "http_bytes.h"
#include "http_known_url.h"
#include "http_sink.h"
#include "http_source.h"
#include "op.h"
#include "transfer.h"

enum exchange_body {
  BODY_WHOLE,  /* kept in memory */
  BODY_STREAM, /* kept until it is read; nothing is received while it is full */
  BODY_FILE,   /* goes to `sink` */
};

/* What a waiting task wants. */
enum exchange_want { WANT_END, WANT_HEAD, WANT_BODY };

/* What is known when it has ended; times in microseconds since the start. */
struct exchange_facts {
  curl_off_t resolved, connected, secured, first_byte, total;
  curl_off_t received, sent;
  curl_off_t expected;  /* Content-Length, or -1 */
  curl_off_t file_time; /* of a remote file, seconds since 1970, or -1 */
  long status, version; /* CURL_HTTP_VERSION_ */
  long connects;        /* 0: on a kept-alive connection */
  long requested;       /* bytes of the request's header that were sent */
  long os_error;        /* errno of the socket's last failure, or 0 */
};

enum { EXCHANGE_LISTS = 4 }; /* quote, prequote, postquote, mail_rcpt */

struct exchange {
  struct transfer transfer;
  struct curl_slist *headers, *resolve, *lists[EXCHANGE_LISTS];
  char method[24];
  char *url;
  struct known_url *known; /* the same, or NULL */
  bool secure;             /* https, ftps, sftp: there is a handshake */
  bool shares;     /* a connection with others: HTTP/2 without a handshake */
  bool rewindable; /* libcurl may send the body again by itself */
  bool spoils;     /* the handle, with what a reset does not undo */
  bool negotiates; /* an auth scheme that takes several rounds */
  bool requested, repeated; /* sent; libcurl wanted to send it again */
  bool started, ended, dropped;
  bool closed; /* by a task, while others waited */
  bool head_done;
  bool paused; /* nothing is received for now */
  bool head_too_long, head_cut, body_too_long, no_memory;
  enum exchange_body mode;
  uint64_t limit; /* bytes of a body in memory */
  CURLcode code;
  char detail[CURL_ERROR_SIZE];
  char unix_socket[108]; /* as long as one may be; "": none */
  struct bytes head, body;
  struct source source;
  struct sink sink;
  struct exchange_facts facts;

  struct op *waiter; /* the one task that waits for `want` */
  enum exchange_want want;
  struct op *feeder; /* the one task whose chunk is being sent */
};

/* One that waits for its options; NULL: no memory. */
struct exchange *exchange_new(const char *method, const char *url);
/* Begins; failures come as its end. */
void exchange_start(struct exchange *exchange);
/* Stops it, whatever it does. */
void exchange_abort(struct exchange *exchange);
/* Nobody has it any more: stops it, and frees it as soon as no thread works for
 * it. */
void exchange_drop(struct exchange *exchange);

/* Puts `op`, or NULL, into `waiter` or `feeder`: the loop goes on for it. */
void exchange_wait(struct op **place, struct op *op);
/* Something has happened: the waiting task goes on if it has what it wants. */
void exchange_changed(struct exchange *exchange);
/* The chunk that was handed over is sent, or never will be. */
void exchange_end_feeder(struct exchange *exchange);

/* Whether the waiter's wish is fulfilled. */
bool exchange_has(struct exchange *exchange, enum exchange_want want);
/* Room has been made: goes on receiving. */
void exchange_resume(struct exchange *exchange);
/* From now on the body goes to a file; what is there already too. False: no
 * memory. */
bool exchange_save(struct exchange *exchange, const char *path, uint64_t offset,
                   bool sync);
/* The facts so far, also before the end. */
void exchange_look(struct exchange *exchange);

#endif

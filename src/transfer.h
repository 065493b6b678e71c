/* libcurl on the loop: the pool of connections of the whole run. No Lua here,
 * and the only curl_multi_ beside transfer_line. Nothing of this may be called
 * from a callback of libcurl. */
#ifndef ORCH_TRANSFER_H
#define ORCH_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>

/* Connections of different groups are never mixed up: before 8.1, libcurl sends
 * HTTP/1.1 on a connection that has become HTTP/2, and the other way round. */
enum transfer_group {
  GROUP_ANY,   /* whatever the two sides agree on */
  GROUP_HTTP1, /* over TLS, by our choice */
  GROUP_HTTP2, /* without TLS, where nothing is agreed on */
  TRANSFER_GROUPS
};

/* Embedded in whoever owns the easy handle; it stays where it is in memory
 * while it runs. */
struct transfer {
  CURL *easy; /* its CURLOPT_PRIVATE is this struct */
  enum transfer_group group;
  struct line *line; /* FTP, SFTP, SMTP: a thread does it; else NULL */
  bool running;
  struct transfer *next_soon;
  bool soon; /* to be resumed after the callback */
  /* Once, on the loop's thread, unless it was stopped before. */
  void (*on_end)(struct transfer *transfer, CURLcode code);
};

/* 0, or a negative libuv code. Closed before the loop is. */
int transfer_open(void);
void transfer_close(void);

/* An easy handle without options, for transfer->easy; NULL: no memory. Handles
 * that were given back are used again: what they allocated stays. */
CURL *transfer_take_easy(void);
void transfer_give_easy(CURL *easy);

/* No connection can be idle: a transfer that needs one of its own need not look
 * for it. libcurl looks through all there are, which takes seconds for 10,000
 * at once. */
bool transfer_all_busy(void);

int transfer_start(struct transfer *transfer);

/* Ends it at once, without on_end; closes its connection unless others use
 * that too. Where a thread does it, it only ends soon, and on_end follows. No
 * effect on one that does not run. */
void transfer_stop(struct transfer *transfer);

/* Goes on after a callback has paused it. */
void transfer_resume(struct transfer *transfer);
/* The same in a callback: as soon as libcurl has returned. */
void transfer_resume_soon(struct transfer *transfer);

/* So many tasks more wait for transfers, or fewer. The loop goes on for them
 * only: a transfer that nobody waits for can wake nobody. */
void transfer_awaited(int more);

#endif

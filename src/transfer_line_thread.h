/* The thread of a line: it performs one transfer after the other, and closes
 * the connections when it is dismissed. It has the line's handle from `begin`
 * until its end is told, otherwise the loop has it. Sockets are opened, closed
 * and shut down under the line's mutex, so that none is hit that has got its
 * number meanwhile. */
#ifndef ORCH_TRANSFER_LINE_THREAD_H
#define ORCH_TRANSFER_LINE_THREAD_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdbool.h>

enum { LINE_SOCKETS = 16 };

struct line {
  CURL *easy;
  CURLM *multi; /* its own: the connections */
  char *server; /* scheme://host:port */
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  int sockets[LINE_SOCKETS]; /* -1: none */
  int open_sockets;
  bool begin, quit, stop;
  CURLcode code;
  curl_off_t received, sent;
  struct transfer *job; /* what the thread works at, or is to */
  struct line *next;    /* of the idle ones */
  struct line *next_busy;
  struct line *next_ended;
};

/* Outlives its line, so that it can be joined: this code may be unloaded only
 * after the last of its threads has left it. */
struct line_thread {
  pthread_t id;
  struct line *line;
  void (*on_end)(struct line *line);
  void (*gone)(struct line_thread *thread);
  struct line_thread *next; /* of those that are gone */
};

/* `on_end` is called on the thread, each time that a transfer has ended; `gone`
 * as the last thing, when the line is freed: the thread is then to be joined,
 * and its struct to be freed. False: no thread, and the line is as it was. */
bool line_thread_start(struct line *line, void (*on_end)(struct line *line),
                       void (*gone)(struct line_thread *thread));

/* Of a line without a thread. */
void line_free(struct line *line);

/* What the line's handle needs for a transfer. */
void line_set_callbacks(struct line *line);

#endif

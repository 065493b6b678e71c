/* The threads. A thread has its line's handle between line_start and the end of
 * the transfer, otherwise the loop has it; sockets are shut down under the
 * line's mutex, so that none is hit that has got its number meanwhile. */
#include "transfer_line.h"

#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>
#include "runtime.h"
#include "transfer.h"

static const long LONGEST_MS = 1000000000;

enum { SOCKETS = 16, MOST_IDLE = 16, LONGEST_WAIT_MS = 250 };

struct line {
  CURL *easy;
  CURLM *multi; /* its own: the connections */
  char *server; /* scheme://host:port */
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  int sockets[SOCKETS]; /* -1: none */
  struct transfer *job; /* what the thread works at, or is to */
  bool begin, quit, stop;
  CURLcode code;
  curl_off_t received, sent;
  struct line *next;       /* of the idle ones */
  struct line *next_ended; /* of those whose end the loop does not know */
  struct line *next_busy;
};

static struct {
  pthread_mutex_t mutex; /* of `ended` and `threads` */
  pthread_cond_t changed;
  struct line *ended, *idle, *busy;
  unsigned threads, idle_count;
  uv_async_t news;
  bool open;
} lines = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .changed = PTHREAD_COND_INITIALIZER,
};

static size_t server_length(const char *url) {
  const char *host = strstr(url, "://");
  return host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : 0;
}

bool line_is_for(const char *url) {
  return strncasecmp(url, "http", 4) != 0;
}

/* ---- on the thread ---- */

static curl_socket_t open_socket(void *data, curlsocktype purpose,
                                 struct curl_sockaddr *address) {
  struct line *line = data;
  (void)purpose;
  int fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
  pthread_mutex_lock(&line->mutex);
  for (int i = 0; fd >= 0 && i < SOCKETS; i++) {
    if (line->sockets[i] >= 0) continue;
    line->sockets[i] = fd;
    break;
  }
  pthread_mutex_unlock(&line->mutex);
  return fd;
}

static int close_socket(void *data, curl_socket_t fd) {
  struct line *line = data;
  pthread_mutex_lock(&line->mutex);
  for (int i = 0; i < SOCKETS; i++)
    if (line->sockets[i] == fd) line->sockets[i] = -1;
  int status = close(fd);
  pthread_mutex_unlock(&line->mutex);
  return status;
}

static int on_progress(void *data, curl_off_t expected, curl_off_t received,
                       curl_off_t total, curl_off_t sent) {
  struct line *line = data;
  (void)expected, (void)total;
  __atomic_store_n(&line->received, received, __ATOMIC_RELAXED);
  __atomic_store_n(&line->sent, sent, __ATOMIC_RELAXED);
  return __atomic_load_n(&line->stop, __ATOMIC_RELAXED);
}

static void tell_end(struct line *line) {
  pthread_mutex_lock(&lines.mutex);
  line->next_ended = lines.ended;
  lines.ended = line;
  pthread_cond_signal(&lines.changed);
  uv_async_send(&lines.news);
  pthread_mutex_unlock(&lines.mutex);
}

static bool take_code(struct line *line) {
  int left;
  CURLMsg *message = curl_multi_info_read(line->multi, &left);
  if (message) line->code = message->data.result;
  return message != NULL;
}

/* libcurl 7.88 may read an answer of the server, owe the next step and wait for
 * nothing: so it is asked again shortly after every event, then less and less
 * often. (Its own curl_easy_perform stands still for a second.) */
static void perform(struct line *line) {
  int running, events, wait_ms = 1;
  line->code = CURLE_OUT_OF_MEMORY;
  if (curl_multi_add_handle(line->multi, line->easy) != CURLM_OK) return;
  for (;;) {
    curl_multi_perform(line->multi, &running);
    if (!running && take_code(line)) break;
    line->code = CURLE_ABORTED_BY_CALLBACK;
    if (__atomic_load_n(&line->stop, __ATOMIC_RELAXED)) break;
    curl_multi_poll(line->multi, NULL, 0, wait_ms, &events);
    wait_ms = events ? 1 : wait_ms * 2;
    if (wait_ms > LONGEST_WAIT_MS) wait_ms = LONGEST_WAIT_MS;
  }
  curl_multi_remove_handle(line->multi, line->easy);
}

/* False: it is to end. */
static bool wait_for_job(struct line *line) {
  pthread_mutex_lock(&line->mutex);
  while (!line->begin && !line->quit)
    pthread_cond_wait(&line->wake, &line->mutex);
  bool begin = line->begin;
  line->begin = false;
  pthread_mutex_unlock(&line->mutex);
  return begin;
}

static void free_line(struct line *line) {
  if (line->easy) curl_easy_cleanup(line->easy);
  if (line->multi) curl_multi_cleanup(line->multi);
  pthread_mutex_destroy(&line->mutex);
  pthread_cond_destroy(&line->wake);
  free(line->server);
  free(line);
}

static void *work(void *data) {
  struct line *line = data;
  /* A host that is not ASCII is taken for text of the thread's locale. */
  locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  if (utf8) uselocale(utf8);
  while (wait_for_job(line)) {
    perform(line);
    tell_end(line);
  }
  free_line(line);
  uselocale(LC_GLOBAL_LOCALE);
  if (utf8) freelocale(utf8);
  pthread_mutex_lock(&lines.mutex);
  lines.threads--;
  pthread_cond_signal(&lines.changed);
  pthread_mutex_unlock(&lines.mutex);
  return NULL;
}

/* ---- on the loop ---- */

static bool start_thread(struct line *line) {
  pthread_t thread;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_mutex_lock(&lines.mutex);
  bool started = pthread_create(&thread, NULL, work, line) == 0;
  if (started) {
    pthread_detach(thread); /* `threads` says when all are gone */
    lines.threads++;
  }
  pthread_mutex_unlock(&lines.mutex);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

static struct line *new_line(const char *url) {
  struct line *line = calloc(1, sizeof *line);
  if (line == NULL) return NULL;
  pthread_mutex_init(&line->mutex, NULL);
  pthread_cond_init(&line->wake, NULL);
  for (int i = 0; i < SOCKETS; i++) line->sockets[i] = -1;
  line->server = strndup(url, server_length(url));
  line->easy = curl_easy_init();
  line->multi = curl_multi_init();
  if (line->server && line->easy && line->multi && start_thread(line))
    return line;
  free_line(line);
  return NULL;
}

static bool talks_to(const struct line *line, const char *url) {
  size_t length = server_length(url);
  return strlen(line->server) == length &&
         strncmp(line->server, url, length) == 0;
}

/* Without a limit libcurl 7.88 turns in circles until an SFTP file is closed.
 */
static struct line *prepared(struct line *line) {
  if (line) curl_easy_setopt(line->easy, CURLOPT_TIMEOUT_MS, LONGEST_MS);
  return line;
}

struct line *line_take(const char *url) {
  for (struct line **at = &lines.idle; *at; at = &(*at)->next) {
    struct line *line = *at;
    if (!talks_to(line, url)) continue;
    *at = line->next;
    lines.idle_count--;
    return prepared(line);
  }
  return prepared(new_line(url));
}

CURL *line_easy(struct line *line) {
  return line->easy;
}

/* What libcurl then says to the server fails at once instead of waiting. */
static void shut_down(struct line *line) {
  for (int i = 0; i < SOCKETS; i++)
    if (line->sockets[i] >= 0) shutdown(line->sockets[i], SHUT_RDWR);
}

/* The thread frees it. */
static void dismiss(struct line *line) {
  pthread_mutex_lock(&line->mutex);
  line->quit = true;
  shut_down(line);
  pthread_cond_signal(&line->wake);
  pthread_mutex_unlock(&line->mutex);
}

static void dismiss_oldest(void) {
  struct line **at = &lines.idle;
  while ((*at)->next) at = &(*at)->next;
  struct line *oldest = *at;
  *at = NULL;
  lines.idle_count--;
  dismiss(oldest);
}

void line_give(struct line *line, bool keep) {
  if (!keep || line->stop || !lines.open) {
    dismiss(line);
    return;
  }
  curl_easy_reset(line->easy);
  line->next = lines.idle;
  lines.idle = line;
  if (++lines.idle_count > MOST_IDLE) dismiss_oldest();
}

void lines_hang_up(const char *url) {
  struct line **at = &lines.idle;
  while (*at) {
    struct line *line = *at;
    if (talks_to(line, url)) {
      *at = line->next;
      lines.idle_count--;
      dismiss(line);
    } else {
      at = &line->next;
    }
  }
}

void line_start(struct line *line, struct transfer *transfer) {
  CURL *easy = line->easy;
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, line);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, line);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, line);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  line->received = line->sent = 0;
  line->next_busy = lines.busy;
  lines.busy = line;
  pthread_mutex_lock(&line->mutex);
  line->job = transfer;
  line->begin = true;
  pthread_cond_signal(&line->wake);
  pthread_mutex_unlock(&line->mutex);
}

void line_abort(struct line *line) {
  pthread_mutex_lock(&line->mutex);
  __atomic_store_n(&line->stop, true, __ATOMIC_RELAXED);
  shut_down(line);
  curl_multi_wakeup(line->multi);
  pthread_mutex_unlock(&line->mutex);
}

void line_look(struct line *line, curl_off_t *received, curl_off_t *sent) {
  *received = __atomic_load_n(&line->received, __ATOMIC_RELAXED);
  *sent = __atomic_load_n(&line->sent, __ATOMIC_RELAXED);
}

static struct line *next_ended(void) {
  pthread_mutex_lock(&lines.mutex);
  struct line *line = lines.ended;
  if (line) lines.ended = line->next_ended;
  pthread_mutex_unlock(&lines.mutex);
  return line;
}

static void on_news(uv_async_t *news) {
  struct line *line;
  (void)news;
  while ((line = next_ended()) != NULL) {
    struct line **at = &lines.busy;
    while (*at != line) at = &(*at)->next_busy;
    *at = line->next_busy;
    struct transfer *transfer = line->job;
    line->job = NULL;
    transfer->running = false;
    transfer->on_end(transfer, line->code); /* may give the line back */
  }
}

int lines_open(void) {
  int status = uv_async_init(runtime_loop(), &lines.news, on_news);
  if (status < 0) return status;
  uv_unref((uv_handle_t *)&lines.news); /* see transfer_awaited */
  lines.open = true;
  return 0;
}

static void await_change(bool ended) {
  pthread_mutex_lock(&lines.mutex);
  while (ended ? lines.ended == NULL : lines.threads > 0)
    pthread_cond_wait(&lines.changed, &lines.mutex);
  pthread_mutex_unlock(&lines.mutex);
}

void lines_close(void) {
  lines.open = false;
  for (struct line *line = lines.busy; line; line = line->next_busy)
    line_abort(line);
  while (lines.busy) {
    await_change(true);
    on_news(&lines.news);
  }
  while (lines.idle) dismiss_oldest();
  await_change(false);
  uv_close((uv_handle_t *)&lines.news, NULL);
}

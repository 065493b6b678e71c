/* The lines that there are: the idle ones, whose connections are used again,
 * and those at work, whose ends the loop is told of. */
#include "transfer_line.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <uv.h>
#include "runtime.h"
#include "transfer.h"
#include "transfer_line_thread.h"

static const long LONGEST_MS = 1000000000;

enum { MOST_IDLE = 16 };

static struct {
  pthread_mutex_t mutex; /* of `ended`, `gone` and `threads` */
  pthread_cond_t changed;
  struct line *ended, *idle, *busy;
  struct line_thread *gone; /* to be joined */
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

static void tell_end(struct line *line) {
  pthread_mutex_lock(&lines.mutex);
  line->next_ended = lines.ended;
  lines.ended = line;
  pthread_cond_signal(&lines.changed);
  uv_async_send(&lines.news);
  pthread_mutex_unlock(&lines.mutex);
}

static void count_out(struct line_thread *thread) {
  pthread_mutex_lock(&lines.mutex);
  lines.threads--;
  thread->next = lines.gone;
  lines.gone = thread;
  pthread_cond_signal(&lines.changed);
  pthread_mutex_unlock(&lines.mutex);
}

static void join_gone(void) {
  pthread_mutex_lock(&lines.mutex);
  struct line_thread *thread = lines.gone;
  lines.gone = NULL;
  pthread_mutex_unlock(&lines.mutex);
  while (thread) {
    struct line_thread *next = thread->next;
    pthread_join(thread->id, NULL);
    free(thread);
    thread = next;
  }
}

static bool start_thread(struct line *line) {
  join_gone();
  pthread_mutex_lock(&lines.mutex);
  bool started = line_thread_start(line, tell_end, count_out);
  if (started) lines.threads++;
  pthread_mutex_unlock(&lines.mutex);
  return started;
}

static struct line *new_line(const char *url) {
  struct line *line = calloc(1, sizeof *line);
  if (line == NULL) return NULL;
  pthread_mutex_init(&line->mutex, NULL);
  pthread_cond_init(&line->wake, NULL);
  for (int i = 0; i < LINE_SOCKETS; i++) line->sockets[i] = -1;
  line->server = strndup(url, server_length(url));
  line->easy = curl_easy_init();
  line->multi = curl_multi_init();
  if (line->server && line->easy && line->multi && start_thread(line))
    return line;
  line_free(line);
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
  for (int i = 0; i < LINE_SOCKETS; i++)
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
  /* Where the server allows no more connections, those that there are are to be
   * used. */
  struct line **at = &lines.idle;
  while (*at && line->open_sockets == 0) at = &(*at)->next;
  line->next = *at;
  *at = line;
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
  line_set_callbacks(line);
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
  join_gone();
  uv_close((uv_handle_t *)&lines.news, NULL);
}

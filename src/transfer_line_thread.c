/* libcurl at work on a thread. */
#include "transfer_line_thread.h"

#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONGEST_WAIT_MS = 250 };

static curl_socket_t open_socket(void *data, curlsocktype purpose,
                                 struct curl_sockaddr *address) {
  struct line *line = data;
  (void)purpose;
  int fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
  pthread_mutex_lock(&line->mutex);
  for (int i = 0; fd >= 0 && i < LINE_SOCKETS; i++) {
    if (line->sockets[i] >= 0) continue;
    line->sockets[i] = fd;
    break;
  }
  line->open_sockets += fd >= 0;
  pthread_mutex_unlock(&line->mutex);
  return fd;
}

static int close_socket(void *data, curl_socket_t fd) {
  struct line *line = data;
  pthread_mutex_lock(&line->mutex);
  for (int i = 0; i < LINE_SOCKETS; i++)
    if (line->sockets[i] == fd) line->sockets[i] = -1;
  line->open_sockets--;
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

static bool take_code(struct line *line) {
  int left;
  CURLMsg *message = curl_multi_info_read(line->multi, &left);
  if (message) line->code = message->data.result;
  return message != NULL;
}

/* libcurl 7.88 may read an answer of the server, owe the next step and wait for
 * nothing: so it is asked once more after every event, unless FTP has its data
 * connection already, then less and less often. (Its own curl_easy_perform
 * stands still for a second.) */
static void perform(struct line *line) {
  int running, events = 1, wait_ms = 1;
  line->code = CURLE_OUT_OF_MEMORY;
  if (curl_multi_add_handle(line->multi, line->easy) != CURLM_OK) return;
  for (;;) {
    curl_multi_perform(line->multi, &running);
    if (running && events && line->open_sockets < 2)
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

void line_free(struct line *line) {
  if (line->easy) curl_easy_cleanup(line->easy);
  if (line->multi) curl_multi_cleanup(line->multi);
  pthread_mutex_destroy(&line->mutex);
  pthread_cond_destroy(&line->wake);
  free(line->server);
  free(line);
}

static void *work(void *data) {
  struct line_thread *thread = data;
  struct line *line = thread->line;
  /* A host that is not ASCII is taken for text of the thread's locale. */
  locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  if (utf8) uselocale(utf8);
  while (wait_for_job(line)) {
    perform(line);
    thread->on_end(line);
  }
  line_free(line);
  uselocale(LC_GLOBAL_LOCALE);
  if (utf8) freelocale(utf8);
  thread->gone(thread);
  return NULL;
}

bool line_thread_start(struct line *line, void (*on_end)(struct line *line),
                       void (*gone)(struct line_thread *thread)) {
  struct line_thread *thread = calloc(1, sizeof *thread);
  sigset_t all, before;
  if (thread == NULL) return false;
  thread->line = line;
  thread->on_end = on_end;
  thread->gone = gone;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = pthread_create(&thread->id, NULL, work, thread) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!started) free(thread);
  return started;
}

void line_set_callbacks(struct line *line) {
  CURL *easy = line->easy;
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, line);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, line);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, line);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}

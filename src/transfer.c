/* The multi handle, its one timer and the ends of transfers. After every call
 * that lets libcurl work, the finished ones are taken: after a timer as well,
 * otherwise the last to end by its timeout would be lost. */
#include "transfer.h"

#include <locale.h>
#include <stdlib.h>
#include <uv.h>
#include "descriptors.h"
#include "runtime.h"
#include "transfer_socket.h"

enum {
  STREAMS = 100,       /* at once on an HTTP/2 connection */
  NEW_HTTP2 = 0x80100, /* libcurl 8.1 */
  CONNECTIONS = 2048,  /* kept open, unless more transfers run at once */
  SPARE_EASIES = 128,
  PULSE_MS = 20,
};

static struct {
  CURLM *multi;
  uv_timer_t timer;
  uv_timer_t pulse; /* while there are forgetful transfers */
  struct transfer *forgetful, *soon;
  unsigned running, room; /* for connections, busy ones included */
  int awaited, apart;
  CURL *spare[SPARE_EASIES];
  int spares;
  locale_t utf8;
} pool;

static void take_ended(void) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(pool.multi, &left)) != NULL) {
    struct transfer *transfer = NULL;
    CURL *easy = message->easy_handle;
    CURLcode code = message->data.result; /* `message` dies with the removal */
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
    transfer_stop(transfer);
    transfer->on_end(transfer, code);
  }
}

static void resume_soon(void) {
  struct transfer *one;
  while ((one = pool.soon) != NULL) {
    pool.soon = one->next_soon;
    one->soon = false;
    transfer_resume(one);
  }
}

static void after_work(void) {
  take_ended();
  resume_soon();
}

static void act(curl_socket_t fd, int bits) {
  int running;
  curl_multi_socket_action(pool.multi, fd, bits, &running);
}

static void on_timer(uv_timer_t *timer) {
  (void)timer;
  act(CURL_SOCKET_TIMEOUT, 0);
  after_work();
}

/* Going on after a pause lets libcurl look at everything once. */
static void on_pulse(uv_timer_t *pulse) {
  (void)pulse;
  struct transfer *one = pool.forgetful;
  while (one) {
    struct transfer *next = one->next;
    curl_easy_pause(one->easy, CURLPAUSE_RECV);
    transfer_resume(one);
    one = next;
  }
}

static void watch_forgetful(struct transfer *transfer) {
  if (!transfer->forgetful) return;
  if (pool.forgetful == NULL)
    uv_timer_start(&pool.pulse, on_pulse, PULSE_MS, PULSE_MS);
  transfer->next = pool.forgetful;
  pool.forgetful = transfer;
}

static void forget(struct transfer *transfer) {
  if (!transfer->forgetful) return;
  struct transfer **place = &pool.forgetful;
  while (*place != transfer) place = &(*place)->next;
  *place = transfer->next;
  if (pool.forgetful == NULL) uv_timer_stop(&pool.pulse);
}

static void take_off_soon(struct transfer *transfer) {
  struct transfer **place = &pool.soon;
  while (*place != transfer) place = &(*place)->next_soon;
  *place = transfer->next_soon;
  transfer->soon = false;
}

static int set_timer(CURLM *multi, long timeout_ms, void *unused) {
  (void)multi, (void)unused;
  if (timeout_ms < 0) {
    uv_timer_stop(&pool.timer);
    return 0;
  }
  /* Counted from now, not from when the loop last looked at the clock. */
  if (timeout_ms > 0) uv_update_time(runtime_loop());
  uv_timer_start(&pool.timer, on_timer, (uint64_t)timeout_ms, 0);
  return 0;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *unused,
                      void *of_socket) {
  (void)easy, (void)unused, (void)of_socket;
  transfer_socket_want(fd, what);
  return 0;
}

/* libcurl counts the busy connections as well, and where they are too many it
 * looks through all of them for an idle one to close, at every end. */
static void make_room(unsigned connections) {
  pool.room = connections;
  curl_multi_setopt(pool.multi, CURLMOPT_MAXCONNECTS, (long)connections);
}

bool transfer_all_busy(void) {
  return pool.running >= transfer_sockets_count();
}

/* A host that is not ASCII is taken for text of the thread's locale. */
static void read_names_as_utf8(void) {
  pool.utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  if (pool.utf8) uselocale(pool.utf8);
}

/* Before 8.1, libcurl gives bytes of one HTTP/2 stream to another when one of
 * those on a connection is paused and another is given up: while there is one
 * that may pause, nobody shares a connection. */
static void keep_apart(const struct transfer *transfer, int more) {
  bool before = pool.apart > 0;
  if (!transfer->apart ||
      curl_version_info(CURLVERSION_NOW)->version_num >= NEW_HTTP2)
    return;
  pool.apart += more;
  if ((pool.apart > 0) != before)
    curl_multi_setopt(pool.multi, CURLMOPT_MAX_CONCURRENT_STREAMS,
                      before ? (long)STREAMS : 1L);
}

int transfer_open(void) {
  descriptors_raise();
  read_names_as_utf8();
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return UV_ENOMEM;
  pool.multi = curl_multi_init();
  if (pool.multi == NULL) return UV_ENOMEM;
  curl_multi_setopt(pool.multi, CURLMOPT_SOCKETFUNCTION, set_socket);
  curl_multi_setopt(pool.multi, CURLMOPT_TIMERFUNCTION, set_timer);
  make_room(CONNECTIONS);
  uv_timer_init(runtime_loop(), &pool.timer);
  uv_unref((uv_handle_t *)&pool.timer); /* see transfer_awaited */
  uv_timer_init(runtime_loop(), &pool.pulse);
  uv_unref((uv_handle_t *)&pool.pulse);
  return transfer_sockets_open(act, after_work);
}

void transfer_close(void) {
  while (pool.spares > 0) curl_easy_cleanup(pool.spare[--pool.spares]);
  curl_multi_cleanup(pool.multi);
  pool.multi = NULL;
  transfer_sockets_close();
  uv_close((uv_handle_t *)&pool.timer, NULL);
  uv_close((uv_handle_t *)&pool.pulse, NULL);
  curl_global_cleanup();
  uselocale(LC_GLOBAL_LOCALE);
  if (pool.utf8) freelocale(pool.utf8);
}

CURL *transfer_take_easy(void) {
  return pool.spares > 0 ? pool.spare[--pool.spares] : curl_easy_init();
}

void transfer_give_easy(CURL *easy) {
  if (pool.multi == NULL || pool.spares == SPARE_EASIES) {
    curl_easy_cleanup(easy);
    return;
  }
  curl_easy_reset(easy);
  pool.spare[pool.spares++] = easy;
}

int transfer_start(struct transfer *transfer) {
  CURL *easy = transfer->easy;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, transfer_socket_open);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, transfer_socket_close);
  if (curl_multi_add_handle(pool.multi, easy) != CURLM_OK) return UV_ENOMEM;
  transfer->running = true;
  watch_forgetful(transfer);
  keep_apart(transfer, 1);
  if (++pool.running > pool.room) make_room(pool.room * 2);
  return 0;
}

void transfer_stop(struct transfer *transfer) {
  if (!transfer->running) return;
  transfer->running = false;
  forget(transfer);
  if (transfer->soon) take_off_soon(transfer);
  keep_apart(transfer, -1);
  pool.running--;
  curl_multi_remove_handle(pool.multi, transfer->easy);
}

void transfer_resume(struct transfer *transfer) {
  if (!transfer->running) return;
  CURLcode code = curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
  if (code == CURLE_OK) return;
  if (code == CURLE_BAD_FUNCTION_ARGUMENT) return; /* has no connection yet */
  /* A callback that it ran has failed; libcurl leaves the rest to us. */
  transfer_stop(transfer);
  transfer->on_end(transfer, code);
}

void transfer_resume_soon(struct transfer *transfer) {
  if (!transfer->running || transfer->soon) return;
  transfer->soon = true;
  transfer->next_soon = pool.soon;
  pool.soon = transfer;
}

void transfer_awaited(int more) {
  bool before = pool.awaited > 0;
  pool.awaited += more;
  if ((pool.awaited > 0) != before) transfer_sockets_needed(!before);
}

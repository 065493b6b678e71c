/* The multi handles, their timers and the ends of transfers. After every call
 * that lets libcurl work, the finished ones are taken: after a timer as well,
 * otherwise the last to end by its timeout would be lost. */
#include "transfer.h"

#include <locale.h>
#include <stdlib.h>
#include <uv.h>
#include "descriptors.h"
#include "runtime.h"
#include "transfer_line.h"
#include "transfer_socket.h"

enum {
  CONNECTIONS = 2048, /* kept open, unless more transfers run at once */
  SPARE_EASIES = 128,
};

struct group {
  CURLM *multi; /* NULL: not needed so far */
  uv_timer_t timer;
  unsigned running, room; /* for connections, busy ones included */
};

static struct {
  struct group groups[TRANSFER_GROUPS];
  struct transfer *soon;
  unsigned running;
  int awaited;
  bool open;
  CURL *spare[SPARE_EASIES];
  int spares;
  locale_t utf8;
} pool;

static void take_ended(CURLM *multi) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(multi, &left)) != NULL) {
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
  for (int i = 0; i < TRANSFER_GROUPS; i++)
    if (pool.groups[i].running > 0) take_ended(pool.groups[i].multi);
  resume_soon();
}

static void act(void *owner, curl_socket_t fd, int bits) {
  struct group *group = owner;
  int running;
  curl_multi_socket_action(group->multi, fd, bits, &running);
}

static void on_timer(uv_timer_t *timer) {
  act(timer->data, CURL_SOCKET_TIMEOUT, 0);
  after_work();
}

static void take_off_soon(struct transfer *transfer) {
  struct transfer **place = &pool.soon;
  while (*place != transfer) place = &(*place)->next_soon;
  *place = transfer->next_soon;
  transfer->soon = false;
}

static int set_timer(CURLM *multi, long timeout_ms, void *owner) {
  struct group *group = owner;
  (void)multi;
  if (timeout_ms < 0) {
    uv_timer_stop(&group->timer);
    return 0;
  }
  /* Counted from now, not from when the loop last looked at the clock. */
  if (timeout_ms > 0) uv_update_time(runtime_loop());
  uv_timer_start(&group->timer, on_timer, (uint64_t)timeout_ms, 0);
  return 0;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *owner,
                      void *of_socket) {
  (void)easy, (void)of_socket;
  transfer_socket_want(fd, what, owner);
  return 0;
}

/* libcurl counts the busy connections as well, and where they are too many it
 * looks through all of them for an idle one to close, at every end. */
static void make_room(struct group *group, unsigned connections) {
  group->room = connections;
  curl_multi_setopt(group->multi, CURLMOPT_MAXCONNECTS, (long)connections);
}

static bool open_group(struct group *group) {
  if (group->multi) return true;
  group->multi = curl_multi_init();
  if (group->multi == NULL) return false;
  curl_multi_setopt(group->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
  curl_multi_setopt(group->multi, CURLMOPT_SOCKETDATA, group);
  curl_multi_setopt(group->multi, CURLMOPT_TIMERFUNCTION, set_timer);
  curl_multi_setopt(group->multi, CURLMOPT_TIMERDATA, group);
  make_room(group, CONNECTIONS);
  return true;
}

bool transfer_all_busy(void) {
  return pool.running >= transfer_sockets_count();
}

/* A host that is not ASCII is taken for text of the thread's locale. */
static void read_names_as_utf8(void) {
  pool.utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  if (pool.utf8) uselocale(pool.utf8);
}

int transfer_open(void) {
  descriptors_raise();
  read_names_as_utf8();
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return UV_ENOMEM;
  pool.open = true;
  for (int i = 0; i < TRANSFER_GROUPS; i++) {
    uv_timer_t *timer = &pool.groups[i].timer;
    uv_timer_init(runtime_loop(), timer);
    uv_unref((uv_handle_t *)timer); /* see transfer_awaited */
    timer->data = &pool.groups[i];
  }
  int status = lines_open();
  if (status < 0) return status;
  return transfer_sockets_open(act, after_work);
}

void transfer_close(void) {
  lines_close();
  while (pool.spares > 0) curl_easy_cleanup(pool.spare[--pool.spares]);
  pool.open = false;
  for (int i = 0; i < TRANSFER_GROUPS; i++) {
    struct group *group = &pool.groups[i];
    if (group->multi) curl_multi_cleanup(group->multi);
    group->multi = NULL;
    uv_close((uv_handle_t *)&group->timer, NULL);
  }
  transfer_sockets_close();
  curl_global_cleanup();
  uselocale(LC_GLOBAL_LOCALE);
  if (pool.utf8) freelocale(pool.utf8);
}

CURL *transfer_take_easy(void) {
  return pool.spares > 0 ? pool.spare[--pool.spares] : curl_easy_init();
}

void transfer_give_easy(CURL *easy) {
  if (!pool.open || pool.spares == SPARE_EASIES) {
    curl_easy_cleanup(easy);
    return;
  }
  curl_easy_reset(easy);
  pool.spare[pool.spares++] = easy;
}

int transfer_start(struct transfer *transfer) {
  CURL *easy = transfer->easy;
  if (transfer->line) {
    transfer->running = true;
    line_start(transfer->line, transfer);
    return 0;
  }
  struct group *group = &pool.groups[transfer->group];
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, transfer_socket_open);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, transfer_socket_close);
  if (!open_group(group) ||
      curl_multi_add_handle(group->multi, easy) != CURLM_OK)
    return UV_ENOMEM;
  transfer->running = true;
  pool.running++;
  if (++group->running > group->room) make_room(group, group->room * 2);
  return 0;
}

void transfer_stop(struct transfer *transfer) {
  if (!transfer->running) return;
  if (transfer->line) {
    line_abort(transfer->line);
    return;
  }
  transfer->running = false;
  if (transfer->soon) take_off_soon(transfer);
  pool.running--;
  pool.groups[transfer->group].running--;
  curl_multi_remove_handle(pool.groups[transfer->group].multi, transfer->easy);
}

void transfer_resume(struct transfer *transfer) {
  if (!transfer->running || transfer->line) return;
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

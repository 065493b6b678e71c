/* One binary heap of timers over one uv_timer. In virtual time the uv_timer
 * is silent and the heap fires from clock_advance and clock_jump only. */
#include "clock.h"

#include <math.h>
#include <stdlib.h>

#define NS_PER_S 1000000000.0
#define NS_PER_MS 1000000u
#define NS_PER_SECOND 1000000000u

/* The keys stand in the heap itself: following a pointer for each comparison
 * costs a cache miss once there are many timers. */
struct entry {
  uint64_t due_ns;
  uint64_t order; /* equal times fire in the order they were started */
  struct timer *timer;
};

static struct {
  struct entry *heap; /* heap[1] is due first */
  uint32_t count;
  uint32_t capacity;
  uint64_t orders;
  uv_timer_t uv;
  uint64_t armed_ns; /* what the uv_timer waits for; CLOCK_NEVER: nothing */
  bool is_virtual;
  uint64_t virtual_ns;
} clk;

static bool before(const struct entry *a, const struct entry *b) {
  return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void put(struct entry entry, uint32_t slot) {
  clk.heap[slot] = entry;
  entry.timer->slot = slot;
}

static void sift_up(struct entry entry, uint32_t slot) {
  while (slot > 1 && before(&entry, &clk.heap[slot / 2])) {
    put(clk.heap[slot / 2], slot);
    slot /= 2;
  }
  put(entry, slot);
}

static void sift_down(struct entry entry, uint32_t slot) {
  for (;;) {
    uint32_t child = slot * 2;
    if (child > clk.count) break;
    if (child < clk.count && before(&clk.heap[child + 1], &clk.heap[child]))
      child++;
    if (!before(&clk.heap[child], &entry)) break;
    put(clk.heap[child], slot);
    slot = child;
  }
  put(entry, slot);
}

static bool reserve(void) {
  if (clk.count + 1 < clk.capacity) return true;
  uint32_t capacity = clk.capacity ? clk.capacity * 2 : 64;
  void *heap = realloc(clk.heap, capacity * sizeof *clk.heap);
  if (!heap) return false;
  clk.heap = heap;
  clk.capacity = capacity;
  return true;
}

static void on_uv_timer(uv_timer_t *uv);

/* Makes the uv_timer wait for the earliest timer. Milliseconds are rounded
 * up: a timer is late by up to one, never early. */
static void arm(void) {
  uint64_t due = clk.count ? clk.heap[1].due_ns : CLOCK_NEVER;
  if (clk.is_virtual) due = CLOCK_NEVER;
  if (due == clk.armed_ns) return;
  __atomic_store_n(&clk.armed_ns, due, __ATOMIC_RELAXED);
  if (due == CLOCK_NEVER) {
    uv_timer_stop(&clk.uv);
    return;
  }
  uint64_t now = uv_hrtime();
  uint64_t ms = due <= now ? 0 : (due - now + NS_PER_MS - 1) / NS_PER_MS;
  uv_update_time(clk.uv.loop);
  uv_timer_start(&clk.uv, on_uv_timer, ms, 0);
}

void clock_fire(void) {
  uint64_t now = clock_now();
  while (clk.count && clk.heap[1].due_ns <= now) {
    struct timer *timer = clk.heap[1].timer;
    clock_stop(timer);
    timer->fire(timer);
  }
}

static void on_uv_timer(uv_timer_t *uv) {
  (void)uv;
  __atomic_store_n(&clk.armed_ns, CLOCK_NEVER, __ATOMIC_RELAXED);
  clock_fire();
  arm();
}

bool clock_is_due(void) {
  uint64_t due = __atomic_load_n(&clk.armed_ns, __ATOMIC_RELAXED);
  return due != CLOCK_NEVER && uv_hrtime() >= due;
}

int clock_open(uv_loop_t *loop) {
  clk.armed_ns = CLOCK_NEVER;
  return uv_timer_init(loop, &clk.uv);
}

void clock_close(void) {
  uv_close((uv_handle_t *)&clk.uv, NULL);
  free(clk.heap);
  clk.heap = NULL;
  clk.count = clk.capacity = 0;
}

uint64_t clock_now(void) {
  return clk.is_virtual ? clk.virtual_ns : uv_hrtime();
}

int clock_start(struct timer *timer, uint64_t due_ns) {
  if (timer->slot) clock_stop(timer);
  if (!reserve()) return UV_ENOMEM;
  timer->due_ns = due_ns;
  clk.count++;
  sift_up((struct entry){due_ns, clk.orders++, timer}, clk.count);
  if (timer->slot == 1) arm();
  return 0;
}

void clock_stop(struct timer *timer) {
  uint32_t slot = timer->slot;
  if (!slot) return;
  timer->slot = 0;
  struct entry last = clk.heap[clk.count--];
  if (last.timer != timer) {
    if (slot > 1 && before(&last, &clk.heap[slot / 2]))
      sift_up(last, slot);
    else
      sift_down(last, slot);
  }
  if (slot == 1) arm();
}

void clock_set_virtual(bool on) {
  if (on == clk.is_virtual) return;
  /* From a whole second: what a test adds up stays exact. */
  clk.virtual_ns = (uv_hrtime() / NS_PER_SECOND + 1) * NS_PER_SECOND;
  clk.is_virtual = on;
  arm();
}

bool clock_is_virtual(void) {
  return clk.is_virtual;
}

void clock_advance(uint64_t ns) {
  uint64_t target = clk.virtual_ns + ns;
  while (clk.count && clk.heap[1].due_ns <= target) {
    struct timer *timer = clk.heap[1].timer;
    if (timer->due_ns > clk.virtual_ns) clk.virtual_ns = timer->due_ns;
    clock_stop(timer);
    timer->fire(timer);
  }
  clk.virtual_ns = target;
}

bool clock_jump(void) {
  if (!clk.is_virtual || !clk.count) return false;
  if (clk.heap[1].due_ns == CLOCK_NEVER) return false;
  if (clk.heap[1].due_ns > clk.virtual_ns) clk.virtual_ns = clk.heap[1].due_ns;
  clock_fire();
  return true;
}

uint64_t clock_next(void) {
  return clk.count ? clk.heap[1].due_ns : CLOCK_NEVER;
}

uint32_t clock_pending(void) {
  return clk.count;
}

uint64_t clock_due(double seconds) {
  if (!(seconds > 0)) return clock_now();
  double ns = seconds * NS_PER_S;
  if (isinf(ns) || ns >= 9.2e18) return CLOCK_NEVER;
  return clock_now() + (uint64_t)ceil(ns);
}

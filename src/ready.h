/* The queue of tasks that can go on. Callbacks only add to it; it is run from
 * an empty C stack. */
#ifndef ORCH_READY_H
#define ORCH_READY_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

struct task;

void ready_add(struct task *task);
bool ready_any(void);

/* Resumes ready tasks in order for about a millisecond. */
void ready_run(lua_State *L);

/* From now on each ready batch runs in a random order, given by the seed. */
void ready_shuffle(uint64_t seed);

#endif

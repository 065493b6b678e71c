/* The allocator of the main Lua state. */
#ifndef ORCH_ALLOC_H
#define ORCH_ALLOC_H

#include <stddef.h>

/* A lua_Alloc; `ud` is not used. For one thread only. */
void *alloc_lua(void *ud, void *ptr, size_t old_size, size_t new_size);

#endif

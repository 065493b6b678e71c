/* Temporary files of writers that were killed. Blocking, no Lua. */
#ifndef ORCH_LITTER_H
#define ORCH_LITTER_H

/* Removes them from the folder open at `folder`, best effort. Looking takes at
 * most a tenth of the time when many files are written into a large folder. */
void litter_clear(int folder);

#endif

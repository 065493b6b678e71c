/* How many descriptors there may be: thousands of connections need more than
 * the usual 1,024, which is low only for the sake of programs that use
 * select(). */
#ifndef ORCH_DESCRIPTORS_H
#define ORCH_DESCRIPTORS_H

/* Raises this process's soft limit to the hard one. */
void descriptors_raise(void);

/* Gives a child the limit that we were started with; between fork and exec. */
void descriptors_restore(void);

#endif

/* Signals of a long run: once SIGINT or SIGTERM asks it to stop as soon as its files are
 * complete, the second time it ends at once (exit code 4; the guardian ends the engine).
 * SIGHUP is noted: the run goes on without its terminal. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <stdbool.h>

enum stop_what { STOP_RUN, STOP_SERVE, STOP_SELFTEST, STOP_SYNC }; /* whose last words */

void stop_install(enum stop_what what);
/* The command that rebuilds the run's files, for the last words; a copy is kept. */
void stop_name_recovery(const char *command);
bool stop_requested(void *unused); /* fits engine_watch.stop */
bool stop_hung_up(void);
int stop_signal(void); /* the number of the signal, 0 if none came */

#endif

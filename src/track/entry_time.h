/* When a row was measured. */
#ifndef TRACK_ENTRY_TIME_H
#define TRACK_ENTRY_TIME_H

#include <stdint.h>

/* Milliseconds since the epoch of timestamp_utc, else of timestamp, which is local time
 * of this machine unless it states an offset. ISO 8601; 0 where neither can be read (both
 * may be NULL) or it lies before 1970. */
int64_t entry_time_ms(const char *timestamp_utc, const char *timestamp);

#endif

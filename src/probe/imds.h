/* EC2's instance metadata service, version 2. */
#ifndef PROBE_IMDS_H
#define PROBE_IMDS_H

#include <stdbool.h>

#include "base/arena.h"

/* NULL: unknown. Strings live in the arena. */
struct imds_facts {
    const char *type, *region, *zone, *ami_id, *life_cycle;
    const char *problem; /* why nothing was learned; NULL if the service answered */
};

/* Asks once, at most 1 s in all, never through a proxy. Honours AWS_EC2_METADATA_DISABLED
 * and AWS_EC2_METADATA_SERVICE_ENDPOINT. To be called only where DMI says Amazon:
 * elsewhere the address may hang, or another cloud may answer. */
void imds_ask(struct arena *a, struct imds_facts *out);
/* Whether a text looks like an instance type: [a-z0-9-]+\.[a-z0-9-]+ */
bool imds_is_type(const char *text);

#endif

/* Versions of the Python packages of an interpreter, nothing imported. */
#ifndef PROBE_PACKAGES_H
#define PROBE_PACKAGES_H

#include "base/arena.h"
#include "text/jsonw.h"

/* NULL: unknown. JSON texts live in the arena. */
struct packages_facts {
    const char *python;         /* "3.11.2" */
    const char *implementation; /* "CPython" */
    const char *executable;
    const char *versions; /* JSON object: name -> version, or null for those not installed
                           */
    const char *problem;  /* why nothing is known */
};

/* python NULL: nothing is asked. Waits 20 s at most. */
void packages_probe(const char *python, struct arena *a, struct packages_facts *out);
/* The value of "python_packages": versions, and the interpreter under "python" and
 * "python_executable"; {} without an interpreter. */
void packages_write(const struct packages_facts *f, struct jsonw *w, const char *key);

#endif

/* Versions of the Python packages of an interpreter, nothing imported. */
#ifndef PROBE_PACKAGES_H
#define PROBE_PACKAGES_H

#include "base/arena.h"

/* A JSON object: name -> version (null: not installed), and the interpreter under
 * "python" and "python_executable"; or "problem". {} of NULL. Waits 20 s at most. */
const char *packages_probe(const char *python, struct arena *a);

#endif

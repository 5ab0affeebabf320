/* SPDX-License-Identifier: MIT */
/* confinement.h: the worker gives up everything but what it is for, before it reads a model.
 *
 * Which files it is for its client says when it starts it (docs/worker-protocol.md, "What it may
 * use"). To these it adds itself what the engine needs of the system: libraries and drivers, what
 * is known of processor and memory, its spool and its cache.
 */
#pragma once

#include "confine/confine.h"
#include "worker/spool.h"

typedef struct EspWorkerOptions
{
  const char **readable, **writable, **listable; /* NULL-terminated; of the arguments */
  const char *spool; /* a folder of a worker before this one that is gone on with; or NULL */
  bool all_files;    /* nothing was said about files: all may be used */
} EspWorkerOptions;

/* Takes what the command line says. `memory` is a NULL-terminated array of at least 3 · argc
 * pointers for the lists. False: there is something else than the options known. */
bool esp_worker_options_parse (EspWorkerOptions *options, int argc, char **argv,
                               const char **memory);

/* Confines the process. *done: what took hold. Errors as of esp_confine (). */
EspStatus esp_worker_confine (const EspWorkerOptions *options, const EspSpool *spool,
                              EspConfined *done, EspError *error);

/* SPDX-License-Identifier: MIT */
/* spool.h: the worker's private folder, through which pictures travel.
 *
 * The folder is $TMPDIR/espalier-spool-XXXXXX (or /tmp/…), mode 0700, with a file `lock` that is
 * held by flock() as long as the worker lives, shared with a client that wants it to outlive it. A
 * worker that was killed leaves its folder behind with a free lock; the next worker of the same
 * user finds and removes it.
 */
#pragma once

#include <stddef.h>

#include "status.h"

typedef struct EspSpool
{
  char *path; /* absolute; owned */
  int folder; /* descriptor of the folder, or -1 */
  int lock;   /* descriptor of the held lock file, or -1 */
} EspSpool;

#define ESP_SPOOL_INIT                                                                             \
  {                                                                                                \
    NULL, -1, -1                                                                                   \
  }

/* Creates the folder and takes its lock. `base` NULL = $TMPDIR when that is an absolute UTF-8 path
 * of an existing folder, else /tmp. Errors: ESP_ERROR_FILE naming the folder; ESP_ERROR_MEMORY. */
EspStatus esp_spool_create (EspSpool *spool, const char *base, EspError *error);

/* Goes on with the folder `path` of a worker that has ended, whose client has held its lock
 * meanwhile. ESP_ERROR_FILE where it is not there, or not as esp_spool_create () makes one. */
EspStatus esp_spool_adopt (EspSpool *spool, const char *path, EspError *error);

/* The folder in which spools lie when `base` is NULL. Static or environment storage. */
const char *esp_spool_base (void);

/* Removes the folders of dead workers of this user in `base` (NULL as above) and returns how many.
 * Never follows a symbolic link, never touches a folder of another user, of another mode or one
 * whose lock is held. */
int esp_spool_remove_stale (const char *base);

/* `spool`/`name` in fresh memory (NULL when memory is out). The caller frees it. */
char *esp_spool_file (const EspSpool *spool, const char *name);

/* Removes the file `name` in the spool; one that is absent is fine. */
void esp_spool_remove_file (const EspSpool *spool, const char *name);

/* Removes everything in the folder and the folder. The struct is empty afterwards. */
void esp_spool_destroy (EspSpool *spool);

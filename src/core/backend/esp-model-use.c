/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-backend"

#include "esp-model-use.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

static int
lock (const char *model, int kind)
{
  int fd = open (model, O_RDONLY | O_CLOEXEC);

  if (fd >= 0 && flock (fd, kind | LOCK_NB) != 0)
    {
      int reason = errno;

      close (fd);
      errno = reason;
      return -1;
    }

  return fd;
}

static void
let_go (gpointer fd)
{
  close (GPOINTER_TO_INT (fd));
}

void
esp_model_use_for_task (const char *model, GTask *task)
{
  int fd;

  g_return_if_fail (model != NULL && G_IS_TASK (task));

  /* Where there is none, the engine says so; where there are no locks, nobody is kept from
   * editing. 0 is somebody's standard input. */
  fd = lock (model, LOCK_SH);
  if (fd > 0)
    g_object_set_data_full (G_OBJECT (task), "esp-model-use", GINT_TO_POINTER (fd), let_go);
}

int
esp_model_use_claim (const char *model)
{
  g_return_val_if_fail (model != NULL, -1);

  return lock (model, LOCK_EX);
}

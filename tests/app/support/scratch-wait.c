/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scratch-wait.c: see scratch-wait.h. */
#include "scratch-wait.h"

static gboolean
set_flag (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

gboolean
scratch_wait_for (gboolean (*condition) (gpointer data), gpointer data)
{
  gboolean late = FALSE, met;
  const guint id = g_timeout_add_seconds (30, set_flag, &late);

  while (!(met = condition (data)) && !late)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
  if (!late)
    g_source_remove (id);
  return met;
}

void
scratch_wait (guint milliseconds)
{
  gboolean over = FALSE;
  guint id;

  g_timeout_add (milliseconds, set_flag, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);

  /* A machine that had no time for us has left undone what was due meanwhile. */
  over = FALSE;
  id = g_timeout_add_seconds (10, set_flag, &over);
  while (!over && g_main_context_iteration (NULL, FALSE))
    ;
  if (!over)
    g_source_remove (id);
}

gboolean
scratch_is_set (gpointer place)
{
  return *(gpointer *) place != NULL;
}

gboolean
scratch_is_null (gpointer place)
{
  return *(gpointer *) place == NULL;
}

void
scratch_take_result (GObject *source, GAsyncResult *result, gpointer place)
{
  *(GAsyncResult **) place = g_object_ref (result);
}

GAsyncResult *
scratch_wait_for_result (GAsyncResult **place)
{
  while (*place == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *place;
}

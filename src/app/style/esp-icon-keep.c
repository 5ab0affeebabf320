/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-icon-keep.c: see esp-icon-keep.h. */
#define G_LOG_DOMAIN "espalier-style"

#include "esp-icon-keep.h"

static GThread *main_thread;
static void (*dispose_here) (GObject *icon);

/* Called before the last reference is dropped. One may be taken here; the object then lives on as
 * if nothing had been. Nobody could give it back: there is no telling when the thread has left
 * g_object_unref (), and before that it is this thread that ends the icon. What stays is a small
 * picture for each icon and size, once. */
static void
dispose (GObject *icon)
{
  if (g_thread_self () == main_thread)
    dispose_here (icon);
  else
    g_object_ref (icon);
}

void
esp_icon_keep_from_threads (void)
{
  GObjectClass *class;

  if (main_thread != NULL)
    return;
  main_thread = g_thread_self ();
  class = g_type_class_ref (GTK_TYPE_ICON_PAINTABLE); /* for good */
  dispose_here = class->dispose;
  class->dispose = dispose;
}

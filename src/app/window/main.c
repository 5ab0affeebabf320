/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c: the program with the window, "espalier". */
#include <glib/gi18n-lib.h>
#include <locale.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "esp-application.h"
#include "esp-installation.h"

/* What pictures took goes back to the system at once, and not into the heap, whose holes stay with
 * the program for as long as it runs (glibc raises its threshold to 32 MiB with the first large
 * block that is freed). Threads share two heaps: each of its own would keep what it had at most. */
static void
set_up_allocator (void)
{
#ifdef __GLIBC__
  mallopt (M_MMAP_THRESHOLD, 256 << 10);
  mallopt (M_TRIM_THRESHOLD, 1 << 20);
  mallopt (M_ARENA_MAX, 2);
#endif
}

int
main (int argc, char **argv)
{
  g_autofree char *translations = esp_installation_find_translations ();
  g_autoptr (EspApplication) application = NULL;

  set_up_allocator ();
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, translations);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  application = esp_application_new ();
  return g_application_run (G_APPLICATION (application), argc, argv);
}

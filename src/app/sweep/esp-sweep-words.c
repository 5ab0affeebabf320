/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-words.c: see esp-sweep-words.h. */
#include "esp-sweep-words.h"

#include <glib/gi18n-lib.h>

#include "esp-price-text.h"

const char *
esp_cell_state_get_title (EspCellState state)
{
  switch (state)
    {
    case ESP_CELL_SKIPPED:
      return _ ("Skipped");
    case ESP_CELL_WAITING:
      return _ ("Waiting");
    case ESP_CELL_RUNNING:
      return _ ("Running");
    case ESP_CELL_PREVIEW:
      return _ ("Preview");
    case ESP_CELL_DONE:
      return _ ("Done");
    case ESP_CELL_FAILED:
      return _ ("Failed");
    case ESP_CELL_CANCELLED:
      return _ ("Stopped");
    case ESP_CELL_MISSING:
    default:
      return _ ("Not run");
    }
}

char *
esp_sweep_dup_cell_reason (EspSweep *sweep, guint cell)
{
  EspCellState state = esp_sweep_get_cell_state (sweep, cell);
  EspNode *node = esp_sweep_get_node (sweep, cell);

  if (state == ESP_CELL_SKIPPED && esp_sweep_get_skipped (sweep, cell) != NULL)
    return g_strdup (esp_sweep_get_skipped (sweep, cell));
  if (state == ESP_CELL_FAILED && node != NULL && esp_node_get_message (node) != NULL)
    return g_strdup (esp_node_get_message (node));
  return g_strdup (esp_cell_state_get_title (state));
}

/* In the middle of a sentence. */
static const char *
get_state_words (EspCellState state)
{
  switch (state)
    {
    case ESP_CELL_SKIPPED:
      return _ ("skipped");
    case ESP_CELL_WAITING:
      return _ ("waiting");
    case ESP_CELL_RUNNING:
      return _ ("running");
    case ESP_CELL_PREVIEW:
      return _ ("preview");
    case ESP_CELL_DONE:
      return _ ("done");
    case ESP_CELL_FAILED:
      return _ ("failed");
    case ESP_CELL_CANCELLED:
      return _ ("stopped");
    case ESP_CELL_MISSING:
    default:
      return _ ("not run");
    }
}

static void
add_part (GString *text, const char *part)
{
  /* Translators: stands between the parts of what a screen reader says about a node. */
  g_string_append (text, _ (", "));
  g_string_append (text, part);
}

char *
esp_sweep_dup_cell_name (EspSweep *sweep, guint cell)
{
  g_autofree char *title = esp_sweep_plan_dup_cell_title (esp_sweep_get_plan (sweep), cell);
  EspNode *node = esp_sweep_get_node (sweep, cell);
  GString *name = g_string_new (NULL);
  int stars = node != NULL ? esp_node_get_stars (node) : 0;

  /* Translators: what a screen reader says of a cell: "Guidance 2.5, seed 4", then "done". */
  g_string_printf (name, _ ("%s: %s"), title,
                   get_state_words (esp_sweep_get_cell_state (sweep, cell)));
  if (stars > 0)
    {
      g_autofree char *part = g_strdup_printf (
          g_dngettext (GETTEXT_PACKAGE, "%d star", "%d stars", (gulong) stars), stars);

      add_part (name, part);
    }
  if (node != NULL && esp_node_get_rejected (node))
    add_part (name, _ ("rejected"));
  return g_string_free (name, FALSE);
}

/* --- Progress --------------------------------------------------------------------------------- */

char *
esp_sweep_dup_progress (EspSweep *sweep, EspQueue *queue)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  guint n_skipped = esp_sweep_count (sweep, ESP_CELL_SKIPPED);
  guint n_previews = esp_sweep_count (sweep, ESP_CELL_PREVIEW);
  guint n_failed = esp_sweep_count (sweep, ESP_CELL_FAILED);
  guint n_stopped = esp_sweep_count (sweep, ESP_CELL_CANCELLED);
  guint total = esp_sweep_plan_get_n_cells (esp_sweep_get_plan (sweep)) - n_skipped;
  guint under_way
      = esp_sweep_count (sweep, ESP_CELL_WAITING) + esp_sweep_count (sweep, ESP_CELL_RUNNING);

  /* Translators: of the cells of a sweep. */
  g_ptr_array_add (
      parts, g_strdup_printf (_ ("%u of %u done"), esp_sweep_count (sweep, ESP_CELL_DONE), total));
  if (n_previews > 0)
    g_ptr_array_add (parts, g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u preview",
                                                          "%u previews", n_previews),
                                             n_previews));
  if (n_failed > 0)
    g_ptr_array_add (
        parts, g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u failed", "%u failed", n_failed),
                                n_failed));
  if (n_stopped > 0)
    g_ptr_array_add (parts, g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u stopped",
                                                          "%u stopped", n_stopped),
                                             n_stopped));
  if (n_skipped > 0)
    g_ptr_array_add (parts, g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u skipped",
                                                          "%u skipped", n_skipped),
                                             n_skipped));
  if (under_way > 0 && queue != NULL)
    {
      char *time = esp_seconds_about_format (esp_queue_get_seconds_left (queue));

      if (time != NULL)
        g_ptr_array_add (parts, time);
    }
  g_ptr_array_add (parts, NULL);
  /* Translators: stands between the parts of a line such as "12 of 16 done · 1 failed". */
  return g_strjoinv (_ (" · "), (char **) parts->pdata);
}

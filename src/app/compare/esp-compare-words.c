/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-words.c: see esp-compare-words.h. */
#include "esp-compare-words.h"

#include <glib/gi18n-lib.h>

#define MAX_TITLE 80 /* characters of a title that a screen reader reads */
#define MAX_FACTS 3  /* that tell an image from the others */

const char *
esp_compare_words_get_letter (guint index)
{
  static const char *const letters[ESP_COMPARISON_MAX]
      = { "A", "B", "C", "D", "E", "F", "G", "H", "I" };

  g_return_val_if_fail (index < ESP_COMPARISON_MAX, "");

  return letters[index];
}

char *
esp_compare_words_dup_title (EspNode *node)
{
  g_autofree char *title = esp_node_dup_title (node);
  g_autofree char *start = NULL;

  if (g_utf8_strlen (title, -1) <= MAX_TITLE)
    return g_steal_pointer (&title);
  start = g_strchomp (g_utf8_substring (title, 0, MAX_TITLE));
  return g_strconcat (start, "…", NULL);
}

/* Do two of the nodes have other values, both of them one? A photo differs from a turn in all. */
static gboolean
tells_apart (EspComparisonRow *row, guint n)
{
  const char *first = NULL;

  for (guint i = 0; i < n; i++)
    {
      const char *text = esp_comparison_row_get_text (row, i);

      if (text[0] == '\0')
        continue;
      if (first != NULL && !g_str_equal (text, first))
        return TRUE;
      first = first != NULL ? first : text;
    }
  return FALSE;
}

/* Does the row say how a picture was asked for? What came of it (time, cost, drift), and what a
 * person noted, is in the table. */
static gboolean
is_asked_for (EspComparisonRow *row)
{
  static const char *const others[]
      = { "references", "image_size", "seconds",  "cost",  "difference", "original",
          "drift",      "stars",      "rejected", "label", "note",       NULL };

  return !esp_comparison_row_is_prose (row)
         && !g_strv_contains (others, esp_comparison_row_get_id (row));
}

char *
esp_compare_words_dup_name (EspNode *node, guint index, EspComparison *comparison)
{
  g_autofree char *title = esp_compare_words_dup_title (node);
  g_autofree char *state = esp_compare_words_dup_state (node);
  GString *name = g_string_new (NULL);
  guint n_facts = 0;
  guint n_rows = comparison != NULL ? g_list_model_get_n_items (G_LIST_MODEL (comparison)) : 0;

  /* Translators: an image in a comparison: its letter and its title. */
  g_string_append_printf (name, _ ("%s: %s"), esp_compare_words_get_letter (index), title);
  for (guint i = 0; i < n_rows && n_facts < MAX_FACTS; i++)
    {
      g_autoptr (EspComparisonRow) row = g_list_model_get_item (G_LIST_MODEL (comparison), i);
      const char *text = esp_comparison_row_get_text (row, index);

      if (text[0] == '\0' || !is_asked_for (row)
          || !tells_apart (row, esp_comparison_get_nodes (comparison)->len))
        continue;
      /* Translators: follows the title of an image in a comparison: the name of a parameter and its
       * value, ", Guidance 2.5". */
      g_string_append_printf (name, _ (", %s %s"), esp_comparison_row_get_title (row), text);
      n_facts++;
    }
  if (state != NULL)
    g_string_append_printf (name, " (%s)", state);
  return g_string_free (name, FALSE);
}

char *
esp_compare_words_dup_state (EspNode *node)
{
  const EspNodeProgress *progress = esp_node_get_progress (node);

  if (esp_node_has_image (node))
    return NULL;
  if (esp_node_get_state (node) == ESP_NODE_RUNNING && progress != NULL && progress->steps > 0)
    return g_strdup_printf (_ ("Running, step %d of %d"), progress->step, progress->steps);
  if (esp_node_get_state (node) == ESP_NODE_RUNNING)
    return g_strdup (_ ("Running"));
  if (esp_node_get_state (node) == ESP_NODE_QUEUED)
    return g_strdup (_ ("Waiting"));
  return g_strdup (_ ("No image"));
}

char *
esp_compare_words_dup_fitted (EspFrameSize frame, const EspFrameSize *sizes, guint n)
{
  GString *others;
  g_autofree char *list = NULL;

  if (n == 0 || esp_fitted_frame_is_exact (frame, sizes, n))
    return NULL;
  others = g_string_new (NULL);
  for (guint i = 0; i < n; i++)
    {
      if (sizes[i].width == frame.width && sizes[i].height == frame.height)
        continue;
      if (others->len > 0)
        g_string_append (others, _ (", "));
      /* Translators: the letter of an image in a comparison, and its size in pixels. */
      g_string_append_printf (others, _ ("%s was %d × %d"), esp_compare_words_get_letter (i),
                              sizes[i].width, sizes[i].height);
    }
  list = g_string_free (others, FALSE);
  /* Translators: images of different sizes are compared; the last is a list as "B was 512 × 512".
   */
  return g_strdup_printf (_ ("Fitted to %d × %d: %s."), frame.width, frame.height, list);
}

char *
esp_compare_words_dup_left_out (GPtrArray *nodes)
{
  g_autofree char *title = NULL;

  if (nodes == NULL || nodes->len == 0)
    return NULL;
  if (nodes->len > 1)
    return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u turn has no image and is left out.",
                                         "%u turns have no image and are left out.", nodes->len),
                            nodes->len);
  title = esp_compare_words_dup_title (nodes->pdata[0]);
  switch (esp_node_get_state (nodes->pdata[0]))
    {
    case ESP_NODE_FAILED:
      return g_strdup_printf (_ ("“%s” failed and is left out."), title);
    case ESP_NODE_BLOCKED:
      return g_strdup_printf (_ ("“%s” was refused and is left out."), title);
    case ESP_NODE_CANCELLED:
      return g_strdup_printf (_ ("“%s” was stopped and is left out."), title);
    case ESP_NODE_QUEUED:
    case ESP_NODE_RUNNING:
    case ESP_NODE_DONE:
    default:
      return g_strdup_printf (_ ("“%s” has no image and is left out."), title);
    }
}

char *
esp_compare_words_dup_figures (const EspDifferenceFigures *figures)
{
  if (figures->n_pixels == 0)
    return g_strdup (_ ("Nowhere do both have something"));
  if (figures->maximum == 0)
    return g_strdup (_ ("No difference: every pixel is the same"));
  /* Translators: how much two pictures differ. ΔE is a measure of how different two colours look;
   * the second number is a share of the picture in per cent. */
  return g_strdup_printf (
      _ ("Average difference ΔE %.1f, %.0f %% of the picture visibly changed, largest ΔE %.0f"),
      figures->mean, figures->changed * 100, figures->maximum);
}

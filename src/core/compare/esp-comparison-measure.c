/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-comparison-measure.c: how far images are from one another, measured once for every pair and
 * kept with the document as long as that is open. */
#define G_LOG_DOMAIN "esp-compare"

#include <math.h>

#include "esp-comparison-private.h"
#include "esp-difference.h"
#include "esp-drift.h"

#define MAX_SIDE 1024

/* What a node is held against; NULL if one of them has no image. */
static EspNode *
get_other (EspNode *node, EspMeasureKind kind)
{
  EspNode *other = kind == ESP_MEASURE_PARENT   ? esp_node_get_parent (node)
                   : kind == ESP_MEASURE_ORIGIN ? esp_node_get_root (node)
                                                : esp_drift_get_origin (node);

  return other != NULL && other != node && esp_node_has_image (other) && esp_node_has_image (node)
             ? other
             : NULL;
}

/* ---- what is known: "HASH HASH" to a double, NaN where it failed */

static GHashTable *
get_known (EspDocument *document)
{
  GHashTable *known = g_object_get_data (G_OBJECT (document), "esp-comparison-known");

  if (known == NULL)
    {
      known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      g_object_set_data_full (G_OBJECT (document), "esp-comparison-known", known,
                              (GDestroyNotify) g_hash_table_unref);
    }
  return known;
}

/* Of the drift only failures are kept here. */
static char *
dup_key (EspNode *before, EspNode *after, EspMeasureKind kind)
{
  return g_strconcat (kind == ESP_MEASURE_DRIFT ? "drift " : "", esp_node_get_sha256 (before), " ",
                      esp_node_get_sha256 (after), NULL);
}

EspMeasure
_esp_comparison_look_up (EspDocument *document, EspNode *node, EspMeasureKind kind, double *mean)
{
  EspNode *other = get_other (node, kind);
  g_autofree char *key = other != NULL ? dup_key (other, node, kind) : NULL;
  const double *found = key != NULL ? g_hash_table_lookup (get_known (document), key) : NULL;
  EspDrift drift;

  if (other == NULL || (found != NULL && isnan (*found)))
    return ESP_MEASURE_NONE;
  if (kind == ESP_MEASURE_DRIFT)
    {
      if (!esp_drift_look_up (document, node, &drift))
        return ESP_MEASURE_UNKNOWN;
      *mean = drift.delta_e;
      return drift.whole ? ESP_MEASURE_NONE : ESP_MEASURE_KNOWN;
    }
  if (found == NULL)
    return ESP_MEASURE_UNKNOWN;
  *mean = *found;
  return ESP_MEASURE_KNOWN;
}

/* ---- measuring */

typedef struct
{
  char *key;
  EspMeasured measured;
  GWeakRef owner;
} Measuring;

/* `mean` is taken for what it is, unless it was cancelled. Takes `self`. */
static void
finish (Measuring *self, EspDocument *document, double mean, gboolean keep, const GError *error)
{
  g_autoptr (GObject) owner = g_weak_ref_get (&self->owner);

  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      if (error != NULL)
        g_info ("Nothing to compare: %s", error->message);
      if (keep || error != NULL)
        g_hash_table_insert (get_known (document), g_steal_pointer (&self->key),
                             g_memdup2 (&mean, sizeof mean));
      if (owner != NULL)
        self->measured (owner);
    }
  g_weak_ref_clear (&self->owner);
  g_free (self->key);
  g_free (self);
}

static void
on_compared (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspDifference) difference = esp_difference_nodes_finish (result, &error);

  finish (data, ESP_DOCUMENT (source),
          difference != NULL ? esp_difference_get_figures (difference)->mean : (double) NAN, TRUE,
          error);
}

static void
on_drift (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  EspDrift drift;

  esp_drift_measure_finish (result, &drift, &error);
  finish (data, ESP_DOCUMENT (source), (double) NAN, FALSE, error);
}

void
_esp_comparison_measure (EspDocument *document, EspNode *node, EspMeasureKind kind,
                         GCancellable *cancellable, EspMeasured measured, GObject *owner)
{
  EspNode *other = get_other (node, kind);
  Measuring *self = g_new0 (Measuring, 1);

  self->key = dup_key (other, node, kind);
  self->measured = measured;
  g_weak_ref_init (&self->owner, owner);
  if (kind == ESP_MEASURE_DRIFT)
    esp_drift_measure_async (document, node, cancellable, on_drift, self);
  else
    esp_difference_nodes_async (document, other, node, MAX_SIDE, cancellable, on_compared, self);
}

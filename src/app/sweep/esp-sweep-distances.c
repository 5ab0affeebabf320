/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-distances.c: see esp-sweep-distances.h. */
#include "esp-sweep-distances.h"

#include <math.h>

#include "esp-difference.h"

#define AT_ONCE  2
#define MAX_SIDE 384 /* px: the stored thumbnails */
#define PAUSE    200 /* ms between two news */

typedef struct
{
  char *key;
  EspNode *a, *b;
} Pair;

struct _EspSweepDistances
{
  GObject parent_instance;

  EspDocument *document;
  GHashTable *known; /* key → double; < 0: asked for */
  GQueue waiting;    /* of Pair */
  guint n_running;
  guint told_id;
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (EspSweepDistances, esp_sweep_distances, G_TYPE_OBJECT)

enum
{
  MEASURED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static void
pair_free (Pair *pair)
{
  g_free (pair->key);
  g_object_unref (pair->a);
  g_object_unref (pair->b);
  g_free (pair);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pair, pair_free)

typedef struct
{
  EspSweepDistances *self;
  Pair *pair;
} Measuring;

static void begin_next (EspSweepDistances *self);

static void
set_known (EspSweepDistances *self, const char *key, double value)
{
  g_hash_table_insert (self->known, g_strdup (key), g_memdup2 (&value, sizeof value));
}

static gboolean
on_told (gpointer user_data)
{
  EspSweepDistances *self = user_data;

  self->told_id = 0;
  g_signal_emit (self, signals[MEASURED], 0);
  return G_SOURCE_REMOVE;
}

static void
on_measured (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Measuring *measuring = user_data;
  g_autoptr (EspSweepDistances) self = measuring->self;
  g_autoptr (Pair) pair = measuring->pair;
  g_autoptr (GError) error = NULL;
  EspDifference *difference = esp_difference_nodes_finish (result, &error);

  self->n_running--;
  if (difference == NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (difference == NULL)
    g_debug ("%s: %s", pair->key, error->message);
  set_known (self, pair->key,
             difference != NULL ? esp_difference_get_figures (difference)->mean : NAN);
  g_clear_pointer (&difference, esp_difference_unref);
  begin_next (self);
  if (self->told_id == 0)
    self->told_id = g_timeout_add (
        g_queue_is_empty (&self->waiting) && self->n_running == 0 ? 0 : PAUSE, on_told, self);
}

static void
begin_next (EspSweepDistances *self)
{
  while (self->n_running < AT_ONCE && !g_queue_is_empty (&self->waiting))
    {
      Measuring *measuring = g_new (Measuring, 1);

      measuring->self = g_object_ref (self);
      measuring->pair = g_queue_pop_head (&self->waiting);
      self->n_running++;
      esp_difference_nodes_async (self->document, measuring->pair->a, measuring->pair->b, MAX_SIDE,
                                  self->cancellable, on_measured, measuring);
    }
}

double
esp_sweep_distances_get (EspSweepDistances *self, EspNode *a, EspNode *b)
{
  g_autofree char *key = NULL;
  const double *known;
  Pair *pair;

  g_return_val_if_fail (ESP_IS_SWEEP_DISTANCES (self), NAN);

  if (a == NULL || b == NULL || !esp_node_has_image (a) || !esp_node_has_image (b))
    return NAN;
  if (g_str_equal (esp_node_get_sha256 (a), esp_node_get_sha256 (b)))
    return 0;
  key = g_strconcat (esp_node_get_sha256 (a), " ", esp_node_get_sha256 (b), NULL);
  known = g_hash_table_lookup (self->known, key);
  if (known != NULL)
    return *known;

  set_known (self, key, -1);
  pair = g_new (Pair, 1);
  *pair = (Pair){ g_steal_pointer (&key), g_object_ref (a), g_object_ref (b) };
  g_queue_push_tail (&self->waiting, pair);
  begin_next (self);
  return -1;
}

guint
esp_sweep_distances_get_n_waiting (EspSweepDistances *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP_DISTANCES (self), 0);
  return self->n_running + g_queue_get_length (&self->waiting);
}

void
esp_sweep_distances_stop (EspSweepDistances *self)
{
  Pair *pair;

  g_return_if_fail (ESP_IS_SWEEP_DISTANCES (self));

  while ((pair = g_queue_pop_head (&self->waiting)) != NULL)
    {
      g_hash_table_remove (self->known, pair->key);
      pair_free (pair);
    }
}

static void
esp_sweep_distances_dispose (GObject *object)
{
  EspSweepDistances *self = ESP_SWEEP_DISTANCES (object);

  g_cancellable_cancel (self->cancellable);
  esp_sweep_distances_stop (self);
  g_clear_handle_id (&self->told_id, g_source_remove);
  g_clear_object (&self->document);
  G_OBJECT_CLASS (esp_sweep_distances_parent_class)->dispose (object);
}

static void
esp_sweep_distances_finalize (GObject *object)
{
  EspSweepDistances *self = ESP_SWEEP_DISTANCES (object);

  g_hash_table_unref (self->known);
  g_object_unref (self->cancellable);
  G_OBJECT_CLASS (esp_sweep_distances_parent_class)->finalize (object);
}

static void
esp_sweep_distances_class_init (EspSweepDistancesClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = esp_sweep_distances_dispose;
  object_class->finalize = esp_sweep_distances_finalize;
  signals[MEASURED] = g_signal_new ("measured", ESP_TYPE_SWEEP_DISTANCES, G_SIGNAL_RUN_LAST, 0,
                                    NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
esp_sweep_distances_init (EspSweepDistances *self)
{
  self->known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->cancellable = g_cancellable_new ();
  g_queue_init (&self->waiting);
}

EspSweepDistances *
esp_sweep_distances_new (EspDocument *document)
{
  EspSweepDistances *self = g_object_new (ESP_TYPE_SWEEP_DISTANCES, NULL);

  self->document = g_object_ref (document);
  return self;
}

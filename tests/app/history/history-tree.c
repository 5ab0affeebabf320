/* SPDX-License-Identifier: GPL-3.0-or-later */
/* history-tree.c: see history-tree.h. */
#include "history-tree.h"

#include "scratch-document.h"

typedef struct
{
  EspDocument *document;
  GRand *rand;
  EspPicture *photo; /* or NULL */
  guint outstanding;
  GPtrArray *added; /* by the last call */
} Grower;

static const char *const instructions[] = {
  "Make the sails red, keep everything else",
  "Warmer light",
  "Let it snow",
  "Black and white",
  "Put a small boat on the horizon",
  "Remove the people",
  "Fog",
  "As a watercolour painting with visible paper grain and soft edges",
  "Turn the day into night",
  "A hat",
  "Blue hour",
  "Autumn leaves everywhere",
};

static GBytes *
make_image (Grower *grower)
{
  EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  g_autoptr (EspPicture) picture = NULL;
  guint r = (guint) g_rand_int_range (grower->rand, 60, 256);
  guint g = (guint) g_rand_int_range (grower->rand, 60, 256);
  guint b = (guint) g_rand_int_range (grower->rand, 60, 256);

  if (!grower->photo)
    picture = scratch_picture_new (48, 36, r << 16 | g << 8 | b);
  else
    {
      gsize n = (gsize) grower->photo->width * (gsize) grower->photo->height;
      guint tint[3] = { 128 + r / 2, 128 + g / 2, 128 + b / 2 };

      picture = esp_picture_new (grower->photo->width, grower->photo->height, NULL);
      for (gsize i = 0; i < n * 3; i++)
        picture->pixels[i] = (guint8) MIN (grower->photo->pixels[i] * tint[i % 3] / 230, 255u);
    }
  options.compression = 1;
  return esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, NULL, NULL);
}

static void
settle (Grower *grower, guint most)
{
  while (grower->outstanding > most)
    g_main_context_iteration (NULL, TRUE);
}

static void
on_finished (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Grower *grower = user_data;
  g_autoptr (GError) error = NULL;

  esp_document_finish_turn_finish (ESP_DOCUMENT (source), result, &error);
  g_assert_no_error (error);
  grower->outstanding--;
}

static void
on_edited (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Grower *grower = user_data;
  g_autoptr (GError) error = NULL;

  esp_document_edit_finish (ESP_DOCUMENT (source), result, &error);
  g_assert_no_error (error);
  grower->outstanding--;
}

static void
on_state_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Grower *grower = user_data;
  g_autoptr (GError) error = NULL;

  esp_document_set_state_finish (ESP_DOCUMENT (source), result, &error);
  g_assert_no_error (error);
  grower->outstanding--;
}

static void
on_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Grower *grower = user_data;
  g_autoptr (GError) error = NULL;

  grower->added = esp_document_add_turns_finish (ESP_DOCUMENT (source), result, &error);
  g_assert_no_error (error);
}

static void
mark (Grower *grower, EspNode *node)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  g_ptr_array_add (nodes, node);
  switch (g_rand_int_range (grower->rand, 0, 14))
    {
    case 0:
      grower->outstanding++;
      esp_document_set_stars_async (grower->document, nodes, g_rand_int_range (grower->rand, 1, 6),
                                    NULL, on_edited, grower);
      break;
    case 1:
      grower->outstanding++;
      esp_document_set_tag_async (grower->document, nodes, g_rand_int_range (grower->rand, 1, 9),
                                  NULL, on_edited, grower);
      break;
    case 2:
      grower->outstanding++;
      esp_document_set_rejected_async (grower->document, nodes, TRUE, NULL, on_edited, grower);
      break;
    default:
      break;
    }
}

static void
end (Grower *grower, EspNode *node)
{
  int fate = g_rand_int_range (grower->rand, 0, 30);

  grower->outstanding++;
  if (fate == 0)
    esp_document_set_state_async (grower->document, node, ESP_NODE_FAILED,
                                  "The engine stopped: not enough memory.", NULL, NULL,
                                  on_state_set, grower);
  else if (fate == 1)
    esp_document_set_state_async (grower->document, node, ESP_NODE_CANCELLED, NULL, NULL, NULL,
                                  on_state_set, grower);
  else
    {
      g_autoptr (GBytes) image = make_image (grower);
      EspTurnOutcome outcome = {
        .image = image, .has_seed = TRUE, .seed = esp_node_get_seed (node), .seconds = 12, .cost = 0
      };

      esp_document_finish_turn_async (grower->document, node, &outcome, NULL, on_finished, grower);
      mark (grower, node);
    }
}

/* Mostly on from what was made last, as people do; sometimes from anywhere. */
static EspNode *
choose_parent (Grower *grower, GPtrArray *nodes)
{
  guint back = g_rand_double (grower->rand) < 0.55
                   ? (guint) g_rand_int_range (grower->rand, 0, 2)
                   : (guint) g_rand_int_range (grower->rand, 0, (int) nodes->len);

  return g_ptr_array_index (nodes, nodes->len - 1 - MIN (back, nodes->len - 1));
}

static void
add_turns (Grower *grower, GPtrArray *nodes, guint *seed)
{
  guint count
      = g_rand_double (grower->rand) < 0.12 ? (guint) g_rand_int_range (grower->rand, 2, 5) : 1;
  g_autofree char *instruction = g_strdup_printf (
      "%s %u", instructions[g_rand_int_range (grower->rand, 0, G_N_ELEMENTS (instructions))],
      *seed % 1000);
  g_autoptr (GPtrArray) added = NULL;
  EspTurn turn = { .instruction = instruction,
                   .backend = g_rand_double (grower->rand) < 0.2 ? "fal" : "local",
                   .model = "demo",
                   .model_name = "Demo model",
                   .has_seed = TRUE,
                   .seed = *seed };

  esp_document_add_turns_async (grower->document, choose_parent (grower, nodes), &turn, count, NULL,
                                on_added, grower);
  while (!grower->added)
    g_main_context_iteration (NULL, TRUE);
  added = g_steal_pointer (&grower->added);
  *seed += count;
  for (guint i = 0; i < added->len; i++)
    {
      EspNode *node = g_ptr_array_index (added, i);

      end (grower, node);
      if (i == 0)
        g_ptr_array_add (nodes, node);
    }
  settle (grower, 32);
}

void
history_tree_grow (EspDocument *document, guint n, guint32 seed, const char *photo)
{
  Grower grower = { document, g_rand_new_with_seed (seed), NULL, 0, NULL };
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  guint next_seed = 1000;

  if (photo)
    grower.photo = esp_picture_load (photo, NULL, NULL, NULL);
  g_ptr_array_add (nodes, scratch_document_import (document, 64, 48, 0x6080a0));
  while (esp_document_get_n_nodes (document) < n)
    add_turns (&grower, nodes, &next_seed);
  settle (&grower, 0);
  g_rand_free (grower.rand);
  g_clear_pointer (&grower.photo, esp_picture_unref);
}

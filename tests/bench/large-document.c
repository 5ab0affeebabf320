/* SPDX-License-Identifier: GPL-3.0-or-later */
/* large-document.c: straight through the store, so that nothing is decoded on the way. */
#include "large-document.h"

#include <math.h>

#include "esp-picture.h"
#include "esp-store.h"

#define N_THUMBNAILS 24
#define PER_COMMIT   200

/* A soft gradient in a colour of its own, as a picture of the size. */
static EspPicture *
draw_picture (guint which, int size, GError **error)
{
  EspPicture *picture = esp_picture_new (size, size, error);

  if (picture == NULL)
    return NULL;
  for (int y = 0; y < size; y++)
    for (int x = 0; x < size; x++)
      {
        guint8 *pixel = picture->pixels + 3 * (y * size + x);

        pixel[0] = (guint8) (x * 255 / size + (int) which * 31);
        pixel[1] = (guint8) (y * 255 / size + (int) which * 67);
        pixel[2] = (guint8) ((x ^ y) + (int) which * 97);
      }
  return picture;
}

/* An uncompressed PNG of about so many bytes, with room at the end that no decoder looks at. */
static GBytes *
make_image (gsize size, int *side, GError **error)
{
  const EspSaveOptions options = { 95, FALSE, 0 };
  g_autoptr (EspPicture) picture = NULL;

  *side = MAX (8, (int) sqrt ((double) size / 3.02));
  picture = draw_picture (7, *side, error);
  return picture != NULL
             ? esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, NULL, error)
             : NULL;
}

static gboolean
make_thumbnails (GBytes *thumbnails[N_THUMBNAILS][2], GError **error)
{
  for (guint i = 0; i < N_THUMBNAILS; i++)
    {
      g_autoptr (EspPicture) small = draw_picture (i, ESP_THUMBNAIL_SMALL, error);
      g_autoptr (EspPicture) large = draw_picture (i, ESP_THUMBNAIL_LARGE, error);

      if (small == NULL || large == NULL)
        return FALSE;
      thumbnails[i][0] = _esp_thumbnail_encode (small, ESP_THUMBNAIL_SMALL, error);
      thumbnails[i][1] = _esp_thumbnail_encode (large, ESP_THUMBNAIL_LARGE, error);
      if (thumbnails[i][0] == NULL || thumbnails[i][1] == NULL)
        return FALSE;
    }
  return TRUE;
}

/* The same picture with a number behind it: other bytes, another hash. */
static EspPreparedImage *
prepare_image (GBytes *png, int side, guint which, GBytes *thumbnails[2])
{
  EspPreparedImage *image = g_new0 (EspPreparedImage, 1);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autofree char *sha256 = NULL;

  g_byte_array_append (bytes, g_bytes_get_data (png, NULL), (guint) g_bytes_get_size (png));
  g_byte_array_append (bytes, (const guint8 *) &which, sizeof which);
  image->bytes = g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
  sha256 = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, image->bytes);
  g_strlcpy (image->info.sha256, sha256, sizeof image->info.sha256);
  image->info.media_type = g_strdup ("image/png");
  image->info.width = image->info.height = side;
  image->info.size = g_bytes_get_size (image->bytes);
  image->info.color = g_int_hash (&which) * 2654435761u & 0xffffff;
  image->thumbnails[0] = g_bytes_ref (thumbnails[0]);
  image->thumbnails[1] = g_bytes_ref (thumbnails[1]);
  return image;
}

static EspRecord *
make_record (guint i, GRand *random)
{
  EspRecord *record = _esp_record_new ();

  record->kind = i == 0 ? ESP_NODE_IMPORTED : ESP_NODE_TURN;
  record->state = ESP_NODE_DONE;
  if (i > 0)
    record->parent
        = 1
          + (i % 5 == 0 ? g_rand_int_range (random, 0, (gint32) i)
                        : g_rand_int_range (random, MAX (0, (gint32) i - 12), (gint32) i));
  record->position = i;
  record->created = g_get_real_time ();
  record->has_seed = TRUE;
  record->seed = i;
  record->seconds = 1.5;
  record->stars = i % 40 == 0 ? 3 : 0;
  _esp_record_set_text (&record->backend, "local");
  _esp_record_set_text (&record->model, "demo");
  g_free (record->instruction);
  record->instruction = i == 0 ? g_strdup ("")
                               : g_strdup_printf ("Make the sails of boat %u red and the water %s",
                                                  i, i % 3 ? "calm" : "wild");
  g_free (record->parameters);
  record->parameters = g_strdup ("{\"guidance\":2.5,\"size\":\"1024x1024\",\"steps\":28}");
  return record;
}

static gboolean
write_nodes (EspStore *store, guint n_nodes, gsize image_size, GError **error)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  GBytes *thumbnails[N_THUMBNAILS][2] = { { NULL } };
  int side;
  g_autoptr (GBytes) png = make_image (image_size, &side, error);
  gboolean ok = png != NULL && make_thumbnails (thumbnails, error);

  for (guint i = 0; ok && i < n_nodes; i++)
    {
      g_autoptr (EspRecord) record = make_record (i, random);
      g_autoptr (EspPreparedImage) image
          = prepare_image (png, side, i, thumbnails[i % N_THUMBNAILS]);

      ok = (i % PER_COMMIT != 0 || _esp_store_begin (store, error))
           && _esp_store_add_image (store, image, error);
      record->image.id = image->info.id;
      ok = ok && _esp_store_write_node (store, record, error)
           && _esp_store_write_instruction (store, record->instruction, i, error)
           && ((i % PER_COMMIT != PER_COMMIT - 1 && i != n_nodes - 1)
               || _esp_store_commit (store, error));
    }
  for (guint i = 0; i < N_THUMBNAILS; i++)
    for (guint j = 0; j < 2; j++)
      g_clear_pointer (&thumbnails[i][j], g_bytes_unref);
  return ok;
}

gboolean
large_document_write (const char *path, guint n_nodes, gsize image_size, GError **error)
{
  g_autoptr (EspStore) store = _esp_store_open (path, "bench", ESP_STORE_CREATE, error);

  return store != NULL && write_nodes (store, n_nodes, image_size, error);
}

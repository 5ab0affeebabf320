/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-texture.c: whole pictures of nodes as textures, each in memory once.
 *
 * Textures are found by the SHA-256 of what they show: two widgets, windows or documents that show
 * the same picture share one. Nothing here keeps a texture alive.
 */
#define G_LOG_DOMAIN "espalier-image"

#include "esp-texture-cache.h"

/* sha256 → GdkTexture, alive somewhere (weak). */
static GHashTable *textures;
/* sha256 → GPtrArray of GTask that wait for the load under way. */
static GHashTable *loads;

static void
unref_picture (gpointer data)
{
  esp_picture_unref (data);
}

static GQuark
picture_quark (void)
{
  return g_quark_from_static_string ("esp-texture-picture");
}

GdkTexture *
esp_texture_new_for_picture (EspPicture *picture)
{
  g_autoptr (GBytes) bytes = NULL;
  GdkTexture *texture;
  gsize stride;

  g_return_val_if_fail (picture != NULL, NULL);

  stride = (gsize) picture->width * 3;
  bytes = g_bytes_new_with_free_func (picture->pixels, stride * (gsize) picture->height,
                                      unref_picture, esp_picture_ref (picture));
  texture
      = gdk_memory_texture_new (picture->width, picture->height, GDK_MEMORY_R8G8B8, bytes, stride);
  g_object_set_qdata_full (G_OBJECT (texture), picture_quark (), esp_picture_ref (picture),
                           unref_picture);
  return texture;
}

EspPicture *
esp_texture_get_picture (GdkTexture *texture)
{
  g_return_val_if_fail (GDK_IS_TEXTURE (texture), NULL);

  return g_object_get_qdata (G_OBJECT (texture), picture_quark ());
}

GdkTexture *
esp_texture_peek (EspNode *node)
{
  const char *sha256;

  g_return_val_if_fail (ESP_IS_NODE (node), NULL);

  sha256 = esp_node_get_sha256 (node);
  return textures != NULL && sha256 != NULL ? g_hash_table_lookup (textures, sha256) : NULL;
}

static void
texture_gone (gpointer data, GObject *texture)
{
  g_autofree char *sha256 = data;

  if (g_hash_table_lookup (textures, sha256) == (gpointer) texture)
    g_hash_table_remove (textures, sha256);
}

static void
remember (const char *sha256, GdkTexture *texture)
{
  if (textures == NULL)
    textures = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_insert (textures, g_strdup (sha256), texture);
  g_object_weak_ref (G_OBJECT (texture), texture_gone, g_strdup (sha256));
}

static void
answer (GTask *task, GdkTexture *texture, const GError *error)
{
  if (g_task_return_error_if_cancelled (task))
    return;
  if (texture != NULL)
    g_task_return_pointer (task, g_object_ref (texture), g_object_unref);
  else
    g_task_return_error (task, g_error_copy (error));
}

static void
picture_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree char *sha256 = data;
  g_autoptr (EspPicture) picture = NULL;
  g_autoptr (GPtrArray) waiting = NULL;
  g_autoptr (GdkTexture) texture = NULL;
  g_autoptr (GError) error = NULL;

  picture = esp_document_load_picture_finish (ESP_DOCUMENT (source), result, &error);
  if (picture != NULL)
    {
      texture = esp_texture_new_for_picture (picture);
      remember (sha256, texture);
    }

  waiting = g_ptr_array_ref (g_hash_table_lookup (loads, sha256));
  g_hash_table_remove (loads, sha256);
  for (guint i = 0; i < waiting->len; i++)
    answer (waiting->pdata[i], texture, error);
}

/* A load serves everyone who asks for the same picture while it lasts, so it is not cancelled with
 * one of them; who cancelled gets no texture. */
void
esp_texture_load_async (EspDocument *document, EspNode *node, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GdkTexture *texture;
  GPtrArray *waiting;
  const char *sha256;

  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (ESP_IS_NODE (node));

  task = g_task_new (document, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_texture_load_async);
  sha256 = esp_node_get_sha256 (node);
  if (sha256 == NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "The node has no image");
      return;
    }
  if ((texture = esp_texture_peek (node)) != NULL)
    {
      g_task_return_pointer (task, g_object_ref (texture), g_object_unref);
      return;
    }

  if (loads == NULL)
    loads = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                   (GDestroyNotify) g_ptr_array_unref);
  waiting = g_hash_table_lookup (loads, sha256);
  if (waiting != NULL)
    {
      g_ptr_array_add (waiting, g_steal_pointer (&task));
      return;
    }
  waiting = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (waiting, g_steal_pointer (&task));
  g_hash_table_insert (loads, g_strdup (sha256), waiting);
  esp_document_load_picture_async (document, node, NULL, picture_loaded, g_strdup (sha256));
}

GdkTexture *
esp_texture_load_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (G_IS_TASK (result), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

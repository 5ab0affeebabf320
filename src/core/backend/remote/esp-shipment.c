/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-shipment.c: the size is chosen, the pictures are scaled and encoded within the limits.
 *
 * A pool of two threads for all turns together, so that two hundred of them do not decode two
 * hundred photographs at once; what was made last is remembered, because a sweep sends the same
 * picture again and again.
 */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-shipment.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "esp-picture-scale.h"
#include "esp-picture-work.h"

/* What the model looks at; results of earlier turns (up to 3 % more) go as they are. */
#define WORK_PIXELS     (1024.0 * 1024.0)
#define WORK_TOLERANCE  1.03
#define STRETCH_MAX     1.07 /* nearer than that to a bucket's shape: it is given exactly */
#define SIDE_MAX        8192
#define OUT_SIDE_MAX    4096 /* of "match" */
#define OUT_MULTIPLE    16
#define QUALITY_BEST    95
#define QUALITY_LEAST   60
#define SHRINK          0.85 /* a side's share, when even the least quality is too large */
#define SIDE_LEAST      64
#define BODY_REST       (16 * 1024) /* of a body besides images, prompt and config */
#define BUDGET_STEP     (8 * 1024)
#define REMEMBERED      8
#define LARGE_PARAMETER (1 << 20)

/* --- Types ------------------------------------------------------------------------------------ */

static void
shipped_image_free (gpointer data)
{
  EspShippedImage *image = data;

  g_bytes_unref (image->bytes);
  g_free (image);
}

void
esp_shipment_free (EspShipment *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->images);
  g_ptr_array_unref (self->notes);
  g_free (self->aspect);
  g_free (self);
}

typedef struct
{
  EspProvider *provider;
  GPtrArray *images;
  char *size, *aspect; /* as the parameters have them, or NULL */
  gsize rest;          /* bytes of a request besides the images */
} Order;

static void
order_free (gpointer data)
{
  Order *self = data;

  g_object_unref (self->provider);
  g_ptr_array_unref (self->images);
  g_free (self->size);
  g_free (self->aspect);
  g_free (self);
}

/* What one image may be. */
typedef struct
{
  int width, height;
  gint64 max_bytes; /* G_MAXINT64: whatever */
  int min_side;
  char **formats;
} Limits;

/* --- Sizes ------------------------------------------------------------------------------------ */

static double
ratio_distance (double a, double b)
{
  return fabs (log (a) - log (b));
}

static gboolean
parse_pair (const char *text, const char *separators, int *first, int *second)
{
  char *end;
  const char *rest;
  gint64 a, b;

  if (text == NULL || !g_ascii_isdigit (text[0]))
    return FALSE;
  a = g_ascii_strtoll (text, &end, 10);
  if (*end == '\0' || strchr (separators, *end) == NULL)
    return FALSE;
  rest = end + 1;
  if (!g_ascii_isdigit (rest[0]))
    return FALSE;
  b = g_ascii_strtoll (rest, &end, 10);
  if (*end != '\0' || a < 1 || b < 1 || a > 100000 || b > 100000)
    return FALSE;
  *first = (int) a;
  *second = (int) b;
  return TRUE;
}

static EspImageSize
nearest_bucket (const EspDescriptor *descriptor, double ratio)
{
  const EspImageSize *sizes = esp_kontext_sizes;
  guint n_sizes = G_N_ELEMENTS (esp_kontext_sizes);
  EspImageSize best;

  if (!descriptor->output_size.kontext_buckets && descriptor->output_size.buckets != NULL
      && descriptor->output_size.buckets->len > 0)
    {
      sizes = (const EspImageSize *) (gpointer) descriptor->output_size.buckets->data;
      n_sizes = descriptor->output_size.buckets->len;
    }

  best = sizes[0];
  for (guint i = 1; i < n_sizes; i++)
    if (ratio_distance ((double) sizes[i].width / sizes[i].height, ratio)
        < ratio_distance ((double) best.width / best.height, ratio))
      best = sizes[i];
  return best;
}

/* The image's own size, as models take them. */
static EspImageSize
own_size (EspPicture *picture)
{
  const double scale = MIN (1.0, (double) OUT_SIDE_MAX / MAX (picture->width, picture->height));
  const EspImageSize size
      = { MAX ((int) (picture->width * scale) / OUT_MULTIPLE, 1) * OUT_MULTIPLE,
          MAX ((int) (picture->height * scale) / OUT_MULTIPLE, 1) * OUT_MULTIPLE };

  return size;
}

/* The size to ask for; zeroes where the API is not told one. */
static EspImageSize
choose_out (const EspDescriptor *descriptor, const Order *order, EspPicture *picture)
{
  EspImageSize out = { 0, 0 };
  double ratio = (double) picture->width / picture->height;
  int a, b;

  if (descriptor->output_size.mode != ESP_SIZE_PIXELS)
    return out;
  if (parse_pair (order->size, "xX*", &out.width, &out.height))
    return out;
  if (g_strcmp0 (order->size, "match") == 0)
    return own_size (picture);
  if (parse_pair (order->aspect, ":", &a, &b))
    ratio = (double) a / b;
  return nearest_bucket (descriptor, ratio);
}

/* What the values of "aspect" call the shape of the image itself. */
static gboolean
means_input (const char *value)
{
  static const char *const names[]
      = { "match_input_image", "match_input", "input", "auto", "original", NULL };

  return g_strv_contains (names, value);
}

/* The value of "aspect" to send where nobody chose one; NULL: none. */
static char *
choose_aspect (EspProvider *provider, const Order *order, EspPicture *picture)
{
  const EspDescriptor *descriptor = esp_provider_get_descriptor (provider);
  const EspProviderParam *param = esp_provider_find_param (provider, "aspect");
  const char *best = NULL;
  double best_distance = HUGE_VAL;

  if (descriptor->output_size.mode != ESP_SIZE_ASPECT || order->aspect != NULL || param == NULL
      || param->values == NULL)
    return NULL;

  for (guint i = 0; i < json_array_get_length (param->values); i++)
    {
      JsonNode *node = json_array_get_element (param->values, i);
      const char *value
          = json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;
      double distance;
      int a, b;

      if (value != NULL && means_input (value))
        return g_strdup (value);
      if (!parse_pair (value, ":", &a, &b))
        continue;
      distance = ratio_distance ((double) a / b, (double) picture->width / picture->height);
      if (distance < best_distance)
        {
          best = value;
          best_distance = distance;
        }
    }
  return g_strdup (best);
}

/* The size in which an image goes: of its own shape, or a bucket's if that is nearly the same;
 * never larger than it is, but for what the API wants at least. */
static void
choose_work_size (const EspDescriptor *descriptor, EspPicture *picture, EspImageSize out,
                  int *width, int *height)
{
  double pixels = (double) picture->width * picture->height;
  double ratio = (double) picture->width / picture->height;
  double limit = WORK_PIXELS;
  int min_side = MAX (descriptor->image.min_side, 1);

  if (descriptor->output_size.mode == ESP_SIZE_INPUT && descriptor->image.max_pixels > 0)
    limit = (double) descriptor->image.max_pixels;
  if ((double) out.width * out.height > limit * WORK_TOLERANCE)
    limit = MIN ((double) out.width * out.height, (double) SIDE_MAX * SIDE_MAX);
  if (descriptor->image.max_pixels > 0)
    limit = MIN (limit, (double) descriptor->image.max_pixels);

  *width = picture->width;
  *height = picture->height;
  if (out.width > 0 && pixels >= (double) out.width * out.height
      && (double) out.width * out.height <= limit * WORK_TOLERANCE
      && ratio_distance (ratio, (double) out.width / out.height) < log (STRETCH_MAX))
    {
      *width = out.width;
      *height = out.height;
    }
  else if (pixels > limit * WORK_TOLERANCE
           || (descriptor->image.max_pixels > 0 && pixels > (double) descriptor->image.max_pixels))
    {
      double scale = sqrt (limit / pixels);

      *width = MAX ((int) floor (picture->width * scale), 1);
      *height = MAX ((int) floor (picture->height * scale), 1);
    }

  if (MIN (*width, *height) < min_side)
    {
      double scale = (double) min_side / MIN (*width, *height);

      /* A strip would grow out of all bounds: it is stretched instead. */
      if (*width * scale * *height * scale > limit)
        scale = 1;
      *width = MAX ((int) lround (*width * scale), min_side);
      *height = MAX ((int) lround (*height * scale), min_side);
    }
}

/* --- Encoding --------------------------------------------------------------------------------- */

static gboolean
allows (const Limits *limits, const char *format)
{
  return g_strv_contains ((const char *const *) limits->formats, format);
}

static GBytes *
encode (EspPicture *picture, const char *format, gboolean lossless, int quality,
        GCancellable *cancellable, GError **error)
{
  EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  EspPictureFormat kind = ESP_FORMAT_PNG;

  options.quality = quality;
  options.lossless = lossless;
  if (strcmp (format, "jpeg") == 0)
    kind = ESP_FORMAT_JPEG;
  else if (strcmp (format, "webp") == 0)
    kind = ESP_FORMAT_WEBP;
  return esp_picture_to_bytes (picture, kind, NULL, &options, cancellable, error);
}

static gboolean
fits (GBytes *bytes, const Limits *limits)
{
  return bytes != NULL && (gint64) g_bytes_get_size (bytes) <= limits->max_bytes;
}

/* The best quality that fits; *bytes NULL without error: none does. */
static gboolean
encode_lossy (EspPicture *picture, const char *format, const Limits *limits, GBytes **bytes,
              int *quality, GCancellable *cancellable, GError **error)
{
  int low = QUALITY_LEAST, high = QUALITY_BEST;
  int try_quality = QUALITY_BEST;

  *bytes = NULL;
  while (low <= high)
    {
      GBytes *encoded = encode (picture, format, FALSE, try_quality, cancellable, error);

      if (encoded == NULL)
        {
          g_clear_pointer (bytes, g_bytes_unref);
          return FALSE;
        }
      if (fits (encoded, limits))
        {
          g_clear_pointer (bytes, g_bytes_unref);
          *bytes = encoded;
          *quality = try_quality;
          low = try_quality + 1;
        }
      else
        {
          g_bytes_unref (encoded);
          high = try_quality - 1;
        }
      try_quality = low + (high - low) / 2;
    }
  return TRUE;
}

/* The first of the formats that fits; *bytes NULL without error: none does. *quality 0 = nothing
 * was lost. */
static gboolean
encode_best (EspPicture *picture, const Limits *limits, GBytes **bytes, const char **format,
             int *quality, GCancellable *cancellable, GError **error)
{
  *quality = 0;
  *bytes = NULL;
  *format = allows (limits, "png") ? "png" : "webp";
  if (allows (limits, "png") || (allows (limits, "webp") && !allows (limits, "jpeg")))
    {
      *bytes = encode (picture, *format, TRUE, QUALITY_BEST, cancellable, error);
      if (*bytes == NULL)
        return FALSE;
      if (fits (*bytes, limits))
        return TRUE;
      g_clear_pointer (bytes, g_bytes_unref);
    }

  *format = allows (limits, "jpeg") ? "jpeg" : "webp";
  if (!allows (limits, *format))
    return TRUE;
  return encode_lossy (picture, *format, limits, bytes, quality, cancellable, error);
}

/* Scales and encodes; where nothing fits, smaller and smaller. */
static EspShippedImage *
make_image (EspPicture *picture, const char *name, const Limits *limits, int *quality,
            GCancellable *cancellable, GError **error)
{
  int width = limits->width, height = limits->height;

  for (;;)
    {
      g_autoptr (EspPicture) scaled
          = esp_picture_scale (picture, width, height, cancellable, error);
      EspShippedImage *image;
      const char *format;
      GBytes *bytes;

      if (scaled == NULL
          || !encode_best (scaled, limits, &bytes, &format, quality, cancellable, error))
        return NULL;
      if (bytes != NULL)
        {
          image = g_new0 (EspShippedImage, 1);
          image->bytes = bytes;
          image->format = format;
          image->media_type = strcmp (format, "png") == 0    ? "image/png"
                              : strcmp (format, "jpeg") == 0 ? "image/jpeg"
                                                             : "image/webp";
          image->width = width;
          image->height = height;
          return image;
        }

      width = (int) (width * SHRINK);
      height = (int) (height * SHRINK);
      if (MIN (width, height) < MAX (limits->min_side, 1)
          || MAX (width, height) < MAX (limits->min_side, SIDE_LEAST))
        break;
    }

  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
               _ ("“%s” cannot be made small enough for what the provider accepts"), name);
  return NULL;
}

/* --- What was made last ----------------------------------------------------------------------- */

typedef struct
{
  char *key;
  EspShippedImage image;
  int from_width, from_height;
  EspImageSize out;
  char *aspect;
  GPtrArray *notes;
} Memory;

static GMutex memory_lock;
static GQueue memories = G_QUEUE_INIT; /* of Memory *, the last used first */

static void
memory_free (Memory *self)
{
  g_free (self->key);
  g_bytes_unref (self->image.bytes);
  g_free (self->aspect);
  g_ptr_array_unref (self->notes);
  g_free (self);
}

static char *
dup_memory_key (const Order *order, GBytes *original, gboolean first, EspImageSize out,
                gint64 budget)
{
  g_autofree char *digest = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, original);

  return g_strdup_printf (
      "%s %s %d %s %s %d %d %" G_GINT64_FORMAT, digest, esp_provider_get_digest (order->provider),
      first, order->size != NULL ? order->size : "", order->aspect != NULL ? order->aspect : "",
      out.width, out.height, budget);
}

static void
add_image (EspShipment *shipment, const EspShippedImage *image, GPtrArray *notes)
{
  EspShippedImage *copy = g_memdup2 (image, sizeof *image);

  g_bytes_ref (copy->bytes);
  g_ptr_array_add (shipment->images, copy);
  for (guint i = 0; i < notes->len; i++)
    g_ptr_array_add (shipment->notes, g_strdup (g_ptr_array_index (notes, i)));
}

static gboolean
recall (EspShipment *shipment, const char *key)
{
  gboolean found = FALSE;

  g_mutex_lock (&memory_lock);
  for (GList *link = memories.head; link != NULL; link = link->next)
    {
      Memory *memory = link->data;

      if (strcmp (memory->key, key) != 0)
        continue;
      add_image (shipment, &memory->image, memory->notes);
      if (shipment->images->len == 1)
        {
          shipment->out = memory->out;
          shipment->aspect = g_strdup (memory->aspect);
        }
      g_queue_unlink (&memories, link);
      g_queue_push_head_link (&memories, link);
      found = TRUE;
      break;
    }
  g_mutex_unlock (&memory_lock);
  return found;
}

static void
remember (const EspShipment *shipment, const char *key, const EspShippedImage *image,
          GPtrArray *notes)
{
  Memory *memory = g_new0 (Memory, 1);

  memory->key = g_strdup (key);
  memory->image = *image;
  g_bytes_ref (image->bytes);
  memory->out = shipment->out;
  memory->aspect = g_strdup (shipment->aspect);
  memory->notes = g_ptr_array_ref (notes);

  g_mutex_lock (&memory_lock);
  g_queue_push_head (&memories, memory);
  while (memories.length > REMEMBERED)
    memory_free (g_queue_pop_tail (&memories));
  g_mutex_unlock (&memory_lock);
}

/* --- One image -------------------------------------------------------------------------------- */

/* In a request's body an image takes so many bytes. */
static gint64
body_size (const EspDescriptor *descriptor, gsize bytes)
{
  if (descriptor->image.mode == ESP_SHIP_DATA_URI || descriptor->image.mode == ESP_SHIP_BASE64)
    return ((gint64) bytes + 2) / 3 * 4 + 64;
  return (gint64) bytes + 512;
}

/* The bytes of an image whose share of the body is `budget`. */
static gint64
bytes_within (const EspDescriptor *descriptor, gint64 budget)
{
  if (descriptor->image.mode == ESP_SHIP_DATA_URI || descriptor->image.mode == ESP_SHIP_BASE64)
    return (budget - 64) / 4 * 3;
  return budget - 512;
}

static void
take_note (GPtrArray *notes, guint index, char *note)
{
  if (index > 0)
    {
      /* Translators: the number of an image, and what was done to it. */
      char *numbered = g_strdup_printf (_ ("Image %u: %s"), index + 1, note);

      g_free (note);
      note = numbered;
    }
  g_ptr_array_add (notes, note);
}

static void
note_changes (GPtrArray *notes, guint index, EspPicture *picture, const EspPictureInfo *info,
              const EspShippedImage *image, int quality)
{
  if (info->animated)
    take_note (notes, index, g_strdup (_ ("Only the first frame was sent")));
  if (info->orientation > 1)
    take_note (notes, index, g_strdup (_ ("Turned upright")));
  if (info->has_alpha)
    take_note (notes, index, g_strdup (_ ("Transparent parts were filled with white")));
  if (info->converted && info->profile != NULL)
    take_note (notes, index,
               /* Translators: the name of a colour profile. */
               g_strdup_printf (_ ("Colours were converted from “%s” to sRGB"), info->profile));
  if (image->width != picture->width || image->height != picture->height)
    take_note (notes, index,
               g_strdup_printf (_ ("Scaled from %d × %d to %d × %d"), picture->width,
                                picture->height, image->width, image->height));
  if (quality > 0)
    take_note (notes, index,
               /* Translators: the first is a format ("JPEG"). */
               g_strdup_printf (_ ("Sent as %s of quality %d, to fit the provider’s limits"),
                                strcmp (image->format, "jpeg") == 0 ? "JPEG" : "WebP", quality));
}

static char *
dup_image_name (guint index)
{
  return index == 0 ? g_strdup (_ ("the image"))
                    /* Translators: a reference image, by its number: 2, 3 … */
                    : g_strdup_printf (_ ("image %u"), index + 1);
}

/* `budget`: the bytes that it may take in the request's body. */
static gboolean
ship_image (EspShipment *shipment, const Order *order, guint index, gint64 budget,
            GCancellable *cancellable, GError **error)
{
  const EspDescriptor *descriptor = esp_provider_get_descriptor (order->provider);
  GBytes *original = g_ptr_array_index (order->images, index);
  g_autofree char *name = dup_image_name (index);
  g_autofree char *key = dup_memory_key (order, original, index == 0, shipment->out, budget);
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  EspPictureInfo info = ESP_PICTURE_INFO_INIT;
  Limits limits = { .formats = descriptor->image.formats, .max_bytes = G_MAXINT64 };
  EspPicture *picture;
  EspShippedImage *image = NULL;
  int quality = 0;

  if (recall (shipment, key))
    return TRUE;

  picture = esp_picture_load_bytes (original, name, &info, cancellable, error);
  if (picture != NULL)
    {
      if (index == 0)
        {
          shipment->out = choose_out (descriptor, order, picture);
          shipment->aspect = choose_aspect (order->provider, order, picture);
        }
      choose_work_size (descriptor, picture, shipment->out, &limits.width, &limits.height);
      limits.min_side = descriptor->image.min_side;
      if (descriptor->image.max_bytes > 0)
        limits.max_bytes = descriptor->image.max_bytes;
      if (budget < G_MAXINT64)
        limits.max_bytes = MIN (limits.max_bytes, MAX (bytes_within (descriptor, budget), 0));
      image = make_image (picture, name, &limits, &quality, cancellable, error);
    }

  if (image != NULL)
    {
      note_changes (notes, index, picture, &info, image, quality);
      add_image (shipment, image, notes);
      remember (shipment, key, image, notes);
      shipped_image_free (image);
    }
  g_clear_pointer (&picture, esp_picture_unref);
  esp_picture_info_clear (&info);
  return image != NULL;
}

/* --- All of them ------------------------------------------------------------------------------ */

static void
note_shape (EspShipment *shipment)
{
  const EspShippedImage *image = g_ptr_array_index (shipment->images, 0);
  double ratio = (double) image->width / image->height;
  int a, b;

  if (parse_pair (shipment->aspect, ":", &a, &b) && ratio_distance (ratio, (double) a / b) > 0.01)
    g_ptr_array_add (shipment->notes,
                     /* Translators: a shape like "16:9". */
                     g_strdup_printf (_ ("Asked for the shape %s, the nearest to the image’s"),
                                      shipment->aspect));
}

static EspShipment *
ship (const Order *order, GCancellable *cancellable, GError **error)
{
  const EspDescriptor *descriptor = esp_provider_get_descriptor (order->provider);
  g_autoptr (EspShipment) shipment = g_new0 (EspShipment, 1);
  gboolean shared = descriptor->image.upload == NULL; /* all images go in one request */
  gint64 left = G_MAXINT64;

  shipment->images = g_ptr_array_new_with_free_func (shipped_image_free);
  shipment->notes = g_ptr_array_new_with_free_func (g_free);
  if (order->images->len > (guint) MAX (descriptor->image.max_images, 1))
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                   ngettext ("“%s” takes %d image at most", "“%s” takes %d images at most",
                             (gulong) MAX (descriptor->image.max_images, 1)),
                   esp_provider_get_name (order->provider), MAX (descriptor->image.max_images, 1));
      return NULL;
    }

  if (descriptor->image.max_request_bytes > 0)
    left = descriptor->image.max_request_bytes - (shared ? (gint64) order->rest : 0);
  for (guint i = 0; i < order->images->len; i++)
    {
      gint64 budget = left;

      if (shared && left < G_MAXINT64)
        budget = left / (order->images->len - i);
      if (left < G_MAXINT64) /* so that a longer prompt does not make other pictures */
        budget = budget / BUDGET_STEP * BUDGET_STEP;
      if (!ship_image (shipment, order, i, budget, cancellable, error))
        return NULL;
      if (shared && left < G_MAXINT64)
        {
          const EspShippedImage *image = g_ptr_array_index (shipment->images, i);

          left -= body_size (descriptor, g_bytes_get_size (image->bytes));
        }
    }
  note_shape (shipment);
  return g_steal_pointer (&shipment);
}

static void
ship_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  EspShipment *shipment;
  GError *error = NULL;

  if (g_task_return_error_if_cancelled (task))
    return;
  shipment = ship (data, cancellable, &error);
  if (shipment != NULL)
    g_task_return_pointer (task, shipment, (GDestroyNotify) esp_shipment_free);
  else
    g_task_return_error (task, error);
}

static char *
dup_text (JsonObject *parameters, const char *id)
{
  JsonNode *node = json_object_get_member (parameters, id);

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING
      || strcmp (json_node_get_string (node), "auto") == 0)
    return NULL;
  return json_node_dup_string (node);
}

/* "auto" leaves it to us, unless it is a value of the API's own. */
static char *
dup_aspect (EspProvider *provider, JsonObject *parameters)
{
  const EspProviderParam *param = esp_provider_find_param (provider, "aspect");

  for (guint i = 0;
       param != NULL && param->values != NULL && i < json_array_get_length (param->values); i++)
    {
      JsonNode *own = json_array_get_element (param->values, i);
      JsonNode *asked = json_object_get_member (parameters, "aspect");

      if (asked != NULL && json_node_get_value_type (own) == G_TYPE_STRING
          && json_node_equal (own, asked))
        return json_node_dup_string (asked);
    }
  return dup_text (parameters, "aspect");
}

/* Texts can be twice as long in a body as they are here (escapes). */
static gsize
measure_rest (EspProvider *provider, JsonObject *parameters)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), parameters);
  g_autofree char *text = json_to_string (node, FALSE);
  gsize size = MIN (strlen (text), LARGE_PARAMETER) * 2 + BODY_REST;

  return size + strlen (esp_provider_get_text (provider));
}

void
esp_shipment_new_async (EspProvider *provider, GPtrArray *images, JsonObject *parameters,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (provider, cancellable, callback, user_data);
  Order *order;

  g_return_if_fail (ESP_IS_PROVIDER (provider) && images != NULL && images->len > 0);
  g_return_if_fail (parameters != NULL);

  g_task_set_source_tag (task, esp_shipment_new_async);
  order = g_new0 (Order, 1);
  order->provider = g_object_ref (provider);
  order->images = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  for (guint i = 0; i < images->len; i++)
    g_ptr_array_add (order->images, g_bytes_ref (g_ptr_array_index (images, i)));
  order->size = dup_text (parameters, "size");
  order->aspect = dup_aspect (provider, parameters);
  order->rest = measure_rest (provider, parameters);
  g_task_set_task_data (task, order, order_free);
  esp_picture_work_run (task, ship_in_thread);
}

EspShipment *
esp_shipment_new_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (G_IS_TASK (result), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

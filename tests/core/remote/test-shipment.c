/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-shipment.c: pictures made ready for a provider, and what comes back looked at. */
#include <string.h>

#include "esp-shipment.h"

/* --- Fixtures --------------------------------------------------------------------------------- */

/* A descriptor with these members (JSON; NULL: something that fits). */
static EspProvider *
make_provider (const char *image, const char *size, const char *aspect)
{
  g_autofree char *text = g_strdup_printf (
      "{\"schema\": \"kontext-provider/1\", \"id\": \"test\", \"name\": \"Test\","
      " \"base_url\": \"http://127.0.0.1:1\", \"self_hosted\": true, \"image\": %s,"
      " \"params\": [{\"id\": \"prompt\", \"type\": \"string\", \"required\": true}%s%s],"
      " \"output_size\": %s, \"flow\": \"sync\","
      " \"submit\": {\"method\": \"POST\", \"url\": \"edit\", \"json\": {"
      " \"prompt\": \"{{param.prompt}}\", \"images\": \"{{images.data_uri}}\"%s}},"
      " \"result\": {\"images\": [\"/image\"], \"kind\": \"base64\"},"
      " \"errors\": {\"message\": [\"/error\"]}}",
      image != NULL ? image : "{\"mode\": \"data_uri\", \"formats\": [\"png\", \"jpeg\"]}",
      aspect != NULL ? ", " : "", aspect != NULL ? aspect : "",
      size != NULL ? size : "{\"mode\": \"pixels\", \"buckets\": \"kontext\"}",
      aspect != NULL ? ", \"aspect\": \"{{param.aspect}}\""
                     : ", \"size\": \"{{out.width}}x{{out.height}}\"");
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;
  EspProvider *provider = esp_provider_new (bytes, "test.json", FALSE, &error);

  g_assert_no_error (error);
  return provider;
}

/* A picture that does not compress (`noise`), or one that does. */
static EspPicture *
make_picture (int width, int height, gboolean noise)
{
  EspPicture *picture = esp_picture_new (width, height, NULL);
  guint32 state = 1;

  for (gsize i = 0; i < (gsize) width * (gsize) height * 3; i++)
    {
      state = state * 1664525u + 1013904223u;
      picture->pixels[i] = noise ? (guint8) (state >> 24) : (guint8) (i / 3 % (gsize) width);
    }
  return picture;
}

static GBytes *
make_file (int width, int height, gboolean noise, EspPictureFormat format)
{
  g_autoptr (EspPicture) picture = make_picture (width, height, noise);
  EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  g_autoptr (GError) error = NULL;
  GBytes *bytes;

  options.compression = 1;
  bytes = esp_picture_to_bytes (picture, format, NULL, &options, NULL, &error);
  g_assert_no_error (error);
  return bytes;
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer data)
{
  GAsyncResult **place = data;

  *place = g_object_ref (result);
}

/* `parameters`: JSON. Takes `first` and `second` (NULL: one image). */
static EspShipment *
ship (EspProvider *provider, GBytes *first, GBytes *second, const char *parameters, GError **error)
{
  g_autoptr (GPtrArray) images = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (JsonNode) node = json_from_string (parameters, NULL);
  g_autoptr (GAsyncResult) result = NULL;

  g_ptr_array_add (images, first);
  if (second != NULL)
    g_ptr_array_add (images, second);
  esp_shipment_new_async (provider, images, json_node_get_object (node), NULL, on_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return esp_shipment_new_finish (result, error);
}

static EspShipment *
ship_one (EspProvider *provider, GBytes *first, const char *parameters)
{
  g_autoptr (GError) error = NULL;
  EspShipment *shipment = ship (provider, first, NULL, parameters, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (shipment->images->len, ==, 1);
  return shipment;
}

static EspShippedImage *
get_image (EspShipment *shipment, guint index)
{
  EspShippedImage *image = g_ptr_array_index (shipment->images, index);
  g_autoptr (GError) error = NULL;
  EspPictureInfo info = ESP_PICTURE_INFO_INIT;
  g_autoptr (EspPicture) picture
      = esp_picture_load_bytes (image->bytes, "sent", &info, NULL, &error);

  /* What it says is what it is. */
  g_assert_no_error (error);
  g_assert_cmpint (picture->width, ==, image->width);
  g_assert_cmpint (picture->height, ==, image->height);
  g_assert_cmpint (g_ascii_strcasecmp (info.format, image->format), ==, 0);
  g_assert_cmpint (info.orientation, ==, 1);
  g_assert_false (info.has_alpha);
  esp_picture_info_clear (&info);
  return image;
}

static gboolean
notes_have (EspShipment *shipment, const char *text)
{
  for (guint i = 0; i < shipment->notes->len; i++)
    if (strstr (g_ptr_array_index (shipment->notes, i), text) != NULL)
      return TRUE;
  return FALSE;
}

/* --- Sizes ------------------------------------------------------------------------------------ */

static void
test_buckets (void)
{
  static const struct
  {
    int width, height;
    EspImageSize out;
    int sent_width, sent_height;
    const char *parameters;
  } cases[] = {
    { 1500, 1000, { 1248, 832 }, 1248, 832, "{}" },
    { 1600, 1200, { 1184, 880 }, 1184, 880, "{\"size\": \"auto\"}" },
    { 1000, 2200, { 688, 1504 }, 688, 1504, "{}" },
    { 512, 512, { 1024, 1024 }, 512, 512, "{}" },  /* never scaled up */
    { 1392, 752, { 1392, 752 }, 1392, 752, "{}" }, /* as it is */
    { 4000, 400, { 1568, 672 }, 3238, 323, "{}" }, /* its own shape */
    { 1500, 1000, { 640, 480 }, 1254, 836, "{\"size\": \"640x480\"}" },
    { 1500, 1000, { 1392, 752 }, 1254, 836, "{\"aspect\": \"16:9\"}" },
    { 1500, 1000, { 1488, 992 }, 1488, 992, "{\"size\": \"match\"}" },
    { 8000, 10, { 4096, 16 }, 8000, 10, "{\"size\": \"match\"}" },
  };
  g_autoptr (EspProvider) provider = make_provider (NULL, NULL, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (EspShipment) shipment
          = ship_one (provider, make_file (cases[i].width, cases[i].height, FALSE, ESP_FORMAT_PNG),
                      cases[i].parameters);
      EspShippedImage *image = get_image (shipment, 0);

      g_assert_cmpint (shipment->out.width, ==, cases[i].out.width);
      g_assert_cmpint (shipment->out.height, ==, cases[i].out.height);
      g_assert_cmpint (image->width, ==, cases[i].sent_width);
      g_assert_cmpint (image->height, ==, cases[i].sent_height);
      g_assert_cmpstr (image->media_type, ==, "image/png");
      g_assert_null (shipment->aspect);
      g_assert_cmpint (notes_have (shipment, "Scaled"), ==, image->width != cases[i].width);
    }
}

static void
test_own_buckets (void)
{
  g_autoptr (EspProvider) provider = make_provider (
      NULL, "{\"mode\": \"pixels\", \"buckets\": [\"1024x1024\", \"1536x1024\", \"1024x1536\"]}",
      NULL);
  g_autoptr (EspShipment) shipment
      = ship_one (provider, make_file (900, 500, FALSE, ESP_FORMAT_PNG), "{}");

  g_assert_cmpint (shipment->out.width, ==, 1536);
  g_assert_cmpint (shipment->out.height, ==, 1024);
}

static void
test_aspect (void)
{
  g_autoptr (EspProvider) nearest
      = make_provider (NULL, "{\"mode\": \"aspect\"}",
                       "{\"id\": \"aspect\", \"type\": \"enum\", \"values\": [\"1:1\", \"16:9\", "
                       "\"3:2\", \"9:16\"]}");
  g_autoptr (EspProvider) matching
      = make_provider (NULL, "{\"mode\": \"aspect\"}",
                       "{\"id\": \"aspect\", \"type\": \"enum\", \"values\": [\"1:1\", "
                       "\"match_input_image\"]}");
  g_autoptr (EspShipment) wide
      = ship_one (nearest, make_file (1600, 1000, FALSE, ESP_FORMAT_PNG), "{}");
  g_autoptr (EspShipment) asked
      = ship_one (nearest, make_file (1600, 1000, FALSE, ESP_FORMAT_PNG), "{\"aspect\": \"1:1\"}");
  g_autoptr (EspShipment) matched
      = ship_one (matching, make_file (1600, 1000, FALSE, ESP_FORMAT_PNG), "{}");

  g_assert_cmpstr (wide->aspect, ==, "3:2");
  g_assert_true (notes_have (wide, "3:2"));
  g_assert_cmpint (wide->out.width, ==, 0);
  g_assert_cmpint (get_image (wide, 0)->width, ==, 1295);
  g_assert_cmpint (get_image (wide, 0)->height, ==, 809);
  g_assert_null (asked->aspect);
  g_assert_cmpstr (matched->aspect, ==, "match_input_image");
}

static void
test_min_side (void)
{
  g_autoptr (EspProvider) provider = make_provider (
      "{\"mode\": \"data_uri\", \"formats\": [\"png\"], \"min_side\": 256}", NULL, NULL);
  g_autoptr (EspShipment) small
      = ship_one (provider, make_file (100, 50, FALSE, ESP_FORMAT_PNG), "{}");
  g_autoptr (EspShipment) strip
      = ship_one (provider, make_file (4000, 10, FALSE, ESP_FORMAT_PNG), "{}");

  g_assert_cmpint (get_image (small, 0)->width, ==, 512);
  g_assert_cmpint (get_image (small, 0)->height, ==, 256);
  g_assert_cmpint (get_image (strip, 0)->height, ==, 256);
}

static void
test_max_pixels (void)
{
  g_autoptr (EspProvider) provider = make_provider (
      "{\"mode\": \"data_uri\", \"formats\": [\"png\"], \"max_pixels\": 500000}", NULL, NULL);
  g_autoptr (EspShipment) shipment
      = ship_one (provider, make_file (1000, 600, FALSE, ESP_FORMAT_PNG), "{}");
  EspShippedImage *image = get_image (shipment, 0);

  g_assert_cmpint (image->width * image->height, <=, 500000);
  g_assert_cmpint (image->width * image->height, >, 480000);
}

/* --- Limits ----------------------------------------------------------------------------------- */

static void
test_max_bytes (void)
{
  static const gint64 limits[] = { 2000000, 700000, 300000, 60000, 9000 };

  for (gsize i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autofree char *image_json
          = g_strdup_printf ("{\"mode\": \"data_uri\", \"formats\": [\"png\", \"jpeg\"], "
                             "\"max_bytes\": %" G_GINT64_FORMAT "}",
                             limits[i]);
      g_autoptr (EspProvider) provider = make_provider (image_json, NULL, NULL);
      g_autoptr (EspShipment) shipment
          = ship_one (provider, make_file (800, 600, TRUE, ESP_FORMAT_PNG), "{}");
      EspShippedImage *image = get_image (shipment, 0);

      g_assert_cmpint ((gint64) g_bytes_get_size (image->bytes), <=, limits[i]);
      g_assert_cmpstr (image->format, ==, i == 0 ? "png" : "jpeg");
      g_assert_cmpint (notes_have (shipment, "JPEG"), ==, i > 0);
      if (i < 2)
        g_assert_cmpint (image->width, ==, 800);
    }
}

static void
test_max_request_bytes (void)
{
  g_autoptr (EspProvider) provider
      = make_provider ("{\"mode\": \"data_uri\", \"formats\": [\"png\", \"jpeg\"], "
                       "\"max_request_bytes\": 1000000, \"max_images\": 2}",
                       NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspShipment) shipment
      = ship (provider, make_file (900, 700, TRUE, ESP_FORMAT_PNG),
              make_file (900, 600, TRUE, ESP_FORMAT_PNG), "{\"prompt\": \"x\"}", &error);
  gsize total = 0;

  g_assert_no_error (error);
  g_assert_cmpuint (shipment->images->len, ==, 2);
  for (guint i = 0; i < 2; i++)
    total += (g_bytes_get_size (get_image (shipment, i)->bytes) + 2) / 3 * 4;
  g_assert_cmpuint (total, <, 980000);
  g_assert_cmpuint (total, >, 500000);
  g_assert_true (notes_have (shipment, "Image 2: "));
}

static void
test_webp_only (void)
{
  g_autoptr (EspProvider) provider = make_provider (
      "{\"mode\": \"base64\", \"formats\": [\"webp\"], \"max_bytes\": 300000}", NULL, NULL);
  g_autoptr (EspShipment) small
      = ship_one (provider, make_file (400, 300, FALSE, ESP_FORMAT_PNG), "{}");
  g_autoptr (EspShipment) large
      = ship_one (provider, make_file (800, 600, TRUE, ESP_FORMAT_PNG), "{}");

  g_assert_cmpstr (get_image (small, 0)->format, ==, "webp");
  g_assert_cmpuint (small->notes->len, ==, 0);
  g_assert_cmpstr (get_image (large, 0)->media_type, ==, "image/webp");
  g_assert_true (notes_have (large, "WebP"));
}

static void
test_impossible (void)
{
  g_autoptr (EspProvider) provider = make_provider (
      "{\"mode\": \"data_uri\", \"formats\": [\"png\"], \"max_bytes\": 1000}", NULL, NULL);
  g_autoptr (GError) error = NULL;
  EspShipment *shipment
      = ship (provider, make_file (300, 300, TRUE, ESP_FORMAT_PNG), NULL, "{}", &error);

  g_assert_null (shipment);
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE);
}

static void
test_refused (void)
{
  g_autoptr (EspProvider) provider = make_provider (NULL, NULL, NULL);
  g_autoptr (GError) error = NULL;
  EspShipment *shipment = ship (provider, g_bytes_new_static ("hello", 5), NULL, "{}", &error);

  g_assert_null (shipment);
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED);
  g_clear_error (&error);

  shipment = ship (provider, make_file (30, 30, FALSE, ESP_FORMAT_PNG),
                   make_file (30, 30, FALSE, ESP_FORMAT_PNG), "{}", &error);
  g_assert_null (shipment);
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED);
}

/* --- What is taken off ------------------------------------------------------------------------ */

static gboolean
contains (GBytes *bytes, const char *text)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  for (gsize i = 0; i + strlen (text) <= size; i++)
    if (memcmp (data + i, text, strlen (text)) == 0)
      return TRUE;
  return FALSE;
}

static void
test_metadata (void)
{
  g_autoptr (EspProvider) provider = make_provider (NULL, NULL, NULL);
  g_autoptr (EspPicture) picture = make_picture (200, 100, FALSE);
  EspRecipe recipe = { 0 };
  g_autoptr (EspShipment) shipment = NULL;
  GBytes *bytes;

  recipe.json = (char *) "{\"canary\": 1}";
  recipe.prompt = (char *) "a secret prompt";
  bytes = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, &recipe, NULL, NULL, NULL);
  g_assert_true (contains (bytes, "canary"));
  shipment = ship_one (provider, bytes, "{}");
  bytes = get_image (shipment, 0)->bytes;
  g_assert_false (contains (bytes, "canary"));
  g_assert_false (contains (bytes, "secret"));
  g_assert_false (contains (bytes, "tEXt"));
  g_assert_false (contains (bytes, "iTXt"));
  g_assert_false (contains (bytes, "eXIf"));
}

static void
test_turned (void)
{
  g_autoptr (EspProvider) provider = make_provider (NULL, NULL, NULL);
  g_autoptr (EspPicture) picture = make_picture (200, 100, FALSE);
  g_autoptr (GBytes) jpeg = esp_picture_to_bytes (picture, ESP_FORMAT_JPEG, NULL, NULL, NULL, NULL);
  /* An APP1 segment with nothing but the orientation 6. */
  static const guint8 exif[]
      = { 0xff, 0xe1, 0,    34,   'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
          0,    1,    0x01, 0x12, 0,   3,   0,   0,   0, 1, 0,   6,   0, 0,  0, 0, 0, 0 };
  g_autoptr (EspShipment) shipment = NULL;
  GByteArray *array = g_byte_array_new ();
  gsize size;
  const guint8 *data = g_bytes_get_data (jpeg, &size);

  g_byte_array_append (array, data, 2);
  g_byte_array_append (array, exif, sizeof exif);
  g_byte_array_append (array, data + 2, (guint) size - 2);
  shipment = ship_one (provider, g_byte_array_free_to_bytes (array), "{}");
  g_assert_cmpint (get_image (shipment, 0)->width, ==, 100);
  g_assert_cmpint (get_image (shipment, 0)->height, ==, 200);
  g_assert_true (notes_have (shipment, "upright"));
}

/* Sixty at once, cancelled half way: all end, none with a crash. */
typedef struct
{
  guint done, cancelled;
} Crowd;

static void
on_crowd (GObject *source, GAsyncResult *result, gpointer data)
{
  Crowd *crowd = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspShipment) shipment = esp_shipment_new_finish (result, &error);

  crowd->done++;
  if (shipment == NULL)
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      crowd->cancelled++;
    }
}

static void
test_crowd (void)
{
  g_autoptr (EspProvider) provider = make_provider (NULL, NULL, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (JsonObject) parameters = json_object_new ();
  Crowd crowd = { 0, 0 };

  for (int i = 0; i < 60; i++)
    {
      g_autoptr (GPtrArray) images
          = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

      g_ptr_array_add (images, make_file (64 + i % 3, 64, FALSE, ESP_FORMAT_PNG));
      esp_shipment_new_async (provider, images, parameters, i % 2 == 0 ? NULL : cancellable,
                              on_crowd, &crowd);
    }
  g_cancellable_cancel (cancellable);
  while (crowd.done < 60)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (crowd.cancelled, ==, 30);
}

/* --- What comes back -------------------------------------------------------------------------- */

static EspReceivedImage *
look (GBytes *bytes, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_received_image_check_async (bytes, NULL, on_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return esp_received_image_check_finish (result, error);
}

static void
test_received (void)
{
  static const struct
  {
    EspPictureFormat format;
    const char *media_type;
  } cases[] = { { ESP_FORMAT_PNG, "image/png" },
                { ESP_FORMAT_JPEG, "image/jpeg" },
                { ESP_FORMAT_WEBP, "image/webp" } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GBytes) bytes = make_file (301, 200, TRUE, cases[i].format);
      g_autoptr (GError) error = NULL;
      g_autoptr (EspReceivedImage) image = look (bytes, &error);

      g_assert_no_error (error);
      g_assert_cmpstr (image->media_type, ==, cases[i].media_type);
      g_assert_cmpint (image->width, ==, 301);
      g_assert_cmpint (image->height, ==, 200);
      g_assert_false (image->one_color);
      g_assert_true (image->bytes == bytes);
    }
}

static void
test_one_color (void)
{
  g_autoptr (EspPicture) picture = esp_picture_new (64, 64, NULL);
  g_autoptr (GBytes) bytes
      = esp_picture_to_bytes (picture, ESP_FORMAT_JPEG, NULL, NULL, NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspReceivedImage) image = look (bytes, &error);

  g_assert_no_error (error);
  g_assert_true (image->one_color);
}

static void
assert_refused (const void *data, gsize size, int code)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  EspReceivedImage *image = look (bytes, &error);

  g_assert_null (image);
  g_assert_error (error, ESP_IMAGE_ERROR, code);
}

static void
test_no_image (void)
{
  g_autoptr (GBytes) png = make_file (300, 200, TRUE, ESP_FORMAT_PNG);
  g_autoptr (GBytes) jpeg = make_file (300, 200, TRUE, ESP_FORMAT_JPEG);
  g_autoptr (GBytes) webp = make_file (300, 200, TRUE, ESP_FORMAT_WEBP);
  gsize size;
  guint8 *bomb;

  assert_refused ("", 0, ESP_IMAGE_ERROR_UNSUPPORTED);
  assert_refused ("<html>no</html>", 15, ESP_IMAGE_ERROR_UNSUPPORTED);
  assert_refused ("{\"error\": 1}", 12, ESP_IMAGE_ERROR_UNSUPPORTED);

  /* A bomb is found by its header, whatever follows. */
  bomb = g_memdup2 (g_bytes_get_data (png, &size), g_bytes_get_size (png));
  bomb[16] = bomb[20] = 0;
  bomb[17] = bomb[21] = 0;
  bomb[18] = bomb[22] = 0x50;
  assert_refused (bomb, size, ESP_IMAGE_ERROR_TOO_LARGE);
  g_free (bomb);

  /* However it is cut, nothing is taken for an image and nothing is read beyond its end. */
  for (gsize length = 3; length < 400; length += 7)
    {
      GBytes *all[] = { png, jpeg, webp };

      for (gsize i = 0; i < G_N_ELEMENTS (all); i++)
        {
          g_autoptr (GBytes) part = g_bytes_new (g_bytes_get_data (all[i], NULL), length);
          g_autoptr (GError) error = NULL;

          g_assert_null (look (part, &error));
          g_assert_nonnull (error);
        }
    }
  assert_refused (g_bytes_get_data (png, NULL), g_bytes_get_size (png) / 2,
                  ESP_IMAGE_ERROR_DAMAGED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/remote/shipment/buckets", test_buckets);
  g_test_add_func ("/remote/shipment/own-buckets", test_own_buckets);
  g_test_add_func ("/remote/shipment/aspect", test_aspect);
  g_test_add_func ("/remote/shipment/min-side", test_min_side);
  g_test_add_func ("/remote/shipment/max-pixels", test_max_pixels);
  g_test_add_func ("/remote/shipment/max-bytes", test_max_bytes);
  g_test_add_func ("/remote/shipment/max-request-bytes", test_max_request_bytes);
  g_test_add_func ("/remote/shipment/webp-only", test_webp_only);
  g_test_add_func ("/remote/shipment/impossible", test_impossible);
  g_test_add_func ("/remote/shipment/refused", test_refused);
  g_test_add_func ("/remote/shipment/metadata", test_metadata);
  g_test_add_func ("/remote/shipment/turned", test_turned);
  g_test_add_func ("/remote/shipment/crowd", test_crowd);
  g_test_add_func ("/remote/received/formats", test_received);
  g_test_add_func ("/remote/received/one-color", test_one_color);
  g_test_add_func ("/remote/received/no-image", test_no_image);
  return g_test_run ();
}

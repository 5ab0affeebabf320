/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recipes of other programs: each way of writing them down is understood, nothing hostile hurts. */
#include "esp-foreign-recipe.h"

#include <string.h>

#include "esp-picture.h"

static EspPicture *dot;

/* A PNG of one pixel with these texts (key, text, …, NULL). Sums are not right: nobody who only
 * walks the file looks at them. */
static GBytes *
make_png (const char *key, ...)
{
  g_autoptr (GBytes) plain = esp_picture_to_bytes (dot, ESP_FORMAT_PNG, NULL, NULL, NULL, NULL);
  GByteArray *out = g_byte_array_new ();
  gsize size;
  const guint8 *data = g_bytes_get_data (plain, &size);
  va_list args;

  g_byte_array_append (out, data, 33); /* to behind IHDR */
  va_start (args, key);
  for (; key != NULL; key = va_arg (args, const char *))
    {
      const char *text = va_arg (args, const char *);
      const gsize n = strlen (key) + 1 + strlen (text);
      const guint8 head[8] = {
        (guint8) (n >> 24), (guint8) (n >> 16), (guint8) (n >> 8), (guint8) n, 't', 'E', 'X', 't'
      };

      g_byte_array_append (out, head, 8);
      g_byte_array_append (out, (const guint8 *) key, (guint) strlen (key) + 1);
      g_byte_array_append (out, (const guint8 *) text, (guint) strlen (text));
      g_byte_array_append (out, (const guint8 *) "\0\0\0\0", 4);
    }
  va_end (args);
  g_byte_array_append (out, data + 33, (guint) size - 33);
  return g_byte_array_free_to_bytes (out);
}

static EspForeignRecipe *
read_text (const char *key, const char *text, const char *source)
{
  g_autoptr (GBytes) bytes = make_png (key, text, NULL);
  g_autoptr (GError) error = NULL;
  EspForeignRecipe *recipe = esp_foreign_recipe_read_bytes (bytes, "picture.png", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (recipe->source, ==, source);
  g_assert_false (recipe->own);
  return recipe;
}

#define assert_string(r, member, value)                                                            \
  g_assert_cmpstr (json_object_get_string_member_with_default ((r)->recipe, member, NULL), ==,     \
                   value)
#define assert_int(r, member, value)                                                               \
  g_assert_cmpint (json_object_get_int_member_with_default ((r)->recipe, member, -1), ==, value)
#define assert_double(r, member, value)                                                            \
  g_assert_cmpfloat (json_object_get_double_member_with_default ((r)->recipe, member, -1), ==,     \
                     value)

static void
assert_model (EspForeignRecipe *recipe, const char *name, const char *hash)
{
  JsonObject *model = json_object_get_object_member (recipe->recipe, "model");

  g_assert_cmpstr (json_object_get_string_member_with_default (model, "name", NULL), ==, name);
  g_assert_cmpstr (json_object_get_string_member_with_default (model, "hash", NULL), ==, hash);
}

static void
test_webui (void)
{
  g_autoptr (EspForeignRecipe) recipe
      = read_text ("parameters",
                   "a red sail, Steps: many\nsecond line\n\nNegative prompt: blurry,\nugly\n"
                   "Steps: 20, Sampler: \"Euler, a\", Schedule type: Simple, CFG scale: 1, "
                   "Distilled CFG Scale: 3.5, Seed: 4294967295, Size: 1024x768, "
                   "Model hash: abcdef0123, Model: flux-kontext, Lora hashes: \"a: 1, b: 2\", "
                   "Version: v1.10",
                   "Stable Diffusion WebUI");

  assert_string (recipe, "prompt", "a red sail, Steps: many\nsecond line");
  assert_string (recipe, "negative_prompt", "blurry,\nugly");
  assert_int (recipe, "steps", 20);
  assert_int (recipe, "seed", G_MAXUINT32);
  assert_int (recipe, "width", 1024);
  assert_int (recipe, "height", 768);
  assert_double (recipe, "guidance", 3.5);
  assert_string (recipe, "sampler", "Euler, a");
  assert_string (recipe, "software", "v1.10");
  assert_model (recipe, "flux-kontext", "abcdef0123");
}

/* In a JPEG and a WebP file the same text is in EXIF, as our own pictures have it. */
static void
test_exif (void)
{
  static const EspPictureFormat formats[] = { ESP_FORMAT_JPEG, ESP_FORMAT_WEBP };
  const EspRecipe recipe = { .json = "[\"no object\"]",
                             .prompt = "größer 🎉",
                             .seed = 12,
                             .steps = 3,
                             .guidance = 2,
                             .width = 1,
                             .height = 1 };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (GBytes) bytes = esp_picture_to_bytes (dot, formats[i], &recipe, NULL, NULL, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (EspForeignRecipe) read = esp_foreign_recipe_read_bytes (bytes, "picture", &error);

      g_assert_no_error (error);
      g_assert_cmpstr (read->source, ==, "Stable Diffusion WebUI");
      assert_string (read, "prompt", "größer 🎉");
      assert_int (read, "seed", 12);
      assert_double (read, "guidance", 2.0);
    }
}

static void
test_own (void)
{
  const EspRecipe recipe
      = { .json = "{\"prompt\":\"x\",\"seed\":18446744073709551615,\"lineage\":[]}",
          .prompt = "x" };
  g_autoptr (GBytes) bytes = esp_picture_to_bytes (dot, ESP_FORMAT_PNG, &recipe, NULL, NULL, NULL);
  g_autoptr (EspForeignRecipe) read = esp_foreign_recipe_read_bytes (bytes, "picture", NULL);

  g_assert_true (read->own);
  g_assert_cmpstr (read->source, ==, "Espalier");
  assert_string (read, "prompt", "x");
  g_assert_true ((guint64) json_object_get_int_member (read->recipe, "seed") == G_MAXUINT64);
  g_assert_true (json_object_has_member (read->recipe, "lineage"));
}

static void
test_comfy_simple (void)
{
  g_autoptr (EspForeignRecipe) recipe = read_text (
      "prompt",
      "{\"3\":{\"class_type\":\"KSampler\",\"inputs\":{\"seed\":[\"20\",0],\"steps\":25,\"cfg\":7."
      "5,"
      "\"sampler_name\":\"euler\",\"model\":[\"4\",0],\"positive\":[\"10\",0],"
      "\"negative\":[\"7\",0],\"latent_image\":[\"5\",0]},\"is_changed\":[NaN, -Infinity]},"
      "\"4\":{\"class_type\":\"CheckpointLoaderSimple\",\"inputs\":{\"ckpt_name\":\"sd.ckpt\"}},"
      "\"5\":{\"class_type\":\"EmptyLatentImage\",\"inputs\":{\"width\":832,\"height\":1216}},"
      "\"6\":{\"class_type\":\"CLIPTextEncode\",\"inputs\":{\"text\":[\"11\",0],\"clip\":[\"4\",1]}"
      "},"
      "\"7\":{\"class_type\":\"CLIPTextEncode\",\"inputs\":{\"text\":\"bad\",\"clip\":[\"4\",1]}},"
      "\"10\":{\"class_type\":\"ConditioningZero\",\"inputs\":{\"conditioning\":[\"6\",0]}},"
      "\"11\":{\"class_type\":\"Text\",\"inputs\":{\"value\":\"a good NaN\"}},"
      "\"20\":{\"class_type\":\"PrimitiveInt\",\"inputs\":{\"value\":99}}}",
      "ComfyUI");

  assert_string (recipe, "prompt", "a good NaN");
  assert_string (recipe, "negative_prompt", "bad");
  assert_int (recipe, "seed", 99);
  assert_int (recipe, "steps", 25);
  assert_double (recipe, "guidance", 7.5);
  assert_int (recipe, "width", 832);
  assert_int (recipe, "height", 1216);
  assert_model (recipe, "sd.ckpt", NULL);
}

/* The way of graphs for models of the FLUX kind. */
static void
test_comfy_custom (void)
{
  g_autoptr (EspForeignRecipe) recipe = read_text (
      "prompt",
      "{\"13\":{\"class_type\":\"SamplerCustomAdvanced\",\"inputs\":{\"noise\":[\"25\",0],"
      "\"guider\":[\"22\",0],\"sampler\":[\"16\",0],\"sigmas\":[\"17\",0],"
      "\"latent_image\":[\"27\",0]}},"
      "\"12\":{\"class_type\":\"UNETLoader\",\"inputs\":{\"unet_name\":\"kontext.safetensors\"}},"
      "\"16\":{\"class_type\":\"KSamplerSelect\",\"inputs\":{\"sampler_name\":\"euler\"}},"
      "\"17\":{\"class_type\":\"BasicScheduler\",\"inputs\":{\"steps\":20,\"model\":[\"12\",0]}},"
      "\"22\":{\"class_type\":\"BasicGuider\",\"inputs\":{\"model\":[\"12\",0],"
      "\"conditioning\":[\"26\",0]}},"
      "\"25\":{\"class_type\":\"RandomNoise\",\"inputs\":{\"noise_seed\":123456789012345}},"
      "\"26\":{\"class_type\":\"FluxGuidance\",\"inputs\":{\"guidance\":2.5,"
      "\"conditioning\":[\"6\",0]}},"
      "\"27\":{\"class_type\":\"EmptySD3LatentImage\",\"inputs\":{\"width\":1024,\"height\":1024}},"
      "\"6\":{\"class_type\":\"CLIPTextEncode\",\"inputs\":{\"text\":\"make it red\"}}}",
      "ComfyUI");

  assert_string (recipe, "prompt", "make it red");
  assert_string (recipe, "negative_prompt", NULL);
  assert_int (recipe, "seed", G_GINT64_CONSTANT (123456789012345));
  assert_int (recipe, "steps", 20);
  assert_double (recipe, "guidance", 2.5);
  assert_string (recipe, "sampler", "euler");
  assert_model (recipe, "kontext.safetensors", NULL);
}

static void
test_json (void)
{
  {
    g_autoptr (EspForeignRecipe) recipe
        = read_text ("parameters",
                     "{\"sui_image_params\":{\"prompt\":\"a cat\",\"negativeprompt\":\"\","
                     "\"model\":\"flux\",\"seed\":5,\"steps\":8,\"cfgscale\":1.0,\"width\":64,"
                     "\"height\":32}}",
                     "SwarmUI");
    assert_string (recipe, "prompt", "a cat");
    assert_string (recipe, "negative_prompt", NULL);
    assert_int (recipe, "seed", 5);
    assert_model (recipe, "flux", NULL);
  }
  {
    g_autoptr (EspForeignRecipe) recipe = read_text (
        "invokeai_metadata",
        "{\"positive_prompt\":\"a dog\",\"seed\":6,\"cfg_scale\":7.5,\"scheduler\":\"euler\","
        "\"model\":{\"name\":\"m\",\"hash\":\"ff\"}}",
        "InvokeAI");
    assert_string (recipe, "prompt", "a dog");
    assert_double (recipe, "guidance", 7.5);
    assert_model (recipe, "m", "ff");
  }
  {
    g_autoptr (EspForeignRecipe) recipe
        = read_text ("sd-metadata",
                     "{\"model_weights\":\"sd-1\",\"image\":{\"prompt\":[{\"prompt\":\"old\","
                     "\"weight\":1}],\"seed\":7}}",
                     "InvokeAI");
    assert_string (recipe, "prompt", "old");
    assert_int (recipe, "seed", 7);
  }
  {
    g_autoptr (EspForeignRecipe) recipe
        = read_text ("parameters",
                     "{\"prompt\":\"fox\",\"seed\":\"8\",\"guidance_scale\":4.0,"
                     "\"base_model\":\"juggernaut\"}",
                     "Fooocus");
    assert_int (recipe, "seed", 8);
    assert_model (recipe, "juggernaut", NULL);
  }
}

static void
assert_nothing (GBytes *bytes)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (esp_foreign_recipe_read_bytes (bytes, "picture.png", &error));
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_NO_RECIPE);
  g_assert_nonnull (strstr (error->message, "picture.png"));
}

static void
test_nothing (void)
{
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  g_autoptr (GBytes) text = g_bytes_new_static ("not a picture", 13);
  g_autoptr (GBytes) plain = make_png (NULL);
  g_autoptr (GBytes) chat = make_png ("parameters", "I like boats", "Comment", "prompt", NULL);
  g_autoptr (GBytes) wrong
      = make_png ("prompt", "{\"a\":{\"class_type\":1,\"inputs\":[]}}", "parameters", "{]", NULL);

  assert_nothing (empty);
  assert_nothing (text);
  assert_nothing (plain);
  assert_nothing (chat);
  assert_nothing (wrong);
}

/* A recipe of ours with nothing in it is none; what another program wrote besides counts. */
static void
test_empty_own (void)
{
  static const guint8 chunk[] = "\0\0\0\x0fiTXtespalier\0\0\0\0\0{}\0\0\0";
  g_autoptr (GBytes) plain = make_png (NULL);
  g_autoptr (GBytes) parameters = make_png ("parameters", "a cat\nSteps: 4", NULL);
  GBytes *files[] = { plain, parameters };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autoptr (GByteArray) file = g_byte_array_new ();
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (EspForeignRecipe) read = NULL;
      gsize size;
      const guint8 *data = g_bytes_get_data (files[i], &size);

      g_byte_array_append (file, data, 33); /* to behind IHDR */
      g_byte_array_append (file, chunk, sizeof chunk);
      g_byte_array_append (file, data + 33, (guint) size - 33);
      bytes = g_bytes_new (file->data, file->len);
      if (files[i] == plain)
        {
          assert_nothing (bytes);
          continue;
        }
      read = esp_foreign_recipe_read_bytes (bytes, "picture.png", NULL);
      g_assert_nonnull (read);
      g_assert_false (read->own);
      assert_string (read, "prompt", "a cat");
    }
}

static void
test_hostile (void)
{
  g_autofree char *deep = g_strnfill (200000, '[');
  g_autofree char *nested = g_strdup_printf ("{\"a\":%s", deep);
  g_autoptr (GBytes) bytes = make_png ("prompt", nested, "parameters", nested, NULL);
  g_autoptr (GString) ring = g_string_new ("{");
  g_autoptr (GBytes) turning = NULL;
  g_autoptr (EspForeignRecipe) recipe = NULL;

  assert_nothing (bytes);

  /* Everything leads everywhere and nowhere to a text. */
  for (int i = 0; i < 600; i++)
    g_string_append_printf (ring,
                            "%s\"%d\":{\"class_type\":\"KSampler\",\"inputs\":{\"positive\":"
                            "[\"%d\",0],\"seed\":[\"%d\",0],\"steps\":-5,\"cfg\":1e400,"
                            "\"model\":[\"%d\",1]}}",
                            i > 0 ? "," : "", i, (i + 1) % 600, (i * 7) % 600, (i * 13) % 600);
  g_string_append_c (ring, '}');
  turning = make_png ("prompt", ring->str, NULL);
  recipe = esp_foreign_recipe_read_bytes (turning, "ring", NULL);
  if (recipe != NULL)
    g_assert_false (json_object_has_member (recipe->recipe, "prompt"));
}

static void
test_damaged (void)
{
  g_autoptr (GBytes) good = make_png (
      "parameters", "a\nNegative prompt: b\nSteps: 2, Seed: 3, Size: 4x5, Model: \"x\\\"\"",
      "prompt", "{\"1\":{\"class_type\":\"KSampler\",\"inputs\":{\"positive\":[\"1\",0]}}}", NULL);
  const EspRecipe recipe = { .json = "[]", .prompt = "x", .model = "y" };
  g_autoptr (GBytes) jpeg = esp_picture_to_bytes (dot, ESP_FORMAT_JPEG, &recipe, NULL, NULL, NULL);
  g_autoptr (GBytes) webp = esp_picture_to_bytes (dot, ESP_FORMAT_WEBP, &recipe, NULL, NULL, NULL);
  GBytes *files[] = { good, jpeg, webp };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      const gsize size = g_bytes_get_size (files[i]);

      for (int round = 0; round < 3000; round++)
        {
          const gsize length
              = round % 3 == 0 ? (gsize) g_test_rand_int_range (1, (gint32) size) : size;
          guint8 *data = g_memdup2 (g_bytes_get_data (files[i], NULL), length);
          g_autoptr (GBytes) wrong = g_bytes_new_take (data, length);
          g_autoptr (EspForeignRecipe) read = NULL;

          for (int k = 0; k < round % 5; k++)
            data[g_test_rand_int_range (0, (gint32) length)] = (guint8) g_test_rand_int ();
          read = esp_foreign_recipe_read_bytes (wrong, "wrong", NULL);
          if (read != NULL)
            g_assert_cmpuint (json_object_get_size (read->recipe), >, 0);
        }
    }
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  dot = esp_picture_new (1, 1, NULL);
  memset (dot->pixels, 7, 3);

  g_test_add_func ("/foreign-recipe/webui", test_webui);
  g_test_add_func ("/foreign-recipe/exif", test_exif);
  g_test_add_func ("/foreign-recipe/own", test_own);
  g_test_add_func ("/foreign-recipe/comfy-simple", test_comfy_simple);
  g_test_add_func ("/foreign-recipe/comfy-custom", test_comfy_custom);
  g_test_add_func ("/foreign-recipe/json", test_json);
  g_test_add_func ("/foreign-recipe/nothing", test_nothing);
  g_test_add_func ("/foreign-recipe/empty-own", test_empty_own);
  g_test_add_func ("/foreign-recipe/hostile", test_hostile);
  g_test_add_func ("/foreign-recipe/damaged", test_damaged);

  result = g_test_run ();
  esp_picture_unref (dot);
  return result;
}

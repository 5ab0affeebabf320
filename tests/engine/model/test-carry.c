/* SPDX-License-Identifier: MIT */
/* Latent carry: tokens come from an earlier edit where they are right, and else nothing changes. */
#include "check.h"

#include <math.h>

#include "espalier-engine.h"
#include "files/ppm.h"
#include "model/latents.h"
#include "model/model.h"

#define SIDE   64
#define TOKENS ((SIDE / ESP_SIZE_MULTIPLE) * (SIDE / ESP_SIZE_MULTIPLE))
#define BATCH  3

static EspModel *model;
static uint8_t photos[2][SIDE * SIDE * 3];
static EspImage images[2] = { { photos[0], SIDE, SIDE }, { photos[1], SIDE, SIDE } };
static EspEditResult earlier; /* of images[0]; its picture is edited below */

static EspEditRequest
request_for (const EspImage *picture)
{
  EspEditRequest request = ESP_EDIT_REQUEST_INIT;

  request.prompt = "Make it look like golden hour";
  request.images = picture;
  request.image_count = 1;
  request.steps = 2;
  request.size_mode = ESP_SIZE_MATCH;
  request.dtype = ESP_DTYPE_F32;
  return request;
}

static EspCarry
carry_of (const EspEditResult *result)
{
  return (EspCarry){ .latents = result->latents,
                     .width = result->image.width,
                     .height = result->image.height,
                     .token_width = result->latent_width };
}

static EspEditResult
edit (const EspEditRequest *request, const EspEditCallbacks *callbacks)
{
  EspEditResult result = ESP_EDIT_RESULT_INIT;
  EspError error = ESP_ERROR_INIT;

  CHECK_STATUS (esp_model_edit (model, request, callbacks, &result, &error), ESP_OK, error);
  return result;
}

static bool
same (const EspEditResult *a, const EspEditResult *b)
{
  size_t bytes = (size_t) (a->latent_tokens * a->latent_width) * sizeof (float);

  return a->latents != NULL && b->latents != NULL && memcmp (a->latents, b->latents, bytes) == 0
         && memcmp (a->image.pixels, b->image.pixels,
                    (size_t) a->image.width * (size_t) a->image.height * 3)
                == 0;
}

/* --- What is read ------------------------------------------------------------------------------
 */

/* The latents of a picture as edits read them, packed. */
static float *
encode (const EspImage *picture)
{
  const EspVaeConfig *config = esp_vae_config (model->vae);
  int64_t factor = esp_vae_factor (model->vae);
  EspLatentSize size
      = { picture->height / factor, picture->width / factor, config->latent_channels };
  EspVaeLimits limits = { .memory = (size_t) 1 << 30 };
  size_t pixels = (size_t) picture->width * (size_t) picture->height * 3;
  size_t count = (size_t) esp_latent_count (size);
  float *values = malloc (pixels * sizeof *values), *latents = malloc (count * sizeof *latents);
  float *tokens = malloc (count * sizeof *tokens);
  EspError error = ESP_ERROR_INIT;

  for (size_t i = 0; i < pixels; i++)
    values[i] = (float) picture->pixels[i] / 255.0f * 2.0f - 1.0f;
  CHECK_STATUS (esp_vae_encode (model->vae, model->vae_device, values, picture->height,
                                picture->width, &limits, latents, &error),
                ESP_OK, error);
  for (size_t i = 0; i < count; i++)
    latents[i] = (latents[i] - (float) config->shift_factor) * (float) config->scaling_factor;
  esp_pack_pixels (latents, size, tokens);
  free (values);
  free (latents);
  return tokens;
}

/* Carrying what the encoder gives changes no byte, whichever tokens it is. */
static void
what_the_encoder_gives_changes_nothing (void)
{
  EspEditRequest request = request_for (&earlier.image);
  EspEditResult plain = edit (&request, NULL), result;
  float *encoded = encode (&earlier.image);
  uint8_t some[TOKENS] = { 0 };

  CHECK (plain.carried == 0 && plain.not_carried[0] == '\0');
  request.carry = carry_of (&earlier);
  request.carry.latents = encoded;
  for (int round = 0; round < 2; round++)
    {
      for (int i = 0; i < TOKENS; i++)
        some[i] = i % 3 == 1 ? 255 : 0;
      request.carry.tokens = round == 0 ? NULL : some;
      result = edit (&request, NULL);
      CHECK (result.carried == (round == 0 ? 1.0 : 5.0 / 16));
      CHECK (same (&result, &plain));
      esp_edit_result_clear (&result);
    }
  esp_edit_result_clear (&plain);
  free (encoded);
}

/* Token by token: those not carried are the picture's, and no others. */
static void
each_token_is_the_one_that_was_asked_for (void)
{
  EspEditRequest request = request_for (&images[1]);
  float *encoded = encode (&images[1]), *mixed;
  uint8_t some[TOKENS];
  EspEditResult wanted, found;

  request.carry = carry_of (&earlier);
  mixed = malloc ((size_t) TOKENS * (size_t) earlier.latent_width * sizeof *mixed);
  for (int i = 0; i < TOKENS; i++)
    {
      some[i] = i * 7 % 5 < 2;
      memcpy (mixed + i * earlier.latent_width,
              (some[i] ? earlier.latents : encoded) + i * earlier.latent_width,
              (size_t) earlier.latent_width * sizeof *mixed);
    }
  request.carry.tokens = some;
  found = edit (&request, NULL);
  request.carry.tokens = NULL;
  request.carry.latents = mixed;
  wanted = edit (&request, NULL);
  CHECK (same (&found, &wanted));
  CHECK (wanted.carried == 1 && found.carried > 0.3 && found.carried < 0.5);
  esp_edit_result_clear (&wanted);
  esp_edit_result_clear (&found);
  free (encoded);
  free (mixed);
}

/* What is kept of a picture is the picture's, whatever was carried beside. */
static void
nothing_carried_is_kept_for_others (void)
{
  EspEditRequest request = request_for (&images[1]);
  EspEditResult before, carried, after;
  uint8_t some[TOKENS] = { [3] = 1, [9] = 1 };

  esp_model_set_cache_limit (model, 0);
  before = edit (&request, NULL);
  CHECK ((before.reused & ESP_REUSED_ENCODE) == 0);
  esp_model_set_cache_limit (model, ESP_WORK_CACHE_BYTES);
  request.carry = carry_of (&earlier);
  carried = edit (&request, NULL);
  CHECK (carried.reused & ESP_REUSED_ENCODE);
  CHECK (!same (&carried, &before));
  esp_edit_result_clear (&carried);
  request.carry.tokens = some;
  carried = edit (&request, NULL);
  CHECK (!same (&carried, &before));
  request.no_carry = true;
  after = edit (&request, NULL);
  CHECK (after.carried == 0 && (after.reused & ESP_REUSED_ENCODE));
  CHECK (same (&after, &before));
  esp_edit_result_clear (&before);
  esp_edit_result_clear (&carried);
  esp_edit_result_clear (&after);
}

/* --- What is not --------------------------------------------------------------------------------
 */

static void
latents_of_something_else_are_left (void)
{
  static const char *const words[] = { "another model", "64×48", "64×64 pixels" };
  static const char other[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
  EspEditRequest request = request_for (&earlier.image);
  EspImage wide = { photos[0], SIDE, SIDE / 2 };

  for (int i = 0; i < 3; i++)
    {
      EspEditResult plain, result;

      request.images = i == 2 ? &wide : &earlier.image;
      request.carry = (EspCarry){ 0 };
      plain = edit (&request, NULL);
      request.carry = carry_of (&earlier);
      request.carry.model_hash = i == 0 ? other : esp_model_info (model)->hash;
      request.carry.height = i == 1 ? SIDE - ESP_SIZE_MULTIPLE : SIDE;
      result = edit (&request, NULL);
      CHECK (result.carried == 0 && same (&result, &plain));
      CHECK (strstr (result.not_carried, words[i]) != NULL);
      esp_edit_result_clear (&plain);
      esp_edit_result_clear (&result);
    }
}

static void
impossible_ones_are_refused (void)
{
  EspEditRequest request = request_for (&earlier.image);
  float bad[TOKENS * 64] = { 0 };
  EspEditResult result;

  for (int i = 0; i < 6; i++)
    {
      EspError error = ESP_ERROR_INIT;

      request.carry = carry_of (&earlier);
      switch (i)
        {
        case 0:
          request.carry.width = 0;
          break;
        case 1:
          request.carry.height = SIDE + 1;
          break;
        case 2:
          request.carry.width = ESP_SIZE_MAX + ESP_SIZE_MULTIPLE;
          break;
        case 3:
          request.carry.token_width--;
          break;
        default:
          request.carry.latents = bad;
          bad[TOKENS * 64 - 1] = i == 4 ? NAN : -INFINITY;
        }
      CHECK_STATUS (esp_model_edit (model, &request, NULL, &result, &error),
                    i < 4 ? ESP_ERROR_ARGUMENT : ESP_ERROR_NUMERIC, error);
      CHECK_MESSAGE (error, "carry");
      request.no_carry = true;
      result = edit (&request, NULL);
      esp_edit_result_clear (&result);
      request.no_carry = false;
    }
}

/* --- With what else there is --------------------------------------------------------------------
 */

typedef struct Previews
{
  int count;
  double sum; /* of the last one */
} Previews;

static void
take_preview (void *data, int step, const EspImage *image)
{
  Previews *previews = data;

  previews->count++;
  previews->sum = 0;
  for (int i = 0; i < image->width * image->height * 3; i++)
    previews->sum += image->pixels[i] / (double) (image->width * image->height * 3);
}

static void
previews_need_no_encoder (void)
{
  Previews with = { 0 }, without = { 0 };
  EspEditCallbacks callbacks = { .preview = take_preview, .data = &without };
  EspEditRequest request = request_for (&earlier.image);
  EspEditResult result = edit (&request, &callbacks);

  esp_edit_result_clear (&result);
  request.carry = carry_of (&earlier);
  callbacks.data = &with;
  result = edit (&request, &callbacks);
  printf ("# mean of the last preview: %.1f, and %.1f where the picture is encoded\n", with.sum,
          without.sum);
  CHECK (with.count == request.steps && without.count == request.steps);
  CHECK (fabs (with.sum - without.sum) < 12);
  esp_edit_result_clear (&result);
}

typedef struct Batch
{
  EspEditResult results[BATCH];
} Batch;

static void
batch_done (void *data, int index, EspEditResult *result, const EspError *error)
{
  if (result != NULL)
    ((Batch *) data)->results[index] = *result;
}

/* In one pass or several, with a second picture, and with and without the negative prompt. */
static void
all_of_a_batch_carry_alike (void)
{
  EspImage pictures[2] = { earlier.image, images[1] };
  EspEditRequest request = request_for (pictures);
  uint8_t some[TOKENS] = { [0] = 1, [5] = 1, [15] = 1 };
  EspEditSample samples[BATCH] = { { .seed = 4 }, { .seed = 5 }, { .seed = 6 } };

  request.image_count = 2;
  request.negative_prompt = "rain";
  request.true_cfg = 1.5;
  request.carry = carry_of (&earlier);
  for (int round = 0; round < 2; round++)
    {
      Batch batch = { { ESP_EDIT_RESULT_INIT } };
      EspBatchCallbacks callbacks = { .done = batch_done, .data = &batch };
      EspError error = ESP_ERROR_INIT;

      request.carry.tokens = round == 0 ? NULL : some;
      esp_model_set_pass_limit (model, round + 2);
      CHECK_STATUS (esp_model_edit_batch (model, &request, samples, BATCH, &callbacks, &error),
                    ESP_OK, error);
      for (int i = 0; i < BATCH; i++)
        {
          EspEditResult single;

          request.seed = samples[i].seed;
          single = edit (&request, NULL);
          CHECK (single.carried == (round == 0 ? 1.0 : 3.0 / 16));
          CHECK (batch.results[i].carried == single.carried);
          CHECK (same (&batch.results[i], &single));
          esp_edit_result_clear (&single);
          esp_edit_result_clear (&batch.results[i]);
        }
    }
  esp_model_set_pass_limit (model, 0);
}

/* --- Where carried tokens and others meet -------------------------------------------------------
 */

/* The decoder's picture of tokens, 0 … 255. */
static float *
decode (const float *tokens, const EspImage *picture)
{
  const EspVaeConfig *config = esp_vae_config (model->vae);
  int64_t factor = esp_vae_factor (model->vae);
  EspLatentSize size
      = { picture->height / factor, picture->width / factor, config->latent_channels };
  EspVaeLimits limits = { .memory = (size_t) 1 << 30 };
  size_t count = (size_t) esp_latent_count (size);
  size_t values = (size_t) picture->width * (size_t) picture->height * 3;
  float *latents = malloc (count * sizeof *latents), *pixels = malloc (values * sizeof *pixels);
  EspError error = ESP_ERROR_INIT;

  esp_unpack_pixels (tokens, size, latents);
  for (size_t i = 0; i < count; i++)
    latents[i] = latents[i] / (float) config->scaling_factor + (float) config->shift_factor;
  CHECK_STATUS (esp_vae_decode (model->vae, model->vae_device, latents, size.height, size.width,
                                &limits, pixels, &error),
                ESP_OK, error);
  for (size_t i = 0; i < values; i++)
    pixels[i] = fminf (fmaxf (pixels[i] * 127.5f + 127.5f, 0), 255);
  free (latents);
  return pixels;
}

/* Of the columns from `first` up to `last`, dB. */
static double
psnr (const float *pixels, const EspImage *picture, int first, int last)
{
  double sum = 0;

  for (int y = 0; y < picture->height; y++)
    for (int i = 3 * first; i < 3 * last; i++)
      sum += pow ((double) pixels[y * picture->width * 3 + i]
                      - picture->pixels[y * picture->width * 3 + i],
                  2);
  return 10 * log10 (255.0 * 255.0 * (last - first) * 3 * picture->height / (sum + 1e-9));
}

/* The left half is carried, the right one is encoded: what the decoder makes of both together is no
 * worse where they meet than where all is encoded, and better where it was carried. */
static void
there_is_no_seam (void)
{
  const EspImage *picture = &earlier.image;
  int middle = picture->width / 2 / ESP_SIZE_MULTIPLE * ESP_SIZE_MULTIPLE;
  int columns = picture->width / ESP_SIZE_MULTIPLE;
  float *encoded = encode (picture), *mixed = encode (picture), *all, *half;
  double seam, seam_encoded, carried, right;

  for (int i = 0; i < earlier.latent_tokens; i++)
    if (i % columns < middle / ESP_SIZE_MULTIPLE)
      memcpy (mixed + i * earlier.latent_width, earlier.latents + i * earlier.latent_width,
              (size_t) earlier.latent_width * sizeof *mixed);
  all = decode (encoded, picture);
  half = decode (mixed, picture);
  seam = psnr (half, picture, middle - 8, middle + 8);
  seam_encoded = psnr (all, picture, middle - 8, middle + 8);
  carried = psnr (half, picture, 0, middle - 16);
  right = psnr (half, picture, middle + 16, picture->width);
  printf ("# %dx%d, dB to the picture they are of: carried %.1f, 8 px either side of the seam %.1f "
          "(encoded there: %.1f), encoded %.1f\n",
          picture->width, picture->height, carried, seam, seam_encoded, right);
  CHECK (seam >= seam_encoded - 0.5);
  CHECK (carried > seam_encoded + 3);
  free (encoded);
  free (mixed);
  free (all);
  free (half);
}

/* test-carry PHOTO.ppm: only the seam, in what the model makes of a photo of multiples of 16. */
static int
measure_seam (const char *path)
{
  EspImage photo = { NULL, 0, 0 };
  EspError error = ESP_ERROR_INIT;
  EspEditRequest request = request_for (&photo);

  CHECK_STATUS (esp_ppm_read (path, 1 << 24, &photo, &error), ESP_OK, error);
  request.prompt = "Keep the photo the same";
  request.steps = 0;
  esp_edit_result_clear (&earlier);
  earlier = edit (&request, NULL);
  CASE (there_is_no_seam);
  esp_edit_result_clear (&earlier);
  free (photo.pixels);
  esp_model_close (model);
  return check_done ();
}

int
main (int argc, char **argv)
{
  EspError error = ESP_ERROR_INIT;
  EspEditRequest request = request_for (images);

  for (int i = 0; i < SIDE * SIDE * 3; i++)
    {
      photos[0][i] = (uint8_t) (i * 5 + i / 190 * 3);
      photos[1][i] = (uint8_t) (200 - i / 97);
    }
  CHECK_STATUS (esp_model_open (getenv ("ESP_DEMO_MODEL"), &model, &error), ESP_OK, error);
  if (error.status != ESP_OK)
    return 1;
  if (argc > 1)
    return measure_seam (argv[1]);
  request.prompt = "Make it snow";
  request.images = &images[1];
  request.seed = 11;
  earlier = edit (&request, NULL);
  CASE (what_the_encoder_gives_changes_nothing);
  CASE (each_token_is_the_one_that_was_asked_for);
  CASE (nothing_carried_is_kept_for_others);
  CASE (latents_of_something_else_are_left);
  CASE (impossible_ones_are_refused);
  CASE (previews_need_no_encoder);
  CASE (all_of_a_batch_carry_alike);
  CASE (there_is_no_seam);
  esp_edit_result_clear (&earlier);
  esp_model_close (model);
  return check_done ();
}

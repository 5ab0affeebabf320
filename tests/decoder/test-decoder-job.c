/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A job as its process does it, without the process, and what the program makes of the answers: of
 * true ones, and of true ones with noise in them. */
#include "decoder-job.h"
#include "esp-decode.h"
#include "esp-decoder-answer-private.h"
#include "esp-picture-memory.h"
#include "esp-sealed-memory.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  guint8 message[ESP_DECODER_MESSAGE_MAX];
  gsize size;
  GBytes *result;
} Done;

/* So that nothing of the test's own is where a job's descriptors are put. */
static void
reserve_descriptors (void)
{
  int fd;

  do
    fd = open ("/dev/null", O_RDONLY);
  while (fd >= 0 && fd < DECODER_JOB_N_DESCRIPTORS);
  close (fd);
}

static Done *
do_job (EspDecoderTask task, const void *data, gsize size)
{
  EspDecoderJob job = { .magic = ESP_DECODER_JOB, .task = task, .size = size };
  Done *done = g_new0 (Done, 1);
  const int file = esp_sealed_memory_copy ("test", data, size);
  const int result = esp_sealed_memory_new ("test", 0);
  EspDecoderAnswer head;
  int ends[2];
  ssize_t n;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET, 0, ends), ==, 0);
  job.kind = esp_picture_kind_find (data, size);
  g_assert_cmpint (dup2 (ends[1], DECODER_JOB_SOCKET), ==, DECODER_JOB_SOCKET);
  g_assert_cmpint (dup2 (file, DECODER_JOB_FILE), ==, DECODER_JOB_FILE);
  g_assert_cmpint (dup2 (result, DECODER_JOB_RESULT), ==, DECODER_JOB_RESULT);
  decoder_job_run (&job, "the-name");

  n = recv (ends[0], done->message, sizeof done->message, MSG_DONTWAIT);
  g_assert_cmpint (n, >=, (gssize) sizeof head);
  done->size = (gsize) n;
  memcpy (&head, done->message, sizeof head);
  g_assert_true (esp_sealed_memory_seal (result)); /* nothing is mapped any more */
  g_assert_true (esp_sealed_memory_check (result, head.size));
  done->result = esp_sealed_memory_map (result, head.size);
  close (result);
  close (file);
  close (ends[0]);
  close (ends[1]);
  return done;
}

static void
done_free (Done *done)
{
  g_bytes_unref (done->result);
  g_free (done);
}

static Done *
do_file (EspDecoderTask task, const char *name)
{
  g_autofree char *path = g_build_filename (g_getenv ("ESP_TEST_DATA"), "images", name, NULL);
  g_autofree char *data = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  return do_job (task, data, size);
}

/* Upright ones go straight into the memory, those to be turned by way of another; one says so only
 * at its end. */
static void
test_pictures (void)
{
  static const char *const names[]
      = { "rgb.png", "orient-6.jpg", "exif-last.png", "orient-8.tif",  "icc-wide.webp",
          "rgb.bmp", "rgb.ppm",      "animated.gif",  "icc-broken.png" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path
          = g_build_filename (g_getenv ("ESP_TEST_DATA"), "images", names[i], NULL);
      g_autofree char *data = NULL;
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (EspPicture) picture = NULL;
      EspPictureInfo info = ESP_PICTURE_INFO_INIT;
      EspDecoderAnswered answered;
      Done *done;
      gsize size;

      g_assert_true (g_file_get_contents (path, &data, &size, NULL));
      bytes = g_bytes_new (data, size);
      picture = esp_decode_picture (bytes, "the-name", -1, &info, NULL, NULL);
      g_assert_nonnull (picture);

      done = do_job (ESP_DECODER_PICTURE, data, size);
      g_assert_true (
          _esp_decoder_answer_read (&answered, ESP_DECODER_PICTURE, done->message, done->size));
      g_assert_cmpuint (answered.head.outcome, ==, ESP_DECODER_DONE);
      g_assert_cmpint (answered.head.width, ==, picture->width);
      g_assert_cmpint (answered.head.height, ==, picture->height);
      g_assert_cmpmem (g_bytes_get_data (done->result, NULL), g_bytes_get_size (done->result),
                       picture->pixels, ESP_PICTURE_BYTES (picture->width, picture->height));
      g_assert_cmpstr (answered.info.format, ==, info.format);
      g_assert_cmpint (answered.info.orientation, ==, info.orientation);
      g_assert_cmpint (answered.info.bits, ==, info.bits);
      g_assert_cmpint (answered.info.has_alpha, ==, info.has_alpha);
      g_assert_cmpint (answered.info.animated, ==, info.animated);
      g_assert_cmpint (answered.info.converted, ==, info.converted);
      g_assert_cmpstr (answered.info.profile, ==, info.profile);
      g_assert_cmpint (answered.info.warnings != NULL, ==, info.warnings != NULL);
      if (info.warnings != NULL)
        g_assert_cmpstr (answered.info.warnings->pdata[0], ==, info.warnings->pdata[0]);
      _esp_decoder_answer_clear (&answered);
      esp_picture_info_clear (&info);
      done_free (done);
    }
}

static void
test_errors (void)
{
  static const struct
  {
    EspDecoderTask task;
    const char *data;
    gsize size;
    int code;
  } cases[] = {
    { ESP_DECODER_PICTURE, "P6\n2 2\n255\nfew", 14, ESP_IMAGE_ERROR_DAMAGED },
    { ESP_DECODER_PICTURE, "P6\n40000 2\n255\n", 15, ESP_IMAGE_ERROR_TOO_LARGE },
    { ESP_DECODER_PICTURE, "none at all", 11, ESP_IMAGE_ERROR_UNSUPPORTED },
    { ESP_DECODER_RECIPE, "\x89PNG\r\n\x1a\n", 8, ESP_IMAGE_ERROR_NO_RECIPE },
    { ESP_DECODER_FOREIGN_RECIPE, "\x89PNG\r\n\x1a\n", 8, ESP_IMAGE_ERROR_NO_RECIPE },
    { ESP_DECODER_STRIP, "\x89PNG\r\n\x1a\nxx", 10, ESP_IMAGE_ERROR_DAMAGED },
    { ESP_DECODER_STRIP, "GIF89a", 6, ESP_IMAGE_ERROR_UNSUPPORTED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Done *done = do_job (cases[i].task, cases[i].data, cases[i].size);
      EspDecoderAnswered answered;

      g_assert_true (
          _esp_decoder_answer_read (&answered, cases[i].task, done->message, done->size));
      g_test_message ("%s", answered.message);
      g_assert_cmpint ((int) answered.head.outcome - 1, ==, cases[i].code);
      g_assert_nonnull (strstr (answered.message, "the-name"));
      g_assert_cmpuint (answered.head.size, ==, 0);
      _esp_decoder_answer_clear (&answered);
      done_free (done);
    }
}

static void
test_strip (void)
{
  Done *done = do_file (ESP_DECODER_STRIP, "exif-first.png");
  EspDecoderAnswered answered;

  g_assert_true (
      _esp_decoder_answer_read (&answered, ESP_DECODER_STRIP, done->message, done->size));
  g_assert_cmpuint (answered.head.outcome, ==, ESP_DECODER_DONE);
  g_assert_cmpuint (g_bytes_get_size (done->result), >, 60);
  _esp_decoder_answer_clear (&answered);
  done_free (done);
}

static void
assert_makes_sense (const EspDecoderAnswered *answered)
{
  const EspDecoderAnswer *head = &answered->head;

  g_assert_cmpint (head->width, >=, 0);
  g_assert_cmpint (head->width, <=, ESP_PICTURE_MAX_SIDE);
  g_assert_cmpint (head->height, <=, ESP_PICTURE_MAX_SIDE);
  if (head->outcome == ESP_DECODER_DONE)
    g_assert_cmpuint (head->size, ==, ESP_PICTURE_BYTES (head->width, head->height));
  else
    g_assert_nonnull (answered->message);
  g_assert_cmpint (answered->info.orientation, >=, 1);
  g_assert_cmpint (answered->info.orientation, <=, 8);
  if (answered->info.profile != NULL)
    g_assert_true (g_utf8_validate (answered->info.profile, -1, NULL));
  for (guint i = 0; answered->info.warnings != NULL && i < answered->info.warnings->len; i++)
    g_assert_true (g_utf8_validate (answered->info.warnings->pdata[i], -1, NULL));
}

/* Answers with some bytes other than they were, or cut: either refused or within all bounds. */
static void
test_noise (void)
{
  static const char *const names[]
      = { "rgb.png", "icc-broken.png", "icc-p3.png", "no-loader.avif" };
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);
  guint taken = 0, refused = 0;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      Done *done = do_file (ESP_DECODER_PICTURE, names[i]);

      for (guint round = 0; round < 20000; round++)
        {
          const gsize size = round % 4 == 0
                                 ? (gsize) g_rand_int_range (rand, 0, (int) done->size + 1)
                                 : done->size;
          /* Just as much memory, so that a sanitizer sees what is read behind it. */
          g_autofree guint8 *message = g_memdup2 (done->message, size);
          EspDecoderAnswered answered;

          for (guint k = 0; size > 0 && k < round % 3; k++)
            message[g_rand_int_range (rand, 0, (int) size)]
                ^= (guint8) (1 << g_rand_int_range (rand, 0, 8));
          if (_esp_decoder_answer_read (&answered, ESP_DECODER_PICTURE, message, size))
            {
              assert_makes_sense (&answered);
              _esp_decoder_answer_clear (&answered);
              taken++;
            }
          else
            refused++;
        }
      done_free (done);
    }
  g_test_message ("%u taken, %u refused", taken, refused);
  g_assert_cmpuint (taken, >, 1000);
  g_assert_cmpuint (refused, >, 1000);
}

int
main (int argc, char **argv)
{
  reserve_descriptors ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decoder-job/pictures", test_pictures);
  g_test_add_func ("/decoder-job/errors", test_errors);
  g_test_add_func ("/decoder-job/strip", test_strip);
  g_test_add_func ("/decoder-job/noise", test_noise);
  return g_test_run ();
}

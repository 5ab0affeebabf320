/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a picture that has taken its decoder over can reach (nothing), what is believed of what it
 * says (nothing), and that whatever becomes of it is an error of that one picture: the next is read
 * well. The decoder is hostile-decoder.c, whose path is the first argument. */
#include "esp-decoder-private.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "esp-picture-memory.h"
#include "esp-sealed-memory.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature (address_sanitizer)
#else
#define SANITIZED 0
#endif

/* Of processor time; twice as many by the clock. */
#define PATIENCE 1

static const char *program;

static guint
count_descriptors (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* The processes whose parent this is, also those that have ended and nobody has asked after. */
static guint
count_children (int parent)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc", 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc", name, "stat", NULL);
      g_autofree char *text = NULL;
      const char *behind;

      if (!g_ascii_isdigit (name[0]) || !g_file_get_contents (path, &text, NULL, NULL))
        continue;
      behind = strrchr (text, ')');
      n += behind != NULL && strlen (behind) > 4 && atoi (behind + 4) == parent;
    }
  return n;
}

static void
wait_for_children (int parent, guint wanted)
{
  while (count_children (parent) != wanted)
    g_usleep (5000);
}

/* The threads that each wait for a decoder's end, and close what leads to it. */
static guint
count_keepers (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/task", name, "comm", NULL);
      g_autofree char *text = NULL;

      n += g_file_get_contents (path, &text, NULL, NULL) && g_str_equal (text, "decoder\n");
    }
  return n;
}

/* A decoder of which nothing that an earlier one had open is left. */
static EspDecoder *
start_alone (guint patience)
{
  while (count_keepers () != 0)
    g_usleep (1000);
  return _esp_decoder_new (program, patience);
}

static EspPicture *
read_text (EspDecoder *decoder, const char *text, gsize size, EspPictureInfo *info,
           GCancellable *cancellable, GError **error)
{
  EspDecoderRequest request = { .task = ESP_DECODER_PICTURE, .name = "the-name", .size = size };
  EspDecoderAnswered answered;
  EspPicture *picture = NULL;
  int result;

  request.kind = esp_picture_kind_find ((const guint8 *) text, size);
  request.file = esp_sealed_memory_copy ("test", text, size);
  g_assert_cmpint (request.file, >=, 0);
  result = _esp_decoder_run (decoder, &request, &answered, cancellable, error);
  close (request.file);
  if (result >= 0)
    {
      picture = esp_picture_new_sealed (result, answered.head.width, answered.head.height, error);
      close (result);
    }
  _esp_decoder_answer_clear (&answered);
  return picture;
}

static EspPicture *
ask (EspDecoder *decoder, const char *what, GCancellable *cancellable, GError **error)
{
  g_autofree char *text = g_strconcat ("P6\n!", what, NULL);

  return read_text (decoder, text, strlen (text), NULL, cancellable, error);
}

/* The next picture, whatever was before. */
static void
assert_reads_well (EspDecoder *decoder)
{
  static const char ppm[] = "P6\n2 1\n255\nabcdef";
  g_autoptr (GError) error = NULL;
  g_autoptr (EspPicture) picture = read_text (decoder, ppm, sizeof ppm - 1, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpint (picture->width, ==, 2);
  g_assert_cmpmem (picture->pixels, 6, "abcdef", 6);
}

/* ---- what it reaches */

static void
test_reach (void)
{
  EspDecoder *decoder = _esp_decoder_new (program, 60);
  g_autofree char *folder = g_dir_make_tmp ("espalier-hostile-XXXXXX", NULL);
  g_autofree char *there = g_build_filename (folder, "there", NULL);
  g_autofree char *words = g_strdup_printf ("try %d %s", (int) getpid (), folder);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  g_assert_true (g_file_set_contents (there, "mine", -1, NULL));
  g_assert_null (ask (decoder, words, NULL, &error));
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED);
  g_test_message ("what worked: %s", error->message);
  g_assert_cmpstr (error->message, ==, "nothing");

  /* Seen from outside as well. */
  g_assert_true (g_file_get_contents (there, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "mine");
  g_assert_cmpint (g_remove (there), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
  assert_reads_well (decoder);
  _esp_decoder_free (decoder);
}

/* ---- what it says */

static void
test_lies (void)
{
  static const char *const lies[]
      = { "size",           "memory", "sides", "negative", "outcome", "format",
          "orientation",    "flags",  "utf-8", "control",  "unended", "warnings",
          "fewer-warnings", "length", "short", "magic",    "end",     "mapped" };
  EspDecoder *decoder = start_alone (60);
  guint open_before;

  assert_reads_well (decoder);
  open_before = count_descriptors ();
  for (guint i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      g_autofree char *words = g_strconcat ("lie ", lies[i], NULL);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", lies[i]);
      g_assert_null (ask (decoder, words, NULL, &error));
      g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_DAMAGED);
      g_assert_nonnull (strstr (error->message, "the-name"));
      g_assert_null (strchr (error->message, '\x1b'));
    }
  assert_reads_well (decoder);
  wait_for_children (_esp_decoder_get_pid (decoder), 0);
  g_assert_cmpuint (count_descriptors (), ==, open_before);
  _esp_decoder_free (decoder);
}

/* It changes the result while it is taken: either it is refused, or what was taken stays. */
static void
test_changing (void)
{
  static const char *const ways[] = { "nothing", "shrink", "scribble", "flood" };
  EspDecoder *decoder = _esp_decoder_new (program, 60);

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    for (guint round = 0; round < 20; round++)
      {
        g_autofree char *words = g_strconcat ("lie ", ways[i], NULL);
        g_autoptr (GError) error = NULL;
        g_autoptr (EspPicture) picture = ask (decoder, words, NULL, &error);
        guint8 first[48];

        if (picture == NULL)
          {
            g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_DAMAGED);
            g_assert_cmpstr (ways[i], ==, "shrink");
            continue;
          }
        g_assert_cmpint (picture->width, ==, 4);
        memcpy (first, picture->pixels, sizeof first);
        g_assert_cmpint (first[47], ==, 7);
        g_usleep (500);
        g_assert_cmpmem (picture->pixels, sizeof first, first, sizeof first);
      }
  assert_reads_well (decoder);
  _esp_decoder_free (decoder);
}

/* ---- how it ends */

static void
test_ends (void)
{
  static const struct
  {
    const char *how;
    const char *words;
  } ends[] = {
    { "spinning", "too long" }, { "sleeping", "too long" }, { "hiding", "too long" },
    { "crashing", "failed" },   { "aborting", "failed" },   { "trapping", "failed" },
    { "writing", "failed" },    { "leaving", "failed" },
  };
  EspDecoder *decoder = start_alone (PATIENCE);
  guint open_before;
  int pid;

  assert_reads_well (decoder);
  open_before = count_descriptors ();
  pid = _esp_decoder_get_pid (decoder);
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      g_autofree char *words = g_strconcat ("end ", ends[i].how, NULL);
      const int code
          = g_str_equal (ends[i].words, "failed") ? ESP_IMAGE_ERROR_DAMAGED : ESP_IMAGE_ERROR_READ;
      g_autoptr (GError) error = NULL;

      g_assert_null (ask (decoder, words, NULL, &error));
      g_test_message ("%s: %s", ends[i].how, error->message);
      /* A busy computer may be slow with a picture that is as it should be. */
      g_assert_error (error, ESP_IMAGE_ERROR, code);
      g_assert_nonnull (strstr (error->message, "the-name"));
      g_assert_nonnull (strstr (error->message, ends[i].words));
      assert_reads_well (decoder);
    }
  g_assert_cmpint (_esp_decoder_get_pid (decoder), ==, pid); /* which none of them ended */
  wait_for_children (pid, 0);
  g_assert_cmpuint (count_descriptors (), ==, open_before);
  _esp_decoder_free (decoder);
}

static gpointer
cancel_soon (gpointer cancellable)
{
  g_usleep (50000);
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancelled (void)
{
  EspDecoder *decoder = _esp_decoder_new (program, 3600);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);

  g_assert_null (ask (decoder, "end sleeping", cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
  wait_for_children (_esp_decoder_get_pid (decoder), 0);
  assert_reads_well (decoder);
  _esp_decoder_free (decoder);
}

typedef struct
{
  EspDecoder *decoder;
  gint n_read; /* atomic */
} Many;

static gpointer
read_many (gpointer data)
{
  Many *many = data;

  for (int i = 0; i < 25; i++)
    {
      assert_reads_well (many->decoder);
      g_atomic_int_inc (&many->n_read);
    }
  return NULL;
}

/* Threads beside each other, one that does not end among them. */
static void
test_many (void)
{
  Many many = { _esp_decoder_new (program, 3600), 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GThread *threads[8];
  GThread *stuck;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("read", read_many, &many);
  stuck = g_thread_new ("cancel", cancel_soon, cancellable);
  g_assert_null (ask (many.decoder, "end sleeping", cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_thread_join (stuck);
  g_assert_cmpint (many.n_read, ==, 200);
  _esp_decoder_free (many.decoder);
}

/* ---- the decoder itself */

static void
test_killed (void)
{
  EspDecoder *decoder = _esp_decoder_new (program, 60);

  for (int i = 0; i < 5; i++)
    {
      int pid;

      assert_reads_well (decoder);
      pid = _esp_decoder_get_pid (decoder);
      g_assert_cmpint (pid, >, 0);
      g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
      if (i % 2 == 0) /* else at once, while nobody has noticed */
        while (_esp_decoder_get_pid (decoder) == pid)
          g_usleep (1000);
    }
  assert_reads_well (decoder);
  _esp_decoder_free (decoder);
  wait_for_children (getpid (), 0);
}

static void
test_missing (void)
{
  static const char *const programs[] = { "/nonexistent/espalier-decoder", "/", "/bin/false" };

  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      EspDecoder *decoder = _esp_decoder_new (programs[i], 60);
      g_autoptr (GError) error = NULL;

      g_assert_null (ask (decoder, "anything", NULL, &error));
      g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_READ);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, "the-name"));
      g_assert_nonnull (strstr (error->message, "program that decodes pictures"));
      _esp_decoder_free (decoder);
    }
  wait_for_children (getpid (), 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  program = argv[1];
  g_assert_nonnull (program);
  g_test_add_func ("/decoder/reach", test_reach);
  g_test_add_func ("/decoder/lies", test_lies);
  g_test_add_func ("/decoder/changing", test_changing);
  g_test_add_func ("/decoder/ends", test_ends);
  g_test_add_func ("/decoder/cancelled", test_cancelled);
  g_test_add_func ("/decoder/many", test_many);
  g_test_add_func ("/decoder/killed", test_killed);
  g_test_add_func ("/decoder/missing", test_missing);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Results that came and were not stored: the process is killed between the answer and its caller's
 * saving, the disk is full, what was kept is damaged. Paid for once, and the same bytes later. */
#include "turn-fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

static char *program;

static const char nothing_works[] = "[{\"where\":\"any\",\"kind\":\"status\",\"status\":500}]";

static char *
dup_folder (void)
{
  return g_build_filename (g_get_user_data_dir (), "espalier", "jobs", NULL);
}

static char *
dup_image_path (const char *id, const char *suffix)
{
  g_autofree char *folder = dup_folder ();
  g_autofree char *name = g_strconcat (id, "-0.image", suffix, NULL);

  return g_build_filename (folder, name, NULL);
}

static guint
count_files (void)
{
  g_autofree char *folder = dup_folder ();
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static char *
dup_hashes (const EspRemoteResult *result)
{
  GString *hashes = g_string_new (NULL);

  for (guint i = 0; i < result->images->len; i++)
    {
      const EspReceivedImage *image = g_ptr_array_index (result->images, i);
      g_autofree char *hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, image->bytes);

      g_string_append_printf (hashes, " %s", hash);
    }
  return g_string_free (hashes, FALSE);
}

/* --- The one that is killed ------------------------------------------------------------------- */

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

/* Makes a turn, says what came of it, and then never stores it. */
static int
be_victim (char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttp) http = esp_http_new ();
  g_autoptr (EspProvider) provider = esp_provider_new_from_file (arguments[0], FALSE, &error);
  g_autoptr (GPtrArray) images = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (JsonObject) parameters = json_object_new ();
  g_autoptr (GAsyncResult) over = NULL;
  g_autoptr (EspRemoteResult) result = NULL;
  g_autofree char *hashes = NULL;
  EspRemoteRequest request = { .provider = provider,
                               .base_url = arguments[1],
                               .key = arguments[2],
                               .id = arguments[3],
                               .images = images,
                               .parameters = parameters,
                               .patience = 20 };
  char *picture;
  gsize length;

  g_assert_no_error (error);
  if (!g_file_get_contents (arguments[4], &picture, &length, &error))
    g_error ("%s", error->message);
  g_ptr_array_add (images, g_bytes_new_take (picture, length));
  json_object_set_string_member (parameters, "prompt", "Make it snow");
  esp_remote_turn_start_async (http, &request, NULL, NULL, NULL, on_done, &over);
  while (over == NULL)
    g_main_context_iteration (NULL, TRUE);
  result = esp_remote_turn_start_finish (over, &error);
  if (result == NULL)
    g_error ("%s", error->message);

  hashes = dup_hashes (result);
  printf ("%" G_GINT64_FORMAT " %.6f%s\n", result->has_seed ? result->seed : -1, result->cost,
          hashes);
  fflush (stdout);
  pause ();
  return 0;
}

/* Returns what the victim had: "SEED COST HASH…". */
static char *
run_victim (TurnWorld *world, const char *descriptor)
{
  g_autofree char *file = g_strconcat (descriptor, ".json", NULL);
  g_autofree char *path
      = g_build_filename (g_getenv ("ESPALIER_DATA_DIR"), "providers", file, NULL);
  g_autofree char *picture = g_build_filename (g_get_user_data_dir (), "picture.png", NULL);
  GBytes *bytes = world->images->pdata[0];
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GDataInputStream) lines = NULL;
  char *line;

  g_assert_true (g_file_set_contents (picture, g_bytes_get_data (bytes, NULL),
                                      (gssize) g_bytes_get_size (bytes), &error));
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program, "--victim", path,
                              world->base_url, world->key != NULL ? world->key : "", world->id,
                              picture, NULL);
  g_assert_no_error (error);
  lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  line = g_data_input_stream_read_line (lines, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (line);
  g_subprocess_send_signal (process, SIGKILL);
  g_subprocess_wait (process, NULL, NULL);
  g_unlink (picture);
  return line;
}

static char *
dup_told (const EspRemoteResult *result)
{
  g_autofree char *hashes = dup_hashes (result);

  return g_strdup_printf ("%" G_GINT64_FORMAT " %.6f%s", result->has_seed ? result->seed : -1,
                          result->cost, hashes);
}

/* --- Killed ----------------------------------------------------------------------------------- */

typedef struct
{
  const char *descriptor, *fake, *options, *faults;
  guint images;
} Flow;

static const Flow flows[] = {
  { "oxen-flux-kontext-dev-sync", "oxen", NULL, NULL, 1 },
  { "openai-images", "openai", "{\"max_side\": 96, \"flavour\": \"vllm\"}", NULL, 1 },
  { "runpod-flux-kontext-dev", "runpod", NULL, NULL, 1 },
  { "sdcpp-server", "sdcpp", NULL, NULL, 1 },
  { "replicate-flux-kontext-dev", "replicate", "{\"max_side\": 64, \"flavour\": \"array\"}",
    "[{\"where\": \"job\", \"kind\": \"two\"}]", 2 },
};

static void
test_killed (gconstpointer data)
{
  const Flow *flow = data;
  g_autoptr (TurnWorld) world
      = turn_world_new (flow->descriptor, flow->fake, flow->options, flow->faults);
  g_autofree char *had = run_victim (world, flow->descriptor);
  g_autoptr (GPtrArray) records = esp_journal_list ();
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = NULL;
  g_autofree char *told = NULL;

  g_assert_cmpuint (records->len, ==, 1);
  g_assert_cmpint (esp_record_get_state (records->pdata[0]), ==, ESP_RECORD_SUCCEEDED);
  g_assert_false (esp_record_is_busy (records->pdata[0]));
  g_assert_true (esp_remote_turn_is_here (world->id));
  g_assert_cmpuint (count_files (), ==, 2 + flow->images);

  /* Neither a key, nor a server that answers. */
  g_clear_pointer (&world->key, g_free);
  turn_world_set_faults (world, nothing_works);
  result = turn_world_resume (world, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (result->images->len, ==, flow->images);
  told = dup_told (result);
  g_assert_cmpstr (told, ==, had);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 1);
  g_assert_cmpint (turn_world_count (world, "accepted"), ==, 1);
  g_assert_cmpint (turn_world_count (world, "charges"), ==, 1);

  g_assert_true (esp_remote_turn_settle (world->id, &error));
  g_assert_cmpuint (count_files (), ==, 0);
  g_assert_false (esp_remote_turn_is_here (world->id));
}

/* --- Not stored ------------------------------------------------------------------------------- */

/* By the same process: the caller's disk is full. */
static void
test_again (void)
{
  g_autoptr (TurnWorld) world
      = turn_world_new (flows[1].descriptor, flows[1].fake, flows[1].options, flows[1].faults);
  g_autofree char *path = dup_image_path (world->id, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) first = turn_world_run (world, &error);
  g_autoptr (EspRemoteResult) second = NULL;
  g_autofree char *had = NULL;
  g_autofree char *told = NULL;
  GStatBuf info;

  g_assert_no_error (error);
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 0077, ==, 0);
  turn_world_set_faults (world, nothing_works);
  second = turn_world_resume (world, &error);
  g_assert_no_error (error);
  had = dup_told (first);
  told = dup_told (second);
  g_assert_cmpstr (told, ==, had);
  g_assert_true (esp_remote_turn_settle (world->id, &error));
  g_assert_cmpuint (count_files (), ==, 0);
}

/* A folder stands where the image would be written, as a full disk would. */
static void
test_no_space (gconstpointer data)
{
  const Flow *flow = data;
  g_autoptr (TurnWorld) world
      = turn_world_new (flow->descriptor, flow->fake, flow->options, flow->faults);
  g_autofree char *path = dup_image_path (world->id, ".new");
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = NULL;
  guint n_told = 0;

  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
  result = turn_world_run (world, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (result->images->len, ==, 1);
  for (guint i = 0; i < result->notes->len; i++)
    n_told += strstr (result->notes->pdata[i], "could not be kept") != NULL;
  g_assert_cmpuint (n_told, ==, 1);
  g_assert_false (esp_remote_turn_is_here (world->id));
  g_rmdir (path);
  g_assert_true (esp_remote_turn_settle (world->id, &error));
  g_assert_cmpuint (count_files (), ==, 0);
}

/* --- Damaged ---------------------------------------------------------------------------------- */

static void
damage (TurnWorld *world)
{
  g_autofree char *path = dup_image_path (world->id, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_set_contents (path, "half an im", -1, &error));
}

static void
test_damaged (void)
{
  g_autoptr (TurnWorld) world = turn_world_new (flows[2].descriptor, flows[2].fake, NULL, NULL);
  g_autofree char *had = run_victim (world, flows[2].descriptor);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = NULL;
  g_autofree char *told = NULL;

  damage (world);
  result = turn_world_resume (world, &error);
  g_assert_no_error (error);
  told = dup_told (result);
  g_assert_cmpstr (told, ==, had);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 1);
  g_assert_cmpint (turn_world_count (world, "download"), ==, 2);

  /* And once more, without a key: by the link. */
  damage (world);
  g_clear_pointer (&world->key, g_free);
  g_clear_pointer (&result, esp_remote_result_free);
  result = turn_world_resume (world, &error);
  g_assert_no_error (error);
  g_assert_cmpint (turn_world_count (world, "download"), ==, 3);
  g_assert_true (esp_remote_turn_is_here (world->id));
  g_assert_true (esp_remote_turn_settle (world->id, &error));
  g_assert_cmpuint (count_files (), ==, 0);
}

/* It came in the answer, which cannot be had again: told, never sent again. */
static void
test_damaged_sync (void)
{
  g_autoptr (TurnWorld) world
      = turn_world_new (flows[1].descriptor, flows[1].fake, flows[1].options, NULL);
  g_autofree char *had = run_victim (world, flows[1].descriptor);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = NULL;

  damage (world);
  result = turn_world_resume (world, &error);
  g_assert_null (result);
  g_assert_cmpint (esp_fault_error_get_report (error)->fault, ==, ESP_FAULT_UNKNOWN);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 1);
  g_assert_true (esp_remote_turn_settle (world->id, NULL));
  g_assert_cmpuint (count_files (), ==, 0);
}

/* Of two one is whole. */
static void
test_damaged_one (void)
{
  g_autoptr (TurnWorld) world
      = turn_world_new (flows[4].descriptor, flows[4].fake, flows[4].options, flows[4].faults);
  g_autofree char *had = run_victim (world, flows[4].descriptor);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = NULL;

  damage (world);
  g_clear_pointer (&world->key, g_free);
  result = turn_world_resume (world, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (result->images->len, ==, 2);
  g_assert_cmpint (turn_world_count (world, "download"), ==, 3);
  g_assert_true (esp_remote_turn_settle (world->id, NULL));
  g_assert_cmpuint (count_files (), ==, 0);
}

/* Of two that came in an answer one is whole, again and again. */
static void
test_damaged_answer (void)
{
  g_autoptr (TurnWorld) world
      = turn_world_new (flows[1].descriptor, flows[1].fake, flows[1].options,
                        "[{\"where\": \"job\", \"kind\": \"two\"}]");
  g_autofree char *had = run_victim (world, flows[1].descriptor);

  damage (world);
  g_clear_pointer (&world->key, g_free);
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EspRemoteResult) result = turn_world_resume (world, &error);
      g_autofree char *hashes = NULL;

      g_assert_no_error (error);
      g_assert_cmpuint (result->images->len, ==, 1);
      hashes = dup_hashes (result);
      g_assert_true (g_str_has_suffix (had, hashes));
      g_assert_cmpuint (result->notes->len, >=, 1);
    }
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 1);
  g_assert_true (esp_remote_turn_settle (world->id, NULL));
  g_assert_cmpuint (count_files (), ==, 0);
}

/* What cannot be used is not kept. */
static void
test_unusable (void)
{
  static const char *const kinds[] = { "black", "not_image", "bomb" };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *faults = g_strdup_printf ("[{\"where\":\"job\",\"kind\":\"%s\"}]", kinds[i]);
      g_autoptr (TurnWorld) world
          = turn_world_new (flows[2].descriptor, flows[2].fake, NULL, faults);
      g_autoptr (GError) error = NULL;
      g_autoptr (EspRemoteResult) result = turn_world_run (world, &error);

      g_assert_null (result);
      g_assert_nonnull (error);
      g_assert_cmpuint (count_files (), ==, 0);
    }
}

int
main (int argc, char *argv[])
{
  int status;

  if (argc == 7 && g_str_equal (argv[1], "--victim"))
    return be_victim (argv + 2);

  program = argv[0];
  g_test_init (&argc, &argv, NULL);
  turn_fixture_begin ();
  for (gsize i = 0; i < G_N_ELEMENTS (flows); i++)
    {
      g_autofree char *path = g_strconcat ("/kept/killed/", flows[i].descriptor, NULL);

      g_test_add_data_func (path, &flows[i], test_killed);
    }
  g_test_add_func ("/kept/again", test_again);
  g_test_add_data_func ("/kept/no-space/answer", &flows[1], test_no_space);
  g_test_add_data_func ("/kept/no-space/link", &flows[2], test_no_space);
  g_test_add_func ("/kept/damaged/link", test_damaged);
  g_test_add_func ("/kept/damaged/answer", test_damaged_sync);
  g_test_add_func ("/kept/damaged/one-of-two", test_damaged_one);
  g_test_add_func ("/kept/damaged/one-of-two-answers", test_damaged_answer);
  g_test_add_func ("/kept/unusable", test_unusable);
  status = g_test_run ();
  turn_fixture_end ();
  return status;
}

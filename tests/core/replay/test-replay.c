/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns run once more: as one edit, one after another, as branches; pictures as new beginnings. */
#include "esp-document-branch.h"
#include "esp-replay.h"
#include "jobs-fixture.h"

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

typedef struct
{
  const char *prompt, *negative;
  EspNode *reference;
  const EspComposition *composition;
  int strength;
  guint64 seed;
} Words;

/* A turn that was made. */
static EspNode *
make (JobsFixture *self, EspNode *parent, const Words *words)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (JsonObject) parameters = json_object_new ();
  EspNode *reference = words->reference;
  EspNode *node;
  EspTurn turn = { .instruction = words->prompt,
                   .negative_prompt = words->negative,
                   .backend = "fake",
                   .model = "model",
                   .parameters = parameters,
                   .has_seed = TRUE,
                   .seed = words->seed,
                   .references = &reference,
                   .n_references = reference != NULL,
                   .composition = words->composition };

  json_object_set_int_member (parameters, "strength", words->strength);
  esp_document_add_turns_async (self->document, parent, &turn, 1, NULL, take_result, &result);
  jobs_wait (result != NULL);
  nodes = esp_document_add_turns_finish (self->document, result, &error);
  g_assert_no_error (error);
  node = nodes->pdata[0];
  esp_queue_add (self->queue, self->document, node, FALSE);
  jobs_wait (fake_backend_is_running (self->fake, words->prompt));
  fake_backend_finish (self->fake, words->prompt);
  jobs_wait (esp_node_has_image (node) && esp_queue_find (self->queue, node) == NULL);
  return node;
}

static EspNode *
make_plain (JobsFixture *self, EspNode *parent, const char *prompt)
{
  return make (self, parent, &(Words){ .prompt = prompt, .strength = 1, .seed = 7 });
}

static void
finish (JobsFixture *self, EspNode *node)
{
  g_autofree char *prompt = g_strdup (esp_node_get_instruction (node));

  jobs_wait (fake_backend_is_running (self->fake, prompt));
  fake_backend_finish (self->fake, prompt);
  jobs_wait (esp_node_has_image (node) && esp_queue_find (self->queue, node) == NULL);
}

static char *
dup_words (GPtrArray *nodes)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; nodes != NULL && i < nodes->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? " " : "",
                            esp_node_get_instruction (nodes->pdata[i]));
  return g_string_free (text, FALSE);
}

#define assert_words(nodes, expected)                                                              \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autoptr (GPtrArray) nodes_ = (nodes);                                                        \
    g_autofree char *words_ = dup_words (nodes_);                                                  \
                                                                                                   \
    g_assert_cmpstr (words_, ==, expected);                                                        \
  }                                                                                                \
  G_STMT_END

static guint
count_children (EspNode *node)
{
  return g_list_model_get_n_items (esp_node_get_children (node));
}

static void
reject (JobsFixture *self, EspNode *node)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  g_ptr_array_add (nodes, node);
  esp_document_set_rejected_async (self->document, nodes, TRUE, NULL, take_result, &result);
  jobs_wait (result != NULL);
  g_assert_true (esp_document_edit_finish (self->document, result, NULL));
}

/* --- What is run ------------------------------------------------------------------------------ */

static void
test_path (JobsFixture *self, gconstpointer data)
{
  EspNode *a = make_plain (self, self->photo, "a");
  EspNode *b = make_plain (self, a, "b");
  EspNode *c = make_plain (self, b, "c");
  EspNode *other = make_plain (self, a, "other");
  g_autoptr (GPtrArray) starts = esp_replay_dup_starts (c);

  assert_words (esp_replay_dup_path (self->photo, c), "a b c");
  assert_words (esp_replay_dup_path (b, c), "c");
  g_assert_null (esp_replay_dup_path (c, c));
  g_assert_null (esp_replay_dup_path (other, c));
  g_assert_null (esp_replay_dup_path (c, a));

  g_assert_cmpuint (starts->len, ==, 3);
  g_assert_true (starts->pdata[0] == self->photo && starts->pdata[1] == a && starts->pdata[2] == b);
  g_clear_pointer (&starts, g_ptr_array_unref);
  starts = esp_replay_dup_starts (self->photo);
  g_assert_cmpuint (starts->len, ==, 0);
}

static void
test_branch (JobsFixture *self, gconstpointer data)
{
  EspNode *a = make_plain (self, self->photo, "a");
  EspNode *b = make_plain (self, a, "b");
  EspNode *c = make_plain (self, b, "c");
  EspNode *dull = make_plain (self, a, "dull");
  EspNode *late;
  g_autoptr (GAsyncResult) result = NULL;

  (void) make_plain (self, self->photo, "beside");
  late = make_plain (self, c, "late");
  (void) jobs_make_turn (self->document, a, "fake", "never", NULL); /* has no picture */
  reject (self, dull);
  reject (self, b); /* but something good was made of it */
  assert_words (esp_replay_dup_branch (a), "a b c late");
  /* The oldest first, wherever it hangs, but for its parents. */
  esp_document_move_async (self->document, b, late, 0, NULL, take_result, &result);
  jobs_wait (result != NULL);
  g_assert_false (esp_document_edit_finish (self->document, result, NULL)); /* into itself */
  g_clear_object (&result);
  esp_document_move_async (self->document, c, dull, 0, NULL, take_result, &result);
  jobs_wait (result != NULL);
  g_assert_true (esp_document_edit_finish (self->document, result, NULL));
  assert_words (esp_replay_dup_branch (a), "a dull c late");
}

static void
check_joined (JobsFixture *self, const char *first, const char *second, const char *expected)
{
  EspNode *a = jobs_make_turn (self->document, self->photo, "fake", first, NULL);
  EspNode *b = jobs_make_turn (self->document, a, "fake", second, NULL);
  g_autoptr (GPtrArray) path = esp_replay_dup_path (self->photo, b);
  g_autofree char *joined = esp_replay_dup_joined (path);

  g_assert_cmpstr (joined, ==, expected);
}

static void
test_joined (JobsFixture *self, gconstpointer data)
{
  check_joined (self, "Make the car red", "add snow", "Make the car red. Then: add snow");
  check_joined (self, "Make the car red. ", " Add snow!", "Make the car red. Then: Add snow!");
  check_joined (self, "", "Add snow", "Add snow");
  check_joined (self, "Add snow", "   ", "Add snow");
  check_joined (self, "車を赤く。", "雪を", "車を赤く。 Then: 雪を");
  check_joined (self, "One\ntwo", "three", "One\ntwo.\nThen: three");
}

static void
test_estimate (JobsFixture *self, gconstpointer data)
{
  EspNode *a = make_plain (self, self->photo, "a");
  EspNode *b = jobs_make_turn (self->document, a, "other", "b", NULL);
  EspModel *fake = esp_registry_find_model (self->registry, "fake", "model");
  EspModel *other = esp_registry_find_model (self->registry, "other", "model");
  g_autoptr (GPtrArray) path = esp_replay_dup_path (self->photo, b);
  const char *currency = "";

  esp_model_set_price (fake, 0, NULL);
  esp_model_set_price (other, 0, NULL);
  g_assert_cmpfloat (esp_replay_estimate (self->registry, path, &currency), ==, 0);
  g_assert_null (currency);
  esp_model_set_price (other, 0.5, "USD");
  g_assert_cmpfloat (esp_replay_estimate (self->registry, path, &currency), ==, 0.5);
  g_assert_cmpstr (currency, ==, "USD");
  esp_model_set_price (fake, 0.25, "USD");
  g_assert_cmpfloat (esp_replay_estimate (self->registry, path, &currency), ==, 0.75);
  esp_model_set_price (fake, 0.25, "EUR");
  g_assert_cmpfloat (esp_replay_estimate (self->registry, path, &currency), <, 0);
  esp_model_set_price (fake, -1, NULL);
  g_assert_cmpfloat (esp_replay_estimate (self->registry, path, &currency), <, 0);
}

/* --- Running it ------------------------------------------------------------------------------- */

static GPtrArray *
run (JobsFixture *self, EspNode *start, GPtrArray *nodes, EspReplayKeep keep)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *made;

  esp_replay_run_async (self->queue, self->document, start, nodes, keep, "Once More", NULL,
                        take_result, &result);
  jobs_wait (result != NULL);
  made = esp_replay_run_finish (result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (made->len, ==, nodes->len);
  return made;
}

static void
test_in_order (JobsFixture *self, gconstpointer data)
{
  g_autoptr (EspComposition) off = esp_composition_new (ESP_KEEP_OFF);
  EspNode *a = make (self, self->photo,
                     &(Words){ .prompt = "a", .strength = 4, .seed = 11, .composition = off });
  EspNode *b = make (
      self, a,
      &(Words){ .prompt = "b", .negative = "fog", .reference = a, .strength = 5, .seed = 12 });
  g_autoptr (GPtrArray) path = esp_replay_dup_path (self->photo, b);
  g_autoptr (GPtrArray) made = run (self, self->photo, path, ESP_REPLAY_KEEP);
  g_autofree char *title = NULL;
  const guint n = esp_document_get_n_nodes (self->document);
  EspNode *new_a = made->pdata[0], *new_b = made->pdata[1];

  g_assert_true (esp_node_get_parent (new_a) == self->photo);
  g_assert_true (esp_node_get_parent (new_b) == new_a);
  g_assert_cmpstr (esp_node_get_instruction (new_b), ==, "b");
  g_assert_cmpstr (esp_node_get_negative_prompt (new_b), ==, "fog");
  g_assert_cmpuint (esp_node_get_seed (new_a), ==, 11);
  g_assert_cmpint (json_object_get_int_member (esp_node_get_parameters (new_b), "strength"), ==, 5);
  /* What referred to a turn of the path refers to the new one. */
  g_assert_cmpuint (esp_node_get_references (new_b)->len, ==, 1);
  g_assert_true (esp_node_get_references (new_b)->pdata[0] == new_a);
  g_assert_cmpint (esp_node_get_composition (new_a)->keep, ==, ESP_KEEP_AUTO);
  g_assert_cmpint (esp_node_get_composition (new_b)->keep, ==, ESP_KEEP_AUTO);

  /* The second waits for the first one's picture, and gets it. */
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  g_assert_false (fake_backend_is_running (self->fake, "b"));
  finish (self, new_a);
  finish (self, new_b);
  {
    g_autoptr (GBytes) picture = jobs_load_image (self->document, new_a);
    GPtrArray *images = fake_backend_get_images (self->fake);

    g_assert_cmpuint (images->len, ==, 2);
    g_assert_true (g_bytes_equal (picture, images->pdata[0]));
    g_assert_true (g_bytes_equal (picture, images->pdata[1]));
  }

  /* The old branch stayed; the new one is one step. */
  g_assert_true (esp_node_get_parent (a) == self->photo && esp_node_get_parent (b) == a);
  g_assert_cmpuint (count_children (self->photo), ==, 2);
  title = esp_document_dup_undo_title (self->document);
  g_assert_cmpstr (title, ==, "Once More");
  jobs_edit (self->document, esp_document_undo_async);
  g_assert_cmpuint (esp_document_get_n_nodes (self->document), ==, n - 2);
  jobs_edit (self->document, esp_document_redo_async);
  g_assert_cmpuint (esp_document_get_n_nodes (self->document), ==, n);
  jobs_settle (self);
}

/* What was asked for of the rest of the picture is asked for again; a mask that someone painted was
 * one of the old picture. */
static void
test_as_asked (JobsFixture *self, gconstpointer data)
{
  g_autoptr (EspComposition) off = esp_composition_new (ESP_KEEP_OFF);
  g_autoptr (EspComposition) painted = esp_composition_new (ESP_KEEP_PAINTED);
  EspNode *a, *b, *c;
  g_autoptr (GPtrArray) branch = NULL;
  g_autoptr (GPtrArray) made = NULL;

  painted->region = esp_region_new (8, 8, 16, 24);
  painted->grow = 3;
  a = make (self, self->photo, &(Words){ .prompt = "a", .composition = off });
  b = jobs_make_turn (self->document, a, "fake", "b", NULL);
  esp_queue_add (self->queue, self->document, b, FALSE);
  finish (self, b);
  c = make (self, b, &(Words){ .prompt = "c", .composition = painted });
  branch = esp_replay_dup_branch (a);
  made = run (self, self->photo, branch, ESP_REPLAY_AS_ASKED);
  g_assert_null (esp_node_get_composition (made->pdata[0])); /* off */
  g_assert_null (esp_node_get_composition (made->pdata[1]));
  g_assert_cmpint (esp_node_get_composition (made->pdata[2])->keep, ==, ESP_KEEP_AUTO);
  g_assert_nonnull (esp_node_get_composition (made->pdata[2])->region);
  g_assert_true (esp_region_equal (esp_node_get_composition (made->pdata[2])->region,
                                   esp_node_get_composition (c)->region));
  g_assert_cmpfloat (esp_node_get_composition (made->pdata[2])->grow, ==, 3);
  g_assert_false (esp_node_get_composition (made->pdata[2])->made);
  esp_queue_stop_document (self->queue, self->document);
  jobs_wait (!esp_queue_has_document (self->queue, self->document));
  jobs_settle (self);
}

static EspSchema *
parse_schema (void)
{
  g_autoptr (JsonNode) node = json_from_string (
      "{\"type\":\"object\",\"properties\":{\"prompt\":{\"type\":\"string\"},"
      "\"negative_prompt\":{\"type\":\"string\"},\"seed\":{\"type\":\"integer\"},"
      "\"strength\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":5,\"default\":2},"
      "\"steps\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":50,\"default\":28}},"
      "\"required\":[\"prompt\"]}",
      NULL);
  EspSchema *schema = esp_schema_new (node, NULL);

  g_assert_nonnull (schema);
  return schema;
}

static GPtrArray *
run_as_one (JobsFixture *self, EspNode *start, GPtrArray *path, EspModel *model)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *made;

  esp_replay_run_as_one_async (self->queue, self->document, start, path, model, "all of it", NULL,
                               take_result, &result);
  jobs_wait (result != NULL);
  made = esp_replay_run_finish (result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (made->len, ==, 1);
  return made;
}

static void
test_as_one (JobsFixture *self, gconstpointer data)
{
  EspModel *model = esp_registry_find_model (self->registry, "fake", "model");
  g_autoptr (EspComposition) here = esp_composition_new (ESP_KEEP_OFF);
  g_autoptr (GPtrArray) path = NULL;
  g_autoptr (GPtrArray) made = NULL;
  EspNode *a, *b, *hat, *coat;

  here->region = esp_region_new (4, 4, 12, 12);
  esp_model_set_schema (model, parse_schema ());
  esp_model_set_features (model, ESP_MODEL_SEED | ESP_MODEL_NEGATIVE_PROMPT, 1);
  hat = make_plain (self, self->photo, "hat");
  coat = make_plain (self, self->photo, "coat");
  a = make (self, self->photo,
            &(Words){ .prompt = "a",
                      .negative = "fog",
                      .reference = hat,
                      .strength = 4,
                      .seed = 21,
                      .composition = here });
  b = make (self, a,
            &(Words){ .prompt = "b",
                      .negative = "rain",
                      .reference = coat,
                      .strength = 9,
                      .seed = 22,
                      .composition = here });
  path = esp_replay_dup_path (self->photo, b);
  made = run_as_one (self, self->photo, path, model);
  g_assert_true (esp_node_get_parent (made->pdata[0]) == self->photo);
  finish (self, made->pdata[0]);
  g_assert_cmpstr (esp_node_get_instruction (made->pdata[0]), ==, "all of it");
  g_assert_cmpstr (esp_node_get_negative_prompt (made->pdata[0]), ==, "fog, rain");
  g_assert_cmpuint (esp_node_get_seed (made->pdata[0]), ==, 22);
  /* 9 is too much for this model; what nobody set is its default. */
  g_assert_cmpint (
      json_object_get_int_member (esp_node_get_parameters (made->pdata[0]), "strength"), ==, 2);
  g_assert_cmpint (json_object_get_int_member (esp_node_get_parameters (made->pdata[0]), "steps"),
                   ==, 28);
  g_assert_cmpuint (esp_node_get_references (made->pdata[0])->len, ==, 1);
  g_assert_true (esp_node_get_references (made->pdata[0])->pdata[0] == hat);
  g_assert_cmpint (esp_node_get_composition (made->pdata[0])->keep, ==, ESP_KEEP_AUTO);
  g_assert_true (
      esp_region_equal (esp_node_get_composition (made->pdata[0])->region, here->region));
  jobs_settle (self);
}

/* --- New beginnings --------------------------------------------------------------------------- */

static void
test_reroot (JobsFixture *self, gconstpointer data)
{
  EspNode *a = make_plain (self, self->photo, "a");
  EspNode *waiting = jobs_make_turn (self->document, a, "fake", "b", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) here = NULL;
  g_autoptr (GBytes) there = NULL;
  EspNode *root;

  esp_document_reroot_async (self->document, a, "From “a”", NULL, take_result, &result);
  jobs_wait (result != NULL);
  root = esp_document_reroot_finish (self->document, result, &error);
  g_assert_no_error (error);
  g_assert_null (esp_node_get_parent (root));
  g_assert_cmpint (esp_node_get_kind (root), ==, ESP_NODE_IMPORTED);
  g_assert_cmpstr (esp_node_get_label (root), ==, "From “a”");
  g_assert_cmpstr (esp_node_get_sha256 (root), ==, esp_node_get_sha256 (a));
  here = jobs_load_image (self->document, root);
  there = jobs_load_image (self->document, a);
  g_assert_true (g_bytes_equal (here, there));
  g_assert_cmpuint (g_list_model_get_n_items (esp_document_get_roots (self->document)), ==, 2);
  jobs_edit (self->document, esp_document_undo_async);
  g_assert_cmpuint (g_list_model_get_n_items (esp_document_get_roots (self->document)), ==, 1);

  g_clear_object (&result);
  esp_document_reroot_async (self->document, waiting, NULL, NULL, take_result, &result);
  jobs_wait (result != NULL);
  g_assert_null (esp_document_reroot_finish (self->document, result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  jobs_settle (self);
}

int
main (int argc, char *argv[])
{
  jobs_init (&argc, &argv);
#define ADD(name, function)                                                                        \
  g_test_add ("/replay/" name, JobsFixture, NULL, jobs_set_up, function, jobs_tear_down)
  ADD ("path", test_path);
  ADD ("branch", test_branch);
  ADD ("joined", test_joined);
  ADD ("estimate", test_estimate);
  ADD ("in-order", test_in_order);
  ADD ("as-asked", test_as_asked);
  ADD ("as-one", test_as_one);
  ADD ("reroot", test_reroot);
  return jobs_run ();
}

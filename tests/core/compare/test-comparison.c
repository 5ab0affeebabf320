/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes as a table: which rows there are, in which words, how the table follows the nodes, what it
 * measures, and the files that are made of it. */
#include "esp-comparison.h"

#include <string.h>

#include "document-fixture.h"
#include "esp-difference.h"

/* A photo and two turns of it that differ in their instruction, guidance, seed and outcome. */
typedef struct
{
  EspDocument *document;
  EspNode *photo, *snow, *rain;
  GPtrArray *nodes; /* snow, rain */
} Pair;

static EspNode *
add_turn_with (EspDocument *document, EspNode *parent, const char *instruction, const char *json,
               guint64 seed)
{
  g_autoptr (JsonNode) parameters = json_from_string (json, NULL);
  EspTurn turn = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) nodes = NULL;
  g_auto (Waiter) waiter = { NULL };

  turn.instruction = instruction;
  turn.backend = "local";
  turn.model = "demo";
  turn.model_name = "Demo";
  turn.parameters = json_node_get_object (parameters);
  turn.has_seed = TRUE;
  turn.seed = seed;
  nodes = esp_document_add_turns_finish (
      document, WAIT (waiter, esp_document_add_turns_async, document, parent, &turn, 1, NULL),
      &error);
  g_assert_no_error (error);
  return nodes->pdata[0];
}

static void
finish (EspDocument *document, EspNode *node, guint32 color, double seconds, double cost)
{
  g_autoptr (GBytes) image = make_png (64, 48, color, 7);
  EspTurnOutcome outcome = { 0 };
  g_autoptr (GError) error = NULL;
  g_auto (Waiter) waiter = { NULL };

  outcome.image = image;
  outcome.seconds = seconds;
  outcome.cost = cost;
  outcome.currency = "USD";
  esp_document_finish_turn_finish (
      document, WAIT (waiter, esp_document_finish_turn_async, document, node, &outcome, NULL),
      &error);
  g_assert_no_error (error);
}

static void
pair_init (Pair *self)
{
  self->document = create_document ("Comparison");
  self->photo = import_color (self->document, 0x404040, NULL);
  self->snow = add_turn_with (self->document, self->photo, "Make it snow",
                              "{\"guidance\":2.5,\"steps\":20}", 5);
  self->rain
      = add_turn_with (self->document, self->photo, "Make it rain",
                       "{\"guidance\":3.1,\"steps\":20,\"zeta\":\"a\",\"seconds\":4}", G_MAXUINT64);
  finish (self->document, self->snow, 0x606060, 3.25, 0);
  finish (self->document, self->rain, 0x404040, 61, 0.025);
  self->nodes = g_ptr_array_new ();
  g_ptr_array_add (self->nodes, self->snow);
  g_ptr_array_add (self->nodes, self->rain);
}

static void
pair_clear (Pair *self)
{
  g_ptr_array_unref (self->nodes);
  close_document (self->document);
}

static void
wait_until_measured (EspComparison *comparison)
{
  g_auto (Waiter) waiter = { NULL };

  g_assert_true (esp_comparison_wait_finish (
      comparison, WAIT (waiter, esp_comparison_wait_async, comparison, NULL), NULL));
  g_assert_false (esp_comparison_get_measuring (comparison));
}

static EspComparisonRow *
find_row (EspComparison *comparison, const char *id)
{
  GListModel *model = G_LIST_MODEL (comparison);

  for (guint i = 0; i < g_list_model_get_n_items (model); i++)
    {
      g_autoptr (EspComparisonRow) row = g_list_model_get_item (model, i);

      if (g_str_equal (esp_comparison_row_get_id (row), id))
        return row;
    }
  return NULL;
}

static char *
dup_ids (EspComparison *comparison)
{
  GString *ids = g_string_new (NULL);
  GListModel *model = G_LIST_MODEL (comparison);

  for (guint i = 0; i < g_list_model_get_n_items (model); i++)
    {
      g_autoptr (EspComparisonRow) row = g_list_model_get_item (model, i);

      g_string_append_printf (ids, "%s%s", i > 0 ? " " : "", esp_comparison_row_get_id (row));
    }
  return g_string_free (ids, FALSE);
}

#define assert_ids(comparison, expected)                                                           \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *ids_ = dup_ids (comparison);                                                  \
    g_assert_cmpstr (ids_, ==, expected);                                                          \
  }                                                                                                \
  G_STMT_END

static void
assert_row (EspComparison *comparison, const char *id, const char *title, const char *first,
            const char *second)
{
  EspComparisonRow *row = find_row (comparison, id);

  g_assert_nonnull (row);
  g_assert_cmpstr (esp_comparison_row_get_title (row), ==, title);
  g_assert_cmpstr (esp_comparison_row_get_text (row, 0), ==, first);
  g_assert_cmpstr (esp_comparison_row_get_text (row, 1), ==, second);
}

/* ---- rows */

static void
test_rows (Fixture *fixture, gconstpointer data)
{
  Pair pair;
  g_autoptr (EspComparison) comparison = NULL;
  EspComparisonRow *row;

  pair_init (&pair);
  comparison = esp_comparison_new (pair.document, pair.nodes);
  g_assert_true (esp_comparison_get_nodes (comparison)->pdata[1] == pair.rain);
  wait_until_measured (comparison);
  assert_ids (comparison,
              "instruction guidance parameter.seconds zeta seed seconds cost difference "
              "original drift");
  assert_row (comparison, "instruction", "Instruction", "Make it snow", "Make it rain");
  assert_row (comparison, "guidance", "Guidance", "2.5", "3.1");
  assert_row (comparison, "parameter.seconds", "Seconds", "", "4");
  assert_row (comparison, "zeta", "Zeta", "", "a");
  assert_row (comparison, "seed", "Seed", "5", "18446744073709551615");
  assert_row (comparison, "seconds", "Time", "3.2 s", "1 min 1 s");
  assert_row (comparison, "cost", "Cost", "Free", "$0.025");

  row = find_row (comparison, "instruction");
  g_assert_true (esp_comparison_row_is_prose (row));
  g_assert_true (esp_comparison_row_get_differs (row));
  row = find_row (comparison, "guidance");
  g_assert_false (esp_comparison_row_is_prose (row));
  g_assert_cmpfloat (json_node_get_double (esp_comparison_row_get_value (row, 1)), ==, 3.1);
  g_assert_null (esp_comparison_row_get_description (row));
  g_assert_null (esp_comparison_row_get_value (find_row (comparison, "zeta"), 0));
  row = find_row (comparison, "seed");
  g_assert_cmpint (json_node_get_int (esp_comparison_row_get_value (row, 0)), ==, 5);
  g_assert_cmpstr (json_node_get_string (esp_comparison_row_get_value (row, 1)), ==,
                   "18446744073709551615");

  esp_comparison_set_all (comparison, TRUE);
  assert_ids (comparison,
              "instruction negative_prompt references backend model steps guidance "
              "parameter.seconds zeta seed image_size seconds cost difference original drift "
              "stars rejected label note");
  assert_row (comparison, "backend", "Made by", "This Computer", "This Computer");
  assert_row (comparison, "model", "Model", "Demo", "Demo");
  assert_row (comparison, "steps", "Steps", "20", "20");
  assert_row (comparison, "image_size", "Image size", "64 × 48", "64 × 48");
  assert_row (comparison, "rejected", "Rejected", "No", "No");
  g_clear_object (&comparison);
  pair_clear (&pair);
}

/* One node differs from nothing; a picture that was imported has little to tell. */
static void
test_single (Fixture *fixture, gconstpointer data)
{
  Pair pair;
  g_autoptr (EspComparison) comparison = NULL;

  pair_init (&pair);
  g_ptr_array_set_size (pair.nodes, 0);
  g_ptr_array_add (pair.nodes, pair.photo);
  comparison = esp_comparison_new (pair.document, pair.nodes);
  g_assert_false (esp_comparison_get_measuring (comparison));
  assert_ids (comparison, "");
  esp_comparison_set_all (comparison, TRUE);
  g_assert_cmpstr (esp_comparison_row_get_text (find_row (comparison, "difference"), 0), ==, "");
  g_assert_cmpstr (esp_comparison_row_get_text (find_row (comparison, "backend"), 0), ==, "");
  g_assert_null (find_row (comparison, "guidance"));
  g_clear_object (&comparison);
  pair_clear (&pair);
}

/* ---- following the nodes */

typedef struct
{
  guint n_items, n_signals;
} Follower;

static void
on_items_changed (GListModel *model, guint position, guint removed, guint added, Follower *self)
{
  g_assert_cmpuint (position + removed, <=, self->n_items);
  self->n_items = self->n_items - removed + added;
  self->n_signals++;
  g_assert_cmpuint (g_list_model_get_n_items (model), ==, self->n_items);
}

static void
count (guint *n)
{
  ++*n;
}

static void
test_follow (Fixture *fixture, gconstpointer data)
{
  Pair pair;
  g_autoptr (EspComparison) comparison = NULL;
  EspComparisonRow *instruction, *stars;
  Follower follower = { 0 };
  guint n_star_changes = 0, n_instruction_changes = 0;

  pair_init (&pair);
  comparison = esp_comparison_new (pair.document, pair.nodes);
  wait_until_measured (comparison);
  follower.n_items = g_list_model_get_n_items (G_LIST_MODEL (comparison));
  g_signal_connect (comparison, "items-changed", G_CALLBACK (on_items_changed), &follower);
  instruction = find_row (comparison, "instruction");
  g_signal_connect_swapped (instruction, "changed", G_CALLBACK (count), &n_instruction_changes);

  /* A row comes, changes, goes; the others are none the wiser. */
  g_assert_null (find_row (comparison, "stars"));
  set_stars (pair.document, pair.rain, 3);
  assert_row (comparison, "stars", "Stars", "", "3 stars");
  g_assert_cmpuint (follower.n_signals, ==, 1);
  stars = find_row (comparison, "stars");
  g_signal_connect_swapped (stars, "changed", G_CALLBACK (count), &n_star_changes);
  set_stars (pair.document, pair.snow, 1);
  assert_row (comparison, "stars", "Stars", "1 star", "3 stars");
  g_assert_true (find_row (comparison, "stars") == stars);
  g_assert_cmpuint (n_star_changes, ==, 1);
  g_assert_cmpuint (follower.n_signals, ==, 1);
  set_stars (pair.document, pair.rain, 1);
  g_assert_null (find_row (comparison, "stars"));
  g_assert_cmpuint (follower.n_signals, ==, 2);
  g_assert_true (find_row (comparison, "instruction") == instruction);
  g_assert_cmpuint (n_instruction_changes, ==, 0);

  set_label (pair.document, pair.snow, "=Best");
  assert_row (comparison, "label", "Label", "=Best", "");
  esp_comparison_set_all (comparison, TRUE);
  esp_comparison_set_all (comparison, FALSE);
  g_assert_cmpuint (follower.n_items, ==, g_list_model_get_n_items (G_LIST_MODEL (comparison)));
  g_clear_object (&comparison);
  pair_clear (&pair);
}

/* ---- measuring */

static void
test_measure (Fixture *fixture, gconstpointer data)
{
  Pair pair;
  g_autoptr (EspComparison) comparison = NULL;
  g_autoptr (EspComparison) again = NULL;
  g_autoptr (EspDifference) difference = NULL;
  g_auto (Waiter) waiter = { NULL };
  double expected, found;
  EspNode *night;

  pair_init (&pair);
  night = add_turn_with (pair.document, pair.snow, "Make it night", "{}", 1);
  g_ptr_array_add (pair.nodes, night);
  comparison = esp_comparison_new (pair.document, pair.nodes);
  esp_comparison_set_all (comparison, TRUE);
  g_assert_true (esp_comparison_get_measuring (comparison));
  g_assert_cmpstr (esp_comparison_row_get_text (find_row (comparison, "difference"), 0), ==, "…");
  g_assert_null (esp_comparison_row_get_value (find_row (comparison, "difference"), 0));
  /* What is not known is no difference. */
  g_assert_false (esp_comparison_row_get_differs (find_row (comparison, "difference")));
  wait_until_measured (comparison);

  difference = esp_difference_nodes_finish (
      WAIT (waiter, esp_difference_nodes_async, pair.document, pair.photo, pair.snow, 0, NULL),
      NULL);
  waiter_clear (&waiter);
  expected = esp_difference_get_figures (difference)->mean;
  g_assert_cmpfloat (expected, >, 5);
  found = json_node_get_double (
      esp_comparison_row_get_value (find_row (comparison, "difference"), 0));
  g_assert_cmpfloat_with_epsilon (found, expected, 0.01);
  g_assert_cmpstr (esp_comparison_row_get_text (find_row (comparison, "original"), 0), ==,
                   esp_comparison_row_get_text (find_row (comparison, "difference"), 0));
  /* Of what is another as a whole nothing can be told. */
  g_assert_cmpstr (esp_comparison_row_get_text (find_row (comparison, "drift"), 0), ==, "");
  g_assert_cmpstr (esp_comparison_row_get_text (find_row (comparison, "drift"), 1), ==, "0.0");
  /* The third has no image yet: when it has one, it is measured, against two others. */
  g_assert_cmpstr (esp_comparison_row_get_text (find_row (comparison, "original"), 2), ==, "");
  finish (pair.document, night, 0x606060, 1, 0);
  g_assert_true (esp_comparison_get_measuring (comparison));
  wait_until_measured (comparison);
  g_assert_cmpstr (esp_comparison_row_get_text (find_row (comparison, "difference"), 2), ==, "0.0");
  g_assert_cmpstr (esp_comparison_row_get_text (find_row (comparison, "original"), 2), ==,
                   esp_comparison_row_get_text (find_row (comparison, "original"), 0));
  g_assert_nonnull (esp_comparison_row_get_description (find_row (comparison, "drift")));

  /* Another comparison of them knows it at once. */
  again = esp_comparison_new (pair.document, pair.nodes);
  g_assert_false (esp_comparison_get_measuring (again));
  g_assert_nonnull (find_row (again, "drift"));
  g_clear_object (&comparison);
  g_clear_object (&again);
  pair_clear (&pair);
}

/* Let go of while it measures, at any moment. */
static void
test_drop (Fixture *fixture, gconstpointer data)
{
  Pair pair;

  pair_init (&pair);
  for (int i = 0; i < 20; i++)
    {
      EspComparison *comparison = esp_comparison_new (pair.document, pair.nodes);
      gpointer watch = comparison;

      g_object_add_weak_pointer (G_OBJECT (comparison), &watch);
      for (int k = 0; k < i; k++)
        g_main_context_iteration (NULL, FALSE);
      g_object_unref (comparison);
      g_assert_null (watch);
    }
  /* What was under way lets go of the document. */
  while (G_OBJECT (pair.document)->ref_count > 1)
    g_main_context_iteration (NULL, TRUE);
  pair_clear (&pair);
}

/* One who waits keeps it, until it is measured or he has had enough. */
static void
test_wait (Fixture *fixture, gconstpointer data)
{
  Pair pair;
  EspComparison *comparison;
  gpointer watch;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_auto (Waiter) waiter = { NULL };

  pair_init (&pair);
  for (int i = 0; i < 2; i++)
    {
      comparison = watch = esp_comparison_new (pair.document, pair.nodes);
      g_object_add_weak_pointer (G_OBJECT (comparison), &watch);
      g_assert_true (esp_comparison_get_measuring (comparison));
      esp_comparison_wait_async (comparison, cancellable, waiter_callback, &waiter);
      g_object_unref (comparison);
      g_assert_nonnull (watch);
      if (i == 0)
        g_cancellable_cancel (cancellable);
      g_assert_cmpint (
          esp_comparison_wait_finish (comparison, wait_for (&waiter), i == 0 ? &error : NULL), ==,
          i == 1);
      waiter_clear (&waiter);
      g_assert_null (watch);
      g_cancellable_reset (cancellable);
    }
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  while (G_OBJECT (pair.document)->ref_count > 1)
    g_main_context_iteration (NULL, TRUE);
  pair_clear (&pair);
}

/* ---- files */

static void
test_json (Fixture *fixture, gconstpointer data)
{
  Pair pair;
  g_autoptr (EspComparison) comparison = NULL;
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) json = NULL;
  JsonObject *node;

  pair_init (&pair);
  set_label (pair.document, pair.snow, "\"Best\"\n=1");
  comparison = esp_comparison_new (pair.document, pair.nodes);
  wait_until_measured (comparison);
  text = esp_comparison_dup_json (comparison);
  g_assert_nonnull (strstr (text, "\"guidance\":3.1,")); /* not 3.1000000000000001 */
  g_assert_nonnull (strstr (text, "\"seed\":18446744073709551615,"));
  json = json_from_string (text, NULL);
  g_assert_nonnull (json);
  g_assert_cmpuint (
      json_array_get_length (json_object_get_array_member (json_node_get_object (json), "nodes")),
      ==, 2);
  node = json_array_get_object_element (
      json_object_get_array_member (json_node_get_object (json), "nodes"), 0);
  g_assert_cmpint (json_object_get_int_member (node, "id"), ==, esp_node_get_id (pair.snow));
  g_assert_cmpint (json_object_get_int_member (node, "parent"), ==, esp_node_get_id (pair.photo));
  g_assert_cmpstr (json_object_get_string_member (node, "instruction"), ==, "Make it snow");
  g_assert_cmpstr (json_object_get_string_member (node, "state"), ==, "done");
  g_assert_cmpstr (json_object_get_string_member (node, "label"), ==, "\"Best\"\n=1");
  g_assert_true (json_object_get_null_member (node, "negative_prompt"));
  g_assert_cmpint (
      json_object_get_int_member (json_object_get_object_member (node, "parameters"), "steps"), ==,
      20);
  g_assert_cmpint (json_object_get_int_member (node, "width"), ==, 64);
  g_assert_cmpfloat (json_object_get_double_member (node, "original"), >, 5);
  g_assert_true (json_object_get_null_member (node, "drift"));
  g_assert_cmpint (json_object_get_int_member (node, "generation"), ==, 1);
  g_assert_false (json_object_get_boolean_member (node, "rejected"));
  g_clear_object (&comparison);
  pair_clear (&pair);
}

/* RFC 4180: fields of the lines of a text. */
static GPtrArray *
parse_csv (const char *text)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);

  while (*text != '\0')
    {
      GPtrArray *fields = g_ptr_array_new_with_free_func (g_free);
      gboolean more = TRUE;

      while (more)
        {
          g_autoptr (GString) field = g_string_new (NULL);

          if (*text == '"')
            {
              for (text++; *text != '"' || text[1] == '"'; text++)
                {
                  g_assert_true (*text != '\0');
                  text += *text == '"';
                  g_string_append_c (field, *text);
                }
              text++;
            }
          else
            for (; *text != ',' && *text != '\r'; text++)
              {
                g_assert_null (strchr ("\"\n", *text));
                g_string_append_c (field, *text);
              }
          g_ptr_array_add (fields, g_strdup (field->str));
          more = *text == ',';
          g_assert_true (more || (text[0] == '\r' && text[1] == '\n'));
          text += more ? 1 : 2;
        }
      g_ptr_array_add (lines, fields);
    }
  return lines;
}

static const char *
get_field (GPtrArray *lines, guint line, const char *column)
{
  GPtrArray *header = lines->pdata[0], *fields = lines->pdata[line];

  g_assert_cmpuint (header->len, ==, fields->len);
  for (guint i = 0; i < header->len; i++)
    if (g_str_equal (header->pdata[i], column))
      return fields->pdata[i];
  return NULL;
}

static void
test_csv (Fixture *fixture, gconstpointer data)
{
  Pair pair;
  g_autoptr (EspComparison) comparison = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GPtrArray) lines = NULL;
  EspNode *formula;

  pair_init (&pair);
  set_label (pair.document, pair.snow, "\"Best\", really\nof all");
  formula = add_turn_with (pair.document, pair.photo, "=HYPERLINK(\"http://x\")",
                           "{\"shift\":-1.5}", 1);
  g_ptr_array_add (pair.nodes, formula);
  comparison = esp_comparison_new (pair.document, pair.nodes);
  wait_until_measured (comparison);
  text = esp_comparison_dup_csv (comparison);
  g_assert_true (g_str_has_suffix (text, "\r\n"));
  lines = parse_csv (text);
  g_assert_cmpuint (lines->len, ==, 4);
  g_assert_cmpstr (get_field (lines, 1, "instruction"), ==, "Make it snow");
  g_assert_cmpstr (get_field (lines, 1, "label"), ==, "\"Best\", really\nof all");
  g_assert_cmpstr (get_field (lines, 1, "seconds"), ==, "3.25");
  g_assert_cmpstr (get_field (lines, 1, "parameter.seconds"), ==, "");
  g_assert_cmpstr (get_field (lines, 2, "parameter.seconds"), ==, "4");
  g_assert_cmpstr (get_field (lines, 2, "seed"), ==, "18446744073709551615");
  g_assert_cmpstr (get_field (lines, 2, "guidance"), ==, "3.1");
  g_assert_cmpstr (get_field (lines, 2, "zeta"), ==, "a");
  /* Never a formula; but a number stays one. */
  g_assert_cmpstr (get_field (lines, 3, "instruction"), ==, "'=HYPERLINK(\"http://x\")");
  g_assert_cmpstr (get_field (lines, 3, "shift"), ==, "-1.5");
  g_assert_cmpstr (get_field (lines, 3, "state"), ==, "queued");
  g_assert_cmpstr (get_field (lines, 3, "width"), ==, "");
  g_assert_cmpstr (get_field (lines, 3, "drift"), ==, "");
  g_assert_cmpstr (get_field (lines, 3, "rejected"), ==, "false");
  g_clear_object (&comparison);
  pair_clear (&pair);
}

int
main (int argc, char **argv)
{
  fixture_init (&argc, &argv);
  ADD_TEST ("/compare/comparison/rows", test_rows);
  ADD_TEST ("/compare/comparison/single", test_single);
  ADD_TEST ("/compare/comparison/follow", test_follow);
  ADD_TEST ("/compare/comparison/measure", test_measure);
  ADD_TEST ("/compare/comparison/drop", test_drop);
  ADD_TEST ("/compare/comparison/wait", test_wait);
  ADD_TEST ("/compare/comparison/json", test_json);
  ADD_TEST ("/compare/comparison/csv", test_csv);
  return g_test_run ();
}

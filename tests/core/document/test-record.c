/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-record.c: what is told of a change, member by member, and which turns lie on one stack. */
#include <string.h>

#include "esp-node.h"
#include "esp-record.h"

/* As they stand in files; what is not known leaves alone what was there. */
static void
test_names (void)
{
  EspNodeKind kind = ESP_NODE_IMPORTED;
  EspNodeState state = ESP_NODE_DONE;

  for (int i = ESP_NODE_IMPORTED; i <= ESP_NODE_REGION; i++)
    {
      g_assert_true (esp_node_kind_from_string (esp_node_kind_to_string ((EspNodeKind) i), &kind));
      g_assert_cmpint (kind, ==, i);
    }
  g_assert_false (esp_node_kind_from_string ("wish", &kind));
  g_assert_false (esp_node_kind_from_string ("wish", NULL));
  g_assert_cmpint (kind, ==, ESP_NODE_REGION);
  g_assert_true (esp_node_state_from_string ("queued", NULL));
  g_assert_false (esp_node_state_from_string ("asleep", &state));
  g_assert_cmpint (state, ==, ESP_NODE_DONE);
}

/* No member is what it is in a new record. */
static EspRecord *
make_record (void)
{
  EspRecord *record = _esp_record_new ();
  EspImageInfo *pictures[] = { &record->image, &record->raw, &record->mask, &record->source };
  const gint64 references[] = { 5, 6 };

  record->id = 3;
  record->parent = 2;
  record->position = 1.5;
  record->state = ESP_NODE_DONE;
  _esp_record_set_text (&record->message, "message");
  _esp_record_set_text (&record->instruction, "instruction");
  _esp_record_set_text (&record->negative_prompt, "negative");
  _esp_record_set_text (&record->backend, "backend");
  _esp_record_set_text (&record->model, "model");
  _esp_record_set_text (&record->model_name, "Model");
  _esp_record_set_text (&record->model_hash, "hash");
  _esp_record_set_text (&record->parameters, "{\"steps\":4}");
  _esp_record_set_text (&record->asked, "{\"steps\":5}");
  record->has_seed = TRUE;
  record->seed = 7;
  record->references = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_array_append_vals (record->references, references, G_N_ELEMENTS (references));
  _esp_record_set_text (&record->file_name, "photo.jpg");
  _esp_record_set_text (&record->remote_job, "job");
  record->created = 1000;
  record->seconds = 2;
  _esp_record_set_text (&record->timings, "{\"vae\":1}");
  record->cost = 0.04;
  _esp_record_set_text (&record->currency, "USD");
  for (guint i = 0; i < G_N_ELEMENTS (pictures); i++)
    {
      EspImageInfo *info = pictures[i];

      info->id = 10 + (gint64) i;
      memset (info->sha256, 'a' + (int) i, 64);
      info->media_type = g_strdup ("image/png");
      info->width = 8;
    }
  record->source_node = 2;
  record->latents = 4;
  _esp_record_set_text (&record->composition, "{\"keep\":\"auto\"}");
  _esp_record_set_text (&record->label, "label");
  _esp_record_set_text (&record->note, "note");
  record->stars = 3;
  record->tag = 1;
  record->sweep = 9;
  record->cell = 2;
  return record;
}

#define TEXT(member, what)                                                                         \
  {                                                                                                \
#member, G_STRUCT_OFFSET(EspRecord, member), sizeof(char *), TRUE, what                        \
  }
#define PLAIN(member, what)                                                                        \
  {                                                                                                \
#member, G_STRUCT_OFFSET(EspRecord, member), sizeof(((EspRecord *) NULL)->member), FALSE, what \
  }

static const struct
{
  const char *name;
  gsize offset, size;
  gboolean is_text;
  EspNodeChange what;
} members[] = {
  PLAIN (parent, ESP_NODE_CHANGE_PLACE),
  PLAIN (position, ESP_NODE_CHANGE_PLACE),
  PLAIN (kind, ESP_NODE_CHANGE_TURN),
  PLAIN (state, ESP_NODE_CHANGE_STATE),
  PLAIN (folded, ESP_NODE_CHANGE_FOLDED),
  TEXT (message, ESP_NODE_CHANGE_STATE),
  TEXT (instruction, ESP_NODE_CHANGE_TURN),
  TEXT (negative_prompt, ESP_NODE_CHANGE_TURN),
  TEXT (backend, ESP_NODE_CHANGE_TURN),
  TEXT (model, ESP_NODE_CHANGE_TURN),
  TEXT (model_name, ESP_NODE_CHANGE_TURN),
  TEXT (model_hash, ESP_NODE_CHANGE_TURN),
  TEXT (parameters, ESP_NODE_CHANGE_TURN),
  TEXT (asked, ESP_NODE_CHANGE_TURN),
  PLAIN (has_seed, ESP_NODE_CHANGE_TURN),
  PLAIN (seed, ESP_NODE_CHANGE_TURN),
  TEXT (file_name, ESP_NODE_CHANGE_TURN),
  TEXT (remote_job, ESP_NODE_CHANGE_STATE),
  PLAIN (created, ESP_NODE_CHANGE_TURN),
  TEXT (timings, ESP_NODE_CHANGE_TURN),
  TEXT (currency, ESP_NODE_CHANGE_TURN),
  PLAIN (image.id, ESP_NODE_CHANGE_IMAGE),
  PLAIN (raw.id, ESP_NODE_CHANGE_COMPOSITION),
  PLAIN (mask.id, ESP_NODE_CHANGE_COMPOSITION),
  PLAIN (source.id, ESP_NODE_CHANGE_COMPOSITION),
  PLAIN (image.sha256[40], ESP_NODE_CHANGE_IMAGE),
  PLAIN (raw.sha256[40], ESP_NODE_CHANGE_COMPOSITION),
  PLAIN (mask.sha256[40], ESP_NODE_CHANGE_COMPOSITION),
  PLAIN (source.sha256[40], ESP_NODE_CHANGE_COMPOSITION),
  PLAIN (source_node, ESP_NODE_CHANGE_COMPOSITION),
  PLAIN (latents, ESP_NODE_CHANGE_COMPOSITION),
  TEXT (composition, ESP_NODE_CHANGE_COMPOSITION),
  TEXT (label, ESP_NODE_CHANGE_MARKS),
  TEXT (note, ESP_NODE_CHANGE_MARKS),
  PLAIN (stars, ESP_NODE_CHANGE_MARKS),
  PLAIN (tag, ESP_NODE_CHANGE_MARKS),
  PLAIN (rejected, ESP_NODE_CHANGE_MARKS),
};

static void
assert_change (const EspRecord *a, const EspRecord *b, EspNodeChange what, const char *name)
{
  g_test_message ("%s", name);
  g_assert_cmpuint (_esp_record_compare (a, b), ==, what);
  g_assert_cmpuint (_esp_record_compare (b, a), ==, what);
}

static void
test_compare (void)
{
  g_autoptr (EspRecord) record = make_record ();

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autoptr (EspRecord) other = _esp_record_copy (record);
      char *member = (char *) other + members[i].offset;

      assert_change (record, other, 0, members[i].name);
      if (members[i].is_text)
        _esp_record_set_text ((char **) member, "another");
      else
        member[0] ^= 1;
      assert_change (record, other, members[i].what, members[i].name);
      if (members[i].is_text)
        _esp_record_set_text ((char **) member, NULL);
      assert_change (record, other, members[i].what, members[i].name);
    }
}

/* Numbers that a database may give back a little different, and lists. */
static void
test_compare_loosely (void)
{
  g_autoptr (EspRecord) record = make_record ();
  g_autoptr (EspRecord) other = _esp_record_copy (record);

  other->seconds += 1e-12;
  other->cost -= 1e-15;
  assert_change (record, other, 0, "rounded");
  other->seconds = 2.5;
  assert_change (record, other, ESP_NODE_CHANGE_TURN, "seconds");
  other->seconds = record->seconds;
  other->cost = 0.0401;
  assert_change (record, other, ESP_NODE_CHANGE_TURN, "cost");
  other->cost = record->cost;
  g_array_index (other->references, gint64, 1) = 8;
  assert_change (record, other, ESP_NODE_CHANGE_TURN, "a reference");
  g_array_set_size (other->references, 1);
  assert_change (record, other, ESP_NODE_CHANGE_TURN, "a reference less");
  g_clear_pointer (&other->references, g_array_unref);
  assert_change (record, other, ESP_NODE_CHANGE_TURN, "no references");
  g_array_set_size (record->references, 0);
  assert_change (record, other, 0, "no references in another way");
  other->stars = 1;
  other->folded = TRUE;
  assert_change (record, other, ESP_NODE_CHANGE_MARKS | ESP_NODE_CHANGE_FOLDED, "two");
}

/* A copy shares nothing. */
static void
test_copy (void)
{
  g_autoptr (EspRecord) record = make_record ();
  g_autoptr (EspRecord) copy = _esp_record_copy (record);

  g_assert_cmpint (copy->id, ==, 3);
  g_assert_cmpint (copy->sweep, ==, 9);
  g_assert_cmpuint (copy->cell, ==, 2);
  g_assert_cmpstr (copy->mask.media_type, ==, "image/png");
  g_assert_cmpint (copy->mask.width, ==, 8);
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    if (members[i].is_text)
      g_assert_true (*(char **) ((char *) copy + members[i].offset)
                     != *(char **) ((char *) record + members[i].offset));
  g_array_index (record->references, gint64, 0) = 77;
  g_assert_cmpint (g_array_index (copy->references, gint64, 0), ==, 5);

  _esp_record_clear_parts (copy);
  g_assert_cmpint (copy->image.id, ==, 10);
  g_assert_cmpint (copy->raw.id, ==, 0);
  g_assert_cmpint (copy->mask.id, ==, 0);
  g_assert_cmpint (copy->source.id, ==, 0);
  g_assert_cmpint (copy->latents, ==, 0);
  g_assert_cmpint (copy->source_node, ==, 0);
}

/* The seed, the result, the place and marks make it no other turn. */
static void
test_stack_key (void)
{
  static const char *const apart[]
      = { "instruction", "negative_prompt", "backend", "model", "asked", "composition" };
  g_autoptr (EspRecord) record = make_record ();
  g_autofree char *key = _esp_record_dup_stack_key (record), *referring = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autoptr (EspRecord) other = _esp_record_copy (record);
      char *member = (char *) other + members[i].offset;
      g_autofree char *another = NULL, *none = NULL;
      gboolean is_apart = FALSE;

      for (guint j = 0; j < G_N_ELEMENTS (apart); j++)
        is_apart = is_apart || g_str_equal (members[i].name, apart[j]);
      g_test_message ("%s", members[i].name);
      if (!members[i].is_text)
        member[0] ^= 1;
      else
        _esp_record_set_text ((char **) member, "{\"keep\":\"off\"}");
      another = _esp_record_dup_stack_key (other);
      g_assert_cmpint (g_str_equal (another, key), ==, !is_apart);
      if (members[i].is_text)
        _esp_record_set_text ((char **) member, NULL);
      none = _esp_record_dup_stack_key (other);
      g_assert_cmpint (g_str_equal (none, key), ==, !is_apart);
    }
  g_array_index (record->references, gint64, 1) = 77;
  referring = _esp_record_dup_stack_key (record);
  g_assert_cmpstr (referring, !=, key);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/record/names", test_names);
  g_test_add_func ("/record/compare", test_compare);
  g_test_add_func ("/record/compare-loosely", test_compare_loosely);
  g_test_add_func ("/record/copy", test_copy);
  g_test_add_func ("/record/stack-key", test_stack_key);

  return g_test_run ();
}

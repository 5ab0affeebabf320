/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far pictures drift from the photo: outside of what was changed, by masks and without, and as
 * people read it. */
#include "esp-drift.h"

#include <math.h>
#include <string.h>

#include "document-fixture.h"
#include "esp-picture-scale.h"
#include "esp-untouched.h"

#define SIDE 240

static EspPicture *
load_photo (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("ESP_PHOTOS"), "coffee.png", NULL);
  g_autoptr (EspPicture) photo = esp_picture_load (path, NULL, NULL, NULL);
  EspPicture *small = esp_picture_scale (photo, SIDE, SIDE * 2 / 3, NULL, NULL);

  g_assert_nonnull (small);
  return small;
}

static EspPicture *
copy_picture (EspPicture *picture)
{
  EspPicture *copy = esp_picture_new (picture->width, picture->height, NULL);

  memcpy (copy->pixels, picture->pixels, (gsize) copy->width * (gsize) copy->height * 3);
  return copy;
}

static GBytes *
to_png (EspPicture *picture)
{
  const EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  GBytes *bytes = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, NULL, NULL);

  g_assert_nonnull (bytes);
  return bytes;
}

/* A rectangle of one colour; the mask (or NULL) is white there. */
static void
draw_edit (EspPicture *picture, EspMask *mask, int x, int y, int side, guint8 value)
{
  for (int row = y; row < y + side; row++)
    {
      memset (picture->pixels + ((gsize) row * (gsize) picture->width + (gsize) x) * 3, value,
              (gsize) side * 3);
      if (mask != NULL)
        memset (mask->values + (gsize) row * (gsize) mask->width + (gsize) x, 255, (gsize) side);
    }
}

/* Everything a little lighter, as turns leave it. */
static void
tint (EspPicture *picture, int by)
{
  const gsize n = (gsize) picture->width * (gsize) picture->height * 3;

  for (gsize i = 0; i < n; i++)
    picture->pixels[i] = (guint8) CLAMP (picture->pixels[i] + by, 0, 255);
}

static EspPicture *
shift_right (EspPicture *picture, int by)
{
  EspPicture *moved = copy_picture (picture);
  const gsize row = (gsize) picture->width * 3;

  for (gsize y = 0; y < (gsize) picture->height; y++)
    memcpy (moved->pixels + y * row + by * 3, picture->pixels + y * row, row - (gsize) by * 3);
  return moved;
}

static EspNode *
add_made (EspDocument *document, EspNode *parent, EspPicture *image, EspMask *mask,
          const EspComposition *composition)
{
  EspTurn turn = { .instruction = "Change it", .backend = "local", .composition = composition };
  g_autoptr (GBytes) bytes = to_png (image);
  g_autoptr (GBytes) mask_bytes = mask != NULL ? esp_mask_to_bytes (mask, NULL) : NULL;
  EspTurnOutcome outcome = { .image = bytes,
                             .seconds = -1,
                             .cost = -1,
                             .raw = mask != NULL ? bytes : NULL,
                             .mask = mask_bytes,
                             .composition = composition };
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (Waiter) waiter = { NULL };

  nodes = esp_document_add_turns_finish (
      document, WAIT (waiter, esp_document_add_turns_async, document, parent, &turn, 1, NULL),
      &error);
  g_assert_no_error (error);
  esp_document_finish_turn_finish (
      document,
      WAIT (waiter, esp_document_finish_turn_async, document, nodes->pdata[0], &outcome, NULL),
      &error);
  g_assert_no_error (error);
  return nodes->pdata[0];
}

static EspComposition *
new_made (gboolean global)
{
  EspComposition *composition = esp_composition_new (ESP_KEEP_AUTO);

  composition->made = TRUE;
  composition->global = global;
  return composition;
}

static EspDrift
measure (EspDocument *document, EspNode *node)
{
  g_autoptr (GError) error = NULL;
  g_auto (Waiter) waiter = { NULL };
  EspDrift drift = { 0 }, known = { 0 };

  esp_drift_measure_finish (WAIT (waiter, esp_drift_measure_async, document, node, NULL), &drift,
                            &error);
  g_assert_no_error (error);
  g_assert_true (esp_drift_look_up (document, node, &known));
  g_assert_cmpmem (&known, sizeof known, &drift, sizeof drift);
  return drift;
}

/* Two turns whose masks say where they changed something: nothing else moved by a bit. */
static void
test_kept (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Kept");
  g_autoptr (EspPicture) photo = load_photo ();
  g_autoptr (GBytes) bytes = to_png (photo);
  g_autoptr (EspPicture) image = copy_picture (photo);
  g_autoptr (EspMask) first = esp_mask_new (photo->width, photo->height, NULL);
  g_autoptr (EspMask) second = esp_mask_new (photo->width, photo->height, NULL);
  g_autoptr (EspComposition) composition = new_made (FALSE);
  EspNode *root = import_image (document, bytes, "photo.png", NULL), *node;
  EspDrift drift = measure (document, root);
  g_autofree char *text = NULL;

  g_assert_cmpuint (drift.generation, ==, 0);
  g_assert_true (drift.exact);
  g_assert_cmpfloat (drift.compared, ==, 1);

  composition->feather = 0;
  draw_edit (image, first, 20, 30, 40, 255);
  node = add_made (document, root, image, first, composition);
  draw_edit (image, second, 120, 60, 50, 0);
  node = add_made (document, node, image, second, composition);
  drift = measure (document, node);
  g_assert_cmpuint (drift.generation, ==, 2);
  g_assert_true (drift.exact);
  g_assert_false (drift.whole);
  g_assert_cmpfloat (drift.delta_e, ==, 0);
  g_assert_cmpfloat_with_epsilon (drift.compared,
                                  1 - (40. * 40 + 50 * 50) / (photo->width * photo->height), 0.02);
  text = esp_drift_dup_text (&drift);
  g_assert_cmpstr (text, ==, "None: every pixel outside of the changes is the photo’s");

  close_document (document);
}

/* A turn that left a tint and moved all by two pixels, of which nothing is stored. */
static void
test_drifted (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Drifted");
  g_autoptr (EspPicture) photo = load_photo ();
  g_autoptr (GBytes) bytes = to_png (photo);
  g_autoptr (EspPicture) image = shift_right (photo, 2);
  EspNode *root = import_image (document, bytes, "photo.png", NULL), *node;
  g_autofree char *text = NULL;
  EspDrift drift;

  tint (image, 4);
  draw_edit (image, NULL, 100, 60, 50, 10);
  node = add_made (document, root, image, NULL, NULL);
  drift = measure (document, node);
  g_assert_cmpuint (drift.generation, ==, 1);
  g_assert_false (drift.exact);
  g_assert_false (drift.whole);
  g_assert_cmpfloat_with_epsilon (drift.shift_x, 2, 0.15);
  g_assert_cmpfloat_with_epsilon (drift.shift_y, 0, 0.15);
  g_assert_cmpfloat (drift.delta_e, >, 0.5);
  g_assert_cmpfloat (drift.delta_e, <, 12);
  g_assert_cmpfloat (drift.p95, >, drift.delta_e);
  g_assert_cmpfloat (drift.compared, <, 0.97);
  text = esp_drift_dup_text (&drift);
  g_assert_true (g_str_has_prefix (text, "ΔE "));
  g_assert_nonnull (strstr (text, "moved by 2.0 px"));

  close_document (document);
}

/* Where a turn changed all of it, nothing can be compared, nor below. */
static void
test_whole (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Whole");
  g_autoptr (EspPicture) photo = load_photo ();
  g_autoptr (GBytes) bytes = to_png (photo);
  g_autoptr (EspPicture) image = copy_picture (photo);
  g_autoptr (EspComposition) composition = new_made (TRUE);
  EspNode *root = import_image (document, bytes, "photo.png", NULL), *node;
  g_autofree char *text = NULL;
  EspDrift drift;

  tint (image, 90);
  node = add_made (document, root, image, NULL, composition);
  node = add_made (document, node, image, NULL, NULL);
  drift = measure (document, node);
  g_assert_cmpuint (drift.generation, ==, 2);
  g_assert_true (drift.whole);
  text = esp_drift_dup_text (&drift);
  g_assert_cmpstr (text, ==, "Not comparable: the picture was changed as a whole");

  close_document (document);
}

/* A queued turn has no picture; a measurement that is cancelled says so and leaves nothing. */
static void
test_refused (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Refused");
  EspNode *root = import_color (document, 0x804020, NULL);
  EspNode *node = add_turn (document, root, "Wait", 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_auto (Waiter) waiter = { NULL };
  EspDrift drift;

  g_assert_false (esp_drift_measure_finish (
      WAIT (waiter, esp_drift_measure_async, document, node, NULL), &drift, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);

  g_cancellable_cancel (cancellable);
  g_assert_false (esp_drift_measure_finish (
      WAIT (waiter, esp_drift_measure_async, document, root, cancellable), &drift, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (esp_drift_look_up (document, root, &drift));
  waiter_clear (&waiter);

  close_document (document);
}

int
main (int argc, char **argv)
{
  fixture_init (&argc, &argv);
  ADD_TEST ("/drift/kept", test_kept);
  ADD_TEST ("/drift/drifted", test_drifted);
  ADD_TEST ("/drift/whole", test_whole);
  ADD_TEST ("/drift/refused", test_refused);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-composition.c: what turns ask for and what came of it, as data: texts, JSON, equality. */
#include "esp-composition.h"

#include <string.h>

static void
test_regions (void)
{
  static const char *const good[]
      = { "1,2,30,40", "-5,0,8,8", "0,0,20,0,20,20,0,20", "1.5,2,30.25,4,20,36" };
  static const char *const bad[] = { "",
                                     "1,2,3",
                                     "1,2,30",
                                     "1,2,7,40",
                                     "a,b,c,d",
                                     "1,2,30,40,5",
                                     "1,2,3,4,5,6,",
                                     "nan,1,40,1,40,40",
                                     "1e9,1,40,1,40,40",
                                     "1,1,2,2,3,3",
                                     "1,2,30,40px" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EspRegion) region = esp_region_parse (good[i], &error);
      g_autoptr (EspRegion) again = NULL;
      g_autofree char *text = NULL;

      g_assert_no_error (error);
      text = esp_region_to_text (region);
      g_assert_cmpstr (text, ==, good[i]);
      again = esp_region_parse (text, NULL);
      g_assert_true (esp_region_equal (region, again));
      g_assert_cmpint (region->points != NULL, ==, i >= 2);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", bad[i]);
      g_assert_null (esp_region_parse (bad[i], &error));
      g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED);
    }
}

static void
test_json (void)
{
  g_autoptr (EspComposition) full = esp_composition_new (ESP_KEEP_PAINTED);
  g_autoptr (EspComposition) read = NULL;
  g_autofree char *json = NULL;
  g_autofree char *again = NULL;

  full->region = esp_region_new (3, 4, 50, 60);
  full->grow = -2.5;
  full->feather = 0;
  full->made = TRUE;
  full->global = TRUE;
  full->changed = 0.125;
  full->crop = (EspCrop){ 1, 2, 70, 80, 1024, 1040 };
  full->registration.shift_x = -1.5;
  full->registration.scale = 1.004;
  full->registration.gain[1] = 1.02;
  full->registration.certain = TRUE;
  full->problem = g_strdup ("None");
  json = esp_composition_to_json (full);
  read = esp_composition_from_json (json);
  again = esp_composition_to_json (read);
  g_assert_cmpstr (json, ==, again);
  g_assert_true (read->global && read->made && read->registration.certain);
  g_assert_cmpfloat (read->feather, ==, 0);
  g_assert_cmpfloat (read->registration.shift_x, ==, -1.5);
  g_assert_cmpint (read->crop.send_height, ==, 1040);
  g_assert_null (esp_composition_from_json ("[1]"));
  g_assert_null (esp_composition_from_json (NULL));
}

static void
test_asked (void)
{
  g_autoptr (EspComposition) painted = esp_composition_new (ESP_KEEP_PAINTED);
  g_autoptr (EspComposition) off = esp_composition_new (ESP_KEEP_OFF);
  g_autoptr (EspComposition) asked = NULL;
  g_autoptr (EspComposition) part = NULL;

  painted->made = TRUE;
  painted->grow = 4;
  painted->crop.width = 9;
  painted->problem = g_strdup ("x");
  asked = esp_composition_dup_asked (painted);
  g_assert_cmpint (asked->keep, ==, ESP_KEEP_AUTO);
  g_assert_cmpfloat (asked->grow, ==, 4);
  g_assert_false (asked->made);
  g_assert_cmpint (asked->crop.width, ==, 0);
  g_assert_null (asked->problem);
  g_assert_true (esp_composition_asks_same (painted, asked));
  g_assert_false (esp_composition_asks_same (painted, NULL));

  g_assert_null (esp_composition_dup_asked (NULL));
  g_assert_null (esp_composition_dup_asked (off));
  g_assert_true (esp_composition_asks_same (off, NULL));
  off->region = esp_region_new (1, 2, 30, 40);
  part = esp_composition_dup_asked (off);
  g_assert_cmpint (part->keep, ==, ESP_KEEP_OFF);
  g_assert_true (esp_region_equal (part->region, off->region));
  g_assert_false (esp_composition_asks_same (off, NULL));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/composition/regions", test_regions);
  g_test_add_func ("/composition/json", test_json);
  g_test_add_func ("/composition/asked", test_asked);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "esp-json-object.h"
#include "esp-machine.h"
#include "models-fixture.h"

#define GIB (G_GUINT64_CONSTANT (1) << 30)

static EspModelOffer *
get_offer (void)
{
  g_autoptr (GListModel) offers = esp_model_offers_load ();

  return esp_model_offers_find (offers, "flux-kontext-dev");
}

/* What a machine gets, and which of its figures the sentence names. */
static void
test_machines (void)
{
  static const struct
  {
    double memory, gpu; /* GiB */
    const char *variant;
    gboolean fits;
    const char *named;
  } cases[] = {
    { 3.8, 0, "q4_k", FALSE, "4 GB" },     { 7.7, 0, "q4_k", FALSE, "8 GB" },
    { 15.5, 0, "q4_k", TRUE, "16 GB" },    { 23.5, 0, "q8_0", TRUE, "24 GB" },
    { 31.2, 0, "q8_0", TRUE, "31 GB" },    { 62.7, 0, "bf16", TRUE, "63 GB" },
    { 15.5, 11.9, "q4_k", TRUE, "12 GB" }, { 31.2, 15.9, "q8_0", TRUE, "16 GB" },
    { 15.5, 23.9, "q8_0", TRUE, "24 GB" }, { 62.7, 47.9, "bf16", TRUE, "48 GB" },
    { 31.2, 5.9, "q8_0", TRUE, "6 GB" },
  };
  g_autoptr (EspModelOffer) offer = get_offer ();

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      EspMachine machine = { (guint64) (cases[i].memory * (double) GIB),
                             (guint64) (cases[i].gpu * (double) GIB), (char *) "Some Card" };
      g_autofree char *sentence = NULL;
      gboolean fits;
      const EspModelVariant *variant = esp_model_recommend (offer, &machine, &sentence, &fits);

      g_test_message ("%g GiB, card %g GiB: %s", cases[i].memory, cases[i].gpu, sentence);
      g_assert_cmpstr (variant->id, ==, cases[i].variant);
      g_assert_cmpint (fits, ==, cases[i].fits);
      g_assert_nonnull (strstr (sentence, cases[i].named));
      g_assert_nonnull (strstr (sentence, variant->name));
      g_assert_cmpint (esp_model_variant_fits (variant, &machine), ==, fits);
    }
}

static void
test_warning (void)
{
  g_autoptr (EspModelOffer) offer = get_offer ();
  EspMachine machine = { 16 * GIB, 0, NULL };
  g_autofree char *large
      = esp_model_variant_dup_warning (esp_model_offer_find_variant (offer, "bf16"), &machine);
  g_autofree char *small
      = esp_model_variant_dup_warning (esp_model_offer_find_variant (offer, "q4_k"), &machine);

  g_assert_nonnull (large);
  g_assert_nonnull (strstr (large, "16 GB"));
  g_assert_null (small);
}

static void
test_machine (void)
{
  g_autoptr (EspMachine) machine = esp_machine_new ();
  g_autoptr (EspMachine) copy = NULL;
  g_autoptr (JsonObject) description = esp_json_parse_object (
      "{\"devices\": [{\"id\": \"cpu\", \"usable\": true, \"memory\": 99},"
      " {\"id\": \"cuda:0\", \"usable\": false, \"memory\": 50000000000},"
      " {\"id\": \"cuda:1\", \"usable\": true, \"memory\": 8000000000, \"description\": \"A\"},"
      " {\"id\": \"cuda:2\", \"usable\": true, \"memory\": 12000000000, \"name\": \"B\", "
      "\"description\": \"B, busy\"},"
      " {\"id\": \"cuda:3\", \"usable\": true}, 7]}");

  g_assert_cmpuint (machine->memory, >, 64 << 20);
  g_assert_cmpuint (machine->gpu_memory, ==, 0);
  esp_machine_take_description (machine, description);
  g_assert_cmpuint (machine->gpu_memory, ==, 12000000000);
  g_assert_cmpstr (machine->gpu_name, ==, "B");
  copy = esp_machine_copy (machine);
  g_assert_cmpstr (copy->gpu_name, ==, "B");
}

static void
test_space (void)
{
  g_autofree char *deep = models_path ("not/there/yet");

  g_assert_cmpint (esp_machine_get_free_space ("/proc"), >=, 0);
  g_assert_cmpint (esp_machine_get_free_space (deep), >, 0);
}

int
main (int argc, char **argv)
{
  int status;

  models_home ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/models/recommend/machines", test_machines);
  g_test_add_func ("/models/recommend/warning", test_warning);
  g_test_add_func ("/models/recommend/machine", test_machine);
  g_test_add_func ("/models/recommend/space", test_space);
  status = g_test_run ();
  models_home_clear ();
  return status;
}

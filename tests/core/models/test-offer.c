/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "esp-model-offer-private.h"
#include "models-fixture.h"

#define FILE_OK "{\"path\": \"a/b.bin\", \"repo\": \"org/model\", \"size\": 7}"

static char *
make_manifest (const char *licence, const char *variant, const char *files)
{
  return g_strdup_printf (
      "{\"schema\": \"espalier-model-offer-1\", \"id\": \"m\", \"name\": \"M\",\n"
      "\"licence\": {\"name\": \"L\", \"url\": \"https://l.example/\", \"text\": \"%s\"},\n"
      "\"source\": {\"name\": \"S\", \"url\": \"https://s.example/{repo}/{revision}/{path}\",\n"
      " \"digests\": \"huggingface\", \"token\": {\"account\": \"s\"}},\n"
      "\"sets\": {\"one\": [{\"path\": \"c.bin\", \"url\": \"https://other.example/c\", "
      "\"about\": 5}]},\n"
      "\"variants\": [{\"id\": \"v\", \"name\": \"V\", \"format\": \"F\" %s,\n"
      "\"files\": [%s]}]}",
      licence, variant, files);
}

static EspModelOffer *
read_manifest (const char *text, GError **error)
{
  g_autofree char *path = models_write ("offers/m.json", text, -1);

  return esp_model_offer_new_from_file (path, error);
}

static void
test_shipped (void)
{
  g_autoptr (GListModel) offers = esp_model_offers_load ();
  g_autoptr (EspModelOffer) offer = esp_model_offers_find (offers, "flux-kontext-dev");
  const EspModelLicence *licence;

  g_assert_nonnull (offer);
  licence = esp_model_offer_get_licence (offer);
  g_assert_true (licence->gated);
  g_assert_true (licence->non_commercial);
  g_assert_cmpstr (esp_model_offer_get_token_account (offer), ==, "huggingface");
  g_assert_cmpuint (esp_model_offer_get_n_variants (offer), >=, 4);

  for (guint i = 0; i < esp_model_offer_get_n_variants (offer); i++)
    {
      const EspModelVariant *variant = esp_model_offer_get_variant (offer, i);

      g_assert_cmpuint (variant->memory, >, 0);
      g_assert_cmpint (variant->about, >, 0);
      for (guint k = 0; k < variant->files->len; k++)
        {
          const EspModelFile *file = variant->files->pdata[k];

          g_assert_true (g_str_has_prefix (file->url, "https://huggingface.co/"));
          g_assert_true (file->hub_digests && file->takes_token);
          g_assert_null (strchr (file->url, '{'));
          g_assert_cmpint (file->about, >, 0);
          /* A digest without a size, or the other way round, is a slip. */
          g_assert_true ((file->sha256 != NULL) == (file->size >= 0));
        }
      /* What the manifest of the model will name is fetched. */
      if (variant->components != NULL)
        {
          JsonObjectIter iter;
          const char *component;
          JsonNode *node;

          json_object_iter_init (&iter, variant->components);
          while (json_object_iter_next (&iter, &component, &node))
            {
              gboolean found = FALSE;

              for (guint k = 0; k < variant->files->len; k++)
                {
                  const EspModelFile *file = variant->files->pdata[k];

                  found = found
                          || (g_strcmp0 (file->component, component) == 0
                              && g_str_has_prefix (file->path, json_node_get_string (node)));
                }
              g_assert_true (found);
            }
        }
    }
}

/* What the manifests say is what translators are given. */
static void
test_texts (void)
{
  g_autoptr (GListModel) offers = esp_model_offers_load ();
  const char *const *known = _esp_model_offer_get_texts ();
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (offers); i++)
    {
      g_autoptr (EspModelOffer) offer = g_list_model_get_item (offers, i);

      g_assert_true (g_strv_contains (known, esp_model_offer_get_summary (offer)));
      g_assert_true (g_strv_contains (known, esp_model_offer_get_licence (offer)->text));
      n += 2;
      for (guint k = 0; k < esp_model_offer_get_n_variants (offer); k++)
        {
          const EspModelVariant *variant = esp_model_offer_get_variant (offer, k);

          g_assert_true (g_strv_contains (known, variant->name));
          g_assert_true (variant->note == NULL || g_strv_contains (known, variant->note));
          n += variant->note != NULL ? 2 : 1;
        }
    }

  g_assert_cmpuint (g_strv_length ((char **) known), ==, n);
}

static void
test_read (void)
{
  g_autofree char *text = make_manifest (
      "T", ", \"include\": [\"one\"], \"components\": {\"transformer\": \"a/b.bin\"}", FILE_OK);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspModelOffer) offer = read_manifest (text, &error);
  const EspModelVariant *variant;
  const EspModelFile *file;

  g_assert_no_error (error);
  variant = esp_model_offer_find_variant (offer, "v");
  g_assert_null (esp_model_offer_find_variant (offer, "w"));
  g_assert_cmpuint (variant->files->len, ==, 2);
  g_assert_cmpint (variant->about, ==, 12);
  g_assert_false (variant->exact);

  file = variant->files->pdata[0];
  g_assert_cmpstr (file->url, ==, "https://other.example/c");
  g_assert_cmpint (file->size, ==, -1);
  /* The token is for the source, whoever else is named. */
  g_assert_false (file->takes_token);
  file = variant->files->pdata[1];
  g_assert_cmpstr (file->url, ==, "https://s.example/org/model/main/a/b.bin");
  g_assert_true (file->takes_token);
}

static void
test_refused (void)
{
  static const struct
  {
    const char *variant, *files, *named;
  } cases[] = {
    { "", "{\"path\": \"../x\", \"repo\": \"r\"}", "path" },
    { "", "{\"path\": \"/etc/x\", \"repo\": \"r\"}", "path" },
    { "", "{\"path\": \"a//x\", \"repo\": \"r\"}", "path" },
    { "", "{\"path\": \".hidden\", \"repo\": \"r\"}", "path" },
    { "", "{\"path\": \"a\\\\x\", \"repo\": \"r\"}", "path" },
    { "", "{\"path\": \"espalier.json\", \"repo\": \"r\"}", "path" },
    { "", FILE_OK "," FILE_OK, "twice" },
    { "", "{\"path\": \"x\"}", "repo" },
    { "", "{\"path\": \"x\", \"url\": \"http://far.example/x\"}", "url" },
    { "", "{\"path\": \"x\", \"url\": \"file:///etc/passwd\"}", "url" },
    { "", "{\"path\": \"x\", \"repo\": \"r\", \"sha256\": \"AB\"}", "sha256" },
    { "", "{\"path\": \"x\", \"repo\": \"r\", \"size\": -5}", "size" },
    { "", "{\"path\": \"x\", \"repo\": \"r\", \"component\": \"wheel\"}", "component" },
    { "", "{\"path\": \"x\", \"repo\": \"r\", \"sise\": 5}", "sise" },
    { ", \"include\": [\"two\"]", FILE_OK, "include" },
    { ", \"components\": {\"clip\": \"../x\"}", FILE_OK, "components" },
    { ", \"quality\": 101", FILE_OK, "quality" },
    { "", "", "files" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = make_manifest ("T", cases[i].variant, cases[i].files);
      g_autoptr (GError) error = NULL;
      g_autoptr (EspModelOffer) offer = read_manifest (text, &error);

      g_test_message ("%s", error != NULL ? error->message : "?");
      g_assert_null (offer);
      g_assert_error (error, ESP_MODEL_OFFER_ERROR, ESP_MODEL_OFFER_ERROR_FORMAT);
      g_assert_nonnull (strstr (error->message, "m.json:"));
      g_assert_nonnull (strstr (error->message, cases[i].named));
    }
}

static void
test_broken (void)
{
  static const char *const texts[]
      = { "", "[]", "{", "{\"schema\": \"other\"}", "{\"schema\": \"espalier-model-offer-1\"}" };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EspModelOffer) offer = read_manifest (texts[i], &error);

      g_assert_null (offer);
      g_assert_error (error, ESP_MODEL_OFFER_ERROR, ESP_MODEL_OFFER_ERROR_FORMAT);
    }
}

/* A manifest that is wrong does not take the others along. */
static void
test_folder (void)
{
  g_autofree char *text = make_manifest ("T", "", FILE_OK);
  g_autofree char *good = models_write ("several/good.json", text, -1);
  g_autofree char *bad = models_write ("several/bad.json", "{", -1);
  g_autofree char *folder = g_path_get_dirname (good);
  g_autoptr (GListModel) offers = NULL;

  g_setenv ("ESPALIER_OFFERS_DIR", folder, TRUE);
  offers = esp_model_offers_load ();
  g_unsetenv ("ESPALIER_OFFERS_DIR");
  g_assert_cmpuint (g_list_model_get_n_items (offers), ==, 1);
}

static void
test_licence (void)
{
  g_autofree char *text = make_manifest ("Old", "", FILE_OK);
  g_autofree char *changed = make_manifest ("New", "", FILE_OK);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspModelOffer) offer = read_manifest (text, &error);
  g_autoptr (EspModelOffer) later = NULL;

  g_assert_no_error (error);
  g_assert_false (esp_model_offer_is_accepted (offer));
  g_assert_true (esp_model_offer_accept (offer, &error));
  g_assert_no_error (error);
  g_assert_true (esp_model_offer_is_accepted (offer));

  /* Another text is another licence. */
  later = read_manifest (changed, &error);
  g_assert_no_error (error);
  g_assert_false (esp_model_offer_is_accepted (later));
}

int
main (int argc, char **argv)
{
  int status;

  models_home ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/models/offer/shipped", test_shipped);
  g_test_add_func ("/models/offer/texts", test_texts);
  g_test_add_func ("/models/offer/read", test_read);
  g_test_add_func ("/models/offer/refused", test_refused);
  g_test_add_func ("/models/offer/broken", test_broken);
  g_test_add_func ("/models/offer/folder", test_folder);
  g_test_add_func ("/models/offer/licence", test_licence);
  status = g_test_run ();
  models_home_clear ();
  return status;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-offer.h: models that can be downloaded, as data/models/ID.json describes them
 * (docs/models.md).
 *
 * An offer is a model; its variants are the forms it can be had in (whole, 8 bit, 4 bit …). Plain
 * data, counted, never changed after it was read. All texts are UTF-8, those for people translated
 * where po/ has them.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* One file of a variant. */
typedef struct
{
  char *path;      /* where it lies in the model's folder, relative, with / */
  char *url;       /* where it is fetched from */
  char *component; /* "transformer", "clip", "t5", "vae", "tokenizer", "tokenizer_2"; or NULL */
  char *sha256;    /* 64 hex digits, lower case; NULL: the server's own word counts */
  gint64 size;     /* bytes; -1: the server's own word counts */
  gint64 about;    /* bytes, rounded, for people; the size where that is known; 0 unknown */
  gboolean takes_token; /* the access token may go to this address */
  gboolean optional;    /* the model works without it: 404 is no error */
  gboolean hub_digests; /* the server's ETag is a SHA-256 (64 digits) or git's blob hash (40), as
                           Hugging Face's are */
} EspModelFile;

/* One form of a model. */
typedef struct
{
  char *id;               /* unique in the offer: "bf16", "fp8", "q8_0", "q4_k" */
  char *name;             /* for people: "8 bit (GGUF Q8_0)" */
  char *format;           /* short: "GGUF Q8_0, T5 fp8" */
  char *note;             /* a sentence on what one gains and loses; or NULL */
  GPtrArray *files;       /* of EspModelFile */
  JsonObject *components; /* espalier.json's, of its files; NULL: a folder as diffusers has it */
  gint64 about;           /* bytes of all files, rounded where not known */
  gboolean exact;         /* `about` is exact */
  guint64 memory;         /* bytes of RAM that an edit of a megapixel needs */
  guint64 gpu_memory;     /* bytes of GPU memory to do it there; 0: not made for one */
  guint quality;          /* 0 … 100; the more the nearer to the original */
} EspModelVariant;

typedef struct
{
  char *name;   /* "FLUX.1 [dev] Non-Commercial License" */
  char *url;    /* its full text */
  char *text;   /* what it comes to, in some sentences for people */
  char *digest; /* SHA-256 of name, url and the untranslated text: what was accepted */
  gboolean non_commercial;
  gboolean gated; /* the source gives the files only to accounts that accepted it there, too */
} EspModelLicence;

#define ESP_TYPE_MODEL_OFFER (esp_model_offer_get_type ())

G_DECLARE_FINAL_TYPE (EspModelOffer, esp_model_offer, ESP, MODEL_OFFER, GObject)

#define ESP_MODEL_OFFER_ERROR (esp_model_offer_error_quark ())

typedef enum
{
  ESP_MODEL_OFFER_ERROR_FORMAT, /* the manifest is wrong: file and field are named */
} EspModelOfferError;

GQuark esp_model_offer_error_quark (void);

/* Reads a manifest. */
EspModelOffer *esp_model_offer_new_from_file (const char *path,
                                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* All offers: $ESPALIER_OFFERS_DIR, else the installation's models/ID.json; in the order of their
 * file names. A GListStore of EspModelOffer, never NULL; a manifest that is wrong is left out, with
 * a warning in the log. */
GListModel *esp_model_offers_load (void) G_GNUC_WARN_UNUSED_RESULT;

/* The offer `id` of such a list; NULL: there is none. Owned by the caller. */
EspModelOffer *esp_model_offers_find (GListModel *offers, const char *id) G_GNUC_WARN_UNUSED_RESULT;

const char *esp_model_offer_get_id (EspModelOffer *self);
const char *esp_model_offer_get_name (EspModelOffer *self);
const char *esp_model_offer_get_summary (EspModelOffer *self);  /* a sentence; or NULL */
const char *esp_model_offer_get_homepage (EspModelOffer *self); /* URL; or NULL */
const EspModelLicence *esp_model_offer_get_licence (EspModelOffer *self);

/* Does the source want an access token? Its key is kept under `account` in the key store
 * (esp-key-store.h); NULL where none is needed. */
const char *esp_model_offer_get_token_account (EspModelOffer *self);
const char *esp_model_offer_get_token_url (EspModelOffer *self);   /* where one gets it; or NULL */
const char *esp_model_offer_get_source_name (EspModelOffer *self); /* "Hugging Face" */

guint esp_model_offer_get_n_variants (EspModelOffer *self);
const EspModelVariant *esp_model_offer_get_variant (EspModelOffer *self, guint i);
/* NULL: there is none of this id. */
const EspModelVariant *esp_model_offer_find_variant (EspModelOffer *self, const char *id);

/* --- Licences ---
 * Kept in $XDG_CONFIG_HOME/espalier/licences.json: offer, licence's name, URL, digest, and when. A
 * licence whose digest is another one now counts as not accepted. */
gboolean esp_model_offer_is_accepted (EspModelOffer *self);
gboolean esp_model_offer_accept (EspModelOffer *self, GError **error);

G_END_DECLS

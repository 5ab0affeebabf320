/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-shipment.h: pictures made ready for a provider.
 *
 * What a provider gets is never the person's file: it is decoded, turned upright, converted to
 * sRGB, flattened on white, scaled to what the model looks at (about 1 MP), and encoded anew
 * without metadata: PNG where it fits the provider's limits and pays, else JPEG of the highest
 * quality that fits. What was done is said in words.
 */
#pragma once

#include "esp-kontext-sizes.h"
#include "esp-picture.h"
#include "esp-provider.h"

G_BEGIN_DECLS

typedef struct
{
  GBytes *bytes;
  const char *format;     /* "png", "jpeg", "webp" */
  const char *media_type; /* "image/png" */
  int width, height;
} EspShippedImage;

typedef struct
{
  GPtrArray *images; /* of EspShippedImage *: the parent's first */
  EspImageSize out;  /* out.width, out.height: the size asked for */
  char *aspect;      /* the "aspect" chosen where the parameters left it to the client; or NULL */
  GPtrArray *notes;  /* of char *: "scaled from 6000 × 4000 to 1248 × 832", … translated */
} EspShipment;

void esp_shipment_free (EspShipment *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspShipment, esp_shipment_free)

/* In a thread. `images`: (element-type GBytes) original bytes. `parameters`: canonical ids; "size"
 * ("auto", "WxH") and "aspect" are looked at. Fails with ESP_IMAGE_ERROR, naming the image. */
void esp_shipment_new_async (EspProvider *provider, GPtrArray *images, JsonObject *parameters,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
EspShipment *esp_shipment_new_finish (GAsyncResult *result,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Is what came back a picture? Checks size, type by content and not by label, pixels bounded, that
 * it decodes; tells whether it is all one colour (what a safety system may return). In a thread. */
typedef struct
{
  GBytes *bytes;
  char *media_type; /* by content */
  int width, height;
  gboolean one_color; /* all black, say */
} EspReceivedImage;

void esp_received_image_free (EspReceivedImage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspReceivedImage, esp_received_image_free)

void esp_received_image_check_async (GBytes *bytes, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);
EspReceivedImage *esp_received_image_check_finish (GAsyncResult *result,
                                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

#define ESP_RECEIVED_MAX_BYTES  (256u << 20)
#define ESP_RECEIVED_MAX_PIXELS (100u * 1000 * 1000)

G_END_DECLS

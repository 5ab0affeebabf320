/* SPDX-License-Identifier: MIT */
/* model.h: an open model: its components and what is kept between edits. Internal to model/. */
#pragma once

#include "espalier-engine.h"
#include "model/disk-cache.h"
#include "model/flow-match-scheduler.h"
#include "model/flux-transformer.h"
#include "model/model-files.h"
#include "model/lora.h"
#include "model/prompt.h"
#include "model/vae.h"
#include "model/work-cache.h"
#include "text/clip-encoder.h"
#include "text/t5-encoder.h"
#include "text/tokenizer.h"

/* What a request says about devices. */
typedef struct EspDeviceWish
{
  EspDeviceChoice choice;
  int card;
  size_t vram;
  EspBlasChoice blas;
  EspDTypeChoice dtype;
  int threads;
} EspDeviceWish;

struct EspModel
{
  char *path;
  EspManifest manifest;
  EspModelFiles files; /* its manifest has moved above */
  EspModelInfo info;
  char hash[65];

  EspClipTokenizer *clip_tokenizer;
  EspT5Tokenizer *t5_tokenizer;
  EspClipEncoder *clip;
  EspT5Encoder *t5;
  EspFlux *flux;
  EspVae *vae;
  EspSchedulerConfig scheduler;

  /* The devices of the last edit, with whatever weights it left prepared on them. vae_device
   * computes in f32, for CLIP as well, and is the same as `device` when that does, too. */
  EspDevice *device, *vae_device;
  EspDeviceWish wish; /* what they were opened for */
  char notice[256];   /* why they are not what was wished; "" if they are */
  double encode_rate; /* seconds for a pixel that encoding last took there; 0: not known */
  bool devices_given; /* by esp_model_set_devices(): requests do not choose */

  EspLoraSet *loras;     /* of the last edit; NULL: none */
  EspLoraKeys lora_keys; /* what they change, for the keys of whatever is kept */

  EspWorkCache work; /* of these devices */
  EspDiskCache disk;
  /* Of the weights of both text encoders, and of the autoencoder: esp_model_hash(), or "" before
   * anyone has asked. */
  char text_hash[ESP_SHA256_HEX_SIZE], vae_hash[ESP_SHA256_HEX_SIZE];
  int pass_limit; /* esp_model_set_pass_limit() */
};

/* --- model-devices.c --- */

/* Sees that model->device and model->vae_device are as the request wants them. */
EspStatus esp_model_use_device (EspModel *model, const EspEditRequest *request, EspError *error);

/* After a request failed with `status` and *error: true if the processor is to try it instead of
 * the card that ran out of memory or broke. The devices are the processor's then, and what was
 * computed is forgotten. */
bool esp_model_step_down (EspModel *model, const EspEditRequest *request, EspStatus status,
                          EspError *error);

/* Gives back all that the devices hold, and them. */
void esp_model_drop_devices (EspModel *model);

/* The device that requests get when they name none, for asking it. */
EspStatus esp_usual_device_new (EspDevice **device, EspError *error);

/* --- model.c --- */

/* The name under which work with this digest is kept on the disk: what it was computed from
 * besides, which are the weights, the device and this program. `autoencoder`: by it, else by the
 * text encoders. False where it is not to be kept. */
bool esp_model_disk_key (EspModel *model, bool autoencoder, const char digest[ESP_SHA256_HEX_SIZE],
                         char key[ESP_SHA256_HEX_SIZE]);

/* The devices are as good as before: a failure or cancellation does not concern what follows. */
void esp_model_forget_failure (EspModel *model);

/* Makes every further edit run on these devices, whatever its request says; the model frees them.
 * `device` and `vae_device` may be the same. For devices that esp_model_use_device() does not know:
 * the tests' reference. */
void esp_model_set_devices (EspModel *model, EspDevice *device, EspDevice *vae_device);

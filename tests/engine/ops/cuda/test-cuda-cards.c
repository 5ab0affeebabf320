/* SPDX-License-Identifier: MIT */
/* test-cuda-cards.c: which cards there are, which are used and why others are not, and what devices
 * on one card may hold together. On emulated cards: CUEMU_… say what they are like. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cuda/cuda-device.h"
#include "ops/cuda/cuda.h"

static EspStatus
open_card (int ordinal, EspCompute compute, size_t vram, EspDevice **device, EspError *error)
{
  const EspCudaOptions options = { .ordinal = ordinal, .compute = compute, .vram = vram };

  return esp_cuda_device_new (&options, device, error);
}

static void
cards_are_described (void)
{
  EspCudaCard cards[4];
  EspError error = ESP_ERROR_INIT;

  setenv ("CUEMU_DEVICES", "2", 1);
  setenv ("CUEMU_NAME", "NVIDIA GeForce RTX 4070", 1);
  setenv ("CUEMU_VRAM", "12884901888", 1);
  CHECK (esp_cuda_cards (cards, 4, &error) == 2);
  for (int i = 0; i < 2; i++)
    {
      CHECK (cards[i].ordinal == i && cards[i].usable && cards[i].reason[0] == '\0');
      CHECK (strcmp (cards[i].name, "NVIDIA GeForce RTX 4070") == 0);
      CHECK (cards[i].capability == 89 && cards[i].bf16 && cards[i].fp8);
      CHECK (cards[i].memory == (size_t) 12 << 30 && cards[i].free == cards[i].memory);
      CHECK (cards[i].driver == 13000);
    }
  /* The number of all is told where there is room for one. */
  CHECK (esp_cuda_cards (cards, 1, &error) == 2);
  unsetenv ("CUEMU_VRAM");
  unsetenv ("CUEMU_NAME");
  unsetenv ("CUEMU_DEVICES");
}

static void
cards_of_no_use_say_why (void)
{
  EspCudaCard card;
  EspDevice *device = NULL;
  EspError error = ESP_ERROR_INIT;

  setenv ("CUEMU_CAPABILITY", "61", 1);
  CHECK (esp_cuda_cards (&card, 1, &error) == 1 && !card.usable);
  CHECK (strstr (card.reason, "6.1 is too old: 7.5") != NULL);
  CHECK_STATUS (open_card (-1, ESP_COMPUTE_AUTO, 0, &device, &error), ESP_ERROR_UNSUPPORTED, error);
  CHECK_MESSAGE (error, "too old");
  CHECK (device == NULL);
  setenv ("CUEMU_CAPABILITY", "75", 1);
  CHECK (esp_cuda_cards (&card, 1, &error) == 1 && card.usable && !card.bf16 && !card.fp8);
  setenv ("CUEMU_COMPUTE_MODE", "2", 1);
  CHECK (esp_cuda_cards (&card, 1, &error) == 1 && !card.usable);
  CHECK (strstr (card.reason, "forbids") != NULL);
  unsetenv ("CUEMU_COMPUTE_MODE");
  unsetenv ("CUEMU_CAPABILITY");
  CHECK_STATUS (open_card (3, ESP_COMPUTE_AUTO, 0, &device, &error), ESP_ERROR_UNSUPPORTED, error);
  CHECK_MESSAGE (error, "cuda:3: there is only 1");
}

static void
no_card_is_no_fault (void)
{
  EspCudaCard card;
  EspDevice *device = NULL;
  EspError error = ESP_ERROR_INIT;

  setenv ("CUEMU_DEVICES", "0", 1);
  CHECK (esp_cuda_cards (&card, 1, &error) == 0);
  CHECK (error.status == ESP_OK && error.message[0] != '\0');
  CHECK_STATUS (open_card (-1, ESP_COMPUTE_AUTO, 0, &device, &error), ESP_ERROR_UNSUPPORTED, error);
  unsetenv ("CUEMU_DEVICES");
}

static void
the_type_follows_the_card (void)
{
  static const struct
  {
    const char *capability;
    EspCompute asked;
    EspDType type;
    const char *words;
  } cases[] = {
    { "75", ESP_COMPUTE_AUTO, ESP_F16, "sm_75, CUDA 13.0, f16" },
    { "75", ESP_COMPUTE_F32, ESP_F32, "f32" },
    { "89", ESP_COMPUTE_AUTO, ESP_BF16, "8 GB, sm_89, CUDA 13.0, bf16" },
    { "90", ESP_COMPUTE_BF16, ESP_BF16, "sm_90" },
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      EspDevice *device = NULL;
      EspError error = ESP_ERROR_INIT;

      setenv ("CUEMU_CAPABILITY", cases[i].capability, 1);
      CHECK_STATUS (open_card (-1, cases[i].asked, 0, &device, &error), ESP_OK, error);
      CHECK (device->compute == cases[i].type);
      CHECK (strstr (device->description, cases[i].words) != NULL);
      esp_device_free (device);
    }
  unsetenv ("CUEMU_CAPABILITY");
}

/* Two devices, one limit. What one has released is no obstacle to the other. */
static void
siblings_share_their_limit (void)
{
  EspDevice *first = NULL, *second = NULL;
  EspError error = ESP_ERROR_INIT;
  const size_t half = 512 << 10, limit = 1 << 20;
  void *a, *b, *c;

  CHECK_STATUS (open_card (0, ESP_COMPUTE_BF16, limit, &first, &error), ESP_OK, error);
  CHECK_STATUS (esp_cuda_sibling_new (first, ESP_COMPUTE_F32, &second, &error), ESP_OK, error);
  CHECK (first->compute == ESP_BF16 && second->compute == ESP_F32);
  a = first->ops->allocate (first, half);
  b = second->ops->allocate (second, half);
  CHECK (a != NULL && b != NULL);
  CHECK (first->ops->free_memory (first) == 0 && second->ops->free_memory (second) == 0);
  CHECK (second->ops->allocate (second, 256) == NULL);
  CHECK_STATUS (esp_device_check (second, &error), ESP_ERROR_MEMORY, error);
  second->error = (EspError) ESP_ERROR_INIT;
  first->ops->release (first, a, half);
  CHECK (second->ops->free_memory (second) == half);
  c = second->ops->allocate (second, half / 2);
  CHECK (c != NULL);
  second->ops->release (second, b, half);
  /* As many bytes again: the same block. */
  CHECK (second->ops->allocate (second, half) == b);
  second->ops->release (second, b, half);
  second->ops->release (second, c, half / 2);
  esp_device_free (first);
  CHECK (second->allocated == 0 && second->peak <= limit);
  CHECK (second->ops->allocate (second, limit + 1) == NULL);
  second->error = (EspError) ESP_ERROR_INIT;
  b = second->ops->allocate (second, limit);
  CHECK (b != NULL);
  second->ops->release (second, b, limit);
  esp_device_free (second);
}

int
main (void)
{
  CASE (cards_are_described);
  CASE (cards_of_no_use_say_why);
  CASE (no_card_is_no_fault);
  CASE (the_type_follows_the_card);
  CASE (siblings_share_their_limit);
  return check_done ();
}

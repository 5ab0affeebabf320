/* SPDX-License-Identifier: MIT */
/* test-cuda-check.c: what a card is trusted with when it is opened. Kernels of emulated cards are
 * broken one by one (CUEMU_BREAK); what a process has found out it keeps, so each card is opened in
 * a process of its own. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops/cuda/cuda-check.h"
#include "ops/cuda/cuda-linear.h"

#define BIT(way) (1u << CUDA_WAY_##way)

typedef struct Found
{
  EspStatus status;
  unsigned distrusted;
  bool blas; /* cuBLASLt is open */
  char caveat[352], message[512];
  char again[352]; /* of the second device */
  size_t peak;
} Found;

typedef struct Card
{
  const char *capability, *broken;
  bool fp8;
  EspCompute compute;
  EspCudaBlas blas;
  size_t vram;
} Card;

static void
look (const Card *card, Found *found)
{
  const EspCudaOptions options = { .ordinal = -1,
                                   .fp8 = card->fp8,
                                   .compute = card->compute,
                                   .blas = card->blas,
                                   .vram = card->vram };
  EspDevice *device = NULL, *second = NULL;
  EspError error = ESP_ERROR_INIT, other = ESP_ERROR_INIT;

  found->status = esp_cuda_device_new (&options, &device, &error);
  snprintf (found->message, sizeof found->message, "%s", error.message);
  if (found->status == ESP_OK)
    {
      found->distrusted = ((CudaDevice *) device)->distrusted;
      found->blas = esp_cuda_blas_is_open ((CudaDevice *) device);
      found->peak = device->peak;
      snprintf (found->caveat, sizeof found->caveat, "%s", device->caveat);
    }
  if (esp_cuda_device_new (&options, &second, &other) == ESP_OK)
    snprintf (found->again, sizeof found->again, "%s", second->caveat);
  else
    snprintf (found->again, sizeof found->again, "%.*s", (int) sizeof found->again - 1,
              other.message);
  /* What is stuck is waited for by whoever frees it. */
  if (found->status == ESP_OK)
    {
      esp_device_free (second);
      esp_device_free (device);
    }
}

static Found
open_in_child (const Card *card)
{
  Found found = { 0 };
  int ends[2], status = -1;
  pid_t child;

  if (pipe (ends) != 0)
    return found;
  fflush (stdout);
  child = fork ();
  if (child == 0)
    {
      setenv ("CUEMU_CAPABILITY", card->capability, 1);
      if (card->broken != NULL)
        setenv ("CUEMU_BREAK", card->broken, 1);
      look (card, &found);
      _exit (write (ends[1], &found, sizeof found) == sizeof found ? 0 : 1);
    }
  close (ends[1]);
  CHECK (child > 0 && read (ends[0], &found, sizeof found) == sizeof found);
  close (ends[0]);
  CHECK (waitpid (child, &status, 0) == child && WIFEXITED (status) && WEXITSTATUS (status) == 0);
  printf ("# sm_%s, %s: %s%s\n", card->capability, card->broken != NULL ? card->broken : "whole",
          found.caveat, found.message);
  return found;
}

static void
whole_cards_are_trusted (void)
{
  static const Card cards[] = {
    { .capability = "75" },
    { .capability = "80" },
    { .capability = "89", .fp8 = true },
    { .capability = "90", .fp8 = true },
    { .capability = "90", .fp8 = true, .compute = ESP_COMPUTE_F32 },
    { .capability = "100", .fp8 = true },
    { .capability = "120", .fp8 = true },
    /* Little memory is no fault, and the check leaves none of it taken. */
    { .capability = "90", .vram = 4 << 20 },
  };

  for (size_t i = 0; i < sizeof cards / sizeof *cards; i++)
    {
      const Found found = open_in_child (&cards[i]);

      CHECK (found.status == ESP_OK && found.distrusted == 0 && found.peak == 0);
      CHECK (found.caveat[0] == '\0' && found.again[0] == '\0');
    }
}

static void
what_is_broken_is_not_used (void)
{
  static const struct
  {
    Card card;
    unsigned distrusted;
    const char *words;
  } cases[] = {
    { { .capability = "90", .broken = "attention_90=wrong" },
      BIT (WGMMA_ATTENTION),
      "Emulated card: its wgmma attention gave wrong numbers and is not used" },
    { { .capability = "90", .broken = "product_90_bf16_128x192=wrong" },
      BIT (WGMMA_PRODUCT),
      "its wgmma products gave wrong numbers and are not used" },
    { { .capability = "90", .broken = "product_90_e4m3=wrong", .fp8 = true },
      BIT (WGMMA_PRODUCT),
      "its wgmma products gave wrong numbers and are not used" },
    /* What is not asked for is not tried. */
    { { .capability = "90", .broken = "product_90_e4m3=wrong" }, 0, "" },
    { { .capability = "90", .broken = "product_90=fault,attention_90=wrong" },
      BIT (WGMMA_PRODUCT) | BIT (WGMMA_ATTENTION),
      "its wgmma products failed: CUDA_ERROR_LAUNCH_FAILED (unspecified launch failure) and are "
      "not used; its wgmma attention gave wrong numbers and is not used" },
    { { .capability = "90", .broken = "attention_90=hang" },
      BIT (WGMMA_ATTENTION),
      "its wgmma attention failed: it did not end and is not used" },
    { { .capability = "89", .broken = "product_e4m3=wrong", .fp8 = true },
      BIT (FP8),
      "its products of fp8 gave wrong numbers" },
    { { .capability = "120", .broken = "product_bytes_affine=wrong" },
      BIT (BYTES),
      "its products of bytes gave wrong numbers" },
    { { .capability = "80", .broken = "attention_bf16_128=wrong" },
      BIT (ATTENTION),
      "its attention on tensor cores gave wrong numbers and is not used" },
    /* Other cards do not even have what is for sm_90 alone. */
    { { .capability = "100", .broken = "product_90=fault,attention_90=fault" }, 0, "" },
    { { .capability = "120", .broken = "product_90=fault,attention_90=fault" }, 0, "" },
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      const Found found = open_in_child (&cases[i].card);

      CHECK (found.status == ESP_OK && found.distrusted == cases[i].distrusted);
      CHECK (strstr (found.caveat, cases[i].words) != NULL);
      CHECK (strcmp (found.again, found.caveat) == 0);
    }
}

/* libcublasLt.so.13 is a fake one here. */
static void
the_library_is_checked_too (void)
{
  const Card card = { .capability = "90", .blas = ESP_CUDA_BLAS_CUBLASLT };
  Found found = open_in_child (&card);

  CHECK (found.status == ESP_OK && found.blas && found.distrusted == 0);
  setenv ("FAKE_CUBLASLT", "wrong", 1);
  found = open_in_child (&card);
  CHECK (found.status == ESP_OK && found.distrusted == BIT (BLAS));
  CHECK (strstr (found.caveat, "its products by cuBLASLt gave wrong numbers and are not used")
         != NULL);
  unsetenv ("FAKE_CUBLASLT");
}

static void
a_card_of_no_use_is_refused (void)
{
  const Found wrong
      = open_in_child (&(Card){ .capability = "80", .broken = "product_bf16_64x64=wrong" });
  const Found stuck = open_in_child (&(Card){ .capability = "90", .broken = "attention_90=stuck" });

  CHECK (wrong.status == ESP_ERROR_DEVICE);
  CHECK (strstr (wrong.message, "its matrix products gave wrong numbers") != NULL);
  CHECK (strcmp (wrong.message, wrong.again) == 0);
  /* Nobody waits for it, and nobody tries again. */
  CHECK (stuck.status == ESP_ERROR_DEVICE);
  CHECK (strstr (stuck.message, "its wgmma attention failed: it did not end") != NULL);
  CHECK (strcmp (stuck.message, stuck.again) == 0);
}

int
main (void)
{
  CASE (whole_cards_are_trusted);
  CASE (what_is_broken_is_not_used);
  CASE (the_library_is_checked_too);
  CASE (a_card_of_no_use_is_refused);
  return check_done ();
}

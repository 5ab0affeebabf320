/* SPDX-License-Identifier: MIT */
/* cuda-check.c: which ways of computing a card is trusted with.
 *
 * Nobody has every card, and a mistake in a kernel for one of them, in a library or in a driver
 * would not show but in a picture that is subtly wrong. So each way that a device would take is
 * tried when it is opened (cuda-trials.c), some tenths of a second for the first device of a
 * process, and one that fails is not taken: products go by mma.sync instead of wgmma, in 16 bits
 * instead of bytes; attention goes without tensor cores; and a card whose plain products are wrong
 * is refused.
 *
 * After some errors a context is of no use any more (CUDA Driver API, CUDA_ERROR_LAUNCH_FAILED). It
 * is left then, and the card opened again without that way.
 */
#include "ops/cuda/cuda-check.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "ops/cuda/cuda-hopper.h"
#include "ops/cuda/cuda-linear.h"
#include "ops/cuda/cuda-trials.h"

static const char *const way_names[CUDA_WAY_COUNT] = {
  [CUDA_WAY_PRODUCT] = "matrix products",
  [CUDA_WAY_ATTENTION] = "attention on tensor cores",
  [CUDA_WAY_BYTES] = "products of bytes",
  [CUDA_WAY_FP8] = "products of fp8",
  [CUDA_WAY_BLAS] = "products by cuBLASLt",
  [CUDA_WAY_WGMMA_PRODUCT] = "wgmma products",
  [CUDA_WAY_WGMMA_ATTENTION] = "wgmma attention",
};

/* What this process has found out about a card. */
typedef struct Known
{
  EspCudaCard card;
  unsigned tried, bad; /* bits of ways */
  bool stuck;
  char words[240];
} Known;

static Known known[ESP_CUDA_DEVICES_MAX];
static int known_count;

/* Held while a card is checked, too: two devices do not check it at the same time. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool
is_same_card (const EspCudaCard *a, const EspCudaCard *b)
{
  return a->ordinal == b->ordinal && a->capability == b->capability && a->memory == b->memory
         && a->driver == b->driver && strcmp (a->name, b->name) == 0;
}

static Known *
find_known (const EspCudaCard *card)
{
  for (int i = 0; i < known_count; i++)
    if (is_same_card (&known[i].card, card))
      return &known[i];
  return NULL;
}

/* The card's, or a new one; NULL: there are too many. */
static Known *
known_of (const EspCudaCard *card)
{
  Known *found = find_known (card);

  if (found == NULL && known_count < ESP_CUDA_DEVICES_MAX)
    {
      found = &known[known_count++];
      *found = (Known){ .card = *card };
    }
  return found;
}

void
esp_cuda_check_words (const EspCudaCard *card, char *text, size_t size)
{
  const Known *found;

  pthread_mutex_lock (&lock);
  found = find_known (card);
  snprintf (text, size, "%s", found != NULL ? found->words : "");
  pthread_mutex_unlock (&lock);
}

bool
esp_cuda_check_is_stuck (const EspCudaCard *card, EspError *error)
{
  const Known *found;
  bool stuck;

  pthread_mutex_lock (&lock);
  found = find_known (card);
  stuck = found != NULL && found->stuck;
  if (stuck)
    esp_error_set (error, ESP_ERROR_DEVICE, "%s: %s", card->name, found->words);
  pthread_mutex_unlock (&lock);
  return stuck;
}

bool
esp_cuda_trusts (const CudaDevice *cuda, CudaWay way)
{
  return (cuda->distrusted & 1u << way) == 0;
}

/* Would this device take it? */
static bool
is_wanted (CudaDevice *cuda, CudaWay way)
{
  if (cuda->base.compute == ESP_F32)
    return false;
  switch (way)
    {
    case CUDA_WAY_BYTES:
      return esp_cuda_is_gaming (cuda);
    case CUDA_WAY_FP8:
      return cuda->fp8;
    case CUDA_WAY_BLAS:
      return esp_cuda_blas_is_wanted (cuda);
    case CUDA_WAY_WGMMA_PRODUCT:
    case CUDA_WAY_WGMMA_ATTENTION:
      return esp_cuda_is_hopper (cuda)
             && (way == CUDA_WAY_WGMMA_PRODUCT || cuda->base.compute == ESP_BF16);
    default:
      return true;
    }
}

/* One line for people, with what was known before. */
static void
add_words (Known *found, CudaWay way, CudaVerdict verdict, const char *why)
{
  const size_t used = strlen (found->words);

  snprintf (found->words + used, sizeof found->words - used, "%sits %s %s%s%s and %s not used",
            used > 0 ? "; " : "", way_names[way],
            verdict == CUDA_TRIAL_WRONG ? "gave wrong numbers" : "failed",
            verdict != CUDA_TRIAL_WRONG && why[0] != '\0' ? ": " : "",
            verdict != CUDA_TRIAL_WRONG ? why : "",
            way == CUDA_WAY_ATTENTION || way == CUDA_WAY_WGMMA_ATTENTION ? "is" : "are");
}

/* What is tried must be taken, and nothing else in its place. */
static CudaVerdict
try_way (CudaDevice *cuda, CudaWay way, char *why, size_t size)
{
  CudaVerdict verdict;

  cuda->distrusted = ~(1u << way);
  verdict = esp_cuda_try (cuda, way, why, size);
  cuda->distrusted = 0;
  return verdict;
}

/* Tries what has not been tried yet. */
static CudaCheck
try_ways (CudaDevice *cuda, Known *found)
{
  for (int way = 0; way < CUDA_WAY_COUNT; way++)
    {
      CudaVerdict verdict;
      char why[96];

      if ((found->tried & 1u << way) != 0 || !is_wanted (cuda, (CudaWay) way))
        continue;
      verdict = try_way (cuda, (CudaWay) way, why, sizeof why);
      found->tried |= 1u << way;
      if (verdict == CUDA_TRIAL_GOOD)
        continue;
      found->bad |= 1u << way;
      add_words (found, (CudaWay) way, verdict, why);
      if (verdict == CUDA_TRIAL_STUCK)
        {
          found->stuck = true;
          return CUDA_CHECK_STUCK;
        }
      if (verdict == CUDA_TRIAL_LOST)
        return CUDA_CHECK_LOST;
    }
  return CUDA_CHECK_PASSED;
}

static CudaCheck
refuse (CudaDevice *cuda, const Known *found, CudaCheck check)
{
  esp_device_fail (&cuda->base, ESP_ERROR_DEVICE, "%s: %s", found->card.name, found->words);
  return check;
}

CudaCheck
esp_cuda_check (CudaDevice *cuda, const EspCudaCard *card)
{
  CudaCheck check = CUDA_CHECK_PASSED;
  Known *found;

  if (cuda->cu->idle)
    return check;
  pthread_mutex_lock (&lock);
  found = known_of (card);
  if (found == NULL)
    esp_device_fail (&cuda->base, ESP_ERROR_DEVICE, "there are too many cards to check");
  else
    {
      const size_t peak = cuda->base.peak;

      check = try_ways (cuda, found);
      cuda->distrusted = found->bad;
      if (found->words[0] != '\0')
        snprintf (cuda->base.caveat, sizeof cuda->base.caveat, "%.90s: %s", card->name,
                  found->words);
      if (check == CUDA_CHECK_STUCK)
        refuse (cuda, found, check);
      else
        {
          /* Scratch that it took is no device's yet. */
          esp_cuda_memory_clear (cuda);
          cuda->base.peak = peak;
        }
      if (check == CUDA_CHECK_PASSED && !esp_cuda_trusts (cuda, CUDA_WAY_PRODUCT)
          && cuda->base.compute != ESP_F32)
        refuse (cuda, found, check);
    }
  pthread_mutex_unlock (&lock);
  return check == CUDA_CHECK_PASSED && cuda->base.error.status != ESP_OK ? CUDA_CHECK_FAILED
                                                                         : check;
}

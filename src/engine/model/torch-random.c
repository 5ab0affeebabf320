/* SPDX-License-Identifier: MIT */
/* torch-random.c: mt19937 (Matsumoto and Nishimura 1998) and the two Box-Muller transforms that
 * PyTorch puts behind it (ATen's normal_fill and normal_distribution<double>). */
#include "model/torch-random.h"

#include <math.h>

#define STATE_WORDS  624
#define STATE_SHIFT  397
#define NORMAL_BLOCK 16 /* below this many values PyTorch takes the double precision path */

typedef struct
{
  uint32_t words[STATE_WORDS];
  int next;
} Twister;

static void
twister_seed (Twister *twister, uint32_t seed)
{
  twister->words[0] = seed;
  for (uint32_t i = 1; i < STATE_WORDS; i++)
    {
      uint32_t previous = twister->words[i - 1];
      twister->words[i] = 1812433253u * (previous ^ (previous >> 30)) + i;
    }
  twister->next = STATE_WORDS;
}

static void
twister_refill (Twister *twister)
{
  uint32_t *words = twister->words;
  for (int i = 0; i < STATE_WORDS; i++)
    {
      uint32_t mixed = (words[i] & 0x80000000u) | (words[(i + 1) % STATE_WORDS] & 0x7fffffffu);
      words[i] = words[(i + STATE_SHIFT) % STATE_WORDS] ^ (mixed >> 1)
                 ^ ((mixed & 1u) ? 0x9908b0dfu : 0u);
    }
  twister->next = 0;
}

static uint32_t
twister_draw (Twister *twister)
{
  if (twister->next == STATE_WORDS)
    twister_refill (twister);
  uint32_t word = twister->words[twister->next++];
  word ^= word >> 11;
  word ^= (word << 7) & 0x9d2c5680u;
  word ^= (word << 15) & 0xefc60000u;
  return word ^ (word >> 18);
}

/* Uniform in [0, 1) with 24 bits, as at::uniform_real_distribution<float>. */
static float
draw_uniform_24 (Twister *twister)
{
  return (float) (twister_draw (twister) & 0xffffffu) * 0x1p-24f;
}

/* Uniform in [0, 1) with 53 bits; the first word drawn is the high one. */
static double
draw_uniform_53 (Twister *twister)
{
  uint64_t high = twister_draw (twister);
  uint64_t bits = (high << 32) | twister_draw (twister);
  return (double) (bits & ((UINT64_C (1) << 53) - 1)) * 0x1p-53;
}

/* Turns 16 uniforms into 16 normals in place: slot j and slot j + 8 make one pair. Radius and angle
 * are rounded to float32 where PyTorch's kernel holds them in float32. */
static void
normal_from_uniform_block (float *values)
{
  const float two_pi = 6.2831853071795864769f;
  for (int j = 0; j < NORMAL_BLOCK / 2; j++)
    {
      float first = 1.0f - values[j];
      float angle = two_pi * values[j + NORMAL_BLOCK / 2];
      float radius = (float) sqrt (-2.0 * log ((double) first));
      values[j] = (float) (radius * cos ((double) angle));
      values[j + NORMAL_BLOCK / 2] = (float) (radius * sin ((double) angle));
    }
}

static void
fill_blocks (Twister *twister, float *values, int64_t count)
{
  for (int64_t i = 0; i < count; i++)
    values[i] = draw_uniform_24 (twister);
  for (int64_t i = 0; i + NORMAL_BLOCK <= count; i += NORMAL_BLOCK)
    normal_from_uniform_block (values + i);
  if (count % NORMAL_BLOCK == 0)
    return;

  float *last = values + count - NORMAL_BLOCK;
  for (int j = 0; j < NORMAL_BLOCK; j++)
    last[j] = draw_uniform_24 (twister);
  normal_from_uniform_block (last);
}

/* One pair gives two values; PyTorch's generator keeps the second one for the next call. */
static void
fill_pairs (Twister *twister, float *values, int64_t count)
{
  const double two_pi = 6.2831853071795864769;
  for (int64_t i = 0; i < count; i += 2)
    {
      double angle = two_pi * draw_uniform_53 (twister);
      double radius = sqrt (-2.0 * log1p (-draw_uniform_53 (twister)));
      values[i] = (float) (radius * cos (angle));
      if (i + 1 < count)
        values[i + 1] = (float) (radius * sin (angle));
    }
}

void
esp_torch_randn (uint32_t seed, float *values, int64_t count)
{
  Twister twister;
  twister_seed (&twister, seed);
  if (count >= NORMAL_BLOCK)
    fill_blocks (&twister, values, count);
  else
    fill_pairs (&twister, values, count);
}

/* SPDX-License-Identifier: MIT */
/* cuda-hopper.h: hopper.cuh's and wgmma.cuh's wrappers as the PTX manual describes them.
 *
 * A copy arrives when somebody waits at its barrier, and not before; products are done when they
 * are asked for, so nothing here shows a wait that is missing before sums are read. What shows is
 * whether barriers' phases, turns and the places of operands fit together. Whether the card agrees
 * with the manual's readers is what the engine asks it when it is opened (ops/cuda/cuda-check.c).
 */
#pragma once

#include "tensor-map.h"

/* From here on the kernel's source is that for sm_90a. */
#define __CUDA_ARCH_FEAT_SM90_ALL 1

namespace cuemu
{

struct CountingBarrier
{
  uint8_t count, left, phase, unused;
  int32_t bytes; /* announced and not there yet */
};
static_assert (sizeof (CountingBarrier) == 8, "as large as the card's");

static inline void
end_phase_if_full (CountingBarrier *barrier)
{
  if (barrier->left != 0 || barrier->bytes != 0)
    return;
  barrier->phase ^= 1;
  barrier->left = barrier->count;
}

static inline void
arrive (uint64_t *memory, int bytes)
{
  CountingBarrier *barrier = reinterpret_cast<CountingBarrier *> (memory);

  if (barrier->left == 0)
    fail ("more threads arrive at a counting barrier than it expects");
  barrier->bytes += bytes;
  barrier->left--;
  end_phase_if_full (barrier);
}

/* Of the copy engine's 128-byte rows: which chunk of 16 bytes is where depends on the row. */
static inline unsigned
swizzled (unsigned address)
{
  return address ^ (address >> 7 & 7) << 4;
}

/* Where in shared memory what lies `beyond` bytes behind an operand's beginning is. */
static inline unsigned char *
operand_place (uint64_t operand, unsigned beyond)
{
  return block ().shared + swizzled ((static_cast<unsigned> (operand & 0x3fff) << 4) + beyond);
}

static inline unsigned
leading_of (uint64_t operand)
{
  return static_cast<unsigned> (operand >> 16 & 0x3fff) << 4;
}

static inline unsigned
stride_of (uint64_t operand)
{
  return static_cast<unsigned> (operand >> 32 & 0x3fff) << 4;
}

enum Numbers
{
  BF16,
  F16,
  E4M3,
};

/* 32 bytes of a K-major operand's row, as numbers. */
static inline void
k_major_row (uint64_t operand, int row, Numbers numbers, float *to)
{
  uint8_t bytes[32];

  for (int half = 0; half < 2; half++)
    memcpy (bytes + 16 * half,
            operand_place (operand, static_cast<unsigned> (row / 8) * stride_of (operand)
                                        + static_cast<unsigned> (row % 8 * 128 + half * 16)),
            16);
  for (int i = 0; i < (numbers == E4M3 ? 32 : 16); i++)
    {
      uint16_t pair;

      memcpy (&pair, bytes + (numbers == E4M3 ? i / 2 * 2 : 2 * i), sizeof pair);
      to[i] = numbers == BF16  ? cuemu_from_bf16 (pair)
              : numbers == F16 ? cuemu_from_f16 (pair)
                               : cuemu_from_fp8 (bytes[i], __NV_E4M3);
    }
}

/* 16 columns of row k of an MN-major operand of 16-bit numbers, from `column` on. */
static inline void
mn_major_row (uint64_t operand, int k, int column, float *to)
{
  for (int i = 0; i < 16; i++)
    {
      uint16_t number;

      memcpy (&number,
              operand_place (operand,
                             static_cast<unsigned> ((column + i) / 64) * leading_of (operand)
                                 + static_cast<unsigned> (k / 8) * stride_of (operand)
                                 + static_cast<unsigned> (k % 8 * 128 + (column + i) % 64 * 2)),
              sizeof number);
      to[i] = cuemu_from_bf16 (number);
    }
}

/* What a warp's lanes ask for together, and what they get: its 16 rows of sums. */
struct GroupProduct
{
  uint64_t a, b;
  uint32_t left[4]; /* a's, where it is in registers */
  int16_t columns;
  uint8_t numbers, from_registers;
};
static_assert (sizeof (GroupProduct) <= SLOT, "each lane hands it in");

constexpr int GROUP_COLUMNS = 256, GROUP_WARPS = 32;

static thread_local float group_sums[GROUP_WARPS][16][GROUP_COLUMNS];

__attribute__ ((optimize ("O3"))) static inline void
sum_products (const float left[16][32], const float right[32][GROUP_COLUMNS], int depth,
              float sums[16][GROUP_COLUMNS])
{
  for (int row = 0; row < 16; row++)
    {
      float sum[GROUP_COLUMNS] = {};

      for (int k = 0; k < depth; k++)
        for (int column = 0; column < GROUP_COLUMNS; column++)
          sum[column] += left[row][k] * right[k][column];
      memcpy (sums[row], sum, sizeof sum);
    }
}

static inline void
multiply_group (Warp &warp, unsigned mask)
{
  static thread_local float left[16][32], right[32][GROUP_COLUMNS];
  const int number = static_cast<int> (&warp - block ().warps.data ());
  GroupProduct p, other;

  if (mask != 0xffffffffu)
    fail ("products of four warps need all of their lanes, not %08x", mask);
  memcpy (&p, warp.in[0], sizeof p);
  for (unsigned lane = 0; lane < WARP; lane++)
    {
      memcpy (&other, warp.in[lane], sizeof other);
      if (other.a != p.a || other.b != p.b || other.columns != p.columns)
        fail ("the lanes of a warp name different operands");
      /* Four lanes have a row's numbers: two and two each. */
      for (int i = 0; p.from_registers && i < 4; i++)
        for (int half = 0; half < 2; half++)
          left[lane / 4 + i % 2 * 8][i / 2 * 8 + lane % 4 * 2 + half]
              = cuemu_from_bf16 (static_cast<uint16_t> (other.left[i] >> 16 * half));
    }
  for (int row = 0; row < 16 && !p.from_registers; row++)
    k_major_row (p.a, number % 4 * 16 + row, static_cast<Numbers> (p.numbers), left[row]);
  for (int column = 0; column < p.columns && !p.from_registers; column++)
    {
      float row[32];

      k_major_row (p.b, column, static_cast<Numbers> (p.numbers), row);
      for (int k = 0; k < 32; k++)
        right[k][column] = row[k];
    }
  for (int k = 0; k < 16 && p.from_registers; k++)
    for (int column = 0; column < p.columns; column += 16)
      mn_major_row (p.b, k, column, &right[k][column]);
  sum_products (left, right, p.numbers == E4M3 ? 32 : 16, group_sums[number]);
}

/* d[4j + i] of a lane: row lane / 4 + i / 2·8 of its warp's, column 8j + 2·(lane % 4) + i % 2. */
static inline void
multiply_together (float *d, const GroupProduct &product, bool add)
{
  const Fibre &fibre = me ();
  const int lane = static_cast<int> (fibre.lane);

  exchange (0xffffffffu, multiply_group, &product, sizeof product);
  for (int i = 0; i < product.columns / 2; i++)
    {
      const float sum
          = group_sums[fibre.warp][lane / 4 + i / 2 % 2 * 8][i / 4 * 8 + lane % 4 * 2 + i % 2];

      d[i] = add ? d[i] + sum : sum;
    }
}

/* A box on its way: it arrives when its barrier is waited at. */
struct LateBox
{
  TensorMap map;
  unsigned to;
  int column, row;
  uint64_t *barrier;
};

static thread_local std::vector<LateBox> late_boxes;

static inline void
bring_box (const LateBox &late)
{
  const TensorMap &m = late.map;
  CountingBarrier *barrier = reinterpret_cast<CountingBarrier *> (late.barrier);

  for (int r = 0; r < m.box; r++)
    for (int c = 0; c < 128 / m.element; c++)
      {
        uint8_t number[4] = {};

        if (late.row + r < m.rows && late.column + c < m.cols)
          memcpy (number,
                  reinterpret_cast<const uint8_t *> (m.data) + (late.row + r) * m.stride
                      + (late.column + c) * m.element,
                  static_cast<size_t> (m.element));
        memcpy (block ().shared
                    + swizzled (late.to + static_cast<unsigned> (r * 128 + c * m.element)),
                number, static_cast<size_t> (m.element));
      }
  barrier->bytes -= m.box * 128;
  end_phase_if_full (barrier);
}

}

ESP_DEVICE void
esp_mbarrier_init (uint64_t *barrier, unsigned count)
{
  *reinterpret_cast<cuemu::CountingBarrier *> (barrier)
      = { static_cast<uint8_t> (count), static_cast<uint8_t> (count), 0, 0, 0 };
}

ESP_DEVICE void
esp_mbarrier_init_done (void)
{
}

ESP_DEVICE void
esp_mbarrier_expect (uint64_t *barrier, unsigned bytes)
{
  cuemu::arrive (barrier, static_cast<int> (bytes));
}

ESP_DEVICE void
esp_mbarrier_arrive (uint64_t *barrier)
{
  cuemu::arrive (barrier, 0);
}

ESP_DEVICE void
esp_mbarrier_wait (uint64_t *barrier, unsigned parity)
{
  int patience = 20000;

  for (size_t i = 0; i < cuemu::late_boxes.size ();)
    if (cuemu::late_boxes[i].barrier == barrier)
      {
        const cuemu::LateBox late = cuemu::late_boxes[i];

        cuemu::late_boxes.erase (cuemu::late_boxes.begin () + static_cast<std::ptrdiff_t> (i));
        cuemu::bring_box (late);
      }
    else
      i++;
  while (reinterpret_cast<cuemu::CountingBarrier *> (barrier)->phase == parity)
    {
      if (--patience == 0)
        cuemu::fail ("a counting barrier's phase does not end");
      cuemu::pause_fibre ();
    }
}

ESP_DEVICE void
esp_mbarrier_wait_briefly (uint64_t *barrier, unsigned parity)
{
  esp_mbarrier_wait (barrier, parity);
}

ESP_DEVICE void
esp_tensor_copy (void *shared, const CudaTensorMap *map, int column, int row, uint64_t *barrier)
{
  cuemu::LateBox late = { {}, esp_shared_address (shared), column, row, barrier };

  memcpy (&late.map, map, sizeof late.map);
  if (late.to % 1024 != 0)
    cuemu::fail ("a swizzled box begins at %u, not at a multiple of 1024", late.to);
  if (late.map.element == 0)
    cuemu::fail ("what is to be copied has not been described");
  memset (shared, 0xff, static_cast<size_t> (late.map.box) * 128);
  cuemu::late_boxes.push_back (late);
}

ESP_DEVICE void
esp_wgmma_fence (void)
{
}

ESP_DEVICE void
esp_wgmma_commit (void)
{
}

template <int n>
ESP_DEVICE void
esp_wgmma_wait (void)
{
  __syncwarp ();
}

template <int count>
ESP_DEVICE void
esp_wgmma_settled (float *sums)
{
}

ESP_DEVICE uint64_t
esp_wgmma_operand (const void *shared, unsigned leading, unsigned stride)
{
  return esp_shared_address (shared) >> 4 | static_cast<uint64_t> (leading >> 4) << 16
         | static_cast<uint64_t> (stride >> 4) << 32;
}

ESP_DEVICE uint64_t
esp_wgmma_further (uint64_t operand, unsigned bytes)
{
  return operand + (bytes >> 4);
}

ESP_DEVICE void
esp_wgmma_bf16_128 (float d[64], uint64_t a, uint64_t b, bool add)
{
  cuemu::multiply_together (d, { a, b, {}, 128, cuemu::BF16, false }, add);
}

ESP_DEVICE void
esp_wgmma_bf16_128_left (float d[64], const uint32_t a[4], uint64_t b, bool add)
{
  cuemu::multiply_together (d, { 0, b, { a[0], a[1], a[2], a[3] }, 128, cuemu::BF16, true }, add);
}

#define CUEMU_WGMMA(name, numbers, columns)                                                        \
  ESP_DEVICE void name (float *d, uint64_t a, uint64_t b, bool add)                                \
  {                                                                                                \
    cuemu::multiply_together (d, { a, b, {}, columns, cuemu::numbers, false }, add);               \
  }
#define CUEMU_WGMMA_SIZES(columns)                                                                 \
  CUEMU_WGMMA (esp_wgmma_bf16_x##columns, BF16, columns)                                           \
  CUEMU_WGMMA (esp_wgmma_f16_x##columns, F16, columns)                                             \
  CUEMU_WGMMA (esp_wgmma_e4m3_x##columns, E4M3, columns)

CUEMU_WGMMA_SIZES (128)
CUEMU_WGMMA_SIZES (192)
CUEMU_WGMMA_SIZES (256)

template <int count>
ESP_DEVICE void
esp_registers_take (void)
{
}

template <int count>
ESP_DEVICE void
esp_registers_release (void)
{
}

/* SPDX-License-Identifier: MIT */
/* cuda-hopper.h: hopper.cuh's wrappers as the PTX manual describes them, for a test of one kernel.
 *
 * Copies arrive at once and products are done when they are asked for, so nothing here shows a wait
 * that is missing before a product is read; what shows is whether barriers' phases, turns and the
 * places of operands fit together. Only in bf16.
 */
#pragma once

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

/* The number `beyond` bytes behind an operand's beginning. */
static inline float
operand_at (uint64_t operand, unsigned beyond)
{
  const unsigned address = static_cast<unsigned> (operand & 0x3fff) << 4;
  uint16_t number;

  memcpy (&number, block ().shared + swizzled (address + beyond), sizeof number);
  return cuemu_from_bf16 (number);
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

/* Number (row, k) of a K-major operand, (k, column) of an MN-major one. */
static inline float
k_major (uint64_t operand, int row, int k)
{
  return operand_at (operand, row / 8 * stride_of (operand) + row % 8 * 128 + k * 2);
}

static inline float
mn_major (uint64_t operand, int k, int column)
{
  return operand_at (operand, column / 64 * leading_of (operand) + k / 8 * stride_of (operand)
                                  + k % 8 * 128 + column % 64 * 2);
}

/* This thread's numbers of 64 × 16 times 16 × 128; left (half, k) is of its row in that half. */
template <class Left, class Right>
static inline void
multiply_group (float d[64], bool add, Left left, Right right)
{
  for (int i = 0; i < 64; i++)
    {
      float sum = add ? d[i] : 0;

      for (int k = 0; k < 16; k++)
        sum += left (i / 2 % 2, k)
               * right (k, i / 4 * 8 + static_cast<int> (me ().lane) % 4 * 2 + i % 2);
      d[i] = sum;
    }
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

  while (reinterpret_cast<cuemu::CountingBarrier *> (barrier)->phase == parity)
    {
      if (--patience == 0)
        cuemu::fail ("a counting barrier's phase does not end");
      cuemu::pause_fibre ();
    }
}

/* What this file's copy engine takes for a CudaTensorMap: bf16, boxes of `box` rows of 64. */
struct CuemuTensorMap
{
  uint64_t data;
  int64_t cols, rows, stride, box;
};

ESP_DEVICE void
esp_tensor_copy (void *shared, const CudaTensorMap *map, int column, int row, uint64_t *barrier)
{
  CuemuTensorMap m;
  const unsigned to = esp_shared_address (shared);

  memcpy (&m, map, sizeof m);
  if (to % 1024 != 0)
    cuemu::fail ("a swizzled box begins at %u, not at a multiple of 1024", to);
  for (int r = 0; r < m.box; r++)
    for (int c = 0; c < 64; c++)
      {
        uint16_t number = 0;

        if (row + r < m.rows && column + c < m.cols)
          number = reinterpret_cast<const uint16_t *> (m.data)[(row + r) * m.stride + column + c];
        memcpy (cuemu::block ().shared
                    + cuemu::swizzled (to + static_cast<unsigned> (r * 128 + c * 2)),
                &number, sizeof number);
      }
  reinterpret_cast<cuemu::CountingBarrier *> (barrier)->bytes -= static_cast<int32_t> (m.box * 128);
  cuemu::end_phase_if_full (reinterpret_cast<cuemu::CountingBarrier *> (barrier));
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
  const int row = static_cast<int> (threadIdx.x / 32 % 4 * 16 + threadIdx.x % 32 / 4);

  cuemu::multiply_group (
      d, add, [=] (int half, int k) { return cuemu::k_major (a, row + half * 8, k); },
      [=] (int k, int column) { return cuemu::k_major (b, column, k); });
}

ESP_DEVICE void
esp_wgmma_bf16_128_left (float d[64], const uint32_t a[4], uint64_t b, bool add)
{
  float left[2][16];

  /* Four lanes have a row's numbers: two and two each. */
  for (int lane = 0; lane < 4; lane++)
    for (int i = 0; i < 4; i++)
      {
        const uint32_t pair
            = __shfl_sync (0xffffffffu, a[i], (static_cast<int> (threadIdx.x) & 28) + lane);

        left[i % 2][i / 2 * 8 + lane * 2] = cuemu_from_bf16 (static_cast<uint16_t> (pair));
        left[i % 2][i / 2 * 8 + lane * 2 + 1]
            = cuemu_from_bf16 (static_cast<uint16_t> (pair >> 16));
      }
  cuemu::multiply_group (
      d, add, [&] (int half, int k) { return left[half][k]; },
      [=] (int k, int column) { return cuemu::mn_major (b, k, column); });
}

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

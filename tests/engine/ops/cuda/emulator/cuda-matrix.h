/* SPDX-License-Identifier: MIT */
/* cuda-matrix.h: language.cuh's wrappers of asynchronous copies and matrix instructions. */
#pragma once

/* As the card has it: within the block's shared memory. */
ESP_DEVICE uint32_t
esp_shared_address (const void *pointer)
{
  return uint32_t (static_cast<const unsigned char *> (pointer) - cuemu::block ().shared);
}

/* --- Asynchronous copies; cards before sm_80 have none, and copy at once
 * ------------------------*/

ESP_DEVICE void
esp_copy16 (void *shared, const void *global, bool valid)
{
  cuemu::copy_late (shared, valid ? global : NULL, 16);
  if (cuemu::capability () < 80)
    {
      cuemu::end_copy_group ();
      cuemu::wait_for_copies (0);
    }
}

ESP_DEVICE void
esp_copy_commit (void)
{
  cuemu::end_copy_group ();
}

template <int n>
ESP_DEVICE void
esp_copy_wait (void)
{
  cuemu::wait_for_copies (n);
}

/* --- ldmatrix ---------------------------------------------------------------------------------*/

namespace cuemu
{

template <unsigned COUNT, bool TRANSPOSED>
static inline void
load_matrices (Warp &warp, unsigned mask)
{
  if (mask != 0xffffffffu)
    fail ("ldmatrix without a whole warp");
  for (unsigned lane = 0; lane < WARP; lane++)
    for (unsigned i = 0; i < COUNT; i++)
      {
        uint16_t pair[2];
        for (unsigned j = 0; j < 2; j++)
          {
            const unsigned row = TRANSPOSED ? 2 * (lane % 4) + j : lane / 4;
            const unsigned column = TRANSPOSED ? lane / 4 : 2 * (lane % 4) + j;
            const uint16_t *from;
            memcpy (&from, warp.in[8 * i + row], sizeof from);
            pair[j] = from[column];
          }
        memcpy (warp.out[lane] + 4 * i, pair, 4);
      }
}

template <unsigned COUNT, bool TRANSPOSED>
static inline void
load_matrix (uint32_t *r, const void *row)
{
  const Block &b = block ();
  const unsigned char *first = static_cast<const unsigned char *> (row);
  const bool used = me ().lane < 8 * COUNT;

  if (used && reinterpret_cast<uintptr_t> (row) % 16 != 0)
    fail ("ldmatrix from %p, which is not 16-aligned", row);
  if (used && (first < b.shared || first + 16 > b.shared + b.shared_bytes))
    fail ("ldmatrix from %p, which is not in the %zu bytes of shared memory", row, b.shared_bytes);
  memcpy (r, exchange (0xffffffffu, load_matrices<COUNT, TRANSPOSED>, &row, sizeof row), 4 * COUNT);
}

}

ESP_DEVICE void
esp_load_matrix_x4 (uint32_t r[4], const void *row)
{
  cuemu::load_matrix<4, false> (r, row);
}

ESP_DEVICE void
esp_load_matrix_x4_trans (uint32_t r[4], const void *row)
{
  cuemu::load_matrix<4, true> (r, row);
}

ESP_DEVICE void
esp_load_matrix_x2 (uint32_t r[2], const void *row)
{
  cuemu::load_matrix<2, false> (r, row);
}

ESP_DEVICE void
esp_load_matrix_x2_trans (uint32_t r[2], const void *row)
{
  cuemu::load_matrix<2, true> (r, row);
}

/* --- mma --------------------------------------------------------------------------------------*/

namespace cuemu
{

/* A lane's part of c += a·b: a 16 × (8·width/…) in four registers, b in two, c in four sums. */
template <class Sum> struct MatrixIn
{
  uint32_t a[4], b[2];
  Sum c[4];
};

struct Bf16
{
  typedef uint16_t Stored;
  static float
  widen (uint16_t x)
  {
    return cuemu_from_bf16 (x);
  }
};

struct F16
{
  typedef uint16_t Stored;
  static float
  widen (uint16_t x)
  {
    return cuemu_from_f16 (x);
  }
};

struct S8
{
  typedef int8_t Stored;
  static int32_t
  widen (int8_t x)
  {
    return x;
  }
};

struct E4m3
{
  typedef uint8_t Stored;
  static float
  widen (uint8_t x)
  {
    return cuemu_from_fp8 (x, __NV_E4M3);
  }
};

/* Lane l holds, of a, rows l / 4 and + 8 (registers 0 and 1, then both again half the depth later)
 * and in each register the numbers from P·(l % 4) on, P of them; of b column l / 4 likewise; of c
 * rows l / 4 and + 8, columns 2·(l % 4) and + 1. */
template <class Type, class Sum>
static inline void
multiply_matrices (Warp &warp, unsigned mask)
{
  constexpr unsigned P = 4 / sizeof (typename Type::Stored), DEPTH = 8 * P;
  Sum a[16][DEPTH], b[DEPTH][8], c[16][8];

  if (mask != 0xffffffffu)
    fail ("mma without a whole warp");
  for (unsigned lane = 0; lane < WARP; lane++)
    {
      const auto &in = *reinterpret_cast<const MatrixIn<Sum> *> (warp.in[lane]);
      const unsigned row = lane / 4, first = P * (lane % 4);
      typename Type::Stored stored[P];
      for (unsigned r = 0; r < 4; r++)
        {
          memcpy (stored, &in.a[r], 4);
          for (unsigned i = 0; i < P; i++)
            a[row + 8 * (r % 2)][first + DEPTH / 2 * (r / 2) + i] = Type::widen (stored[i]);
        }
      for (unsigned r = 0; r < 2; r++)
        {
          memcpy (stored, &in.b[r], 4);
          for (unsigned i = 0; i < P; i++)
            b[first + DEPTH / 2 * r + i][row] = Type::widen (stored[i]);
        }
      for (unsigned i = 0; i < 4; i++)
        c[row + 8 * (i / 2)][2 * (lane % 4) + i % 2] = in.c[i];
    }
  for (unsigned row = 0; row < 16; row++)
    for (unsigned k = 0; k < DEPTH; k++)
      for (unsigned column = 0; column < 8; column++)
        c[row][column] += a[row][k] * b[k][column];
  for (unsigned lane = 0; lane < WARP; lane++)
    for (unsigned i = 0; i < 4; i++)
      memcpy (warp.out[lane] + 4 * i, &c[lane / 4 + 8 * (i / 2)][2 * (lane % 4) + i % 2], 4);
}

template <class Type, class Sum>
static inline void
multiply_add (Sum c[4], const uint32_t a[4], const uint32_t b[2], unsigned needs)
{
  MatrixIn<Sum> in;

  static_assert (sizeof in <= SLOT, "a lane's part fits its slot");
  if (capability () < needs)
    fail ("this matrix instruction needs sm_%u, the card is sm_%u", needs, capability ());
  memcpy (in.a, a, sizeof in.a);
  memcpy (in.b, b, sizeof in.b);
  memcpy (in.c, c, sizeof in.c);
  memcpy (c, exchange (0xffffffffu, multiply_matrices<Type, Sum>, &in, sizeof in), sizeof in.c);
}

}

ESP_DEVICE void
esp_mma_bf16 (float c[4], const uint32_t a[4], const uint32_t b[2])
{
  cuemu::multiply_add<cuemu::Bf16> (c, a, b, 80);
}

ESP_DEVICE void
esp_mma_f16 (float c[4], const uint32_t a[4], const uint32_t b[2])
{
  cuemu::multiply_add<cuemu::F16> (c, a, b, 75);
}

ESP_DEVICE void
esp_mma_s8 (int32_t c[4], const uint32_t a[4], const uint32_t b[2])
{
  cuemu::multiply_add<cuemu::S8> (c, a, b, 75);
}

ESP_DEVICE void
esp_mma_e4m3 (float c[4], const uint32_t a[4], const uint32_t b[2])
{
  cuemu::multiply_add<cuemu::E4m3> (c, a, b, 89);
}

/* --- Short instructions -----------------------------------------------------------------------*/

ESP_DEVICE uint32_t
esp_pack_bf16 (float low, float high)
{
  if (cuemu::capability () < 80)
    cuemu::fail ("esp_pack_bf16 () needs sm_80");
  return cuemu_to_bf16 (low) | uint32_t (cuemu_to_bf16 (high)) << 16;
}

ESP_DEVICE uint32_t
esp_pack_f16 (float low, float high)
{
  return cuemu_to_f16 (low) | uint32_t (cuemu_to_f16 (high)) << 16;
}

ESP_DEVICE float
esp_exp2 (float x)
{
  return x < -126 ? 0 : exp2f (x);
}

/* SPDX-License-Identifier: MIT */
/* cuda-host.h: what kernels are written in (kernels/language.cuh), with a meaning on the processor.
 *
 * Everything here that the card does for several threads at once goes through fibres.h. Names that
 * are CUDA's own do what its reference manual says; those that begin with esp_ are our wrappers of
 * PTX instructions, whose layouts of fragments are those of the PTX manual ("Matrix Fragments for
 * mma.m16n8k16" and after).
 */
#pragma once

#include "fibres.h"

#include <cassert>
#include <cfloat>
#include <climits>
#include <cstdio>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __constant__    static const
#define __forceinline__ inline
#define __noinline__    __attribute__ ((noinline))
#define __launch_bounds__(...)
#define __shared__   static thread_local
#define __align__(n) alignas (n)

#define ESP_DEVICE static inline __attribute__ ((unused))

#define ESP_KERNEL(name, Arguments, threads)                                                       \
  static void name (const Arguments &a);                                                           \
  static cuemu::Kernel name##_kernel (                                                             \
      #name, sizeof (Arguments), threads,                                                          \
      [] (const void *arguments) { name (*static_cast<const Arguments *> (arguments)); });         \
  static void name (const Arguments &a)

#define ESP_KERNEL_RESIDENT(name, Arguments, threads, blocks) ESP_KERNEL (name, Arguments, threads)

/* How many blocks fit a multiprocessor is the card's affair. */
#define ESP_KERNEL_RESIDENT(name, Arguments, threads, blocks) ESP_KERNEL (name, Arguments, threads)

#define ESP_SHARED(Type, name) Type *name = reinterpret_cast<Type *> (cuemu::block ().shared)

/* What a card has is known when it runs here: wrappers of what it lacks fail then. */
#define ESP_HAS_BF16_MMA 1
#define ESP_HAS_FP8_MMA  1

#define threadIdx (cuemu::me ().thread)
#define blockIdx  (cuemu::block ().index)
#define blockDim  (cuemu::block ().size)
#define gridDim   (cuemu::block ().grid)
#define warpSize  32

/* --- Barriers ---------------------------------------------------------------------------------*/

static inline void
__syncthreads (void)
{
  cuemu::wait_at_barrier (0, 0, 0);
}

static inline int
__syncthreads_count (int predicate)
{
  return cuemu::wait_at_barrier (0, 0, predicate).sum_out;
}

static inline int
__syncthreads_and (int predicate)
{
  return cuemu::wait_at_barrier (0, 0, predicate).all_out;
}

static inline int
__syncthreads_or (int predicate)
{
  return cuemu::wait_at_barrier (0, 0, predicate).any_out;
}

ESP_DEVICE void
esp_barrier (int id, int threads)
{
  cuemu::wait_at_barrier (id, threads, 0);
}

ESP_DEVICE void
esp_barrier_arrive (int id, int threads)
{
  cuemu::arrive_at_barrier (id, threads);
}

static inline void
__threadfence (void)
{
  __atomic_thread_fence (__ATOMIC_SEQ_CST);
}

static inline void
__threadfence_block (void)
{
}

[[noreturn]] static inline void
__trap (void)
{
  cuemu::fail ("__trap ()");
}

static inline void
__nanosleep (unsigned nanoseconds)
{
  cuemu::pause_fibre ();
}

/* --- The lanes of a warp ----------------------------------------------------------------------*/

namespace cuemu
{

struct ShuffleIn
{
  alignas (16) unsigned char value[16];
  unsigned from;
};

static inline void
shuffle (Warp &warp, unsigned mask)
{
  for (unsigned lane = 0; lane < WARP; lane++)
    if (mask >> lane & 1)
      {
        const unsigned from = reinterpret_cast<const ShuffleIn *> (warp.in[lane])->from;
        /* A lane that hands in nothing has no value: all ones, which is no number. */
        if (mask >> from & 1)
          memcpy (warp.out[lane], warp.in[from], 16);
        else
          memset (warp.out[lane], 0xff, 16);
      }
}

template <class T>
static inline T
shuffle_from (unsigned mask, T value, unsigned from)
{
  static_assert (sizeof (T) <= 16, "a shuffle moves up to 16 bytes");
  ShuffleIn in;
  memcpy (in.value, &value, sizeof value);
  in.from = from;
  memcpy (&value, exchange (mask, shuffle, &in, sizeof in), sizeof value);
  return value;
}

static inline void
vote (Warp &warp, unsigned mask)
{
  unsigned votes = 0;

  for (unsigned lane = 0; lane < WARP; lane++)
    if (mask >> lane & 1)
      {
        unsigned in;
        memcpy (&in, warp.in[lane], sizeof in);
        if (in != 0)
          votes |= 1u << lane;
      }
  for (unsigned lane = 0; lane < WARP; lane++)
    memcpy (warp.out[lane], &votes, sizeof votes);
}

static inline void
meet (Warp &warp, unsigned mask)
{
}

}

static inline void
__syncwarp (unsigned mask = 0xffffffffu)
{
  cuemu::exchange (mask, cuemu::meet, &mask, 0);
}

template <class T>
static inline T
__shfl_sync (unsigned mask, T value, int from, int width = 32)
{
  const unsigned lane = cuemu::me ().lane;
  return cuemu::shuffle_from (mask, value, (lane & ~(width - 1u)) | (from & (width - 1u)));
}

template <class T>
static inline T
__shfl_xor_sync (unsigned mask, T value, int bits, int width = 32)
{
  const unsigned lane = cuemu::me ().lane, from = lane ^ bits;
  return cuemu::shuffle_from (mask, value, from / width > lane / width ? lane : from);
}

template <class T>
static inline T
__shfl_down_sync (unsigned mask, T value, unsigned by, int width = 32)
{
  const unsigned lane = cuemu::me ().lane;
  return cuemu::shuffle_from (mask, value, lane % width + by < unsigned (width) ? lane + by : lane);
}

template <class T>
static inline T
__shfl_up_sync (unsigned mask, T value, unsigned by, int width = 32)
{
  const unsigned lane = cuemu::me ().lane;
  return cuemu::shuffle_from (mask, value, lane % width >= by ? lane - by : lane);
}

static inline unsigned
__ballot_sync (unsigned mask, int predicate)
{
  const unsigned in = predicate != 0;
  return *static_cast<const unsigned *> (cuemu::exchange (mask, cuemu::vote, &in, sizeof in));
}

static inline int
__any_sync (unsigned mask, int predicate)
{
  return __ballot_sync (mask, predicate) != 0;
}

static inline int
__all_sync (unsigned mask, int predicate)
{
  return __ballot_sync (mask, !predicate) == 0;
}

static inline unsigned
__activemask (void)
{
  return cuemu::block ().warps[cuemu::me ().warp].live;
}

namespace cuemu
{

/* sm_80 on. */
template <class T, class Combine>
static inline T
reduce (unsigned mask, T value, Combine combine)
{
  if (capability () < 80)
    fail ("__reduce_*_sync () needs sm_80");
  T result = value;
  const unsigned lane = me ().lane;
  for (unsigned other = 0; other < WARP; other++)
    if (mask >> other & 1)
      {
        const T theirs = shuffle_from (mask, value, other);
        if (other != lane)
          result = combine (result, theirs);
      }
  return result;
}

}

template <class T>
static inline T
__reduce_add_sync (unsigned mask, T value)
{
  return cuemu::reduce (mask, value, [] (T a, T b) { return T (unsigned (a) + unsigned (b)); });
}

template <class T>
static inline T
__reduce_max_sync (unsigned mask, T value)
{
  return cuemu::reduce (mask, value, [] (T a, T b) { return a > b ? a : b; });
}

template <class T>
static inline T
__reduce_min_sync (unsigned mask, T value)
{
  return cuemu::reduce (mask, value, [] (T a, T b) { return a < b ? a : b; });
}

#include "cuda-atomics.h"
#include "cuda-math.h"
#include "cuda-matrix.h"

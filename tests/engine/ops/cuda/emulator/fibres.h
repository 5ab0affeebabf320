/* SPDX-License-Identifier: MIT */
/* fibres.h: the threads of a block, one after the other on one thread of the processor.
 *
 * A block's threads are fibres: each runs until it waits (at a barrier, or for the other lanes of
 * its warp), then another one goes on. What they wait for is decided by what they do alone, so a
 * barrier that a kernel forgot shows as a wrong result in one order of the fibres or another.
 */
#pragma once

#include "cuda-types.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

struct dim3 : uint3
{
  constexpr
  dim3 (unsigned a = 1, unsigned b = 1, unsigned c = 1)
      : uint3{ a, b, c }
  {
  }
};

namespace cuemu
{

constexpr unsigned WARP = 32;
constexpr unsigned SLOT = 48; /* bytes that a lane hands to the other lanes at once */
constexpr unsigned BARRIERS = 16;

enum class Wait : uint8_t
{
  RUN,
  BARRIER,
  WARP,
  DONE,
};

/* An asynchronous copy into shared memory that has not arrived yet. */
struct LateCopy
{
  void *to;
  const void *from; /* NULL: zeros */
  unsigned bytes;
  unsigned group;
};

struct Fibre
{
  uint3 thread;
  unsigned lane, warp;
  Wait wait;
  unsigned barrier; /* the one it waits at */
  void *sp, *stack;
  void *fake;     /* AddressSanitizer's own stack of it */
  unsigned group; /* number of the group of copies being collected */
  std::deque<LateCopy> copies;
};

struct Warp
{
  unsigned live, arrived, mask;
  void (*what) (Warp &warp, unsigned mask);
  alignas (16) unsigned char in[WARP][SLOT];
  alignas (16) unsigned char out[WARP][SLOT];
};

struct Barrier
{
  unsigned arrived, expected; /* expected 0: all threads that live */
  int sum, all, any;          /* of the predicates handed in */
  int sum_out, all_out, any_out;
};

struct Block
{
  uint3 index, size, grid;
  std::vector<Fibre> fibres;
  std::vector<Warp> warps;
  std::vector<unsigned> order;
  Barrier barriers[BARRIERS];
  unsigned live;
  bool paused;           /* the fibre that ran last lets other warps go first */
  unsigned char *shared; /* dynamic shared memory, ends where its pages end */
  size_t shared_bytes;
  Fibre *current;
  const char *kernel;
  const void *arguments;
  void (*call) (const void *arguments);
};

/* The block that this thread of the processor is running. */
extern __thread Block
    *running; /* thread_local has a wrapper that gcc 12 spoils under its sanitizers */

inline Block &
block (void)
{
  return *running;
}

inline Fibre &
me (void)
{
  return *running->current;
}

/* Ends the process: the kernel did what the card does not allow or does not define. */
[[noreturn]] void fail (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* Lets other fibres run until this one may go on. */
void pause_fibre (void);

/* Barrier `id` for `threads` threads (0: all); gives it as it was when the last one came. */
const Barrier &wait_at_barrier (unsigned id, unsigned threads, int predicate);
/* Counts this thread in without waiting. */
void arrive_at_barrier (unsigned id, unsigned threads);

/* Hands `in` to the warp; when all lanes of `mask` have, `what` fills every lane's `out` once. */
const void *exchange (unsigned mask, void (*what) (Warp &, unsigned), const void *in, size_t bytes);

/* A copy into shared memory: arrives when its group is waited for, and not before. */
void copy_late (void *to, const void *from, unsigned bytes);
void end_copy_group (void);
void wait_for_copies (unsigned groups_left);

/* What the emulated card is, for wrappers that only some cards have. */
unsigned capability (void);

/* How kernels are found by name; ESP_KERNEL makes one. */
struct Kernel
{
  const char *name;
  size_t argument_bytes;
  unsigned threads;
  void (*call) (const void *arguments);
  Kernel *next;
  Kernel (const char *kernel, size_t bytes, unsigned most, void (*function) (const void *));
};

extern Kernel *kernels;

/* Runs a grid to its end, or all blocks but the last. */
void run_grid (const Kernel &kernel, dim3 grid, dim3 size, size_t shared_bytes,
               const void *arguments, bool but_the_last = false);

}

/* SPDX-License-Identifier: MIT */
/* hopper.cuh: what only sm_90a has: matrix products by four warps together out of shared memory
 * (wgmma), copies of whole tiles by the copy engine (TMA), and barriers that count their bytes
 * (mbarrier). PTX ISA 8.0, "Asynchronous Warpgroup Level Matrix Instructions", "Parallel
 * Synchronization and Communication Instructions: mbarrier", "cp.async.bulk.tensor".
 *
 * What the tests' emulator makes of it is what the manual says (cuda-hopper.h there), nobody's
 * experience. So kernels that include this have an alternative, and a card is asked what it makes
 * of them when it is opened (cuda-check.c).
 */
#pragma once

#include "ops/cuda/kernels/language.cuh"
#include "ops/cuda/kernels/tensor.h"

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/* --- Barriers that count arrivals and bytes -----------------------------------------------------
 *
 * A barrier is 8 bytes of shared memory. It has a phase, 0 at first, which ends when `count`
 * threads have arrived and all bytes that were announced have come; the next one begins by itself.
 */

ESP_DEVICE void
esp_mbarrier_init (uint64_t *barrier, unsigned count)
{
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(esp_shared_address (barrier)),
               "r"(count)
               : "memory");
}

/* Makes initialised barriers known to the copy engine; the block's threads need a barrier of their
 * own as well. */
ESP_DEVICE void
esp_mbarrier_init_done (void)
{
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/* Arrives, and announces bytes that the copy engine will bring. */
ESP_DEVICE void
esp_mbarrier_expect (uint64_t *barrier, unsigned bytes)
{
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(esp_shared_address (barrier)),
      "r"(bytes)
      : "memory");
}

ESP_DEVICE void
esp_mbarrier_arrive (uint64_t *barrier)
{
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(esp_shared_address (barrier))
               : "memory");
}

ESP_DEVICE bool
esp_mbarrier_try (uint64_t *barrier, unsigned parity)
{
  unsigned ended;

  asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; "
               "selp.u32 %0, 1, 0, p; }"
               : "=r"(ended)
               : "r"(esp_shared_address (barrier)), "r"(parity)
               : "memory");
  return ended != 0;
}

ESP_DEVICE uint64_t
esp_nanoseconds (void)
{
  uint64_t now;

  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
}

/* Waits until the phase of this parity (0 for the first, 1 for the second, 0 …) has ended. The one
 * before the first counts as ended: waiting for parity 1 on a fresh barrier does not wait. */
ESP_DEVICE void
esp_mbarrier_wait (uint64_t *barrier, unsigned parity)
{
  while (!esp_mbarrier_try (barrier, parity))
    ;
}

/* The same for the thread that copies, which is the one that gives up for all: a copy takes
 * microseconds, products out of shared memory no longer, and a card that others share gives a
 * kernel its turn again within milliseconds. Whoever has waited four seconds waits for what never
 * comes. The kernel ends with an error then, which costs the context; one that does not end costs
 * the card. (Not for threads that have products under way: a way out of these costs ptxas all their
 * overlap.) */
ESP_DEVICE void
esp_mbarrier_wait_briefly (uint64_t *barrier, unsigned parity)
{
  if (!esp_mbarrier_try (barrier, parity))
    {
      const uint64_t since = esp_nanoseconds ();

      while (!esp_mbarrier_try (barrier, parity))
        if (esp_nanoseconds () - since > 4000000000u)
          __trap ();
    }
}

/* --- The copy engine ---------------------------------------------------------------------------
 */

/* The box of the tensor that begins at (column, row) → shared memory, 1024-aligned for boxes of
 * 128-byte rows that are swizzled; what lies outside the tensor is zeros. One thread asks; the
 * bytes count at `barrier`. `map` is a kernel's parameter. */
ESP_DEVICE void
esp_tensor_copy (void *shared, const CudaTensorMap *map, int column, int row, uint64_t *barrier)
{
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes "
               "[%0], [%1, {%2, %3}], [%4];" ::"r"(esp_shared_address (shared)),
               "l"(map), "r"(column), "r"(row), "r"(esp_shared_address (barrier))
               : "memory");
}

/* --- Matrix products of four warps -------------------------------------------------------------
 *
 * A warpgroup is 128 threads, 128-aligned. Products run behind its back: _fence before the first
 * one and whenever registers that they use were touched, _commit ends a group, _wait<n> waits until
 * at most n groups are under way. Sums lie as those of mma.m16n8k16 do: d[4j + i] of lane l in warp
 * w of the four is row 16w + l / 4 + (i / 2)·8, column 8j + 2·(l % 4) + i % 2; left operands in
 * registers as its left operands do, 16 rows a warp.
 */

ESP_DEVICE void
esp_wgmma_fence (void)
{
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

ESP_DEVICE void
esp_wgmma_commit (void)
{
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

template <int n>
ESP_DEVICE void
esp_wgmma_wait (void)
{
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(n) : "memory");
}

/* These sums have been waited for: what is computed of them may not be moved before the wait, which
 * does not name them (PTX ISA, "wgmma.mma_async": registers must not be touched before). */
template <int count>
ESP_DEVICE void
esp_wgmma_settled (float *sums)
{
#pragma unroll
  for (int i = 0; i < count; i++)
    asm volatile("" : "+f"(sums[i])::"memory");
}

/* Describes an operand in shared memory in rows of 128 bytes, swizzled over 1024 as the copy engine
 * does it (PTX ISA, "Matrix Descriptor Format": in units of 16 bytes bits 0 to 13 are the address,
 * 16 to 29 the leading and 32 to 45 the stride offset; bits 62 and 63 are 1 for a swizzle of 128
 * bytes; the base offset of bits 49 to 51 is 0, since swizzled operands begin at multiples of 1024;
 * a step along k within a row of 128 bytes is added to the address, as the swizzle takes its bits
 * from the sum). Of a K-major one (each row's 64 columns are along the sum) `stride` is from 8 rows
 * to the next 8, and `leading` does not matter. Of an MN-major one (each row is one step of the
 * sum) `stride` is from 8 rows to the next 8 as well, and `leading` from 64 columns to the next 64.
 */
ESP_DEVICE uint64_t
esp_wgmma_operand (const void *shared, unsigned leading, unsigned stride)
{
  return (esp_shared_address (shared) & 0x3ffffu) >> 4 | static_cast<uint64_t> (leading >> 4) << 16
         | static_cast<uint64_t> (stride >> 4) << 32 | uint64_t{ 1 } << 62;
}

/* The operand `bytes` further on, a multiple of 16. */
ESP_DEVICE uint64_t
esp_wgmma_further (uint64_t operand, unsigned bytes)
{
  return operand + (bytes >> 4);
}

/* d = a·b, or d += a·b if `add`: 64 × 16 times 16 × 128, both K-major. */
ESP_DEVICE void
esp_wgmma_bf16_128 (float d[64], uint64_t a, uint64_t b, bool add)
{
  asm volatile("{ .reg .pred p; setp.ne.b32 p, %66, 0; "
               "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
               "%0, %1, %2, %3, %4, %5, %6, %7, "
               "%8, %9, %10, %11, %12, %13, %14, %15, "
               "%16, %17, %18, %19, %20, %21, %22, %23, "
               "%24, %25, %26, %27, %28, %29, %30, %31, "
               "%32, %33, %34, %35, %36, %37, %38, %39, "
               "%40, %41, %42, %43, %44, %45, %46, %47, "
               "%48, %49, %50, %51, %52, %53, %54, %55, "
               "%56, %57, %58, %59, %60, %61, %62, %63"
               "}, %64, %65, p, 1, 1, 0, 0; }"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]),
                 "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]),
                 "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]),
                 "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]),
                 "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]),
                 "+f"(d[31]), "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]), "+f"(d[36]),
                 "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]), "+f"(d[41]), "+f"(d[42]),
                 "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), "+f"(d[48]),
                 "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]),
                 "+f"(d[55]), "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]),
                 "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
               : "l"(a), "l"(b), "r"(static_cast<int> (add)));
}

/* The same with a in registers and an MN-major b. */
ESP_DEVICE void
esp_wgmma_bf16_128_left (float d[64], const uint32_t a[4], uint64_t b, bool add)
{
  asm volatile("{ .reg .pred p; setp.ne.b32 p, %69, 0; "
               "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
               "%0, %1, %2, %3, %4, %5, %6, %7, "
               "%8, %9, %10, %11, %12, %13, %14, %15, "
               "%16, %17, %18, %19, %20, %21, %22, %23, "
               "%24, %25, %26, %27, %28, %29, %30, %31, "
               "%32, %33, %34, %35, %36, %37, %38, %39, "
               "%40, %41, %42, %43, %44, %45, %46, %47, "
               "%48, %49, %50, %51, %52, %53, %54, %55, "
               "%56, %57, %58, %59, %60, %61, %62, %63"
               "}, {%64, %65, %66, %67}, %68, p, 1, 1, 1; }"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]),
                 "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]),
                 "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]),
                 "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]),
                 "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]),
                 "+f"(d[31]), "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]), "+f"(d[36]),
                 "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]), "+f"(d[41]), "+f"(d[42]),
                 "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), "+f"(d[48]),
                 "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]),
                 "+f"(d[55]), "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]),
                 "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(static_cast<int> (add)));
}

/* Registers of each thread from here on; all threads of the warpgroup. What others release is there
 * to be taken. */
template <int count>
ESP_DEVICE void
esp_registers_take (void)
{
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(count));
}

template <int count>
ESP_DEVICE void
esp_registers_release (void)
{
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(count));
}

#elif defined CUEMU_HOPPER

/* A test's, of what a kernel does with these. */
#include "cuda-hopper.h"

#endif

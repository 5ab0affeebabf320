/* SPDX-License-Identifier: MIT */
/* faults.h: kernels that do not do what they should, to see what the engine makes of that.
 *
 * CUEMU_BREAK=KERNEL=HOW,… where KERNEL is how its name begins:
 * - wrong: what its last block would have written is not;
 * - fault: it ends with an error, after which the card's context is of no use;
 * - hang: it does not end for a while, and then as with `fault`;
 * - stuck: it does not end.
 */
#pragma once

namespace cuemu
{

enum class Fault
{
  NONE,
  WRONG,
  FAULT,
  HANG,
  STUCK,
};

/* What is wrong with this kernel. */
Fault fault_of (const char *kernel);

/* It has been run on this device. */
void suffer (int device, Fault fault);

/* What the driver answers to everything that has to do with the device's work: 0, or the error that
 * a kernel left. Whoever would wait for a kernel that does not end ends the process. */
int health (int device);
/* The same for a question that does not wait: NOT_READY while a kernel does not end. */
int health_now (int device);

/* A new context. */
void recover (int device);

}

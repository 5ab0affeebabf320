/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-pointer.c: where in a JSON answer something stands. */
#include "esp-pointer.h"

static void
test_check (void)
{
  g_assert_true (esp_pointer_check ("", NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pointer/check", test_check);
  return g_test_run ();
}

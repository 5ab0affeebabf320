/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-tree-layout.c: what a picture of a tree promises, over many random trees. */
#include "esp-tree-layout.h"

#include <math.h>

static const EspTreeLayoutOptions down = { FALSE, 16, 32 };
static const EspTreeLayoutOptions right = { TRUE, 16, 32 };

#define NEAR(a, b) (fabs ((a) - (b)) < 1e-6)

/* A random tree, parents first. `lean` near 1 gives chains, near 0 bushes. */
static EspTreeBox *
random_tree (GRand *rand, guint n, double lean)
{
  EspTreeBox *boxes = g_new0 (EspTreeBox, n);

  for (guint i = 0; i < n; i++)
    {
      boxes[i].parent = i == 0                        ? -1
                        : g_rand_double (rand) < lean ? (int) i - 1
                        : g_rand_double_range (rand, 0, 1) < 0.01
                            ? -1
                            : g_rand_int_range (rand, 0, (int) i);
      boxes[i].width = g_rand_double_range (rand, 20, 160);
      boxes[i].height = g_rand_double_range (rand, 20, 160);
    }
  return boxes;
}

/* With the gap that is due: two boxes may be closer along the breadth only where they are apart
 * along the depth. */
static void
check_no_overlap (const EspTreeBox *boxes, guint n, const EspTreeLayoutOptions *options)
{
  for (guint i = 0; i < n; i++)
    for (guint j = i + 1; j < n; j++)
      {
        const EspTreeBox *a = &boxes[i], *b = &boxes[j];
        double gap_x = options->horizontal ? 0 : options->sibling_gap;
        double gap_y = options->horizontal ? options->sibling_gap : 0;
        gboolean apart_x
            = a->x + a->width + gap_x <= b->x + 1e-6 || b->x + b->width + gap_x <= a->x + 1e-6;
        gboolean apart_y
            = a->y + a->height + gap_y <= b->y + 1e-6 || b->y + b->height + gap_y <= a->y + 1e-6;

        if (!apart_x && !apart_y)
          g_error ("boxes %u and %u overlap", i, j);
      }
}

static double
start_across (const EspTreeBox *box, const EspTreeLayoutOptions *options)
{
  return options->horizontal ? box->y : box->x;
}

static double
size_across (const EspTreeBox *box, const EspTreeLayoutOptions *options)
{
  return options->horizontal ? box->height : box->width;
}

static void
check_families (const EspTreeBox *boxes, guint n, const EspTreeLayoutOptions *options)
{
  for (guint p = 0; p < n; p++)
    {
      const EspTreeBox *first = NULL, *last = NULL;

      for (guint i = p + 1; i < n; i++)
        {
          const EspTreeBox *box = &boxes[i];

          if (box->parent != (int) p)
            continue;
          if (last)
            g_assert_cmpfloat (start_across (box, options), >=,
                               start_across (last, options) + size_across (last, options)
                                   + options->sibling_gap - 1e-6);
          if (!first)
            first = box;
          last = box;
          if (options->horizontal)
            g_assert_true (NEAR (box->x, boxes[p].x + boxes[p].width + options->level_gap));
          else
            g_assert_true (NEAR (box->y, boxes[p].y + boxes[p].height + options->level_gap));
        }
      if (first)
        g_assert_true (
            NEAR (start_across (&boxes[p], options) + size_across (&boxes[p], options) / 2,
                  (start_across (first, options) + start_across (last, options)
                   + size_across (last, options))
                      / 2));
    }
}

static void
check_bounds (const EspTreeBox *boxes, guint n, double width, double height)
{
  double x0 = G_MAXDOUBLE, y0 = G_MAXDOUBLE, x1 = 0, y1 = 0;

  for (guint i = 0; i < n; i++)
    {
      x0 = MIN (x0, boxes[i].x);
      y0 = MIN (y0, boxes[i].y);
      x1 = MAX (x1, boxes[i].x + boxes[i].width);
      y1 = MAX (y1, boxes[i].y + boxes[i].height);
    }
  g_assert_true (NEAR (x0, 0));
  g_assert_true (NEAR (y0, 0));
  g_assert_true (NEAR (x1, width));
  g_assert_true (NEAR (y1, height));
}

static void
test_random (gconstpointer data)
{
  const EspTreeLayoutOptions *options = data;
  g_autoptr (GRand) rand = g_rand_new_with_seed (20140612);

  for (guint round = 0; round < 200; round++)
    {
      guint n = (guint) g_rand_int_range (rand, 1, 120);
      double lean = g_rand_double_range (rand, 0, 0.9);
      g_autofree EspTreeBox *boxes = random_tree (rand, n, lean);
      double width, height;

      esp_tree_layout (boxes, n, options, &width, &height);
      check_no_overlap (boxes, n, options);
      check_families (boxes, n, options);
      check_bounds (boxes, n, width, height);
    }
}

/* The same tree with all children in the opposite order. `numbers` receives the number that each
 * box has in it. */
static EspTreeBox *
mirror (const EspTreeBox *boxes, guint n, guint *numbers)
{
  EspTreeBox *mirrored = g_new0 (EspTreeBox, n);
  g_autoptr (GArray) stack = g_array_new (FALSE, FALSE, sizeof (int));
  guint n_done = 0;
  int top = -1;

  g_array_append_val (stack, top);
  while (stack->len > 0)
    {
      int parent = g_array_index (stack, int, stack->len - 1);

      g_array_set_size (stack, stack->len - 1);
      if (parent >= 0)
        {
          mirrored[n_done] = boxes[parent];
          if (boxes[parent].parent >= 0)
            mirrored[n_done].parent = (int) numbers[boxes[parent].parent];
          numbers[parent] = n_done++;
        }
      /* The last pushed is the first out: the order turns round. */
      for (guint i = 0; i < n; i++)
        if (boxes[i].parent == parent)
          g_array_append_val (stack, i);
    }
  g_assert_cmpuint (n_done, ==, n);
  return mirrored;
}

static void
test_mirror (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);

  for (guint round = 0; round < 100; round++)
    {
      guint n = (guint) g_rand_int_range (rand, 2, 100);
      g_autofree EspTreeBox *boxes = random_tree (rand, n, 0.3);
      g_autofree guint *numbers = g_new0 (guint, n);
      g_autofree EspTreeBox *mirrored = mirror (boxes, n, numbers);
      double width, height, mirrored_width, mirrored_height;

      esp_tree_layout (boxes, n, &down, &width, &height);
      esp_tree_layout (mirrored, n, &down, &mirrored_width, &mirrored_height);
      g_assert_true (NEAR (width, mirrored_width));
      g_assert_true (NEAR (height, mirrored_height));
      for (guint i = 0; i < n; i++)
        {
          const EspTreeBox *other = &mirrored[numbers[i]];

          g_assert_true (NEAR (boxes[i].x, width - other->x - other->width));
          g_assert_true (NEAR (boxes[i].y, other->y));
        }
    }
}

/* A small tree whose picture can be told beforehand. */
static void
test_known (void)
{
  EspTreeBox boxes[] = {
    { -1, 100, 50, 0, 0 },
    { 0, 100, 50, 0, 0 },
    { 0, 100, 80, 0, 0 },
    { 2, 100, 50, 0, 0 },
  };
  double width, height;

  esp_tree_layout (boxes, G_N_ELEMENTS (boxes), &down, &width, &height);
  g_assert_cmpfloat (width, ==, 216);
  g_assert_cmpfloat (height, ==, 50 + 32 + 80 + 32 + 50);
  g_assert_cmpfloat (boxes[0].x, ==, 58);
  g_assert_cmpfloat (boxes[1].x, ==, 0);
  g_assert_cmpfloat (boxes[2].x, ==, 116);
  g_assert_cmpfloat (boxes[2].y, ==, 82);
  g_assert_cmpfloat (boxes[3].x, ==, 116);
  g_assert_cmpfloat (boxes[3].y, ==, 194);
}

/* A turn added at the end of a branch moves nobody but its ancestors' branches: relative to its
 * parent, every box of a branch that did not grow stands where it stood. */
static void
test_stable (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (99);

  for (guint round = 0; round < 100; round++)
    {
      guint n = (guint) g_rand_int_range (rand, 3, 80);
      g_autofree EspTreeBox *before = random_tree (rand, n + 1, 0.4);
      g_autofree EspTreeBox *after = NULL;
      g_autofree gboolean *grown = g_new0 (gboolean, n + 1);
      double width, height;

      after = g_memdup2 (before, sizeof *before * (n + 1));
      esp_tree_layout (before, n, &down, &width, &height);
      esp_tree_layout (after, n + 1, &down, &width, &height);
      for (int i = after[n].parent; i >= 0; i = after[i].parent)
        grown[i] = TRUE;
      for (guint i = 0; i < n; i++)
        {
          int parent = before[i].parent;

          if (parent < 0 || grown[i] || grown[parent])
            continue;
          g_assert_true (NEAR (before[i].x - before[parent].x, after[i].x - after[parent].x));
          g_assert_true (NEAR (before[i].y - before[parent].y, after[i].y - after[parent].y));
        }
    }
}

/* Linear: a hundred times the boxes may not take ten thousand times the steps. A quadratic pass
 * over these would not end within the test's time limit. */
static void
test_large (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  guint n = 200000;
  g_autofree EspTreeBox *boxes = random_tree (rand, n, 0.5);
  double width, height;

  esp_tree_layout (boxes, n, &right, &width, &height);
  check_bounds (boxes, n, width, height);
}

static void
test_chain (void)
{
  guint n = 100000;
  g_autofree EspTreeBox *boxes = g_new0 (EspTreeBox, n);
  double width, height;

  for (guint i = 0; i < n; i++)
    boxes[i] = (EspTreeBox){ (int) i - 1, 100 + (i % 3), 50, 0, 0 };
  esp_tree_layout (boxes, n, &down, &width, &height);
  g_assert_cmpfloat (width, ==, 102);
  g_assert_cmpfloat (height, ==, n * 82.0 - 32);
}

static void
test_empty (void)
{
  double width = -1, height = -1;

  esp_tree_layout (NULL, 0, &down, &width, &height);
  g_assert_cmpfloat (width, ==, 0);
  g_assert_cmpfloat (height, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tree-layout/empty", test_empty);
  g_test_add_func ("/tree-layout/known", test_known);
  g_test_add_data_func ("/tree-layout/random/down", &down, test_random);
  g_test_add_data_func ("/tree-layout/random/right", &right, test_random);
  g_test_add_func ("/tree-layout/mirror", test_mirror);
  g_test_add_func ("/tree-layout/stable", test_stable);
  g_test_add_func ("/tree-layout/large", test_large);
  g_test_add_func ("/tree-layout/chain", test_chain);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-layout.c: van der Ploeg's algorithm in arrays.
 *
 * Along the breadth (across the growth of the tree) each subtree is first placed relative to its
 * parent: the children of a box are put side by side, each as close to those before it as their
 * contours allow. Contours are followed over "threads" that lead from the end of a shorter subtree
 * into its longer neighbour. Boxes are numbered parents first, so that "children before parents" is
 * a loop downwards and "parents before children" one upwards.
 *
 * Where a wide subtree pushes its neighbours apart, the room is shared out from left to right,
 * which is not quite the same as from right to left. The pass is therefore made twice, once
 * mirrored, and the mean taken: all demands are linear inequalities, so the mean meets them, too.
 */
#include "esp-tree-layout.h"

#define NONE G_MAXUINT

typedef struct
{
  double breadth, depth;           /* size, gaps included */
  double start;                    /* along the depth */
  double prelim, mod;              /* place relative to the parent; what the subtree is moved by */
  double shift, change;            /* room to be shared out among the siblings before */
  guint left_thread, right_thread; /* where the contour goes on, or NONE */
  guint left_end, right_end;       /* the ends of the subtree's contours */
  double left_end_mod, right_end_mod;
} Walker;

/* The lowest end among the siblings so far, from the right: which of them does a contour at this
 * depth belong to? */
typedef struct
{
  double low;
  guint index;
} Low;

typedef struct
{
  Walker *w;
  guint n;
  const guint *children; /* of all, one parent's after the other's */
  const guint *first;    /* n + 1 offsets into `children` */
  gboolean mirrored;
  Low *lows;
  guint n_lows;
} Walk;

static guint
n_children (const Walk *walk, guint t)
{
  return walk->first[t + 1] - walk->first[t];
}

static guint
child (const Walk *walk, guint t, guint i)
{
  return walk->children[walk->mirrored ? walk->first[t + 1] - 1 - i : walk->first[t] + i];
}

static guint
next_left (const Walk *walk, guint t)
{
  return n_children (walk, t) == 0 ? walk->w[t].left_thread : child (walk, t, 0);
}

static guint
next_right (const Walk *walk, guint t)
{
  guint n = n_children (walk, t);

  return n == 0 ? walk->w[t].right_thread : child (walk, t, n - 1);
}

static double
end_of (const Walk *walk, guint t)
{
  return walk->w[t].start + walk->w[t].depth;
}

static void
push_low (Walk *walk, double low, guint index)
{
  while (walk->n_lows > 0 && low >= walk->lows[walk->n_lows - 1].low)
    walk->n_lows--;
  walk->lows[walk->n_lows++] = (Low){ low, index };
}

static void
move_subtree (Walk *walk, guint t, guint i, guint from, double distance)
{
  Walker *moved = &walk->w[child (walk, t, i)];

  moved->mod += distance;
  moved->left_end_mod += distance;
  moved->right_end_mod += distance;

  /* The siblings between the one that was in the way and this one move along in equal parts. */
  if (from + 1 != i)
    {
      double part = distance / (i - from);

      walk->w[child (walk, t, from + 1)].shift += part;
      moved->shift -= part;
      moved->change -= distance - part;
    }
}

/* Moves the i-th subtree away from those before it. */
static void
separate (Walk *walk, guint t, guint i)
{
  Walker *w = walk->w;
  guint first = child (walk, t, 0), before = child (walk, t, i - 1), moved = child (walk, t, i);
  guint right = before, left = moved;
  double right_mod = w[right].mod, left_mod = w[left].mod;
  guint low = walk->n_lows - 1;

  while (right != NONE && left != NONE)
    {
      double distance, right_end, left_end;

      if (end_of (walk, right) > walk->lows[low].low && low > 0)
        low--;
      distance = (right_mod + w[right].prelim + w[right].breadth) - (left_mod + w[left].prelim);
      if (distance > 0)
        {
          left_mod += distance;
          move_subtree (walk, t, i, walk->lows[low].index, distance);
        }

      right_end = end_of (walk, right);
      left_end = end_of (walk, left);
      if (right_end <= left_end)
        {
          right = next_right (walk, right);
          if (right != NONE)
            right_mod += w[right].mod;
        }
      if (right_end >= left_end)
        {
          left = next_left (walk, left);
          if (left != NONE)
            left_mod += w[left].mod;
        }
    }

  if (right == NONE && left != NONE)
    {
      Walker *end = &w[w[first].left_end];
      double difference = left_mod - w[left].mod - w[first].left_end_mod;

      end->left_thread = left;
      end->mod += difference;
      end->prelim -= difference;
      w[first].left_end = w[moved].left_end;
      w[first].left_end_mod = w[moved].left_end_mod;
    }
  else if (right != NONE && left == NONE)
    {
      Walker *end = &w[w[moved].right_end];
      double difference = right_mod - w[right].mod - w[moved].right_end_mod;

      end->right_thread = right;
      end->mod += difference;
      end->prelim -= difference;
      w[moved].right_end = w[before].right_end;
      w[moved].right_end_mod = w[before].right_end_mod;
    }
}

static void
place_children (Walk *walk, guint t)
{
  Walker *w = walk->w;
  guint n = n_children (walk, t), first, last;

  if (n == 0)
    {
      w[t].left_end = w[t].right_end = t;
      w[t].left_end_mod = w[t].right_end_mod = 0;
      return;
    }

  first = child (walk, t, 0);
  last = child (walk, t, n - 1);
  walk->n_lows = 0;
  push_low (walk, end_of (walk, w[first].left_end), 0);
  for (guint i = 1; i < n; i++)
    {
      double low = end_of (walk, w[child (walk, t, i)].right_end);

      separate (walk, t, i);
      push_low (walk, low, i);
    }

  w[t].prelim
      = (w[first].prelim + w[first].mod + w[last].mod + w[last].prelim + w[last].breadth) / 2
        - w[t].breadth / 2;
  w[t].left_end = w[first].left_end;
  w[t].left_end_mod = w[first].left_end_mod;
  w[t].right_end = w[last].right_end;
  w[t].right_end_mod = w[last].right_end_mod;
}

/* Writes the middle of each box along the breadth, relative to the middle of box 0, times `sign`,
 * on top of what is there. */
static void
run (Walk *walk, double *middles, double *sums, double sign)
{
  Walker *w = walk->w;
  double origin;

  for (guint t = 0; t < walk->n; t++)
    {
      w[t].prelim = w[t].mod = w[t].shift = w[t].change = 0;
      w[t].left_thread = w[t].right_thread = NONE;
    }
  for (guint t = walk->n; t-- > 0;)
    place_children (walk, t);

  sums[0] = w[0].mod;
  origin = w[0].prelim + sums[0] + w[0].breadth / 2;
  for (guint t = 0; t < walk->n; t++)
    {
      double distance = 0, moved = 0;

      middles[t] += sign * (w[t].prelim + sums[t] + w[t].breadth / 2 - origin);
      for (guint i = 0; i < n_children (walk, t); i++)
        {
          guint c = child (walk, t, i);

          distance += w[c].shift;
          moved += distance + w[c].change;
          w[c].mod += moved;
          sums[c] = sums[t] + w[c].mod;
        }
    }
}

/* Lists the children of each box, one parent's after the other's. Number 0 is the root of all,
 * which is not drawn; box i has the number i + 1. */
static void
list_children (const EspTreeBox *boxes, guint n_boxes, guint *first, guint *children)
{
  g_autofree guint *next = g_new (guint, n_boxes + 1);

  for (guint i = 0; i < n_boxes; i++)
    first[boxes[i].parent + 2]++;
  for (guint t = 0; t <= n_boxes; t++)
    {
      first[t + 1] += first[t];
      next[t] = first[t];
    }
  for (guint i = 0; i < n_boxes; i++)
    children[next[boxes[i].parent + 1]++] = i + 1;
}

void
esp_tree_layout (EspTreeBox *boxes, guint n_boxes, const EspTreeLayoutOptions *options,
                 double *width, double *height)
{
  guint n = n_boxes + 1;
  g_autofree Walker *walkers = g_new0 (Walker, n);
  g_autofree guint *first = g_new0 (guint, n + 1);
  g_autofree guint *children = g_new (guint, n);
  g_autofree Low *lows = g_new (Low, n);
  g_autofree double *middles = g_new0 (double, n);
  g_autofree double *sums = g_new0 (double, n);
  Walk walk = { walkers, n, children, first, FALSE, lows, 0 };
  double lowest = G_MAXDOUBLE, breadth = 0, depth = 0;

  for (guint i = 0; i < n_boxes; i++)
    {
      Walker *w = &walkers[i + 1];

      g_return_if_fail (boxes[i].parent >= -1 && boxes[i].parent < (int) i);
      w->breadth = (options->horizontal ? boxes[i].height : boxes[i].width) + options->sibling_gap;
      w->depth = (options->horizontal ? boxes[i].width : boxes[i].height) + options->level_gap;
      if (boxes[i].parent >= 0)
        w->start = walkers[boxes[i].parent + 1].start + walkers[boxes[i].parent + 1].depth;
    }

  list_children (boxes, n_boxes, first, children);
  run (&walk, middles, sums, 0.5);
  walk.mirrored = TRUE;
  run (&walk, middles, sums, -0.5);

  for (guint i = 0; i < n_boxes; i++)
    lowest = MIN (lowest, middles[i + 1] - (walkers[i + 1].breadth - options->sibling_gap) / 2);
  for (guint i = 0; i < n_boxes; i++)
    {
      const Walker *w = &walkers[i + 1];
      double size = w->breadth - options->sibling_gap;
      double at = middles[i + 1] - size / 2 - lowest;

      boxes[i].x = options->horizontal ? w->start : at;
      boxes[i].y = options->horizontal ? at : w->start;
      breadth = MAX (breadth, at + size);
      depth = MAX (depth, w->start + w->depth - options->level_gap);
    }
  *width = options->horizontal ? depth : breadth;
  *height = options->horizontal ? breadth : depth;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-focus-chain.c: from one child to the next. */
#include "esp-focus-chain.h"

gboolean
esp_focus_chain_move (GtkWidget *widget, GtkDirectionType direction)
{
  gboolean backward, sideways, reached;
  GtkWidget *focus, *child;

  g_return_val_if_fail (GTK_IS_WIDGET (widget), FALSE);

  sideways = direction == GTK_DIR_LEFT || direction == GTK_DIR_RIGHT;
  backward
      = direction == GTK_DIR_TAB_BACKWARD || direction == GTK_DIR_UP || direction == GTK_DIR_LEFT;
  if (sideways && gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL)
    backward = !backward;

  focus = gtk_widget_get_focus_child (widget);
  reached = focus == NULL;
  child = backward ? gtk_widget_get_last_child (widget) : gtk_widget_get_first_child (widget);
  while (child != NULL)
    {
      if (child == focus)
        reached = TRUE;
      if (reached && gtk_widget_get_child_visible (child)
          && gtk_widget_child_focus (child, direction))
        return TRUE;
      child = backward ? gtk_widget_get_prev_sibling (child) : gtk_widget_get_next_sibling (child);
    }
  return FALSE;
}

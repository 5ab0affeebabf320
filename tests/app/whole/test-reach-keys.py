#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every shortcut of the table of actions is pressed once and does what the table says, and no action
is left out by all of these tests."""
import pathlib
import re
import sys
import urllib.parse

from gi.repository import Gio

from accessible import PRESSED as DOWN, SELECTED
from drive import BUTTONS, SOURCE, Skip, case, is_sensitive, run, wait_until
from reach import (branches, has_focus, instruction, is_current, run_states, window_comes,
                   window_goes)

TABLE = SOURCE / 'src/app/window/esp-actions.c'
PRESSED = set()  # accelerators, as the table writes them

# Where actions are reached that have no shortcut of their own. None: with the reason why they cannot.
REACHED = {
    'app.about': 'reach: windows_and_dialogs',
    'app.new-from-clipboard': 'desktop: new_from_the_clipboard',
    'app.on-node': 'desktop: a_turn_that_ends_is_told',
    'app.open': 'desktop: all_starts_are_one_program',
    'app.open-uri': 'states: work_that_is_not_saved_when_theirs_comes',
    'app.resume-downloads': 'models: one_that_was_paused_is_told_at_the_next_start',
    'app.setup-provider': 'remote: from_the_first_click_to_the_picture',
    'app.show-models': 'reach-nodes: preferences',
    'app.show-providers': 'remote: nothing_leaves',
    'canvas.before': 'loop: the_whole_loop',
    'canvas.draw-region': 'mask: a_region',
    'canvas.menu': 'reach-nodes: menus_of_the_image',
    'canvas.show-mask': 'mask: the_mask_by_hand',
    'canvas.zoom-100': 'reach-keys: keys_of_the_image',
    'canvas.zoom-200': 'reach-keys: keys_of_the_image',
    'canvas.zoom-400': 'reach-nodes: menus_of_the_image',
    'canvas.zoom-fit': 'reach-keys: keys_of_the_image',
    'canvas.zoom-in': 'reach-keys: keys_of_the_image',
    'canvas.zoom-out': 'reach-keys: keys_of_the_image',
    'card.activate': 'reach-keys: keys_of_turns',
    'cell.activate': 'sweep: with_the_mouse',
    'compare.align': 'compare: the_toolbar_and_the_menus',
    'compare.all-rows': 'compare: the_toolbar_and_the_menus',
    'compare.alternate': 'compare: two_images_in_every_way',
    'compare.continue': 'compare: going_on_from_one',
    'compare.export': 'compare: comparisons_as_files',
    'compare.flip': 'compare: the_toolbar_and_the_menus',
    'compare.leave': 'compare: going_through_the_siblings',
    'compare.link': 'compare: the_toolbar_and_the_menus',
    'compare.mode': 'compare: the_toolbar_and_the_menus',
    'compare.next': 'compare: the_toolbar_and_the_menus',
    'compare.pin': 'compare: the_toolbar_and_the_menus',
    'compare.previous': 'compare: the_toolbar_and_the_menus',
    'compare.reject': 'compare: the_toolbar_and_the_menus',
    'compare.remove': 'compare: four_at_once_and_what_is_done_with_them',
    'compare.reset-line': 'compare: the_toolbar_and_the_menus',
    'compare.stars': 'compare: the_toolbar_and_the_menus',
    'compare.swap': 'compare: the_toolbar_and_the_menus',
    'compare.table': 'compare: the_toolbar_and_the_menus',
    'compare.turn': 'compare: the_toolbar_and_the_menus',
    'compare.use-settings': 'compare: the_toolbar_and_the_menus',
    'composer.add-reference': 'reach-nodes: references',
    'composer.paste-reference': 'reach-nodes: references',
    'composer.reference-current': 'reach-nodes: references',
    'composer.run': 'loop: the_whole_loop',
    'composer.run-next': 'reach-keys: keys_of_turns',
    'composer.run-times': 'reach: turns_in_all_ways',
    'composer.stop': 'loop: the_whole_loop',
    'history.fold': 'reach-nodes: stacks',
    'history.move-earlier': 'reach-nodes: moving_a_branch',
    'history.move-later': 'reach-nodes: moving_a_branch',
    'history.spread': 'reach-nodes: stacks',
    'history.spread-cells': 'reach-sweeps: groups_and_branches',
    'mask.find-again': 'mask: the_mask_by_hand',
    'mask.forget': 'mask: the_mask_by_hand',
    'mask.leave': 'mask: the_mask_by_hand',
    'mask.take-all': 'mask: the_mask_by_hand',
    'mask.take-nothing': 'mask: the_mask_by_hand',
    'node.change-key': 'remote: a_wrong_key',
    'node.copy-branch': 'reach-nodes: moving_a_branch',
    'node.copy-command': 'reach-nodes: turns_from_the_menu_of_a_node',
    'node.copy-curl': 'remote: the_same_as_commands',
    'node.copy-instruction': 'reach-nodes: turns_from_the_menu_of_a_node',
    'node.copy-python': 'remote: the_same_as_commands',
    'node.duplicate': 'reach-nodes: turns_from_the_menu_of_a_node',
    'node.keep-as-is': 'drift: turns_whose_image_of_before_changed',
    'node.move': 'reach-nodes: moving_a_branch',
    'node.new-start': 'drift: a_picture_as_a_new_beginning',
    'node.note': 'reach: the_menu_of_a_node',
    'node.open-with': 'reach-nodes: turns_from_the_menu_of_a_node',
    'node.redo': 'drift: turns_whose_image_of_before_changed',
    'node.retry': 'reach-nodes: turns_from_the_menu_of_a_node',
    'node.reword': 'remote: blocked_by_safety',
    'node.run-again-same': 'reach-nodes: turns_from_the_menu_of_a_node',
    'node.send-again': 'remote: not_known_whether_it_was_taken',
    'node.show': 'reach-nodes: turns_from_the_menu_of_a_node',
    'node.squash': 'drift: paths_as_one_edit_and_one_after_another',
    'node.stop': 'reach-nodes: turns_from_the_menu_of_a_node',
    'node.tag': 'reach: the_menu_of_a_node',
    'node.try-with': 'remote: no_credit_then_another',
    'node.use-seed': 'reach-nodes: turns_from_the_menu_of_a_node',
    'region.done': 'mask: a_region',
    'region.drop': 'mask: a_region',
    'sweep.compare': 'sweep: from_setting_up_to_the_sheet',
    'sweep.continue': 'sweep: going_on_from_a_cell',
    'sweep.drop-rest': 'sweep: stopped_and_tried_again',
    'sweep.export': 'sweep: from_setting_up_to_the_sheet',
    'sweep.fill': 'reach-keys: keys_of_a_sweep',
    'sweep.hide-rejected': 'reach-keys: keys_of_a_sweep',
    'sweep.leave': 'reach-keys: keys_of_a_sweep',
    'sweep.next-page': 'reach-keys: keys_of_a_sweep',
    'sweep.only-done': 'reach-keys: keys_of_a_sweep',
    'sweep.only-starred': 'sweep: filtered_swapped_and_undone',
    'sweep.previous-page': 'reach-keys: keys_of_a_sweep',
    'sweep.refine': 'sweep: previews_are_refined',
    'sweep.refine-all': 'sweep: previews_are_refined',
    'sweep.retry': 'sweep: stopped_and_tried_again',
    'sweep.run-cells': 'reach-keys: keys_of_a_sweep',
    'sweep.show-all': 'reach-keys: keys_of_a_sweep',
    'sweep.stop': 'sweep: stopped_and_tried_again',
    'sweep.stop-cells': 'sweep: stopped_and_tried_again',
    'sweep.stop-running': 'sweep: stopped_and_tried_again',
    'sweep.swap': 'sweep: filtered_swapped_and_undone',
    'win.back': 'reach: a_narrow_window',
    'win.compare': 'loop: the_whole_loop',
    'win.dismiss': 'states: closing_while_turns_run',
    'win.history-outline': 'reach: looking_at_images',
    'win.history-zoom-fit': 'reach: looking_at_images',
    'win.history-zoom-in': 'reach: looking_at_images',
    'win.history-zoom-out': 'reach: looking_at_images',
    'win.open-sample': 'reach-nodes: the_sample_photo',
    'win.overwrite': 'reach-nodes: overwriting_theirs',
    'win.reload': 'states: a_document_changed_by_someone_else',
    'win.rename': 'reach: windows_and_dialogs',
    'win.setup-model': 'reach-nodes: preferences',
    'win.setup-provider': 'remote: from_the_first_click_to_the_picture',
    'win.show-providers': 'remote: nothing_leaves',
    'win.show-sweep': 'reach-sweeps: there_and_back',
    'win.take-up': 'states: turns_of_a_program_that_was_killed',
    'win.write-instruction': 'reach: turns_in_all_ways',
}


def table():
    """The actions of the table and their accelerators."""
    text = re.sub(r'/\*.*?\*/', '', TABLE.read_text(), flags=re.S)
    rows = text[text.index('actions[] = {'):text.index('};')]
    found = []
    # At the end of some stands what the shortcuts window shows instead.
    for row in re.findall(r'\{ (?:"([^"]+)"|NULL),(.*?)\{ ([^{}]*) \}(?:,\s*"[^"]*")? \}', rows,
                          flags=re.S):
        name, _, keys = row
        found.append((name, [key for text in re.findall(r'"([^"]+)"', keys) for key in text.split()]))
    assert len(found) > 40, found
    return found


def x_key(accelerator):
    """As xdotool writes it."""
    return (accelerator.replace('<Control>', 'ctrl+').replace('<Shift>', 'shift+')
            .replace('<Alt>', 'alt+'))


def press(window, accelerator):
    window.key(x_key(accelerator))
    PRESSED.add(accelerator)


@case
def the_cursor_of_the_tree(home, start):
    window = start(branches(home))
    window.wait_for_nodes(4)
    window.select('Add fog')
    window.focus_tree()
    has_focus(window, 'Add fog')
    # What has the keyboard is told, also before it is shown.
    for key, words in (('Up', 'Make it snow'), ('Up', 'coffee'), ('Down', 'Make it snow'),
                       ('Right', 'Make it night'), ('Left', 'Make it snow'), ('Home', 'coffee'),
                       ('End', 'Make it night')):
        press(window, key)
        has_focus(window, words)
        is_current(window, 'Add fog')
    press(window, 'Return')
    is_current(window, 'Make it night')
    assert window.node('Make it night').has(SELECTED)
    # Shift chooses those between, Escape chooses none.
    window.focus_tree()
    window.key('shift+Home')
    wait_until(lambda: sum(node.has(SELECTED)
                           for node in window.nodes()) > 1, 'several to be chosen')
    window.key('Escape')
    wait_until(lambda: sum(node.has(SELECTED)
                           for node in window.nodes()) == 1, 'one to be chosen')
    window.quit()


@case
def a_tree_that_grows_sideways(home, start):
    home.settings(history_orientation="'left-right'")
    window = start(branches(home))
    window.wait_for_nodes(4)
    window.select('Add fog')
    window.focus_tree()
    for key, words in (('Left', 'Make it snow'), ('Left', 'coffee'), ('Right', 'Make it snow'),
                       ('Down', 'Make it night'), ('Up', 'Make it snow')):
        window.key(key)
        has_focus(window, words)
    window.shot('reach-sideways')
    window.quit()


@case
def keys_of_the_window(home, start):
    window = start(home.document('Make it snow'))
    window.wait_for_nodes(2)
    press(window, '<Control>n')
    wait_until(lambda: len(window.frames()) == 2, 'a second window')
    press(window, '<Control>w')
    wait_until(lambda: len(window.frames()) == 1, 'the second window to go')
    for key in ('<Control>o', '<Control><Shift>s'):
        press(window, key)
        wait_until(window._file_dialog, f'a file dialog by {key}')
        window.key('Escape')
        wait_until(lambda: not window._file_dialog(), 'the file dialog to go')
    window.focus_image()
    press(window, '<Control>v')
    window.text('There is no image to paste')
    press(window, 'F10')
    window.find('menu item', 'Preferences')
    window.key('Escape')
    for key, title in (('<Control>comma', 'Preferences'), ('<Control>e', 'Export'),
                       ('<Control><Shift>e', 'Export'), ('<Alt>Return', 'Document Properties')):
        press(window, key)
        window_comes(window, title)
        window_goes(window, title)
    press(window, '<Control>question')
    wait_until(lambda: len(window.frames()) == 2, 'the shortcuts')
    window.key('Escape')
    wait_until(lambda: len(window.frames()) == 1, 'the shortcuts to go')
    # There is no window manager here that could do it; that asking for it is no error is all.
    press(window, 'F11')
    press(window, 'F11')
    press(window, '<Control>s')
    window.text('Saved')
    press(window, '<Control>q')
    window.ended()


def browser(home):
    """What web pages are opened with: it takes down what it was given. Returns where."""
    pages = home.folder / 'pages'
    for name, text in (('share/applications/take-down.desktop',
                        '[Desktop Entry]\nType=Application\nName=Take Down\nMimeType=text/html;\n'
                        f'Exec=sh -c "echo \'%u\' >> \'{pages}\'"\n'),
                       ('config/mimeapps.list',
                        '[Default Applications]\ntext/html=take-down.desktop\n')):
        path = home.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return pages


@case
def help_is_the_manual_at_its_place(home, start):
    pages = browser(home)
    window = start(home.document('Make it snow'))
    window.wait_for_nodes(2)

    def opened(number, place):
        wait_until(lambda: pages.exists() and len(pages.read_text().splitlines()) == number,
                   f'page {number}, at {place}')
        uri = pages.read_text().splitlines()[-1]
        page = pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(uri).path)).read_text()
        assert f"location.hash = '{place}'" in page and f' id="{place}"' in page, uri

    press(window, 'F1')
    opened(1, 'contents')
    window.focus_image()
    press(window, 'c')
    wait_until(lambda: window.all('panel', 'Comparison') or window.all('slider'), 'the comparison')
    press(window, 'F1')
    opened(2, 'compare')
    press(window, 'Escape')
    press(window, '<Control>t')
    window.text('Start')
    press(window, 'F1')
    opened(3, 'sweeps')
    window.key('Escape')
    press(window, '<Control>comma')
    window_comes(window, 'Preferences')
    window.key('Right', 'Right', 'space', 'F1')
    opened(4, 'providers')
    window_goes(window, 'Preferences')
    window.main_menu('Help')
    opened(5, 'contents')
    window.quit()

    # Nothing here shows web pages, nor what they are a kind of.
    (home.folder / 'config/mimeapps.list').write_text(''.join(
        ['[Removed Associations]\n'] + [
            f'{kind}=' + ''.join(app.get_id() + ';' for app in Gio.AppInfo.get_all_for_type(kind)) + '\n'
            for kind in ('text/html', 'text/plain', 'application/octet-stream')]))
    (home.folder / 'share/applications/take-down.desktop').unlink()
    window = start()
    press(window, 'F1')
    window.text('No program here shows web pages. The manual is “')
    window.key('Escape')
    window.silent('No program here shows web pages')
    window.quit()

    window = start(ESPALIER_MANUAL=str(home.folder / 'gone.html'))
    press(window, 'F1')
    window.text('The manual is missing: “')
    window.key('Escape')
    window.silent('The manual is missing')
    window.quit()


@case
def keys_of_turns(home, start):
    document = home.document()
    window = start(document)
    window.wait_for_nodes(1)
    window.set_steps(1)
    texts = ('Make it snow', 'Add fog', 'Make it night', 'Add a sunset')
    for number, key in enumerate(('<Control>Return', '<Control>KP_Enter', '<Control><Shift>Return',
                                  '<Control><Shift>KP_Enter')):
        window.select('coffee')
        window.write('Instruction', texts[number])
        press(window, '<Control>l')
        has_focus(window, 'Instruction')
        press(window, key)
        wait_until(lambda: run_states(home, document) == ['done'] * (number + 2), f'a turn by {key}')
    press(window, '<Control>l')
    window.write('Instruction', '')
    press(window, '<Alt>Up')
    wait_until(lambda: instruction(window) in texts, 'an earlier instruction')
    first = instruction(window)
    window.key('alt+Up')
    wait_until(lambda: instruction(window) not in (first, ''), 'one before it')
    press(window, '<Alt>Down')
    wait_until(lambda: instruction(window) == first, 'the later one')

    window.select('Make it snow')
    window.focus_image()
    press(window, 'r')
    wait_until(lambda: run_states(home, document) == ['done'] * 6, 'another run')
    window.set_steps(4)
    window.focus_image()
    press(window, 'u')
    window.find('push button', lambda name: name.startswith('Settings: 1 step'))
    window.focus_image()
    press(window, 'i')
    wait_until(lambda: instruction(window) == 'Make it snow', 'the instruction')
    window.quit()


@case
def keys_of_the_history(home, start):
    document = home.document('Make it snow', 'Add fog')
    window = start(document)
    window.wait_for_nodes(3)

    def pressed(button):
        return window.find(('push button', 'toggle button'), button).has(DOWN)

    for there in (False, True):
        press(window, '<Control>h')
        wait_until(lambda: pressed('Show History') == there, 'the history to go and come')
    press(window, '<Control>f')
    has_focus(window, 'Find in the history')
    window.key('Escape')

    def stars(count):
        words = {0: '', 1: 'starred'}.get(count, f'{count} stars')
        wait_until(lambda: words in window.node('Make it snow').get_name()
                   and (count or 'star' not in window.node('Make it snow').get_name()),
                   f'{count} stars')

    window.select('Make it snow')
    for number in (3, 5, 0, 1, 2, 4):
        window.focus_image()
        press(window, str(number))
        stars(number)
        press(window, f'KP_{(number + 1) % 6}')
        stars((number + 1) % 6)
    press(window, '0')
    stars(0)
    press(window, 'period')
    stars(1)
    press(window, '<Control>z')
    stars(0)
    press(window, '<Control><Shift>z')
    stars(1)
    press(window, 'x')
    window.wait_for_nodes(1, 'rejected')
    press(window, 'x')
    window.wait_for_nodes(0, 'rejected')
    press(window, 'f')
    window.wait_for_nodes(2)
    press(window, 'f')
    window.wait_for_nodes(3)
    # In the tree they mean the same.
    window.focus_tree()
    for key, count in (('2', 2), ('period', 0), ('period', 1)):
        window.key(key)
        stars(count)
    window.key('x')
    window.wait_for_nodes(1, 'rejected')
    window.key('x')
    window.key('f')
    window.wait_for_nodes(2)
    window.key('f')
    window.wait_for_nodes(3)

    press(window, 'F2')
    window.write('Label', 'Winter')
    window.button('Rename')
    window.node('Winter')
    for key in ('Delete', 'KP_Delete'):
        window.select('Winter')
        window.focus_image()
        press(window, key)
        window.wait_for_nodes(1)
        window.key('ctrl+z')
        window.wait_for_nodes(3)
    window.quit()


@case
def keys_of_the_image(home, start):
    window = start(home.document('Make it snow'))
    window.wait_for_nodes(2)
    window.focus_image()

    def zoom():
        name = window.find('push button', lambda name: name.startswith('Zoom: ')).get_name()
        return float(re.search(r'[\d.]+', name).group())

    def reset():
        window.key('ctrl+1')
        wait_until(lambda: zoom() == 100, 'the original size')

    for key, value in (('<Control>2', 200), ('<Control>1', 100), ('<Control>KP_2', 200),
                       ('<Control>KP_1', 100)):
        press(window, key)
        wait_until(lambda: zoom() == value, f'{value} %')
    for key, larger in (('<Control>plus', True), ('<Control>equal', True), ('<Control>KP_Add', True),
                        ('<Control>minus', False), ('<Control>KP_Subtract', False)):
        reset()
        press(window, key)
        wait_until(lambda: zoom() != 100 and (zoom() > 100) == larger, f'another size by {key}')
    press(window, '<Control>0')
    fit = wait_until(lambda: zoom() if zoom() != 100 else 100, 'the size that fits')
    window.key('ctrl+2')
    wait_until(lambda: zoom() == 200, '200 %')
    press(window, '<Control>KP_0')
    wait_until(lambda: zoom() != 200, 'the size that fits')
    assert fit <= 100, fit
    press(window, 'c')
    is_current(window, 'coffee')
    press(window, 'Escape')
    is_current(window, 'Make it snow')
    press(window, '<Control>c')
    window.text('Image copied')
    press(window, 'e')
    window.find('push button', lambda name: name.startswith('Remove') and 'Make it snow' in name)
    details = lambda: window.all('text', lambda name: 'Note' in name)  # noqa: E731
    press(window, 'F9')
    wait_until(lambda: any(is_sensitive(note) for note in details()), 'the details')
    window.shot('reach-details')
    press(window, 'F9')
    window.quit()


@case
def keys_of_mask_and_region(home, start):
    window = start(home.document('Make it snow', size='256x256'))
    window.wait_for_nodes(2)
    window.focus_image()
    press(window, 'd')
    window.text('Draw a region')
    press(window, 'space')
    window.text('128 × 128 px at 64, 64')
    for key, words in (('Left', '128 × 128 px at 56, 64'), ('Right', '128 × 128 px at 64, 64'),
                       ('Up', '128 × 128 px at 64, 56'), ('Down', '128 × 128 px at 64, 64'),
                       ('<Shift>Left', '120 × 128 px at 64, 64'), ('<Shift>Right', '128 × 128 px at 64, 64'),
                       ('<Shift>Up', '128 × 120 px at 64, 64'), ('<Shift>Down', '128 × 128 px at 64, 64')):
        press(window, key)
        window.text(words)
    press(window, 'Return')
    window.gone('tool bar', 'Region')

    press(window, 'k')
    wait_until(lambda: is_sensitive(window.find(BUTTONS, 'Keep the Original Where You Paint')), 'a mask')
    press(window, 'e')
    window.text('Erase')
    press(window, 'b')
    window.text('Paint')
    for key, words in (('bracketleft', 'Brush: 33 px, hardness 80%'), ('bracketright', 'Brush: 40 px'),
                       ('braceleft', 'hardness 70%'), ('braceright', 'hardness 80%')):
        press(window, key)
        window.text(words)
    press(window, 'w')  # shown and let go
    window.find('tool bar', 'Mask')
    window.key('Escape')
    window.gone('tool bar', 'Mask')
    window.quit()


@case
def keys_of_a_comparison(home, start):
    document = branches(home)
    window = start(document)
    window.wait_for_nodes(4)
    window.select('Make it snow')
    window.focus_tree()
    window.key('c')

    def on(words):
        """The image with the keyboard begins like that."""
        wait_until(lambda: window.focused().startswith(words), f'the keyboard on {words!r}')

    def pressed(button):
        return window.find(('push button', 'toggle button'), button).has(DOWN)

    on('B: Make it snow')
    press(window, 'Right')
    on('B: Make it night')
    press(window, 'Left')
    on('B: Make it snow')
    press(window, 's')
    on('B: coffee.png')
    press(window, 's')
    for key, button in (('p', 'Keep A'), ('l', 'Zoom and Move Together')):
        for state in (False, True):
            press(window, key)
            wait_until(lambda: pressed(button) == state, f'{button!r}: {state}')
    press(window, 't')
    window.gone('list', 'What differs')
    press(window, 't')
    window.find('list', 'What differs')
    window.key(*['plus'] * 8)
    shown = window.shot('reach-compare-zoomed')
    for key in ('Left', 'Right', 'Up', 'Down'):
        before = shown
        press(window, f'<Control>{key}')
        shown = window.shot(f'reach-compare-{key}')
        assert shown.read_bytes() != before.read_bytes(), key
    press(window, 'm')
    wait_until(lambda: pressed('Dividing Line'), 'the line')
    before = window.shot('reach-compare-line')
    press(window, 'bracketright')
    turned = window.shot('reach-compare-turned')
    press(window, 'bracketleft')
    assert before.read_bytes() != turned.read_bytes()
    press(window, 'm')
    on('B: Make it snow')
    press(window, 'space')  # let go at once: what holding it does is in test-compare.py
    on('B: Make it snow')
    press(window, 'Return')
    window.silent('comparing “')
    is_current(window, 'Make it snow')

    # One of four is taken out of the comparison, not out of the document.
    window.focus_tree()
    window.key('ctrl+a')
    window.key('c')
    window.find('image', lambda name: name.startswith('D: '))
    press(window, 'Delete')
    window.gone('image', lambda name: name.startswith('D: '))
    assert len(home.tree(document)) == 4
    window.quit()


@case
def keys_of_a_sweep(home, start):
    document = home.document(size='64x64')
    home.cli('sweep', document, '-p', 'Make it snow', '--axis', 'guidance=0,2.5', '--axis', 'seed=1..2',
             '--axis', 'steps=1,2')
    window = start(document)
    window.wait_for_nodes(2)
    window.node('Sweep').press()

    def on(words):
        wait_until(lambda: words in window.focused(), f'the keyboard on {words!r}')

    def to_cells():
        window.node('Sweep').press()
        on(', Seed ')

    def selected():
        return sum(cell.has(SELECTED) for cell in window.all('table cell'))

    on('Guidance 0, Seed 1, Steps 1')
    for key, page in (('Page_Down', 2), ('Page_Up', 1)):
        press(window, key)
        on(f'Guidance 0, Seed 1, Steps {page}')
    window.button('Next Page')
    window.text('Guidance 0, Seed 1, Steps 2')
    window.button('Previous Page')
    window.text('Guidance 0, Seed 1, Steps 1')
    to_cells()
    window.key('ctrl+Home')
    on('Guidance 0, Seed 1, Steps 1')
    for key, count in (('<Shift>space', 2), ('<Control>a', 4), ('<Control>space', 2), ('space', 1)):
        window.key('ctrl+Home')
        press(window, key)
        wait_until(lambda: selected() == count, f'{count} cells by {key}')
    before = window.all('table cell')[0].extents()
    press(window, 'minus')
    wait_until(lambda: window.all('table cell')[0].extents() != before, 'smaller cells')
    press(window, 'plus')
    window.key('ctrl+0')

    # One that is deleted is missing, and made again.
    window.key('ctrl+Home', 'Delete')
    wait_until(lambda: len(home.tree(document)) == 8, 'a cell less')
    window.menu('Run Cells', 'Fill Missing')
    wait_until(lambda: run_states(home, document) == ['done'] * 9, 'the cell')
    to_cells()
    window.key('ctrl+Home', 'Delete')
    wait_until(lambda: len(home.tree(document)) == 8, 'a cell less')
    window.open_menu('shift+F10', 'Run What Is Missing')
    window.choose('Run What Is Missing')
    wait_until(lambda: run_states(home, document) == ['done'] * 9, 'the cell again')
    window.menu('Filter', 'Only with a Picture')
    window.menu('Filter', 'Hide Rejected')
    window.menu('Filter', 'Show All')

    # Back to the image and to the cells; another sweep; what is rejected in the history.
    window.button('Back to the Image')
    window.silent('sweep: ')
    window.node('Sweep').press()
    window.text('sweep: ')
    to_cells()
    window.key('Return')
    window.silent('sweep: ')
    window.focus_image()
    press(window, 'g')
    window.text('sweep: ')
    window.key('Escape')
    press(window, '<Control>t')
    wait_until(lambda: window.focused().startswith(('Values of', 'Instruction of')), 'the page')
    window.key('ctrl+t')
    window.select('coffee')
    window.instruct('Add fog')
    window.wait_for_nodes(1, 'Add fog')
    window.focus_image()
    window.key('x')
    window.wait_for_nodes(1, 'rejected')
    window.select('coffee')
    for count in (2, 3):
        press(window, '<Control><Shift>h')
        window.wait_for_nodes(count)
    window.quit()


def defined_actions():
    """What src/app makes actions of: the names in its tables and its widgets' classes."""
    groups = {'esp-application.c': 'app', 'esp-downloads-watch.c': 'app', 'esp-window-actions.c': 'win',
              'esp-window-node-actions.c': 'node', 'esp-history-menu.c': 'history',
              'esp-sweep-grid-actions.c': 'sweep'}
    found = set()
    for path in sorted((SOURCE / 'src/app').rglob('*.c')):
        text = path.read_text()
        found |= set(re.findall(r'install_(?:property_)?action \(\w+, "([^"]+)"', text))
        for entries in re.findall(r'(?:entries|verbs)\[\]\s*= \{(.*?)\};', text, flags=re.S):
            assert path.name in groups, f'{path.name} has a table of actions: of which group?'
            found |= {f'{groups[path.name]}.{name}'
                      for name in re.findall(r'\{ (?:\.name = )?"([a-z-]+)"', entries)}
    assert len(found) > 80, found
    return found


@case
def every_shortcut_and_every_action(home, start):
    """Last: what the cases above pressed is what the table has."""
    rows = table()
    named = {re.sub(r'\(.*', '', name) for name, _ in rows if name}
    pressed = {re.sub(r'\(.*', '', name) for name, keys in rows if name and keys}
    reached = set(REACHED) | pressed
    actions = defined_actions() | named
    assert not actions - reached, f'reached by no case: {actions - reached}'
    assert not set(REACHED) - actions, f'no actions any more: {set(REACHED) - actions}'
    for action, place in REACHED.items():
        if place:
            file, name = place.split(': ')
            text = (SOURCE / f'tests/app/whole/test-{file}.py').read_text()
            assert f'@case\ndef {name}(' in text, f'{action}: {place} is no case'
    if len(sys.argv) > 1:
        raise Skip('only some of the cases ran')
    keys = {key for _, keys in rows for key in keys}
    assert keys == PRESSED, f'not pressed: {keys - PRESSED}; not in the table: {PRESSED - keys}'


if __name__ == '__main__':
    sys.exit(run())

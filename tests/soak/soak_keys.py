# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys, and the button that closes a window, from one connection to the X server, which takes a process of its own with xdotool: a person
presses them quickly, and a soak has thousands."""
import ctypes

X11 = ctypes.CDLL('libX11.so.6')
XTEST = ctypes.CDLL('libXtst.so.6')
HANDLER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
REVERT_TO_PARENT = 2

X11.XOpenDisplay.restype = ctypes.c_void_p
X11.XKeysymToKeycode.argtypes = [ctypes.c_void_p, ctypes.c_ulong]
X11.XKeysymToKeycode.restype = ctypes.c_ubyte
X11.XStringToKeysym.restype = ctypes.c_ulong
X11.XSetInputFocus.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_ulong]
X11.XGetInputFocus.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
X11.XSync.argtypes = [ctypes.c_void_p, ctypes.c_int]
XTEST.XTestFakeKeyEvent.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_ulong]

MODIFIERS = {'ctrl': b'Control_L', 'shift': b'Shift_L', 'alt': b'Alt_L'}


class ClientMessage(ctypes.Structure):
    """XClientMessageEvent, as large as an XEvent."""
    _fields_ = [('type', ctypes.c_int), ('serial', ctypes.c_ulong), ('send_event', ctypes.c_int), ('display', ctypes.c_void_p),
                ('window', ctypes.c_ulong), ('message_type', ctypes.c_ulong), ('format', ctypes.c_int),
                ('data', ctypes.c_long * 5), ('rest', ctypes.c_long * 12)]


CLIENT_MESSAGE = 33
X11.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
X11.XInternAtom.restype = ctypes.c_ulong
X11.XSendEvent.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]


@HANDLER
def _no_matter(display, error):
    """A window may have gone, or not have come yet: the key is lost, as a person's would be."""
    return 0


class Keys:
    def __init__(self):
        X11.XSetErrorHandler(_no_matter)
        self.display = X11.XOpenDisplay(None)
        assert self.display, 'there is no display'

    def focus(self, window):
        X11.XSetInputFocus(self.display, window, REVERT_TO_PARENT, 0)
        X11.XSync(self.display, 0)

    def focused(self):
        """The window that has the keyboard."""
        window, revert = ctypes.c_ulong(), ctypes.c_int()
        X11.XGetInputFocus(self.display, ctypes.byref(window), ctypes.byref(revert))
        return window.value

    def close(self, window):
        """As a window manager says it when its button is pressed: to this window, whoever has the keyboard."""
        event = ClientMessage(CLIENT_MESSAGE, window=window, format=32,
                              message_type=X11.XInternAtom(self.display, b'WM_PROTOCOLS', 0))
        event.data[0] = X11.XInternAtom(self.display, b'WM_DELETE_WINDOW', 0)
        X11.XSendEvent(self.display, window, 0, 0, ctypes.byref(event))
        X11.XSync(self.display, 0)

    def press(self, *chords):
        """"r", "ctrl+z", "Delete": names of X's key symbols, each on its key's first level."""
        for chord in chords:
            *held, name = chord.split('+')
            codes = [self._code(MODIFIERS[one]) for one in held] + [self._code(name.encode())]
            for code in codes:
                XTEST.XTestFakeKeyEvent(self.display, code, 1, 0)
            for code in reversed(codes):
                XTEST.XTestFakeKeyEvent(self.display, code, 0, 0)
        X11.XSync(self.display, 0)

    def _code(self, name):
        code = X11.XKeysymToKeycode(self.display, X11.XStringToKeysym(name))
        assert code, f'no key for {name.decode()}'
        return code

# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures for the fakes: what was sent is looked at, what is answered is painted. Standard library.

A result is a carpet of coloured blocks that follows from the picture that was sent, the seed and the
prompt, so that a test can tell whose result it has in its hands: see `carpet_row`.
"""
import hashlib
import os
import struct
import zlib

BLOCKS = 16    # colours across
BAND = 32      # rows of one pattern


class BadPicture(Exception):
    pass


# --- Looking --------------------------------------------------------------------------------------

class Looked:
    """What a picture is: format, size, and what should not have been in it."""

    def __init__(self, format_, width, height, alpha=False, extras=()):
        self.format, self.width, self.height = format_, width, height
        self.alpha, self.extras = alpha, list(extras)


def look(data):
    """Reads a picture as strictly as can be without decoding JPEG and WebP."""
    if data.startswith(b'\x89PNG\r\n\x1a\n'):
        return look_png(data)
    if data.startswith(b'\xff\xd8'):
        return look_jpeg(data)
    if data[:4] == b'RIFF' and data[8:12] == b'WEBP':
        return look_webp(data)
    raise BadPicture('neither PNG nor JPEG nor WebP')


def look_png(data):
    at, packed, header, extras, ended = 8, [], None, [], False
    while at < len(data):
        if at + 12 > len(data):
            raise BadPicture('a PNG that breaks off')
        length, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if data[at + 8 + length:at + 12 + length] != struct.pack('>I', zlib.crc32(kind + body)):
            raise BadPicture(f'a PNG with a damaged {kind!r}')
        if kind == b'IHDR':
            header = struct.unpack('>IIBBBBB', body)
        elif kind == b'IDAT':
            packed.append(body)
        elif kind == b'IEND':
            ended = True
        elif kind in (b'tEXt', b'zTXt', b'iTXt', b'eXIf', b'tIME', b'iCCP', b'tRNS'):
            extras.append(kind.decode())
        at += 12 + length
    if not header or not ended:
        raise BadPicture('a PNG without head or end')
    width, height, depth, color, _, _, interlaced = header
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    raw = zlib.decompress(b''.join(packed))
    if not interlaced and len(raw) != height * (1 + (width * channels * depth + 7) // 8):
        raise BadPicture('a PNG with the wrong amount of pixels')
    alpha = color in (4, 6) or 'tRNS' in extras
    return Looked('png', width, height, alpha, [name for name in extras if name != 'tRNS'])


def look_jpeg(data):
    at, size, extras = 2, None, []
    if not data.endswith(b'\xff\xd9'):
        raise BadPicture('a JPEG that breaks off')
    while at + 4 <= len(data):
        if data[at] != 0xff:
            raise BadPicture('a damaged JPEG')
        marker, length = data[at + 1], struct.unpack('>H', data[at + 2:at + 4])[0]
        body = data[at + 4:at + 2 + length]
        if 0xc0 <= marker <= 0xcf and marker not in (0xc4, 0xc8, 0xcc):
            size = struct.unpack('>HH', body[1:5])
        elif marker == 0xe1:
            extras.append('Exif' if body.startswith(b'Exif') else 'XMP')
        elif marker in (0xe2, 0xed, 0xfe):
            extras.append({0xe2: 'ICC', 0xed: 'IPTC', 0xfe: 'comment'}[marker])
        elif marker == 0xda:
            break
        at += 2 + length
    if not size:
        raise BadPicture('a JPEG without size')
    return Looked('jpeg', size[1], size[0], False, extras)


def look_webp(data):
    at, size, alpha, extras = 12, None, False, []
    while at + 8 <= len(data):
        kind, length = struct.unpack('<4sI', data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b'VP8 ' and size is None:
            size = tuple(value & 0x3fff for value in struct.unpack('<HH', body[6:10]))
        elif kind == b'VP8L':
            bits = struct.unpack('<I', body[1:5])[0]
            size, alpha = ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1), bool(bits >> 28 & 1)
        elif kind in (b'EXIF', b'XMP ', b'ICCP'):
            extras.append(kind.decode().strip())
        at += 8 + length + (length & 1)
    if not size:
        raise BadPicture('a WebP without a picture')
    return Looked('webp', *size, alpha, extras)


# --- Painting -------------------------------------------------------------------------------------

def mark(*parts):
    """What a result depends on, as 32 bytes."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else repr(part).encode())
        digest.update(b'\0')
    return digest.digest()


def carpet_colors(seal, band):
    noise = hashlib.shake_128(seal + bytes([band & 255])).digest(3 * BLOCKS)
    return [noise[3 * at:3 * at + 3] for at in range(BLOCKS)]


def carpet_row(seal, width, band=0):
    """One row of RGB. Row 0 of a result is carpet_row (seal, width)."""
    colors = carpet_colors(seal, band)
    edges = [width * at // BLOCKS for at in range(BLOCKS + 1)]
    return b''.join(colors[at] * (edges[at + 1] - edges[at]) for at in range(BLOCKS))


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def png_of_rows(width, height, rows):
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
            + chunk(b'IDAT', zlib.compress(rows, 1)) + chunk(b'IEND', b''))


def carpet_png(seal, width, height):
    pack, pieces = zlib.compressobj(1), []
    for band in range((height + BAND - 1) // BAND):
        rows = (b'\0' + carpet_row(seal, width, band)) * min(BAND, height - band * BAND)
        pieces.append(pack.compress(rows))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
            + chunk(b'IDAT', b''.join(pieces) + pack.flush()) + chunk(b'IEND', b''))


def heavier_png(data, weight):
    """The same picture with a chunk of noise that nobody looks at: as many bytes as a photo has."""
    return data[:-12] + chunk(b'noIs', os.urandom(weight)) + data[-12:]


def black_png(width, height):
    return png_of_rows(width, height, bytes((1 + 3 * width) * height))


def bomb_png(width=60000, height=60000):
    """A small file that says it is a very large picture."""
    return png_of_rows(width, height, bytes(1 << 20))


def first_row(data):
    """The first row of a PNG as RGB bytes, without decoding the rest."""
    at, packed = 8, []
    while at + 12 <= len(data):
        length, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b'IHDR':
            width, _, depth, color, _, _, interlaced = struct.unpack('>IIBBBBB', body)
            if depth != 8 or color not in (2, 6) or interlaced:
                raise BadPicture(f'a PNG of another kind: depth {depth}, colour type {color}')
        elif kind == b'IDAT':
            packed.append(body)
        at += 12 + length
    channels = 3 if color == 2 else 4
    row = bytearray(zlib.decompressobj().decompress(b''.join(packed), 1 + width * channels))
    how, row = row[0], row[1:]
    if how in (1, 4):  # Sub; Paeth is the same in the first row
        for index in range(channels, len(row)):
            row[index] = (row[index] + row[index - channels]) & 255
    elif how == 3:
        for index in range(channels, len(row)):
            row[index] = (row[index] + row[index - channels] // 2) & 255
    if channels == 4:
        row = bytearray(b''.join(bytes(row[at:at + 3]) for at in range(0, len(row), 4)))
    return bytes(row)


def carpet_jpeg(seal, width, height):
    """A baseline JPEG whose blocks of 8×8 are of one colour each: only DC coefficients."""
    def segment(marker, body):
        return b'\xff' + bytes([marker]) + struct.pack('>H', len(body) + 2) + body

    def bits_of(difference):
        size = abs(difference).bit_length()
        value = difference if difference > 0 else difference + (1 << size) - 1
        return f'{size:04b}' + (f'{value:0{size}b}' if size else '') + '0'

    words = {}
    columns, rows, stream, last = (width + 7) // 8, (height + 7) // 8, [], [0, 0, 0]
    for row in range(rows):
        line = carpet_row(seal, columns, row * 8 // BAND)
        for column in range(columns):
            red, green, blue = line[3 * column:3 * column + 3]
            levels = (round(0.299 * red + 0.587 * green + 0.114 * blue) - 128,
                      round(-0.1687 * red - 0.3313 * green + 0.5 * blue),
                      round(0.5 * red - 0.4187 * green - 0.0813 * blue))
            for part in range(3):
                difference = levels[part] - last[part]
                last[part] = levels[part]
                if difference not in words:
                    words[difference] = bits_of(difference)
                stream.append(words[difference])
    bits = ''.join(stream)
    bits += '1' * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8, 'big').replace(b'\xff', b'\xff\0')
    return (b'\xff\xd8' + segment(0xe0, b'JFIF\0\1\1\0\0\1\0\1\0\0')
            + segment(0xdb, b'\0' + bytes([8]) * 64)
            + segment(0xc0, struct.pack('>BHHB', 8, height, width, 3)
                      + bytes((1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0)))
            + segment(0xc4, b'\0' + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12)))
            + segment(0xc4, b'\x10' + bytes([1] + [0] * 15) + b'\0')
            + segment(0xda, bytes((3, 1, 0, 2, 0, 3, 0, 0, 63, 0))) + scan + b'\xff\xd9')


def carpet_webp(seal, width, height):
    """A lossless WebP of two colours: one bit a pixel."""
    bits = []

    def put(value, count):
        bits.append(''.join(str(value >> at & 1) for at in range(count)))

    put(width - 1, 14)
    put(height - 1, 14)
    put(0, 1 + 3)            # no alpha, version 0
    put(0, 3)                # no transform, no colour cache, one group of codes
    for symbols in ((seal[0] & 127, 128 | seal[1]), (seal[2],), (seal[3],), (255,), (0,)):
        put(1, 1)            # a simple code
        put(len(symbols) - 1, 1)
        put(1, 1)
        for symbol in symbols:
            put(symbol, 8)
    for row in range(height):
        line = carpet_row(seal, width, row // BAND)
        bits.append(''.join(str(line[3 * at] & 1) for at in range(width)))
    text = ''.join(bits)
    text += '0' * (-len(text) % 8)
    body = b'\x2f' + int(text[::-1], 2).to_bytes(len(text) // 8, 'little')
    body += b'\0' * (len(body) & 1)
    return (b'RIFF' + struct.pack('<I', 12 + len(body)) + b'WEBPVP8L' + struct.pack('<I', len(body))
            + body)


def carpet(format_, seal, width, height):
    return {'png': carpet_png, 'jpeg': carpet_jpeg, 'jpg': carpet_jpeg,
            'webp': carpet_webp}[format_](seal, width, height)


MEDIA = {'png': 'image/png', 'jpeg': 'image/jpeg', 'jpg': 'image/jpeg', 'webp': 'image/webp'}

# The sizes FLUX.1 Kontext was trained for.
KONTEXT = [(672, 1568), (688, 1504), (720, 1456), (752, 1392), (800, 1328), (832, 1248), (880, 1184),
           (944, 1104), (1024, 1024), (1104, 944), (1184, 880), (1248, 832), (1328, 800), (1392, 752),
           (1456, 720), (1504, 688), (1568, 672)]


def bucket(width, height):
    """The Kontext size whose shape is nearest."""
    return min(KONTEXT, key=lambda size: abs(size[0] / size[1] - width / height))


def photo_with_secrets(width, height):
    """A PNG with an alpha channel, a text, EXIF data and a time: none of it is for a provider."""
    rows = b''.join(b'\0' + bytes(value for x in range(width)
                                  for value in (x & 255, y & 255, (x * y) & 255, 128 + (x & 127)))
                    for y in range(height))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 6, 0, 0, 0))
            + chunk(b'tEXt', b'Comment\0my private words') + chunk(b'tIME', bytes((7, 234, 1, 2, 3, 4, 5)))
            + chunk(b'eXIf', b'MM\0*\0\0\0\x08\0\0\0\0\0\0') + chunk(b'IDAT', zlib.compress(rows, 1))
            + chunk(b'IEND', b''))

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes tests/data/images: small pictures of every kind that the loader knows, and what they should
look like once loaded, by Pillow (12 or later) and Little CMS or by plain arithmetic.

    python3 tools/reference/images.py tests/data/images

fixtures.txt, one file a line: name, expected picture, tolerance (largest difference of a sample),
orientation, bits, flags (a alpha, c converted, m more frames, w warning, - none).
"""
import io
import struct
import sys
import zlib
from pathlib import Path

from PIL import Image, ImageCms, ImageOps

OUT = Path(sys.argv[1])
W, H = 22, 14
lines = []
expected_names = {}


def expect(image):
    """Stores the expected picture once, returns its file name."""
    data = b"P6\n%d %d\n255\n" % image.size + image.convert("RGB").tobytes()
    if data not in expected_names:
        expected_names[data] = "expect-%02d.ppm" % len(expected_names)
        (OUT / expected_names[data]).write_bytes(data)
    return expected_names[data]


def fixture(name, data, image, tolerance=0, orientation=1, bits=8, flags="-"):
    (OUT / name).write_bytes(data)
    lines.append(f"{name} {expect(image)} {tolerance} {orientation} {bits} {flags}")


def save(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def reread(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def on_white(image):
    """Straight alpha on white, rounded exactly."""
    out = []
    for r, g, b, a in image.convert("RGBA").getdata():
        out.append(tuple((c * a + 255 * (255 - a) + 127) // 255 for c in (r, g, b)))
    result = Image.new("RGB", image.size)
    result.putdata(out)
    return result


def picture():
    image = Image.new("RGB", (W, H))
    image.putdata([((x * 12) % 256, (y * 18) % 256, (x * 7 + y * 11 + 40) % 256)
                   for y in range(H) for x in range(W)])
    return image


# ---- PNG by hand: what Pillow does not write

def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth, color, rows, interlace=0, before=b"", after=b""):
    raw = b"".join(b"\0" + row for row in rows)
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace))
            + before + chunk(b"IDAT", zlib.compress(raw, 9)) + after + chunk(b"IEND", b""))


def adam7(width, height, pixel):
    """Rows of the seven passes; pixel (x, y) gives bytes."""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                           (1, 0, 2, 2), (0, 1, 1, 2)):
        for y in range(y0, height, dy):
            row = b"".join(pixel(x, y) for x in range(x0, width, dx))
            if row:
                yield row


# ---- ICC profiles by hand

def s15(value):
    return struct.pack(">i", round(value * 65536))


def icc(space, tags, kind=b"mntr", pcs=b"XYZ ", padding=0):
    table, heap = b"", b""
    base = 128 + 4 + 12 * len(tags)
    for name, body in tags:
        body += b"\0" * (-len(body) % 4)
        table += name + struct.pack(">II", base + len(heap), len(body))
        heap += body
    size = base + len(heap) + padding
    header = struct.pack(">I4sI4s4s4s12s4s", size, b"\0" * 4, 0x02100000, kind, space, pcs,
                         struct.pack(">6H", 2000, 1, 1, 0, 0, 0), b"acsp")
    header = header.ljust(68, b"\0") + s15(0.9642) + s15(1) + s15(0.8249)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + heap + b"\0" * padding


def text_tags(name):
    text = name.encode() + b"\0"
    return [(b"desc", b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + b"\0" * 78),
            (b"cprt", b"text\0\0\0\0CC0\0")]


def xyz(values):
    return b"XYZ \0\0\0\0" + b"".join(s15(v) for v in values)


def gamma_curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def srgb_curve():
    def value(i):
        v = i / 1023
        return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
    return b"curv\0\0\0\0" + struct.pack(">I1024H", 1024, *[round(value(i) * 65535) for i in range(1024)])


def rgb_profile(name, columns, curve, padding=0):
    """`columns`: the D50-adapted XYZ of red, green and blue."""
    tags = text_tags(name) + [(b"wtpt", xyz((0.9642, 1, 0.8249)))]
    for channel, column in zip(b"rgb", columns):
        tags.append((bytes([channel]) + b"XYZ", xyz(column)))
    for channel in b"rgb":
        tags.append((bytes([channel]) + b"TRC", curve))
    return icc(b"RGB ", tags, padding=padding)


SRGB = ((0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7139))
P3 = ((0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1572, 0.0666, 0.7841))
ADOBE = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))


def grey_profile(gamma):
    return icc(b"GRAY", text_tags("Grey") + [(b"wtpt", xyz((0.9642, 1, 0.8249))),
                                             (b"kTRC", gamma_curve(gamma))])


def cmyk_profile():
    """lut8 with two grid points an ink: a made-up press with dark, slightly shifted inks."""
    def lab(c, m, y, k):
        light = 100 - 42 * c - 48 * m - 8 * y
        light = max(10.0, light) * (1 - 0.88 * k)
        a = (-32 * c + 70 * m - 4 * y) * (1 - 0.9 * k)
        b = (-45 * c - 4 * m + 85 * y) * (1 - 0.9 * k)
        clip = lambda v: max(0, min(255, round(v)))
        return bytes((clip(light * 2.55), clip(a + 128), clip(b + 128)))
    identity = bytes(range(256))
    grid = b"".join(lab(c, m, y, k) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1))
    lut = (b"mft1\0\0\0\0" + bytes((4, 3, 2, 0))
           + b"".join(s15(v) for v in (1, 0, 0, 0, 1, 0, 0, 0, 1)) + identity * 4 + grid + identity * 3)
    return icc(b"CMYK", text_tags("Made-up press") + [(b"wtpt", xyz((0.9642, 1, 0.8249))),
                                                      (b"A2B0", lut)], kind=b"prtr", pcs=b"Lab ")


def to_srgb(image, profile):
    return ImageCms.profileToProfile(
        image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION)


def exif(orientation, order="<"):
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return (b"Exif\0\0" + mark + struct.pack(order + "IHHHIHHI", 8, 1, 0x112, 3, 1, orientation, 0, 0))


def orientations(rgb):
    for n in range(1, 9):
        data = save(rgb, "JPEG", quality=90, subsampling=0, exif=exif(n, "<>"[n % 2]))
        fixture(f"orient-{n}.jpg", data, ImageOps.exif_transpose(Image.open(io.BytesIO(data))), 1, n)
        tiff = save(rgb, "TIFF", compression="tiff_lzw", tiffinfo={274: n})
        # Pillow's own transposition on the lossless pixels
        carrier = Image.open(io.BytesIO(save(rgb, "PNG", exif=exif(n))))
        turned = ImageOps.exif_transpose(carrier)
        fixture(f"orient-{n}.tif", tiff, turned, 0, n)
    body = exif(6)[6:]
    rows = [rgb.crop((0, y, W, y + 1)).tobytes() for y in range(H)]
    turned = rgb.transpose(Image.Transpose.ROTATE_270)
    fixture("exif-first.png", png(W, H, 8, 2, rows, before=chunk(b"eXIf", body)), turned, 0, 6)
    fixture("exif-last.png", png(W, H, 8, 2, rows, after=chunk(b"eXIf", body)), turned, 0, 6)
    fixture("exif.webp", save(rgb, "WEBP", lossless=True, exif=exif(8, ">")),
            rgb.transpose(Image.Transpose.ROTATE_90), 0, 8)
    fixture("exif-broken.jpg", save(rgb, "JPEG", quality=90, exif=exif(9)),
            reread(save(rgb, "JPEG", quality=90)), 1, 1)


def profiles(rgb, grey):
    p3 = rgb_profile("Display P3", P3, srgb_curve())
    wide = rgb_profile("Wide", ADOBE, gamma_curve(2.19921875))
    swapped = rgb_profile("Swapped", (SRGB[1], SRGB[0], SRGB[2]), srgb_curve())
    same = rgb_profile("Like sRGB", SRGB, srgb_curve())
    in_p3, in_wide = to_srgb(rgb, p3), to_srgb(rgb, wide)
    r, g, b = rgb.split()
    fixture("icc-p3.png", save(rgb, "PNG", icc_profile=p3), in_p3, 1, flags="c")
    fixture("icc-wide.png", save(rgb, "PNG", icc_profile=wide), in_wide, 1, flags="c")
    fixture("icc-swapped.png", save(rgb, "PNG", icc_profile=swapped), Image.merge("RGB", (g, r, b)), 2,
            flags="c")
    fixture("icc-same.png", save(rgb, "PNG", icc_profile=same), rgb)
    fixture("icc-wide.webp", save(rgb, "WEBP", lossless=True, icc_profile=wide), in_wide, 1, flags="c")
    fixture("icc-wide.tif", save(rgb, "TIFF", icc_profile=wide), in_wide, 1, flags="c")
    large = rgb_profile("Large", ADOBE, gamma_curve(2.19921875), padding=70000)
    data = save(rgb, "JPEG", quality=90, subsampling=0, icc_profile=large)
    fixture("icc-large.jpg", data, to_srgb(reread(data), wide), 2, flags="c")
    rgba = rgb.copy()
    rgba.putalpha(Image.linear_gradient("L").resize((W, H)))
    converted = in_wide.copy()
    converted.putalpha(rgba.getchannel("A"))
    fixture("icc-wide-alpha.png", save(rgba, "PNG", icc_profile=wide), on_white(converted), 1,
            flags="ac")
    sixteen = [b"".join(struct.pack(">3H", *(c * 257 for c in rgb.getpixel((x, y)))) for x in range(W))
               for y in range(H)]
    iccp = chunk(b"iCCP", b"wide\0\0" + zlib.compress(wide))
    fixture("icc-wide-16.png", png(W, H, 16, 2, sixteen, before=iccp), in_wide, 2, bits=16, flags="c")
    linear = grey_profile(1.0)
    light = to_srgb(grey, linear)
    fixture("icc-grey.png", save(grey, "PNG", icc_profile=linear), light, 1, flags="c")
    data = save(grey, "JPEG", quality=90, icc_profile=linear)
    fixture("icc-grey.jpg", data, to_srgb(Image.open(io.BytesIO(data)), linear), 2, flags="c")
    fixture("icc-grey.tif", save(grey, "TIFF", icc_profile=linear), light, 1, flags="c")
    # grey with a profile for RGB, and garbage: ignored, with a note
    fixture("icc-mismatch.png", save(grey, "PNG", icc_profile=wide), grey, flags="w")
    data = save(grey, "JPEG", quality=90, icc_profile=wide)
    fixture("icc-mismatch.jpg", data, reread(data), 1, flags="w")
    fixture("icc-broken.png", save(rgb, "PNG", icc_profile=wide[:200] + b"x" * 40), rgb, flags="w")
    data = save(rgb, "JPEG", quality=90, icc_profile=wide[:150])
    fixture("icc-broken.jpg", data, reread(data), 1, flags="w")
    fixture("icc-broken.tif", save(rgb, "TIFF", icc_profile=b"no profile"), rgb, flags="w")


def cmyk(rgb):
    inks = Image.merge("CMYK", (*rgb.split(), Image.linear_gradient("L").resize((W, H))))
    data = save(inks, "JPEG", quality=95)
    fixture("cmyk.jpg", data, reread(data), 1)
    press = cmyk_profile()
    data = save(inks, "JPEG", quality=95, icc_profile=press)
    fixture("icc-cmyk.jpg", data, to_srgb(Image.open(io.BytesIO(data)), press), 2, flags="c")
    fixture("cmyk.tif", save(inks, "TIFF", compression="tiff_lzw"), inks, 1)
    fixture("icc-cmyk.tif", save(inks, "TIFF", icc_profile=press), to_srgb(inks, press), 2, flags="c")


def png_kinds(rgb, grey):
    alpha = Image.linear_gradient("L").resize((W, H))
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    fixture("rgb.png", save(rgb, "PNG"), rgb)
    fixture("rgba.png", save(rgba, "PNG"), on_white(rgba), flags="a")
    fixture("grey.png", save(grey, "PNG"), grey)
    la = Image.merge("LA", (grey, alpha))
    fixture("grey-alpha.png", save(la, "PNG"), on_white(la), flags="a")
    for depth in (1, 2, 4):
        levels = (1 << depth) - 1
        rows, flat = [], []
        for y in range(H):
            values = [(x * y + x) % (levels + 1) for x in range(W)]
            flat += [v * 255 // levels for v in values]
            word = "".join(format(v, f"0{depth}b") for v in values)
            word += "0" * (-len(word) % 8)
            rows.append(bytes(int(word[i:i + 8], 2) for i in range(0, len(word), 8)))
        image = Image.new("L", (W, H))
        image.putdata(flat)
        fixture(f"grey-{depth}.png", png(W, H, depth, 0, rows), image)
    palette = rgb.quantize(16)
    fixture("palette.png", save(palette, "PNG"), palette.convert("RGB"))
    table = palette.convert("RGBA")
    trns = bytes((i * 37) % 256 for i in range(16))
    table.putdata([(*p[:3], trns[i]) for p, i in zip(table.getdata(), palette.getdata())])
    fixture("palette-trns.png", save(palette, "PNG", transparency=trns), on_white(table), flags="a")
    key = rgb.getpixel((3, 3))
    keyed = rgb.convert("RGBA")
    keyed.putdata([(*p[:3], 0 if p[:3] == key else 255) for p in keyed.getdata()])
    fixture("rgb-trns.png", save(rgb, "PNG", transparency=key), on_white(keyed), flags="a")
    sixteen_bits(rgb)
    pixel = lambda x, y: bytes(rgb.getpixel((x, y)))
    fixture("interlaced.png", png(W, H, 8, 2, adam7(W, H, pixel), 1), rgb)
    wide = lambda x, y: struct.pack(">3H", *(c * 257 for c in rgb.getpixel((x, y))))
    fixture("interlaced-16.png", png(W, H, 16, 2, adam7(W, H, wide), 1), rgb, bits=16)
    rows = [rgb.crop((0, y, W, y + 1)).tobytes() for y in range(H)]
    gama = lambda value: chunk(b"gAMA", struct.pack(">I", value))
    fixture("gamma-usual.png", png(W, H, 8, 2, rows, before=gama(45455)), rgb)
    fixture("gamma-odd.png", png(W, H, 8, 2, rows, before=gama(100000)), rgb, flags="w")


def sixteen_bits(rgb):
    rows, alpha_rows, grey_rows = [], [], []
    flat, alpha_flat, grey_flat = [], [], []
    down = lambda v: (v * 255 + 32767) // 65535
    for y in range(H):
        row, alpha_row, grey_row = b"", b"", b""
        for x in range(W):
            values = [(c * 257 + x * 13 + y * 7) % 65536 for c in rgb.getpixel((x, y))]
            a = (x * 3001 + y * 511) % 65536
            row += struct.pack(">3H", *values)
            alpha_row += struct.pack(">4H", *values, a)
            grey_row += struct.pack(">H", values[0])
            flat.append(tuple(down(v) for v in values))
            grey_flat.append(down(values[0]))
            alpha_flat.append(tuple(round((v * a + 65535 * (65535 - a)) / 65535 / 257) for v in values))
        rows.append(row)
        alpha_rows.append(alpha_row)
        grey_rows.append(grey_row)
    for name, color, data, pixels, mode, flags in (
            ("rgb-16.png", 2, rows, flat, "RGB", "-"), ("rgba-16.png", 6, alpha_rows, alpha_flat, "RGB", "a"),
            ("grey-16.png", 0, grey_rows, grey_flat, "L", "-")):
        image = Image.new(mode, (W, H))
        image.putdata(pixels)
        fixture(name, png(W, H, 16, color, data), image, 0 if flags == "-" else 1, bits=16, flags=flags)
    image = Image.new("I;16", (W, H))
    image.putdata([struct.unpack(">H", r[2 * x:2 * x + 2])[0] for r in grey_rows for x in range(W)])
    expected = Image.new("L", (W, H))
    expected.putdata(grey_flat)
    fixture("grey-16.tif", save(image, "TIFF"), expected, 1, bits=16)


def others(rgb, grey):
    alpha = Image.linear_gradient("L").resize((W, H))
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    for name, options in (("plain", {}), ("420", {"subsampling": 2}), ("progressive", {"progressive": True}),
                          ("rgb", {"keep_rgb": True})):
        data = save(rgb, "JPEG", quality=85, **options)
        fixture(f"{name}.jpg", data, reread(data), 1)
    data = save(grey, "JPEG", quality=85)
    fixture("grey.jpg", data, reread(data), 1)

    gif = rgb.quantize(32)
    fixture("still.gif", save(gif, "GIF"), gif.convert("RGB"))
    fixture("animated.gif", save(gif, "GIF", save_all=True,
                                 append_images=[gif.transpose(Image.Transpose.ROTATE_180)] * 2,
                                 duration=50, loop=0), gif.convert("RGB"), flags="m")
    data = save(gif, "GIF", transparency=3, interlace=1)
    fixture("transparent.gif", data, on_white(Image.open(io.BytesIO(data)).convert("RGBA")), flags="a")

    state, pixels = 1, []
    for _ in range(90 * 60):  # more codes than the table holds
        state = (state * 1664525 + 1013904223) % 2**32
        pixels.append(state >> 24)
    noise = Image.new("P", (90, 60))
    noise.putpalette([c for i in range(256) for c in (i, 255 - i, i * 7 % 256)])
    noise.putdata(pixels)
    fixture("noise.gif", save(noise, "GIF", interlace=0), noise.convert("RGB"))

    for name, compression in (("raw", None), ("lzw", "tiff_lzw"), ("deflate", "tiff_adobe_deflate"),
                              ("packbits", "packbits")):
        fixture(f"{name}.tif", save(rgb, "TIFF", compression=compression), rgb)
    fixture("palette.tif", save(gif, "TIFF"), gif.convert("RGB"))
    bits = grey.convert("1")
    fixture("group4.tif", save(bits, "TIFF", compression="group4"), bits, bits=1)
    fixture("grey.tif", save(grey, "TIFF"), grey)
    fixture("rgba.tif", save(rgba, "TIFF", compression="tiff_lzw"), on_white(rgba), 2, flags="a")

    data = save(rgb, "WEBP", quality=80)
    fixture("lossy.webp", data, reread(data), 1)
    fixture("lossless.webp", save(rgb, "WEBP", lossless=True), rgb)
    fixture("alpha.webp", save(rgba, "WEBP", lossless=True, exact=True), on_white(rgba), flags="a")
    data = save(rgba, "WEBP", quality=80)
    fixture("alpha-lossy.webp", data, on_white(Image.open(io.BytesIO(data))), 1, flags="a")
    fixture("animated.webp", save(rgb, "WEBP", lossless=True, save_all=True, append_images=[
        rgb.transpose(Image.Transpose.ROTATE_180)], duration=50), rgb, flags="m")
    fixture("rgb.bmp", save(rgb, "BMP"), rgb)
    fixture("rgb.ppm", save(rgb, "PPM"), rgb)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    rgb = picture()
    grey = rgb.convert("L")
    orientations(rgb)
    profiles(rgb, grey)
    cmyk(rgb)
    png_kinds(rgb, grey)
    others(rgb, grey)
    # A picture for which most systems have no loader; never decoded here.
    (OUT / "no-loader.avif").write_bytes(save(rgb, "AVIF", quality=60))
    (OUT / "fixtures.txt").write_text("\n".join(lines) + "\n")
    print(len(lines), "fixtures,", sum(p.stat().st_size for p in OUT.iterdir()), "bytes")


main()

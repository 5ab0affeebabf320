# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits whose truth is known: a photo, a local edit of it, and the "result" of a model that moves, scales,
tints, blurs and recompresses the whole picture besides. Needs numpy, scipy, Pillow and scikit-image, whose
photos are taken beside the project's own.

    for index in range(200):
        case = drift_cases.make(index)    # the same for the same index, everywhere

Other photos and kinds of edits than these are what it is tested for; so no constant of the program
may be chosen for one of them.
"""

import dataclasses
import io
import os
import pathlib
import subprocess

import numpy
import skimage
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

ROOT = pathlib.Path(__file__).resolve().parents[2]
OVERSAMPLING = 4  # of drawn shapes

PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "retina.jpg",
          "ihc.png", "hubble_deep_field.jpg", "brick.png", "grass.png", "gravel.png", "coins.png", "camera.png",
          "moon.png", "page.png", "cell.png")
EDITS = ("disc", "line", "text", "recolour", "shadow", "remove", "faint", "hairline", "texture", "desaturate")


@dataclasses.dataclass
class Case:
    index: int
    photo: str
    edit: str
    source: numpy.ndarray   # height × width × 3, uint8
    edited: numpy.ndarray   # the same with the edit and nothing else, float32
    result: numpy.ndarray   # what a model gave, uint8, perhaps of another size
    shift: tuple            # px of the source at the centre; the result's content lies further right, down
    scale: float
    gain: numpy.ndarray
    offset: numpy.ndarray
    noise: float
    codec: str              # "", "JPEG 83", …

    @property
    def difference(self):
        """The largest difference of a channel that the edit made, by pixel: float32 levels."""
        return numpy.abs(self.edited - self.source).max(-1)


def photo_paths():
    """The photos that are here: name → path."""
    folders = [pathlib.Path(skimage.__file__).parent / "data", ROOT / "data" / "photos"]
    names = list(PHOTOS) + ["cat.png"]
    return {name: folder / name for name in names for folder in reversed(folders) if (folder / name).is_file()}


def load_photo(path, longest):
    image = Image.open(path).convert("RGB")
    if max(image.size) > longest:
        ratio = longest / max(image.size)
        image = image.resize((round(image.width * ratio), round(image.height * ratio)), Image.LANCZOS)
    return numpy.asarray(image).astype(numpy.float32)


# --- Local edits ----------------------------------------------------------------------------------

def find_font(size):
    try:
        path = subprocess.run(["fc-match", "-f", "%{file}", "sans:bold"], capture_output=True, text=True,
                              check=True).stdout
        return ImageFont.truetype(path, size)
    except (OSError, subprocess.CalledProcessError):
        return ImageFont.load_default()


def drawn(shape, draw, blur=0.0):
    """The coverage 0…1 of what `draw` paints on an oversampled canvas."""
    height, width = shape
    image = Image.new("L", (width * OVERSAMPLING, height * OVERSAMPLING), 0)
    draw(ImageDraw.Draw(image))
    cover = numpy.asarray(image.resize((width, height), Image.BOX)).astype(numpy.float32) / 255
    return ndimage.gaussian_filter(cover, blur) if blur else cover


def ellipse(shape, x, y, radius_x, radius_y, blur=0.0):
    box = [value * OVERSAMPLING for value in (x - radius_x, y - radius_y, x + radius_x, y + radius_y)]
    return drawn(shape, lambda draw: draw.ellipse(box, fill=255), blur)


def line(shape, rng, width):
    height, breadth = shape
    ends = [rng.uniform(0.1, 0.9) * side * OVERSAMPLING for side in (breadth, height, breadth, height)]
    return drawn(shape, lambda draw: draw.line(ends, fill=255, width=round(width * OVERSAMPLING)))


def contrasting(picture, cover, rng):
    """A colour that differs from what is under the shape, in luma, by at least 40 levels."""
    under = (picture * cover[..., None]).sum((0, 1)) / max(cover.sum(), 1e-6)
    for _ in range(50):
        colour = rng.uniform(0, 255, 3)
        if abs((colour - under) @ (0.299, 0.587, 0.114)) > 40:
            return colour
    return numpy.full(3, 0.0 if under.mean() > 127 else 255.0)


def over(picture, layer, cover):
    return picture * (1 - cover[..., None]) + layer * cover[..., None]


def apply_edit(picture, kind, rng):
    height, width = shape = picture.shape[:2]
    x, y = rng.uniform(0.25, 0.75) * width, rng.uniform(0.25, 0.75) * height
    radius = rng.uniform(0.06, 0.16) * min(shape)
    if kind == "disc":
        cover = ellipse(shape, x, y, radius, radius)
        return over(picture, contrasting(picture, cover, rng), cover)
    if kind in ("line", "hairline"):
        cover = line(shape, rng, 3 if kind == "line" else 1.5)
        return over(picture, contrasting(picture, cover, rng), cover)
    if kind == "text":
        font = find_font(round(rng.uniform(18, 48)) * OVERSAMPLING)
        place = (width * OVERSAMPLING * 0.2, y * OVERSAMPLING)
        cover = drawn(shape, lambda draw: draw.text(place, "Espalier 27", fill=255, font=font))
        return over(picture, contrasting(picture, cover, rng), cover)
    if kind == "recolour":
        cover = ellipse(shape, x, y, 1.6 * radius, radius, 1.0)
        return over(picture, picture[..., [2, 0, 1]] * rng.uniform(0.7, 1.1, 3) + rng.uniform(-25, 25, 3), cover)
    if kind == "shadow":
        cover = ellipse(shape, x, y, 2 * radius, 0.8 * radius, radius * 0.25)
        return picture * (1 - 0.28 * cover[..., None])
    if kind == "remove":
        cover = ellipse(shape, x, y, radius, radius, 2.0)
        blurred = numpy.stack([ndimage.gaussian_filter(picture[..., c], radius * 0.5) for c in range(3)], -1)
        return over(picture, blurred, cover)
    if kind == "faint":
        box = [value * OVERSAMPLING for value in (x - radius, y - radius, x + radius, y + radius)]
        cover = drawn(shape, lambda draw: draw.rectangle(box, fill=255))
        return picture + cover[..., None] * rng.choice([-12, 12])
    if kind == "texture":
        cover = ellipse(shape, x, y, 1.4 * radius, radius, 1.0)
        stripes = 60 * numpy.sin(numpy.arange(width) / rng.uniform(1.5, 5))[None, :, None]
        return over(picture, numpy.full(3, rng.uniform(60, 190)) + stripes, cover)
    if kind == "desaturate":
        cover = ellipse(shape, x, y, 1.6 * radius, radius, 1.0)
        grey = (picture @ numpy.array([0.299, 0.587, 0.114]))[..., None] * rng.uniform(0.7, 0.85)
        return over(picture, grey, cover)
    if kind == "none":
        return picture.copy()
    raise ValueError(kind)


# --- What models do besides -----------------------------------------------------------------------

def warp(picture, shift, scale, size=None):
    """The content moved by `shift` at the centre and scaled, as a picture of `size` (width, height)."""
    height, width = picture.shape[:2]
    out_width, out_height = size or (width, height)
    y, x = numpy.mgrid[:out_height, :out_width].astype(numpy.float64)
    x = (x + 0.5) * width / out_width - 0.5
    y = (y + 0.5) * height / out_height - 0.5
    x = (x - (width - 1) / 2 - shift[0]) / scale + (width - 1) / 2
    y = (y - (height - 1) / 2 - shift[1]) / scale + (height - 1) / 2
    if out_width < width:
        picture = numpy.stack([ndimage.gaussian_filter(picture[..., c], 0.5 * (width / out_width - 1))
                               for c in range(3)], -1)
    return numpy.stack([ndimage.map_coordinates(picture[..., c], [y, x], order=3, mode="reflect")
                        for c in range(3)], -1)


def degrade(picture, rng, gain, offset, noise, codec, quality):
    picture = picture * gain + offset
    if noise:
        picture = picture + rng.normal(0, noise, picture.shape)
    image = Image.fromarray(numpy.clip(numpy.round(picture), 0, 255).astype(numpy.uint8))
    if codec:
        data = io.BytesIO()
        image.save(data, codec, quality=quality)
        image = Image.open(io.BytesIO(data.getvalue())).convert("RGB")
    return numpy.asarray(image)


def make(index, longest=768):
    """Case number `index`; photos and edits take turns, everything else is drawn from its number."""
    rng = numpy.random.default_rng(index)
    paths = photo_paths()
    names = list(paths)
    name = names[index % len(names)]
    kind = EDITS[(index // len(names) + index) % len(EDITS)]
    source = load_photo(paths[name], longest)
    edited = numpy.clip(apply_edit(source, kind, rng), 0, 255).astype(numpy.float32)
    shift, scale, size = tuple(rng.uniform(-6, 6, 2)), rng.uniform(0.99, 1.01), None
    if rng.random() < 0.15:
        shift, scale = (0.0, 0.0), 1.0
    if rng.random() < 0.3:
        ratio = rng.uniform(0.6, 1.3)
        size = tuple(round(side * ratio / 16) * 16 for side in (source.shape[1], source.shape[0]))
    codec, quality = [("", 0), ("JPEG", int(rng.integers(75, 96))), ("WEBP", int(rng.integers(75, 96)))][rng.integers(3)]
    gain = rng.uniform(0.96, 1.04) * (1 + rng.uniform(-0.01, 0.01, 3))
    offset, noise = rng.uniform(-5, 5, 3), float(rng.uniform(0, 3))
    result = degrade(warp(edited, shift, scale, size), rng, gain, offset, noise, codec, quality)
    return Case(index, name, kind, source.astype(numpy.uint8), edited, result, shift, scale, gain, offset, noise,
                f"{codec} {quality}" if codec else "")


def save(case, folder):
    """source.png and result.png in `folder`, for the program."""
    os.makedirs(folder, exist_ok=True)
    paths = [os.path.join(folder, name) for name in ("source.png", "result.png")]
    for path, picture in zip(paths, (case.source, case.result)):
        Image.fromarray(picture).save(path, compress_level=1)
    return paths

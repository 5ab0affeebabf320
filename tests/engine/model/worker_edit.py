# SPDX-License-Identifier: MIT
"""One edit straight through the worker process: what espalier-cli does, without its libraries.

Only the standard library: PNG files are unpacked here, because the worker takes PPM.
"""

import argparse
import json
import pathlib
import struct
import subprocess
import zlib


def unfilter(kind, line, above):
    """Undoes one PNG row filter (PNG specification, section 9) in place; 3 bytes a pixel."""
    for i, value in enumerate(line):
        left = line[i - 3] if i >= 3 else 0
        up, corner = above[i], above[i - 3] if i >= 3 else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        elif kind == 4:
            base = left + up - corner
            near = (abs(base - left), abs(base - up), abs(base - corner))
            guess = left if near[0] <= near[1] and near[0] <= near[2] else up if near[1] <= near[2] else corner
        else:
            return
        line[i] = (value + guess) & 255


def png_to_ppm(path, target):
    """Only what the test pictures are: 8-bit RGB, not interlaced."""
    data, offset, packed = pathlib.Path(path).read_bytes(), 8, b""
    while offset < len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        body = data[offset + 8:offset + 8 + length]
        offset += length + 12
        if kind == b"IHDR":
            width, height, *layout = struct.unpack(">IIBBBBB", body)
            assert layout == [8, 2, 0, 0, 0], f"{path}: not 8-bit RGB without interlacing"
        elif kind == b"IDAT":
            packed += body
    raw, rows, above = zlib.decompress(packed), [], bytes(3 * width)
    for y in range(height):
        start = y * (3 * width + 1)
        line = bytearray(raw[start + 1:start + 1 + 3 * width])
        unfilter(raw[start], line, above)
        rows.append(line)
        above = line
    target.write_bytes(b"P6\n%d %d\n255\n" % (width, height) + b"".join(rows))


def request_of(arguments, scratch):
    """The worker's edit request for the arguments of `espalier-cli edit`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("images", nargs="+")
    parser.add_argument("-p", dest="prompt", required=True)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--true-cfg", type=float)
    parser.add_argument("--vram", type=float)
    for name in ("--size", "--negative-prompt", "--multi-ref", "--noise", "--model", "--dtype", "--device", "--dump"):
        parser.add_argument(name)
    parser.add_argument("--carry")
    parser.add_argument("--carry-tokens")
    parser.add_argument("--carry-size")
    parser.add_argument("--lora", action="append")
    parser.add_argument("--component", action="append")
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    for number, image in enumerate(given["images"]):
        target = scratch / f"in-{number}.ppm"
        png_to_ppm(image, target)
        given["images"][number] = str(target)
    for lora in given.pop("lora", []):
        path, _, strength = lora.rpartition(":")
        given.setdefault("loras", []).append({"path": path, "strength": float(strength)})
    if "carry" in given:
        width, height = map(int, given.pop("carry_size").split("x"))
        given["carry"] = {"latents": given["carry"], "tokens": given.pop("carry_tokens"), "width": width,
                          "height": height}
    if "component" in given:
        given["components"] = dict(text.split("=", 1) for text in given.pop("component"))
    return {"id": 1, "type": "edit", **given}


def edit(engine, arguments, scratch, notice=None):
    """Returns (worked, text for people). Going another way than asked for is not working, but with words of `notice`."""
    with subprocess.Popen([engine], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdin.write(json.dumps(request_of(arguments, scratch)) + "\n")
        process.stdin.flush()
        last = {}
        for line in process.stdout:
            last = json.loads(line)
            if last.get("type") in ("result", "error"):
                break
        process.stdin.close()
        status = process.wait()
    if last.get("type") != "result":
        return False, last.get("message") or f"no answer, exit status {status}"
    if (notice or "") not in last.get("notice", "") or (last.get("notice") and not notice):
        return False, last.get("notice", f"no notice of {notice}")
    return status == 0, f"exit status {status}"

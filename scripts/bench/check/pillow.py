#!/usr/bin/python3
"""The checks of headers that a studio writes in Python: one loop over the images of a folder.

    /usr/bin/python3 scripts/bench/check/pillow.py FOLDER [--list]

Size budget by folder, power of two, alpha, colour space of normal maps, name. Pillow reads no
more than the header until pixels are asked for, and none are. Prints how many images and
findings there are and how long the loop took, imports not counted.
"""
import fnmatch
import os
import re
import sys
import time

from PIL import Image

BUDGETS = [("*/Assets/UI/*", 1024), ("*", 2048)]
IMAGES = {".png", ".tga", ".jpg", ".dds"}
NAME = re.compile(r"^T_\w+_(D|N|M|R|E|AO)$")


def budget(path):
    for pattern, pixels in BUDGETS:
        if fnmatch.fnmatch(path, pattern):
            return pixels


def is_power_of_two(n):
    return n & (n - 1) == 0


def tagged_srgb(image):
    return "srgb" in image.info or "icc_profile" in image.info


def check(path):
    stem = os.path.splitext(os.path.basename(path))[0]
    try:
        with Image.open(path) as image:
            width, height = image.size
            most = budget(path)
            if max(width, height) > most:
                yield "size", "%d x %d is more than %d" % (width, height, most)
            if not (is_power_of_two(width) and is_power_of_two(height)):
                if "/Assets/UI/" not in path:
                    yield "power-of-two", "%d x %d" % (width, height)
            alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
            if stem.endswith("_N"):
                if tagged_srgb(image):
                    yield "normal-map", "it is sRGB"
                if alpha and image.format == "PNG":
                    yield "normal-alpha", "it has an alpha channel"
            if not NAME.match(stem):
                yield "name", stem
    except Exception as problem:  # whatever Pillow raises for a broken file
        yield "broken", str(problem)


def walk(folder):
    for parent, folders, names in os.walk(folder):
        for name in names:
            if os.path.splitext(name)[1].lower() in IMAGES:
                yield os.path.join(parent, name)


def main():
    folder, listed = sys.argv[1], "--list" in sys.argv
    started = time.perf_counter()
    images, findings = 0, {}
    for path in walk(folder):
        images += 1
        for rule, message in check(path):
            findings[rule] = findings.get(rule, 0) + 1
            if listed:
                print("%s: %s: %s" % (path, rule, message))
    elapsed = time.perf_counter() - started
    print("answer %d %d" % (images, sum(findings.values())))
    print("findings " + " ".join("%s=%d" % one for one in sorted(findings.items())))
    print("elapsed %.6f" % elapsed)


if __name__ == "__main__":
    main()

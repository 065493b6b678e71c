"""Archives as no tool makes them: python3 hostile_archives.py FOLDER

Each is NAME.zip or NAME.tar; index.json says for each what must become of it: the
`reason` of the refusal and a part of the sentence, or the files that are left.
"""
import io, json, os, struct, sys, tarfile, warnings, zipfile, zlib

warnings.simplefilter("ignore")
folder = sys.argv[1]
index = []


def expect(name, reason=None, words=None, files=None):
    index.append({"file": name, "reason": reason, "words": words, "files": files})


def raw_zip(entries, encrypted=False):
    """Byte by byte: (name, data, mode or None, system), one after the other."""
    out, directory = b"", b""
    for name, data, mode, system in entries:
        crc, size, flags = zlib.crc32(data), len(data), 1 if encrypted else 0
        attributes = (mode or 0) << 16
        common = struct.pack("<HHHHHIIIHH", 20, flags, 0, 0, 0x21, crc, size, size,
                             len(name), 0)
        directory += (b"PK\1\2" + struct.pack("<BB", 20, system) + common
                      + struct.pack("<HHHII", 0, 0, 0, attributes, len(out)) + name)
        out += b"PK\3\4" + common + name + data
    count = len(entries)
    return out + directory + b"PK\5\6" + struct.pack(
        "<HHHHIIH", 0, 0, count, count, len(directory), len(out), 0)


def put(name, data):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def tar_of(name, *members, **expected):
    """members: (name, data or None, fields of the TarInfo)."""
    with tarfile.open(os.path.join(folder, name + ".tar"), "w") as tar:
        for path, data, fields in members:
            info = tarfile.TarInfo(path)
            for key, value in fields.items():
                setattr(info, key, value)
            if data is not None:
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data) if data is not None else None)
    expect(name + ".tar", **expected)


LINK, HARD = {"type": tarfile.SYMTYPE}, {"type": tarfile.LNKTYPE}
EVIL = b"evil"


def link(to):
    return dict(LINK, linkname=to)


def hard(to):
    return dict(HARD, linkname=to)


unsafe = {"reason": "unsafe"}

# Names that leave the folder.
for kind, name in {
    "up": "../evil", "deep_up": "a/b/../../../evil", "up_only": "..", "up_end": "a/..",
    "absolute": "/tmp/orch-hostile-evil", "slashes": "//evil", "dot_up": "./../evil",
    "drive": "C:/evil", "drive_relative": "c:evil", "backslash": "..\\evil",
    "backslash_root": "\\evil", "backslash_inside": "a\\..\\..\\evil", "up_folder": "../evil/",
}.items():
    data = b"" if name.endswith("/") else EVIL
    put("zip_" + kind + ".zip", raw_zip([(b"good.txt", b"good", 0o100644, 3),
                                         (name.encode(), data, 0o100644, 3)]))
    expect("zip_" + kind + ".zip", reason="unsafe")
    tar_of("tar_" + kind, ("good.txt", b"good", {}), (name, EVIL, {}), **unsafe)
# libarchive reads a backslash as a slash where a DOS wrote it.
put("zip_dos.zip", raw_zip([(b"..\\evil", EVIL, None, 0)]))
expect("zip_dos.zip", reason="unsafe")
put("zip_dos_fine.zip", raw_zip([(b"a\\b.txt", b"fine", None, 0)]))
expect("zip_dos_fine.zip", files=["a/b.txt"])

# Links that leave the folder, and what is written through them.
put("zip_link.zip", raw_zip([(b"l", b"../outside", 0o120777, 3)]))
expect("zip_link.zip", reason="unsafe", words="leaves the folder")
put("zip_link_write.zip", raw_zip([(b"l", b"/tmp", 0o120777, 3),
                                   (b"l/orch-hostile-evil", EVIL, 0o100644, 3)]))
expect("zip_link_write.zip", reason="unsafe")
put("zip_link_same.zip", raw_zip([(b"l", b"d", 0o120777, 3), (b"l", EVIL, 0o100644, 3)]))
expect("zip_link_same.zip", reason="unsafe", words="twice")
put("zip_twice.zip", raw_zip([(b"a", b"1", 0o100644, 3), (b"a", b"2", 0o100644, 3)]))
expect("zip_twice.zip", reason="unsafe", words="twice")
tar_of("link_absolute", ("l", None, link("/etc")), **unsafe)
tar_of("link_up", ("a/l", None, link("../../x")), **unsafe)
tar_of("link_through", ("l", None, link("d")), ("d/x", b"x", {}), ("l/y", EVIL, {}), **unsafe)
tar_of("link_then_file", ("l", None, link("../evil")), ("l", EVIL, {}), **unsafe)
tar_of("link_after_file", ("l", EVIL, {}), ("l", None, link("x")), **unsafe)
# Each step stays within, the way does not: a -> d/e, b -> a/../../x.
tar_of("link_chain", ("d/e/f", b"", {}), ("a", None, link("d/e")),
       ("b", None, link("a/../../../x")), **unsafe)
tar_of("link_chain_up", ("d/e/f", b"", {}), ("d/e/up", None, link("..")),
       ("top", None, link("d/e/up/../..")), **unsafe)
tar_of("link_up_from_nothing", ("b", None, link("later/../..")), **unsafe)
tar_of("link_up_from_missing", ("b", None, link("later/../x")),
       reason="unsafe", words="not there")
tar_of("link_circle", ("a", None, link("b")), ("b", None, link("a")),
       reason="unsafe", words="circle")
tar_of("link_self", ("a", None, link("a/a")), reason="unsafe", words="circle")
tar_of("links_fine", ("d/e/f", b"x", {}), ("d/l", None, link("../d/e")),
       ("m", None, link("d/l/f")), ("dangling", None, link("nowhere/at/all")),
       files=["d/e/f", "d/l", "dangling", "m"])
tar_of("hard_outside", ("h", None, hard("../../etc/passwd")), **unsafe)
tar_of("hard_absolute", ("h", None, hard("/etc/passwd")), **unsafe)
tar_of("hard_missing", ("h", None, hard("nothing")), **unsafe)
tar_of("hard_to_link", ("l", None, link("x")), ("h", None, hard("l")), **unsafe)
tar_of("hard_onto", ("a", b"a", {}), ("b", b"b", {}), ("b", None, hard("a")), files=["a", "b"])
tar_of("hard_then_write", ("a", b"a", {}), ("h", None, hard("a")), ("h", EVIL, {}),
       files=["a", "h"])
tar_of("hard_fine", ("a", b"a", {}), ("d/h", None, hard("a")), files=["a", "d/h"])

# What is no file.
tar_of("fifo", ("f", None, {"type": tarfile.FIFOTYPE}), **unsafe)
tar_of("device", ("f", None, {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}), **unsafe)
tar_of("block", ("f", None, {"type": tarfile.BLKTYPE, "devmajor": 8}), **unsafe)

# What stands in another's place.
tar_of("file_as_folder", ("a", b"a", {}), ("a/b", EVIL, {}), **unsafe)
tar_of("folder_as_file", ("a/b", b"b", {}), ("a", EVIL, {}), **unsafe)
tar_of("later_links", ("a", b"one", {}), ("h", None, hard("a")), ("l", None, link("h")),
       ("a", b"two", {}), ("h", None, hard("a")), ("h", None, hard("h")),
       ("l", None, link("a")), files=["a", "h", "l"])
tar_of("later_counts", ("a", b"one", {}), ("a", b"two", {}), files=["a"])
tar_of("later_in_folder", ("d/l", None, link("x")), ("d", EVIL, {}), **unsafe)
tar_of("empty_name", ("", b"x", {}), **unsafe)
tar_of("dots", ("./a/./b", b"x", {}), ("./", None, {"type": tarfile.DIRTYPE}),
       files=["a/b"])
tar_of("deep", ("/".join(["d"] * 300), b"x", {}), **unsafe)
tar_of("long", ("n" * 3000, b"x", {}), **unsafe)
tar_of("setuid", ("s", b"x", {"mode": 0o6777}), ("locked/f", b"x", {}),
       ("locked", None, {"type": tarfile.DIRTYPE, "mode": 0}), files=["locked/f", "s"])

# Names that are no text.
put("zip_bytes.zip", raw_zip([(b"caf\xe9.txt", b"x", 0o100644, 3)]))
expect("zip_bytes.zip", files=["caf%E9.txt"])
put("zip_control.zip", raw_zip([(b"a\x1b[31m\n.txt", b"x", 0o100644, 3)]))
expect("zip_control.zip", files=["a\x1b[31m\n.txt"])
put("zip_control_up.zip", raw_zip([(b"../\x1b[31m\x07", b"x", 0o100644, 3)]))
expect("zip_control_up.zip", reason="unsafe", words="'../\\x1B[31m\\x07'")

put("zip_control_c1.zip", raw_zip([("../\x9b31m".encode(), b"x", 0o100644, 3)]))
expect("zip_control_c1.zip", reason="unsafe", words="'../\\x9B31m'")

# Not what they seem.
put("zip_encrypted.zip", raw_zip([(b"secret", b"x" * 20, 0o100644, 3)], encrypted=True))
expect("zip_encrypted.zip", reason="encrypted", words="encrypted")
bad = bytearray(raw_zip([(b"a.txt", b"hello hello", 0o100644, 3)]))
bad[40] ^= 1
put("zip_crc.zip", bytes(bad))
expect("zip_crc.zip", reason="broken", words="CRC")
put("nothing.zip", b"")
expect("nothing.zip", reason="broken", words="empty")
put("page.zip", b"<!DOCTYPE html><title>404</title>" * 40)
expect("page.zip", reason="broken", words="neither a zip nor a tar")
put("no_directory.zip", raw_zip([(b"a", b"x" * 999, 0o100644, 3)])[:600])
expect("no_directory.zip", reason="broken", words="not whole")

# A hole of 8 EB in GNU's old sparse format, behind ten bytes.
huge = (1 << 63) - 1
head = bytearray(tarfile.TarInfo("hole").tobuf(tarfile.GNU_FORMAT))
head[124:136] = b"00000000001\0"
head[156:157] = b"S"
for place, value in ((386, huge - 1), (398, 1), (483, huge)):
    head[place:place + 12] = b"\x80" + value.to_bytes(11, "big")
head[148:156] = b" " * 8
head[148:156] = b"%06o\0 " % sum(head)
ten = tarfile.TarInfo("ten")
ten.size = 10
put("hole.tar", ten.tobuf() + b"1" * 10 + b"\0" * 502 + bytes(head) + b"x" + b"\0" * 1535)
expect("hole.tar", reason="limit", words="'hole': it unpacks to more than")

# Bombs. Every entry of the directory points to the same data (D. Fifield, 2019).
kernel = zlib.compressobj(9, zlib.DEFLATED, -15)
zeros = b"\0" * (4 << 20)
packed = kernel.compress(zeros) + kernel.flush()
crc, entries, out, directory = zlib.crc32(zeros), 300, b"", b""
for i in range(entries):
    name = b"%03d" % i
    common = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, crc, len(packed), len(zeros), 3, 0)
    at = len(out) if i == 0 else 0
    if i == 0:
        out = b"PK\3\4" + common + name + packed
    directory += b"PK\1\2" + b"\x14\3" + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
put("overlap.zip", out + directory + b"PK\5\6" + struct.pack(
    "<HHHHIIH", 0, 0, entries, entries, len(directory), len(out), 0))
expect("overlap.zip", files=["000"])  # libarchive takes one entry for one place
# Each file is a stored block that quotes the next file's header, and then goes on into it.
heads, tail, rest, plain = [], packed, len(packed), zeros
for i in reversed(range(200)):
    if heads:
        quoted = heads[0]
        tail = struct.pack("<BHH", 0, len(quoted), len(quoted) ^ 0xFFFF) + quoted + tail
        rest, plain = rest + 5 + len(quoted), quoted + plain
    heads.insert(0, b"PK\3\4" + struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, zlib.crc32(plain),
                                            rest, len(plain), 3, 0) + b"%03d" % i)
out, directory = heads[0] + tail, b""
for i, head in enumerate(heads):
    directory += (b"PK\1\2\x14\3" + head[4:30]
                  + struct.pack("<HHHII", 0, 0, 0, 0, i * (len(head) + 5)) + head[30:])
put("quoted.zip", out + directory + b"PK\5\6" + struct.pack(
    "<HHHHIIH", 0, 0, 200, 200, len(directory), len(out), 0))
expect("quoted.zip", reason="limit", words="bomb")
with tarfile.open(os.path.join(folder, "bomb.tar.xz"), "w:xz", preset=1) as tar:
    info = tarfile.TarInfo("zeros")
    info.size = 160 << 20
    class Zeros(io.RawIOBase):
        left = info.size
        def read(self, n=-1):
            n = min(n, self.left)
            self.left -= n
            return bytes(n)
    tar.addfile(info, Zeros())
expect("bomb.tar.xz", reason="limit", words="bomb")

with open(os.path.join(folder, "index.json"), "w") as file:
    json.dump(index, file)

"""data.py FOLDER: 1 GB as a build has it, once: text, machine code and tables, pictures that no
longer shrink, zeros; 400 files of 10 KB to 40 MB."""
import os, random, sys

folder = sys.argv[1]
if os.path.exists(folder + ".done"):
    sys.exit()
chance = random.Random(7)
words = [b"%x" % chance.getrandbits(24) for _ in range(3000)]
lines = [b" ".join(chance.choices(words, k=12)) + b"\n" for _ in range(20000)]
table = b"".join(chance.randrange(2000).to_bytes(4, "little") for _ in range(1 << 18))


def text(size):
    return b"".join(chance.choices(lines, k=size // len(lines[0]) + 1))[:size]


def code(size):
    start = chance.randrange(1 << 19) & ~3
    return (table[start:] * (size // (1 << 19) + 1))[:size] if size < 1 << 19 else b"".join(
        table[chance.randrange(1 << 19):][:1 << 16] for _ in range(size >> 16))


makers = [text, code, chance.randbytes, chance.randbytes, bytes]
os.makedirs(folder, exist_ok=True)
done = i = 0
while done < 1 << 30:
    size = int(10000 * 4000 ** chance.random())
    data = makers[i % len(makers)](min(size, (1 << 30) - done + 10000))
    os.makedirs(f"{folder}/{i % 20:02d}", exist_ok=True)
    with open(f"{folder}/{i % 20:02d}/{i:04d}.bin", "wb") as file:
        file.write(data)
    done, i = done + len(data), i + 1
open(folder + ".done", "w").close()

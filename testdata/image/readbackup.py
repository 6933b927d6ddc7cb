#!/usr/bin/env python3
"""Reads a backup by what hsmfile/FORMAT.md says, and by nothing else:

    age -d -i key.txt NAME.age | readbackup.py NAME.json

It checks the content against the manifest, the order and the form of the
records, the header, the audit chain, and every record of the set against what
the chain says of it; it prints what can be read without a password. Anything
wrong ends it with an error.
"""
import hashlib
import json
import struct
import sys

STATES = {1: "uninitialized", 2: "active", 3: "zeroized"}
KINDS = {
    "r": "roster", "p": "public keys", "u": "login", "n": "pins", "x": "escrow", "c": "common key", "k": "key",
    "o": "public key object", "l": "label", "i": "offer", "s": "share", "q": "holdings",
}


def must(ok, what):
    if not ok:
        sys.exit("readbackup: " + what)


def sha256(b):
    return hashlib.sha256(b).digest()


def cbor(b, at=0):
    """The value at an offset, and the offset after it (RFC 8949; definite lengths, no floats, no tags)."""
    major, n = b[at] >> 5, b[at] & 31
    at += 1
    if major == 7:
        return {20: False, 21: True, 22: None}[n], at
    if n > 23:
        size = {24: 1, 25: 2, 26: 4, 27: 8}[n]
        value = int.from_bytes(b[at:at + size], "big")
        must(value > 23 and value >> (4 * size), "a number is not in its shortest form")
        n, at = value, at + size
    if major < 2:
        return (n if major == 0 else -1 - n), at
    if major < 4:
        must(at + n <= len(b), "a string is cut")
        return (bytes(b[at:at + n]) if major == 2 else b[at:at + n].decode()), at + n
    must(major == 4, "an unexpected type")
    items = []
    for _ in range(n):
        item, at = cbor(b, at)
        items.append(item)
    return items, at


def record(b, fields):
    """A record's fields."""
    items, end = cbor(b)
    must(end == len(b) and len(items) == fields, "a record is malformed")
    return items


def content(b):
    """The records of a backup's content, by key."""
    must(b.startswith(b"filehsm-backup") and b[14:16] == b"\0\1", "not a backup of version 1")
    records, at, last = {}, 16, b""

    def part():
        nonlocal at
        size, = struct.unpack_from(">I", b, at)
        at += 4 + size
        must(at <= len(b), "the content is cut")
        return b[at - size:at]

    while key := part():
        must(key > last, "keys do not ascend")
        records[key], last = part(), key
    must(at == len(b), "bytes after the end")
    return records


def envelope(b, magic):
    """An enveloped value's body."""
    must(b.startswith(magic) and b[len(magic):len(magic) + 2] == b"\0\1", "not " + magic.decode() + " of version 1")
    must(sha256(b[:-32]) == b[-32:], magic.decode() + " has a wrong checksum")
    return b[len(magic) + 2:-32]


def replay(entries):
    """The state after each entry: record names to hashes. Checks the chain."""
    states, state, before = [{}], {}, (0, 0, None)
    for b in entries:
        seq, time, prev, _, _, _, _, _, _, _, _, _, _, wrote, gone, restored = record(b, 16)
        must((seq, prev) == (before[0] + 1, before[2]) and time >= before[1], "entry %d does not continue the chain" % seq)
        if gone:
            state = {name: h for name, h in state.items() if name[:1] in (b"r", b"p", b"h")}
        if restored:
            _, head, digest, _ = restored
            must(0 < head < seq and sha256(entries[head - 1]) == digest, "entry %d restores what is not of this chain" % seq)
            state = states[head]
        state = dict(state)
        for name, digest in wrote or []:
            state[name] = digest
            if digest is None:
                del state[name]
        states.append(state)
        before = (seq, time, sha256(b))
    return state, before


def main():
    b = sys.stdin.buffer.read()
    manifest = json.load(open(sys.argv[1]))
    must(hashlib.sha256(b).hexdigest() == manifest["content-sha256"], "not the manifest's content")
    records = content(b)
    header = record(envelope(records[b"h"], b"filehsm-image"), 11)
    entries = [value for key, value in records.items() if key[:1] == b"e"]
    must(all(record(e, 16)[0] == i + 1 for i, e in enumerate(entries)), "an entry is not in its place")
    state, (head, _, digest) = replay(entries)
    must((head, digest.hex()) == (manifest["head-sequence"], manifest["head-hash"]), "the head is not the manifest's")
    live = {key[1:]: sha256(value) for key, value in records.items() if key[:1] == b"s"}
    must({b"h": sha256(records[b"h"]), **live} == state, "the set is not what the chain says")

    print("image", header[1].hex(), "serial", header[2], "label", header[3], "state", STATES[header[5]])
    print("fingerprint", header[7].hex())
    print("%3d audit entry" % len(entries))
    print("%3d signed head" % sum(key[:1] == b"g" for key in records))
    for kind, name in KINDS.items():
        print("%3d %s" % (sum(n[:1] == kind.encode() for n in live), name))
    for e in entries:
        seq, _, _, opcode, _, user, _, _, _, result = record(e, 16)[:10]
        print("%3d 0x%04x %s %s" % (seq, opcode, user or "-", result))


main()

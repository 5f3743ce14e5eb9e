"""Check the signed log of a pool without trusting whoever runs it. One file, Python 3.8 or later, nothing else.

    python verify.py log SOURCE [--key KEY]          every statement hashes to the signed root
    python verify.py history OLD SOURCE [--key KEY]  nothing before the kept checkpoint OLD was rewritten
    python verify.py selftest                        this program computes as the published examples say

SOURCE: an address like https://aid.example.org/t/POOL, or a folder with the same files. KEY: the log's key as you got
it from elsewhere; without it the key comes from SOURCE, and only what was kept before can show another one.
Exit code 0: true. 1: a statement is false. 2: it could not be checked, which is no good sign and no bad one.
"""

import argparse
import base64
import hashlib
import json
import sys
import unicodedata
import urllib.request
from pathlib import Path

TRUE, FALSE, UNCHECKED = 0, 1, 2
LONGEST_FILE = 20_000_000
LARGEST = 2**53 - 1


class IsFalse(Exception):  # noqa: N818 - it is what was found, not what went wrong
    """A statement that does not hold: code, both sentences, what must stand there, what does."""

    def __init__(self, code, english, chinese, wanted="", found=""):
        super().__init__(code)
        self.code, self.english, self.chinese, self.wanted, self.found = code, english, chinese, wanted, found


class Unchecked(Exception):  # noqa: N818
    """Something is missing or cannot be read."""


# --- Ed25519, RFC 8032 ---------------------------------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def add(one, two):
    """Add two points in extended coordinates."""
    a = (one[1] - one[0]) * (two[1] - two[0]) % P
    b = (one[1] + one[0]) * (two[1] + two[0]) % P
    c, d = 2 * one[3] * two[3] * D % P, 2 * one[2] * two[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    """Return a multiple of a point."""
    found = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = add(found, point)
        point, number = add(point, point), number >> 1
    return found


def same(one, two):
    """Say whether two points are one."""
    return (one[0] * two[2] - two[0] * one[2]) % P == 0 == (one[1] * two[2] - two[1] * one[2]) % P


def point_of(data):
    """Read a point; None for bytes that are none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(public, message, signature):
    """Say whether the signature is of this key over this message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, r, s = point_of(public), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return same(times(s, BASE), add(r, times(h, key)))


# --- Keys, notes, checkpoints --------------------------------------------------------------------------------------


def from_base64(text):
    """Read base64 that is written in the one way. Raises: ValueError."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("base64 that is written otherwise")
    return data


def read_key(text):
    """Return name, id and public key. Raises: Unchecked."""
    try:
        name, key_id, material = text.strip().split("+", 2)
        data = from_base64(material)
        wanted = hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8]
        if data[0] != 1 or len(data) != 33 or key_id != wanted:
            raise ValueError("its id is not of its name and key")
    except (ValueError, IndexError) as error:
        raise Unchecked("key: %s" % error) from None
    return name, bytes.fromhex(key_id), data[1:]


def open_checkpoint(note, key):
    """Verify the signature and return size and root. Raises: IsFalse."""
    name, key_id, public = key
    text, blank, below = note.rpartition("\n\n")
    text += "\n"
    lines = text.split("\n")
    signatures = []
    for line in below.split("\n"):
        parts = line.split(" ")
        if len(parts) == 3 and parts[0] == "\u2014" and parts[1] == name:
            signatures.append(parts[2])
    try:
        found = [from_base64(one) for one in signatures]
        found = [one[4:] for one in found if one[:4] == key_id]
        size, root = int(lines[1]), from_base64(lines[2])
        is_written = bool(blank) and len(lines) == 4 and str(size) == lines[1] and 0 < size <= LARGEST
        is_written = is_written and len(root) == 32 and below.endswith("\n")
    except (ValueError, IndexError):
        raise IsFalse("checkpoint_is_written", "This is no checkpoint.", "这不是检查点。") from None
    if not is_written:
        raise IsFalse("checkpoint_is_written", "This is no checkpoint.", "这不是检查点。")
    if lines[0] != name:
        raise IsFalse(
            "checkpoint_is_of_its_log",
            "The checkpoint is of another log.",
            "检查点属于另一份日志。",
            name,
            lines[0],
        )
    if not found or not all(is_signed(public, text.encode(), one) for one in found):
        raise IsFalse(
            "checkpoint_is_signed", "The log has not signed this.", "该检查点没有日志的有效签名。", name, "-"
        )
    return size, root


# --- The tree, RFC 6962 --------------------------------------------------------------------------------------------


def leaf(data):
    """Return the hash of a statement."""
    return hashlib.sha256(b"\0" + data).digest()


def root_of(leaves):
    """Return the root, by the definition: the largest power of two goes to the left."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root_of(leaves[:k]) + root_of(leaves[k:])).digest()


# --- Files ---------------------------------------------------------------------------------------------------------


class Source:
    """A folder or an address with the files of a log."""

    def __init__(self, place):
        self.place = place.rstrip("/")
        self.is_remote = place.startswith(("https://", "http://"))

    def read(self, name):
        """Return a file. Raises: Unchecked."""
        try:
            if self.is_remote:
                with urllib.request.urlopen(self.place + "/" + name, timeout=30) as answer:  # noqa: S310
                    data = answer.read(LONGEST_FILE + 1)
            else:
                data = (Path(self.place) / name).read_bytes()
        except OSError as error:
            raise Unchecked("%s: %s" % (name, error)) from None
        if len(data) > LONGEST_FILE:
            raise Unchecked("%s: more than %d bytes" % (name, LONGEST_FILE))
        return data

    def text(self, name):
        """Return a file as text. Raises: Unchecked."""
        try:
            return self.read(name).decode()
        except UnicodeDecodeError as error:
            raise Unchecked("%s: %s" % (name, error)) from None

    def key(self, given):
        """Return the key that was given, or the one beside the files. Raises: Unchecked."""
        if given:
            return read_key(given)
        for line in self.text("policy").split("\n"):
            words = line.split()
            if words[:1] == ["log"] and len(words) > 1:
                return read_key(words[1])
        raise Unchecked("policy: no key of a log")

    def bundles(self, kind, size):
        """Yield the files of one kind that a log of this size has. Raises: Unchecked."""
        for index in range(-(-size // 256)):
            width = min(256, size - index * 256)
            groups = ["%03d" % (index % 1000)]
            rest = index // 1000
            while rest:
                groups.append("x%03d" % (rest % 1000))
                rest //= 1000
            name = "/".join(reversed(groups)) + ("" if width == 256 else ".p/%d" % width)
            yield self.read("tile/%s/%s" % (kind, name)), width

    def entries(self, size):
        """Yield the statements in order. Raises: Unchecked, IsFalse."""
        for data, width in self.bundles("entries", size):
            at = 0
            for _number in range(width):
                length = int.from_bytes(data[at : at + 2], "big")
                entry = data[at + 2 : at + 2 + length]
                if at + 2 > len(data) or len(entry) != length:
                    raise Unchecked("tile/entries: a file that ends too early")
                yield entry
                at += 2 + length
            if at != len(data):
                raise Unchecked("tile/entries: a file that is too long")

    def leaves(self, size):
        """Return the hashes of all statements. Raises: Unchecked."""
        found = []
        for data, width in self.bundles("0", size):
            if len(data) != 32 * width:
                raise Unchecked("tile/0: a file of another length")
            found += [data[at : at + 32] for at in range(0, len(data), 32)]
        return found


# --- What is checked -----------------------------------------------------------------------------------------------


def refuse_number(text):
    """Refuse what is no whole number. Raises: ValueError."""
    raise ValueError("%s is no whole number" % text)


def whole(text):
    """Read a whole number below 2^53. Raises: ValueError."""
    if abs(int(text)) > LARGEST:
        raise ValueError("%s is beyond 2^53 - 1" % text)
    return int(text)


def has_null(value):
    """Say whether a null stands anywhere inside."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(has_null(part) for part in parts)


def check_entry(data, seq, pool):
    """Check that a statement is written in the one way and names its place and pool. Raises: IsFalse."""
    code = "entry_is_canonical"
    try:
        text = data.decode()
        value = json.loads(text, parse_float=refuse_number, parse_constant=refuse_number, parse_int=whole)
        again = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        is_canonical = again == text == unicodedata.normalize("NFC", text) and not has_null(value)
        is_canonical = is_canonical and isinstance(value, dict) and isinstance(value.get("body"), dict)
    except ValueError:
        is_canonical = False
    if not is_canonical:
        raise IsFalse(code, "Statement %d is written otherwise." % seq, "第 %d 项声明的写法不合规定。" % seq)
    told = (value.get("v"), value.get("pool"), value.get("seq"))
    if told != (1, pool, seq) or isinstance(value.get("seq"), bool):
        raise IsFalse(
            "entry_names_its_place",
            "Statement %d names another place or pool." % seq,
            "第 %d 项声明写着另一个位置或计划。" % seq,
            (1, pool, seq),
            told,
        )


def check_root(code, leaves, root):
    """Compare the root of these hashes with the signed one. Raises: IsFalse."""
    found = root_of(leaves)
    if found != root:
        raise IsFalse(
            code,
            "The %d statements have another root than the signed one." % len(leaves),
            "这 %d 项声明的根与签名的根不同。" % len(leaves),
            root.hex(),
            found.hex(),
        )


def check_log(source, given):
    """Check the whole log; return what to say. Raises: IsFalse, Unchecked."""
    key = source.key(given)
    size, root = open_checkpoint(source.text("checkpoint"), key)
    pool, leaves = key[0].rsplit("/", 1)[-1], []
    for seq, entry in enumerate(source.entries(size)):
        check_entry(entry, seq, pool)
        leaves.append(leaf(entry))
    check_root("entries_have_the_signed_root", leaves, root)
    return (
        "True: %d statements of %s have the signed root." % (size, key[0]),
        "属实：%s 的 %d 项声明与签名的根一致。" % (key[0], size),
    )


def check_history(old, source, given):
    """Check that the log of before is the beginning of the log of now. Raises: IsFalse, Unchecked."""
    key = source.key(given)
    try:
        kept = Path(old).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise Unchecked("%s: %s" % (old, error)) from None
    before, old_root = open_checkpoint(kept, key)
    size, root = open_checkpoint(source.text("checkpoint"), key)
    if size < before:
        raise IsFalse(
            "log_only_grows", "The log was longer than it is.", "日志曾经更长，现在变短了。", before, size
        )
    leaves = source.leaves(size)
    check_root("hashes_have_the_signed_root", leaves, root)
    check_root("nothing_was_rewritten", leaves[:before], old_root)
    return (
        "True: the %d statements of before are the beginning of %d." % (before, size),
        "属实：原有的 %d 项声明是现有 %d 项的开头。" % (before, size),
    )


def selftest():
    """Compute published examples. Raises: IsFalse."""
    key = read_key("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    signature = from_base64(
        "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    )[4:]
    data = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    root = root_of([leaf(bytes.fromhex(text)) for text in data]).hex()
    said = b"This is an example message.\n"
    is_right = is_signed(key[2], said, signature) and not is_signed(key[2], said + b" ", signature)
    if not is_right or root != "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328":
        raise IsFalse("selftest", "This program computes wrongly here.", "本程序在此计算有误。")
    return "True: the published examples are computed as published.", "属实：公开示例的计算结果一致。"


def main():
    """Do what the command line asks and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    log, history = commands.add_parser("log"), commands.add_parser("history")
    history.add_argument("old")
    for command in (log, history):
        command.add_argument("source")
        command.add_argument("--key", default="")
    commands.add_parser("selftest")
    given = parser.parse_args()
    try:
        if given.command == "selftest":
            said = selftest()
        elif given.command == "log":
            said = check_log(Source(given.source), given.key)
        else:
            said = check_history(given.old, Source(given.source), given.key)
    except IsFalse as error:
        print("FALSE 不实 [%s]\n%s\n%s" % (error.code, error.english, error.chinese))
        if error.wanted or error.found:
            print("expected 应为: %s\nfound 实为: %s" % (error.wanted, error.found))
        return FALSE
    except Unchecked as error:
        print("COULD NOT CHECK 未能检查\n%s" % error)
        return UNCHECKED
    print("\n".join(said))
    if given.command != "selftest" and not given.key:
        print("The key came with the files. 密钥取自同一来源。")
    return TRUE


if __name__ == "__main__":
    sys.exit(main())

"""Check the signed log of a pool without trusting whoever runs it. One file, Python 3.8 or later, nothing else.

    python verify.py log SOURCE [--key KEY]          every statement hashes to the signed root
    python verify.py history OLD SOURCE [--key KEY]  nothing before the kept checkpoint OLD was rewritten
    python verify.py member BUNDLE --id DOCUMENT [--secret SECRET] [--key KEY]
                                                     my own line stands in the roll with my amount, the sum is right
    python verify.py roll SOURCE PERIOD [--key KEY]  every line of a period's roll, from the files of SOURCE
    python verify.py witnesses SOURCE TRUSTED        as many witnesses have signed as TRUSTED, your file, asks
    python verify.py selftest                        this program computes as the published examples say

SOURCE: an address like https://aid.example.org/t/POOL, or a folder with the same files. KEY: the log's key as you got
it from elsewhere; without it the key comes from SOURCE, and only what was kept before can show another one.
Exit code 0: true. 1: a statement is false. 2: it could not be checked, which is no good sign and no bad one.
"""

import argparse
import base64
import hashlib
import hmac
import json
import re
import sys
import time
import unicodedata
import urllib.request
from pathlib import Path

TRUE, FALSE, UNCHECKED = 0, 1, 2
LONGEST_FILE = 20_000_000
LARGEST = 2**53 - 1


class IsFalse(Exception):  # noqa: N818 - it is what was found, not what went wrong
    """A statement that does not hold: its code, what must stand there, what does; about: which one."""

    def __init__(self, code, wanted="", found="", about=None):
        super().__init__(code)
        self.code, self.wanted, self.found = code, wanted, found
        self.sentences = [text if about is None else text % about for text in SENTENCES[code]]


class Unchecked(Exception):  # noqa: N818
    """Something is missing or cannot be read."""


# What does not hold is named by its code; %d stands for which one.
SENTENCES = """
amount_in_range | An amount is negative or too large. | 金额为负或过大。
amount_is_the_rate | An amount is not the rate of its class. | 金额不等于其类别的分摊额。
bill_counts_are_those_of_the_roll | The bill counts other members than the roll. | 账单的人数与名册不同。
carry_is_less_than_the_charged | More was carried over than rounding leaves. | 结转额超过四舍五入所能产生的数额。
cases_were_announced | A case was added after the announcement. | 公示之后又加入了案例。
checkpoint_is_of_its_log | The checkpoint is of another log. | 检查点属于另一份日志。
checkpoint_is_signed | The log has not signed this. | 该检查点没有日志的有效签名。
checkpoint_is_written | This is no checkpoint. | 这不是检查点。
class_is_of_the_roll | A line has a class that the roll does not have. | 名册中没有该行的类别。
commitment_is_mine | This line is not of this document and secret. | 这一行不属于该证件和密钥。
commitments_rise | Line %d stands twice or out of its order. | 第 %d 行重复或次序不对。
cosignature_is_of_the_past | A witness has signed in the future. | 见证人的签名时间在未来。
cosignature_is_signed | This is no signature of the witness. | 这不是该见证人的签名。
enough_witnesses_have_signed | Not as many witnesses as are needed have signed this. | 签名的见证人未达到所需数目。
entries_have_the_signed_root | The %d statements have another root. | 这 %d 项声明的根与签名的根不同。
entry_is_canonical | Statement %d is written otherwise. | 第 %d 项声明的写法不合规定。
entry_names_its_place | Statement %d names another place or pool. | 第 %d 项声明写着另一个位置或计划。
freeze_announce_close_in_order | What was to be fixed first was stated later. | 应先确定的内容却在之后才声明。
hashes_have_the_signed_root | The %d statements have another root. | 这 %d 项声明的根与签名的根不同。
head_is_the_stated_one | Head or number of members are not those of the roll. | 名册首部或人数与名册不符。
identity_holds | What comes in is not what goes out. | 收入与支出不相等。
left_members_are_my_index | Not as many members stand before me as my place says. | 排在我之前的人数与我的位置不符。
log_only_grows | The log was longer than it is. | 日志曾经更长，现在变短了。
members_are_those_frozen | Other members or classes are charged than were frozen. | 被分摊的成员或类别与冻结时不同。
nothing_was_rewritten | The %d statements have another root. | 这 %d 项声明的根与签名的根不同。
own_amount_is_below_the_rate | An own amount is not below the rate of its class. | 单独金额不低于其类别的分摊额。
path_fits_its_place | The path is not that of this place in a roll of this size. | 该路径与名册中的位置不符。
rates_follow_from_the_need | A share is not the need by weight. | 分摊额不等于按权重计算的应摊额。
records_are_as_many_as_members | The roll has not as many lines as members. | 名册的行数与人数不同。
root_is_the_stated_one | The roll is another one than the log states. | 名册与日志所声明的不同。
salt_is_mine | The salt is not of this secret. | 盐值不属于该密钥。
selftest | This program computes wrongly here. | 本程序在此计算有误。
sibling_has_members | A part of the roll has no members. | 名册的一部分没有成员。
statement_stands_in_the_log | Statement %d is not in the signed log. | 签名日志中没有第 %d 项声明。
statements_are_of_the_period | A statement is of another kind or period. | 声明属于另一类别或另一期。
sum_is_of_the_roll | The sum is not that of the roll. | 总额与名册的合计不同。
witness_counts_once | A witness stands there twice. | 同一见证人出现了两次。
"""
SENTENCES = {code: both for code, *both in (line.split(" | ") for line in SENTENCES.strip().split("\n"))}


def equal(code, wanted, found, about=None):
    """Demand that two values are one. Raises: IsFalse."""
    if wanted != found:
        raise IsFalse(code, wanted, found, about)


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


def read_key(text, kind=1):
    """Return name, id and public key. kind: 1 a log's, 4 a witness's. Raises: Unchecked."""
    try:
        name, key_id, material = text.strip().split("+", 2)
        data = from_base64(material)
        wanted = hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8]
        if data[0] != kind or len(data) != 33 or key_id != wanted:
            raise ValueError("its id is not of its name and key, or it is none that this program verifies")
    except (ValueError, IndexError) as error:
        raise Unchecked("key: %s" % error) from None
    return name, bytes.fromhex(key_id), data[1:]


def signatures_of(below, key):
    """Return the signatures among these lines that name a key. Raises: ValueError."""
    parts = [line.split(" ") for line in below.split("\n")]
    own = [from_base64(part[2]) for part in parts if len(part) == 3 and part[:2] == ["\u2014", key[0]]]
    return [one[4:] for one in own if one[:4] == key[1]]


def open_checkpoint(note, key):
    """Verify the signature and return size and root. Raises: IsFalse."""
    text, blank, below = note.rpartition("\n\n")
    text += "\n"
    lines = text.split("\n")
    try:
        found = signatures_of(below, key)
        size, root = int(lines[1]), from_base64(lines[2])
        is_written = bool(blank) and len(lines) == 4 and str(size) == lines[1] and 0 < size <= LARGEST
        is_written = is_written and len(root) == 32 and below.endswith("\n")
    except (ValueError, IndexError):
        raise IsFalse("checkpoint_is_written") from None
    if not is_written:
        raise IsFalse("checkpoint_is_written")
    equal("checkpoint_is_of_its_log", key[0], lines[0])
    if not found or not all(is_signed(key[2], text.encode(), one) for one in found):
        raise IsFalse("checkpoint_is_signed", key[0], "-")
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


def kept(name):
    """Return a file of one's own as text. Raises: Unchecked."""
    return Source(str(Path(name).parent)).text(Path(name).name)


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
    try:
        text = data.decode()
        value = json.loads(text, parse_float=refuse_number, parse_constant=refuse_number, parse_int=whole)
        again = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        is_canonical = again == text == unicodedata.normalize("NFC", text) and not has_null(value)
        is_canonical = is_canonical and isinstance(value, dict) and isinstance(value.get("body"), dict)
    except ValueError:
        is_canonical = False
    if not is_canonical:
        raise IsFalse("entry_is_canonical", about=seq)
    told = (value.get("v"), value.get("pool"), value.get("seq"))
    if told != (1, pool, seq) or isinstance(value.get("seq"), bool):
        raise IsFalse("entry_names_its_place", (1, pool, seq), told, about=seq)


def check_root(code, leaves, root):
    """Compare the root of these hashes with the signed one. Raises: IsFalse."""
    equal(code, root.hex(), root_of(leaves).hex(), len(leaves))


def signed_entries(source, key):
    """Return all statements, once they have the signed root. Raises: IsFalse, Unchecked."""
    size, root = open_checkpoint(source.text("checkpoint"), key)
    entries = list(source.entries(size))
    for seq, entry in enumerate(entries):
        check_entry(entry, seq, key[0].rsplit("/", 1)[-1])
    check_root("entries_have_the_signed_root", [leaf(entry) for entry in entries], root)
    return entries


def check_log(source, given):
    """Check the whole log; return what to say. Raises: IsFalse, Unchecked."""
    key = source.key(given)
    size = len(signed_entries(source, key))
    return (
        "True: %d statements of %s have the signed root." % (size, key[0]),
        "属实：%s 的 %d 项声明与签名的根一致。" % (key[0], size),
    )


def check_history(old, source, given):
    """Check that the log of before is the beginning of the log of now. Raises: IsFalse, Unchecked."""
    key = source.key(given)
    before, old_root = open_checkpoint(kept(old), key)
    size, root = open_checkpoint(source.text("checkpoint"), key)
    if size < before:
        raise IsFalse("log_only_grows", before, size)
    leaves = source.leaves(size)
    check_root("hashes_have_the_signed_root", leaves, root)
    check_root("nothing_was_rewritten", leaves[:before], old_root)
    return (
        "True: the %d statements of before are the beginning of %d." % (before, size),
        "属实：原有的 %d 项声明是现有 %d 项的开头。" % (before, size),
    )


# --- Witnesses -----------------------------------------------------------------------------------------------------


def read_policy(text):
    """Return the log's key, the witnesses by name, the groups and the quorum. Raises: Unchecked, IsFalse."""
    log, witnesses, groups, quorum, keys = None, {}, {}, "", set()
    for line in text.split("\n"):
        words = line.split()
        if words[:1] == ["log"] and len(words) > 1:
            log = read_key(words[1])
        elif words[:1] == ["witness"] and len(words) > 2:
            witnesses[words[1]] = read_key(words[2], 4)
            if witnesses[words[1]][2] in keys:
                raise IsFalse("witness_counts_once", "-", words[1])
            keys.add(witnesses[words[1]][2])
        elif words[:1] == ["group"] and len(words) > 3:
            needed = {"any": 1, "all": len(words) - 3}.get(words[2]) or int(words[2])
            groups[words[1]] = (needed, words[3:])
        elif words[:1] == ["quorum"] and len(words) == 2:
            quorum = words[1]
    if log is None or quorum in {"", "none"}:
        raise Unchecked("policy: it asks for no witness")
    return log, witnesses, groups, quorum


def time_of(note, witness, now):
    """Return when a witness has signed the checkpoint, None where it has not. Raises: IsFalse."""
    text, _blank, below = note.rpartition("\n\n")
    at = None
    for signature in signatures_of(below, witness):
        at = int.from_bytes(signature[:8], "big")
        message = ("cosignature/v1\ntime %d\n%s\n" % (at, text)).encode()
        if not is_signed(witness[2], message, signature[8:]):
            raise IsFalse("cosignature_is_signed", witness[0], "-")
        if at > now + 300:
            raise IsFalse("cosignature_is_of_the_past", now, at)
    return at


def has_witnessed(name, signed, groups):
    """Say whether a witness, or enough of a group, have signed. Raises: Unchecked for a name that is not defined."""
    if name in signed:
        return signed[name] is not None
    if name not in groups:
        raise Unchecked("policy: %s is not defined" % name)
    needed, members = groups[name]
    return sum(has_witnessed(member, signed, groups) for member in set(members)) >= needed


def check_witnesses(source, policy, now):
    """Check that enough witnesses have signed the log; return what to say. Raises: IsFalse, Unchecked."""
    checkpoint = source.text("checkpoint.witnessed")
    try:
        log, witnesses, groups, quorum = read_policy(kept(policy))
        size, _root = open_checkpoint(checkpoint, log)
        signed = {name: time_of(checkpoint, witness, now) for name, witness in witnesses.items()}
    except ValueError as error:
        raise Unchecked("%s" % error) from None
    count = sum(at is not None for at in signed.values())
    if not has_witnessed(quorum, signed, groups):
        raise IsFalse("enough_witnesses_have_signed", groups.get(quorum, (1,))[0], count)
    return (
        "True: %d witnesses have signed the %d statements of %s." % (count, size, log[0]),
        "属实：%d 位见证人已为 %s 的 %d 项声明签名。" % (count, log[0], size),
    )


# --- The roll of a period and its tree -----------------------------------------------------------------------------

TAG = b"huzhu/roll/v1"
OWN = 0x80


def sha(data):
    """Return SHA-256."""
    return hashlib.sha256(data).digest()


def u64(*numbers):
    """Write numbers in eight bytes each. Raises: IsFalse for one that is no amount."""
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= LARGEST:
            raise IsFalse("amount_in_range", "0 … 2^53 - 1", number)
    return b"".join(number.to_bytes(8, "big") for number in numbers)


def place_bytes(pool, period):
    """Return pool and period as commitments and heads have them."""
    return sha(b"huzhu/v1/pool\0" + pool.encode())[:16] + u64(period)


def commitment_of(secret, whose, pool, period):
    """Return the salt of a member's secret, and the commitment to whom it is of."""
    place, text = place_bytes(pool, period), whose.encode()
    inner = sha(b"huzhu/v1/id\0" + secret + len(text).to_bytes(2, "big") + text)
    salt = sha(b"huzhu/v1/salt" + hmac.new(secret, b"huzhu/v1/commit", hashlib.sha256).digest() + place)
    return salt, sha(b"huzhu/v1/commitment" + place + salt + inner)


def roll_leaf(classes, record):
    """Return counts, own amounts and hash of one record. Raises: IsFalse."""
    place, is_own, fen = record[32] & 0x3F, bool(record[32] & OWN), int.from_bytes(record[33:], "big")
    if place >= classes or record[32] & 0x40:
        raise IsFalse("class_is_of_the_roll", classes, record[32])
    u64(fen)
    counts = [0] * (2 * classes)
    counts[place + (classes if is_own else 0)] = 1
    return counts, fen if is_own else 0, sha(b"\x10" + TAG + record)


def roll_node(left, right):
    """Return the node above two. Raises: IsFalse."""
    data = b"".join(u64(*counts, own) + hashed for counts, own, hashed in (left, right))
    counts = [one + two for one, two in zip(left[0], right[0])]  # noqa: B905 - Python 3.8
    u64(*counts, left[1] + right[1])
    return counts, left[1] + right[1], sha(b"\x11" + TAG + data)


def roll_root(classes, nodes):
    """Return the root over leaves, pair by pair, the last one without a neighbor as it is."""
    while len(nodes) > 1:
        pairs = [roll_node(nodes[i], nodes[i + 1]) for i in range(0, len(nodes) - 1, 2)]
        nodes = pairs + nodes[len(pairs) * 2 :]
    return nodes[0] if nodes else ([0] * (2 * classes), 0, sha(b""))


def sides(index, size):
    """Return on which sides the siblings of a leaf stand, from the leaf upwards, by the definition."""
    if size == 1:
        return ""
    k = 1 << (size - 1).bit_length() - 1
    return sides(index, k) + "R" if index < k else sides(index - k, size - k) + "L"


def walk(classes, record, index, size, path):
    """Return the root to which a path leads. Raises: IsFalse."""
    found, before = roll_leaf(classes, record), 0
    wanted = sides(index, size) if 0 <= index < size else "?"
    given = "".join(str(step[0]) for step in path)
    equal("path_fits_its_place", wanted, given)
    for side, counts, own, hashed in path:
        sibling = counts, own, from_base64(hashed)
        if len(counts) != 2 * classes or len(sibling[2]) != 32:
            raise Unchecked("path: a step that is written otherwise")
        u64(*counts, own)
        if sum(counts) < 1:
            raise IsFalse("sibling_has_members", 1, 0)
        before += sum(counts) if side == "L" else 0
        found = roll_node(sibling, found) if side == "L" else roll_node(found, sibling)
    equal("left_members_are_my_index", index, before)
    return found


def check_head(body, root, pool):
    """Hold a root against what the log says of the roll. Raises: IsFalse."""
    counts, own, hashed = root
    equal("root_is_the_stated_one", [body["root"], *body["tree"], body["x"]], [hashed.hex(), *counts, own])
    figures = u64(len(body["classes"]), *counts, own)
    head = sha(b"\x12" + TAG + place_bytes(pool, body["period"]) + figures + hashed)
    equal("head_is_the_stated_one", [body["head"], body["n"]], [head.hex(), sum(counts)])


def check_order(seqs):
    """Demand that who shares was stated before the cases, and the cases before the amounts. Raises: IsFalse."""
    equal("freeze_announce_close_in_order", sorted(set(seqs)), seqs)


def check_bill(frozen, announced, closed, roll):
    """Hold what a period charges against its rolls, and return the rate of each class. Raises: IsFalse."""
    size = len(frozen["classes"])
    members = [roll["tree"][at] + roll["tree"][size + at] for at in range(size)]
    equal("members_are_those_frozen", [frozen["classes"], frozen["tree"][:size]], [roll["classes"], members])
    rates, billed, own = {}, {}, 0
    for class_no, _weight, count, share, *_cap in closed["classes"]:
        u64(count, share)
        rates[class_no] = max(share, rates.get(class_no, 0))
    for class_no, _weight, count, share, *_cap in closed["classes"]:
        is_own = share < rates[class_no]
        billed[class_no, is_own] = billed.get((class_no, is_own), 0) + count
        own += count * share if is_own else 0
    wanted = [billed.get((class_no, is_own), 0) for is_own in (False, True) for class_no in roll["classes"]]
    equal("bill_counts_are_those_of_the_roll", [*roll["tree"], roll["x"]], [*wanted, own])
    rate = [rates.get(class_no, 0) for class_no in roll["classes"]]
    total = sum(roll["tree"][at] * rate[at] for at in range(size)) + roll["x"]
    equal("sum_is_of_the_roll", total, closed["S"])
    figures = {name: closed[name] for name in ("S", "E", "V", "C_in", "A", "W", "fee", "R", "C_out")}
    u64(*(figures[name] for name in figures if name != "W"))
    left = sum(figures[name] for name in ("S", "E", "V", "C_in"))
    right = sum(figures[name] for name in ("A", "W", "fee", "R", "C_out"))
    equal("identity_holds", right, left)
    check_rates(closed)
    check_cases(announced, closed)
    return rate


def check_rates(closed):
    """Demand that shares follow from the need, the weights and the caps. Raises: IsFalse."""
    rows = [
        (*row, cap[0] if cap else None) for _no, *row, cap in ([*r[:4], r[4:]] for r in closed["classes"])
    ]
    borne = sum(closed[name] for name in ("C_in", "V", "E"))
    need = sum(closed[name] for name in ("A", "W", "fee", "R")) - borne
    charged = sum(count for _weight, count, share, _cap in rows if share)
    if closed["C_out"] and need > 0 and closed["C_out"] >= charged:
        raise IsFalse("carry_is_less_than_the_charged", "< %d" % charged, closed["C_out"])
    if closed["V"] or closed["E"]:
        return
    # Whoever meets the cap pays it; the others bear the rest by weight, and it would be more than the cap for those.
    capped = [row for row in rows if row[3] is not None and row[2] >= row[3]]
    rest = need - sum(count * cap for _weight, count, _share, cap in capped)
    weights = sum(row[0] * row[1] for row in rows if row not in capped)
    for weight, _count, share, cap in rows:
        wanted = -(-rest * weight // weights) if rest > 0 and weights else 0
        wanted = wanted if cap is None or not weights else min(wanted, cap)
        equal("rates_follow_from_the_need", wanted if weights else share, share)


def check_cases(announced, closed):
    """Demand that no case was added after its announcement. Raises: IsFalse."""
    if "cases" in announced and "cases" in closed:
        added = set(closed["cases"]) - {case[0] for case in announced["cases"]}
        equal("cases_were_announced", [], sorted(added))


def proven(text, key, proof):
    """Return seq and body of a statement that stands in the signed log. Raises: IsFalse, Unchecked."""
    head, blank, note = proof.partition("\n\n")
    lines = head.split("\n")
    try:
        index, path = int(lines[1].split(" ")[1]), [from_base64(line) for line in lines[2:]]
    except (ValueError, IndexError):
        raise Unchecked("log_proof: it is written otherwise") from None
    if lines[0] != "c2sp.org/tlog-proof@v1" or not blank:
        raise Unchecked("log_proof: it is written otherwise")
    size, root = open_checkpoint(note, key)
    check_entry(text.encode(), index, key[0].rsplit("/", 1)[-1])
    found, shape = leaf(text.encode()), sides(index, size) if index < size else "?"
    if len(shape) == len(path):
        for side, sibling in zip(shape, path):  # noqa: B905
            found = hashlib.sha256(b"\1" + (sibling + found if side == "L" else found + sibling)).digest()
    if len(shape) != len(path) or found != root:
        raise IsFalse("statement_stands_in_the_log", root.hex(), found.hex(), about=index)
    return index, json.loads(text)


KINDS = ("roll.freeze", "period.announce", "period.close", "roll.close")


def check_member(given):
    """Check a member's own bundle; return what to say. Raises: IsFalse, Unchecked."""
    try:
        bundle = json.loads(kept(given.bundle), parse_float=refuse_number, parse_int=whole)
        key = read_key(given.key or bundle["key"])
        told = [
            proven(bundle["entries"][kind]["entry"], key, bundle["entries"][kind]["log_proof"])
            for kind in KINDS
        ]
        return check_line(given, bundle, key[0].rsplit("/", 1)[-1], told)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise Unchecked("bundle: %s %s" % (type(error).__name__, error)) from None


def check_line(given, bundle, pool, told):
    """Check a member's line against what the log states of its period. Raises: IsFalse, Unchecked."""
    period, member, line = bundle["period"], bundle["member"], bundle["leaf"]
    equal(
        "statements_are_of_the_period",
        [[kind, period] for kind in KINDS],
        [[one["type"], one["body"]["period"]] for _seq, one in told],
    )
    check_order([seq for seq, _one in told])
    frozen, announced, closed, roll = (one["body"] for _seq, one in told)
    classes = len(roll["classes"])
    secret = from_base64(given.secret or bundle["id_inner"]["secret"])
    number = re.sub(r"[\s-]", "", given.id or "").upper()
    whose = "%s|%s|%d" % (member["doc_kind"], number if member["doc_kind"] else "", member["member_no"])
    salt, commitment = commitment_of(secret, whose, pool, period)
    if given.id is not None or not member["doc_kind"]:
        equal("commitment_is_mine", commitment.hex(), from_base64(line["commitment"]).hex())
        equal("salt_is_mine", salt.hex(), from_base64(member["salt"]).hex())
    named = from_base64(line["commitment"]) + bytes([line["class"]])
    before = walk(classes, named + bytes(8), line["index"], frozen["n"], bundle["frozen_path"])
    check_head(frozen, before, pool)
    record = named[:32] + bytes([line["class"] | (OWN if line["is_own"] else 0)]) + u64(line["fen"])
    check_head(roll, walk(classes, record, line["index"], roll["n"], bundle["path"]), pool)
    rate = check_bill(frozen, announced, closed, roll)[line["class"]]
    check_amount(line["fen"], rate, line["is_own"])
    if given.id is None and member["doc_kind"]:
        raise Unchecked(
            "All else is true. Give --id, the number of your document: only by it you see that the line is yours alone."
            "\n其余均属实。请用 --id 给出您的证件号码：只有这样才能确认这一行只属于您。"
        )
    return (
        "True: member %d of %s is charged %d fen in period %d, one of %d members, %d fen in all."
        % (member["member_no"], pool, line["fen"], period, roll["n"], closed["S"]),
        "属实：%s 的 %d 号成员在第 %d 期分摊 %d 分；共 %d 名成员，合计 %d 分。"
        % (pool, member["member_no"], period, line["fen"], roll["n"], closed["S"]),
    )


def check_amount(fen, rate, is_own):
    """Demand that an amount is the rate of its class, or an own one below it. Raises: IsFalse."""
    if not is_own:
        equal("amount_is_the_rate", rate, fen)
    elif fen >= rate:
        raise IsFalse("own_amount_is_below_the_rate", "< %d" % rate, fen)


def check_roll(source, period, given):
    """Check every line of the roll of a period; return what to say. Raises: IsFalse, Unchecked."""
    key = source.key(given)
    pool, told = key[0].rsplit("/", 1)[-1], {}
    for seq, entry in enumerate(signed_entries(source, key)):
        value = json.loads(entry.decode())
        if value["type"] in KINDS and value["body"].get("period") == period:
            told[value["type"]] = (seq, value["body"])
    try:
        check_order([told[kind][0] for kind in KINDS])
        frozen, announced, closed, roll = (told[kind][1] for kind in KINDS)
        rate = check_bill(frozen, announced, closed, roll)
        return check_lines(source, period, pool, (frozen, roll), rate)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise Unchecked("period %d: %s %s" % (period, type(error).__name__, error)) from None


def check_lines(source, period, pool, stated, rate):
    """Check the lines of a roll against both stated rolls, frozen and with amounts. Raises: IsFalse, Unchecked."""
    frozen, roll = stated
    classes, last, at_freeze, at_close = len(roll["classes"]), b"", [], []
    for part in range(-(-roll["n"] // 65536)):
        data = source.read("roll/%d/part/%d" % (period, part))
        for at in range(0, len(data), 41):
            record = data[at : at + 41]
            if len(record) != 41:
                raise Unchecked("roll/%d/part/%d: a file that ends too early" % (period, part))
            if record[:32] <= last:
                raise IsFalse("commitments_rise", "> " + last.hex(), record[:32].hex(), about=len(at_close))
            last = record[:32]
            at_close.append(roll_leaf(classes, record))
            at_freeze.append(roll_leaf(classes, record[:32] + bytes([record[32] & 0x3F]) + bytes(8)))
            check_amount(int.from_bytes(record[33:], "big"), rate[record[32] & 0x3F], bool(record[32] & OWN))
    equal("records_are_as_many_as_members", roll["n"], len(at_close))
    check_head(frozen, roll_root(classes, at_freeze), pool)
    check_head(roll, roll_root(classes, at_close), pool)
    return (
        "True: the %d lines of period %d are those that were frozen, each with its amount."
        % (len(at_close), period),
        "属实：第 %d 期的 %d 行与冻结时一致，金额均正确。" % (period, len(at_close)),
    )


def selftest():
    """Compute published examples. Raises: IsFalse."""
    key = read_key("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    signature = from_base64(
        "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    )[4:]
    data = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"]
    root = root_of([leaf(one) for one in data]).hex()
    said = b"This is an example message.\n"
    is_right = is_signed(key[2], said, signature) and not is_signed(key[2], said + b" ", signature)
    if not is_right or root != "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328":
        raise IsFalse("selftest")
    return "True: the published examples are computed as published.", "属实：公开示例的计算结果一致。"


COMMANDS = {
    "log": "source --key",
    "history": "old source --key",
    "member": "bundle --id --secret --key",
    "roll": "source period --key",
    "witnesses": "source trusted",
    "selftest": "",
}


def main():
    """Do what the command line asks and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in COMMANDS.items():
        command = commands.add_parser(name)
        for word in words.split():
            default = "" if word in {"--key", "--secret"} else None
            command.add_argument(word, default=default, type=int if word == "period" else str)
    given = parser.parse_args()
    do = {
        "log": lambda: check_log(Source(given.source), given.key),
        "history": lambda: check_history(given.old, Source(given.source), given.key),
        "member": lambda: check_member(given),
        "roll": lambda: check_roll(Source(given.source), given.period, given.key),
        "witnesses": lambda: check_witnesses(Source(given.source), given.trusted, int(time.time())),
        "selftest": selftest,
    }
    try:
        said = do[given.command]()
    except IsFalse as error:
        print("FALSE 不实 [%s]\n%s" % (error.code, "\n".join(error.sentences)))
        if error.wanted or error.found:
            print("expected 应为: %s\nfound 实为: %s" % (error.wanted, error.found))
        return FALSE
    except Unchecked as error:
        print("COULD NOT CHECK 未能检查\n%s" % error)
        return UNCHECKED
    print("\n".join(said))
    if getattr(given, "key", None) == "":
        print("The key came with the files. 密钥取自同一来源。")
    return TRUE


if __name__ == "__main__":
    sys.exit(main())

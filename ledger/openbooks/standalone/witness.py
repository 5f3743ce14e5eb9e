"""Witness the logs of pools: sign that each has only grown. One file, Python 3.8 or later, nothing else.

    python witness.py FILE init NAME           make the key; NAME is yours, like witness.university.example/aid
    python witness.py FILE add KEY             witness the log of this key, as its operator has published it
    python witness.py FILE follow KEYS         take the new key of a log from KEYS, its file "keys"
    python witness.py FILE show                what was seen of each log, and its fingerprint
    python witness.py FILE serve [--host H] [--port P]

FILE is an SQLite database with the key and what was seen: keep it to yourself, and a copy that is never older than the
file itself, for a witness that forgets could sign a second history. The protocol is c2sp.org/tlog-witness; in front of
it stands whatever serves https for you. A witness signs that the log it saw before is the beginning of the one that it
sees now. It does not read what the log says, and needs no trust in whoever runs the pool.
"""

import argparse
import base64
import hashlib
import sqlite3
import sys
import time
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_bytes

LARGEST = 2**53 - 1
LONGEST_REQUEST = 64_000
LONGEST_PROOF = 63
SECONDS = 10
TABLES = """
CREATE TABLE IF NOT EXISTS me (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, seed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS log (
    origin TEXT PRIMARY KEY, vkey TEXT NOT NULL, size INTEGER NOT NULL DEFAULT 0, root BLOB, seen_at INTEGER
);
DROP TRIGGER IF EXISTS log_only_grows;
CREATE TRIGGER log_only_grows BEFORE UPDATE ON log WHEN NEW.size < OLD.size
   OR (NEW.size > OLD.size AND NEW.vkey <> OLD.vkey)
   OR (NEW.size = OLD.size AND OLD.root IS NOT NULL AND NEW.root <> OLD.root)
BEGIN SELECT RAISE(ABORT, 'a log only grows'); END;
CREATE TRIGGER IF NOT EXISTS log_is_kept BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'a log is kept'); END;
"""


class Refused(Exception):  # noqa: N818 - it is an answer, not a mistake of this program
    """An answer of the protocol other than 200: status, text, and the size that is known where that helps."""

    def __init__(self, status, text, size=None):
        super().__init__(text)
        self.status, self.text, self.size = status, text, size


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
    """Return a multiple of a point, by the same steps whatever the number is."""
    found, other = (0, 1, 1, 0), point
    for place in range(255, -1, -1):
        both = add(found, other)
        if number >> place & 1:
            found, other = both, add(other, other)
        else:
            found, other = add(found, found), both
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


def written(point):
    """Return a point as 32 bytes."""
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def hashed(*parts):
    """Return SHA-512 over the parts as a number."""
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def halves(seed):
    """Return the secret number and the prefix of a seed."""
    whole = hashlib.sha512(seed).digest()
    number = int.from_bytes(whole[:32], "little") & ((1 << 254) - 8) | 1 << 254
    return number, whole[32:]


def public_of(seed):
    """Return the public key of a seed."""
    return written(times(halves(seed)[0], BASE))


def sign(seed, message):
    """Return the signature over a message."""
    number, prefix = halves(seed)
    public = written(times(number, BASE))
    r = hashed(prefix, message) % L
    point = written(times(r, BASE))
    s = (r + hashed(point, public, message) % L * number) % L
    return point + s.to_bytes(32, "little")


def is_signed(public, message, signature):
    """Say whether the signature is of this key over this message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, r, s = point_of(public), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= L:
        return False
    return same(times(s, BASE), add(r, times(hashed(signature[:32], public, message) % L, key)))


# --- Keys and checkpoints ------------------------------------------------------------------------------------------


def encoded(data):
    """Return base64."""
    return base64.b64encode(data).decode()


def decoded(text):
    """Read base64 that is written in the one way. Raises: ValueError."""
    data = base64.b64decode(text, validate=True)
    if encoded(data) != text:
        raise ValueError("base64 that is written otherwise")
    return data


def whole(text):
    """Read a number that is written in the one way. Raises: ValueError."""
    if not (text.isascii() and text.isdecimal()) or str(int(text)) != text or int(text) > LARGEST:
        raise ValueError("%r is no number as it is written" % text[:30])
    return int(text)


def vkey(name, kind, public):
    """Return a verifier key as text."""
    material = bytes([kind]) + public
    return "%s+%s+%s" % (name, key_id(name, material).hex(), encoded(material))


def key_id(name, material):
    """Return the four bytes by which signature lines name a key."""
    return hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]


def read_key(text):
    """Return name, id and public key of a log. Raises: ValueError."""
    name, told, material = text.strip().split("+", 2)
    data = decoded(material)
    if data[:1] != b"\1" or len(data) != 33 or told != key_id(name, data).hex():
        raise ValueError("this is no key of a log, or its id is not of its name and key")
    return name, bytes.fromhex(told), data[1:]


def read_checkpoint(note):
    """Return text, origin, size, root and the signatures as (name, id, signature). Raises: ValueError."""
    text, blank, below = note.rpartition("\n\n")
    lines = (text + "\n").split("\n")
    if not blank or len(lines) != 4 or not lines[0] or not below.endswith("\n"):
        raise ValueError("a checkpoint has three lines, an empty one, and signatures")
    size, root = whole(lines[1]), decoded(lines[2])
    if len(root) != 32 or size == 0:
        raise ValueError("a checkpoint of nothing, or with a root that is no hash")
    signatures = []
    for line in below[:-1].split("\n"):
        dash, name, rest = line.split(" ")
        data = decoded(rest)
        if dash != "\u2014" or len(data) < 5:
            raise ValueError("a line that is no signature")
        signatures.append((name, data[:4], data[4:]))
    return text + "\n", lines[0], size, root, signatures


def read_request(body):
    """Return the old size, the proof and the checkpoint of a request. Raises: ValueError."""
    head, blank, note = body.partition("\n\n")
    first, *proof = head.split("\n")
    if not blank or not first.startswith("old ") or len(proof) > LONGEST_PROOF:
        raise ValueError("a request is the old size, a proof, an empty line and a checkpoint")
    hashes = [decoded(line) for line in proof]
    if any(len(part) != 32 for part in hashes):
        raise ValueError("a proof is of hashes")
    return whole(first[4:]), hashes, note


def is_beginning(old, old_root, new, new_root, proof):
    """Say whether the proof shows that the old tree is the beginning of the new one (RFC 9162, 2.1.4.2)."""
    if old == 0:
        return not proof
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    place, last = old - 1, new - 1
    while place % 2:
        place, last = place // 2, last // 2
    before = after = path[0]
    for part in path[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            before, after = node(part, before), node(part, after)
            while place and not place % 2:
                place, last = place // 2, last // 2
        else:
            after = node(after, part)
        place, last = place // 2, last // 2
    return last == 0 and (before, after) == (old_root, new_root)


def node(left, right):
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\1" + left + right).digest()


# --- What is remembered --------------------------------------------------------------------------------------------


class Witness:
    """The file, its key, and the one thing that it does."""

    def __init__(self, path):
        self.path = path
        with closing(self.opened()) as db:
            db.executescript(TABLES)

    def opened(self):
        """Return a connection; what is committed is on the disk."""
        db = sqlite3.connect(self.path, timeout=SECONDS, isolation_level=None)
        db.execute("PRAGMA synchronous = FULL")
        return db

    def init(self, name):
        """Make the key, once; return the verifier key."""
        if not name or "+" in name or any(c.isspace() or ord(c) < 0x20 for c in name):
            raise ValueError("a name has no space and no plus")
        with closing(self.opened()) as db:
            db.execute("INSERT INTO me VALUES (1, ?, ?)", (name, token_bytes(32)))
        return self.key()

    def key(self):
        """Return the verifier key."""
        name, seed = self.me()
        return vkey(name, 4, public_of(seed))

    def me(self):
        """Return name and seed. Raises: ValueError before there is a key."""
        with closing(self.opened()) as db:
            row = db.execute("SELECT name, seed FROM me").fetchone()
        if row is None:
            raise ValueError("there is no key yet: begin with init")
        return row

    def add(self, text):
        """Begin to witness a log; return its origin."""
        origin = read_key(text)[0]
        with closing(self.opened()) as db:
            db.execute("INSERT INTO log (origin, vkey) VALUES (?, ?)", (origin, text.strip()))
        return origin

    def follow(self, text):
        """Take the last of a log's keys, if those from the one that is known sign for each other; return it."""
        lines = [line.split(" ") for line in text.split("\n")[:-1]]
        origin, known, last = read_key(lines[0][0])[0], [line[0] for line in lines], lines[-1][0]
        with closing(self.opened()) as db:
            row = db.execute("SELECT vkey FROM log WHERE origin = ?", (origin,)).fetchone()
            if row is None or row[0] not in known:
                raise ValueError("the key by which this log is witnessed here is not among these")
            for at in range(known.index(row[0]) + 1, len(lines)):
                old, new = known[at - 1 : at + 1]
                said = ("huzhu/v1/key-rotate\n%s\n%s\n" % (old, new)).encode()
                if read_key(new)[0] != origin or not is_signed(
                    read_key(old)[2], said, decoded("".join(lines[at][1:]))
                ):
                    raise ValueError("a key that the one before it has not signed")
            db.execute("UPDATE log SET vkey = ? WHERE origin = ? AND vkey = ?", (last, origin, row[0]))
        return last

    def seen(self):
        """Return origin, size, root and time of what was last seen of each log."""
        with closing(self.opened()) as db:
            return db.execute("SELECT origin, size, root, seen_at FROM log ORDER BY origin").fetchall()

    def cosign(self, body, now):
        """Answer a request with the line of a signature. Raises: Refused."""
        try:
            old, proof, note = read_request(body)
            text, origin, size, root, signatures = read_checkpoint(note)
        except ValueError as error:
            raise Refused(400, str(error)) from None
        if old > size:
            raise Refused(400, "the old size is beyond the checkpoint")
        name, seed = self.me()
        with closing(self.opened()) as db:
            db.execute("BEGIN IMMEDIATE")
            self.take(db, origin, text, signatures, (old, size, root, proof), now)
            db.execute("COMMIT")
        material = b"\4" + public_of(seed)
        signature = sign(seed, ("cosignature/v1\ntime %d\n%s" % (now, text)).encode())
        return "\u2014 %s %s\n" % (
            name,
            encoded(key_id(name, material) + now.to_bytes(8, "big") + signature),
        )

    def take(self, db, origin, text, signatures, growth, now):
        """Remember a checkpoint that its log has signed and that continues what was seen. Raises: Refused."""
        old, size, root, proof = growth
        row = db.execute("SELECT vkey, size, root FROM log WHERE origin = ?", (origin,)).fetchone()
        if row is None:
            raise Refused(404, "this log is not witnessed here")
        name, told, public = read_key(row[0])
        own = [signature for signer, its, signature in signatures if (signer, its) == (name, told)]
        if not own or not all(is_signed(public, text.encode(), signature) for signature in own):
            raise Refused(403, "the log has not signed this")
        if old != row[1]:
            raise Refused(409, "", row[1])
        if old == size and row[2] != root:
            raise Refused(409, "", row[1])
        if not is_beginning(old, row[2], size, root, proof):
            raise Refused(422, "the proof does not lead from what was seen to this")
        # Before the signature, as with the log's own: a witness that forgets has signed for nothing.
        db.execute(
            "UPDATE log SET size = ?, root = ?, seen_at = ? WHERE origin = ?", (size, root, now, origin)
        )


def fingerprint(origin, size, root):
    """Return the sixteen digits by which two people compare a checkpoint."""
    return hashlib.sha256(("%s\n%d\n%s\n" % (origin, size, encoded(root))).encode()).hexdigest()[:16]


def told(witness):
    """Return what was seen, a line for each log."""
    lines = ["key %s" % witness.key()]
    for origin, size, root, at in witness.seen():
        if root is None:
            lines.append("%s nothing yet" % origin)
        else:
            day = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
            lines.append("%s %d %s %s" % (origin, size, fingerprint(origin, size, root), day))
    return "\n".join(lines) + "\n"


class Handler(BaseHTTPRequestHandler):
    """Takes checkpoints, and tells everyone what was seen."""

    timeout = SECONDS
    witness = None

    def do_GET(self):
        """Tell what was seen, so that members can compare."""
        if self.path == "/":
            self.answer(200, told(self.witness))
        else:
            self.answer(404, "there is nothing here\n")

    def do_POST(self):
        """Take a checkpoint."""
        length = self.headers.get("Content-Length", "")
        if self.path != "/add-checkpoint":
            self.answer(404, "there is nothing here\n")
        elif not length.isdecimal() or int(length) > LONGEST_REQUEST:
            self.answer(413, "a request of another size\n")
        else:
            try:
                body = self.rfile.read(int(length)).decode()
                self.answer(200, self.witness.cosign(body, int(time.time())))
            except UnicodeDecodeError:
                self.answer(400, "this is no text\n")
            except Refused as refusal:
                kind = "text/plain" if refusal.size is None else "text/x.tlog.size"
                said = refusal.text if refusal.size is None else str(refusal.size)
                self.answer(refusal.status, said + "\n", kind)

    def answer(self, status, text, kind="text/plain"):
        """Send an answer."""
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind if kind != "text/plain" else "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *args):  # noqa: A002
        """Say who asked what, without an address of a person: operators ask here, and members look."""
        sys.stderr.write("%s\n" % (format % args))


def main():
    """Do what the command line asks and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init").add_argument("name")
    commands.add_parser("add").add_argument("key")
    commands.add_parser("follow").add_argument("keys")
    commands.add_parser("show")
    serve = commands.add_parser("serve")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8600)
    given = parser.parse_args()
    try:
        witness = Witness(given.file)
        if given.command == "init":
            print(witness.init(given.name))
        elif given.command == "add":
            print(witness.add(given.key))
        elif given.command == "follow":
            print(witness.follow(Path(given.keys).read_text(encoding="utf-8")))
        elif given.command == "show":
            print(told(witness), end="")
        else:
            run(witness, given.host, given.port)
    except (ValueError, sqlite3.Error, OSError) as error:
        print("%s" % error, file=sys.stderr)
        return 1
    return 0


def run(witness, host, port):
    """Serve until interrupted."""
    handler = type("OwnHandler", (Handler,), {"witness": witness})
    with ThreadingHTTPServer((host, port), handler) as server:
        print("%s\nlistening on %s:%d" % (witness.key(), *server.server_address[:2]), flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())

"""A throw-away authority of time for tests: openssl's, behind a server of this process."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_CONFIG = """
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[stamper]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = authority
[authority]
serial = {folder}/serial
signer_cert = {folder}/stamper.pem
signer_key = {folder}/stamper.key
default_policy = 1.2.3.4.1
signer_digest = sha256
digests = sha256
ess_cert_id_alg = sha256
"""


def _run(*words: str) -> None:
    if shutil.which("openssl") is None:
        raise RuntimeError("openssl is missing: it plays the authority of time (apt-get install openssl)")
    subprocess.run(["openssl", *words], check=True, capture_output=True)


class Authority:
    """An authority of time. replays: what it answers instead of stamping what it is sent.

    Its answers bring its own certificate alone: openssl writes several in an order that DER does not have.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.root, self.asked = folder, folder / "root.pem", 0
        self.replays: bytes | None = None
        self.kind = "application/timestamp-reply"
        self.config = folder / "openssl.cnf"
        self.config.write_text(_CONFIG.format(folder=folder))
        root, stamper = str(folder / "root"), str(folder / "stamper")
        own = [
            "-config",
            str(self.config),
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ]
        self._make(
            "req -x509 -extensions root -days 9000", *own, subject="Root of time", name=root, kind="pem"
        )
        self._make("req -new", *own, subject="Authority of time", name=stamper, kind="csr")
        signed_by = ["-CA", f"{root}.pem", "-CAkey", f"{root}.key", "-CAcreateserial"]
        kind = ["-extfile", str(self.config), "-extensions", "stamper", "-days", "9000"]
        _run("x509", "-req", "-in", f"{stamper}.csr", *signed_by, *kind, "-out", f"{stamper}.pem")

    def _make(self, command: str, *words: str, subject: str, name: str, kind: str) -> None:
        """Make a key, and the certificate or the request for one that goes with it."""
        _run(
            *command.split(),
            *words,
            "-subj",
            f"/CN={subject}",
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.{kind}",
        )

    def answer(self, query: bytes) -> bytes:
        """Stamp what a query is over."""
        self.asked += 1
        if self.replays is not None:
            return self.replays
        asked, said = self.folder / "query", self.folder / "reply"
        asked.write_bytes(query)
        _run("ts", "-reply", "-config", str(self.config), "-section", "authority", "-queryfile", str(asked),
             "-out", str(said))  # fmt: skip
        return said.read_bytes()


@contextmanager
def running_authority(folder: Path) -> Iterator[tuple[Authority, str]]:
    """Give an authority and its address; it stops at the end."""
    authority = Authority(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            reply = authority.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", authority.kind)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield authority, f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()

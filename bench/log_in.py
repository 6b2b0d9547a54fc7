"""A log-in with SCRAM and nothing else: what the server itself takes for a session, and how that grows with several at once."""

import base64
import hashlib
import hmac
import os
import socket
import struct
import threading


def log_in(address: tuple[str, int], role: str, password: str, database: str) -> None:
    """Opens a session, asks nothing and ends it (PostgreSQL documentation, "Message Flow"; RFC 5802)."""
    with socket.create_connection(address) as server:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def exactly(count: int) -> bytes:
            data = b""
            while len(data) < count:
                more = server.recv(count - len(data))
                if not more:
                    raise ConnectionError("the server has ended the log-in")
                data += more
            return data

        def message() -> tuple[bytes, bytes]:
            head = exactly(5)
            return head[:1], exactly(struct.unpack("!i", head[1:])[0] - 4)

        def send(kind: bytes, body: bytes) -> None:
            server.sendall(kind + struct.pack("!i", len(body) + 4) + body)

        send(b"", struct.pack("!i", 3 << 16) + f"user\0{role}\0database\0{database}\0\0".encode())
        message()
        bare = "n=,r=" + base64.b64encode(os.urandom(18)).decode()
        first = f"n,,{bare}".encode()
        send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)
        challenge = message()[1][4:].decode()
        nonce, salt, rounds = (part[2:] for part in challenge.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(rounds))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        unproven = f"c=biws,r={nonce}"
        said = f"{bare},{challenge},{unproven}".encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), said, "sha256")
        proof = bytes(key ^ sign for key, sign in zip(client_key, signature))
        send(b"p", f"{unproven},p={base64.b64encode(proof).decode()}".encode())
        while True:
            kind, body = message()
            if kind == b"E":
                raise ConnectionError(body.decode(errors="replace"))
            if kind == b"Z":
                break
        send(b"X", b"")
        # Until the server's process has gone.
        server.recv(1)


def log_in_at_once(address: tuple[str, int], role: str, password: str, databases: list[str]) -> None:
    """Opens a session to each of the databases at the same time."""
    threads = [threading.Thread(target=log_in, args=(address, role, password, database)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

"""Self-signed certificates for tests, made here: no program and no package beyond the standard library is needed."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

# The curve P-256 (FIPS 186-4, D.1.2.3).
P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Point = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Certificate:
    """The files of a certificate and its key."""

    certificate: str
    key: str


def make_certificate(folder: Path, name: str, *, hosts: tuple[str, ...] = ()) -> Certificate:
    """Write a certificate for ``hosts`` that has signed itself, and its key."""
    secret = secrets.randbelow(N - 1) + 1
    point = multiply(secret, G)
    assert point is not None
    public = b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")
    body = to_be_signed(name, public, hosts)
    certificate = sequence(body, sequence(oid("1.2.840.10045.4.3.2")), bits(signature(secret, body)))
    key = sequence(
        integer(1),
        tlv(0x04, secret.to_bytes(32, "big")),
        tlv(0xA0, oid("1.2.840.10045.3.1.7")),
        tlv(0xA1, bits(public)),
    )
    files = Certificate(str(folder / f"{name}.crt"), str(folder / f"{name}.key"))
    Path(files.certificate).write_text(pem("CERTIFICATE", certificate))
    Path(files.key).write_text(pem("EC PRIVATE KEY", key))
    return files


def to_be_signed(name: str, public: bytes, hosts: tuple[str, ...]) -> bytes:
    subject = sequence(tlv(0x31, sequence(oid("2.5.4.3"), tlv(0x0C, name.encode()))))
    now = datetime.now(UTC)
    validity = sequence(*(moment(now + timedelta(days=days)) for days in (-1, 2)))
    extensions = [
        sequence(oid("2.5.29.19"), tlv(0x01, b"\xff"), tlv(0x04, sequence(tlv(0x01, b"\xff")))),  # an authority
        sequence(oid("2.5.29.15"), tlv(0x01, b"\xff"), tlv(0x04, tlv(0x03, b"\x02\x84"))),  # signs, also certificates
        sequence(oid("2.5.29.14"), tlv(0x04, tlv(0x04, hashlib.sha1(public, usedforsecurity=False).digest()))),
    ]
    if hosts:
        extensions.append(sequence(oid("2.5.29.17"), tlv(0x04, sequence(*map(host_name, hosts)))))
    return sequence(
        tlv(0xA0, integer(2)),
        integer(secrets.randbits(120)),
        sequence(oid("1.2.840.10045.4.3.2")),
        subject,
        validity,
        subject,
        sequence(sequence(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), bits(public)),
        tlv(0xA3, sequence(*extensions)),
    )


# -------------------------------------------------------------------------------------------- ECDSA


def add(left: Point, right: Point) -> Point:
    if left is None or right is None:
        return left or right
    (x1, y1), (x2, y2) = left, right
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, P) if left == right else (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def multiply(times: int, point: Point) -> Point:
    result: Point = None
    while times:
        if times & 1:
            result = add(result, point)
        point = add(point, point)
        times >>= 1
    return result


def signature(secret: int, message: bytes) -> bytes:
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    once = secrets.randbelow(N - 1) + 1
    point = multiply(once, G)
    assert point is not None
    r = point[0] % N
    return sequence(integer(r), integer(pow(once, -1, N) * (digest + r * secret) % N))


# -------------------------------------------------------------------------------------------- DER


def tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(*parts: bytes) -> bytes:
    return tlv(0x30, b"".join(parts))


def integer(value: int) -> bytes:
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def bits(content: bytes) -> bytes:
    return tlv(0x03, b"\x00" + content)


def oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    content = bytes([first * 40 + second])
    for number in rest:
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(0x80 | (number & 0x7F))
        content += bytes(reversed(digits))
    return tlv(0x06, content)


def moment(when: datetime) -> bytes:
    return tlv(0x17, when.strftime("%y%m%d%H%M%SZ").encode())


def host_name(host: str) -> bytes:
    try:
        return tlv(0x87, ip_address(host).packed)
    except ValueError:
        return tlv(0x82, host.encode())


def pem(label: str, content: bytes) -> str:
    text = base64.encodebytes(content).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"

"""Messages of a job: a length of four bytes, then that many bytes. A forged one is only a wrong answer."""

from __future__ import annotations

import os
import struct

_LENGTH = struct.Struct("!I")
#: The longest message that is read from a job: longer ones are taken for an attack.
LONGEST = 64 << 20


def pack(message: bytes) -> bytes:
    """`message` with its length in front."""
    return _LENGTH.pack(len(message)) + message


def split(data: bytes) -> list[bytes]:
    """The whole messages at the start of `data`; what is left over, cut off or made up, is dropped."""
    messages = []
    at = 0
    while at + _LENGTH.size <= len(data):
        (size,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        if at + size > len(data):
            break
        messages.append(data[at : at + size])
        at += size
    return messages


def write(fd: int, message: bytes) -> None:
    """Write one message, whole."""
    left = memoryview(pack(message))
    while left:
        left = left[os.write(fd, left) :]


def read(fd: int) -> bytes:
    """Read one message; EOFError where there is none."""
    (size,) = _LENGTH.unpack(_exactly(fd, _LENGTH.size))
    if size > LONGEST:
        raise EOFError(f"a message of {size} bytes")
    return _exactly(fd, size)


def _exactly(fd: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = os.read(fd, min(size - len(data), 1 << 20))
        if not piece:
            raise EOFError("the other side has gone")
        data += piece
    return bytes(data)

"""A driver that does whatever the wire allows, for the Python exporter; `probe.ts` is the same for ours."""

import asyncio
import hashlib
from contextlib import asynccontextmanager

from anyio import create_task_group
from jumpstarter.driver import Driver, export, exportstream
from jumpstarter.streams.common import create_memory_stream
from pydantic.dataclasses import dataclass

FAILURES = {
    "unimplemented": NotImplementedError("this bench has no such thing"),
    "value": ValueError("the value is out of range"),
    "timeout": TimeoutError("the device took too long"),
    "connection": ConnectionRefusedError(111, "the device refuses"),
    "io": OSError(5, "the device cannot be read"),
    "other": RuntimeError("the device is on fire"),
    "empty": RuntimeError(""),
    "words": RuntimeError("zwei Zeilen:\nπ ≈ 3 \U0001f50c 100%"),
    "long": RuntimeError("x" * 100_000),
}

BLOCK = "0123456789abcdef" * 4096


@dataclass(kw_only=True)
class Probe(Driver):
    def __post_init__(self):
        super().__post_init__()
        self.made_count = 0
        self.running_count = 0

    @classmethod
    def client(cls):
        return "jumpstarter.client.DriverClient"

    @export
    async def echo(self, value):
        return value

    @export
    async def pair(self, first, second=None):
        return [first, second]

    @export
    async def nothing(self):
        pass

    @export
    async def fail(self, kind):
        raise FAILURES[kind]

    @export
    async def wait(self):
        self.running_count += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.running_count -= 1

    @export
    async def made(self):
        return self.made_count

    @export
    async def running(self):
        return self.running_count

    @export
    async def count(self, end):
        for number in range(int(end)):
            yield number

    @export
    async def flood(self):
        self.made_count = 0
        self.running_count += 1
        try:
            while True:
                self.made_count += 1
                yield BLOCK
        finally:
            self.running_count -= 1

    @export
    async def fail_after(self, end, kind):
        for number in range(int(end)):
            yield number
        raise FAILURES[kind]

    @export
    async def take(self, src):
        """Reads a file of the client's; says how long it was, and its digest."""
        count, digest = 0, hashlib.sha256()
        async with self.resource(src) as file:
            async for data in file:
                count += len(data)
                digest.update(data)
        return [count, digest.hexdigest()]

    @export
    async def give(self, dst, size):
        """Writes a file of the client's."""
        async with self.resource(dst) as file:
            for start in range(0, int(size), len(BLOCK)):
                await file.send(BLOCK[: int(size) - start].encode())

    @exportstream
    @asynccontextmanager
    async def connect(self):
        async with self.served(echo) as stream:
            yield stream

    @exportstream
    @asynccontextmanager
    async def greet(self):
        async with self.served(greet) as stream:
            yield stream

    @exportstream
    @asynccontextmanager
    async def burst(self):
        async with self.served(burst) as stream:
            yield stream

    @exportstream
    @asynccontextmanager
    async def sum_up(self):
        async with self.served(sum_up) as stream:
            yield stream

    @asynccontextmanager
    async def served(self, device):
        """The client's end of a stream whose other end the function is."""
        near, far = create_memory_stream()
        self.running_count += 1
        try:
            async with create_task_group() as tasks:
                tasks.start_soon(device, far)
                yield near
                tasks.cancel_scope.cancel()
        finally:
            self.running_count -= 1


async def echo(stream):
    """Answers with what comes, as it comes."""
    async for data in stream:
        await stream.send(data)
    await stream.send_eof()


async def greet(stream):
    """Says hello and ends, but listens on."""
    await stream.send(b"hello\n")
    await stream.send_eof()
    async for _ in stream:
        pass


async def burst(stream):
    """Says as much at once as a message has room for, and ends, but listens on."""
    await stream.send(bytes(4_000_000))
    await stream.send_eof()
    async for _ in stream:
        pass


async def sum_up(stream):
    """Says how many bytes came, when the last one has."""
    count = 0
    async for data in stream:
        count += len(data)
    await stream.send(str(count).encode())
    await stream.send_eof()


class Stranger(Probe):
    """The same, of a class that no client knows."""

    @classmethod
    def client(cls):
        return "acme_bench.client.StrangerClient"

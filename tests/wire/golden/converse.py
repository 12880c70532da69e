"""What the Python client asks an exporter while it is recorded; `record.py` starts this.

    converse.py PASSPHRASE
"""

import asyncio
import gzip
import hashlib
import logging
import os
import sys
import threading
import uuid
from contextlib import contextmanager

import grpc
from anyio import BrokenResourceError, EndOfStream
from jumpstarter.client.core import DriverError
from jumpstarter.streams.common import create_memory_stream
from jumpstarter.utils.env import env
from jumpstarter_protocol import jumpstarter_pb2 as pb
from jumpstarter_protocol import jumpstarter_pb2_grpc
from jumpstarter_protocol.jumpstarter.v1 import common_pb2 as common

VALUES = [None, True, 0, -0.5, 2**53 - 1, "π \U0001f50c", [], [1, [None]], {}, {"a": {"b": 1}}]
FAILURES = ["unimplemented", "value", "timeout", "connection", "io", "other", "empty", "words"]


@contextmanager
def failing(expected):
    try:
        yield
    except expected:
        return
    raise AssertionError("it did not fail")


def read_log(client):
    """Follows the log until a line of the hook has come."""
    seen = threading.Event()

    class Handler(logging.Handler):
        def emit(self, record):
            seen.set()

    logger = logging.getLogger("exporter:beforeLease")
    logger.setLevel("INFO")
    logger.addHandler(Handler())
    with client.log_stream():
        if not seen.wait(30):
            raise AssertionError("no line of the hook")


def call_devices(client):
    client.power.on()
    client.bench.board.supply.off()
    client.again.supply.on()
    list(client.power.read())
    for value in VALUES:
        client.probe.call("echo", value)
    client.probe.call("pair", 1)
    client.probe.call("pair", "a", {"b": [None]})
    client.probe.call("nothing")
    list(client.probe.streamingcall("count", 3))
    list(client.probe.streamingcall("count", 0))


def fail_at_devices(client):
    for kind in FAILURES:
        with failing(DriverError):
            client.probe.call("fail", kind)
    with failing(DriverError):
        list(client.probe.streamingcall("fail_after", 2, "other"))
    with failing(DriverError):
        client.probe.call("explode")
    with failing(DriverError):
        client.probe.call("count", 1)
    with failing(DriverError):
        list(client.probe.streamingcall("nothing"))
    with failing(DriverError):
        client.power.call("on", "too", "many")


def stream(client, method, send):
    """Opens a raw stream, sends and half-closes; answers with all that came."""

    async def talk():
        async with client.stream_async(method) as stream:
            for data in send:
                await stream.send(data)
            await stream.send_eof()
            answer = b""
            while True:
                try:
                    answer += await stream.receive()
                except EndOfStream:
                    return answer

    return client.portal.call(talk)


def open_streams(client):
    assert stream(client.probe, "connect", [b"one", b"two"]) == b"onetwo"
    assert stream(client.probe, "greet", []) == b"hello\n"
    assert stream(client.probe, "sum_up", [b"x" * 1000]) == b"1000"
    with failing(BrokenResourceError):
        stream(client.probe, "explode", [])


def transfer(client, encoding, send, method, *args):
    """Hands a file to a method, or takes one from it; answers with its result, and with all that came."""

    async def talk():
        near, far = create_memory_stream()
        async with client.resource_async(near, encoding) as handle:
            result = asyncio.ensure_future(client.call_async(method, handle, *args))
            await far.send(send)
            await far.send_eof()
            came = b""
            async for data in far:
                came += data
            return await result, came

    return client.portal.call(talk)


def transfer_files(client):
    firmware = b"firmware " * 20
    expected = [len(firmware), hashlib.sha256(firmware).hexdigest()]
    assert transfer(client.probe, None, firmware, "take")[0] == expected
    assert transfer(client.probe, "gzip", gzip.compress(firmware, mtime=0), "take")[0] == expected
    assert transfer(client.probe, None, b"", "give", 100)[1] == (b"0123456789abcdef" * 7)[:100]


def ask_oddly(passphrase):
    """What the client's library never asks, by its stubs."""
    with grpc.insecure_channel(os.environ["JUMPSTARTER_HOST"]) as channel:
        stub = jumpstarter_pb2_grpc.ExporterServiceStub(channel)
        known = (("x-jumpstarter-passphrase", passphrase),)
        for driver in (str(uuid.uuid4()), "no id"):
            with failing(grpc.RpcError):
                stub.DriverCall(pb.DriverCallRequest(uuid=driver, method="on"), metadata=known)
        with failing(grpc.RpcError):
            stub.Reset(pb.ResetRequest(), metadata=known)
        with failing(grpc.RpcError):
            channel.unary_unary("/jumpstarter.v1.ExporterService/Later")(b"", metadata=known)
        with failing(grpc.RpcError):
            stub.GetStatus(pb.GetStatusRequest())
        with failing(grpc.RpcError):
            stub.GetStatus(pb.GetStatusRequest(), metadata=(("x-jumpstarter-passphrase", "not it"),))
        stub.EndSession(pb.EndSessionRequest(), metadata=known)
        # It answers at once, and its status follows.
        while stub.GetStatus(pb.GetStatusRequest(), metadata=known).status != common.EXPORTER_STATUS_AVAILABLE:
            pass


def main(passphrase):
    os.environ["JMP_GRPC_PASSPHRASE"] = passphrase
    with env() as client:
        client.portal.call(client.get_status_async)
        read_log(client)
        call_devices(client)
        fail_at_devices(client)
        open_streams(client)
        transfer_files(client)
        client.portal.call(client.get_status_async)
    ask_oddly(passphrase)


main(*sys.argv[1:])

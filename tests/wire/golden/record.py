"""Records what the Python implementation puts on the wire.

    record.py messages                   prints messages of every type, as its stubs encode them
    record.py conversation CONFIG        prints a conversation of its client with its exporter

Both print JSON. The conversation goes client -> tap -> relay -> exporter. The relay is a gRPC server that passes on the
bytes of messages without a look at them, and notes each call's method, metadata and status; the tap notes the bytes
of HTTP/2's DATA frames, which are the messages as gRPC frames them.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from jumpstarter_protocol import jumpstarter_pb2 as pb
from jumpstarter_protocol import router_pb2 as router
from jumpstarter_protocol.jumpstarter.v1 import common_pb2 as common

PASSPHRASE = "correct-horse battery"
DEVICE = "6f1c2a34-0000-4000-8000-00000000000a"
PARENT = "6f1c2a34-0000-4000-8000-000000000001"
ANSWER = "6f1c2a34-0000-4000-8000-0000000000ff"
TEXT = 'π ≈ 3 \U0001f50c "100%"\n\tend'

# Messages of every type, with every field that release 0.9.0 knows and with none.


def value(content):
    return json_format.ParseDict(content, struct_pb2.Value())


VALUES = {
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "minus one": -1,
    "a half": 0.5,
    "the largest exact integer": 2**53 - 1,
    "the largest double": 1.7976931348623157e308,
    "the smallest double": 5e-324,
    "minus zero": -0.0,
    "an empty text": "",
    "a text": TEXT,
    "an empty list": [],
    "a list": [None, True, 1, "one", [], {}],
    "an empty struct": {},
    "a struct": {"a": {"b": [1, {"c": None}]}, "voltage": 5.0, "": "no name", "π": "pi"},
}


def line(**fields):
    return pb.LogStreamResponse(uuid=ANSWER, **fields)


def messages():
    yield "nothing asked", empty_pb2.Empty()
    yield "an empty report", pb.GetReportResponse()
    device = pb.DriverInstanceReport(
        uuid=DEVICE,
        parent_uuid=PARENT,
        labels={"jumpstarter.dev/client": "acme.client.Relay", "jumpstarter.dev/name": "relay"},
        description="A relay",
        methods_description={"on": "Close it", "off": "Open it"},
    )
    yield "a device with everything", device
    yield "a device with empty texts", pb.DriverInstanceReport(uuid=DEVICE, parent_uuid="", description="")
    root = pb.DriverInstanceReport(uuid=PARENT, labels={"jumpstarter.dev/client": "acme.client.Root"})
    endpoint = pb.Endpoint(endpoint="bench:1", certificate="c", client_certificate="cc", client_private_key="key")
    yield "an endpoint", endpoint
    yield "a report", pb.GetReportResponse(
        uuid=ANSWER, labels={"site": "lab 7"}, reports=[root, device, device], alternative_endpoints=[endpoint]
    )
    for name, content in VALUES.items():
        yield f"value: {name}", value(content)
    yield "a value of no kind", struct_pb2.Value()
    arguments = [value(content) for content in VALUES.values()]
    yield "a call", pb.DriverCallRequest(uuid=DEVICE, method="set", args=arguments)
    yield "a call without arguments", pb.DriverCallRequest(uuid=DEVICE, method="on")
    yield "an answer", pb.DriverCallResponse(uuid=ANSWER, result=value({"voltage": 5.0, "current": 2.0}))
    yield "an answer of null", pb.DriverCallResponse(uuid=ANSWER, result=value(None))
    yield "an answer without a result", pb.DriverCallResponse(uuid=ANSWER)
    yield "a streaming call", pb.StreamingDriverCallRequest(uuid=DEVICE, method="read", args=arguments[:2])
    yield "an answer of many", pb.StreamingDriverCallResponse(uuid=ANSWER, result=value([1, 2]))
    yield "an empty line", pb.LogStreamResponse()
    for source in common.LogSource.values():
        yield f"a line from source {source}", line(severity="INFO", message=TEXT, source=source)
    yield "a line without a source", line(severity="WARNING", message="")
    yield "the status asked", pb.GetStatusRequest()
    yield "an empty status", pb.GetStatusResponse()
    for status in common.ExporterStatus.values():
        yield f"status {status}", pb.GetStatusResponse(
            status=status, message="as it is", status_version=2**64 - 1 - status, previous_status=7 - status
        )
    yield "the end asked", pb.EndSessionRequest()
    yield "the end refused", pb.EndSessionResponse(success=False, message="no")
    yield "the end", pb.EndSessionResponse(success=True)
    yield "a reset asked", pb.ResetRequest()
    yield "a reset", pb.ResetResponse()
    for frame in (router.StreamRequest, router.StreamResponse):
        for kind in router.FrameType.values():
            name = router.FrameType.Name(kind)
            yield f"{frame.DESCRIPTOR.name} {name}", frame(frame_type=kind)
            yield f"{frame.DESCRIPTOR.name} {name} with bytes", frame(payload=bytes(range(256)), frame_type=kind)


def print_messages():
    entries = [
        {
            "name": name,
            "type": message.DESCRIPTOR.full_name,
            "json": json_format.MessageToDict(message),
            "hex": message.SerializeToString(deterministic=True).hex(),
        }
        for name, message in messages()
    ]
    json.dump(entries, sys.stdout, indent=1, ensure_ascii=False)


# A conversation.


class Tap:
    """Passes on a TCP connection, and keeps what its DATA frames carry, by connection, stream and direction."""

    def __init__(self, target):
        self.target = target
        self.streams = []

    async def serve(self):
        server = await asyncio.start_server(self.accepted, "127.0.0.1", 0)
        return server.sockets[0].getsockname()[1]

    async def accepted(self, client_reader, client_writer):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.target)
        streams = {}
        self.streams.append(streams)
        await asyncio.gather(
            self.copy(client_reader, writer, streams, "up", skip=24),  # the preface
            self.copy(reader, client_writer, streams, "down", skip=0),
            return_exceptions=True,
        )

    async def copy(self, reader, writer, streams, direction, skip):
        rest = b""
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
            drop = min(skip, len(data))
            skip -= drop
            rest = self.parse(rest + data[drop:], streams, direction)
        writer.close()

    def parse(self, data, streams, direction):
        while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
            length, kind = int.from_bytes(data[:3], "big"), data[3]
            stream = int.from_bytes(data[5:9], "big")
            if kind == 1:  # HEADERS, from which a stream begins
                streams.setdefault(stream, {"up": b"", "down": b""})
            if kind == 0:
                streams[stream][direction] += data[9 : 9 + length]
            data = data[9 + length :]
        return data

    def in_order(self):
        return [streams[number] for streams in self.streams for number in sorted(streams)]


def texts(metadata):
    own = ("user-agent", "grpc-", "accept-encoding", "content-type")
    return {key: item for key, item in metadata or () if not key.startswith(own) and isinstance(item, str)}


class Relay(grpc.GenericRpcHandler):
    """Passes on calls, and notes what belongs to each beside its messages."""

    def __init__(self, address):
        self.channel = grpc.aio.insecure_channel(address)
        self.calls = []

    def service(self, details):
        async def relay(_requests, context):
            await self.relay(details, context)

        return grpc.stream_stream_rpc_method_handler(relay)

    async def relay(self, details, context):
        metadata = texts(context.invocation_metadata())
        note = {"method": details.method, "metadata": metadata}
        self.calls.append(note)
        entries = tuple(metadata.items())
        if details.method.endswith("/Stream"):
            onward = self.channel.stream_stream(details.method)(metadata=entries)
            sending = asyncio.create_task(self.send(context, onward))
        else:
            onward = self.channel.unary_stream(details.method)(await context.read(), metadata=entries)
            sending = None
        try:
            initial = texts(await onward.initial_metadata())
            note["initial"] = initial
            await context.send_initial_metadata(tuple(initial.items()))
            while (message := await onward.read()) is not grpc.aio.EOF:
                await context.write(message)
        except asyncio.CancelledError:
            note["status"] = "cancelled by the client"
            onward.cancel()
            raise
        except grpc.aio.AioRpcError:
            pass  # its status is read below
        finally:
            if sending is not None:
                sending.cancel()
        code, details, trailing = await onward.code(), await onward.details(), texts(await onward.trailing_metadata())
        note["status"], note["details"], note["trailing"] = code.name, details, trailing
        if code is grpc.StatusCode.OK:
            context.set_trailing_metadata(tuple(trailing.items()))
        else:
            await context.abort(code, details, tuple(trailing.items()))

    async def send(self, context, onward):
        try:
            while (message := await context.read()) is not grpc.aio.EOF:
                await onward.write(message)
            await onward.done_writing()
        except (grpc.aio.AioRpcError, grpc.RpcError, asyncio.InvalidStateError):
            pass  # the call has ended meanwhile


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def start_exporter(config, port):
    words = ["run", "--exporter-config", config, "--tls-grpc-listener", f"127.0.0.1:{port}"]
    options = ["--tls-grpc-insecure", "--passphrase", PASSPHRASE]
    exporter = await asyncio.create_subprocess_exec("jmp", *words, *options, stderr=subprocess.PIPE)
    said = b""
    while b"server started on" not in said:
        said = await exporter.stderr.readline()
        if not said:
            raise SystemExit("the exporter ended")

    async def drain():
        while await exporter.stderr.read(65536):
            pass

    asyncio.create_task(drain())
    return exporter


async def print_conversation(config):
    port = free_port()
    exporter = await start_exporter(config, port)
    relay = Relay(f"127.0.0.1:{port}")
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((relay,))
    tap = Tap(server.add_insecure_port("127.0.0.1:0"))
    await server.start()
    address = f"127.0.0.1:{await tap.serve()}"
    env = {**os.environ, "JUMPSTARTER_HOST": address, "JMP_GRPC_INSECURE": "1", "JMP_DRIVERS_ALLOW": "UNSAFE"}
    client = await asyncio.create_subprocess_exec(
        sys.executable, os.path.join(os.path.dirname(__file__), "converse.py"), PASSPHRASE, env=env
    )
    code = await client.wait()
    await server.stop(grace=1)
    exporter.terminate()
    await exporter.wait()
    if code != 0:
        raise SystemExit("the client failed")
    streams = tap.in_order()
    if len(streams) != len(relay.calls):
        raise SystemExit(f"{len(streams)} streams for {len(relay.calls)} calls")
    calls = [
        {**call, "up": stream["up"].hex(), "down": stream["down"].hex()}
        for call, stream in zip(relay.calls, streams, strict=True)
    ]
    json.dump(calls, sys.stdout, indent=1, ensure_ascii=False)


match sys.argv[1:]:
    case ["messages"]:
        print_messages()
    case ["conversation", config]:
        asyncio.run(print_conversation(config))
    case _:
        raise SystemExit(__doc__)

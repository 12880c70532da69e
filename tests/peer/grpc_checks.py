"""Asks an exporter, through Python's own gRPC library and the peer's own stubs, what its clients rely on.

    grpc_checks.py GROUP ADDRESS [GATE]

Runs one group of checks, and prints a line of JSON for each: its name, and what is wrong, if anything. `GATE` is the
file that lets the beforeLease hook of the exporter go on.
"""

import json
import pathlib
import random
import sys
import threading
import time
import uuid

import grpc
from google.protobuf import empty_pb2, struct_pb2
from jumpstarter_protocol import jumpstarter_pb2 as pb
from jumpstarter_protocol import jumpstarter_pb2_grpc, router_pb2, router_pb2_grpc
from jumpstarter_protocol.jumpstarter.v1 import common_pb2 as common

LIMIT_S = 10
PASSPHRASE = "correct-horse battery"
PROTOTYPE_NAMES = ("constructor", "__proto__", "toString", "hasOwnProperty", "valueOf")


class Exporter:
    """An exporter, by its stubs."""

    def __init__(self, address, gate, metadata=(), options=()):
        self.address, self.gate, self.metadata = address, gate, tuple(metadata)
        self.channel = grpc.insecure_channel(address, options=options)
        self.stub = jumpstarter_pb2_grpc.ExporterServiceStub(self.channel)
        self.router = router_pb2_grpc.RouterServiceStub(self.channel)

    def limits(self):
        return {"timeout": LIMIT_S, "metadata": self.metadata}

    def status(self):
        return self.stub.GetStatus(pb.GetStatusRequest(), **self.limits())

    def report(self):
        return self.stub.GetReport(empty_pb2.Empty(), **self.limits())

    def driver(self, name):
        return next(r.uuid for r in self.report().reports if r.labels.get("jumpstarter.dev/name") == name)

    def call(self, driver, method, *args):
        request = pb.DriverCallRequest(uuid=driver, method=method, args=values(args))
        return self.stub.DriverCall(request, **self.limits())

    def call_stream(self, driver, method, *args):
        request = pb.StreamingDriverCallRequest(uuid=driver, method=method, args=values(args))
        return list(self.stub.StreamingDriverCall(request, **self.limits()))

    def open_stream(self, driver, method):
        return self.stream({"kind": "driver", "uuid": driver, "method": method})

    def stream(self, request):
        metadata = self.metadata + ((("request", json.dumps(request)),) if request is not None else ())
        return list(self.router.Stream(iter(()), timeout=LIMIT_S, metadata=metadata))

    def wait_for(self, status):
        def arrived():
            now = self.status()
            return now if now.status == status else None

        return eventually(arrived, f"no status {status}")

    def follow(self):
        return Reader(self.stub.LogStream(empty_pb2.Empty(), metadata=self.metadata))


class Reader:
    """A LogStream, read on a thread of its own."""

    def __init__(self, call):
        self.call, self.lines = call, []
        call.initial_metadata()  # from here on no line is missed
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for line in self.call:
                self.lines.append(line)
        except grpc.RpcError:
            pass  # cancelled

    def driver_messages(self):
        return [line.message for line in self.lines if line.source == common.LOG_SOURCE_DRIVER]

    def close(self):
        self.call.cancel()


def values(args):
    def value(arg):
        out = struct_pb2.Value()
        if isinstance(arg, str):
            out.string_value = arg
        else:
            out.number_value = arg
        return out

    return [value(arg) for arg in args]


def eventually(look, complaint):
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, complaint
        time.sleep(0.01)


def refuses(code, ask, details=None):
    try:
        answer = ask()
    except grpc.RpcError as error:
        assert error.code() == code, f"{error.code()} instead of {code}: {error.details()}"
        if details is not None:
            assert error.details() == details, f"details {error.details()!r}"
        assert error.details(), "the refusal gives no reason"
        return
    raise AssertionError(f"answered {answer} instead of {code}")


def equal(actual, expected):
    assert actual == expected, f"{actual!r} instead of {expected!r}"


GROUPS = {}


def check(group, name):
    def register(function):
        GROUPS.setdefault(group, []).append((name, function))
        return function

    return register


# While beforeLease runs. The last of these lets it end.


@check("hook", "the status says that beforeLease runs")
def _(exporter):
    now = exporter.wait_for(common.EXPORTER_STATUS_BEFORE_LEASE_HOOK)
    equal((now.status_version, now.previous_status), (1, common.EXPORTER_STATUS_AVAILABLE))


@check("hook", "devices are the hook's alone, whatever kind of call asks")
def _(exporter):
    power = exporter.driver("power")
    not_ready = grpc.StatusCode.FAILED_PRECONDITION
    refuses(not_ready, lambda: exporter.call(power, "on"))
    refuses(not_ready, lambda: exporter.call_stream(power, "read"))
    refuses(not_ready, lambda: exporter.open_stream(power, "connect"))


@check("hook", "the hook's lines come while it runs, and then LEASE_READY with version and reason")
def _(exporter):
    reader = exporter.follow()
    eventually(lambda: [line for line in reader.lines if "waits for the test" in line.message], "no line of the hook")
    equal(exporter.status().status, common.EXPORTER_STATUS_BEFORE_LEASE_HOOK)
    pathlib.Path(exporter.gate).touch()
    now = exporter.wait_for(common.EXPORTER_STATUS_LEASE_READY)
    equal((now.status_version, now.previous_status), (2, common.EXPORTER_STATUS_BEFORE_LEASE_HOOK))
    equal(now.message, "Ready for commands")
    line = next(line for line in reader.lines if "waits for the test" in line.message)
    equal((line.severity, line.source), ("INFO", common.LOG_SOURCE_BEFORE_LEASE_HOOK))
    equal(line.uuid, str(uuid.UUID(line.uuid)))
    reader.close()


# An exporter that is ready.


@check("calls", "a plain call answers null, under a new id each time")
def _(exporter):
    power = exporter.driver("power")
    first, second = exporter.call(power, "on"), exporter.call(power, "off")
    equal([answer.result.WhichOneof("kind") for answer in (first, second)], ["null_value"] * 2)
    equal([uuid.UUID(answer.uuid).version for answer in (first, second)], [4, 4])
    assert first.uuid != second.uuid, "both answers have one id"


@check("calls", "a streaming call answers with every value")
def _(exporter):
    answers = exporter.call_stream(exporter.driver("power"), "read")
    readings = [{key: value.number_value for key, value in a.result.struct_value.fields.items()} for a in answers]
    equal(readings, [{"voltage": 0.0, "current": 0.0}, {"voltage": 5.0, "current": 2.0}])


@check("calls", "an id in capitals is the same id")
def _(exporter):
    exporter.call(exporter.driver("power").upper(), "on")


@check("calls", "a method that is not there, or of another kind, is NOT_FOUND")
def _(exporter):
    power, missing = exporter.driver("power"), grpc.StatusCode.NOT_FOUND
    refuses(missing, lambda: exporter.call(power, "explode"))
    refuses(missing, lambda: exporter.call(power, "read"))
    refuses(missing, lambda: exporter.call(power, ""))
    refuses(missing, lambda: exporter.call_stream(power, "explode"))
    refuses(missing, lambda: exporter.call_stream(power, "on"))
    refuses(missing, lambda: exporter.open_stream(power, "explode"))
    refuses(missing, lambda: exporter.open_stream(power, "on"))


@check("calls", "the names that every JavaScript object has are NOT_FOUND")
def _(exporter):
    power, missing = exporter.driver("power"), grpc.StatusCode.NOT_FOUND
    for name in PROTOTYPE_NAMES:
        refuses(missing, lambda: exporter.call(power, name))
        refuses(missing, lambda: exporter.call_stream(power, name))
        refuses(missing, lambda: exporter.open_stream(power, name))


@check("calls", "an id of no driver is NOT_FOUND")
def _(exporter):
    stranger, missing = str(uuid.uuid4()), grpc.StatusCode.NOT_FOUND
    refuses(missing, lambda: exporter.call(stranger, "on"))
    refuses(missing, lambda: exporter.call_stream(stranger, "read"))
    refuses(missing, lambda: exporter.open_stream(stranger, "connect"))


@check("calls", "what is no id is INVALID_ARGUMENT")
def _(exporter):
    wrong = grpc.StatusCode.INVALID_ARGUMENT
    for text in ("", "power", "__proto__", "0" * 32):
        refuses(wrong, lambda: exporter.call(text, "on"))
        refuses(wrong, lambda: exporter.call_stream(text, "read"))
        refuses(wrong, lambda: exporter.open_stream(text, "connect"))


@check("calls", "too many arguments are INVALID_ARGUMENT")
def _(exporter):
    power, wrong = exporter.driver("power"), grpc.StatusCode.INVALID_ARGUMENT
    refuses(wrong, lambda: exporter.call(power, "on", "now"))
    refuses(wrong, lambda: exporter.call_stream(power, "read", 1, 2))


@check("calls", "a raw stream that asks for nothing, or for nonsense, is INVALID_ARGUMENT")
def _(exporter):
    wrong = grpc.StatusCode.INVALID_ARGUMENT
    refuses(wrong, lambda: exporter.stream(None))
    refuses(wrong, lambda: exporter.stream([]))
    refuses(wrong, lambda: exporter.stream("power"))
    refuses(wrong, lambda: exporter.stream({"kind": "nonsense"}))


@check("calls", "Reset is UNIMPLEMENTED")
def _(exporter):
    refuses(grpc.StatusCode.UNIMPLEMENTED, lambda: exporter.stub.Reset(pb.ResetRequest(), timeout=LIMIT_S))


@check("calls", "two readers of the log each get every line, in order")
def _(exporter):
    power = exporter.driver("power")
    readers = [exporter.follow(), exporter.follow()]
    # Without a period, so that a line lost or doubled cannot be made up for by the recent ones that come first.
    expected = [f"power {state}" for state in random.Random(1).choices(("on", "off"), k=80)]
    for message in expected:
        exporter.call(power, message.removeprefix("power "))
    for reader in readers:
        eventually(lambda: reader.driver_messages()[-len(expected) :] == expected, "lines are missing or out of order")
        reader.close()


@check("calls", "a reader that comes late gets the recent lines first")
def _(exporter):
    exporter.call(exporter.driver("power"), "on")
    reader = exporter.follow()
    eventually(lambda: "power on" in reader.driver_messages(), "the line from before is missing")
    assert any(line.source == common.LOG_SOURCE_BEFORE_LEASE_HOOK for line in reader.lines), "no line of the hook"
    reader.close()


@check("calls", "EndSession runs the hooks again and brings LEASE_READY back")
def _(exporter):
    before = exporter.status()
    reader = exporter.follow()
    seen = len(reader.lines)
    answer = exporter.stub.EndSession(pb.EndSessionRequest(), timeout=LIMIT_S)
    assert answer.success, answer.message
    now = exporter.wait_for(common.EXPORTER_STATUS_LEASE_READY)
    # AFTER_LEASE_HOOK, AVAILABLE, BEFORE_LEASE_HOOK, LEASE_READY
    equal(now.status_version, before.status_version + 4)
    equal(now.previous_status, common.EXPORTER_STATUS_BEFORE_LEASE_HOOK)
    hooks = (common.LOG_SOURCE_AFTER_LEASE_HOOK, common.LOG_SOURCE_BEFORE_LEASE_HOOK)
    for source in hooks:
        eventually(lambda: any(line.source == source for line in reader.lines[seen:]), f"no line of hook {source}")
    reader.close()
    exporter.call(exporter.driver("power"), "on")


# An exporter with a passphrase.

REFUSAL = "invalid or missing passphrase"


def every_method(exporter):
    power, stranger = str(uuid.uuid4()), "no-id"
    return {
        "GetReport": exporter.report,
        "GetStatus": exporter.status,
        "DriverCall": lambda: exporter.call(power, "on"),
        "DriverCall on nonsense": lambda: exporter.call(stranger, "constructor"),
        "StreamingDriverCall": lambda: exporter.call_stream(power, "read"),
        "LogStream": lambda: list(exporter.stub.LogStream(empty_pb2.Empty(), **exporter.limits())),
        "Reset": lambda: exporter.stub.Reset(pb.ResetRequest(), **exporter.limits()),
        "EndSession": lambda: exporter.stub.EndSession(pb.EndSessionRequest(), **exporter.limits()),
        "Stream": lambda: exporter.open_stream(power, "connect"),
        "Stream on nonsense": lambda: exporter.stream(None),
    }


def presents(*passphrases):
    return [("x-jumpstarter-passphrase", text) for text in passphrases]


PRESENTED = {
    "no passphrase": presents(),
    "a wrong passphrase": presents("not-it"),
    "an empty passphrase": presents(""),
    "the beginning of the passphrase": presents(PASSPHRASE[:-1]),
    "the passphrase in capitals": presents(PASSPHRASE.upper()),
    "a wrong passphrase and then the right one": presents("not-it", PASSPHRASE),
}


OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)


# Whoever fails from an address waits longer before each further attempt is looked at. So a stranger makes few: each
# method is asked for once, and each of the wrong passphrases at least once.


@check("locked", "a stranger is refused on every method, whatever it presents")
def _(exporter):
    wrong = list(PRESENTED.items())
    for index, name in enumerate(every_method(exporter)):
        what, metadata = wrong[index % len(wrong)]
        stranger = Exporter(exporter.address, exporter.gate, metadata, OWN_CONNECTION)
        refused(f"{name} with {what}", every_method(stranger)[name])


# Attempts on a connection that has presented the passphrase are looked at at once, and no less strictly.


@check("locked", "whoever was let in once is refused on every method without the passphrase, whatever else it presents")
def _(exporter):
    known = Exporter(exporter.address, exporter.gate, presents(PASSPHRASE), OWN_CONNECTION)
    known.status()
    for what, metadata in PRESENTED.items():
        known.metadata = tuple(metadata)
        for name, ask in every_method(known).items():
            refused(f"{name} with {what}", ask)


def refused(what, ask):
    try:
        refuses(grpc.StatusCode.UNAUTHENTICATED, ask, REFUSAL)
    except AssertionError as error:
        raise AssertionError(f"{what}: {error}") from error


@check("locked", "the right passphrase is let in, and nobody before it has ended the session")
def _(exporter):
    insider = Exporter(exporter.address, exporter.gate, presents(PASSPHRASE))
    now = insider.wait_for(common.EXPORTER_STATUS_LEASE_READY)
    equal(now.status_version, 2)
    power = insider.driver("power")
    insider.call(power, "on")
    equal(len(insider.call_stream(power, "read")), 2)
    reader = insider.follow()
    eventually(lambda: "power on" in reader.driver_messages(), "no line of the log")
    reader.close()


# A client that keeps its connection alive as the peer's own does, only more often: every 10 s, the least that Python's
# gRPC library sends. The test counts the answers in that library's trace.


@check("keepalive", "pings every 10 s, with and without a call open, leave the connection as it was")
def _(exporter):
    states = []
    options = (
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    )
    pinging = Exporter(exporter.address, exporter.gate, options=options)
    # A connection on loopback may be up before CONNECTING is told. After READY it must not be told either.
    is_at_start = lambda state: state is grpc.ChannelConnectivity.CONNECTING and grpc.ChannelConnectivity.READY not in states
    pinging.channel.subscribe(lambda state: is_at_start(state) or states.append(state))
    following = Exporter(exporter.address, exporter.gate, options=(*options, ("grpc.use_local_subchannel_pool", 1)))
    reader = following.follow()
    pinging.status()
    eventually(lambda: states[-1:] == [grpc.ChannelConnectivity.READY], f"not connected: {states}")
    connected = list(states)
    print(json.dumps({"connected": True}), flush=True)
    sys.stdin.readline()  # until the test has seen enough pings
    equal(states, connected)
    pinging.call(pinging.driver("power"), "off")
    eventually(lambda: "power off" in reader.driver_messages(), "the log has ended")
    equal(states, connected)
    reader.close()


def shape(exporter):
    """The report without what is new at every start: ids become positions."""
    reports = exporter.report().reports
    first = {}
    for position, report in enumerate(reports):
        first.setdefault(report.uuid, position)
    return [
        {
            "id": first[report.uuid],
            "parent": first[report.parent_uuid] if report.HasField("parent_uuid") else None,
            "labels": dict(report.labels),
            "description": report.description if report.HasField("description") else None,
            "methods": dict(report.methods_description),
        }
        for report in reports
    ]


def main(group, address, gate=""):
    exporter = Exporter(address, gate)
    if group == "report":
        print(json.dumps(shape(exporter)))
        return
    if group in ("calls", "keepalive"):
        exporter.wait_for(common.EXPORTER_STATUS_LEASE_READY)
    for name, function in GROUPS[group]:
        problem = None
        try:
            function(exporter)
        except (AssertionError, grpc.RpcError) as error:
            problem = str(error) or repr(error)
        print(json.dumps({"name": name, "problem": problem}), flush=True)


main(*sys.argv[1:])

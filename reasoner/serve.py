"""Serve the reasoner with llama.cpp's server from the xllamacpp wheel: `python -m reasoner.serve --port P`."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
from pathlib import Path

MODEL = Path(__file__).with_name("reasoner.gguf")
NAME = "reasoner"
# A problem and its solution take 177 tokens at most.
CONTEXT = 256
HOST = "127.0.0.1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--slots", type=int, default=16, help="Concurrent completions.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--name", default=NAME, help="The model's name in requests.")
    arguments = parser.parse_args()
    if not arguments.model.is_file():
        sys.exit(f"reasoner: no model file at {arguments.model}")
    check_port(arguments.port)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    server = start(
        arguments.port,
        slots=arguments.slots,
        threads=arguments.threads,
        model=arguments.model,
        name=arguments.name,
    )
    print(f"The {arguments.name} is ready at {server.listening_address}/v1", flush=True)
    stopping.wait()
    # The server's threads do not end by themselves.
    os._exit(0)


def check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            sys.exit(f"reasoner: port {port} is not available: {error.strerror}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def start(  # type: ignore[no-untyped-def]  # noqa: ANN201
    port: int, *, slots: int, threads: int, model: Path = MODEL, name: str = NAME
):
    """Return the running server. Port 0 takes a free one; see `listening_address`."""
    # Imported here: it is a hundred megabytes, which --help does not need.
    from xllamacpp import CommonParams, Server

    params = CommonParams()
    params.model.path = str(model)
    params.hostnames = [HOST]
    params.port = port
    params.n_parallel = slots
    params.n_ctx = slots * CONTEXT
    params.cpuparams.n_threads = threads
    params.model_alias = {name}
    params.verbosity = 1
    return Server(params)


if __name__ == "__main__":
    main()

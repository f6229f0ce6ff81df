"""Serve the reasoner: `python -m reasoner.serve --port P`. The real llama.cpp server, from the xllamacpp wheel."""

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
    parser.add_argument("--slots", type=int, default=16, help="Completions at once.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", type=Path, default=MODEL)
    given = parser.parse_args()
    if not given.model.is_file():
        sys.exit(f"reasoner: there is no model at {given.model}")
    check_port(given.port)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    server = start(given.port, slots=given.slots, threads=given.threads, model=given.model)
    print(f"The reasoner is ready at {server.listening_address}/v1", flush=True)
    stopping.wait()
    # The server's threads know no end of their own.
    os._exit(0)


def check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            sys.exit(f"reasoner: port {port} cannot be had: {error.strerror}")


def start(port: int, *, slots: int, threads: int, model: Path = MODEL):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """Gives the running server; port 0 takes a free one (`listening_address`)."""
    # Loaded here, for it is a hundred megabytes of which who only asks for --help needs nothing.
    from xllamacpp import CommonParams, Server

    params = CommonParams()
    params.model.path = str(model)
    params.hostnames = [HOST]
    params.port = port
    params.n_parallel = slots
    params.n_ctx = slots * CONTEXT
    params.cpuparams.n_threads = threads
    params.model_alias = {NAME}
    params.verbosity = 1
    return Server(params)


if __name__ == "__main__":
    main()

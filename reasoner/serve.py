"""Serve the reasoner with llama.cpp's server from the xllamacpp wheel: `python -m reasoner.serve --port P`.

With `--prm-port` the same process also serves the reward model, which takes some 30 megabytes more, and with `--critic-port`
the critic.
"""

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
PRM = Path(__file__).with_name("prm.gguf")
PRM_NAME, PRM_SLOTS = "prm", 8
CRITIC = Path(__file__).with_name("critic.gguf")
CRITIC_NAME, CRITIC_SLOTS = "critic", 16
# A problem and its solution take 177 tokens at most. The critic reads them, and writes as much again.
CONTEXT, CRITIC_CONTEXT = 256, 512
HOST = "127.0.0.1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--prm-port", type=int, default=None, help="Also serve the reward model here.")
    parser.add_argument("--critic-port", type=int, default=None, help="Also serve the critic here.")
    parser.add_argument("--slots", type=int, default=16, help="Concurrent completions.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--name", default=NAME, help="The model's name in requests.")
    arguments = parser.parse_args()
    ports = ((arguments.model, arguments.port), (PRM, arguments.prm_port), (CRITIC, arguments.critic_port))
    for model, port in ports:
        if port is not None:
            check_model(model)
            check_port(port)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    servers = [
        start(
            arguments.port, slots=arguments.slots, threads=arguments.threads, model=arguments.model, name=arguments.name
        )
    ]
    if arguments.prm_port is not None:
        servers.append(start(arguments.prm_port, slots=PRM_SLOTS, threads=arguments.threads, model=PRM, name=PRM_NAME))
    if arguments.critic_port is not None:
        servers.append(start_critic(arguments.critic_port, threads=arguments.threads))
    addresses = " and ".join(f"{server.listening_address}/v1" for server in servers)
    print(f"The {arguments.name} is ready at {addresses}", flush=True)
    stopping.wait()
    # The server's threads do not end by themselves.
    os._exit(0)


def check_model(model: Path) -> None:
    if not model.is_file():
        sys.exit(f"reasoner: no model file at {model}")


def check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            sys.exit(f"reasoner: port {port} is not available: {error.strerror}")


def start(  # type: ignore[no-untyped-def]  # noqa: ANN201
    port: int, *, slots: int, threads: int, model: Path = MODEL, name: str = NAME, context: int = CONTEXT
):
    """Return the running server. Port 0 takes a free one; see `listening_address`. `context` is each slot's, in tokens."""
    # Imported here: it is a hundred megabytes, which --help does not need.
    from xllamacpp import CommonParams, Server

    params = CommonParams()
    params.model.path = str(model)
    params.hostnames = [HOST]
    params.port = port
    params.n_parallel = slots
    params.n_ctx = slots * context
    params.cpuparams.n_threads = threads
    params.model_alias = {name}
    # Without copies of past prompts in memory, which grow with each run. Each slot still reuses its own last prompt.
    params.cache_ram_mib = 0
    params.verbosity = 1
    return Server(params)


def start_critic(port: int, *, threads: int, model: Path = CRITIC):  # type: ignore[no-untyped-def]  # noqa: ANN201
    return start(port, slots=CRITIC_SLOTS, threads=threads, model=model, name=CRITIC_NAME, context=CRITIC_CONTEXT)


if __name__ == "__main__":
    main()

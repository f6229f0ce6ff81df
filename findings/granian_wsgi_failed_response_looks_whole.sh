#!/usr/bin/env bash
# Granian 2.8.7, WSGI: a streamed response whose iterator raises ends as if it were complete.
#
# The application yields a line and then raises. One would expect the connection to break, as with a chunked body that has
# no last chunk, so that every client reports an error. Granian sends the last chunk: the client reads one line, status
# 200, and no error. Only the server's log tells. A consumer of a stream therefore needs a mark in the content: Annotate's
# stream of rows ends in a line `{"error": ...}` when it fails.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet granian==2.8.7
cat > app.py <<'PY'
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return lines()


def lines():
    yield b"the first of two lines\n"
    raise RuntimeError("the second line cannot be made")
PY
cat > seen.py <<'PY'
import http.client
import socket
import subprocess
import sys
import time

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "app:application"]
server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/")
    response = connection.getresponse()
    try:
        seen = (response.status, response.read(), "no error")
    except http.client.IncompleteRead as error:
        seen = (response.status, error.partial, "incomplete")
finally:
    server.terminate()
    server.wait()
print(f"granian: {seen}")
sys.exit(seen != (200, b"the first of two lines\n", "no error"))
PY
venv/bin/python seen.py

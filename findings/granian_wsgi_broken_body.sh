#!/usr/bin/env bash
# Granian 2.8.7, WSGI: a request body that breaks off is handed to the application as a body that has ended.
#
# A client announces 50 bytes, sends 5 and goes; or sends a chunk and then something that is no chunk. One would expect
# `wsgi.input.read(65536)` to raise. It returns the 5 bytes, then b"", and the application cannot tell half a file from a
# whole one: an upload that broke off would be taken for a short file. (`read()` without a size returns nothing at all.)
# Annotate compares with Content-Length itself, and takes a chunked body only in a form that shows its end.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet granian==2.8.7
cat > app.py <<'PY'
def application(environ, start_response):
    try:
        read = environ["wsgi.input"].read
        body, outcome = b"".join(iter(lambda: read(65536), b"")), "no error"
    except Exception as error:
        body, outcome = b"", f"raised {type(error).__name__}"
    with open("seen.txt", "a") as seen:
        seen.write(f"{environ['PATH_INFO']} length={environ.get('CONTENT_LENGTH')} body={body!r} {outcome}\n")
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
PY
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
venv/bin/python -m granian --interface wsgi --host 127.0.0.1 --port "$port" --log-level error app:application &
server=$!
python3 - "$port" <<'PY'
import socket, sys, time
port = int(sys.argv[1])
for _ in range(300):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        break
    except OSError:
        time.sleep(0.2)
def send(data, close):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(data)
        if close:
            connection.shutdown(socket.SHUT_WR)
        connection.recv(1000)
send(b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhello", True)
send(b"POST /chunks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nno chunk\r\n", False)
time.sleep(1)
PY
echo "granian $(venv/bin/pip show granian | sed -n 's/^Version: //p'):"
cat seen.txt
grep -qF "/length length=50 body=b'hello' no error" seen.txt
grep -qF "/chunks length=None body=b'hello' no error" seen.txt
echo "As described: half a body is read without an error."

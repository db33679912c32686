"""A client that reads and writes as the source document's do.

One `send` a message, nothing between messages; a thread that takes one `recv(4096)` for one message. Usage:
source_client.py HOST PORT. Each line of its input is a message to send, a JSON object; at the end of the input it
hangs up. Prints one JSON object a line: {"got": MESSAGE}, {"bad": BYTES} for what is not one message, {"end": WHY}.
"""
import json
import os
import socket
import sys
import threading


def report(**what):
    os.write(1, (json.dumps(what) + "\n").encode())


def receive(connection):
    while True:
        try:
            data = connection.recv(4096)
        except socket.timeout:
            continue
        except OSError as error:
            report(end=error.strerror)
            return
        if not data:
            report(end="closed")
            return
        try:
            report(got=json.loads(data.decode("utf-8")))
        except ValueError:
            report(bad=data.decode("latin-1"))


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.settimeout(10.0)
    connection.connect((host, port))
    threading.Thread(target=receive, args=(connection,), daemon=True).start()
    for line in sys.stdin.buffer:
        message = json.loads(line)
        connection.send(json.dumps(message, ensure_ascii=False).encode("utf-8"))


main()

# The mistake reset-on-unread: it closes while bytes that the client sent are still unread. That resets the connection.
"""Reads one line, sends a long reply, and closes."""

import os
import socket
import sys
import threading
import time

REPLY_BYTES = int(os.environ["SOCKLAB_REPLY_BYTES"])
LONGEST_LINE = 1024 * 1024  # a line longer than this is not answered
NO_PROGRESS = 30.0          # seconds: a client that takes or sends nothing for so long is given up


def main():
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])))
    listener.listen(128)
    while True:
        try:
            client, _ = listener.accept()
        except OSError as error:
            print(f"accept: {error}", file=sys.stderr)  # no descriptor left, for example: this may pass
            time.sleep(0.1)
            continue
        threading.Thread(target=serve, args=(client,), daemon=True).start()


# ANCHOR: wrong
def serve(client):
    with client:  # closes it at the end
        try:
            client.settimeout(NO_PROGRESS)
            if read_line(client):
                send_reply(client)
                # Everything is sent, so this is the end.
        except OSError as error:
            # A reset, a broken pipe, a time limit: this client is over, the others are not.
            print(f"a client: {error}", file=sys.stderr)
# ANCHOR_END: wrong


def read_line(client):
    """Reads up to the first newline, and whatever came with it. Says whether there was one."""
    length = 0
    while length < LONGEST_LINE:
        data = client.recv(4096)
        if not data:
            return False
        if b"\n" in data:
            return True
        length += len(data)
    return False


def send_reply(client):
    piece = memoryview(b"x" * 64 * 1024)
    left = REPLY_BYTES
    while left > 0:
        left -= client.send(piece[:left])  # send may take less than it was offered


if __name__ == "__main__":
    main()

# The mistake short-send: ignores how much send took. A long reply to a slow reader arrives cut.
"""Reads one line, sends a long reply, and closes so that what was sent arrives."""

import os
import socket
import sys
import threading
import time

REPLY_BYTES = int(os.environ["SOCKLAB_REPLY_BYTES"])
LONGEST_LINE = 1024 * 1024  # a line longer than this is not answered
NO_PROGRESS = 30.0          # seconds: a client that takes or sends nothing for so long is given up
DRAIN_TIME = 60.0           # seconds: a client that goes on sending after the reply is given up, too


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


def serve(client):
    with client:
        try:
            client.settimeout(NO_PROGRESS)
            if read_line(client):
                send_reply(client)
                close_when_read(client)
        except OSError as error:
            # A reset, a broken pipe, a time limit: this client is over, the others are not.
            print(f"a client: {error}", file=sys.stderr)


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


# ANCHOR: wrong
def send_reply(client):
    # With a time-out set, the socket does not block in the kernel: send takes what fits, and returns how much.
    client.send(b"x" * REPLY_BYTES)
# ANCHOR_END: wrong


def close_when_read(client):
    """Ends the sending, then reads until the client ends its own: so nothing is left unread when it closes."""
    client.shutdown(socket.SHUT_WR)
    end = time.monotonic() + DRAIN_TIME
    while (left := end - time.monotonic()) > 0:
        client.settimeout(min(left, NO_PROGRESS))
        if not client.recv(64 * 1024):
            return


if __name__ == "__main__":
    main()

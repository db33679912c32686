"""Is to read one line, send a long reply, and close so that all of it arrives. So far it reads once, and hangs up."""

import os
import socket
import sys
import threading
import time

REPLY_BYTES = int(os.environ["SOCKLAB_REPLY_BYTES"])


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
            read_line(client)
            # Your turn: send the reply, all of it. Then close: but first think what the client may still be sending.
            print(f"a client: {REPLY_BYTES} bytes of reply are still to be sent", file=sys.stderr)
        except OSError as error:
            # A reset or a broken pipe: this client is over, the others are not.
            print(f"a client: {error}", file=sys.stderr)


def read_line(client):
    """Reads up to the first newline, and whatever came with it."""
    # Your turn: the newline may come later. And what if the client ends before it?
    return client.recv(4096)


if __name__ == "__main__":
    main()

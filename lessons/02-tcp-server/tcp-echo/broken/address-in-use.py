# The mistake address-in-use: binds without SO_REUSEADDR. It often cannot be started again for a minute.

import os
import socket
import sys
import threading
import time


# ANCHOR: wrong
def listen(host, port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind((host, port))
    listener.listen(128)
    return listener
# ANCHOR_END: wrong


def serve(listener):
    while True:
        try:
            client, _ = listener.accept()
        except OSError as error:
            # One client that gave up, or no descriptor left for now: no reason to stop serving the others.
            print(f"tcp-echo: accept: {error}", file=sys.stderr)
            time.sleep(0.1)
            continue
        threading.Thread(target=attend, args=(client,), daemon=True).start()


def attend(client):
    # `with` closes the socket on every way out: end of file, error, or a mistake of ours.
    with client:
        try:
            echo(client)
        except OSError as error:
            # A reset (ECONNRESET, EPIPE) is the end of this client only.
            print(f"tcp-echo: a client is lost: {error}", file=sys.stderr)


def echo(client):
    while True:
        data = client.recv(65536)
        if not data:  # no bytes: end of file, for good
            return
        client.sendall(data)  # all of it, as the bytes that they are


def main():
    listener = listen(os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"]))
    print("tcp-echo: listening on %s:%d" % listener.getsockname(), file=sys.stderr)
    serve(listener)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # Ctrl-C: the usual way to stop it, no failure
        pass

# The mistake eagain-fatal: takes a time-out for the client's end. Whoever pauses for half a second is cut off.

import os
import socket
import sys
import threading
import time


def listen(host, port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Before bind: lets it pass the connections of an earlier run that are in TIME_WAIT.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # The address that was asked for: neither another one, nor all of them.
    listener.bind((host, port))
    listener.listen(128)
    return listener


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


# ANCHOR: wrong
def attend(client):
    with client:
        client.settimeout(0.5)  # a call that cannot go on waits this long, then raises TimeoutError
        try:
            echo(client)
        except OSError as error:  # TimeoutError is an OSError too
            print(f"tcp-echo: a client is lost: {error}", file=sys.stderr)
# ANCHOR_END: wrong


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

# The mistake one-client-at-a-time: serves a client to its end before the next accept. The second client hangs.

import os
import socket
import sys
import time


def listen(host, port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Before bind: lets it pass the connections of an earlier run that are in TIME_WAIT.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # The address that was asked for: neither another one, nor all of them.
    listener.bind((host, port))
    listener.listen(1024)  # so many may be connected and not yet accepted
    return listener


# ANCHOR: wrong
def serve(listener):
    while True:
        try:
            client, _ = listener.accept()
        except OSError as error:
            print(f"many-clients: accept: {error}", file=sys.stderr)
            time.sleep(0.1)
            continue
        attend(client)
# ANCHOR_END: wrong


def attend(client):
    # `with` closes the socket on every way out: end of file, error, or a mistake of ours.
    with client:
        try:
            echo(client)
        except OSError as error:
            # A reset (ECONNRESET, EPIPE) is the end of this client only.
            print(f"many-clients: a client is lost: {error}", file=sys.stderr)


def echo(client):
    while True:
        data = client.recv(65536)
        if not data:  # no bytes: end of file, for good
            return
        client.sendall(data)  # all of it, as the bytes that they are


def main():
    listener = listen(os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"]))
    print("many-clients: listening on %s:%d" % listener.getsockname(), file=sys.stderr)
    serve(listener)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # Ctrl-C: the usual way to stop it, no failure
        pass

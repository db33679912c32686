# Mistake: short-send. Sends once and ignores how much the kernel took: a large message arrives cut.
"""robust-client: connects patiently, sends all of its input, prints the answer."""

import os
import socket
import sys
import time


class GivenUp(Exception):
    """Why there is no answer, in words for a person."""


def connect(host, port, tries, delay, limit):
    """A connection, after as many tries as it takes, but no more than allowed."""
    for this in range(1, tries + 1):
        addresses = look_up(host, port)  # not a name: this raises, and ends all tries
        try:
            return connect_to_one_of(addresses, limit)
        except OSError as error:
            print(f"try {this} of {tries}: {error}", file=sys.stderr)
        if this < tries:
            time.sleep(delay)
    raise GivenUp(f"no connection to {host}, port {port}, in {tries} tries")


def look_up(host, port):
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:  # UnicodeError: Python itself refuses the name
        raise GivenUp(f"{host}: {error}") from None


def connect_to_one_of(addresses, limit):
    """One try: each address in turn, each with a socket of its own. The last error tells why none would do."""
    last = OSError("the name has no address")
    for family, kind, protocol, _, address in addresses:
        try:
            connection = socket.socket(family, kind, protocol)
        except OSError as error:  # no IPv6 here, perhaps
            last = error
            continue
        try:
            connection.settimeout(limit)
            connection.connect(address)
            return connection
        except OSError as error:  # refused, timed out, unreachable
            last = error
            connection.close()
    raise last


# ANCHOR: wrong
def exchange(connection, message, limit):
    """Sends the message and prints the answer."""
    connection.settimeout(limit)
    connection.send(message)  # how much of it was taken, nobody asks
    connection.shutdown(socket.SHUT_WR)
    while piece := connection.recv(65536):
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
# ANCHOR_END: wrong


def main():
    host, port = os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])
    tries = int(os.environ["SOCKLAB_RETRIES"])
    delay = int(os.environ["SOCKLAB_RETRY_DELAY_MS"]) / 1000
    limit = int(os.environ["SOCKLAB_TIMEOUT_MS"]) / 1000
    try:
        with connect(host, port, tries, delay, limit) as connection:
            exchange(connection, sys.stdin.buffer.read(), limit)
    except (GivenUp, OSError) as error:
        sys.exit(f"robust-client: {error}")


if __name__ == "__main__":
    main()

"""robust-client: connects patiently, sends all of its input, prints the answer; every wait has a limit."""

import os
import socket
import sys


class GivenUp(Exception):
    """Why there is no answer, in words for a person."""


def connect(host, port, tries, delay, limit):
    """A connection, after as many tries as it takes, but no more than allowed."""
    addresses = look_up(host, port)
    try:
        return connect_to_one_of(addresses, limit)
    except OSError as error:
        print(f"try 1 of {tries}: {error}", file=sys.stderr)
    # Your turn: this was the first try. Make the others. When is there a pause of `delay` seconds, and when none?
    raise GivenUp(f"no connection to {host}, port {port}; what comes {delay:g} s later is not written yet")


def look_up(host, port):
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:  # UnicodeError: Python itself refuses the name
        raise GivenUp(f"{host}: {error}") from None


def connect_to_one_of(addresses, limit):
    """One try: each address in turn, each with a socket of its own. The last error tells why none would do."""
    family, kind, protocol, _, address = addresses[0]
    connection = socket.socket(family, kind, protocol)
    connection.settimeout(limit)
    connection.connect(address)
    # Your turn: this was the first address. Try the others too when it fails. What becomes of its socket then?
    return connection


def exchange(connection, message, limit):
    """Sends and prints, each as far as it can go: the answer may begin before the message ends."""
    # Your turn: send, print what comes, end the sending when all is sent. No wait is longer than `limit` seconds.
    raise GivenUp(
        f"connected to {connection.getpeername()}; sending {len(message)} bytes, and waiting for {limit:g} s at most, "
        "is not written yet"
    )


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

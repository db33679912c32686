# Mistake: close-not-shutdown. Says 'no more' by closing both directions, and so gives up the answer.
"""robust-client: connects patiently, sends all of its input, prints the answer."""

import os
import selectors
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


def exchange(connection, message, limit):
    """Sends and prints, each as far as it can go: the answer may begin before the message ends."""
    connection.setblocking(False)
    # A small buffer: "room to send" then follows a slow reader closely, and is not taken for silence.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
    rest = memoryview(message)
    sending = receiving = True
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while sending or receiving:
            ready = wait(selector, limit)
            if ready & selectors.EVENT_WRITE:
                rest = send_some(connection, rest)
                if not rest:
                    sending = False
                    connection.shutdown(socket.SHUT_RDWR)  # we have finished; and the answer?
            if ready & selectors.EVENT_READ:
                receiving = receive_some(connection)
            watched = selectors.EVENT_WRITE * sending | selectors.EVENT_READ * receiving
            if watched:
                selector.modify(connection, watched)


def wait(selector, limit):
    """What the connection is ready for. If that is nothing within the limit, it is an error."""
    for _, ready in selector.select(limit):
        return ready
    raise GivenUp(f"the server was silent for {limit:g} s")


def send_some(connection, rest):
    """Sends what there is room for, and returns what is left: send says how much it took."""
    if not rest:
        return rest
    try:
        taken = connection.send(rest)
    except BlockingIOError:
        taken = 0
    return rest[taken:]


def receive_some(connection):
    """Prints what has come; says whether more may come."""
    try:
        piece = connection.recv(65536)
    except BlockingIOError:
        return True
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    return piece != b""


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

# raw-ping: one ICMP echo request, built by hand, and its answer.
import os
import socket
import struct
import sys

HOST = os.environ.get("SOCKLAB_HOST", "127.0.0.1")
TIMEOUT = int(os.environ.get("SOCKLAB_TIMEOUT_MS", "1000")) / 1000
ECHO_REQUEST = 8
SEQUENCE = 1


def request():
    """Type and code: the first two bytes of an ICMP message."""
    # Your turn: checksum, identifier, sequence number and payload, every number in network byte order.
    return struct.pack("!BB", ECHO_REQUEST, 0)


def open_raw():
    # Your turn: not everybody may do this. Which permission is missing when it fails?
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


def ping(sock, address):
    """Sends the request; the payload of its answer, or None when the time is over."""
    sock.sendto(request(), (address, 0))  # ICMP has no ports
    # Your turn: receive, until the answer to this request has come, or TIMEOUT seconds are over. Where does the ICMP
    # message begin in what comes? What else can come?
    print(f"sent {len(request())} bytes; waiting {TIMEOUT:g} s for an answer is not written yet", file=sys.stderr)
    return None


def main():
    with open_raw() as sock:
        try:
            address = socket.getaddrinfo(HOST, None, socket.AF_INET)[0][4][0]
            payload = ping(sock, address)
        except OSError as error:
            sys.exit(f"raw-ping: {HOST}: {error}")
    if payload is None:
        sys.exit(f"raw-ping: no answer from {address}")
    print(f"reply from {address}: bytes={len(payload)} seq={SEQUENCE}")


main()

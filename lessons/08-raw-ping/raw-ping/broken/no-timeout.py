# Mistake: no-timeout. It waits for the answer without a limit, and nobody need ever answer.
# raw-ping: one ICMP echo request, built by hand, and its answer.
import os
import socket
import struct
import sys

HOST = os.environ.get("SOCKLAB_HOST", "127.0.0.1")
ECHO_REPLY, ECHO_REQUEST = 0, 8
IDENTIFIER = os.getpid() & 0xFFFF  # the lower 16 bits: tells our answers from others'
SEQUENCE = 1
PAYLOAD = b"socklab raw-ping"


def checksum(data):
    """The internet checksum (RFC 1071). 0 says that data holds the right one already."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


# !: network byte order, high byte first. B is one byte, H two: type, code, checksum, identifier, sequence.
HEADER = struct.Struct("!BBHHH")


def request():
    """The checksum takes in the whole message, with 0 in its own place."""
    unsealed = HEADER.pack(ECHO_REQUEST, 0, 0, IDENTIFIER, SEQUENCE) + PAYLOAD
    return HEADER.pack(ECHO_REQUEST, 0, checksum(unsealed), IDENTIFIER, SEQUENCE) + PAYLOAD


def answer_in(packet):
    """The payload of the ICMP message in packet, if it answers our request; else None."""
    if not packet or packet[0] >> 4 != 4:
        return None
    message = packet[(packet[0] & 0x0F) * 4 :]  # behind the IPv4 header
    if len(message) < HEADER.size or checksum(message) != 0:
        return None
    kind, code, _, identifier, sequence = HEADER.unpack_from(message)
    payload = message[HEADER.size :]
    expected = (ECHO_REPLY, 0, IDENTIFIER, SEQUENCE, PAYLOAD)
    return payload if (kind, code, identifier, sequence, payload) == expected else None


def open_raw():
    try:
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    except PermissionError as error:
        sys.exit(f"raw-ping: no raw socket: {error}; missing is the capability CAP_NET_RAW")


def ping(sock, address):
    """Sends the request; the payload of its answer."""
    sock.sendto(request(), (address, 0))  # ICMP has no ports
    # ANCHOR: wrong
    while True:
        packet, (sender, _) = sock.recvfrom(65535)
        # A raw socket gets everybody's ICMP, our own request too when it comes in on this machine.
        if sender == address and (payload := answer_in(packet)) is not None:
            return payload
    # ANCHOR_END: wrong


def main():
    with open_raw() as sock:
        try:
            address = socket.getaddrinfo(HOST, None, socket.AF_INET)[0][4][0]
            payload = ping(sock, address)
        except OSError as error:
            sys.exit(f"raw-ping: {HOST}: {error}")
    print(f"reply from {address}: bytes={len(payload)} seq={SEQUENCE}")


main()

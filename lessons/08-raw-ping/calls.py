# Chapter 8: one ICMP echo request, built byte by byte, to 127.0.0.1; and its answer, taken apart.
import os
import socket
import struct
import sys
import time

TARGET = "127.0.0.1"
ECHO_REPLY, ECHO_REQUEST = 0, 8
IDENTIFIER = os.getpid() & 0xFFFF  # 16 bits of it
SEQUENCE = 1
PAYLOAD = b"socklab!"


# ANCHOR: open
def open_raw():
    """A raw socket for ICMP, or the end of the program: which permission is missing."""
    try:
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    except PermissionError as error:
        sys.exit(f"no raw socket: {error}. Missing: the capability CAP_NET_RAW (sudo has it)")
# ANCHOR_END: open


# ANCHOR: checksum
def checksum(data):
    """The internet checksum (RFC 1071); 0 when data already holds the one that fits."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)  # bring the carry round
    return ~total & 0xFFFF
# ANCHOR_END: checksum


# ANCHOR: build
def request():
    """! is network byte order: high byte first. B is one byte, H is two."""
    unsealed = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, IDENTIFIER, SEQUENCE) + PAYLOAD
    return unsealed[:2] + struct.pack("!H", checksum(unsealed)) + unsealed[4:]
# ANCHOR_END: build


# ANCHOR: read
def reply_in(packet):
    """The ICMP message in packet if it answers our request, else None."""
    header_length = (packet[0] & 0x0F) * 4  # the lower half of byte 0 counts words of 4 bytes
    message = packet[header_length:]
    if len(message) < 8 or checksum(message) != 0:
        return None
    kind, code, _, identifier, sequence = struct.unpack("!BBHHH", message[:8])
    print(f"  type {kind}, code {code}, sequence {sequence}, payload {message[8:]}")
    ours = (kind, identifier, sequence) == (ECHO_REPLY, IDENTIFIER, SEQUENCE)
    return message if ours and message[8:] == PAYLOAD else None
# ANCHOR_END: read


# ANCHOR: exchange
def main():
    with open_raw() as sock:
        message = request()
        sock.sendto(message, (TARGET, 0))  # ICMP has no ports: 0
        print(f"sent {len(message)} bytes to {TARGET}")
        deadline = time.monotonic() + 1.0
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                packet, (sender, _) = sock.recvfrom(1500)
            except TimeoutError:
                break
            print(f"received {len(packet)} bytes from {sender}")
            if reply_in(packet) and sender == TARGET:
                print(f"  the answer; time to live {packet[8]}")
                return
    sys.exit("no answer within 1 s")
# ANCHOR_END: exchange


main()

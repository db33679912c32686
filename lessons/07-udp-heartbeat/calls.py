"""The calls of UDP, in Python. Both ends are here, on one thread: what is sent waits in the receiver's queue."""

import socket

LIMIT = 0.3  # seconds: on loopback a datagram, or the word that nobody is there, takes microseconds


def main():
    # ANCHOR: open
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))  # no listen, no accept: it can receive now
    receiver.settimeout(LIMIT)
    address = receiver.getsockname()
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # bound to a free port by its first sendto
    # ANCHOR_END: open
    boundaries(sender, receiver, address)
    truncation(sender, receiver, address)
    heartbeat(sender, receiver, address)
    receiver.close()
    refusal(sender, address)
    sender.close()


# ANCHOR: boundaries
def boundaries(sender, receiver, address):
    """Three sends, three receives: what was sent together comes together, and nothing else."""
    for datagram in (b"one", b"", b"three"):
        sender.sendto(datagram, address)
    for _ in range(3):
        datagram, _ = receiver.recvfrom(65536)
        print(f'received {len(datagram)} bytes: "{datagram.decode()}"')
# ANCHOR_END: boundaries


# ANCHOR: truncation
def truncation(sender, receiver, address):
    """What finds no room is lost. recvfrom does not tell; recvmsg does, by MSG_TRUNC among its flags."""
    sender.sendto(b"abcdefghijklmnopqrstuvwxyz", address)
    sender.sendto(b"next", address)
    for _ in range(2):
        datagram, _, flags, _ = receiver.recvmsg(8)
        cut = "cut" if flags & socket.MSG_TRUNC else "whole"
        print(f'received {len(datagram)} bytes, {cut}: "{datagram.decode()}"')
# ANCHOR_END: truncation


# ANCHOR: heartbeat
def heartbeat(sender, receiver, address):
    """A gap in the numbers tells of a loss, the time-out of silence. UDP itself tells of neither."""
    for seq in (1, 2, 4):
        sender.sendto(b"beat mei %d" % seq, address)
    newest = 0
    try:
        while True:
            datagram, _ = receiver.recvfrom(65536)
            seq = int(datagram.split(b" ")[2])
            if seq > newest + 1:
                print(f"lost {seq - newest - 1}")
            newest = max(newest, seq)  # a late beat is no news
    except TimeoutError:
        print(f"silent since beat {newest}")
# ANCHOR_END: heartbeat


# ANCHOR: refusal
def refusal(sender, address):
    """Nobody receives there any more. Only a socket with a peer is told so, and only by its next call."""
    sender.settimeout(LIMIT)
    sender.sendto(b"hello", address)
    try:
        sender.recv(64)
    except TimeoutError:
        print("without a peer: no answer, no error")
    sender.connect(address)  # nothing is sent: it only fixes the peer
    sender.send(b"hello")
    try:
        sender.recv(64)
    except ConnectionRefusedError as error:
        print(f"with a peer: {error.strerror}")
# ANCHOR_END: refusal


if __name__ == "__main__":
    main()

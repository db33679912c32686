# Chapter 1: makes a socket of each type and asks the kernel what it made.
import socket


# ANCHOR: make
def stream():
    """A stream of bytes in order, between two ends: TCP."""
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)


def datagram():
    """Single messages, each to whom it is addressed: UDP."""
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP)


def raw():
    """IP packets of one protocol, here ICMP. Not everybody may."""
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
# ANCHOR_END: make


# ANCHOR: read-back
def read_back(sock):
    """What the kernel says the socket is, and what it was given by default."""

    def option(name):
        return sock.getsockopt(socket.SOL_SOCKET, name)

    print("  domain       ", socket.AddressFamily(option(socket.SO_DOMAIN)).name)
    print("  type         ", socket.SocketKind(option(socket.SO_TYPE)).name)
    print("  protocol     ", option(socket.SO_PROTOCOL))
    print("  SO_RCVBUF    ", option(socket.SO_RCVBUF))
    print("  SO_SNDBUF    ", option(socket.SO_SNDBUF))
    print("  SO_REUSEADDR ", option(socket.SO_REUSEADDR))
# ANCHOR_END: read-back


# ANCHOR: main
def main():
    for make in (stream, datagram, raw):
        print(make.__name__)
        try:
            with make() as sock:
                read_back(sock)
        except PermissionError as error:
            print("  refused:", error)
            print("  missing: CAP_NET_RAW, the capability for raw sockets")
# ANCHOR_END: main


if __name__ == "__main__":
    main()

"""Framing: the same messages, taken apart wrongly and rightly. Both ends are in this program, on one thread."""

import json
import socket
import struct


def connection():
    """Both ends of a TCP connection on this machine: one to send, one to receive."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = socket.create_connection(listener.getsockname())
        receiver, _ = listener.accept()
    sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sender, receiver


# ANCHOR: joined
def joined(sender, receiver):
    sender.sendall(b"see you")
    sender.sendall(b"bye")
    print("two sends, one recv:   ", receiver.recv(4096))
# ANCHOR_END: joined


# ANCHOR: cut
def cut_in_a_character(sender, receiver):
    message = "你好".encode()
    sender.sendall(message[:4])
    first = receiver.recv(4096)
    try:
        first.decode()
    except UnicodeDecodeError as error:
        print("half a character:      ", first, "-", error.reason)
    sender.sendall(message[4:])
    print("decoded when whole:    ", (first + receiver.recv(4096)).decode())
# ANCHOR_END: cut


# ANCHOR: newline
def lines(receiver):
    """Gives each line when it is whole; what is left of the next one stays in `unread`."""
    unread = b""
    while data := receiver.recv(4096):
        *whole, unread = (unread + data).split(b"\n")
        yield from (line.decode() for line in whole)
# ANCHOR_END: newline


# ANCHOR: length
def receive_exactly(receiver, count):
    received = bytearray()
    while len(received) < count:
        data = receiver.recv(count - len(received))
        if not data:
            raise EOFError("the stream ended inside a message")
        received += data
    return bytes(received)


def receive_message(receiver, limit=64 * 1024):
    [length] = struct.unpack("!I", receive_exactly(receiver, 4))
    if length > limit:
        raise ValueError(f"a message of {length} bytes is more than this reader takes")
    return receive_exactly(receiver, length).decode()
# ANCHOR_END: length


def length_framing(sender, receiver):
    for message in ["two\nlines", "bye"]:
        payload = message.encode()
        sender.sendall(struct.pack("!I", len(payload)) + payload)
    print("lengths, joined:       ", [receive_message(receiver) for _ in range(2)])
    sender.sendall(b"GET ")  # another protocol: the first four bytes of HTTP
    try:
        receive_message(receiver)
    except ValueError as error:
        print("a length not believed: ", error)


def newline_framing(sender, receiver):
    stream = "".join(message + "\n" for message in ["hello", "你好", "bye"]).encode()
    for byte in stream:  # as badly cut as it can be
        sender.sendall(bytes([byte]))
    sender.shutdown(socket.SHUT_WR)
    print("lines, byte by byte:   ", list(lines(receiver)))


# ANCHOR: json
def json_framing():
    """JSON tells by itself where a value ends. This parser starts from the value's beginning each time."""
    unread = '{"text":"see you"}{"text":"bye"}{"te'
    while True:
        try:
            value, end = json.JSONDecoder().raw_decode(unread)
        except ValueError:
            break
        print("an object:             ", value, "- then", unread[end:])
        unread = unread[end:]
# ANCHOR_END: json


sender, receiver = connection()
with sender, receiver:
    joined(sender, receiver)
    cut_in_a_character(sender, receiver)
    length_framing(sender, receiver)
    newline_framing(sender, receiver)  # up to the end of the stream
json_framing()

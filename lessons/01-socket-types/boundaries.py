# Chapter 1: two sends over a stream, and the same two as datagrams. What does the other end get?
import socket


# ANCHOR: stream
def over_a_stream():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = socket.create_connection(listener.getsockname())
        receiver, _ = listener.accept()
    with sender, receiver:
        sender.send(b"hello")
        sender.send(b"world")
        print("stream:    ", receiver.recv(8, socket.MSG_WAITALL))
        print("           ", receiver.recv(2, socket.MSG_WAITALL))
# ANCHOR_END: stream


# ANCHOR: datagrams
def as_datagrams():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        sender.sendto(b"hello", receiver.getsockname())
        sender.sendto(b"world", receiver.getsockname())
        print("datagrams: ", receiver.recv(8))
        print("           ", receiver.recv(8))
# ANCHOR_END: datagrams


over_a_stream()
as_datagrams()

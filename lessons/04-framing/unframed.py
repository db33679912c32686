"""What unframed messages come to: JSON objects, each sent by itself, to a reader that parses what one recv brings.

Beside it a reader of lines is sent the same objects, each ended by a newline. Both ends take turns on one thread, so
that it happens every time. With two programs it happens whenever the reader is late.
"""

import json
import socket


def connection():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = socket.create_connection(listener.getsockname())
        receiver, _ = listener.accept()
    sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sender, receiver


# ANCHOR: readers
class OneRecvOneMessage:
    end = b""

    def messages_in(self, data):
        yield data


class Lines:
    end = b"\n"
    unread = b""

    def messages_in(self, data):
        *whole, self.unread = (self.unread + data).split(b"\n")
        yield from whole


def read_turn(receiver, reader, due):
    """Reads the `due` bytes that were sent: how many messages were understood, and how many were not."""
    understood = not_json = 0
    while due > 0:
        data = receiver.recv(4096)
        due -= len(data)
        for message in reader.messages_in(data):
            try:
                json.loads(message)
                understood += 1
            except ValueError:
                not_json += 1
    return understood, not_json
# ANCHOR_END: readers


def chat(size):
    """A chat message of so many bytes, its end not counted."""
    empty = json.dumps({"type": "chat", "content": ""})
    return json.dumps({"type": "chat", "content": "x" * (size - len(empty))}).encode()


def deliver(turns, reader):
    """Sends the messages of each turn, then lets the reader read. What it understood in all."""
    sender, receiver = connection()
    with sender, receiver:
        understood = not_json = 0
        for messages in turns:
            for message in messages:
                sender.sendall(message + reader.end)
            due = sum(len(message + reader.end) for message in messages)
            ok, bad = read_turn(receiver, reader, due)
            understood, not_json = understood + ok, not_json + bad
    return understood, not_json


def main():
    small = chat(60)
    cases = {
        "5 messages, each read before the next": [[small]] * 5,
        "5 messages, then the reader's turn": [[small] * 5],
        "1 message of 4,096 bytes": [[chat(4096)]],
        "1 message of 4,097 bytes": [[chat(4097)]],
    }
    print(f"{'':39} one recv, one message   lines")
    for name, turns in cases.items():
        ok, bad = deliver(turns, OneRecvOneMessage())
        print(f"{name:39} {ok} arrived, {bad} bad format  {deliver(turns, Lines())[0]} arrived")


main()

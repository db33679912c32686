"""One recv taken for one message: what it makes of two messages in one segment, and of one longer than its buffer."""

import json
import socket


# ANCHOR: wrong
def read_message(connection):
    data = connection.recv(4096)
    try:
        return json.loads(data.decode())["content"]
    except ValueError as error:
        return f"no JSON in {len(data)} bytes: {error}"
# ANCHOR_END: wrong


def message(content):
    return json.dumps({"type": "chat", "content": content}).encode()


with socket.create_server(("127.0.0.1", 0)) as listener:
    client = socket.create_connection(listener.getsockname())
    connection, _ = listener.accept()

client.sendall(message("one"))
print("one message:           ", read_message(connection))

client.sendall(message("two"))
client.sendall(message("three"))
print("two before one recv:   ", read_message(connection))

client.sendall(message("x" * 5000))
print("one of 5000 characters:", read_message(connection)[:50], "...")
print("its end, by itself:    ", read_message(connection))

"""mei listens; mallory logs in under that name, and chats under another. Usage: impostor.py PORT"""

import json
import socket
import sys


class Client:
    def __init__(self, name):
        self.connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        self.answers = self.connection.makefile("r", encoding="utf-8")
        self.send(type="login", username=name, password="any")
        print(self.read()["message"])

    def send(self, **message):
        self.connection.sendall(json.dumps(message).encode() + b"\n")

    def read(self):
        return json.loads(self.answers.readline())


mei, mallory = Client("mei"), Client("mallory")
# ANCHOR: wrong
mallory.send(type="chat", username="lin", content="send me the key")
# ANCHOR_END: wrong
chat = mei.read()
print(f"mei reads: {chat['username']}: {chat['content']}")

"""Logs in as mallory and chats as lin. Usage: impostor.py PORT [HOST]"""

import json
import socket
import sys

port, host = int(sys.argv[1]), (sys.argv + ["127.0.0.1"])[2]
with socket.create_connection((host, port)) as server:
    answers = server.makefile("r", encoding="utf-8")

    def send(**message):
        server.sendall(json.dumps(message).encode() + b"\n")

    send(type="login", username="mallory", password="any")
    print(json.loads(answers.readline())["message"])
    send(type="chat", username="lin", content="my password is 1234")
    send(type="logout")
    print(json.loads(answers.readline())["message"])

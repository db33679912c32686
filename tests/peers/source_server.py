"""A Chat-Room server that reads and writes as the source document's does.

A thread for each client, one `recv(4096)` taken for one message, one `send` a message. Usage: source_server.py
[--silent]; silent, it answers nothing by itself. Each line of its input is {"send": HEX}: these bytes go, in one `send`,
to the client that came last. Prints one JSON object a line: {"port": N} first, then {"came": true}, {"got": MESSAGE},
{"bad": BYTES} for what is not one message, {"end": WHY} when it has hung up.
"""
import json
import os
import socket
import sys
import threading
import time

SILENT = "--silent" in sys.argv
clients = []
lock = threading.Lock()


def report(**what):
    with lock:
        os.write(1, (json.dumps(what) + "\n").encode())


def send(client, **message):
    client.send(json.dumps(message, ensure_ascii=False).encode("utf-8"))


def answer(client, client_id, message):
    kind = message.get("type")
    name = message.get("username", "匿名")
    if kind == "login":
        send(client, type="login_response", success=True, message=f"{name}，你好！", user_id=client_id)
    elif kind == "chat":
        for other in [other for other in clients if other is not client]:
            send(other, type="chat_message", username=name, content=message["content"], timestamp=time.time())
    elif kind == "logout":
        send(client, type="logout_response", success=True, message=f"{name}，再会！")
        return False
    else:
        send(client, type="error", message=f"不认识的消息: {kind}")
    return True


def serve(client, client_id):
    while True:
        try:
            data = client.recv(4096)
        except OSError as error:
            return error.strerror
        if not data:
            return "closed"
        try:
            message = json.loads(data.decode("utf-8"))
        except ValueError:
            report(bad=data.decode("latin-1"))
            continue
        report(got=message)
        if not SILENT and not answer(client, client_id, message):
            return "logged out"


def serve_to_the_end(client, address):
    end = serve(client, f"{address[0]}:{address[1]}:{int(time.time())}")
    clients.remove(client)
    client.close()
    report(end=end)


def accept(listener):
    while True:
        client, address = listener.accept()
        clients.append(client)
        report(came=True)
        threading.Thread(target=serve_to_the_end, args=(client, address), daemon=True).start()


def main():
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(5)
    report(port=listener.getsockname()[1])
    threading.Thread(target=accept, args=(listener,), daemon=True).start()
    for line in sys.stdin.buffer:
        clients[-1].send(bytes.fromhex(json.loads(line)["send"]))


main()

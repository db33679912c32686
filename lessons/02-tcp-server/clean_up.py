"""A clean-up that never runs: the function it relies on for the error has already swallowed it."""

import socket


def send_quietly(connection, line):
    try:
        connection.sendall(line)
    except OSError as error:
        print(f"  (logged and forgotten: {error.strerror})")


# ANCHOR: wrong
def broadcast(clients, line, send):
    gone = []
    for name, connection in clients.items():
        try:
            send(connection, line)
        except OSError:
            gone.append(name)
    for name in gone:
        clients.pop(name).close()
# ANCHOR_END: wrong


def try_it(title, send):
    print(title)
    clients, others = {}, {}
    for name in ["lin", "mei"]:
        clients[name], others[name] = socket.socketpair()  # two connected sockets
    others["mei"].close()
    for _ in range(3):
        broadcast(clients, b"hello\n", send)
    print("  in the room after three broadcasts:", ", ".join(clients))


try_it("send swallows the error:", send_quietly)
try_it("send lets it through:", socket.socket.sendall)

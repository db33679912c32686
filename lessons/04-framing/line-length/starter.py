"""line-length: is to answer each line with its length in characters. So far it takes what comes first, and hangs up."""

import os
import socket
import sys
import threading


def main():
    address = (os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"]))
    with socket.create_server(address, backlog=1024) as listener:  # sets SO_REUSEADDR, too
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=[connection], daemon=True).start()


def serve(connection):
    with connection:
        try:
            answer_lines(connection)
        except OSError:
            pass  # this client is gone: the others must not notice


def answer_lines(connection):
    data = connection.recv(65536)
    # Your turn: these bytes may be a part of a line, or several lines and a part of one. Keep what is not whole yet,
    # answer each line when its newline has come, and go on until the client's end of file.
    # Your turn: a line of more than 1 MiB ends the connection, and the answers before it must arrive.
    print(f"line-length: {len(data)} bytes came, {data.count(10)} of them newlines: no answer yet", file=sys.stderr)


main()

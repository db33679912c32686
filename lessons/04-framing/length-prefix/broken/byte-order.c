/* Mistake: byte-order. Reads and writes the length in the order of this machine, not of the network. */

#include <netdb.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT (16 * 1024 * 1024) /* bytes in one payload */

static int listen_as_told(void)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *address;
    int error = getaddrinfo(getenv("SOCKLAB_HOST"), getenv("SOCKLAB_PORT"), &hints, &address);
    if (error != 0) {
        fprintf(stderr, "getaddrinfo: %s\n", gai_strerror(error));
        exit(1);
    }
    int listener = socket(address->ai_family, address->ai_socktype, 0);
    int on = 1;
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0
        || bind(listener, address->ai_addr, address->ai_addrlen) < 0 || listen(listener, 1024) < 0) {
        perror("listen");
        exit(1);
    }
    freeaddrinfo(address);
    return listener;
}

/* 0, or -1 when the stream ended or broke before so many bytes had come. */
static int receive_exactly(int connection, void *into, size_t count)
{
    for (char *at = into; count > 0;) {
        ssize_t received = recv(connection, at, count, 0);
        if (received <= 0)
            return -1;
        at += received;
        count -= (size_t)received;
    }
    return 0;
}

static int send_all(int connection, const void *from, size_t count)
{
    for (const char *at = from; count > 0;) {
        ssize_t sent = send(connection, at, count, MSG_NOSIGNAL);
        if (sent < 0)
            return -1;
        at += sent;
        count -= (size_t)sent;
    }
    return 0;
}

static void reverse(char *bytes, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        char first = bytes[i];
        bytes[i] = bytes[count - 1 - i];
        bytes[count - 1 - i] = first;
    }
}

// ANCHOR: wrong
static void answer_messages(int connection, char *message)
{
    uint32_t length;
    while (receive_exactly(connection, &length, sizeof length) == 0) {
        if (length > LIMIT)
            return;
        char *payload = message + sizeof length;
        if (receive_exactly(connection, payload, length) < 0)
            return;
        reverse(payload, length);
        memcpy(message, &length, sizeof length);
        if (send_all(connection, message, sizeof length + length) < 0)
            return;
    }
}
// ANCHOR_END: wrong

int main(void)
{
    int listener = listen_as_told();
    signal(SIGCHLD, SIG_IGN); /* nobody waits for the children */
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0) {
            perror("accept");
            return 1;
        }
        if (fork() == 0) {
            close(listener);
            char *message = malloc(sizeof(uint32_t) + LIMIT);
            if (message != NULL)
                answer_messages(connection, message);
            _exit(0);
        }
        close(connection);
    }
}

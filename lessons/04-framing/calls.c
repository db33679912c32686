/* Framing: the same messages, taken apart wrongly and rightly. Both ends are in this program, on one thread. */

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LIMIT = 64 * 1024 }; /* bytes in one message */

static int sender, receiver;

/* The result of a call, which must not be -1. */
static ssize_t checked(const char *call, ssize_t result)
{
    if (result == -1) {
        perror(call);
        exit(1);
    }
    return result;
}

/* Both ends of a TCP connection on this machine. */
static void connect_both(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = checked("socket", socket(AF_INET, SOCK_STREAM, 0)), on = 1;
    checked("bind", bind(listener, (struct sockaddr *)&address, size));
    checked("listen", listen(listener, 1));
    checked("getsockname", getsockname(listener, (struct sockaddr *)&address, &size));
    sender = checked("socket", socket(AF_INET, SOCK_STREAM, 0));
    checked("connect", connect(sender, (struct sockaddr *)&address, size));
    checked("setsockopt", setsockopt(sender, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    receiver = checked("accept", accept(listener, NULL, NULL));
    close(listener);
}

static void send_all(const void *from, size_t count)
{
    for (const char *at = from; count > 0;) {
        ssize_t sent = checked("send", send(sender, at, count, MSG_NOSIGNAL));
        at += sent;
        count -= sent;
    }
}

// ANCHOR: joined
static void joined(void)
{
    char buffer[4096];
    send_all("see you", 7);
    send_all("bye", 3);
    ssize_t received = checked("recv", recv(receiver, buffer, sizeof buffer, 0));
    printf("two sends, one recv:    %.*s\n", (int)received, buffer);
}
// ANCHOR_END: joined

// ANCHOR: newline
/* Prints each line when it is whole; what is left of the next one stays at the buffer's beginning. */
static void print_lines(void)
{
    static char unread[LIMIT];
    size_t held = 0;
    while (held < LIMIT) { /* a longer line is not waited for */
        ssize_t received = checked("recv", recv(receiver, unread + held, LIMIT - held, 0));
        if (received == 0)
            return;
        held += received;
        char *newline;
        while ((newline = memchr(unread, '\n', held)) != NULL) {
            size_t line = newline - unread;
            printf("a line:                 %.*s\n", (int)line, unread);
            held -= line + 1;
            memmove(unread, newline + 1, held);
        }
    }
}
// ANCHOR_END: newline

// ANCHOR: length
/* 0 when the stream ends before so many bytes have come. */
static int receive_exactly(void *into, size_t count)
{
    for (char *at = into; count > 0;) {
        ssize_t received = checked("recv", recv(receiver, at, count, 0));
        if (received == 0)
            return 0;
        at += received;
        count -= received;
    }
    return 1;
}

static void send_message(const char *text)
{
    uint32_t length = htonl(strlen(text)); /* host to network order, long */
    send_all(&length, sizeof length);
    send_all(text, strlen(text));
}

static void print_message(void)
{
    static char payload[LIMIT];
    uint32_t length;
    if (!receive_exactly(&length, sizeof length))
        return;
    printf("read as it is here:     %u\n", length);
    length = ntohl(length); /* network to host order, long */
    if (length > LIMIT || !receive_exactly(payload, length))
        return;
    printf("a message of %u bytes:   %.*s\n", length, (int)length, payload);
}
// ANCHOR_END: length

int main(void)
{
    connect_both();
    joined();
    send_message("bye");
    print_message();
    const char *stream = "hello\n你好\nbye\n";
    for (size_t i = 0; i < strlen(stream); i++) /* as badly cut as it can be */
        send_all(stream + i, 1);
    checked("shutdown", shutdown(sender, SHUT_WR));
    print_lines();
    close(sender);
    close(receiver);
}

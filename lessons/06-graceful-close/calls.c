/* The calls of `socklab graceful-close`, in C: both ends of a connection in one program, closed in three ways. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct connection { int listener, client, server; struct sockaddr_in address; };

static int must(const char *call, int result)
{
    if (result < 0) { perror(call); exit(1); }
    return result;
}

static void set(int fd, int option, const void *value, socklen_t size)
{
    must("setsockopt", setsockopt(fd, SOL_SOCKET, option, value, size));
}

// ANCHOR: connection
/* A listening socket, and the two ends of a connection to it. */
static struct connection make(void)
{
    struct connection c = { .address.sin_family = AF_INET };
    struct sockaddr *address = (struct sockaddr *)&c.address;
    socklen_t size = sizeof c.address;
    int on = 1;
    c.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    c.listener = must("socket", socket(AF_INET, SOCK_STREAM, 0));
    set(c.listener, SO_REUSEADDR, &on, sizeof on);
    must("bind", bind(c.listener, address, size));
    must("listen", listen(c.listener, 1));
    must("getsockname", getsockname(c.listener, address, &size));
    c.client = must("socket", socket(AF_INET, SOCK_STREAM, 0));
    must("connect", connect(c.client, address, size));
    c.server = must("accept", accept(c.listener, NULL, NULL));
    return c;
}
// ANCHOR_END: connection

static void send_text(int fd, const char *text)
{
    /* MSG_NOSIGNAL: an error, and not SIGPIPE, when the peer is gone. So few bytes are taken whole. */
    must("send", send(fd, text, strlen(text), MSG_NOSIGNAL));
}

// ANCHOR: drain
/* Receives until no more comes. Says how many bytes, and how it ended. */
static void drain(const char *who, int fd)
{
    char buffer[1024];
    struct timeval limit = { .tv_sec = 10 };    /* no wait without a limit */
    ssize_t count, sum = 0;
    set(fd, SO_RCVTIMEO, &limit, sizeof limit);
    while ((count = recv(fd, buffer, sizeof buffer, 0)) > 0)
        sum += count;
    if (count < 0 && errno != ECONNRESET)
        must("recv", -1);
    printf("  the %s received %zd bytes, then %s\n", who, sum,
           count == 0 ? "the end of file" : "a reset: ECONNRESET");
}
// ANCHOR_END: drain

// ANCHOR: graceful
static void graceful(void)
{
    struct connection c = make();
    send_text(c.client, "that is all");
    must("shutdown", shutdown(c.client, SHUT_WR));          /* FIN: I send no more */
    drain("server", c.server);
    send_text(c.server, "I have it all. Goodbye!");
    must("close", close(c.server));                         /* FIN: nor do I */
    drain("client", c.client);
    must("close", close(c.client));
    must("close", close(c.listener));
}
// ANCHOR_END: graceful

// ANCHOR: abrupt
static void abrupt(void)
{
    struct connection c = make();
    struct linger now = { .l_onoff = 1, .l_linger = 0 };    /* on, zero seconds */
    send_text(c.client, "that is all");
    set(c.client, SO_LINGER, &now, sizeof now);
    must("close", close(c.client));                         /* RST */
    drain("server", c.server);
    must("close", close(c.server));
    must("close", close(c.listener));
}
// ANCHOR_END: abrupt

// ANCHOR: unread
static void unread(void)
{
    struct connection c = make();
    send_text(c.client, "a question that nobody reads");
    send_text(c.server, "an answer");
    must("close", close(c.server));                         /* RST: 28 bytes were not read */
    drain("client", c.client);
    must("close", close(c.client));
    must("close", close(c.listener));
}
// ANCHOR_END: unread

// ANCHOR: again
static void again(void)
{
    struct connection c = make();
    must("close", close(c.server));     /* the server ends first, so TIME_WAIT is on its side */
    drain("client", c.client);
    must("close", close(c.client));
    must("close", close(c.listener));
    for (int reuse = 0; reuse <= 1; reuse++) {
        int new = must("socket", socket(AF_INET, SOCK_STREAM, 0));
        set(new, SO_REUSEADDR, &reuse, sizeof reuse);
        int result = bind(new, (struct sockaddr *)&c.address, sizeof c.address);
        printf("  bind with SO_REUSEADDR %d: %s\n", reuse, result == 0 ? "bound" : strerror(errno));
        must("close", close(new));
    }
}
// ANCHOR_END: again

int main(void)
{
    puts("graceful"); graceful();
    puts("abrupt"); abrupt();
    puts("unread"); unread();
    puts("again"); again();
}

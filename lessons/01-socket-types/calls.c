/* Chapter 1: makes a socket of each type and asks the kernel what it made. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// ANCHOR: read-back
/* One number that the kernel keeps about the socket. */
static int option(int fd, int name)
{
    int value = 0;
    socklen_t length = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, name, &value, &length) == -1) {
        perror("getsockopt");
        exit(1);
    }
    return value;
}

/* What the kernel says the socket is, and what it was given by default. */
static void read_back(int fd)
{
    printf("  domain        %d (AF_INET is %d)\n", option(fd, SO_DOMAIN), AF_INET);
    printf("  type          %d\n", option(fd, SO_TYPE));
    printf("  protocol      %d\n", option(fd, SO_PROTOCOL));
    printf("  SO_RCVBUF     %d\n", option(fd, SO_RCVBUF));
    printf("  SO_SNDBUF     %d\n", option(fd, SO_SNDBUF));
    printf("  SO_REUSEADDR  %d\n", option(fd, SO_REUSEADDR));
}
// ANCHOR_END: read-back

// ANCHOR: make
static void show(const char *name, int type, int protocol)
{
    puts(name);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, protocol);
    if (fd == -1 && errno == EPERM) {
        printf("  refused: %s\n", strerror(errno));
        puts("  missing: CAP_NET_RAW, the capability for raw sockets");
        return;
    }
    if (fd == -1) {
        perror("socket");
        exit(1);
    }
    read_back(fd);
    close(fd);
}

int main(void)
{
    show("stream", SOCK_STREAM, IPPROTO_TCP);
    show("datagram", SOCK_DGRAM, IPPROTO_UDP);
    show("raw", SOCK_RAW, IPPROTO_ICMP);
}
// ANCHOR_END: make

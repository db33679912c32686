/* The calls of UDP, in C. Both ends are here, on one thread: what is sent waits in the receiver's queue. */

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* On loopback a datagram, or the word that nobody is there, takes microseconds. */
static const struct timeval limit = {.tv_usec = 300000};

static void die(const char *call) { perror(call); exit(1); }

static void limit_receiving(int fd) {
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0) die("setsockopt");
}

static void send_to(int fd, const char *text, const struct sockaddr_in *to) {
    if (sendto(fd, text, strlen(text), 0, (const struct sockaddr *)to, sizeof *to) < 0) die("sendto");
}

// ANCHOR: boundaries
/* Three sends, three receives: what was sent together comes together, and nothing else. */
static void boundaries(int sender, int receiver, const struct sockaddr_in *address) {
    char buffer[65536];
    const char *texts[] = {"one", "", "three"};
    for (int i = 0; i < 3; i++) send_to(sender, texts[i], address);
    for (int i = 0; i < 3; i++) {
        ssize_t count = recvfrom(receiver, buffer, sizeof buffer, 0, NULL, NULL);
        if (count < 0) die("recvfrom");
        printf("received %zd bytes: \"%.*s\"\n", count, (int)count, buffer);
    }
}
// ANCHOR_END: boundaries

// ANCHOR: truncation
/* What finds no room is lost. recvfrom does not tell; recvmsg does, by MSG_TRUNC among its flags. */
static void truncation(int sender, int receiver, const struct sockaddr_in *address) {
    char buffer[8];
    send_to(sender, "abcdefghijklmnopqrstuvwxyz", address);
    send_to(sender, "next", address);
    for (int i = 0; i < 2; i++) {
        struct iovec room = {buffer, sizeof buffer};
        struct msghdr message = {.msg_iov = &room, .msg_iovlen = 1};
        ssize_t count = recvmsg(receiver, &message, 0);
        if (count < 0) die("recvmsg");
        const char *cut = message.msg_flags & MSG_TRUNC ? "cut" : "whole";
        printf("received %zd bytes, %s: \"%.*s\"\n", count, cut, (int)count, buffer);
    }
}
// ANCHOR_END: truncation

// ANCHOR: heartbeat
/* A gap in the numbers tells of a loss, the time-out of silence. UDP itself tells of neither. */
static void heartbeat(int sender, int receiver, const struct sockaddr_in *address) {
    const char *beats[] = {"beat mei 1", "beat mei 2", "beat mei 4"};
    for (int i = 0; i < 3; i++) send_to(sender, beats[i], address);
    int newest = 0, seq;
    char buffer[65536 + 1];
    ssize_t count;
    while ((count = recvfrom(receiver, buffer, sizeof buffer - 1, 0, NULL, NULL)) >= 0) {
        buffer[count] = '\0';
        if (sscanf(buffer, "beat mei %d", &seq) != 1) continue;
        if (seq > newest + 1) printf("lost %d\n", seq - newest - 1);
        if (seq > newest) newest = seq; /* a late beat is no news */
    }
    if (errno != EAGAIN) die("recvfrom");
    printf("silent since beat %d\n", newest);
}
// ANCHOR_END: heartbeat

// ANCHOR: refusal
/* Nobody receives there any more. Only a socket with a peer is told so, and only by its next call. */
static void refusal(int sender, const struct sockaddr_in *address) {
    char buffer[64];
    limit_receiving(sender);
    send_to(sender, "hello", address);
    if (recv(sender, buffer, sizeof buffer, 0) < 0 && errno == EAGAIN)
        printf("without a peer: no answer, no error\n");
    /* Nothing is sent by this connect: it only fixes the peer. */
    if (connect(sender, (const struct sockaddr *)address, sizeof *address) < 0) die("connect");
    if (send(sender, "hello", 5, 0) < 0) die("send");
    if (recv(sender, buffer, sizeof buffer, 0) < 0) printf("with a peer: %s\n", strerror(errno));
}
// ANCHOR_END: refusal

int main(void) {
    // ANCHOR: open
    int receiver = socket(AF_INET, SOCK_DGRAM, 0);
    if (receiver < 0) die("socket");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    /* No listen, no accept: it can receive now. */
    if (bind(receiver, (struct sockaddr *)&address, length) < 0) die("bind");
    limit_receiving(receiver);
    if (getsockname(receiver, (struct sockaddr *)&address, &length) < 0) die("getsockname");
    int sender = socket(AF_INET, SOCK_DGRAM, 0); /* bound to a free port by its first sendto */
    if (sender < 0) die("socket");
    // ANCHOR_END: open
    boundaries(sender, receiver, &address);
    truncation(sender, receiver, &address);
    heartbeat(sender, receiver, &address);
    close(receiver);
    refusal(sender, &address);
    close(sender);
}

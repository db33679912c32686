/* Chapter 8: one ICMP echo request, built byte by byte, to 127.0.0.1; and its answer, taken apart. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ECHO_REPLY = 0, ECHO_REQUEST = 8, HEADER = 8, LENGTH = 16 };
static const char PAYLOAD[] = "socklab!";

static void give_up(const char *call)
{
    perror(call);
    exit(1);
}

// ANCHOR: open
static int open_raw(void)
{
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    if (fd == -1 && errno == EPERM) {
        fprintf(stderr, "no raw socket: %s. Missing: the capability CAP_NET_RAW (sudo has it)\n",
                strerror(errno));
        exit(1);
    }
    if (fd == -1)
        give_up("socket");
    return fd;
}
// ANCHOR_END: open

// ANCHOR: checksum
/* The internet checksum (RFC 1071); 0 when data already holds the one that fits. */
static uint16_t checksum(const unsigned char *data, size_t length)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i += 2)
        sum += (uint32_t)data[i] << 8 | (i + 1 < length ? data[i + 1] : 0);
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16); /* bring the carry round */
    return (uint16_t)~sum;
}
// ANCHOR_END: checksum

// ANCHOR: build
/* Two bytes, the high one first: network byte order. */
static void put16(unsigned char *at, uint16_t value)
{
    uint16_t in_network_order = htons(value);
    memcpy(at, &in_network_order, 2);
}

static uint16_t get16(const unsigned char *at)
{
    uint16_t in_network_order;
    memcpy(&in_network_order, at, 2);
    return ntohs(in_network_order);
}

static void build(unsigned char request[LENGTH], uint16_t identifier, uint16_t sequence)
{
    request[0] = ECHO_REQUEST;
    request[1] = 0;         /* code */
    put16(request + 2, 0);  /* checksum: not yet */
    put16(request + 4, identifier);
    put16(request + 6, sequence);
    memcpy(request + HEADER, PAYLOAD, LENGTH - HEADER);
    put16(request + 2, checksum(request, LENGTH));
}
// ANCHOR_END: build

// ANCHOR: read
/* Whether packet, an IPv4 header and what follows, answers the request. */
static int answers(const unsigned char *packet, size_t length, const unsigned char *request)
{
    size_t header = (packet[0] & 0x0f) * 4; /* words of 4 bytes */
    if (length < header + HEADER || checksum(packet + header, length - header) != 0)
        return 0;
    const unsigned char *message = packet + header;
    printf("  type %d, code %d, sequence %d\n", message[0], message[1], get16(message + 6));
    return message[0] == ECHO_REPLY && length - header == LENGTH &&
           memcmp(message + 4, request + 4, LENGTH - 4) == 0; /* identifier, sequence, payload */
}
// ANCHOR_END: read

// ANCHOR: exchange
int main(void)
{
    int fd = open_raw();
    struct timeval limit = {.tv_sec = 1};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == -1)
        give_up("setsockopt");
    struct sockaddr_in target = {.sin_family = AF_INET}; /* ICMP has no ports: 0 */
    inet_pton(AF_INET, "127.0.0.1", &target.sin_addr);

    unsigned char request[LENGTH], packet[1500];
    build(request, (uint16_t)getpid(), 1);
    if (sendto(fd, request, LENGTH, 0, (struct sockaddr *)&target, sizeof target) == -1)
        give_up("sendto");
    printf("sent %d bytes to 127.0.0.1\n", LENGTH);

    for (int tries = 0; tries < 100; tries++) {
        ssize_t length = recvfrom(fd, packet, sizeof packet, 0, NULL, NULL);
        if (length == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            fputs("no answer within 1 s\n", stderr);
            return 1;
        }
        if (length == -1)
            give_up("recvfrom");
        printf("received %zd bytes\n", length);
        if (answers(packet, (size_t)length, request)) {
            printf("  the answer; time to live %d\n", packet[8]);
            close(fd);
            return 0;
        }
    }
    fputs("only other people's ICMP\n", stderr);
    return 1;
}
// ANCHOR_END: exchange

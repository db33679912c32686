/* Mistake: byte-order. It writes the sequence number as the machine holds it, without htons: on most machines 1 leaves
 * as 256. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { ECHO_REPLY = 0, ECHO_REQUEST = 8, SEQUENCE = 1 };

struct echo {
    uint8_t type, code;
    uint16_t checksum, identifier, sequence;
    char payload[16];
};

/* The internet checksum (RFC 1071). Bytes or words, whichever order the machine has: the sum comes out in that order. */
static uint16_t checksum(const void *data, size_t length)
{
    const uint8_t *bytes = data;
    uint32_t sum = 0;
    for (; length > 1; length -= 2, bytes += 2) {
        uint16_t word;
        memcpy(&word, bytes, sizeof word);
        sum += word;
    }
    if (length == 1) {
        uint16_t word = 0;
        memcpy(&word, bytes, 1);
        sum += word;
    }
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* ANCHOR: wrong */
static struct echo request(void)
{
    struct echo echo = {.type = ECHO_REQUEST, .identifier = (uint16_t)getpid(), .sequence = SEQUENCE};
    memcpy(echo.payload, "socklab raw-ping", sizeof echo.payload);
    echo.checksum = checksum(&echo, sizeof echo);
    return echo;
}
/* ANCHOR_END: wrong */

/* Whether packet, an IPv4 header and what is behind it, holds the answer to our request. */
static int answers(const uint8_t *packet, size_t length, const struct echo *sent)
{
    size_t header = length > 0 ? (packet[0] & 0x0f) * 4u : 0;
    struct echo got;
    if (header < 20 || length != header + sizeof got)
        return 0;
    memcpy(&got, packet + header, sizeof got);
    return checksum(&got, sizeof got) == 0 && got.type == ECHO_REPLY && got.code == 0 &&
           got.identifier == sent->identifier && got.sequence == sent->sequence &&
           memcmp(got.payload, sent->payload, sizeof got.payload) == 0;
}

static long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

/* Whether the answer comes before the deadline. A raw socket receives everybody's ICMP, our own request too. */
static int wait_for_answer(int fd, struct in_addr host, const struct echo *sent, long deadline)
{
    static uint8_t packet[65535];
    for (;;) {
        long left = deadline - milliseconds();
        if (left <= 0)
            return 0;
        struct timeval limit = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        ssize_t count = recvfrom(fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &size);
        if (count < 0 && errno != EAGAIN && errno != EINTR) {
            perror("raw-ping: recvfrom");
            exit(1);
        }
        if (count > 0 && from.sin_addr.s_addr == host.s_addr && answers(packet, (size_t)count, sent))
            return 1;
    }
}

int main(void)
{
    const char *name = getenv("SOCKLAB_HOST"), *limit = getenv("SOCKLAB_TIMEOUT_MS");
    struct sockaddr_in host = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, name ? name : "127.0.0.1", &host.sin_addr) != 1) {
        fprintf(stderr, "raw-ping: SOCKLAB_HOST is no IPv4 address\n");
        return 1;
    }
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    if (fd < 0) {
        fprintf(stderr, "raw-ping: no raw socket: %s; missing is the capability CAP_NET_RAW\n", strerror(errno));
        return 1;
    }
    struct echo echo = request();
    long deadline = milliseconds() + (limit ? atol(limit) : 1000);
    if (sendto(fd, &echo, sizeof echo, 0, (struct sockaddr *)&host, sizeof host) < 0) {
        perror("raw-ping: sendto");
        return 1;
    }
    if (!wait_for_answer(fd, host.sin_addr, &echo, deadline)) {
        fprintf(stderr, "raw-ping: no answer\n");
        return 1;
    }
    printf("reply from %s: bytes=%zu seq=%d\n", inet_ntoa(host.sin_addr), sizeof echo.payload, SEQUENCE);
    return 0;
}

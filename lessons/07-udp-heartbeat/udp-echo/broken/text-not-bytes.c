// Mistake: text-not-bytes. It takes each datagram for a string, which ends at the first NUL: what comes after it is lost.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LARGEST 65536 /* no datagram is longer, so none is cut */

// ANCHOR: wrong
static int echo_one(int sock)
{
    char text[LARGEST + 1];
    struct sockaddr_in sender;
    socklen_t size = sizeof sender;
    ssize_t count = recvfrom(sock, text, LARGEST, 0, (struct sockaddr *)&sender, &size);
    if (count < 0)
        return -1;
    text[count] = '\0';
    if (sendto(sock, text, strlen(text), 0, (struct sockaddr *)&sender, size) < 0)
        perror("not sent back"); /* lost, as any datagram may be */
    return 0;
}
// ANCHOR_END: wrong

int main(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    here.sin_addr.s_addr = inet_addr(getenv("SOCKLAB_HOST"));
    here.sin_port = htons(atoi(getenv("SOCKLAB_PORT")));
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock < 0 || bind(sock, (struct sockaddr *)&here, sizeof here) < 0) {
        perror("socket, bind");
        return 1;
    }
    while (echo_one(sock) == 0)
        ;
    perror("recvfrom");
    return 1;
}

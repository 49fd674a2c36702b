/* The floor: what the system itself asks for a request, of one process with epoll, recv and send.
 *
 * floor PORT TABLE
 *
 * TABLE holds recorded answers, one after another: a line "case target length" and, behind it, as many bytes, which
 * are sent as they are. PUT /_case/<case> chooses the case of which answers are sent, as with the bare ASGI app.
 *
 * A connection has one buffer for what was received. Requests are taken from its front one by one, and the next is
 * looked at only when the answer before it was sent: so a request in pieces waits for its rest, pipelined requests
 * are answered in their order, and an answer that the socket does not take at once goes on with EPOLLOUT. A body has a
 * Content-Length (wrk sends no other); a head or body that does not fit into the buffer ends the connection.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 65536, EVENTS = 256 };

typedef struct {
    const char *group, *target, *bytes;
    size_t group_length, target_length, length;
} Answer;

typedef struct {
    int socket;
    int waits_to_send;
    size_t received;
    const char *rest; /* of the answer that is being sent */
    size_t rest_length;
    char buffer[BUFFER + 1];
} Connection;

static const char CHOOSE[] = "/_case/", DONE[] = "HTTP/1.1 204 No Content\r\n\r\n",
                  MISSING[] = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
static Answer *slots; /* an open hash table, at most half full */
static size_t slot_count;
static const char *chosen = "";
static size_t chosen_length;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static size_t hash(size_t seed, const char *text, size_t length) { /* FNV-1a */
    for (size_t at = 0; at < length; at++)
        seed = (seed ^ (unsigned char)text[at]) * 1099511628211u;
    return seed;
}

static Answer *slot_of(const char *group, size_t group_length, const char *target, size_t target_length) {
    size_t at = hash(hash(1469598103934665603u, group, group_length), target, target_length);
    for (;; at++) {
        Answer *found = &slots[at & (slot_count - 1)];
        if (!found->group || (found->group_length == group_length && found->target_length == target_length &&
                              !memcmp(found->group, group, group_length) &&
                              !memcmp(found->target, target, target_length)))
            return found;
    }
}

static char *read_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        fail(path);
    *length = ftell(file);
    rewind(file);
    char *text = malloc(*length + 1);
    if (!text || fread(text, 1, *length, file) != *length)
        fail(path);
    text[*length] = 0;
    fclose(file);
    return text;
}

/* Read the next answer and return what stands behind it, NULL at the end. */
static char *next_answer(char *text, char *end, Answer *answer) {
    char *first = memchr(text, ' ', end - text), *second = first ? memchr(first + 1, ' ', end - first - 1) : NULL,
         *bytes = second ? memchr(second, '\n', end - second) : NULL;
    if (!bytes)
        return NULL;
    *answer = (Answer){text, first + 1, bytes + 1, first - text, second - first - 1, strtoul(second + 1, NULL, 10)};
    return bytes + 1 + answer->length;
}

static void read_table(const char *path) {
    size_t length, count = 0;
    char *text = read_file(path, &length), *end = text + length;
    Answer answer;
    for (char *at = text; (at = next_answer(at, end, &answer));)
        count++;
    for (slot_count = 16; slot_count < 2 * count; slot_count *= 2) {}
    if (!(slots = calloc(slot_count, sizeof *slots)))
        fail("calloc");
    for (char *at = text; (at = next_answer(at, end, &answer));)
        *slot_of(answer.group, answer.group_length, answer.target, answer.target_length) = answer;
}

/* Choose a case if there is any answer of it. */
static int choose(const char *group, size_t length) {
    for (size_t at = 0; at < slot_count; at++)
        if (slots[at].group && slots[at].group_length == length && !memcmp(slots[at].group, group, length)) {
            chosen = slots[at].group;
            chosen_length = length;
            return 1;
        }
    return 0;
}

static void answer(Connection *connection, const char *target, size_t length) {
    const size_t prefix = sizeof CHOOSE - 1;
    Answer *found = slot_of(chosen, chosen_length, target, length);
    if (found->group) {
        connection->rest = found->bytes;
        connection->rest_length = found->length;
    } else if (length > prefix && !memcmp(target, CHOOSE, prefix) && choose(target + prefix, length - prefix)) {
        connection->rest = DONE;
        connection->rest_length = sizeof DONE - 1;
    } else {
        connection->rest = MISSING;
        connection->rest_length = sizeof MISSING - 1;
    }
}

/* Take one whole request from the front of the buffer; 0: it is not there yet, -1: it is none. */
static int take_request(Connection *connection) {
    char *begin = connection->buffer;
    begin[connection->received] = 0;
    char *end = memmem(begin, connection->received, "\r\n\r\n", 4);
    if (!end)
        return connection->received == BUFFER ? -1 : 0;
    size_t whole = end + 4 - begin;
    if (*begin == 'P') { /* POST and PUT */
        char *sized = strcasestr(begin, "\r\ncontent-length:");
        if (sized && sized < end)
            whole += strtoul(sized + 17, NULL, 10);
    }
    if (whole > BUFFER)
        return -1;
    if (whole > connection->received)
        return 0;
    char *target = memchr(begin, ' ', end - begin), *stop = target ? memchr(target + 1, ' ', end - target - 1) : NULL;
    if (!stop)
        return -1;
    answer(connection, target + 1, stop - target - 1);
    connection->received -= whole;
    memmove(begin, begin + whole, connection->received);
    return 1;
}

/* Send what is left of an answer; 0: the socket takes no more now, -1: it is broken. */
static int send_rest(Connection *connection) {
    while (connection->rest_length) {
        ssize_t sent = send(connection->socket, connection->rest, connection->rest_length, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN ? 0 : -1;
        connection->rest += sent;
        connection->rest_length -= sent;
    }
    return 1;
}

static void wait_for(int loop, Connection *connection, int waits_to_send) {
    if (connection->waits_to_send == waits_to_send)
        return;
    connection->waits_to_send = waits_to_send;
    struct epoll_event event = {.events = waits_to_send ? EPOLLOUT : EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(loop, EPOLL_CTL_MOD, connection->socket, &event))
        fail("epoll_ctl");
}

/* Answer all that was received; 0: the connection is over. */
static int work(int loop, Connection *connection) {
    if (!connection->rest_length) {
        ssize_t got = recv(connection->socket, connection->buffer + connection->received,
                           BUFFER - connection->received, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            return 0;
        connection->received += got > 0 ? got : 0;
    }
    for (;;) {
        int state = send_rest(connection);
        if (state <= 0) {
            wait_for(loop, connection, 1);
            return state == 0;
        }
        if ((state = take_request(connection)) <= 0) {
            wait_for(loop, connection, 0);
            return state == 0;
        }
    }
}

static void watch(int loop, int socket, void *about) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = about};
    if (epoll_ctl(loop, EPOLL_CTL_ADD, socket, &event))
        fail("epoll_ctl");
}

static void take_connection(int loop, int listener) {
    const int on = 1;
    int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    Connection *connection = socket < 0 ? NULL : calloc(1, sizeof *connection);
    if (!connection)
        return;
    connection->socket = socket;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(loop, socket, connection);
}

int main(int count, char **words) {
    if (count != 3)
        return 2;
    read_table(words[2]);
    const int on = 1, loop = epoll_create1(0), listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, SOMAXCONN))
        fail("listen");
    watch(loop, listener, NULL);
    struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(loop, events, EVENTS, -1);
        for (int at = 0; at < ready; at++) {
            Connection *connection = events[at].data.ptr;
            if (!connection)
                take_connection(loop, listener);
            else if (!work(loop, connection)) {
                close(connection->socket);
                free(connection);
            }
        }
    }
}

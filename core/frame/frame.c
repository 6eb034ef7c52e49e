/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/frame.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

enum {
    LENGTH_LEN = 4,                             /* the length does not count itself */
    LENGTH_MIN = FRAME_HEADER_LEN - LENGTH_LEN, /* no fields at all */
    VERSION_AT = 4,
    TYPE_AT = 5,
    RESERVED_AT = 6,
    INT_LEN = 8,
    RECEIVE_CHUNK = 16 * 1024
};

static void store_le(char *bytes, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(unsigned char)(value >> (8 * i));
}

static uint64_t load_le(const char *bytes, size_t len)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++)
        value |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
    return value;
}

/* A type is known when it stands in the enum; no default, so that the compiler names the
 * one that is forgotten here. */
static bool is_known(enum frame_type type)
{
    switch (type) {
    case FRAME_VM_LOAD:
    case FRAME_VM_START:
    case FRAME_VM_ANSWER:
    case FRAME_VM_DROP:
    case FRAME_VM_MATCH:
    case FRAME_VM_DATA:
    case FRAME_VM_CHECK:
    case FRAME_VM_ADAPTER:
    case FRAME_VM_ADAPT:
    case FRAME_VM_LOADED:
    case FRAME_VM_TURN:
    case FRAME_VM_MATCHED:
    case FRAME_VM_DATA_DONE:
    case FRAME_VM_CHECKED:
    case FRAME_VM_ADAPTED:
    case FRAME_HOST_LOAD:
    case FRAME_HOST_CALL:
    case FRAME_HOST_SAVED:
    case FRAME_HOST_CANCEL:
    case FRAME_HOST_READY:
    case FRAME_HOST_FAILED:
    case FRAME_HOST_DONE:
    case FRAME_HOST_PROGRESS:
    case FRAME_ASK:
    case FRAME_EVENT:
    case FRAME_REPLY:
    case FRAME_FRONT_SETUP:
    case FRAME_FRONT_EVENT:
    case FRAME_FRONT_REPLY:
    case FRAME_FRONT_STOP:
    case FRAME_FRONT_READY:
    case FRAME_FRONT_FAILED:
    case FRAME_FRONT_ASK:
    case FRAME_FRONT_DROP:
    case FRAME_FRONT_ALERT:
    case FRAME_FRONT_REFUSED: return true;
    }
    return false;
}

/* -- Writing -------------------------------------------------------------------------- */

void frame_begin(struct frame_writer *out, struct str *str, enum frame_type type)
{
    char header[FRAME_HEADER_LEN] = { 0 };

    assert(is_known(type));
    header[VERSION_AT] = FRAME_VERSION;
    header[TYPE_AT] = (char)(unsigned char)type;
    out->str = str;
    out->start = str->len;
    str_add(str, header, sizeof header);
}

void frame_add_int(struct frame_writer *out, int64_t value)
{
    char field[1 + INT_LEN] = { 'i' };

    store_le(field + 1, (uint64_t)value, INT_LEN);
    str_add(out->str, field, sizeof field);
}

void frame_add_span(struct frame_writer *out, struct span span)
{
    char lead[1 + LENGTH_LEN] = { 's' };

    assert(span.len <= FRAME_LEN_MAX);
    store_le(lead + 1, span.len, LENGTH_LEN);
    str_add(out->str, lead, sizeof lead);
    str_add_span(out->str, span);
}

void frame_add_text(struct frame_writer *out, const char *text)
{
    frame_add_span(out, span_of(text));
}

void frame_finish(struct frame_writer *out)
{
    size_t total = out->str->len - out->start;

    assert(total <= FRAME_LEN_MAX);
    store_le(out->str->ptr + out->start, total - LENGTH_LEN, LENGTH_LEN);
}

/* -- Reading -------------------------------------------------------------------------- */

/* Each part of the header is judged as soon as it is there: a stranger who sends four bad
 * bytes does not get to keep the connection while we wait for the rest. */
int frame_find(struct span bytes, enum frame_type *type, struct span *fields, size_t *total,
               struct err *err)
{
    if (bytes.len < LENGTH_LEN)
        return 0;
    size_t length = (size_t)load_le(bytes.ptr, LENGTH_LEN);
    if (length < LENGTH_MIN)
        return err_set(err, ERR_INVALID, "frame: length %zu is too short, want at least %d",
                       length, LENGTH_MIN);
    if (length > FRAME_LEN_MAX - LENGTH_LEN)
        return err_set(err, ERR_TOO_BIG,
                       "frame: length %zu, and with its length field a frame has at most "
                       "FRAME_LEN_MAX (%d) bytes",
                       length, FRAME_LEN_MAX);
    if (bytes.len < FRAME_HEADER_LEN)
        return 0;

    int version = (unsigned char)bytes.ptr[VERSION_AT];
    int number = (unsigned char)bytes.ptr[TYPE_AT];
    if (version != FRAME_VERSION)
        return err_set(err, ERR_VERSION, "frame: version %d, want %d", version,
                       FRAME_VERSION);
    if (!is_known((enum frame_type)number))
        return err_set(err, ERR_INVALID, "frame: type %d is none that we know", number);
    if (bytes.ptr[RESERVED_AT] != 0 || bytes.ptr[RESERVED_AT + 1] != 0)
        return err_set(err, ERR_INVALID, "frame: the reserved bytes are not zero");
    if (bytes.len < length + LENGTH_LEN)
        return 0;

    *type = (enum frame_type)number;
    *fields = (struct span){ bytes.ptr + FRAME_HEADER_LEN, length - LENGTH_MIN };
    *total = length + LENGTH_LEN;
    return 1;
}

void frame_read(struct frame_reader *in, struct span fields)
{
    in->rest = fields;
    in->is_bad = false;
}

/* The next len bytes, or NULL, and from then on NULL for ever. */
static const char *take(struct frame_reader *in, size_t len)
{
    const char *ptr = in->rest.ptr;

    if (in->is_bad || in->rest.len < len) {
        in->is_bad = true;
        return NULL;
    }
    in->rest.ptr += len;
    in->rest.len -= len;
    return ptr;
}

static bool take_tag(struct frame_reader *in, char tag)
{
    const char *ptr = take(in, 1);

    if (ptr != NULL && *ptr != tag)
        in->is_bad = true;
    return !in->is_bad;
}

int64_t frame_get_int(struct frame_reader *in)
{
    if (!take_tag(in, 'i'))
        return 0;
    const char *ptr = take(in, INT_LEN);
    return ptr == NULL ? 0 : (int64_t)load_le(ptr, INT_LEN);
}

struct span frame_get_span(struct frame_reader *in)
{
    if (!take_tag(in, 's'))
        return (struct span){ 0 };
    const char *lead = take(in, LENGTH_LEN);
    if (lead == NULL)
        return (struct span){ 0 };
    size_t len = (size_t)load_le(lead, LENGTH_LEN);
    const char *ptr = take(in, len);
    return ptr == NULL ? (struct span){ 0 } : (struct span){ ptr, len };
}

int frame_end(struct frame_reader *in, struct err *err)
{
    if (in->is_bad)
        return err_set(err, ERR_INVALID,
                       "frame: a field is missing, cut short or of another type");
    if (in->rest.len != 0)
        return err_set(err, ERR_INVALID, "frame: %zu bytes behind the last field",
                       in->rest.len);
    return 0;
}

/* -- Blocking transport --------------------------------------------------------------- */

/* Adds exactly len bytes to buf. Returns how many came before the end of file, or a
 * negative code. */
static int64_t receive(int fd, struct str *buf, size_t len, struct err *err)
{
    char chunk[RECEIVE_CHUNK];
    size_t have = 0;

    while (have < len) {
        size_t want = len - have < sizeof chunk ? len - have : sizeof chunk;
        ssize_t got = read(fd, chunk, want);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, ERR_IO, "receive a frame: %s", strerror(errno));
        if (got == 0)
            break;
        str_add(buf, chunk, (size_t)got);
        have += (size_t)got;
    }
    return (int64_t)have;
}

/* How long the frame is whose header stands in buf, or a negative code. */
static int64_t expected(const struct str *buf, struct err *err)
{
    enum frame_type type;
    struct span fields;
    size_t total;

    int found = frame_find(str_span(buf), &type, &fields, &total, err);
    if (found < 0)
        return found;
    return (int64_t)load_le(buf->ptr, LENGTH_LEN) + LENGTH_LEN;
}

int frame_receive(int fd, struct str *buf, enum frame_type *type, struct span *fields,
                  struct err *err)
{
    str_reset(buf);
    int64_t got = receive(fd, buf, FRAME_HEADER_LEN, err);
    if (got <= 0)
        return (int)got;
    if (got < FRAME_HEADER_LEN)
        return err_set(err, ERR_IO, "receive a frame: the other side closed in its header");

    int64_t len = expected(buf, err);
    if (len < 0)
        return (int)len;
    got = receive(fd, buf, (size_t)len - FRAME_HEADER_LEN, err);
    if (got < 0)
        return (int)got;
    if (got < len - FRAME_HEADER_LEN)
        return err_set(err, ERR_IO,
                       "receive a frame: the other side closed after %lld of %lld bytes",
                       (long long)got + FRAME_HEADER_LEN, (long long)len);
    size_t total;
    return frame_find(str_span(buf), type, fields, &total, err);
}

/* Adds what has come. Returns 1, 0 at end of file, or a negative code. */
static int read_more(struct frame_inbox *inbox, struct err *err)
{
    char chunk[RECEIVE_CHUNK];
    size_t rest = inbox->bytes.len - inbox->start;
    ssize_t got;

    if (inbox->start > 0)
        memmove(inbox->bytes.ptr, inbox->bytes.ptr + inbox->start, rest);
    inbox->bytes.len = rest;
    inbox->start = 0;
    do
        got = read(inbox->fd, chunk, sizeof chunk);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_set(err, ERR_IO, "receive a frame: %s", strerror(errno));
    if (got == 0 && rest > 0)
        return err_set(err, ERR_IO,
                       "receive a frame: the other side closed after %zu bytes", rest);
    str_add(&inbox->bytes, chunk, (size_t)got);
    return got > 0;
}

static struct span unread(const struct frame_inbox *inbox)
{
    struct span rest = str_span(&inbox->bytes);

    if (inbox->start > 0) { /* then there are bytes, and no offset of a null pointer */
        rest.ptr += inbox->start;
        rest.len -= inbox->start;
    }
    return rest;
}

int frame_next(struct frame_inbox *inbox, enum frame_type *type, struct span *fields,
               struct err *err)
{
    for (;;) {
        struct span rest = unread(inbox);
        size_t total = 0;
        int rc = rest.len > 0 ? frame_find(rest, type, fields, &total, err) : 0;

        if (rc == 1)
            inbox->start += total;
        if (rc != 0)
            return rc;
        rc = read_more(inbox, err);
        if (rc <= 0)
            return rc;
    }
}

int frame_send(int fd, struct span bytes, struct err *err)
{
    while (bytes.len > 0) {
        ssize_t sent = write(fd, bytes.ptr, bytes.len);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return err_set(err, ERR_IO, "send a frame: %s", strerror(errno));
        bytes.ptr += sent;
        bytes.len -= (size_t)sent;
    }
    return 0;
}

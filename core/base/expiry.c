/* SPDX-License-Identifier: Apache-2.0 */
#include "base/expiry.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/schema.h"

static const struct {
    const char *name, *schema;
} members[] = {
    { "expires", "{\"description\":\"for how long; then on_expire says what happens\","
                 "\"format\":\"period\",\"type\":\"string\"}" },
    { "on_expire",
      "{\"description\":\"when the time is over: release (the default), ask people, or "
      "extend by as long again\",\"enum\":[\"release\",\"ask\",\"extend\"],"
      "\"type\":\"string\"}" },
};
enum { MEMBERS = sizeof members / sizeof members[0] };

enum expiry expiry_of(struct span args)
{
    struct span word = json_get_raw(args, "on_expire");

    return span_is(word, "ask")      ? EXPIRY_ASK
           : span_is(word, "extend") ? EXPIRY_EXTEND
                                     : EXPIRY_RELEASE;
}

int64_t expiry_ms(struct span args)
{
    char *text = json_get_text(args, "expires");
    int64_t ms = 0;

    if (text != NULL &&
        !duration_parse(span_of(text), &ms)) /* of an old row: zero is never */
        ms = 0;
    free(text);
    return ms;
}

bool expiry_is_given(struct span args)
{
    return json_get(args, "expires").len > 0 || json_get(args, "on_expire").len > 0;
}

static void put_properties(struct json_out *out, struct span properties)
{
    struct span key, value;
    size_t pos = 0;

    json_open(out, '{');
    while (json_next(properties, &pos, &key, &value)) {
        json_key_span(out, key);
        json_raw_value(out, value);
    }
    for (int i = 0; i < MEMBERS; i++)
        if (json_get(properties, members[i].name).len == 0)
            json_put_raw(out, members[i].name, span_of(members[i].schema));
    json_close(out);
}

void expiry_add_schema(struct str *out, struct span schema)
{
    struct json_out json = { .str = out };
    struct span properties = json_get(schema, "properties"), key, value;
    size_t pos = 0;

    json_open(&json, '{');
    while (json_next(schema, &pos, &key, &value)) {
        if (span_is(key, "properties"))
            continue;
        json_key_span(&json, key);
        json_raw_value(&json, value);
    }
    json_key(&json, "properties");
    put_properties(&json, properties);
    json_close(&json);
}

static bool is_ours(struct span properties, struct span key)
{
    for (int i = 0; i < MEMBERS; i++)
        if (span_is(key, members[i].name))
            return json_get(properties, members[i].name).len == 0;
    return false;
}

void expiry_strip(struct str *out, struct span schema, struct span args)
{
    struct json_out json = { .str = out };
    struct span properties = json_get(schema, "properties"), key, value;
    size_t pos = 0;

    json_open(&json, '{');
    while (json_next(args, &pos, &key, &value)) {
        if (is_ours(properties, key))
            continue;
        json_key_span(&json, key);
        json_raw_value(&json, value);
    }
    json_close(&json);
}

int expiry_check(struct span args, struct err *err)
{
    if (json_get(args, "on_expire").len > 0 && json_get(args, "expires").len == 0)
        return err_set(err, ERR_INVALID,
                       "on_expire wants expires beside it: for how long is it?");
    return 0;
}

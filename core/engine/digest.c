/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/digest.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

void change_digest(const struct change_facts *facts, char *hex)
{
    struct hash_list list;
    struct hash state = hash_of(facts->found.ptr, facts->found.len);

    hash_list_init(&list,
                   facts->execute_ms > 0 ? "cordon.approval.v2" : "cordon.approval.v1");
    hash_list_add_int(&list, facts->run);
    hash_list_add_span(&list, facts->branch);
    hash_list_add_int(&list, facts->n);
    hash_list_add_int(&list, facts->is_undo);
    hash_list_add_span(&list, facts->plugin);
    hash_list_add_span(&list, facts->plugin_hash);
    hash_list_add_span(&list, facts->action);
    hash_list_add_span(&list, facts->args);
    hash_list_add_span(&list, facts->target);
    hash_list_add(&list, state.bytes, HASH_LEN);
    hash_list_add_span(&list, facts->wanted);
    hash_list_add_span(&list, facts->playbook_hash);
    hash_list_add_span(&list, facts->policy_hash);
    hash_list_add_span(&list, facts->by);
    hash_list_add_int(&list, facts->due_ms);
    if (facts->execute_ms > 0)
        hash_list_add_int(&list, facts->execute_ms);
    hash_hex(hash_list_end(&list), hex);
}

void gate_digest(struct span body, int64_t run, char *hex)
{
    struct hash_list list;
    struct span key, value;
    size_t pos = 0;

    hash_list_init(&list, "cordon.gate.v2");
    hash_list_add_int(&list, run);
    while (json_next(body, &pos, &key, &value)) {
        if (span_is(key, "digest"))
            continue;
        hash_list_add_span(&list, key);
        hash_list_add_span(&list, value);
    }
    hash_hex(hash_list_end(&list), hex);
}

static bool is_behind_digest(struct span key)
{
    size_t len = key.len < strlen("digest") ? key.len : strlen("digest");
    int order = memcmp(key.ptr, "digest", len);

    return order > 0 || (order == 0 && key.len > strlen("digest"));
}

void gate_put_digest(struct str *out, struct span body, const char *hex)
{
    struct json_out json = { .str = out };
    struct span key, value;
    size_t pos = 0;
    bool is_put = false;

    json_open(&json, '{');
    while (json_next(body, &pos, &key, &value)) {
        if (span_is(key, "digest"))
            continue;
        if (!is_put && is_behind_digest(key)) {
            json_put(&json, "digest", hex);
            is_put = true;
        }
        json_key_span(&json, key);
        json_raw_value(&json, value);
    }
    if (!is_put)
        json_put(&json, "digest", hex);
    json_close(&json);
}

static struct span until(struct span text, char end)
{
    const char *found = text.len > 0 ? memchr(text.ptr, end, text.len) : NULL;

    return found == NULL ? text : (struct span){ text.ptr, (size_t)(found - text.ptr) };
}

static struct span or_empty(struct span value)
{
    return json_kind(value) == JSON_NULL ? (struct span){ 0 } : value;
}

void gate_change_digest(struct span body, struct span change, int64_t run,
                        struct span playbook_hash, char *hex)
{
    struct span path = json_get_raw(change, "path");
    struct span action = json_get_raw(change, "action");
    char *target = json_get_text(change, "target"), *by = json_get_text(body, "by");
    struct change_facts facts = { .run = run,
                                  .branch = until(path, '/'),
                                  .is_undo = span_is(json_get_raw(change, "op"), "restore"),
                                  .plugin = until(action, '.'),
                                  .plugin_hash = json_get_raw(change, "plugin"),
                                  .action = action,
                                  .args = or_empty(json_get(change, "args")),
                                  .target = span_of(target),
                                  .found = or_empty(json_get(change, "state")),
                                  .wanted = or_empty(json_get(change, "after")),
                                  .playbook_hash = playbook_hash,
                                  .policy_hash = json_get_raw(body, "policy"),
                                  .by = span_of(by),
                                  .due_ms = json_get_int(body, "due", 0),
                                  .execute_ms = json_get_int(body, "execute", 0) };

    if (facts.branch.len < path.len)
        span_int((struct span){ path.ptr + facts.branch.len + 1,
                                path.len - facts.branch.len - 1 },
                 &facts.n);
    change_digest(&facts, hex);
    free(target);
    free(by);
}

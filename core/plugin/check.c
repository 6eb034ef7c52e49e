/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/check.h"

#include <string.h>

#include "base/err.h"
#include "base/expiry.h"
#include "base/json.h"
#include "base/schema.h"
#include "base/str.h"

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* How many bytes a word [a-z][a-z0-9_]* has at the start of text. */
static size_t word_len(const char *text)
{
    size_t len = 0;

    if (!is_lower(*text))
        return 0;
    while (is_lower(text[len]) || is_digit(text[len]) || text[len] == '_')
        len++;
    return len;
}

/* There, on one line, and of a length that people read. */
static bool is_line(const char *text)
{
    if (!text)
        return false;
    size_t len = strnlen(text, CHECK_TEXT_MAX + 1);
    return len > 0 && len <= CHECK_TEXT_MAX && strcspn(text, "\r\n") == len;
}

static bool is_version(const char *text)
{
    int numbers = 0;

    if (!text || strnlen(text, 33) > 32)
        return false;
    while (is_digit(*text)) {
        while (is_digit(*text))
            text++;
        numbers++;
        if (numbers == 3)
            break;
        if (*text != '.')
            return false;
        text++;
    }
    return numbers == 3 && (*text == '\0' || *text == '-' || *text == '+');
}

/* A schema of an object that base/schema.h enforces in full. */
static int check_schema(const char *schema, const char *of, bool is_object, struct err *err)
{
    if (json_check(schema, strlen(schema), JSON_LEN_MAX, err) != 0 ||
        schema_check(span_of(schema), err) != 0)
        return err_wrap(err, "%s", of);
    if (is_object && !span_is(json_get_raw(span_of(schema), "type"), "object"))
        return err_set(err, ERR_INVALID, "%s: want \"type\": \"object\" at its top", of);
    return 0;
}

/* -- Actions ----------------------------------------------------------------------------- */

static int check_name(const struct cordon_plugin *plugin,
                      const struct cordon_action *action, struct err *err)
{
    const char *name = action->name;
    size_t len = name ? strnlen(name, CHECK_NAME_MAX + 1) : 0;
    size_t words = 0;
    const char *rest = name;

    if (len == 0 || len > CHECK_NAME_MAX)
        return err_set(err, ERR_INVALID, "an action has no name, or one over %d bytes",
                       CHECK_NAME_MAX);
    for (;;) {
        size_t word = word_len(rest);
        if (word == 0)
            break;
        if (words == 0 &&
            (word != strlen(plugin->name) || memcmp(rest, plugin->name, word) != 0))
            break;
        words++;
        rest += word;
        if (*rest != '.')
            break;
        rest++;
    }
    if (*rest != '\0' || words < 2)
        return err_set(
            err, ERR_INVALID,
            "action %s: want a name like %s.noun.verb, of lower-case words whose "
            "first is the plugin's",
            name, plugin->name);
    return 0;
}

static int check_reads(const struct cordon_action *action, struct err *err)
{
    if (!action->read)
        return err_set(err, ERR_INVALID, "action %s reads, and has no read()",
                       action->name);
    if (action->observe || action->plan || action->apply || action->restore ||
        action->undone)
        return err_set(
            err, ERR_INVALID,
            "action %s reads, and may have read() alone; an action with observe, "
            "plan, apply, restore or undone is CORDON_REVERTS or CORDON_PERMANENT",
            action->name);
    if (!action->result_schema)
        return err_set(err, ERR_INVALID, "action %s reads, and has no result_schema",
                       action->name);
    return 0;
}

static int check_changes(const struct cordon_action *action, struct err *err)
{
    if (action->read)
        return err_set(err, ERR_INVALID,
                       "action %s changes something, and may not have read(); make the "
                       "reading an action of its own",
                       action->name);
    const char *missing = !action->observe ? "observe()"
                          : !action->plan  ? "plan()"
                          : !action->apply ? "apply()"
                                           : NULL;
    if (missing)
        return err_set(err, ERR_INVALID, "action %s changes something, and has no %s",
                       action->name, missing);
    if (action->repeat < CORDON_KEYED || action->repeat > CORDON_BLIND)
        return err_set(
            err, ERR_INVALID,
            "action %s has no repeat: want CORDON_KEYED, CONDITIONAL, OBSERVABLE "
            "or BLIND",
            action->name);
    if (action->undone && !action->restore)
        return err_set(err, ERR_INVALID, "action %s has undone() and no restore()",
                       action->name);
    return 0;
}

static int check_effect(const struct cordon_action *action, struct err *err)
{
    switch (action->effect) {
    case CORDON_READS:
        if (check_reads(action, err) != 0)
            return err->code;
        break;
    case CORDON_REVERTS:
        if (check_changes(action, err) != 0)
            return err->code;
        if (!action->restore)
            return err_set(
                err, ERR_INVALID,
                "action %s reverts, and has no restore(); what cannot be undone is "
                "CORDON_PERMANENT",
                action->name);
        break;
    case CORDON_PERMANENT:
        if (check_changes(action, err) != 0)
            return err->code;
        if (!is_line(action->permanent_because))
            return err_set(
                err, ERR_INVALID,
                "action %s is permanent, and permanent_because does not say why, "
                "on one line of at most %d bytes",
                action->name, CHECK_TEXT_MAX);
        return 0;
    default:
        return err_set(err, ERR_INVALID,
                       "action %s has no effect: want CORDON_READS, REVERTS or PERMANENT",
                       action->name);
    }
    if (action->permanent_because)
        return err_set(err, ERR_INVALID,
                       "action %s has permanent_because, and is not CORDON_PERMANENT",
                       action->name);
    return 0;
}

static int check_permissions(const struct cordon_action *action, struct err *err)
{
    size_t count = 0;

    if (!action->permissions)
        return err_set(err, ERR_INVALID,
                       "action %s has no list of permissions; one that needs none has an "
                       "empty list",
                       action->name);
    for (; action->permissions[count]; count++)
        if (count >= CHECK_PERMISSIONS_MAX || !is_line(action->permissions[count]))
            return err_set(
                err, ERR_INVALID,
                "action %s: want at most %d permissions, each one line of text, and "
                "NULL behind the last",
                action->name, CHECK_PERMISSIONS_MAX);
    return 0;
}

static int check_times(const struct cordon_action *action, struct err *err)
{
    if (action->timeout_ms == 0 || action->timeout_ms > CHECK_TIMEOUT_MAX_MS)
        return err_set(err, ERR_INVALID, "action %s: timeout_ms is %u, want 1 to %d",
                       action->name, action->timeout_ms, CHECK_TIMEOUT_MAX_MS);
    if (action->settle_ms > action->timeout_ms)
        return err_set(
            err, ERR_INVALID,
            "action %s: settle_ms is %u, and may not be more than timeout_ms, %u",
            action->name, action->settle_ms, action->timeout_ms);
    return 0;
}

static int check_schemas(const struct cordon_action *action, struct err *err)
{
    if (!action->args_schema)
        return err_set(err, ERR_INVALID, "action %s has no args_schema", action->name);
    if (check_schema(action->args_schema, "args_schema", true, err) != 0 ||
        (action->result_schema &&
         check_schema(action->result_schema, "result_schema", false, err) != 0))
        return err_wrap(err, "action %s", action->name);
    return 0;
}

/* What the first version of the interface had; the rest may be missing. */
#define ACTION_SIZE_MIN \
    (offsetof(struct cordon_action, undone) + sizeof(((struct cordon_action *)0)->undone))

static enum cordon_partly partly_of(const struct cordon_action *action)
{
    bool is_there =
        action->size >= offsetof(struct cordon_action, partly) + sizeof action->partly;

    return is_there ? action->partly : CORDON_PARTLY_REPEATS;
}

static int check_action(const struct cordon_plugin *plugin,
                        const struct cordon_action *action, struct err *err)
{
    if (action->size < ACTION_SIZE_MIN)
        return err_set(
            err, ERR_VERSION,
            "an action's size is %u bytes, want at least %zu: set .size to sizeof "
            "(struct cordon_action)",
            action->size, ACTION_SIZE_MIN);
    if (check_name(plugin, action, err) != 0)
        return err->code;
    if (!is_line(action->summary))
        return err_set(err, ERR_INVALID,
                       "action %s: want a summary, one line of at most %d bytes",
                       action->name, CHECK_TEXT_MAX);
    if (action->risk < CORDON_LOW || action->risk > CORDON_HIGH)
        return err_set(err, ERR_INVALID,
                       "action %s has no risk: want CORDON_LOW, MEDIUM or HIGH",
                       action->name);
    if ((unsigned)partly_of(action) > CORDON_PARTLY_ASKS)
        return err_set(err, ERR_INVALID,
                       "action %s: partly is %u: want CORDON_PARTLY_REPEATS or "
                       "CORDON_PARTLY_ASKS",
                       action->name, (unsigned)partly_of(action));
    if (check_effect(action, err) != 0 || check_permissions(action, err) != 0 ||
        check_times(action, err) != 0 || check_schemas(action, err) != 0)
        return err->code;
    return 0;
}

/* -- The plugin ------------------------------------------------------------------------------ */

static int check_actions(const struct cordon_plugin *plugin, struct err *err)
{
    size_t count = 0;

    if (!plugin->actions || !plugin->actions[0])
        return err_set(err, ERR_INVALID, "plugin %s has no actions", plugin->name);
    for (; plugin->actions[count]; count++) {
        if (count >= CHECK_ACTIONS_MAX)
            return err_set(
                err, ERR_TOO_BIG,
                "plugin %s has more than %d actions (CHECK_ACTIONS_MAX), or no NULL "
                "behind the last",
                plugin->name, CHECK_ACTIONS_MAX);
        if (check_action(plugin, plugin->actions[count], err) != 0)
            return err->code;
        for (size_t i = 0; i < count; i++)
            if (strcmp(plugin->actions[i]->name, plugin->actions[count]->name) == 0)
                return err_set(err, ERR_EXISTS, "action %s is declared twice",
                               plugin->actions[i]->name);
    }
    return 0;
}

/* Size and abi stand at the same place in every version, so that this can always be said. */
static int check_abi(const struct cordon_plugin *plugin, struct err *err)
{
    if (plugin->abi != CORDON_ABI)
        return err_set(
            err, ERR_VERSION,
            "the plugin is made for version %u of the plugin interface, and this "
            "cordon has version %d: build it with this cordon's cordon/plugin.h",
            plugin->abi, CORDON_ABI);
    if (plugin->size < sizeof *plugin)
        return err_set(
            err, ERR_VERSION,
            "the plugin's size is %u bytes, want at least %zu: set .size to sizeof "
            "(struct cordon_plugin)",
            plugin->size, sizeof *plugin);
    return 0;
}

int check_plugin(const struct cordon_plugin *plugin, const char *name, struct err *err)
{
    if (check_abi(plugin, err) != 0)
        return err->code;
    if (!plugin->name || strnlen(plugin->name, 33) > 32 ||
        word_len(plugin->name) != strlen(plugin->name) || !*plugin->name)
        return err_set(
            err, ERR_INVALID,
            "the plugin's name must be a word like azure: a-z, 0-9 and _, at most "
            "32 bytes");
    if (*name && strcmp(name, plugin->name) != 0)
        return err_set(err, ERR_INVALID,
                       "the plugin calls itself %s, and is configured as %s", plugin->name,
                       name);
    if (!is_version(plugin->version))
        return err_set(err, ERR_INVALID, "plugin %s: want a version like \"1.0.0\"",
                       plugin->name);
    if (!is_line(plugin->summary))
        return err_set(err, ERR_INVALID,
                       "plugin %s: want a summary, one line of at most %d bytes",
                       plugin->name, CHECK_TEXT_MAX);
    if (!plugin->open)
        return err_set(err, ERR_INVALID, "plugin %s has no open()", plugin->name);
    if (plugin->config_schema &&
        check_schema(plugin->config_schema, "config_schema", true, err) != 0)
        return err_wrap(err, "plugin %s", plugin->name);
    return check_actions(plugin, err);
}

const struct cordon_action *check_find(const struct cordon_plugin *plugin, const char *name)
{
    for (size_t i = 0; plugin->actions[i]; i++)
        if (strcmp(plugin->actions[i]->name, name) == 0)
            return plugin->actions[i];
    return NULL;
}

/* -- As JSON --------------------------------------------------------------------------------- */

static const char *const effects[] = { NULL, "reads", "reverts", "permanent" };
static const char *const repeats[] = { NULL, "keyed", "conditional", "observable",
                                       "blind" };
static const char *const risks[] = { NULL, "low", "medium", "high" };

static void declare_action(struct json_out *out, const struct cordon_action *action)
{
    bool reads = action->effect == CORDON_READS;
    struct str args = { 0 };

    if (action->effect == CORDON_REVERTS)
        expiry_add_schema(&args, span_of(action->args_schema));
    else
        str_add_text(&args, action->args_schema);
    json_open(out, '{');
    json_put(out, "name", action->name);
    json_put(out, "summary", action->summary);
    json_put(out, "effect", effects[action->effect]);
    json_put(out, "because", action->permanent_because);
    if (partly_of(action) == CORDON_PARTLY_ASKS) /* absent: as in declarations of before */
        json_put(out, "partly", "asks");
    json_put(out, "repeat", reads ? NULL : repeats[action->repeat]);
    json_put(out, "risk", risks[action->risk]);
    json_key(out, "permissions");
    json_open(out, '[');
    for (size_t i = 0; action->permissions[i]; i++)
        json_string(out, action->permissions[i]);
    json_close(out);
    json_put_int(out, "settle_ms", action->settle_ms);
    json_put_int(out, "timeout_ms", action->timeout_ms);
    json_put_raw(out, "args", str_span(&args));
    json_put_raw(out, "result", span_of(action->result_schema));
    json_put_bool(out, "can_undo", action->restore != NULL);
    json_close(out);
    str_fini(&args);
}

void check_declare(const struct cordon_plugin *plugin, struct str *out)
{
    struct str text = { 0 };
    struct json_out json = { .str = &text };
    struct err err;

    json_open(&json, '{');
    json_put(&json, "name", plugin->name);
    json_put(&json, "version", plugin->version);
    json_put(&json, "summary", plugin->summary);
    json_put_raw(&json, "config_schema", span_of(plugin->config_schema));
    json_key(&json, "actions");
    json_open(&json, '[');
    for (size_t i = 0; plugin->actions[i]; i++)
        declare_action(&json, plugin->actions[i]);
    json_close(&json);
    json_close(&json);
    if (json_canonical(out, text.ptr, text.len, &err) != 0)
        str_add_text(out,
                     "{}"); /* the caller finds no name in it, and refuses the plugin */
    str_fini(&text);
}

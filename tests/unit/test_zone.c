/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "check.h"
#include "serve/zones.h"

/* -- Files as zic makes them --------------------------------------------------------------- */

static void add_number(struct str *out, int64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        str_add_char(out, (char)((uint64_t)value >> (i * 8) & 0xff));
}

static void add_header(struct str *out, char version, int times, int types)
{
    str_add_text(out, "TZif");
    str_add_char(out, version);
    add_number(out, 0, 8);
    add_number(out, 0, 7);
    add_number(out, 0, 4);
    add_number(out, 0, 4);
    add_number(out, 0, 4);
    add_number(out, times, 4);
    add_number(out, types, 4);
    add_number(out, 4, 4);
}

struct change {
    int64_t at, offset;
};

/* One type for each change, and one before them. */
static void add_table(struct str *out, char version, int width, int64_t first,
                      const struct change *changes, int count)
{
    add_header(out, version, count, count + 1);
    for (int i = 0; i < count; i++)
        add_number(out, changes[i].at, width);
    for (int i = 0; i < count; i++)
        str_add_char(out, (char)(i + 1));
    for (int i = -1; i < count; i++) {
        add_number(out, i < 0 ? first : changes[i].offset, 4);
        add_number(out, 0, 2);
    }
    str_add_span(out, (struct span){ "LMT", 4 });
}

static struct str file_of(int64_t first, const struct change *changes, int count,
                          const char *rule)
{
    struct str file = { 0 };

    add_table(&file, '2', 4, 0, NULL, 0);
    add_table(&file, '2', 8, first, changes, count);
    str_printf(&file, "\n%s\n", rule);
    return file;
}

static int64_t offset_at(struct str *file, const char *when)
{
    struct str pairs = { 0 };
    struct err err;
    int64_t ms = 0;

    CHECK_OK(zone_read(str_span(file), &pairs, &err), &err);
    CHECK_OK(json_check(str_text(&pairs), pairs.len, JSON_LEN_MAX, &err), &err);
    CHECK(moment_parse(span_of(when), &ms));
    int64_t offset = zone_offset(str_span(&pairs), ms / 1000);
    str_fini(&pairs);
    return offset;
}

TEST(the_rule_at_the_end_of_a_file_says_when_the_clocks_change)
{
    static const struct {
        const char *rule, *when;
        int64_t minutes;
    } rows[] = {
        { "<+03>-3", "2026-07-01T12:00:00Z", 180 },
        { "<+0545>-5:45", "2031-01-01T00:00:00Z", 345 },
        { "<-12>12", "2050-06-01T00:00:00Z", -720 },
        { "EST5EDT,M3.2.0,M11.1.0", "2027-03-14T06:59:59Z", -300 },
        { "EST5EDT,M3.2.0,M11.1.0", "2027-03-14T07:00:00Z", -240 },
        { "EST5EDT,M3.2.0,M11.1.0", "2027-11-07T05:59:59Z", -240 },
        { "EST5EDT,M3.2.0,M11.1.0", "2027-11-07T06:00:00Z", -300 },
        { "GMT0BST,M3.5.0/1,M10.5.0", "2028-03-26T00:59:59Z", 0 },
        { "GMT0BST,M3.5.0/1,M10.5.0", "2028-03-26T01:00:00Z", 60 },
        { "NZST-12NZDT,M9.5.0,M4.1.0/3", "2026-01-01T00:00:00Z", 780 },
        { "NZST-12NZDT,M9.5.0,M4.1.0/3", "2026-06-01T00:00:00Z", 720 },
        { "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-12-24T00:00:00Z", 660 },
        { "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-01T00:00:00Z", 0 },
        { "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01T00:00:00Z", 60 },
        { "XXX3YYY,J60,J300", "2028-03-01T04:59:59Z", -180 },
        { "XXX3YYY,J60,J300", "2028-03-01T05:00:00Z", -120 },
        { "XXX3YYY,59/0,300/0", "2028-02-29T03:00:00Z", -120 },
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2027-03-28T00:59:59Z", -120 },
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2027-03-28T01:00:00Z", -60 },
        { "CET-1CEST,M3.5.0,M10.5.0/3", "2099-07-01T00:00:00Z", 120 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str file = file_of(0, NULL, 0, rows[i].rule);

        CHECK_INT(offset_at(&file, rows[i].when), rows[i].minutes * 60);
        str_fini(&file);
    }
}

TEST(before_the_rule_the_changes_of_the_file_count)
{
    static const struct change changes[] = { { -2000000000, 3600 },
                                             { 1000000000, 7200 },
                                             { 1500000000, -1800 } };
    struct str file = file_of(1234, changes, 3, "");

    CHECK_INT(offset_at(&file, "1900-01-01T00:00:00Z"), 1234);
    CHECK_INT(offset_at(&file, "1999-01-01T00:00:00Z"), 3600);
    CHECK_INT(offset_at(&file, "2001-09-09T01:46:39Z"), 3600);
    CHECK_INT(offset_at(&file, "2001-09-09T01:46:40Z"), 7200);
    CHECK_INT(offset_at(&file, "2090-01-01T00:00:00Z"), -1800);
    str_fini(&file);
    file = file_of(1234, changes, 3, "EST5EDT,M3.2.0,M11.1.0");
    CHECK_INT(offset_at(&file, "2016-07-01T00:00:00Z"), 7200);
    CHECK_INT(offset_at(&file, "2026-07-01T00:00:00Z"), -14400);
    str_fini(&file);
    add_table(&file, '\0', 4, 60, changes, 2); /* the oldest version has no rule */
    CHECK_INT(offset_at(&file, "2026-07-01T00:00:00Z"), 7200);
    str_fini(&file);
}

TEST(what_is_no_file_of_tzdata_is_refused)
{
    static const char *const rules[] = {
        "CET",     "CET-1CEST",      "CET-1CEST,M3.5.0",
        "CET-25",  "5EST",           "CET-1CEST,M13.5.0,M1.1.0",
        "CET-1 ",  "<+03-3",         "CET-1CEST,M3.6.0,M1.1.0",
        "CET-1,,", "CET-1CEST,J0,J1"
    };
    struct str pairs = { 0 };
    struct err err;

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct str file = file_of(0, NULL, 0, rules[i]);

        if (zone_read(str_span(&file), &pairs, &err) == 0)
            FAIL("\"%s\" was taken", rules[i]);
        CHECK_HAS(err.text, "its last line is no rule");
        str_fini(&file);
    }
    struct str whole = file_of(0, &(struct change){ 5, 6 }, 1, "UTC0");
    for (size_t len = 0; len + 6 < whole.len; len++)
        CHECK(zone_read((struct span){ whole.ptr, len }, &pairs, &err) != 0);
    CHECK_INT((int64_t)pairs.len, 0);
    str_fini(&whole);
}

TEST(a_name_of_a_zone_stays_in_the_folder_of_tzdata)
{
    static const char *const good[] = { "UTC", "Etc/GMT-3", "America/Port-au-Prince",
                                        "America/Argentina/Buenos_Aires", "EST5EDT" };
    static const char *const bad[] = {
        "",    "/etc/passwd", "../x",      "Europe/../x", "a//b",      "a/",
        "a b", "a.b",         "right/UTC", "posix/UTC",   "Europe\\x", "a%2f"
    };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CHECK(zone_is_name(span_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (zone_is_name(span_of(bad[i])))
            FAIL("\"%s\" was taken", bad[i]);
}

/* -- Those of a policy ---------------------------------------------------------------------- */

static char folder[] = "/tmp/cordon-zones-XXXXXX";

static void put_zone(const char *name, const char *rule)
{
    char path[100];
    struct str file = file_of(0, NULL, 0, rule);

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    CHECK(out != NULL && fwrite(file.ptr, 1, file.len, out) == file.len &&
          fclose(out) == 0);
    str_fini(&file);
}

static const char *checked(const char *time)
{
    static struct err err;
    struct str policy = { 0 };

    str_printf(&policy,
               "{\"rules\":[{\"match\":{},\"name\":\"a\"},{\"match\":{\"time\":%s},"
               "\"name\":\"b\"}]}",
               time);
    int rc = zones_check(str_span(&policy), &err);
    str_fini(&policy);
    return rc == 0 ? "" : err.text;
}

TEST(an_unknown_zone_is_told_with_its_place_and_the_nearest_name)
{
    char path[100];

    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/Mars", folder);
    CHECK(mkdir(path, 0700) == 0 && setenv("TZDIR", folder, 1) == 0);
    CHECK_HAS(checked("{\"zone\":\"UTC\"}"), "install the package tzdata, or set TZDIR");
    put_zone("UTC", "UTC0");
    put_zone("Mars/Olympus", "OLY-2OLS,M3.5.0,M10.5.0");
    put_zone("Mars/Broken", "x");
    CHECK_STR(checked("{\"zone\":\"Mars/Olympus\"}"), "");
    CHECK_STR(checked("[{\"zone\":\"UTC\"},{\"offset\":\"+01:00\"}]"), "");
    CHECK_HAS(
        checked("{\"zone\":\"Mars/Olimpus\"}"),
        "rules[1].match.time.zone: there is no time zone \"Mars/Olimpus\"; did you mean "
        "\"Mars/Olympus\"?");
    CHECK_HAS(checked("[{\"zone\":\"UTC\"},{\"zone\":\"mars/olympus\"}]"), "did you mean");
    CHECK_HAS(checked("{\"zone\":\"Nowhere/At/All\"}"), "want a name such as");
    CHECK_HAS(checked("{\"zone\":\"Mars/Broken\"}"), "its last line is no rule");
    CHECK_HAS(checked("{\"zone\":\"../UTC\"}"), "want the name of a time zone");

    struct str text = { 0 };
    struct json_out out = { .str = &text };
    json_open(&out, '{');
    zones_put(&out,
              span_of("{\"freeze\":[{\"match\":{\"time\":{\"zone\":\"UTC\"}}}],\"rules\":"
                      "[{\"match\":{\"time\":{\"zone\":\"UTC\"}}}]}"));
    json_close(&out);
    CHECK_STR(str_text(&text), "{\"zones\":{\"UTC\":[[-9007199254740992,0]]}}");
    str_fini(&text);
    snprintf(path, sizeof path, "rm -r '%s'", folder);
    CHECK_INT(system(path), 0); // NOLINT(cert-env33-c)
}

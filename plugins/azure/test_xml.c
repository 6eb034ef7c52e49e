/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the plugin makes of XML: of lists of queue messages in each form that XML allows and some
 * that it does not. A message's fault is that message's alone.
 */
#include "xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "rig.h"

#define HEAD  "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
#define ID(n) "<MessageId>" n "</MessageId><PopReceipt>r" n "</PopReceipt>"
#define MESSAGE(n, text) \
    "<QueueMessage>" ID(n) "<MessageText>" text "</MessageText></QueueMessage>"
#define LIST(messages) HEAD "<QueueMessagesList>" messages "</QueueMessagesList>"
#define GOOD           MESSAGE("z", "{&quot;a&quot;:1}")
#define IS_GOOD        "{\"id\":\"z\",\"receipt\":\"rz\",\"count\":0,\"text\":\"{\\\"a\\\":1}\"}"

/* What azure.queue.take has of such an answer. has: a part of its result; NULL: it fails, and says
 * the part. */
static const struct {
    const char *name, *body, *has, *says;
} bodies[] = {
    { "plain", LIST(GOOD), IS_GOOD, NULL },
    { "no message", LIST(""), "\"messages\":[]", NULL },
    { "empty element", HEAD "<QueueMessagesList/>", "\"messages\":[]", NULL },
    { "the five entities", LIST(MESSAGE("a", "[&lt;&gt;&amp;&quot;&apos;]")),
      "\"text\":\"[<>&\\\"']\"", NULL },
    { "a carriage return by number", LIST(MESSAGE("a", "{&#13;&#10;}") GOOD),
      "\"text\":\"{\\r\\n}\"", NULL },
    { "a character by hex number", LIST(MESSAGE("a", "[&#x20AC;]")),
      "\"text\":\"[\xe2\x82\xac]\"", NULL },
    { "CDATA", LIST(MESSAGE("a", "<![CDATA[{\"x\":\"<b>&amp;\"}]]>") GOOD),
      "\"text\":\"{\\\"x\\\":\\\"<b>&amp;\\\"}\"", NULL },
    { "CDATA in pieces", LIST(MESSAGE("a", "[<![CDATA[1]]>,<![CDATA[2]]>]")),
      "\"text\":\"[1,2]\"", NULL },
    { "a comment", LIST("<!-- <QueueMessage> -->" MESSAGE("a", "[<!-- no -->]")),
      "\"text\":\"[]\"", NULL },
    { "a processing instruction", LIST("<?x y?>" GOOD), IS_GOOD, NULL },
    { "attributes", "<QueueMessagesList a=\"b\">" GOOD "</QueueMessagesList>", IS_GOOD,
      NULL },
    { "other elements", LIST("<Other><X/></Other>" GOOD), IS_GOOD, NULL },
    { "a byte order mark", "\xef\xbb\xbf" LIST(GOOD) "\n", IS_GOOD, NULL },
    { "Latin-1",
      "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><QueueMessagesList>" MESSAGE(
          "a", "[\"\xe4\"]") "</QueueMessagesList>",
      "\"text\":\"[\\\"\xc3\xa4\\\"]\"", NULL },
    { "base64", LIST(MESSAGE("a", "eyJhIjoyfQ==")), "\"text\":\"{\\\"a\\\":2}\"", NULL },
    /* one message's fault */
    { "a character that XML forbids", LIST(MESSAGE("a", "&#1;") GOOD), IS_GOOD, NULL },
    { "and it is kept under its id", LIST(MESSAGE("a", "&#1;") GOOD),
      "{\"id\":\"a\",\"receipt\":\"ra\",\"count\":0,\"text\":\"<QueueMessage>", NULL },
    { "with the reason", LIST(GOOD MESSAGE("a", "&#1;")), "\"fault\":\"line 1, column",
      NULL },
    { "an entity that nobody declared", LIST(MESSAGE("a", "&x;") GOOD), IS_GOOD, NULL },
    { "bytes that are no UTF-8", LIST(MESSAGE("a", "\xff\xfe") GOOD), IS_GOOD, NULL },
    { "elements in the text", LIST(MESSAGE("a", "<b>t</b>") GOOD), IS_GOOD, NULL },
    { "told as that", LIST(MESSAGE("a", "<b>t</b>")),
      "\"fault\":\"it has no MessageText, or one with elements in it\"", NULL },
    { "no id", LIST("<QueueMessage><MessageText>[]</MessageText></QueueMessage>" GOOD),
      IS_GOOD, NULL },
    { "which then has one of its own",
      LIST("<QueueMessage><MessageText>[7]</MessageText></QueueMessage>"),
      "\"id\":\"no-id-", NULL },
    { "no receipt",
      LIST("<QueueMessage><MessageId>a</MessageId><MessageText>[]</MessageText></"
           "QueueMessage>" GOOD),
      IS_GOOD, NULL },
    { "a tag in CDATA beside a fault",
      LIST(MESSAGE("a", "<![CDATA[</QueueMessage>]]>&#2;") GOOD), IS_GOOD, NULL },
    { "a list that ends too soon", HEAD "<QueueMessagesList>" GOOD "<QueueMessage>" ID("b"),
      IS_GOOD, NULL },
    /* all of it */
    { "cut in the first message", HEAD "<QueueMessagesList><QueueMessage>" ID("b"), NULL,
      "no element found" },
    { "nothing", "", NULL, "no element found" },
    { "another document", "<Error><Code>x</Code></Error>", NULL, "it is another document" },
    { "two documents", "<QueueMessagesList/><QueueMessagesList/>", NULL, "junk after" },
    { "a document type",
      "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
      "<QueueMessagesList/>",
      NULL, "it declares a document type" },
    { "a billion laughs",
      "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">"
      "<!ENTITY c \"&b;&b;&b;&b;&b;&b;\">]><QueueMessagesList>" MESSAGE(
          "a", "&c;") "</QueueMessagesList>",
      NULL, "it declares a document type" },
    { "an encoding that is none",
      "<?xml version=\"1.0\" encoding=\"x-none\"?><QueueMessagesList/>", NULL,
      "unknown encoding" },
};

static void take(struct rig *rig, const char *body)
{
    rig_open(rig);
    rig_add(rig, "GET", "/messages?", 200, "", body);
    rig_call(rig, "azure.queue.take", RIG_READ,
             "{\"account\":\"acme\",\"queue\":\"alerts\"}");
}

TEST(a_queues_messages_are_read_in_each_form_and_one_that_cannot_be_stops_no_other)
{
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct rig rig;

        take(&rig, bodies[i].body);
        bool is_right =
            bodies[i].has != NULL ? rig.status == CORDON_DONE : rig.status == CORDON_RETRY;
        if (!is_right)
            printf("      %s: %s%s\n", bodies[i].name, rig.json, rig.message);
        if (bodies[i].has != NULL) {
            CHECK_INT(rig.status, CORDON_DONE);
            CHECK_HAS(rig.json, bodies[i].has);
        } else {
            CHECK_INT(rig.status, CORDON_RETRY);
            CHECK_HAS(rig.message, bodies[i].says);
        }
        rig_close(&rig);
    }
}

static char *repeated(const char *head, const char *part, int count, const char *tail)
{
    size_t len = strlen(part);
    char *text = malloc(strlen(head) + len * (size_t)count + strlen(tail) + 1);
    char *at = stpcpy(text, head);

    for (int i = 0; i < count; i++)
        at = stpcpy(at, part);
    strcpy(at, tail);
    return text;
}

/* -- bounds ------------------------------------------------------------------------------------ */

static const struct {
    const char *part;
    int count;
    const char *says; /* NULL: it is read */
} bounds[] = {
    { "<a>", XML_DEPTH_MAX - 1, "no element found" }, /* just not closed */
    { "<a>", XML_DEPTH_MAX, "XML_DEPTH_MAX" },
    { "<a/>", XML_ELEMENTS_MAX - 1, NULL },
    { "<a/>", XML_ELEMENTS_MAX, "XML_ELEMENTS_MAX" },
    { "some text that goes on ", 700 * 1000, NULL }, /* 16 MB */
};

TEST(a_document_beyond_a_bound_is_refused_by_the_bounds_name)
{
    struct xml *root;
    const char *why;

    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        char *text =
            repeated("<x>", bounds[i].part, bounds[i].count,
                     bounds[i].part[1] == 'a' && bounds[i].part[2] == '>' ? "" : "</x>");
        bool is_read = xml_read(rig_job(), text, strlen(text), &root, &why);

        CHECK(is_read == (bounds[i].says == NULL));
        if (bounds[i].says != NULL)
            CHECK_HAS(why, bounds[i].says);
        free(text);
    }
}

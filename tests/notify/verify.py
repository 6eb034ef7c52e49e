# SPDX-License-Identifier: Apache-2.0
"""Looks at what was received, by its documented form: verify.py KIND FILE [ARGUMENT...]."""
import base64
import email
import email.policy
import hashlib
import hmac
import json
import pathlib
import re
import sys


def fail(sentence):
    print("#", sentence)
    sys.exit(1)


def want(ok, sentence):
    if not ok:
        fail(sentence)


def exactly(thing, required, optional=()):
    """An object with these members and no others."""
    want(isinstance(thing, dict), f"no object: {thing!r}")
    want(set(required) <= set(thing), f"{sorted(required)} are not all in {sorted(thing)}")
    want(set(thing) <= set(required) | set(optional), f"{sorted(thing)}: more than there is")


def mail(path, *wanted):
    raw = pathlib.Path(path).read_bytes()
    want(all(len(line) <= 78 for line in raw.split(b"\r\n")), "a line is too long")
    message = email.message_from_bytes(raw, policy=email.policy.default)
    want(not message.defects, f"defects: {message.defects}")
    for name in ("date", "from", "to", "subject", "message-id"):
        want(len(message.get_all(name, [])) == 1, f"not one {name}")
    want(message["date"].datetime is not None, "no date")
    want(message.get_content_type() == "multipart/alternative", "not two forms of the same")
    types = [part.get_content_type() for part in message.iter_parts()]
    want(types == ["text/plain", "text/html"], f"{types}")
    plain, html = [part.get_content() for part in message.iter_parts()]
    print(json.dumps({"subject": message["subject"], "id": message["message-id"], "thread": message["references"],
                      "plain": plain, "html": html, "to": str(message["to"]), "names": [name.lower() for name in message.keys()]}))
    for word in wanted:
        want(word in plain, f"{word} is not in {plain!r}")


def webhook(path, secret):
    seen = json.loads(pathlib.Path(path).read_text())
    headers = seen["headers"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{seen['body']}".encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mine = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    want(f"v1,{mine}" in headers["webhook-signature"].split(" "), "the signature is not ours")
    want(headers["content-type"] == "application/json", "not JSON")
    body = json.loads(seen["body"])
    exactly(body, ("type", "data"))
    exactly(body["data"], ("title", "text", "link", "thread", "facts"))
    print(headers["webhook-id"])


def teams(path):
    seen = json.loads(pathlib.Path(path).read_text())
    want(len(seen["body"].encode()) <= 28 * 1024, "larger than Teams takes")
    body = json.loads(seen["body"])
    exactly(body, ("type", "attachments"))
    want(body["type"] == "message" and len(body["attachments"]) == 1, "not one card")
    attachment = body["attachments"][0]
    exactly(attachment, ("contentType", "content"), ("contentUrl",))
    want(attachment["contentType"] == "application/vnd.microsoft.card.adaptive", "no adaptive card")
    card = attachment["content"]
    exactly(card, ("type", "version", "body", "$schema"), ("actions",))
    want(card["type"] == "AdaptiveCard" and card["version"] in ("1.2", "1.3", "1.4", "1.5"), "version")
    for block in card["body"]:
        exactly(block, ("type", "inlines"))
        want(block["type"] == "RichTextBlock" and block["inlines"], "block")
        for run in block["inlines"]:
            exactly(run, ("type", "text"), ("weight", "size"))
            want(run["type"] == "TextRun" and run["text"] and run.get("weight", "Bolder") == "Bolder" and run.get("size", "Large") == "Large", f"{run}")
    for action in card.get("actions", []):
        exactly(action, ("type", "title", "url"))
        want(action["type"] == "Action.OpenUrl", "a button that does more than open a page")


def slack(path):
    seen = json.loads(pathlib.Path(path).read_text())
    body = json.loads(seen["body"])
    exactly(body, ("text", "blocks"))
    want(len(body["text"]) <= 4000 and len(body["blocks"]) <= 50, "too much")
    for block in body["blocks"]:
        if block["type"] == "header":
            exactly(block, ("type", "text"))
            want(block["text"]["type"] == "plain_text" and 0 < len(block["text"]["text"]) <= 150, "header")
        elif block["type"] == "section":
            exactly(block, ("type",), ("text", "fields"))
            want(0 < len(block.get("fields", [0])) <= 10 and len(block.get("text", {}).get("text", "")) <= 3000, "section")
            for field in block.get("fields", []):
                exactly(field, ("type", "text"), ("verbatim",))
                want(0 < len(field["text"]) <= 2000 and re.fullmatch(r"([^&<>]|&(amp|lt|gt);)*", field["text"]), f"{field}")
        else:
            exactly(block, ("type", "elements"))
            want(block["type"] == "actions", block["type"])
            for element in block["elements"]:
                exactly(element, ("type", "text", "url"))
                want(element["type"] == "button" and element["text"]["type"] == "plain_text" and len(element["url"]) <= 3000, "button")


globals()[sys.argv[1]](*sys.argv[2:])

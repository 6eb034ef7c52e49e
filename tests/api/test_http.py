# SPDX-License-Identifier: Apache-2.0
# What every answer keeps to: problems, ETags, pages, strict bodies, keys that outlive a crash.
import json
import os
import re
import signal
import subprocess
import threading

from client import WITHIN, Events, check, from_environment, summary, wait_for

oncall, viewer, admin = from_environment("ONCALL"), from_environment("VIEWER"), from_environment("ADMIN")
author, nobody = from_environment("AUTHOR"), from_environment("NOBODY")


def said(answer):
    return answer.status, answer.code


def start(target, **headers):
    return oncall.post("/v1/runs", {"playbook": "asks", "params": {"target": target}}, **headers)


runs = [start(f"page-{i}").json["run"] for i in range(3)]
for run in runs:
    wait_for(lambda: viewer.get(f"/v1/gates?run={run}").json["gates"], "its gate")

# -- problems
refused = viewer.get("/v1/runs/r-999999")
check("what_is_not_there_is_a_problem", (404, "not_found", "application/problem+json"),
      (*said(refused), refused.headers["Content-Type"]))
check("with_all_its_members", ["code", "detail", "status", "title", "type"], sorted(refused.json))
bare = nobody.get("/v1/runs")
check("without_a_credential_it_says_how_to_show_one", (401, True),
      (bare.status, bare.headers["WWW-Authenticate"].startswith("Bearer")))
wrong = viewer.ask("PUT", "/v1/runs", {})
check("another_method_is_told_which_there_are", (405, "GET, POST"), (wrong.status, wrong.headers["Allow"]))

# -- bodies
for name, body, code in (
        ("an_unknown_member_is_refused_with_the_nearest_name", '{"playbook":"asks","param":{}}', "body"),
        ("what_is_no_json_is_refused_with_its_place", '{"playbook":', "json"),
        ("a_key_twice_is_refused", '{"playbook":"asks","playbook":"asks"}', "json"),
        ("something_behind_it_is_refused", '{"playbook":"asks"} x', "json"),
        ("a_list_is_refused", '["asks"]', "body"),
        ("an_empty_body_is_refused", "", "body"),
        ("a_depth_bomb_is_refused", "[" * 1000 + "]" * 1000, "json"),
        ("a_wrong_type_is_refused", '{"playbook":7}', "body")):
    check(name, (400, code), said(oncall.post("/v1/runs", body, Content_Type="application/json")))
TYPES = {"text/plain": 415, "application/jsonx": 415, "application/json+x": 415, "application/json, text/plain": 415,
         "application/json; charset=utf-16": 415, "application/json; charset=utf-8x": 415, "application/json; x=charset=utf-8": 415,
         "application/json; charset=utf-8; x=y": 415, "application/x-www-form-urlencoded": 415, "multipart/form-data": 415,
         "application/json;charset=utf-8": 400, 'Application/JSON; charset="UTF-8"': 400, "application/json ": 400}
answers = {kind: oncall.post("/v1/runs", '{"nothing":1}', Content_Type=kind) for kind in TYPES}
check("content_types_are_taken_as_the_manual_lists_them", TYPES, {kind: answer.status for kind, answer in answers.items()})
check("and_else_the_right_one_is_named", {"want Content-Type: application/json"},
      {answer.json["detail"] for answer in answers.values() if answer.status == 415})
check("a_body_that_is_too_long_is_refused_before_it_comes", 413, oncall.announce("/v1/runs", 300000))
check("parameters_that_the_playbook_does_not_want_are_refused", (400, "params"),
      said(oncall.post("/v1/runs", {"playbook": "asks", "params": {"target": 7}})))
check("a_source_is_no_playbook", (400, "body"),
      said(oncall.post("/v1/runs", {"playbook": {"name": "x", "source": "return {}"}})))
check("an_unknown_word_in_the_query_is_refused", (400, "query"), said(viewer.get("/v1/runs?stat=done")))
check("and_a_number_that_is_none", (400, "query"), said(viewer.get("/v1/runs?limit=-1")))

# -- reading
first = viewer.get("/v1/runs?limit=2")
check("a_page_has_a_link_to_the_next", f'</v1/runs?before={runs[1]}&limit=2>; rel="next"', first.headers["Link"])
check("which_goes_on", runs[0],
      viewer.get(first.headers["Link"].split(">")[0][1:]).json["runs"][0]["run"])
etag = first.headers["ETag"]
same = viewer.get("/v1/runs?limit=2", If_None_Match=f'"x", {etag}')
check("what_is_unchanged_is_not_sent_again", (304, b"", etag), (same.status, same.body, same.headers["ETag"]))
check("what_is_another_is", 200, viewer.get("/v1/runs?limit=1", If_None_Match=etag).status)
check("head_is_get_without_a_body", (200, b"", etag),
      (lambda a: (a.status, a.body, a.headers["ETag"]))(viewer.ask("HEAD", "/v1/runs?limit=2")))
check("playbooks_tell_what_they_want", "string",
      viewer.get("/v1/playbooks/asks").json["params"]["properties"]["target"]["type"])
check("a_name_means_what_the_catalogue_has", "a question, then a change",
      viewer.get("/v1/playbooks/asks").json["summary"])
check("and_that_is_what_was_started", {viewer.get("/v1/playbooks/asks").json["hash"]},
      {viewer.get(f"/v1/runs/{run}").json["rows"][0]["body"]["hash"] for run in runs})
alerts = wait_for(lambda: viewer.get("/v1/alerts?source=generic").json["alerts"], "the alert")
check("alerts_are_listed", "a web shell", alerts[0]["title"])
shown = viewer.get(f"/v1/alerts/{alerts[0]['alert']}").json
check("with_why_they_started_nothing", [("asks", False)],
      [(made["playbook"], made["fits"]) for routing in shown["routing"] for made in routing["decisions"]])
check("an_alert_that_is_not_there_is_said", (404, "not_found"), said(viewer.get("/v1/alerts/a-999999")))
check("the_policy_is_data", True, "rules" in viewer.get("/v1/policy").json["policy"])
check("actions_are_listed", True, "noop.set" in [a["name"] for a in viewer.get("/v1/actions").json["actions"]])

# -- authors
check("a_playbook_is_checked", "error", author.post("/v1/check", {"playbook": {"name": "x", "source": "return {"}}).json
      ["findings"][0]["level"])
before = viewer.get("/v1/playbooks").json
check("and_nothing_is_kept_of_it", before, viewer.get("/v1/playbooks").json)
check("an_author_starts_nothing", 403, author.post("/v1/runs", {"playbook": "asks"}).status)

# -- keys
check("a_key_that_is_none_is_refused", (400, "once"), said(start("k", Idempotency_Key="")))
one = start("keyed", Idempotency_Key="a key")
check("the_same_key_for_something_else_is_refused", (422, "once_differs"), said(start("other", Idempotency_Key="a key")))
answers = []


def ask_again():
    answers.append(start("at once", Idempotency_Key="many"))


threads = [threading.Thread(target=ask_again) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
check("eight_at_once_start_one_run", 1, len({a.json["run"] for a in answers if a.status == 202}))
check("and_the_others_get_its_answer_or_are_told_to_wait", set(),
      {a.status for a in answers} - {202, 409})

# -- feeds
noisy = oncall.post("/v1/runs", {"playbook": "noisy"}).json["run"]
deaf = Events(viewer, f"/v1/runs/{noisy}/events", rcvbuf=4096)
quick = Events(viewer, f"/v1/runs/{noisy}/events")
check("a_stream_opens", 200, quick.begin())
last = quick.follow("over")
check("who_reads_gets_all_of_it", len(viewer.get(f"/v1/runs/{noisy}/steps").json["steps"]) + 2, len(last) - 1)


def streams():
    text = viewer.get("/metrics").body.decode()
    return int(next(line for line in text.splitlines() if line.startswith("cordon_http_streams ")).split()[1])


check("a_run_that_is_too_long_for_one_answer_is_said", (413, "too_big"), said(viewer.get(f"/v1/runs/{noisy}")))
quick.close()
check("who_does_not_read_is_left", True, wait_for(lambda: streams() == 0, "the end of the deaf stream"))
check("and_holds_nobody_up", 200, viewer.get("/v1/runs").status)
deaf.close()
check("a_row_that_is_none_is_refused", (400, "since"),
      said(viewer.get(f"/v1/runs/{noisy}/events", Last_Event_ID="x")))
check("a_run_that_is_not_there_has_no_stream", (404, "not_found"), said(viewer.get("/v1/runs/r-999999/events")))

# -- metrics
metrics = viewer.get("/metrics").body.decode()
with open(os.path.join(os.environ["WORK"], "metrics"), "w", encoding="utf-8") as file:
    file.write(metrics)
check("metrics_count_gates", True, "\ncordon_gates_open " in metrics and "\ncordon_gates_open 0" not in metrics)
with open(os.path.join(os.path.dirname(os.environ["ALERT"]), "../../docs/grafana/cordon.json"), encoding="utf-8") as file:
    wanted = set(re.findall(r"cordon_[a-z_]+", " ".join(
        target["expr"] for panel in json.load(file)["panels"] for target in panel["targets"])))
check("the_dashboard_asks_for_what_there_is", [],
      sorted(name for name in wanted if f"\n# TYPE {name} " not in metrics))
check("whoever_may_only_start_sees_no_metrics", 403, from_environment("STARTER").get("/metrics").status)
check("readiness_is_for_everybody_and_says_no_more_than_that",
      (200, {"engine": True, "journal": True, "ok": True, "policy": True}),
      (lambda a: (a.status, a.json))(nobody.get("/readyz")))
policy = os.path.join(os.environ["STATE"], "policy.lua")
text = open(policy, encoding="utf-8").read()
open(policy, "w", encoding="utf-8").write("return {")
check("without_a_policy_it_is_not_ready", True, wait_for(lambda: nobody.get("/readyz").status == 503, "not ready"))
open(policy, "w", encoding="utf-8").write(text)
check("with_one_it_is_again", True, wait_for(lambda: nobody.get("/readyz").status == 200, "ready"))

# -- a crash
before_crash = start("before", Idempotency_Key="crash")
os.kill(int(os.environ["DAEMON"]), signal.SIGKILL)
daemon = subprocess.Popen([os.environ["CORDON"], "serve", "--state", os.environ["STATE"]],
                          stdout=subprocess.PIPE, text=True)
for line in daemon.stdout:
    if line.startswith("console"):
        for api in (oncall, viewer):
            api.host, api.port = line.split()[1].removeprefix("https://").rsplit(":", 1)
        break
after = start("before", Idempotency_Key="crash")
check("the_same_key_after_a_crash_gets_the_same_answer", (202, before_crash.body), (after.status, after.body))
check("and_for_something_else_it_is_refused", (422, "once_differs"), said(start("x", Idempotency_Key="crash")))
check("no_run_was_started_twice", 1,
      len([run for run in viewer.get("/v1/runs?playbook=asks").json["runs"]
           if viewer.get(f"/v1/runs/{run['run']}").json["rows"][0]["body"]["params"].get("target") == "before"]))
daemon.terminate()
daemon.wait(WITHIN)
summary()

# SPDX-License-Identifier: Apache-2.0
# An incident by API alone: start, see the gate, vote, watch, roll back, halt. The world is the
# simulator, the daemon is real.
import json
import os
import re

from client import Api, Events, check, from_environment, summary, wait_for

oncall, manager = from_environment("ONCALL"), from_environment("MANAGER")
admin, viewer = from_environment("ADMIN"), from_environment("VIEWER")
service = from_environment("SERVICE")
alert = json.load(open(os.environ["ALERT"], encoding="utf-8"))
trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

changes = Events(viewer, "/v1/events")
check("a_stream_of_changes_opens", 200, changes.begin())
check("and_begins_where_the_journal_ends", "begin", changes.next()[1])

# -- start
plan = oncall.post("/v1/runs", {"playbook": "contain-app-service", "alert": alert, "dry_run": True})
check("a_plan_is_shown", (200, "done"), (plan.status, plan.json["state"]))
check("a_plan_starts_nothing", [], viewer.get("/v1/runs?state=waiting").json["runs"])
start = oncall.post("/v1/runs", {"playbook": "contain-app-service", "alert": alert},
                    Idempotency_Key="incident 7", traceparent=trace)
check("a_run_is_accepted", 202, start.status)
run = start.json["run"]
check("and_where_it_is_is_said", f"/v1/runs/{run}", start.headers["Location"])
again = oncall.post("/v1/runs", {"playbook": "contain-app-service", "alert": alert},
                    Idempotency_Key="incident 7")
check("the_same_request_again_starts_nothing", (202, run), (again.status, again.json["run"]))
check("the_trace_is_kept", trace,
      viewer.get(f"/v1/runs/{run}").json["rows"][0]["body"]["trace"])
check("who_asked_is_the_tokens_person", "oncall", viewer.get(f"/v1/runs/{run}").json["run"]["by"])


def traced():
    lines = [json.loads(line) for line in open(os.environ["WORK"] + "/requests.jsonl", encoding="utf-8")]
    return {line["traceparent"] for line in lines if "traceparent" in line}


# -- the gate
gate = wait_for(lambda: viewer.get(f"/v1/gates?run={run}").json["gates"], "a gate")[0]
name, digest = gate["gate"], gate["digest"]
check("the_gate_is_told_as_it_opens", name,
      next(event for event in changes.until("gate") if event[1] == "gate")[2]["gate"])
one = viewer.get(f"/v1/gates/{name}")
check("it_shows_what_would_change_and_how_it_is_undone", True,
      all(change["before"] != change["after"] and "undo" in change
          for change in one.json["body"]["changes"]))
votes = f"/v1/gates/{name}/votes"
yes = {"vote": "approve", "digest": digest, "reason": "confirmed by telephone"}
check("a_responder_cannot_vote", (403, "role"), (lambda a: (a.status, a.code))(oncall.post(votes, yes)))
check("a_service_never_votes", (403, "role"),
      (lambda a: (a.status, a.code))(service.post(votes, yes)))
check("who_votes_for_other_groups_only_does_not_vote_here", (403, "not_an_approver"),
      (lambda a: (a.status, a.code))(from_environment("BOUND").post(votes, yes)))
check("a_vote_without_a_digest_is_none", (400, "digest"),
      (lambda a: (a.status, a.code))(manager.post(votes, {"vote": "approve"})))
check("a_vote_for_something_else_is_refused", (409, "digest"),
      (lambda a: (a.status, a.code))(manager.post(votes, yes | {"digest": "0" * 64})))
check("a_deny_without_a_reason_is_refused", (400, "reason"),
      (lambda a: (a.status, a.code))(manager.post(votes, {"vote": "deny", "digest": digest})))
check("nobody_says_who_they_are_in_a_body", (400, "body"),
      (lambda a: (a.status, a.code))(manager.post(votes, yes | {"who": "change-manager-2"})))
check("the_gate_is_still_open", "open", viewer.get(f"/v1/gates/{name}").json["state"])

stream = Events(viewer, f"/v1/runs/{run}/events")
stream.begin()
vote = manager.post(votes, {"vote": "approve", "reason": "confirmed by telephone"},
                    If_Match=f'"{digest}"', Idempotency_Key="vote 1")
check("a_vote_with_the_digest_in_if_match_is_taken", 200, vote.status)
check("the_same_vote_again_is_the_same_vote", (200, vote.body),
      (lambda a: (a.status, a.body))(
          manager.post(votes, {"vote": "approve", "reason": "confirmed by telephone"},
                       If_Match=f'"{digest}"', Idempotency_Key="vote 1")))
check("the_vote_is_its_persons", ["change-manager-1"],
      [vote["who"] for vote in viewer.get(f"/v1/gates/{name}").json["votes"]])

# -- watched to its end
seen = stream.until("over")
check("the_run_is_watched_to_its_end", "done", seen[-1][2]["state"])
shown = viewer.get(f"/v1/runs/{run}").json
check("without_a_gap", [str(row["seq"]) for row in shown["rows"]], [event[0] for event in seen[:-1]])
middle = seen[len(seen) // 2][0]
rest = Events(viewer, f"/v1/runs/{run}/events", last=middle)
rest.begin()
check("who_was_cut_off_goes_on", seen[len(seen) // 2 + 1:], rest.until("over"))
rest.close()
rest = Events(viewer, f"/v1/runs/{run}/events", last=seen[-2][0])
check("who_has_seen_all_is_told_not_to_come_again", 204, rest.begin())
rest.close()
steps = viewer.get(f"/v1/runs/{run}/steps").json["steps"]
check("steps_are_listed", True, {"done"} == {step["state"] for step in steps if step["op"] == "apply"})
holds = viewer.get(f"/v1/holds?run={run}").json["holds"]
check("what_is_contained_is_listed", True, len(holds) >= 3)

# -- undone
plan = oncall.post(f"/v1/runs/{run}/rollback", {"dry_run": True})
check("a_rollback_is_shown_first", (200, "restore"),
      (plan.status, plan.json["changes"][0]["op"]))
check("a_viewer_cannot_roll_back", 403, viewer.post(f"/v1/runs/{run}/rollback", {}).status)
back = oncall.post(f"/v1/runs/{run}/rollback", {"reason": "false alarm"})
check("a_rollback_is_accepted", 202, back.status)
undo = back.json["run"]


def end_of(name):
    """Approves what it asks, until it is over."""
    state = viewer.get(f"/v1/runs/{name}").json["run"]
    if state["gate"]:
        asked = viewer.get(f"/v1/gates/{state['gate']}").json
        manager.post(f"/v1/gates/{state['gate']}/votes",
                     {"vote": "approve", "digest": asked["digest"], "reason": "yes"})
    return state["state"] if state["state"] not in ("running", "waiting") else None


check("it_undoes_everything", "done", wait_for(lambda: end_of(undo), "the end of the rollback"))
check("and_nothing_is_contained_any_more", [], viewer.get("/v1/holds").json["holds"])

# -- halt
check("a_viewer_cannot_halt", 403, viewer.post("/v1/halts", {"scope": "all", "reason": "x"}).status)
check("a_responder_halts", 200, oncall.post("/v1/halts", {"scope": "all", "reason": "stop"}).status)
check("everybody_sees_it", ["all"], [halt["scope"] for halt in viewer.get("/v1/halts").json["halts"]])
check("a_responder_cannot_resume", 403,
      oncall.ask("DELETE", "/v1/halts/all", {"reason": "x"}).status)
held = oncall.post("/v1/runs", {"playbook": "contain-app-service", "alert": alert}).json["run"]
check("an_admin_does", 200, admin.ask("DELETE", "/v1/halts/all", {"reason": "go on"}).status)
check("what_is_not_halted_cannot_be_resumed", (409, "not_halted"),
      (lambda a: (a.status, a.code))(admin.ask("DELETE", "/v1/halts/all", {"reason": "x"})))
check("a_run_is_canceled", 202, oncall.post(f"/v1/runs/{held}/cancel", {"reason": "enough"}).status)
check("and_ends_so", "canceled", wait_for(
    lambda: (lambda s: s if s != "running" and s != "waiting" else None)(
        viewer.get(f"/v1/runs/{held}").json["run"]["state"]), "its end"))
kinds = [event[1] for event in changes.until("halt")]
check("changes_are_told_in_their_order", True,
      kinds.index("vote") < kinds.index("gate_end") < kinds.index("end") < kinds.index("halt"))
# -- traces: each step is a span of its own in the trace of who asked
check("the_trace_goes_on_to_the_cloud", True, len(traced()) > 1 and all(
    re.fullmatch(r"00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01", one) and one != trace for one in traced()))

# -- a token that starts some playbooks and changes nothing else, whatever its roles
starter = from_environment("STARTER")
check("a_bound_token_starts_what_it_is_bound_to", (200, "done"),
      (lambda a: (a.status, a.json["state"]))(starter.post("/v1/runs", {"playbook": "contain-app-service", "alert": alert, "dry_run": True})))
runs_before = viewer.get("/v1/runs").body
check("and_no_other_playbook", (403, "bound"),
      (lambda a: (a.status, a.code))(starter.post("/v1/runs", {"playbook": "isolate-vm", "params": {}})))
check("nor_changes_anything_else", {(403, "bound")},
      {(a.status, a.code) for a in (starter.post(f"/v1/runs/{run}/rollback", {}), starter.post("/v1/halts", {"scope": "all", "reason": "x"}),
                                    starter.post("/v1/tokens", {"name": "wide", "roles": ["admin"]}))})
check("and_nothing_was_started_by_it", runs_before, viewer.get("/v1/runs").body)
check("it_reads", 200, starter.get("/v1/runs").status)
made = from_environment("CHIEF").post("/v1/tokens", {"name": "made", "roles": ["responder"], "playbooks": ["block-attacker-ip"]}).json
check("a_token_is_bound_by_the_api_too", ["block-attacker-ip"],
      next(token["playbooks"] for token in admin.get("/v1/tokens").json["tokens"] if token["i"] == made["i"]))
check("and_held_to_it", (403, "bound"),
      (lambda a: (a.status, a.code))(Api(os.environ["CONSOLE"], os.environ["CERT"], made["token"]).post(
          "/v1/runs", {"playbook": "contain-app-service", "alert": alert})))

summary()

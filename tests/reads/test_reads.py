# SPDX-License-Identifier: Apache-2.0
# Lists in pages, playbooks by name, and feeds: against an engine with the fixture plugin.
import json
import os
import subprocess
import sys

from engine import Engine

state, cordon = sys.argv[1], os.environ["CORDON"]
passed = failed = 0


def check(name, wanted, was):
    global passed, failed
    if wanted == was:
        passed += 1
        print(f"ok    {name}")
    else:
        failed += 1
        print(f"      was    {was}\n      wanted {wanted}\nnot ok {name}")


def ask(verb, args):
    engine = Engine(f"{state}/cordon.sock")
    try:
        return engine.ask(verb, args)
    finally:
        engine.close()


def reply(verb, args):
    return ask(verb, args)[2]


def run(name, *options):
    subprocess.run([cordon, "run", f"{state}/../{name}.lua", "--state", state, *options],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)


def names(key, member, **args):
    answer = reply(key, args)
    list_of = answer["holds" if key == "contained" else key]
    return [item[member] for item in list_of], answer["next"]


for i in range(3):
    run("sets", "--param", f"target=t-{i}")
for i in range(3):
    run("asks", "--param", f"target=g-{i}")

# -- pages of runs
check("runs_come_in_pages_newest_first", (["r-000006", "r-000005"], "r-000005"),
      names("runs", "run", limit=2))
check("a_page_goes_on_where_the_one_before_ended", (["r-000004", "r-000003"], "r-000003"),
      names("runs", "run", limit=2, before="r-000005"))
check("the_last_page_has_no_next", (["r-000002", "r-000001"], None),
      names("runs", "run", limit=2, before="r-000003"))
check("runs_of_one_playbook", (["r-000003", "r-000002"], "r-000002"),
      names("runs", "run", limit=2, playbook="sets"))
check("runs_of_one_state", (["r-000006", "r-000005", "r-000004"], None),
      names("runs", "run", state="waiting"))
check("runs_of_nobody", ([], None), names("runs", "run", by="nobody"))
check("a_cursor_that_is_none_is_refused", "before: want a run, like r-000041",
      reply("runs", {"before": "x"})["error"])
run("sets", "--param", "target=late")
check("what_comes_meanwhile_moves_no_page", (["r-000004", "r-000003"], "r-000003"),
      names("runs", "run", limit=2, before="r-000005"))

# -- of gates and holds
check("gates_come_in_pages", (["g-000004-1", "g-000005-1"], "g-000005-1"),
      names("gates", "gate", limit=2))
check("and_go_on", (["g-000006-1"], None), names("gates", "gate", limit=2, after="g-000005-1"))
check("gates_of_one_run", (["g-000005-1"], None), names("gates", "gate", run="r-5"))
check("a_gate_that_is_no_cursor_is_refused", "after: want a gate, like g-000041-1",
      reply("gates", {"after": "r-1"})["error"])
check("holds_come_in_pages", (["h-000001-1", "h-000002-1"], "h-000002-1"),
      names("contained", "hold", limit=2))
check("and_end", (["h-000003-1", "h-000007-1"], None),
      names("contained", "hold", limit=2, after="h-000002-1"))
check("holds_of_one_target", (["h-000002-1"], None), names("contained", "hold", target="t-1"))
check("holds_of_one_run", (["h-000003-1"], None), names("contained", "hold", run="r-3"))
check("holds_that_were_let_go_of", ([], None), names("contained", "hold", state="off"))

# -- playbooks
check("playbooks_are_known_by_name", ["asks", "sets"],
      [book["name"] for book in reply("playbooks", {})["playbooks"]])
book = reply("playbook", {"name": "sets"})
check("one_has_the_schema_of_its_parameters", "string",
      book["params"]["properties"]["target"]["type"])
check("one_that_is_not_there_is_said", "not_found", reply("playbook", {"name": "x"})["code"])
_, code, answer = ask("run", {"playbook": "sets", "params_json": {"target": "by-name"},
                              "follow": False})
check("a_run_is_started_by_its_playbooks_name", (0, {"accepted": True, "run": "r-000008"}),
      (code, answer))
check("with_a_name_that_is_none_nothing_starts", "not_found",
      reply("run", {"playbook": "nonesuch", "follow": False})["code"])
trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
run_name = reply("run", {"playbook": "sets", "params_json": {"target": "traced"},
                         "follow": False, "trace": trace})["run"]
rows = reply("show", {"run": run_name})["rows"]
check("the_trace_of_a_request_is_in_the_runs_first_row", trace, rows[0]["body"]["trace"])

# -- feeds
events, code, answer = ask("feed", {"run": "r-000001"})
check("the_feed_of_a_run_that_is_over_has_its_rows_and_ends", "start end done False",
      f"{events[0]['kind']} {events[-1]['kind']} {answer['state']} {answer['more']}")
later = ask("feed", {"run": "r-000001", "since": events[1]["seq"]})[0]
check("it_begins_behind_the_row_that_was_named", events[2:], later)
check("a_run_that_is_not_there_has_none", "not_found", reply("feed", {"run": "r-99"})["code"])

live = Engine(f"{state}/cordon.sock")
live.send("feed", {})
begin = live.next()[1]
check("the_feed_of_all_begins_where_the_journal_ends", "begin", begin["kind"])
one = Engine(f"{state}/cordon.sock")
one.send("feed", {"run": "r-000004"})
first = one.next()[1]
gate = reply("gate", {"gate": "g-000004-1"})
ask("deny", {"gate": "g-000004-1", "digest": gate["digest"], "reason": "no", "follow": False})


def until_its_end(feed, run):
    """What the feed of all tells of this run, up to its end: an earlier one may still be at its own."""
    events = []
    while not events or events[-1]["kind"] != "end":
        event = feed.next()[1]
        if event["run"] == run:
            events.append(event)
    return events


told = until_its_end(live, "r-000004")
check("what_changes_is_told_once_it_is_durable", ["vote", "gate_end", "end"],
      [event["kind"] for event in told])
check("with_what_it_is_about", ("g-000004-1", "denied", "denied"),
      (told[0]["gate"], told[1]["state"], told[2]["state"]))
seen = [first]
while seen[-1]["kind"] != "end":
    seen.append(one.next()[1])
check("and_it_ends_with_the_run", ("reply", 0, "denied"), (lambda r: (r[0], r[1], r[2]["state"]))(one.next()))
check("a_parked_runs_feed_goes_on_without_a_gap",
      [row["seq"] for row in reply("show", {"run": "r-000004"})["rows"]],
      [row["seq"] for row in seen])
again = Engine(f"{state}/cordon.sock")
again.send("feed", {"since": told[0]["seq"]})
check("who_was_cut_off_goes_on_without_a_gap", told[1:], until_its_end(again, "r-000004"))
ahead = Engine(f"{state}/cordon.sock")
ahead.send("feed", {"since": 10**9})
check("who_knows_of_rows_that_are_not_there_reads_anew", "reset", ahead.next()[1]["kind"])
for engine in (live, one, again, ahead):
    engine.close()
check("a_feed_wakes_no_run", ["waiting", "waiting"],
      [item["state"] for item in reply("runs", {"state": "waiting"})["runs"]])

big = "x" * 3000
run("notes")
_, code, answer = ask("run", {"playbook": "notes", "params_json": {"text": big}, "follow": True})
pages, since, rows = 0, 0, []
while True:
    events, code, answer = ask("feed", {"run": answer["run"] if "run" in answer else big_run,
                                        "since": since})
    big_run = events[0]["run"]
    rows += events
    pages += 1
    since = answer["since"]
    if not answer["more"]:
        break
check("a_long_past_comes_in_pages", True, pages >= 3)
check("and_all_of_it_comes_once", [row["seq"] for row in reply("show", {"run": big_run})["rows"]],
      [row["seq"] for row in rows])

print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)

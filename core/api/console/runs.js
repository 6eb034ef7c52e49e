// SPDX-License-Identifier: Apache-2.0
// Runs, and one run: what it did, live, and how it is undone.
import { el, clear, button, link, facts, state, when, shown, shortly, diff } from "/console/dom.js";
import { get, post, follow, may } from "/console/api.js";
import { confirmBox } from "/console/dialogs.js";
import { failed } from "/console/gates.js";

const ROWS = ["start", "answer", "intent", "outcome", "progress", "gate", "vote", "gate_end", "sleep", "wait", "child", "drift", "doubt", "settle", "cancel", "end", "leave",
  "remind", "escalate", "keep", "pause", "over", "run"];

export async function runsPage() {
  const wanted = sessionStorage.getItem("runs") || "";
  const { runs, next } = await get("/v1/runs?limit=50" + (wanted ? "&state=" + wanted : ""));
  const select = el("select", { id: "which", onchange: event => { sessionStorage.setItem("runs", event.target.value); dispatchEvent(new Event("hashchange")); } },
    ["", "running", "waiting", "stuck", "done", "failed", "denied", "canceled", "diverged", "blocked"].map(one => el("option", { value: one, selected: one === wanted }, one || "all")));
  return { nodes: [el("h1", {}, "Runs"), el("label", { for: "which" }, "Which"), select,
    runs.length ? runs.map(run => el("a", { class: "card", href: "#/runs/" + run.run },
      el("div", { class: "row" }, el("h2", {}, shown(run.playbook)), state(run.state), el("span", { class: "end soft" }, when(run.at))),
      el("div", { class: "row soft" }, el("code", {}, run.run), el("span", {}, "by ", shown(run.by)), run.kind !== "live" && el("span", {}, shown(run.kind), run.of ? ` of ${run.of}` : ""),
        run.error && el("span", { class: "bad" }, shown(run.error.message))))) : el("p", { class: "empty" }, "No run yet. Start one from Playbooks, or let an alert do it."),
    next && el("p", { class: "soft" }, "Older ones: cordon runs --limit 500")] };
}

// A row of the journal in words.
function line(row) {
  const b = row.body || {}, target = b.t ? el("span", { class: "target" }, " ", shortly(b.t)) : "";
  switch (row.kind) {
  case "start": return ["good", ["Started by ", shown(b.by), b.alert ? [" for the alert “", shown(b.alert.title), "”"] : ""]];
  case "intent": return ["warn", [b.op === "restore" ? "Putting back: " : "Changing: ", shown(b.what || b.a), target]];
  case "outcome": return b.s && b.s !== "done" ? ["bad", [shown(b.s), ": ", shown(b.msg || b.code)]] : ["good", "Done, and seen to be so"];
  case "gate": return ["warn", ["Asked: ", shown(b.title || "may this be done?"), " ", link(`#/gates/g-${row.run.slice(2)}-${b.g}`, "look at it")]];
  case "vote": return [b.yes === false ? "bad" : "good", [shown(b.who), b.yes === false ? " denied" : " agreed", b.why ? `: ${shown(b.why)}` : ""]];
  case "gate_end": return [["granted", 2].includes(b.s) ? "good" : "bad", ["The gate is ", shown(b.s === 2 ? "granted" : b.s)]];
  case "answer": return b.x?.text ? ["good", ["Note: ", shown(b.x.text)]] : b.ok === false ? ["bad", [shown(b.a || b.k), " failed: ", shown(b.v?.message)]] :
    b.x?.noop ? ["good", [shown(b.a), ": nothing had to be changed"]] : b.a ? ["good", ["Read: ", shown(b.a)]] : null;
  case "drift": return ["bad", ["Somebody else has changed it: nothing was written.", target, diff(b.z, b.now)]];
  case "doubt": return ["bad", ["Nobody can know whether it happened: ", shown(b.why), target]];
  case "settle": return ["good", [shown(b.who), " settled it: ", shown(b.choice), b.why ? `, ${shown(b.why)}` : ""]];
  case "sleep": return ["warn", "Waits"];
  case "wait": return ["warn", ["Waits until ", when(b.until), " because the service said: ", shown(b.msg), target]];
  case "child": return ["warn", ["Goes on in another run"]];
  case "cancel": return ["bad", ["Canceled by ", shown(b.who), b.why ? `: ${shown(b.why)}` : ""]];
  case "leave": return ["good", ["Left in place: others want it too", target]];
  case "pause": return ["warn", ["Did not work, is tried again: ", shown(b.msg)]];
  case "end": return [["done", 4].includes(b.s) ? "good" : "bad", [["done", 4].includes(b.s) ? "Finished" : "Ended", b.e ? `: ${shown(b.e.message)}` : ""]];
  default: return null;
  }
}

export async function runPage(name, refresh) {
  let run = (await get("/v1/runs/" + encodeURIComponent(name))).run, closed = false;
  const head = el("div"), list = el("ol", { class: "line", "aria-label": "what happened" }), seen = new Set();
  draw();
  const source = follow(`/v1/runs/${encodeURIComponent(name)}/events`, onrow, ROWS);
  return { nodes: [el("p", {}, link("#/runs", "← Runs")), head, el("h2", {}, "What happened"), list], onchange: reread, close() { closed = true; source.close(); }, isStill: true };

  function onrow(kind, row) {
    if (kind === "over") { source.close(); reread(); return; }
    if (row.seq && seen.has(row.seq)) return;
    if (row.seq) seen.add(row.seq);
    const words = line({ ...row, kind });
    if (words) list.append(el("li", { class: words[0] }, el("div", {}, words[1]), row.at && el("div", { class: "soft" }, when(row.at))));
    if (["gate", "gate_end", "wait", "end", "drift", "doubt"].includes(kind)) reread();
  }

  async function reread() {
    if (closed) return;
    const now = await get("/v1/runs/" + encodeURIComponent(name)).catch(() => null);
    if (now) { run = now.run; draw(); }
  }

  function draw() {
    const path = "/v1/runs/" + encodeURIComponent(name), isOver = !["running", "waiting", "stuck"].includes(run.state);
    clear(head, el("h1", {}, shown(run.playbook)), el("div", { class: "row" }, state(run.state), el("code", {}, run.run), run.gate && link("#/gates/" + run.gate, "waits at a gate")),
      facts([["Started", when(run.at)], ["By", shown(run.by)], ["Undoes", run.of ? link("#/runs/" + run.of, run.of) : ""],
        ["Waits", run.waits ? el("span", {}, "until ", when(run.waits.until), " because the service said: ", shown(run.waits.why)) : ""], ["Error", run.error ? el("span", { class: "bad" }, shown(run.error.message)) : ""]]),
      may("responder") && el("div", { class: "actions" }, isOver && run.kind !== "rollback" && button("Roll back…", rollback, "main"),
        isOver && run.kind === "live" && button("Recover", () => ask("Recover", "Runs the playbook's own way back, with its questions.", reason => post(path + "/recover", {}), "optional")),
        !isOver && button("Cancel", () => ask("Cancel this run", "It stops where it is. What is contained stays contained.", reason => post(path + "/cancel", { reason }), "required"), "danger"),
        run.state === "stuck" && run.kind === "rollback" && button("Try again", () => ask("Try again", "Looks again at what could not be put back.", reason => post(path + "/retry", reason ? { reason } : {}), "optional")),
        run.state === "stuck" && ["applied", "not-applied", "leave", "restore", "accept"].map(choice => button("Settle: " + choice, () => ask("Settle: " + choice, SETTLE[choice], reason => post(path + "/settle", { choice, reason }), "required")))));
  }

  async function ask(title, text, act, reason) { if (await confirmBox({ title, text, reason, confirm: title, act })) { await reread(); refresh(); } }

  // What would be undone is shown before anything is.
  async function rollback() {
    let plan;
    try { plan = await post(`/v1/runs/${encodeURIComponent(name)}/rollback`, { dry_run: true }); }
    catch (problem) { await confirmBox({ title: "Roll back", text: problem.message, confirm: "Close", act: async () => {} }); return; }
    let undo = null;
    const changes = plan.changes || [];
    const more = [changes.length ? changes.map(one => el("div", { class: "card" }, el("h3", {}, shown(one.what || one.action)), el("p", { class: "target" }, shown(one.target)), diff(one.before, one.after))) : el("p", {}, "Nothing of it is in place any more."),
      plan.drifted?.length > 0 && el("p", { class: "warn" }, `${plan.drifted.length} would be left alone: somebody else has changed them.`), (plan.failed || []).map(failed)];
    if (await confirmBox({ title: "Roll back", text: "This is put back, in this order:", more, reason: "optional", confirm: "Roll back", kind: "main",
      act: async reason => { undo = await post(`/v1/runs/${encodeURIComponent(name)}/rollback`, reason ? { reason } : {}); } })) location.hash = "#/runs/" + (undo.run || name);
  }
}

const SETTLE = { applied: "It happened: go on as if it had been seen.", "not-applied": "It did not happen: it may be done again.", leave: "Leave the target as it is now, and let go of it.",
  restore: "Write over what somebody else has changed. That wants an approval.", accept: "What is there now is right, and is what is kept." };

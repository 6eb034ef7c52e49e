// SPDX-License-Identifier: Apache-2.0
// Runs, and one run: what it did, live, what of it is still in place, and how it is undone.
import { el, clear, button, link, facts, state, when, shown, shortly, drift } from "/console/dom.js";
import { get, post, follow, may } from "/console/api.js";
import { confirmBox } from "/console/dialogs.js";
import { brief, rest, first, alertLink } from "/console/plan.js";
import { glassCard } from "/console/glass.js";

const ROWS = ["start", "answer", "intent", "outcome", "progress", "gate", "vote", "gate_end", "sleep", "wait", "child", "drift", "doubt", "settle", "cancel", "end", "leave",
  "remind", "escalate", "keep", "pause", "over", "run"];
const CHILDREN_MAX = 500; // that the page of a run shows
const UNDER_WAY = ["running", "waiting", "stuck"];

// What became of a run that is over: [word for its mark, sentence]; null when there is nothing to say.
function standing(run) {
  const count = run.in_place === 1 ? "1 change is" : `${run.in_place} changes are`;
  if (!["live", "recover"].includes(run.kind) || run.in_place === undefined) return null;
  const by = run.undone?.by ? `by ${run.undone.by}; ` : "";
  if (run.undone && run.in_place > 0) return ["partly rolled back", `${by}${count} still in place`];
  if (run.undone) return [by ? "rolled back" : "let go", `${by}it holds nothing in place any more`];
  return run.in_place > 0 ? ["in place", `${count} in place`] : null;
}

export async function runsPage() {
  const wanted = sessionStorage.getItem("runs") || "";
  const { runs, next } = await get("/v1/runs?limit=50" + (wanted ? "&state=" + wanted : ""));
  const select = el("select", { id: "which", onchange: event => { sessionStorage.setItem("runs", event.target.value); dispatchEvent(new Event("hashchange")); } },
    ["", "running", "waiting", "stuck", "done", "failed", "denied", "canceled", "diverged", "blocked"].map(one => el("option", { value: one, selected: one === wanted }, one || "all")));
  return { nodes: [el("h1", {}, "Runs"), el("label", { for: "which" }, "Which"), select,
    runs.length ? runs.map(run => el("a", { class: "card", href: "#/runs/" + run.run },
      el("div", { class: "row" }, el("h2", {}, shown(run.playbook)), state(run.state), standing(run) && state(standing(run)[0]), el("span", { class: "end soft" }, when(run.at))),
      el("div", { class: "row soft" }, el("code", {}, run.run), el("span", {}, "by ", shown(run.by)), run.kind !== "live" && el("span", {}, shown(run.kind), run.of ? ` of ${run.of}` : ""), standing(run) && el("span", {}, standing(run)[1]),
        run.error && el("span", { class: "bad" }, shown(run.error.message))))) : el("p", { class: "empty" }, "No run yet. Start one from Playbooks, or let an alert do it."),
    next && el("p", { class: "soft" }, "Older ones: cordon runs --limit 500")] };
}

// A row of the journal in words.
function line(row) {
  const b = row.body || {}, target = b.t ? el("span", { class: "target" }, " ", shortly(b.t)) : "";
  switch (row.kind) {
  case "start": return ["good", ["Started by ", shown(b.by), b.alert ? [" for the alert “", shown(b.alert.title), "”"] : ""]];
  case "intent": return ["warn", [b.op === "restore" ? "Putting back: " : "Changing: ", shown(b.what || b.a), target, (b.notes || []).map(note => el("div", { class: "warn" }, shown(note)))]];
  case "outcome": return b.s && b.s !== "done" ? ["bad", [shown(b.s), ": ", shown(b.msg || b.code)]] : ["good", "Done, and seen to be so"];
  case "gate": return ["warn", ["Asked: ", shown(b.title || "may this be done?"), " ", link(`#/gates/g-${row.run.slice(2)}-${b.g}`, "look at it")]];
  case "vote": return [b.yes === false ? "bad" : "good", [shown(b.who), b.yes === false ? " denied" : " agreed", b.why ? `: ${shown(b.why)}` : ""]];
  case "gate_end": return [["granted", 2].includes(b.s) ? "good" : "bad", ["The gate is ", shown(b.s === 2 ? "granted" : b.s), b.glass ? [" by ", shown(b.glass.who), " alone, who broke the glass: ", shown(b.glass.why)] : ""]];
  case "answer": return b.x?.text ? ["good", ["Note: ", shown(b.x.text)]] : b.ok === false ? ["bad", [shown(b.a || b.k), " failed: ", shown(b.v?.message)]] :
    b.x?.noop ? ["good", [shown(b.a), ": nothing had to be changed"]] : b.a ? ["good", ["Read: ", shown(b.a)]] : null;
  case "drift": return ["bad", ["Somebody else has changed it: nothing was written.", target, drift(b.w, b.z, b.now)]];
  case "doubt": return ["bad", [b.parts?.before?.length && b.parts.planned?.length && !b.parts.foreign?.length ? "Partly done: " : "Nobody can know whether it happened: ", shown(b.why), target]];
  case "settle": return ["good", b.choice === "retry" ? [shown(b.who), " had it looked at again", b.why ? `: ${shown(b.why)}` : ""] : [shown(b.who), " settled it: ", shown(b.choice), b.why ? `, ${shown(b.why)}` : ""]];
  case "sleep": return ["warn", "Waits"];
  case "wait": return ["warn", ["Waits until ", when(b.until), " because the service said: ", shown(b.msg), target]];
  case "child": return ["warn", ["Goes on in another run ", b.run && link("#/runs/" + b.run, b.run)]];
  case "cancel": return ["bad", ["Canceled by ", shown(b.who), b.why ? `: ${shown(b.why)}` : ""]];
  case "leave": return ["good", [LEFT(b), target]];
  case "keep": return ["warn", ["Its time was over, and it stays", b.until ? [" until ", when(b.until)] : " until it is released", b.who ? `, says ${shown(b.who)}` : "", target]];
  case "pause": return ["warn", ["Did not work, is tried again: ", shown(b.msg)]];
  case "end": return [["done", 4].includes(b.s) ? "good" : "bad", [["done", 4].includes(b.s) ? "Finished" : "Ended", b.e ? `: ${shown(b.e.message)}` : ""]];
  default: return null;
  }
}

const LEFT = b => b.wanted?.length ? ["Nothing was written: still wanted by ", b.wanted.map(run => [link("#/runs/" + run, run), " "])] :
  b.end === "gone" ? `The target is gone, and the hold with it: ${shown(b.msg)}` : b.end === "not_restored" ? `It is not put back: ${shown(b.msg)}` : b.off ? "Let go of before" : "There was nothing to put back";

// What a person can say about a step, and what follows from it.
const SETTLE = {
  applied: ["It happened", "Go on as if it had been seen to happen."],
  "not-applied": ["It did not happen", "The step has failed, and it may be done again."],
  leave: ["Leave it", "The target stays as it is now, and cordon lets go of it."],
  restore: ["Restore it", "The state of before is written over what is there now. That wants an approval."],
  complete: ["Complete it", "What is left is done, under the same approval."],
  "take-back": ["Take it back", "A rollback undoes the part that is done; the step has failed."],
  "partly-applied": ["Keep the part", "What is done stays and has a hold, so that a rollback can undo it; the step has failed."],
  accept: ["Accept it", "The target stays as it is now, and the hold stays: a later rollback looks again."],
};
const HEADS = { drift: "Somebody else has changed it, so nothing was written", doubt: "Nobody can know whether it happened", failed: "It could not be undone", refused: "It could not be undone" };

export async function runPage(name, refresh) {
  const path = "/v1/runs/" + encodeURIComponent(name);
  let all = await get(path), run = all.run, steps = [], closed = false;
  const head = el("div"), waits = el("div"), held = el("div"), list = el("ol", { class: "line", "aria-label": "what happened" }), seen = new Set();
  const told = new Map(); // of a step, the row that says what somebody else has changed or what is in doubt
  await readSteps();
  draw();
  const source = follow(`${path}/events`, onrow, ROWS);
  return { nodes: [el("p", {}, link("#/runs", "← Runs")), head, waits, held, el("h2", {}, "What happened"), list], onchange: reread, close() { closed = true; source.close(); }, isStill: true };

  function onrow(kind, row) {
    if (kind === "over") { source.close(); reread(); return; }
    if (row.seq && seen.has(row.seq)) return;
    if (row.seq) seen.add(row.seq);
    if (["drift", "doubt"].includes(kind)) told.set(`${row.body.b}/${row.body.n}`, row.body);
    const words = line({ ...row, kind });
    if (words) list.append(el("li", { class: words[0] }, el("div", {}, words[1]), row.at && el("div", { class: "soft" }, when(row.at))));
    if (["gate", "gate_end", "wait", "end", "drift", "doubt", "settle", "leave"].includes(kind)) reread();
  }

  async function readSteps() {
    steps = run.state === "stuck" ? (await get(`${path}/steps`).catch(() => ({ steps: [] }))).steps.filter(step => step.choices) : [];
  }

  async function reread() {
    if (closed) return;
    const now = await get(path).catch(() => null);
    if (!now) return;
    all = now;
    run = now.run;
    await readSteps();
    if (!closed) draw();
  }

  function draw() {
    const state_ = standing(run), mark = state_ && state_[0] !== "in place" && state(state_[0]);
    clear(head, el("h1", {}, shown(run.playbook)), el("div", { class: "row" }, state(run.state), mark, el("code", {}, run.run), run.gate && link("#/gates/" + run.gate, "waits at a gate")),
      facts([["Alert", alertLink(all.alert)], ["Started", when(run.at)], ["Ended", when(run.ended)], ["By", shown(run.by)], ["Undoes", run.of && run.kind === "rollback" ? link("#/runs/" + run.of, run.of) : ""], ["Reason", shown(run.why)],
        ["Rolled back", run.undone?.by && [link("#/runs/" + run.undone.by, run.undone.by), " ", when(run.undone.at), run.in_place > 0 ? `; ${run.in_place} still in place` : "; nothing of it is in place for this run"]],
        ["In place", !run.undone?.by && state_ ? state_[1] : ""],
        ["Waits", run.waits ? el("span", {}, "until ", when(run.waits.until), " because the service said: ", shown(run.waits.why)) : ""], ["Error", run.error ? el("span", { class: "bad" }, shown(run.error.message)) : ""]]),
      may("responder") && el("div", { class: "actions" }, actions()));
    clear(waits, steps.length > 0 && el("h2", {}, "What a person must settle"), first(steps, stuck));
    clear(held, all.break_glass?.length > 0 && el("h2", {}, "Break-glass"), first(all.break_glass, one => glassCard(one, reread)), holds(), others());
  }

  function actions() {
    const isOver = !UNDER_WAY.includes(run.state), isOwn = ["live", "recover"].includes(run.kind);
    const hasEffect = run.in_place > 0 || (all.children || []).some(child => child.kind === "live");
    return [isOver && isOwn && hasEffect && button("Roll back…", rollback, "main"),
      isOver && run.kind === "live" && all.recover && button("Recover…", () => ask("Recover", "Runs the playbook's recover function, with its questions.", () => post(path + "/recover", {}))),
      !isOver && button("Cancel…", () => ask("Cancel this run", "It stops where it is. What is contained stays contained.", reason => post(path + "/cancel", { reason }), "required"), "danger"),
      steps.length > 0 && button("Look again…", () => ask("Look again", run.kind === "rollback" ? "Looks again at what could not be put back, and puts back what it can." : "Looks again whether it happened.", reason => post(path + "/retry", reason ? { reason } : {}), "optional"))];
  }

  // A step that waits for a person: what is there, and only the choices that the engine takes for it.
  function stuck(step) {
    const row = told.get(step.step), isTold = row && ["drift", "doubt"].includes(step.state);
    const choose = choice => () => ask(SETTLE[choice][0], SETTLE[choice][1], reason => post(path + "/settle", { choice, reason, step: step.step }), "required");
    return el("section", { class: "card warning", "aria-label": `step ${step.step}` }, el("h3", {}, HEADS[step.state]),
      el("p", {}, el("code", {}, step.step), " ", shown(step.action)), el("p", { class: "target" }, shown(step.target)), step.why && el("p", {}, shown(step.why)),
      isTold && drift(row.w, row.z, row.now),
      may("responder") && el("div", { class: "choices" }, step.choices.map(choice => [button(`${(SETTLE[choice] || [choice])[0]}…`, choose(choice)), el("span", { class: "soft" }, (SETTLE[choice] || ["", ""])[1])])));
  }

  function holds() {
    const isKept = hold => hold.state === "on" || hold.wanted?.length;
    const ours = (all.holds || []).filter(hold => run.undone || hold.state !== "off");
    if (!ours.length) return null;
    return [el("h2", {}, "What became of its changes"), first(ours, hold => el("div", { class: "card" },
      el("div", { class: "row" }, el("h3", {}, shown(hold.what || hold.action)), isKept(hold) ? state(hold.seen ? "not in force" : "in place") : state(hold.state === "off" ? "rolled back" : shown(hold.state).replace("_", " "))),
      el("p", { class: "target" }, shown(hold.target)),
      facts([["Let go of by", hold.off_by ? [link("#/runs/" + hold.off_by, hold.off_by), " ", when(hold.off_at)] : ""],
        ["Still in place for", (hold.wanted || []).map(other => [link("#/runs/" + other, other), " "])], ["Also for", hold.state === "on" ? hold.runs.slice(1).map(other => [link("#/runs/" + other, other), " "]) : []],
        ["Until", hold.until ? when(hold.until) : ""]])))];
  }

  function others() {
    const children = all.children || [];
    if (!children.length) return null;
    return [el("h2", {}, "Runs that belong to it"), el("ul", { class: "plain" }, children.slice(0, CHILDREN_MAX).map(child => el("li", { class: "row" }, link("#/runs/" + child.run, child.run),
      el("span", {}, child.kind === "rollback" ? "rollback" : child.kind === "recover" ? "recover" : shown(child.playbook)), state(child.state), el("span", { class: "soft" }, "by ", shown(child.by), child.why ? `: ${shown(child.why)}` : ""))))];
  }

  async function ask(title, text, act, reason) { if (await confirmBox({ title, text, reason, confirm: title, act })) { await reread(); refresh(); } }

  // What would be undone is shown before anything is.
  async function rollback() {
    let plan;
    try { plan = await post(`${path}/rollback`, { dry_run: true }); }
    catch (problem) { await confirmBox({ title: "Roll back", text: problem.message, confirm: "Close" }); return; }
    let undo = null;
    const changes = plan.changes || [], others = [plan.left, plan.drifted, plan.failed].some(items => items?.length);
    if (!changes.length && !others) { await confirmBox({ title: "Roll back", text: "Nothing of it is in place any more.", confirm: "Close" }); return; }
    const text = changes.length ? "This is put back, in this order:" : plan.left?.length ? "Nothing is written: this run lets go of what stays as it is." : "Nothing can be put back as things are now:";
    if (await confirmBox({ title: "Roll back", text, more: [first(changes, brief), rest(plan)], reason: "optional", confirm: "Roll back", kind: "main",
      act: async reason => { undo = await post(`${path}/rollback`, reason ? { reason } : {}); } })) location.hash = "#/runs/" + (undo.run || name);
  }
}

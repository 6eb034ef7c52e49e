// SPDX-License-Identifier: Apache-2.0
// The inbox, and one gate: what is about to happen, to what, how it is undone, and who says yes.
import { el, clear, button, link, facts, state, when, until, diff, shortly, shown } from "/console/dom.js";
import { session, get, post, may } from "/console/api.js";
import { confirmBox } from "/console/dialogs.js";

const needs = body => (body.demands || []).map(one => `${one.need} of ${[].concat(one.from || []).join(", ") || "anybody"}`).join(" and ") ||
  (body.need ? `${body.need} of ${[].concat(body.from || []).join(", ") || "anybody"}` : "an answer");

export async function gatesPage() {
  const { gates } = await get("/v1/gates");
  gates.sort((one, other) => (one.body.due || Infinity) - (other.body.due || Infinity)); // the most urgent first
  return { nodes: [el("h1", {}, "Inbox"), el("p", { class: "soft" }, gates.length ? `${gates.length} ${gates.length === 1 ? "question waits" : "questions wait"} for an answer.` : ""),
    gates.length ? gates.map(card) : el("p", { class: "empty" }, "Nothing waits for anybody.")] };
}

function card(gate) {
  const body = gate.body, changes = body.changes || [];
  return el("a", { class: "card", href: "#/gates/" + encodeURIComponent(gate.gate) },
    el("div", { class: "row" }, el("h2", {}, body.title || "May this be done?"), el("span", { class: "end" }, until(body.due))),
    el("p", {}, changes.length ? `${changes.length} ${changes.length === 1 ? "change" : "changes"}: ${changes.slice(0, 3).map(one => shown(one.what)).join("; ")}${changes.length > 3 ? " …" : ""}` : "A question"),
    el("div", { class: "row soft" }, el("span", {}, shown(gate.playbook)), el("span", {}, "asked by ", shown(body.by)), el("span", {}, "wants ", needs(body)),
      el("span", {}, `${(gate.votes || []).length} said`), changes.some(one => one.effect === "permanent") && el("span", { class: "bad" }, "cannot be undone")));
}

function change(one, i, all) {
  return el("section", { class: "card", "aria-label": `change ${i + 1} of ${all.length}` },
    el("div", { class: "row" }, el("h3", {}, `${i + 1}. ${shown(one.what)}`), one.op === "restore" && el("span", { class: "state warn" }, "puts back"),
      one.effect === "permanent" ? el("span", { class: "state bad" }, "cannot be undone") : el("span", { class: "state good" }, "can be undone")),
    el("p", { class: "target" }, shown(one.target)), diff(one.before, one.after),
    facts([["Undo", one.undo && one.effect !== "permanent" ? shown(one.undo) : `none: ${shown(one.because) || "it cannot be undone"}`], ["Action", el("code", {}, shown(one.action))], ["Risk", shown(one.risk)],
      ["Note", (one.notes || []).map(note => el("div", { class: "warn" }, shown(note)))],
      ["Affects", one.affects ? `${one.affects} ${shown(one.affects_what)}` : ""], ["Rules", (one.needs?.rules || []).join("; ")],
      ["Guard", one.needs?.guard ? shown(one.needs.guard) : ""], ["Freeze", (one.needs?.freezes || []).map(shown).join("; ")], ["Tags", Object.entries(one.tags || {}).map(([k, v]) => `${k}=${v}`).join(", ")]]));
}

export function failed(one) {
  return el("div", { class: "card bad" }, el("strong", {}, "Not possible: "), shown(one.action), " ", one.target ? shortly(one.target) : shown(one.args), ": ", shown(one.message), one.code ? ` (${shown(one.code)})` : "");
}

export async function gatePage(name, refresh) {
  let gate = await get("/v1/gates/" + encodeURIComponent(name));
  const notice = el("div", { role: "status" });
  const votes = el("div"), head = el("div");
  draw();
  return { nodes: [el("p", {}, link("#/gates", "← Inbox")), head, notice, gate.body.detail && el("p", {}, shown(gate.body.detail)),
    gate.body.differs && el("div", { class: "card warn" }, el("strong", {}, "It was approved before, and differs now: "), shown(gate.body.differs)),
    gate.body.drifted?.length > 0 && el("div", { class: "card warn" }, el("strong", {}, "Left alone, since somebody else has changed it: "), gate.body.drifted.map(one => shortly(one.target)).join(", ")),
    (gate.body.failed || []).map(failed), gate.body.error && el("div", { class: "card bad" }, el("strong", {}, "The preview of the playbook ended with an error: "), shown(gate.body.error.message)),
    el("h2", {}, (gate.body.changes || []).length ? "What will happen" : "The question"), (gate.body.changes || []).map(change),
    el("h2", {}, "Who has said something"), votes], onchange, isStill: true };

  function draw() {
    const body = gate.body, isOpen = gate.state === "open";
    clear(head, el("h1", {}, body.title || "May this be done?"), el("div", { class: "row" }, state(gate.state), isOpen && until(body.due), link("#/runs/" + gate.run, gate.run), el("span", { class: "soft" }, shown(gate.playbook))),
      facts([["Asked by", shown(body.by)], ["Wants", needs(body)], ["Until", when(body.due)], ["After that", shown(body.on_timeout || body.args?.on_timeout)],
        ["Signature", body.sign ? "must be signed with an SSH key: cordon approve --sign, or cordon gate export" : ""], ["Digest", el("code", {}, (gate.digest || "").slice(0, 16) + "…")]]),
      isOpen && may("approver") && (body.k === "ask" ? answer(body) : vote(body)), isOpen && !may("approver") && el("p", { class: "soft" }, "You can look, and have no role to answer."));
    clear(votes, (gate.votes || []).length ? el("ol", { class: "line" }, gate.votes.map(one => el("li", { class: one.yes === false ? "bad" : "good" },
      el("strong", {}, shown(one.who)), " ", one.v !== undefined && one.v !== null ? `answered ${shown(one.v)}` : one.yes ? "approved" : "denied", one.why ? `: ${shown(one.why)}` : "", one.key ? " (signed)" : ""))) :
      el("p", { class: "soft" }, "Nobody yet."));
  }

  function vote(body) {
    const permanent = (body.changes || []).filter(one => one.effect === "permanent");
    const send = word => reason => post(`/v1/gates/${encodeURIComponent(name)}/votes`, { vote: word, digest: gate.digest, ...(reason ? { reason } : {}) });
    return el("div", { class: "actions" },
      button("Approve", async () => await confirmBox({ title: "Approve", text: `Exactly what is shown: ${(body.changes || []).length === 1 ? "1 change" : `${(body.changes || []).length} changes`}.`, reason: permanent.length ? "required" : "optional",
        typed: permanent.length ? shown(permanent[0].target).slice(-4) : null, confirm: "Approve", act: send("approve") }) && reread(), "main", { "data-key": "a" }),
      button("Deny", async () => await confirmBox({ title: "Deny", text: "One who denies ends it, and the run with it.", reason: "required", confirm: "Deny", kind: "danger", act: send("deny") }) && reread(), "danger", { "data-key": "d" }));
  }

  function answer(body) {
    const choices = body.args?.choices || [];
    const send = value => post(`/v1/gates/${encodeURIComponent(name)}/answer`, { value }).then(reread, problem => clear(notice, el("p", { class: "error", role: "alert" }, problem.message)));
    if (choices.length) return el("div", { class: "actions" }, choices.map(one => button(shown(one), () => send(one), "main")));
    const input = el("input", { id: "answer" });
    return el("form", { onsubmit: event => { event.preventDefault(); send(body.args?.type === "number" || body.args?.type === "integer" ? Number(input.value) : body.args?.type === "boolean" ? input.value === "yes" : input.value); } },
      el("label", { for: "answer" }, "Your answer"), input, el("div", { class: "actions" }, el("button", { class: "main" }, "Answer")));
  }

  async function reread() { await onchange(); refresh(); }

  // A vote is for what is on the screen: when that changes, it is said and not replaced.
  async function onchange() {
    const now = await get("/v1/gates/" + encodeURIComponent(name)).catch(() => null);
    if (!now) return;
    if (now.digest !== gate.digest) { clear(notice, el("p", { class: "card warn" }, "This gate has changed while you looked at it. ", button("Show what it asks now", () => location.reload()))); return; }
    if (JSON.stringify([now.state, now.votes]) === JSON.stringify([gate.state, gate.votes])) return;
    gate = now;
    draw();
  }
}

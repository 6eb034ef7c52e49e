// SPDX-License-Identifier: Apache-2.0
// The inbox, and one gate: what is about to happen, to what, how it is undone, and who says yes.
import { el, clear, button, link, facts, state, when, until, shown } from "/console/dom.js";
import { session, get, post, may } from "/console/api.js";
import { confirmBox } from "/console/dialogs.js";
import { change, rest, alertLink, group, demand } from "/console/plan.js";
import { breakGlass } from "/console/glass.js";

const needs = body => (body.demands || []).map(demand).join("; and ") ||
  (body.need ? `${body.need} of ${[].concat(body.from || []).join(", ") || "anybody"}` : "an answer");

// Each demand by itself: two of one group do not stand for one of another.
const soFar = gate => (gate.approvals || []).map(one => `${one.have} of ${one.need}${gate.approvals.length > 1 ? " " + group(one) : ""}`).join("; ");

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
      el("span", {}, `${soFar(gate) || (gate.votes || []).length + " said"}`), changes.some(one => one.effect === "permanent") && el("span", { class: "bad" }, "cannot be undone")));
}

export async function gatePage(name, refresh) {
  let gate = await get("/v1/gates/" + encodeURIComponent(name));
  const notice = el("div", { role: "status" });
  const votes = el("div"), head = el("div");
  draw();
  return { nodes: [el("p", {}, link("#/gates", "← Inbox")), head, notice, gate.body.detail && el("p", {}, shown(gate.body.detail)),
    gate.body.differs && el("div", { class: "card warn" }, el("strong", {}, "It was approved before, and differs now: "), shown(gate.body.differs)),
    el("h2", {}, (gate.body.changes || []).length ? "What will happen" : "The question"), (gate.body.changes || []).map(change), rest(gate.body),
    el("h2", {}, "Who has said something"), votes], onchange, isStill: true };

  function draw() {
    const body = gate.body, isOpen = gate.state === "open";
    clear(head, el("h1", {}, body.title || "May this be done?"), el("div", { class: "row" }, state(gate.state), isOpen && until(body.due), link("#/runs/" + gate.run, gate.run), el("span", { class: "soft" }, shown(gate.playbook))),
      facts([["Alert", alertLink(gate.alert)], ["Asked by", shown(body.by)], ["Wants", needs(body)], ["So far", isOpen && (gate.votes || []).length ? soFar(gate) : ""], ["Until", when(body.due)], ["After that", shown(body.on_timeout || body.args?.on_timeout)],
        ["Signature", body.sign ? "must be signed with an SSH key: cordon approve --sign, or cordon gate export" : ""], ["Digest", el("code", {}, (gate.digest || "").slice(0, 16) + "…")]]),
      isOpen && body.unable && el("p", { class: "card broken" }, shown(body.unable)),
      isOpen && body.unknown_group && el("p", { class: "card broken" }, shown(body.unknown_group)), isOpen && answers(body));
    clear(votes, (gate.votes || []).length ? el("ol", { class: "line" }, gate.votes.map(one => el("li", { class: one.yes === false ? "bad" : "good" },
      el("strong", {}, shown(one.who)), " ", one.v !== undefined && one.v !== null ? `answered ${shown(one.v)}` : one.yes ? "approved" : "denied", one.why ? `: ${shown(one.why)}` : "", one.key ? " (signed)" : ""))) :
      el("p", { class: "soft" }, "Nobody yet."));
  }

  function answers(body) {
    if (!may("approver")) return el("p", { class: "soft" }, "You can look, and have no role to answer.");
    if (body.k === "ask") return answer(body);
    const isOwn = body.self === false && body.by === session.me.who;
    return [isOwn ? el("p", { class: "soft" }, "You asked for this run, so somebody else must approve it.") : vote(body), alone()];
  }

  // Only for those whom the policy names.
  function alone() {
    const glass = gate.break_glass;
    if (!glass?.may) return null;
    if (glass.sign) return el("p", { class: "soft" }, "You may break the glass, and the policy wants a signature for it: ", el("code", {}, `cordon break-glass ${gate.run} --reason TEXT --sign KEYFILE`));
    return el("div", { class: "actions" }, button("Break the glass…", async () => await breakGlass(gate.run, glass) && reread(), "danger"));
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

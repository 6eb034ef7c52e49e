// SPDX-License-Identifier: Apache-2.0
// Break-glass: one person grants what a run asks for alone, and others review it afterwards.
import { el, button, link, facts, state, when, shown } from "/console/dom.js";
import { session, get, post, may } from "/console/api.js";
import { confirmBox } from "/console/dialogs.js";
import { brief, rest, first } from "/console/plan.js";

const groups = from => [].concat(from || []).map(shown).join(", ") || "those whom the policy names";

function granted(gate) {
  return el("section", { class: "card", "aria-label": `gate ${gate.gate}` }, el("div", { class: "row" }, el("h3", {}, shown(gate.body.title) || "May this be done?"), el("code", {}, gate.gate)),
    first(gate.body.changes, brief), rest(gate.body));
}

// Shows the gates that it grants as they are now, and grants exactly these. true when it was done.
export async function breakGlass(run, glass) {
  const { gates } = await get(`/v1/gates?run=${encodeURIComponent(run)}&limit=1000`);
  const asked = gates.filter(gate => gate.body.k !== "ask"), count = asked.length === 1 ? "1 gate" : `${asked.length} gates`;
  if (!asked.length) return confirmBox({ title: "Break the glass", text: `No gate of ${run} is open any more, so there is nothing to grant.`, confirm: "Close" });
  return confirmBox({ title: "Break the glass", kind: "danger", confirm: `Grant ${count} alone`, reason: "required", typed: run, ask: `Type ${run} to go ahead alone:`,
    text: `You grant ${count} of ${run} without the other approvers. Everybody is told, and it is reviewed afterwards by ${glass.reviewers} of ${groups(glass.review_from)}; a rejection stops what has not been done yet. Guards, halts and the journal stay on.`,
    more: [el("h3", {}, "This is granted, and nothing else"), asked.map(granted)],
    act: reason => post(`/v1/runs/${encodeURIComponent(run)}/break-glass`, { reason, gates: asked.map(({ gate, digest }) => ({ gate, digest })) }) });
}

// Why this person has no say in the review; "" when they have, as far as the page knows. The policy decides.
function bar(one) {
  const me = session.me.who;
  if (one.who === me) return "You broke the glass, so others review it.";
  if ((one.reviews || []).some(review => review.who === me)) return "You have reviewed it.";
  return may("approver") ? "" : "Reviewing wants the role approver.";
}

// One break-glass of a run, with its reviews.
export function glassCard(one, onreviewed) {
  const isOpen = one.state === "unreviewed", why = isOpen ? bar(one) : "";
  const send = (title, reject, text) => async () => await confirmBox({ title, text, reason: "required", confirm: title, kind: reject ? "danger" : "main",
    act: reason => post(`/v1/runs/${encodeURIComponent(one.run)}/review`, { reason, ...(reject ? { reject } : {}) }) }) && onreviewed();
  return el("section", { class: "card broken", "aria-label": `break-glass by ${shown(one.who)}` },
    el("div", { class: "row" }, el("h3", {}, `${shown(one.who)} broke the glass`), state(one.state)),
    el("p", {}, "Reason: ", shown(one.why)),
    facts([["When", when(one.at)], ["Granted", (one.gates || []).map(n => [link(`#/gates/g-${one.run.slice(2)}-${n}`, `g-${one.run.slice(2)}-${n}`), " "])], ["Signature", one.key ? shown(one.key) : ""],
      ["Reviews", `${(one.reviews || []).length} of ${one.need}, by ${groups(one.from)}`], ["Review until", isOpen ? when(one.due) : ""]]),
    (one.reviews || []).length > 0 && el("ol", { class: "line" }, one.reviews.map(review => el("li", { class: review.ok === false ? "bad" : "good" },
      el("strong", {}, shown(review.who)), review.ok === false ? " rejected it: " : " found it right: ", shown(review.why)))),
    isOpen && (why ? el("p", { class: "soft" }, why) : el("div", { class: "actions" },
      button("It was right…", send("It was right", false, "Your review is journaled with its reason."), "main"),
      button("It was wrong…", send("It was wrong", true, "Your rejection is journaled with its reason. What was granted and has not been done yet is void; what was done stays, and can be rolled back."), "danger"))));
}

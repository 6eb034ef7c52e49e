// SPDX-License-Identifier: Apache-2.0
// Changes that are planned, and what else a preview tells: at a gate, before a start, before a rollback.
import { el, link, facts, diff, drift, shortly, shown } from "/console/dom.js";

// One demand for approval: each is met by itself.
export const group = one => [].concat(one.from || []).map(shown).join(", ") || "anybody";
export const demand = one => one.slots?.length ? `one person each of ${one.slots.map(shown).join(", ")}` : `${one.need} of ${group(one)}`;

const SHOWN_MAX = 500; // of one list

// A list that stays readable: the first ones, and how many there are beside.
export const first = (list, draw) => [(list || []).slice(0, SHOWN_MAX).map(draw), (list || []).length > SHOWN_MAX && el("p", { class: "soft" }, `${list.length - SHOWN_MAX} more are not shown.`)];

const notes = one => (one.notes || []).map(note => el("div", { class: "warn" }, shown(note)));

// At a gate, with all that an approver decides by.
export function change(one, i, all) {
  return el("section", { class: "card", "aria-label": `change ${i + 1} of ${all.length}` },
    el("div", { class: "row" }, el("h3", {}, `${i + 1}. ${shown(one.what)}`), one.op === "restore" && el("span", { class: "state warn" }, "puts back"),
      one.effect === "permanent" ? el("span", { class: "state bad" }, "cannot be undone") : el("span", { class: "state good" }, "can be undone")),
    el("p", { class: "target" }, shown(one.target)), diff(one.before, one.after),
    facts([["Undo", one.undo && one.effect !== "permanent" ? shown(one.undo) : `none: ${shown(one.because) || "it cannot be undone"}`], ["Action", el("code", {}, shown(one.action))], ["Risk", shown(one.risk)],
      ["Note", notes(one)], ["Assumed", one.assumed ? el("span", { class: "warn" }, "what comes before it ends as planned; if not, it has a new gate") : ""],
      ["Affects", one.affects ? `${one.affects} ${shown(one.affects_what)}` : ""], ["Rules", (one.needs?.rules || []).map(shown).join("; ")],
      ["Guard", one.needs?.guard ? shown(one.needs.guard) : ""], ["Freeze", (one.needs?.freezes || []).map(shown).join("; ")], ["Tags", Object.entries(one.tags || {}).map(([k, v]) => `${shown(k)}=${shown(v)}`).join(", ")]]));
}

// In short: what, where, before and after.
export const brief = one => el("div", { class: "card" }, el("h3", {}, shown(one.what || one.action)), el("p", { class: "target" }, shown(one.target)), diff(one.before, one.after),
  facts([["Cannot be undone", one.effect === "permanent" ? el("span", { class: "bad" }, shown(one.because) || "there is no way back") : ""], ["Note", notes(one)]]));

const failed = one => el("div", { class: "card bad" }, el("strong", {}, "Not possible: "), shown(one.action), " ", one.target ? shortly(one.target) : shown(one.args), ": ", shown(one.message), one.code ? ` (${shown(one.code)})` : "");

const drifted = one => el("div", { class: "card warning" }, el("h3", {}, "Left alone, since somebody else has changed it"), el("p", { class: "target" }, shown(one.target)), drift(one.before, one.ours, one.now));

const ENDS = { gone: "the target does not exist any more", not_restored: "it is not put back" };

// What a rollback leaves as it is, and for whom or why.
function stays(one) {
  const runs = (one.wanted || []).map(run => [link("#/runs/" + run, run), " "]);
  return el("div", { class: "card warning" }, el("h3", {}, "Stays as it is"), el("p", { class: "target" }, shown(one.target)),
    runs.length ? el("p", {}, `Nothing is written to it: ${runs.length === 1 ? "another run still wants it" : "other runs still want it"}: `, runs) :
      el("p", {}, one.end ? `${ENDS[one.end] || shown(one.end)}${one.why ? ": " + shown(one.why) : ""}` : "there is nothing to put back"));
}

const assumption = one => el("div", {}, typeof one === "object" && one ? shown(one.text || one.message || one) : shown(one));

// Beside the changes: what could not be looked at, what stays, where the preview ends, what it takes for granted.
export function rest(plan) {
  const assumes = [].concat(plan.assumes || []);
  return [first(plan.left, stays), first(plan.drifted, drifted), first(plan.failed, failed),
    plan.error && el("div", { class: "card bad" }, el("strong", {}, "The preview of the playbook ended with an error: "), shown(plan.error.message)),
    assumes.length > 0 && el("div", { class: "card warning" }, el("h3", {}, "The preview assumes"), first(assumes, assumption)),
    plan.more && el("div", { class: "card warning" }, el("h3", {}, "This is not all"), el("p", {}, "More may follow, with gates of its own: ", shown(plan.more)))];
}

// The alert for which a run was started; an alert from a file has no page.
export function alertLink(alert) {
  if (!alert) return "";
  const title = shown(alert.title) || shown(alert.alert) || "an alert without a title", isBad = ["high", "critical"].includes(alert.severity);
  return [alert.alert ? link("#/alerts/" + encodeURIComponent(alert.alert), title) : title, " ", alert.severity && el("span", { class: "state " + (isBad ? "bad" : "warn") }, shown(alert.severity)), alert.source && el("span", { class: "soft" }, " of ", shown(alert.source))];
}


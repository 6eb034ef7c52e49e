// SPDX-License-Identifier: Apache-2.0
// What is contained, alerts, playbooks, and who you are.
import { el, clear, button, link, facts, state, when, until, shown, say } from "/console/dom.js";
import { session, get, post, may } from "/console/api.js";
import { confirmBox } from "/console/dialogs.js";
import { brief, rest, first, demand } from "/console/plan.js";

// -- the ledger -------------------------------------------------------------------------------

const VERDICTS = { undone: "somebody put it back", changed: "somebody changed it", gone: "the target does not exist any more" };

// What the last check found that is not as cordon left it.
function broken(seen) {
  return el("div", { class: "bad" }, el("p", {}, el("strong", {}, `Not in force: ${VERDICTS[seen.verdict] || shown(seen.verdict)}`), ", found ", when(seen.since)),
    seen.now !== undefined && seen.now !== null && el("p", { class: "target" }, "It is now ", shown(seen.now).slice(0, 2000)));
}

// Since when no check could observe the target: what the page shows is as old as that.
function unseen({ since, why }) {
  return el("div", { class: "bad" }, el("p", {}, el("strong", {}, "Could not be observed"), " since ", when(since), why && `: ${shown(why)}`));
}

export async function ledgerPage(name, refresh) {
  const { holds } = await get("/v1/holds");
  holds.sort((one, other) => Boolean(other.seen) - Boolean(one.seen)); // what does not hold comes first
  const count = holds.filter(hold => hold.seen).length, notice = el("p", { class: "error", role: "alert" });
  const release = hold => confirmBox({ title: "Release", text: `Puts back just this: ${shown(hold.undo)}. What other runs want stays.`, reason: "optional", confirm: "Release",
    act: reason => post(`/v1/runs/${hold.runs[0]}/release`, { hold: hold.hold, ...(reason ? { reason } : {}) }) }).then(done => done && refresh());
  const check = button("Check again", async () => {
    check.disabled = true;
    notice.textContent = "";
    try {
      const { looked, failed } = await post("/v1/holds/check", {});
      say(`${looked} ${looked === 1 ? "target was" : "targets were"} looked at${failed ? `, ${failed} could not be observed and keep what was seen before` : ""}.`);
      refresh();
    } catch (problem) { notice.textContent = problem.message; }
    check.disabled = false;
    check.focus(); // a button that was disabled has lost it
  });
  return { nodes: [el("h1", {}, "Contained"), el("p", { class: "soft" }, "What cordon holds in place now, and how it ends."),
    count > 0 && el("p", { class: "card broken", role: "status" }, `${count} of ${holds.length} ${count === 1 ? "is" : "are"} not in force any more.`),
    holds.length > 0 && may("responder") && el("div", { class: "actions" }, check), notice,
    holds.length ? holds.map(hold => el("section", { class: hold.seen ? "card broken" : "card" },
      el("div", { class: "row" }, el("h2", {}, shown(hold.what)), hold.seen && state("not in force"), el("span", { class: "end" }, hold.until ? until(hold.until) : "until somebody lets go")),
      hold.seen && broken(hold.seen), hold.unobserved && unseen(hold.unobserved),
      el("p", { class: "target" }, shown(hold.target)), facts([["Since", when(hold.since)], ["By", shown(hold.by)], ["Approved by", (hold.approved_by || []).map(shown).join(", ")],
        ["Wanted by", (hold.runs || []).map(run => [link("#/runs/" + run, run), " "])], ["Undo", hold.can_undo ? shown(hold.undo) : "cannot be undone"], ["When its time is over", hold.until ? shown(hold.on_expire) : ""],
        ["Its time is over", hold.expired_in ? [link("#/runs/" + hold.expired_in, hold.expired_in), hold.gate && [", which waits at ", link("#/gates/" + hold.gate, hold.gate)]] : ""]]),
      hold.can_undo && may("responder") && el("div", { class: "actions" }, button("Release…", () => release(hold))))) : el("p", { class: "empty" }, "Nothing is contained.")] };
}

// -- alerts -----------------------------------------------------------------------------------

export async function alertsPage() {
  const [{ alerts }, unread] = await Promise.all([get("/v1/alerts?limit=100"), get("/v1/deliveries/unreadable?limit=50")]);
  return { nodes: [el("h1", {}, "Alerts"), lost(unread), alerts.length ? alerts.map(alert => el("a", { class: "card", href: "#/alerts/" + alert.alert },
    el("div", { class: "row" }, el("h2", {}, shown(alert.title) || shown(alert.type)), severity(alert.severity), marks(alert), alert.count > 1 && el("span", { class: "soft" }, `${alert.count} times`), el("span", { class: "end soft" }, when(alert.last))),
    el("div", { class: "row soft" }, el("code", {}, alert.alert), el("span", {}, shown(alert.source)), el("span", {}, alert.runs.length ? `started ${alert.runs.join(", ")}` : "started nothing")))) :
    el("p", { class: "empty" }, "No alert has come in. docs/sources.md says how to forward them here.")] };
}

// Deliveries that are kept and could not be read, and what was refused.
function lost({ count, unreadable, refused }) {
  if (!count && !refused?.length) return null;
  const sum = refused.reduce((all, one) => all + one.count, 0);
  return el("details", { class: "card broken" }, el("summary", {}, [count && `${count} ${count === 1 ? "delivery" : "deliveries"} could not be read`, sum && `${sum} ${sum === 1 ? "was" : "were"} refused since the start`].filter(Boolean).join("; ")),
    (unreadable || []).map(one => el("div", {}, el("h2", {}, `${one.delivery} of ${shown(one.source)}`), el("p", { class: "error" }, shown(one.why)),
      facts([["Came", when(one.at)], ["Bytes", String(one.bytes ?? "")], ["Begins with", el("code", {}, shown(one.head))]]))),
    count > (unreadable || []).length && el("p", { class: "soft" }, "The others: cordon alerts --unreadable --limit 500"),
    (refused || []).map(one => el("div", {}, el("h2", {}, `${shown(one.source)}: refused ${one.count} ${one.count === 1 ? "time" : "times"}`), el("p", { class: "error" }, shown(one.why)),
      facts([["Last", when(one.last)], ["From", shown(one.from)], ["Status", String(one.status ?? "")]]))));
}

const marks = alert => [alert.over && state("over"), alert.simulated && state("simulated")];

const CHANGES_MAX = 500; // of one alert that its page shows

const severity = word => el("span", { class: "state " + (word === "high" ? "bad" : word === "medium" ? "warn" : "good") }, shown(word) || "unknown");

export async function alertPage(name) {
  const alert = await get("/v1/alerts/" + encodeURIComponent(name)), one = alert.normalised || {};
  const entities = Object.entries(one.entities || {}).filter(([, list]) => list.length);
  return { nodes: [el("p", {}, link("#/alerts", "← Alerts")), el("h1", {}, shown(alert.title) || shown(alert.type)),
    el("div", { class: "row" }, severity(alert.severity), marks(alert), el("code", {}, alert.alert), el("span", { class: "soft" }, `${alert.count} ${alert.count === 1 ? "time" : "times"}`)),
    alert.over && el("p", {}, "This alert is over: resolved, dismissed, judged false or expected. It starts only what asks for that."),
    alert.simulated && el("p", {}, "This alert is a sample or a test: it is planned at most."),
    facts([["Source", shown(alert.source)], ["Product", shown(one.product)], ["Feed", one.feed && one.feed !== alert.source ? shown(one.feed) : ""], ["Type", shown(alert.type)], ["Status", shown(alert.status)], ["Came", when(alert.first)], ["Last", when(alert.last)],
      ["Resources", (one.resources || []).map(id => el("div", { class: "target" }, shown(id)))], ...entities.map(([kind, list]) => [kind, list.map(shown).join(", ")]),
      ["Techniques", (one.techniques || []).map(shown).join(", ")], ["Link", one.link ? shown(one.link) : ""],
      ["Recognised by", (one.keys || []).slice(0, CHANGES_MAX).map(key => el("div", { class: "target" }, shown(key)))], ["Notes", (one.notes || []).map(note => el("div", { class: "warn" }, shown(note)))]]),
    (alert.changes || []).length > 0 && [el("h2", {}, "What it gained since it came"), el("ol", { class: "line" }, alert.changes.slice(0, CHANGES_MAX).map(gained))],
    el("h2", {}, "Why it did, or did not, start something"),
    (alert.routing || []).map(turn => el("div", {}, el("p", { class: "soft" }, when(turn.at)), el("ol", { class: "line" }, (turn.decisions || []).map(decision)))),
    !(alert.routing || []).length && el("p", { class: "soft" }, "It is still being looked at."),
    (alert.plans || []).map(planned)] };
}

const gained = one => el("li", { class: "warn" }, Object.entries(one.new || {}).map(([kind, items]) => el("div", {}, el("strong", {}, shown(kind)), ": ", [].concat(items).map(shown).join(", "))), el("div", { class: "soft" }, when(one.at)));

// In shadow mode: what it would have changed.
function planned(one) {
  return el("section", {}, el("h2", {}, `What ${shown(one.playbook)} would have changed`), el("p", { class: "soft" }, when(one.at)), !(one.plan.changes || []).length && el("p", {}, "Nothing."), wouldBe(one.plan));
}

const asks = one => one.needs?.need ? (one.needs.demands || [one.needs]).map(demand).join("; and ") : "nobody";

const wouldBe = plan => [first(plan.changes, one => [brief(one), facts([["Needs", asks(one)], ["Undo", shown(one.undo)]])]), rest(plan)];

function decision(one) {
  const kind = one.run ? "good" : one.error ? "bad" : one.fits ? "warn" : "";
  return el("li", { class: kind }, el("div", {}, one.playbook ? el("strong", {}, shown(one.playbook)) : el("strong", {}, "Route"), one.route ? ` (route “${shown(one.route)}”)` : "", ": ", shown(one.why),
    one.run && [" → ", link("#/runs/" + one.run, one.run)], one.shadow && ` – in shadow by route “${shown(one.shadow)}”: nothing was started${one.planned === false ? ", nor planned: too much is being planned" : ""}`, one.simulated && !one.shadow && ` – the alert is simulated: nothing was started${one.planned === false ? ", nor planned: too much is being planned" : ""}`, one.waits !== undefined && ` – held by its storm, number ${one.count}`, one.error && el("span", { class: "bad" }, " ", shown(one.error))),
    one.params && Object.keys(one.params).length > 0 && el("div", { class: "target" }, shown(one.params)));
}

// -- playbooks --------------------------------------------------------------------------------

export async function playbooksPage() {
  const { playbooks } = await get("/v1/playbooks"), offered = playbooks.filter(one => one.in_catalogue), others = playbooks.filter(one => !one.in_catalogue);
  return { nodes: [el("h1", {}, "Playbooks"), offered.length ? offered.map(book) : el("p", { class: "empty" }, "cordon.lua names none: playbooks = { \"/etc/cordon/playbooks\" }"),
    others.length > 0 && [el("h2", {}, "Not in the catalogue"), el("p", { class: "soft" }, "These ran once, and cordon.lua does not name them (any more). They cannot be started here."), others.map(book)]] };
}

const book = one => el("a", { class: "card", href: "#/playbooks/" + encodeURIComponent(one.name) },
  el("div", { class: "row" }, el("h2", {}, shown(one.name)), one.on_alert && one.in_catalogue && el("span", { class: "state good" }, "starts by alerts")), el("p", {}, shown(one.summary)));

export async function playbookPage(name) {
  const playbook = await get("/v1/playbooks/" + encodeURIComponent(name));
  const properties = Object.entries(playbook.params?.properties || {}), required = playbook.params?.required || [];
  const error = el("p", { class: "error", role: "alert" }), plan = el("div", { "aria-live": "polite" });
  const inputs = properties.map(([key, schema]) => field(key, schema, required.includes(key)));
  const start = el("button", { type: "button", class: "main", disabled: true, onclick: () => send(false) }, "Start");
  const form = el("form", { novalidate: true, oninput: () => { start.disabled = true; clear(plan); }, onsubmit: event => { event.preventDefault(); send(true); } },
    inputs.map(one => one.node), error, el("div", { class: "actions" }, el("button", { class: "main" }, "Show what it would do"), start));

  function values() {
    const out = {};
    let isGood = true;
    for (const input of inputs) {
      const value = input.read();
      if (value instanceof Error) isGood = false;
      else if (value !== undefined) out[input.key] = value;
    }
    return isGood ? out : null;
  }

  async function send(dry) {
    const params = values();
    error.textContent = "";
    if (!params) return;
    try {
      const reply = await post("/v1/runs", { playbook: name, params, ...(dry ? { dry_run: true } : {}) });
      if (!dry) { location.hash = "#/runs/" + reply.run; return; }
      const changes = reply.changes || [];
      clear(plan, el("h2", {}, changes.length ? `It would make ${changes.length} ${changes.length === 1 ? "change" : "changes"}` : "It would change nothing"),
        wouldBe(reply));
      start.disabled = false;
    } catch (problem) { error.textContent = problem.message; }
  }

  return { isStill: true, nodes: [el("p", {}, link("#/playbooks", "← Playbooks")), el("h1", {}, shown(playbook.name)), el("p", {}, shown(playbook.summary)),
    facts([["Author", shown(playbook.author)], ["Way back", playbook.recover ? "has a recover of its own" : ""], ["Version", el("code", {}, playbook.hash.slice(0, 12))]]),
    !playbook.in_catalogue ? el("p", { class: "card warning" }, "This playbook is not in the catalogue: it ran once, and cordon.lua does not name it (any more). To offer it here, put its file into a folder of playbooks in cordon.lua.") :
    may("responder") ? [el("h2", {}, "Start it"), form, plan] : el("p", { class: "soft" }, "Starting wants the role responder.")] };
}

// An input made from a JSON Schema: {key, node, read}; read() gives a value, undefined, or an Error that it shows.
function field(key, schema, isRequired) {
  const id = "param-" + key, types = [].concat(schema.type || "string"), isList = types.includes("array");
  const error = el("p", { class: "error", id: id + "-error" });
  const preset = schema.default !== undefined && !isList ? shown(schema.default) : "";
  const input = schema.enum ? el("select", { id }, !isRequired && el("option", { value: "" }, "(default)"), schema.enum.map(one => el("option", { value: JSON.stringify(one) }, shown(one)))) :
    types.includes("boolean") ? el("input", { id, type: "checkbox", checked: schema.default === true }) :
    isList ? el("textarea", { id }) : el("input", { id, value: preset, inputmode: types.includes("integer") || types.includes("number") ? "decimal" : null, autocapitalize: "none", spellcheck: "false" });
  input.setAttribute("aria-describedby", `${id}-help ${id}-error`);
  if (isRequired) input.setAttribute("aria-required", "true");
  const help = [shown(schema.description), schema["x-arm-type"] ? `the id of a ${schema["x-arm-type"]}` : schema.format ? `(${schema.format})` : "", isList ? "one a line" : "", isRequired ? "" : "may be empty"].filter(Boolean).join("; ");
  const fail = text => { error.textContent = text; input.setAttribute("aria-invalid", "true"); input.focus(); return new Error(text); };
  function one(text) {
    if (types.includes("integer") || types.includes("number")) return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : fail("Want a number.");
    return types.includes("object") ? JSON.parse(text) : text;
  }
  return { key, node: el("div", {}, el("label", { for: id }, shown(key), el("span", { class: "help", id: id + "-help" }, " ", help)), input, error), read() {
    error.textContent = "";
    input.removeAttribute("aria-invalid");
    if (types.includes("boolean")) return input.checked;
    if (schema.enum) return input.value === "" ? undefined : JSON.parse(input.value);
    const text = input.value;
    if (text.trim() === "") return isRequired ? fail("This is needed.") : undefined;
    if (isList) return text.split(/\n|,/).map(part => part.trim()).filter(Boolean);
    try { return one(text.trim()); } catch { return fail("Want JSON."); }
  } };
}

// -- you --------------------------------------------------------------------------------------

export async function mePage() {
  const me = session.me;
  return { isStill: true, nodes: [el("h1", {}, shown(me.who)), facts([["Roles", (me.roles || []).join(", ")], ["Votes for", me.groups ? me.groups.join(", ") : "the groups of the policy that you are in"],
    ["Session ends", when(me.session?.ends)]]), el("p", { class: "soft" }, "The policy says who may approve what; a role says what you may do here at all.")] };
}

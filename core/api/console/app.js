// SPDX-License-Identifier: Apache-2.0
// The frame of the console: who is there, which page is shown, what changes while it is.
import { el, clear, button, link, say, tick } from "/console/dom.js";
import { session, get, post, remove, follow, may, Problem } from "/console/api.js";
import { gatesPage, gatePage } from "/console/gates.js";
import { runsPage, runPage } from "/console/runs.js";
import { ledgerPage, alertsPage, alertPage, playbooksPage, playbookPage, mePage } from "/console/pages.js";
import { confirmBox } from "/console/dialogs.js";

const PAGES = [
  ["gates", "Inbox", gatesPage, gatePage],
  ["runs", "Runs", runsPage, runPage],
  ["ledger", "Contained", ledgerPage],
  ["alerts", "Alerts", alertsPage, alertPage],
  ["playbooks", "Playbooks", playbooksPage, playbookPage],
  ["me", "You", mePage],
];
const CHANGES = ["gate", "gate_end", "vote", "start", "end", "halt", "alert", "alert_note", "outcome", "drift", "doubt", "settle", "cancel",
  "break_glass", "review", "remind", "escalate", "leave", "keep", "hold_seen", "playbook"];

const app = document.getElementById("app");
let shownPage = null, feed = null, open = 0, halts = [], glass = [], refreshing = null, isAway = false;
const TRY_AGAIN_MS = 2000;

const theme = localStorage.getItem("theme");
if (theme) document.documentElement.dataset.theme = theme;
function otherTheme() {
  const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", document.documentElement.dataset.theme);
}

// -- the frame --------------------------------------------------------------------------------

function place() {
  const [page, name] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  return { page: PAGES.find(([key]) => key === page) || PAGES[0], name };
}

function frame() {
  const here = place().page[0], isHalted = halts.some(halt => halt.scope === "all");
  return [
    el("header", { class: "bar" }, link("#/gates", "cordon"),
      el("nav", { "aria-label": "pages" }, PAGES.map(([key, title]) =>
        el("a", { href: "#/" + key, "aria-current": key === here ? "page" : null }, title,
          key === "gates" && open > 0 && el("span", { class: "badge" }, String(open))))),
      el("div", { class: "spread" },
        button("Light/dark", otherTheme, "", { title: "Change between light and dark" }),
        button("Keys (?)", help, "", { "aria-haspopup": "dialog" }),
        isHalted ? may("admin") && button("Resume", resume) : may("responder") && button("Halt", halt, "halt"),
        button("Sign out", signOut))),
    isAway && el("div", { class: "banner warn", role: "status" }, "The server cannot be reached: what you see may be old. Trying again."),
    halts.map(one => el("div", { class: "banner bad", role: "status" }, `Halted: ${one.scope}, by ${one.who}: ${one.why || "no reason given"}. Nothing is changed until it is lifted.`)),
    glass.map(one => el("div", { class: "banner warn", role: "status" }, "Break-glass of ", link("#/runs/" + one.run, one.run), ` by ${one.who} waits for its review: ${one.why}`)),
  ];
}

function drawFrame() {
  const top = document.getElementById("top");
  if (!top) return;
  const focused = document.activeElement && top.contains(document.activeElement) ? [...top.querySelectorAll("a, button")].indexOf(document.activeElement) : -1;
  clear(top, frame());
  top.querySelector("a").className = "brand";
  if (focused >= 0) top.querySelectorAll("a, button")[focused]?.focus();
}

async function readFrame() {
  try {
    const [gates, now] = await Promise.all([get("/v1/gates"), get("/v1/halts")]);
    open = gates.gates.length;
    glass = gates.break_glass || [];
    halts = now.halts;
    drawFrame();
  } catch (problem) { onProblem(problem); }
}

async function halt() {
  await confirmBox({ title: "Halt everything", text: "No change is sent any more, rollbacks included, until an admin resumes. What is on its way is seen to its end.",
    reason: "required", confirm: "Halt", kind: "danger", act: reason => post("/v1/halts", { scope: "all", reason }) }) && readFrame();
}
async function resume() {
  await confirmBox({ title: "Resume", text: "What is held goes on: it is looked at anew, and approved again where it has changed.",
    reason: "required", confirm: "Resume", kind: "main", act: reason => remove("/v1/halts/all", { reason }) }) && readFrame();
}
async function signOut() {
  try { await post("/sign-out"); } catch { /* it has ended anyway */ }
  session.me = null;
  feed?.close();
  signIn();
}

// -- pages ------------------------------------------------------------------------------------

async function show(isNew) {
  const { page, name } = place(), draw = name && page[3] ? page[3] : page[2];
  let main = document.getElementById("main");
  if (!main || isNew) {
    clear(app, el("div", { id: "top" }), main = el("main", { id: "main", tabindex: "-1" }, el("p", { class: "soft" }, "Reading…")));
    drawFrame();
  }
  shownPage?.close?.();
  shownPage = null;
  try {
    const made = await draw(name, refresh);
    if (place().page !== page || place().name !== name) return;
    shownPage = made;
    clear(main, made.nodes);
    document.title = `${open > 0 ? `(${open}) ` : ""}${main.querySelector("h1")?.textContent || page[1]} – cordon`;
    if (isNew) { const head = main.querySelector("h1"); head?.setAttribute("tabindex", "-1"); head?.focus({ preventScroll: true }); scrollTo(0, 0); }
  } catch (problem) {
    if (!onProblem(problem)) clear(main, el("h1", {}, "That did not work"), el("p", { class: "error", role: "alert" }, problem.message), button("Try again", () => show(true), "main"));
  }
}

// Something changed: lists are read again, at most twice a second; whoever types is not disturbed.
function refresh() {
  clearTimeout(refreshing);
  refreshing = setTimeout(async () => {
    await readFrame();
    const typing = document.activeElement?.closest("main form, dialog");
    if (shownPage?.onchange) shownPage.onchange();
    else if (!typing && !shownPage?.isStill) show(false);
  }, 400);
}

function onProblem(problem) {
  // Whoever is in the middle of something is asked there, and loses nothing of what was typed.
  if (!(problem instanceof Problem) || problem.status !== 401 || document.querySelector("dialog[open]")) return false;
  session.me = null;
  feed?.close();
  signIn("Your session has ended. Sign in again.");
  return true;
}

function setAway(is) {
  if (isAway === is) return;
  isAway = is;
  drawFrame();
}

// The browser tries again by itself, but not after an answer: that is asked about here.
function listen() {
  feed?.close();
  feed = follow("/v1/events", refresh, CHANGES);
  feed.onopen = () => { if (isAway) { setAway(false); refresh(); } };
  feed.onerror = event => { setAway(true); if (event.target.readyState === EventSource.CLOSED) setTimeout(listenAgain, TRY_AGAIN_MS); };
}

async function listenAgain() {
  if (!session.me) return;
  try { await get("/v1/me"); listen(); }
  catch (problem) { if (!onProblem(problem)) setTimeout(listenAgain, TRY_AGAIN_MS); }
}

// -- signing in -------------------------------------------------------------------------------

async function signIn(why) {
  const name = el("input", { id: "name", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false" });
  const password = el("input", { id: "password", type: "password", autocomplete: "current-password", required: true });
  const error = el("p", { class: "error", role: "alert" }, why || "");
  let ways = { local: true, providers: [] };
  try { ways = await get("/sign-in"); } catch (problem) { error.textContent = problem.message; }
  const form = el("form", { onsubmit: async event => {
    event.preventDefault();
    error.textContent = "";
    try { session.me = await post("/sign-in", { name: name.value, password: password.value }); begin(); }
    catch (problem) { error.textContent = problem.message; password.value = ""; password.focus(); }
  } }, el("label", { for: "name" }, "Name"), name, el("label", { for: "password" }, "Password"), password,
    el("div", { class: "actions" }, el("button", { class: "main" }, "Sign in")));
  clear(app, el("main", { id: "main", class: "sign" }, el("div", { class: "card" }, el("h1", {}, "Sign in to cordon"), error,
    ways.providers.map(one => el("div", { class: "actions" }, button(`Sign in with ${one.name || one}`, async () => {
      try { location.href = (await post(`/sign-in/oidc/${encodeURIComponent(one.name || one)}`)).location; } catch (problem) { error.textContent = problem.message; }
    }, "main"))), ways.local && form)));
  document.title = "Sign in – cordon";
  name.focus();
}

function begin() {
  isAway = false;
  listen();
  readFrame();
  show(true);
}

// -- keys -------------------------------------------------------------------------------------

const KEYS = [["?", "this help"], ["1 … 6", "the pages from left to right"], ["j, k", "next and previous in a list"], ["Enter", "open it"],
  ["a, d", "at a gate: approve, deny"], ["Esc", "close a dialog, or back to the list"]];
function help() {
  const box = el("dialog", { "aria-labelledby": "keys" }, el("h2", { id: "keys" }, "Keys"),
    el("dl", { class: "facts" }, KEYS.map(([key, what]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)])),
    el("div", { class: "actions" }, button("Close", () => box.close(), "main")));
  document.body.append(box);
  box.addEventListener("close", () => box.remove());
  box.showModal();
}

function move(step) {
  const items = [...document.querySelectorAll("main a.card")];
  if (!items.length) return;
  const at = items.indexOf(document.activeElement);
  items[Math.min(items.length - 1, Math.max(0, at + step))].focus();
}

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog") || !session.me) return;
  if (event.key === "?") help();
  else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (/^[1-6]$/.test(event.key)) location.hash = "#/" + PAGES[event.key - 1][0];
  else if (event.key === "a") document.querySelector("[data-key=a]")?.click();
  else if (event.key === "d") document.querySelector("[data-key=d]")?.click();
  else if (event.key === "Escape" && place().name) location.hash = "#/" + place().page[0];
  else return;
  event.preventDefault();
});

addEventListener("hashchange", () => session.me && show(true));
addEventListener("online", () => session.me && refresh());
addEventListener("offline", () => say("There is no network. What you see may be old."));
setInterval(tick, 1000);

try {
  session.me = await get("/v1/me");
  begin();
} catch {
  signIn();
}

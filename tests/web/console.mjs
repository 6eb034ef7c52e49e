// SPDX-License-Identifier: Apache-2.0
// The console in a real browser, against a real daemon and the simulator. What is passed in: CONSOLE (its
// address), SHOTS (where screenshots go), CHROMIUM, SEND (a program that brings an alert), DROP (one that kills
// the process that serves the console), CORDON and STATE.
import { chromium } from "playwright-core";
import { readFileSync, mkdirSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { walk } from "./walk.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const base = process.env.CONSOLE, shots = process.env.SHOTS;
let passed = 0, failed = 0;
mkdirSync(shots, { recursive: true });

const violations = [], errors = [];
function watch(page) {
  page.on("console", message => { if (message.type() === "error") errors.push(message.text()); });
  page.on("pageerror", error => errors.push(String(error)));
}

async function tell(name, work) {
  try {
    const seen = await work();
    if (seen === false) throw new Error("it is not so");
    passed++;
    console.log(`ok    ${name}`);
  } catch (error) {
    failed++;
    console.log(String(error.message).split("\n").slice(0, 12).map(line => "# " + line).join("\n"));
    console.log(`not ok ${name}`);
  }
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
async function open(options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(30000);
  await context.addInitScript(() => { document.addEventListener("securitypolicyviolation", event => { (window.violations ||= []).push(event.violatedDirective + " " + event.blockedURI); }); });
  const page = await context.newPage();
  watch(page);
  return page;
}

async function signIn(page, name, password) {
  await page.goto(base + "/");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("navigation").waitFor();
}

// axe runs in the page's own world, past its policy, which stays on for the page itself.
async function clean(page, what) {
  const found = [];
  const client = await page.context().newCDPSession(page);
  for (const [scheme, width] of [["light", 1280], ["dark", 1280], ["light", 360], ["dark", 360]]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    await client.send("Runtime.evaluate", { expression: axe });
    const { result } = await client.send("Runtime.evaluate", { returnByValue: true, awaitPromise: true,
      expression: "axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ') + ' ' + (n.failureSummary || '').split('\\n').slice(1, 2)).slice(0, 2).join(' | '))))" });
    for (const one of JSON.parse(result.value)) found.push(`${what}, ${scheme}, ${width}: ${one}`);
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1)) found.push(`${what} is wider than ${width}`);
    if (scheme === "light" && width === 1280 || scheme === "dark" && width === 360) await page.screenshot({ path: `${shots}/${what}-${scheme}-${width}.png`, fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 900 });
  violations.push(...await page.evaluate(() => window.violations || []));
  if (found.length) throw new Error(found.join("\n"));
}

const analyst = await open(), manager = await open();
await tell("whoever has not signed in sees the sign-in page, and nothing else", async () => {
  await analyst.goto(base + "/");
  await analyst.getByRole("heading", { name: "Sign in to cordon" }).waitFor();
  await clean(analyst, "sign-in");
});
await tell("a wrong password is refused, and says so", async () => {
  await analyst.getByLabel("Name").fill("oncall");
  await analyst.getByLabel("Password").fill("not this one, surely");
  await analyst.getByRole("button", { name: "Sign in", exact: true }).click();
  await analyst.getByRole("alert").filter({ hasText: /./ }).waitFor();
  errors.length = 0; // the browser logs the 401
});
await tell("signing in shows the inbox", async () => {
  await signIn(analyst, "oncall", "a long password 1");
  await analyst.getByRole("heading", { name: "Inbox" }).waitFor();
  await analyst.getByText("Nothing waits for anybody.").waitFor();
  await clean(analyst, "inbox-empty");
});

const hostile = "<img src=x onerror=document.title='broken'> \u202egpj.exe\u200b & <b>bold</b>";
await tell("a playbook's form is made from its parameters, and a missing one is said beside it", async () => {
  await analyst.goto(base + "/console/#/playbooks/contain-app-service");
  await analyst.getByRole("button", { name: "Show what it would do" }).click();
  await analyst.getByText("This is needed.").waitFor();
  await clean(analyst, "playbook");
});
await tell("what it would do is shown before it can be started", async () => {
  const site = "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/shop/providers/Microsoft.Web/sites/shop-web";
  if (!await analyst.getByRole("button", { name: "Start", exact: true }).isDisabled()) return false;
  await analyst.getByLabel("app", { exact: false }).first().fill(site);
  await analyst.getByLabel("ips", { exact: false }).first().fill("203.0.113.7\n203.0.113.44");
  await analyst.getByRole("button", { name: "Show what it would do" }).click();
  await analyst.getByRole("heading", { name: /It would make \d+ changes/ }).waitFor();
  await clean(analyst, "plan");
  await analyst.getByRole("button", { name: "Start", exact: true }).click();
  await analyst.getByRole("link", { name: "waits at a gate" }).waitFor();
  await clean(analyst, "run-waiting");
});
await tell("a responder sees the gate and has nothing to vote with", async () => {
  await analyst.getByRole("link", { name: "waits at a gate" }).click();
  await analyst.getByText("no role to answer").waitFor();
  return await analyst.getByRole("button", { name: "Approve" }).count() === 0;
});

let gateUrl;
await tell("the manager's inbox shows the question: what, who asked, until when", async () => {
  await signIn(manager, "change-manager-1", "a long password 2");
  const card = manager.locator("main a.card").first();
  await card.waitFor();
  for (const part of ["shop-web", "asked by oncall", "change-managers", "in "]) if (!(await card.innerText()).includes(part)) throw new Error(`no ${part}: ${await card.innerText()}`);
  await clean(manager, "inbox");
});
await tell("by keys alone: down to it, and into it", async () => {
  await manager.keyboard.press("j");
  await manager.keyboard.press("Enter");
  await manager.getByRole("heading", { name: "What will happen" }).waitFor();
  gateUrl = manager.url();
});
await tell("the gate shows before and after, and how it is undone", async () => {
  const text = await manager.locator("main").innerText();
  for (const part of ["Running", "Stopped", "start it again", "can be undone", "Digest"]) if (!text.includes(part)) throw new Error("no " + part);
  await clean(manager, "gate");
});
await tell("to deny without a reason is refused", async () => {
  await manager.keyboard.press("d");
  await manager.getByRole("dialog").waitFor();
  await clean(manager, "deny");
  await manager.getByRole("dialog").getByRole("button", { name: "Deny" }).click();
  await manager.getByText("Say why").waitFor();
  await manager.keyboard.press("Escape");
  await manager.getByRole("dialog").waitFor({ state: "detached" });
});
await tell("approved, the run is watched to its end without a reload", async () => {
  await analyst.goto(base + "/console/#/runs/r-000001");
  await analyst.getByText("Asked:").waitFor();
  await analyst.evaluate(() => { window.same = true; });
  await manager.keyboard.press("a");
  await manager.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
  await manager.getByRole("dialog").waitFor({ state: "detached" });
  await manager.locator("main").getByText("granted").first().waitFor();
  await analyst.getByText("Finished").waitFor();
  await analyst.getByRole("button", { name: "Roll back…" }).waitFor();
  await clean(analyst, "run-done");
  return analyst.evaluate(() => window.same === true);
});
await tell("the ledger shows what is contained, and how it ends", async () => {
  await analyst.keyboard.press("3");
  await analyst.getByRole("heading", { name: "Contained" }).waitFor();
  await analyst.getByRole("heading", { name: /stop site shop-web/ }).waitFor();
  await clean(analyst, "ledger");
});
await tell("a rollback is shown, then done", async () => {
  await analyst.goto(base + "/console/#/runs/r-000001");
  await analyst.getByRole("button", { name: "Roll back…" }).click();
  await analyst.getByRole("dialog").getByText("This is put back").waitFor();
  await clean(analyst, "rollback");
  await analyst.getByRole("dialog").getByLabel("Reason").fill("false alarm");
  await analyst.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
  await analyst.waitForURL(/r-00000[2-9]/);
  await analyst.getByText("Finished").waitFor();
  await analyst.keyboard.press("3");
  await analyst.getByText("Nothing is contained.").waitFor();
});
await tell("an alert says why it started what it did, and its text is only ever text", async () => {
  execFileSync(process.env.SEND, [JSON.stringify({ id: "hostile", title: hostile, type: "AppServices_X", severity: "high", source: "generic" })], { timeout: 30000 });
  await analyst.keyboard.press("4");
  await analyst.getByRole("heading", { name: "Alerts" }).waitFor();
  await analyst.getByText("<img src=x").first().waitFor();
  await clean(analyst, "alerts");
  await analyst.locator("main a.card").first().click();
  await analyst.getByRole("heading", { name: /Why it did/ }).waitFor();
  await analyst.getByText("contain-app-service").first().waitFor();
  const text = await analyst.locator("main").innerText();
  await clean(analyst, "alert");
  if (!text.includes("\\u202e") || !text.includes("\\u200b")) throw new Error("hidden characters are not shown: " + text.slice(0, 300));
  return (await analyst.title()) !== "broken" && await analyst.locator("main img").count() === 0;
});
await tell("in shadow mode an alert shows what would have been changed, and nothing was", async () => {
  execFileSync(process.env.SEND, [JSON.stringify({ id: "dim-1", title: "too bright", type: "Dim_1", severity: "low", source: "generic" })], { timeout: 30000 });
  await analyst.keyboard.press("4");
  await analyst.getByText("too bright").first().click();
  await analyst.getByText("in shadow by route “looked at first”: nothing was started").waitFor();
  await analyst.getByRole("heading", { name: "What dim would have changed" }).waitFor();
  await analyst.getByText("/things/lamp").first().waitFor();
  await clean(analyst, "shadow");
  const change = await analyst.locator("main section .card").innerText();
  if (await analyst.getByText("Resources").count() > 0) throw new Error("a name without a value");
  if (!change.includes("dim") || await analyst.getByText("started nothing").count() > 0) throw new Error(change);
});
// -- gates that are not simply approved -----------------------------------------------------------
const second = await open();
const cordon = (...words) => execFileSync(process.env.CORDON, [...words, "--state", process.env.STATE], { timeout: 30000, encoding: "utf8" });
const start = async name => {
  await analyst.goto(base + "/console/#/playbooks/" + name);
  await analyst.getByRole("button", { name: "Show what it would do" }).click();
  await analyst.getByRole("heading", { name: /It would/ }).waitFor();
  await analyst.getByRole("button", { name: "Start", exact: true }).click();
  await analyst.getByRole("link", { name: "waits at a gate" }).click();
  await analyst.getByText("no role to answer").waitFor();
  return analyst.url();
};
await tell("what cannot be undone says so, and wants a reason and a typed word", async () => {
  gateUrl = await start("burn");
  await manager.goto(gateUrl);
  await manager.getByText("cannot be undone").first().waitFor();
  await clean(manager, "permanent");
  if (await manager.getByText("set it back").count()) throw new Error("a way back is promised that there is not");
  await manager.keyboard.press("a");
  const box = manager.getByRole("dialog");
  await box.getByText("Type the last four characters of the target: -one").waitFor();
  await clean(manager, "permanent-approve");
  await box.getByRole("button", { name: "Approve" }).click();
  await box.getByText("Say why").waitFor();
  await box.getByLabel("Reason").fill("there is no other way");
  await box.getByLabel(/Type the last four/).fill("one");
  await box.getByRole("button", { name: "Approve" }).click();
  await box.getByText("Type -one to go on.").waitFor();
  return cordon("gates", "--json").includes('"votes":[]');
});
await tell("one vote of two is seen by the other at once, and the second one grants", async () => {
  await signIn(second, "change-manager-2", "a long password 3");
  await second.goto(gateUrl);
  await second.getByText("Nobody yet.").waitFor();
  await second.getByRole("button", { name: "Approve" }).waitFor();
  const box = manager.getByRole("dialog");
  await box.getByLabel(/Type the last four/).fill("-one");
  await box.getByRole("button", { name: "Approve" }).click();
  await box.waitFor({ state: "detached" });
  await second.getByText("there is no other way").waitFor();
  await second.getByText("open", { exact: true }).first().waitFor();
  await second.keyboard.press("a");
  await second.getByRole("dialog").getByLabel("Reason").fill("neither do I see one");
  await second.getByRole("dialog").getByLabel(/Type the last four/).fill("-one");
  await second.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
  await second.locator("main").getByText("granted").first().waitFor();
  await manager.locator("main").getByText("granted").first().waitFor();
});
await tell("a gate that ends while it is looked at takes no vote any more, and says why", async () => {
  gateUrl = await start("burn");
  await manager.goto(gateUrl);
  await second.goto(gateUrl);
  await manager.getByRole("button", { name: "Approve" }).waitFor();
  await second.getByRole("button", { name: "Deny" }).waitFor();
  await second.keyboard.press("d");
  await second.getByRole("dialog").getByLabel("Reason").fill("not this again");
  const run = gateUrl.match(/g-(\d+)-/)[1];
  cordon("cancel", "r-" + run, "--reason", "not needed any more");
  await manager.getByRole("button", { name: "Approve" }).waitFor({ state: "detached" });
  await second.getByRole("dialog").getByRole("button", { name: "Deny" }).click();
  await second.getByRole("dialog").getByRole("alert").filter({ hasText: /gate/ }).waitFor();
  await second.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await second.getByRole("dialog").waitFor({ state: "detached" });
  errors.length = 0; // the browser logs the refusal
});
await tell("fifty questions are in the inbox, the most urgent first, and keys reach the last", async () => {
  for (let i = 50; i >= 1; i--) execFileSync(process.env.SEND, [JSON.stringify({ id: `ask-${i}`, title: `question ${String(i).padStart(2, "0")}`, type: "Ask_Me", severity: "high" })], { timeout: 30000 });
  await second.goto(base + "/console/#/gates");
  await second.getByText("50 questions wait").waitFor();
  const titles = await second.locator("main a.card h2").allInnerTexts();
  await clean(second, "inbox-fifty");
  if (titles.length !== 50 || titles.join() !== [...titles].sort().join()) throw new Error(titles.join(", "));
  for (let i = 0; i < 50; i++) await second.keyboard.press("j");
  await second.keyboard.press("Enter");
  await second.getByRole("heading", { name: "question 50" }).waitFor();
});
await tell("when the server is away the page says so; when it is back it goes on, and nothing that was typed is lost", async () => {
  await second.getByRole("button", { name: "Deny" }).waitFor();
  await second.keyboard.press("d");
  await second.getByRole("dialog").getByLabel("Reason").fill("a reason of many words that nobody wants to type twice");
  execFileSync(process.env.DROP, [], { timeout: 30000 });
  await second.getByText("what you see may be old").waitFor();
  for (let i = 0; i < 100 && !await second.request.get(base + "/healthz").then(reply => reply.ok(), () => false); i++) await second.waitForTimeout(100);
  await second.getByRole("dialog").getByRole("button", { name: "Deny" }).click();
  await second.getByText("Your session has ended. What you wrote is still here.").waitFor();
  const password = second.getByRole("dialog").getByLabel("Password");
  await clean(second, "session-over");
  await password.fill("a long password 3");
  await second.getByRole("button", { name: "Go on" }).click();
  await second.getByRole("dialog").first().waitFor({ state: "detached" }).catch(async () => { throw new Error((await second.getByRole("dialog").allInnerTexts()).join(" / ")); });
  await second.locator("main").getByText("denied").first().waitFor();
  await second.getByText("a reason of many words").first().waitFor();
  await second.getByText("what you see may be old").waitFor({ state: "detached" });
  errors.length = 0; // the browser logs what it could not reach
});
await tell("whoever only looked is asked to sign in, and is where they were", async () => {
  await manager.getByRole("heading", { name: "Sign in to cordon" }).waitFor();
  await manager.getByLabel("Name").fill("change-manager-1");
  await manager.getByLabel("Password").fill("a long password 2");
  await manager.getByRole("button", { name: "Sign in", exact: true }).click();
  await manager.getByRole("heading", { name: "May this be done?" }).or(manager.getByRole("heading", { level: 1 })).first().waitFor();
  await signIn(analyst, "oncall", "a long password 1");
  errors.length = 0;
  return manager.url() === gateUrl;
});
await walk({ open, signIn, clean, tell, cordon, base, analyst, manager, second, send: alert => execFileSync(process.env.SEND, [JSON.stringify(alert)], { timeout: 30000 }), errors });
await tell("no script runs but the page's own, to the byte", async () => {
  const policy = (await manager.request.get(base + "/console/")).headers()["content-security-policy"];
  if (!/default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+';/.test(policy)) throw new Error(policy);
  const other = await manager.context().newPage();
  await other.goto(base + "/console/");
  await other.getByRole("navigation").waitFor();
  const ran = await other.evaluate(async () => {
    const tried = [];
    for (const set of [script => { script.textContent = "window.ran = true"; }, script => { script.src = "/console/icon.svg"; },
      script => { script.append(document.createTextNode("window.ran = true")); }]) {
      const script = document.createElement("script");
      try { set(script); document.body.append(script); } catch { tried.push("refused"); }
    }
    try { document.body.insertAdjacentHTML("beforeend", "<img src=x>"); } catch { tried.push("refused"); }
    await new Promise(resolve => setTimeout(resolve, 300));
    return [window.ran === true, tried.length];
  });
  await other.close(); // or the manager's page stays behind it, and is not drawn
  const changed = await open();
  await changed.route(base + "/console/", async route => {
    const reply = await route.fetch();
    await route.fulfill({ response: reply, body: (await reply.text()).replace('"Sign in to cordon"', '"Sign in to cardon"') });
  });
  await changed.goto(base + "/console/");
  await changed.waitForTimeout(500);
  const drawn = await changed.getByRole("heading", { name: /Sign in/ }).count(), told = await changed.evaluate(() => (window.violations || []).join());
  await changed.context().close();
  violations.length = errors.length = 0;
  if (ran[0] || ran[1] < 3 || drawn || !told.includes("script-src")) throw new Error(JSON.stringify([ran, drawn, told]));
});
await tell("halt asks why, and then everybody sees it", async () => {
  await analyst.getByRole("button", { name: "Halt" }).click();
  await analyst.getByRole("dialog").getByRole("button", { name: "Halt" }).click();
  await analyst.getByText("Say why").waitFor();
  await analyst.getByRole("dialog").getByLabel("Reason").fill("we do not trust this any more");
  await analyst.getByRole("dialog").getByRole("button", { name: "Halt" }).click();
  await manager.getByText(/Halted: all, by oncall: we do not trust/).waitFor();
  await analyst.getByText(/Halted: all/).waitFor();
  await clean(analyst, "halted");
});
await tell("help lists the keys", async () => {
  await manager.keyboard.press("?");
  await manager.getByRole("dialog").getByText("at a gate: approve, deny").waitFor();
  await clean(manager, "keys");
  await manager.keyboard.press("Escape");
});
await tell("what was changed was changed by POST: reading every page sends nothing else", async () => {
  const methods = [];
  manager.on("request", request => methods.push(request.method()));
  for (const page of ["gates", "runs", "ledger", "alerts", "playbooks", "me", "runs/r-000001", "alerts/a-000001"]) {
    await manager.goto(base + "/console/#/" + page);
    await manager.locator("main h1").waitFor();
  }
  await clean(manager, "me");
  return methods.length > 0 && methods.every(method => method === "GET");
});
await tell("another site can neither post in somebody's name nor frame the console", async () => {
  const other = await manager.context().newPage();
  await other.route("https://other.example/**", route => route.fulfill({ contentType: "text/html", body: "<p>another site</p><iframe id=f></iframe>" }));
  await other.goto("https://other.example/");
  const status = await other.evaluate(async url => {
    try { return (await fetch(url + "/v1/halts", { method: "POST", credentials: "include", mode: "no-cors", headers: { "Content-Type": "text/plain" }, body: "{}" })).type; } catch { return "refused"; }
  }, base);
  await other.evaluate(url => { document.getElementById("f").src = url + "/console/"; }, base);
  await other.waitForTimeout(500);
  const framed = other.frames().some(frame => frame !== other.mainFrame() && frame.url().startsWith(base));
  await other.close();
  const direct = await manager.request.post(base + "/v1/halts", { data: { scope: "all", reason: "x" }, headers: { Origin: "https://other.example" }, failOnStatusCode: false });
  errors.length = 0; // the browser logs what it refused
  return ["opaque", "refused"].includes(status) && !framed && direct.status() === 403;
});
await tell("signed out, the session is worth nothing", async () => {
  await manager.goto(base + "/console/");
  await manager.getByRole("button", { name: "Sign out" }).click();
  await manager.getByRole("heading", { name: "Sign in to cordon" }).waitFor();
  const reply = await manager.request.get(base + "/v1/me", { failOnStatusCode: false });
  return reply.status() === 401;
});
await tell("the browser's policy was never broken, and nothing was logged as an error", async () => {
  if (violations.length || errors.filter(text => !/401|ERR_/.test(text)).length) throw new Error([...violations, ...errors].join("\n"));
});

await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);

// SPDX-License-Identifier: Apache-2.0
// What a person needs on the way back, at a gate and when an alert changes. Called by console.mjs, whose helpers it
// gets. THINGS is the folder in which the plugin noop keeps what it sets, BOOKS the catalogue, SIM the simulator, ONCE a playbook outside it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const HOSTILE = "<img src=x onerror=document.title='broken'> \u202egpj.exe";

export async function walk({ signIn, clean, tell, cordon, base, analyst, manager, second, send, errors }) {
  const to = async (page, path) => { await page.goto(`${base}/console/#/${path}`); await page.locator("main h1").waitFor(); };
  const box = page => page.getByRole("dialog");
  // A page is read in steps, so what it shall say is waited for.
  const wants = async (node, ...parts) => {
    let text = "", part;
    for (let i = 0; i < 200; i++) {
      text = await node.innerText();
      part = parts.find(one => !text.includes(one));
      if (!part) return;
      await node.page().waitForTimeout(50);
    }
    throw new Error(`no “${part}” in: ${text.slice(0, 900)}`);
  };
  const lacks = async (node, ...parts) => { const text = await node.innerText(); for (const part of parts) if (text.includes(part)) throw new Error(`“${part}” in: ${text.slice(0, 900)}`); };
  const run = (playbook, thing) => JSON.parse(cordon("run", playbook.includes("/") ? playbook : `${process.env.BOOKS}/${playbook}.lua`, "--param", `thing=${thing}`, "--detach", "--json")).run;
  const until = async (name, state) => {
    for (let i = 0; i < 200; i++) {
      const { run } = JSON.parse(cordon("show", name, "--json"));
      if (run.state === state) return run;
      await analyst.waitForTimeout(50);
    }
    throw new Error(`${name} is not ${state}`);
  };
  const done = async (playbook, thing) => { const name = run(playbook, thing); await until(name, "done"); return name; };
  // Somebody else sets what cordon has set to text; the files of noop are named by a hash of the target.
  const alter = text => {
    const files = readdirSync(process.env.THINGS).filter(file => file.endsWith(".json")).map(file => `${process.env.THINGS}/${file}`);
    const newest = files.filter(file => readFileSync(file, "utf8") === '"held"');
    for (const file of newest) writeFileSync(file, text);
    return newest.length;
  };
  // What the API will say, where it is costly to have it say so.
  const instead = async (page, path, edit, work) => {
    const pattern = url => url.pathname === path;
    await page.route(pattern, async route => { const reply = await route.fetch(), body = await reply.json(); edit(body); await route.fulfill({ response: reply, json: body }); });
    try { return await work(); } finally { await page.unroute(pattern); }
  };

  // -- the way back ---------------------------------------------------------------------------
  await tell("a run that was rolled back says by which run and when, and offers no rollback", async () => {
    const name = await done("hold", "/things/back");
    await to(analyst, "runs/" + name);
    await analyst.getByRole("button", { name: "Roll back…" }).waitFor();
    await wants(analyst.locator("main"), "1 change is in place");
    const undo = JSON.parse(cordon("rollback", name, "--reason", "it was a drill", "--json").trim().split("\n").pop()).run;
    await analyst.getByText("rolled back", { exact: true }).first().waitFor();
    await wants(analyst.locator("main"), undo, "nothing of it is in place", "Let go of by");
    if (await analyst.getByRole("button", { name: "Roll back…" }).count()) throw new Error("a rollback is offered for what is not in place");
    await clean(analyst, "run-rolled-back");
    await instead(analyst, "/v1/runs", body => body.runs.splice(6), async () => {
      await to(analyst, "runs");
      await wants(analyst.locator(`main a.card[href="#/runs/${name}"]`), "rolled back", `by ${undo}`);
      await clean(analyst, "runs");
    });
  });
  await tell("the rollback of what another run still wants names that run, before and afterwards", async () => {
    const one = await done("hold", "/things/shared"), other = await done("hold", "/things/shared");
    await to(analyst, "runs/" + one);
    await analyst.getByRole("button", { name: "Roll back…" }).click();
    await box(analyst).getByText("another run still wants it").waitFor();
    await wants(box(analyst), "/things/shared", other, "Nothing is written: this run lets go");
    await lacks(box(analyst), "Nothing of it is in place", "This is put back");
    await clean(analyst, "rollback-shared");
    await box(analyst).getByRole("button", { name: "Roll back" }).click();
    await analyst.waitForURL(url => !url.hash.includes(one));
    await analyst.getByText("Finished").waitFor();
    await wants(analyst.locator("ol.line"), "still wanted by", other);
    await to(analyst, "runs/" + one);
    await analyst.getByText("Still in place for").waitFor();
    await wants(analyst.locator("main"), other, "in place");
    cordon("rollback", other);
  });
  await tell("a drift shows before, as we left it and now, and offers what the engine takes for it", async () => {
    const name = await done("hold", "/things/drift");
    if (alter('"foreign"') !== 1) throw new Error("not one thing is held");
    try { cordon("rollback", name); } catch { /* it waits for a person */ }
    const undo = JSON.parse(cordon("show", name, "--json")).children[0].run;
    await to(analyst, "runs/" + undo);
    const step = analyst.getByRole("region", { name: "step u/1" });
    await step.getByRole("columnheader", { name: "as we left it" }).waitFor();
    const heads = await step.getByRole("columnheader").allInnerTexts(), cells = await step.getByRole("cell").allInnerTexts();
    if (heads.join() !== "field,before,as we left it,now") throw new Error(heads.join());
    if (cells.join().replace(/\n+/g, " ") !== "value,(none),held,foreign changed by others") throw new Error(cells.join());
    if ((await step.getByRole("button").allInnerTexts()).join() !== "Leave it…,Restore it…,Accept it…") throw new Error((await step.getByRole("button").allInnerTexts()).join());
    await clean(analyst, "drift");
    await analyst.emulateMedia({ colorScheme: "light" });
    await step.getByRole("button", { name: "Leave it…" }).focus();
    await analyst.keyboard.press("Enter");
    await box(analyst).getByText("cordon lets go of it").waitFor();
    await box(analyst).getByLabel("Reason").fill("theirs is right");
    await box(analyst).getByRole("button", { name: "Leave it" }).click();
    await analyst.getByText("settled it: leave").waitFor();
    await step.waitFor({ state: "detached" });
    await to(analyst, "runs/" + name);
    await analyst.getByText("let go", { exact: true }).waitFor();
    await wants(analyst.locator("main"), "it holds nothing in place any more");
  });
  await tell("an undo that failed says why, and offers neither restore nor a doubt's choices", async () => {
    const edit = patch => fetch(process.env.SIM + "/_sim/edit", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ path: "/_vault/shop-kv/secrets/payment-key", patch }) });
    const name = await done("secret", "payment-key");
    await edit({ deleted: true });
    try { cordon("rollback", name); } catch { /* it waits for a person */ }
    await to(analyst, "runs/" + JSON.parse(cordon("show", name, "--json")).children[0].run);
    const step = analyst.getByRole("region", { name: "step u/1" });
    await step.getByText("no secret called payment-key").waitFor();
    await wants(step, "could not be undone");
    if ((await step.getByRole("button").allInnerTexts()).join() !== "Leave it…,Accept it…") throw new Error((await step.getByRole("button").allInnerTexts()).join());
    await edit({ deleted: null });
    await analyst.getByRole("button", { name: "Look again…" }).click();
    await box(analyst).getByRole("button", { name: "Look again" }).click();
    await analyst.getByText("Finished").waitFor();
    await step.waitFor({ state: "detached" });
  });
  await tell("recover is offered where the playbook has a recover function, and nowhere else", async () => {
    const without = await done("hold", "/things/no-recover"), having = await done("heals", "/things/recover");
    await to(analyst, "runs/" + without);
    await analyst.getByRole("button", { name: "Roll back…" }).waitFor();
    if (await analyst.getByRole("button", { name: "Recover…" }).count()) throw new Error("offered where there is none");
    await to(analyst, "runs/" + having);
    await analyst.getByRole("button", { name: "Recover…" }).click();
    await box(analyst).getByRole("button", { name: "Recover" }).click();
    await box(analyst).waitFor({ state: "detached" });
    await analyst.getByText("Runs that belong to it").waitFor();
    cordon("rollback", without);
    cordon("rollback", having);
  });
  await tell("a playbook that is not in the catalogue is listed apart, and cannot be started", async () => {
    await done(process.env.ONCE, "/things/once");
    await to(analyst, "playbooks");
    await analyst.getByRole("heading", { name: "Not in the catalogue" }).waitFor();
    await clean(analyst, "playbooks");
    const order = await analyst.locator("main h2").allInnerTexts();
    if (order.indexOf("once") < order.indexOf("Not in the catalogue") || order.indexOf("hold") > order.indexOf("Not in the catalogue")) throw new Error(order.join());
    await analyst.getByRole("link", { name: "once" }).click();
    await analyst.getByText("This playbook is not in the catalogue").waitFor();
    if (await analyst.getByRole("button", { name: /Start|Show what/ }).count()) throw new Error("it can be started");
  });

  // -- what holds -----------------------------------------------------------------------------
  await tell("a hold that somebody undid says so after “Check again”: since when, and what is there now", async () => {
    const name = await done("hold", "/things/seen");
    await to(analyst, "ledger");
    await analyst.getByRole("heading", { name: /set \/things\/seen/ }).waitFor();
    await lacks(analyst.locator("main"), "not in force");
    if (alter('"theirs"') < 1) throw new Error("nothing is held");
    await analyst.getByRole("button", { name: "Check again" }).focus();
    await analyst.keyboard.press("Enter");
    const card = analyst.locator("main section", { hasText: "/things/seen" });
    await card.getByText("somebody changed it").waitFor();
    await wants(card, "Not in force", "found", '{"value":"theirs"}');
    await wants(analyst.locator("main [role=status]"), "not in force any more");
    await clean(analyst, "ledger-not-in-force");
    await to(analyst, "runs/" + name);
    await analyst.getByText("not in force", { exact: true }).waitFor();
  });

  // -- a gate ---------------------------------------------------------------------------------
  let glass, gate;
  await tell("a gate links to the alert for which its run was started, and says where its preview ends", async () => {
    send({ id: "behind-glass", title: "/glass/one", type: "Hold_asks", severity: "high" });
    for (let i = 0; i < 200 && !gate; i++) {
      gate = JSON.parse(cordon("gates", "--json")).gates.find(one => one.body.changes?.some(change => change.target === "/glass/one"));
      if (!gate) await analyst.waitForTimeout(50);
    }
    await to(manager, "gates/" + gate.gate);
    await manager.getByText("This is not all").waitFor();
    await wants(manager.locator("main"), "what follows depends on a question to people");
    await manager.locator("dl.facts").getByRole("link", { name: "/glass/one" }).click();
    await manager.getByRole("heading", { name: "/glass/one", level: 1 }).waitFor();
    await wants(manager.locator("main"), "Why it did", gate.run);
  });
  await tell("a gate shows notes, failed looks, drifts, assumptions and that nobody can grant it, as text only", async () => {
    await instead(manager, "/v1/gates/" + gate.gate, ({ body }) => {
      body.changes[0].notes = ["the firewall lets nobody in " + HOSTILE];
      body.changes[0].assumed = true;
      body.failed = [{ action: "noop.set", target: "/things/locked", message: "a lock is in the way", code: "ScopeLocked" }];
      body.drifted = [{ action: "noop.set", target: "/things/other", before: { a: 1 }, ours: { a: 2 }, now: { a: 1 } }];
      body.assumes = ["that the site answers", { text: "that the vault is open" }];
      body.unable = "the gate needs 3 and 2 people can approve";
    }, async () => {
      await to(manager, "gates/" + gate.gate);
      await manager.getByText("the firewall lets nobody in").waitFor();
      await wants(manager.locator("main"), "\\u202e", "what comes before it ends as planned", "a lock is in the way", "Left alone", "back as it was", "that the site answers", "that the vault is open", "2 people can approve");
      await clean(manager, "gate-warnings");
      if (await manager.locator("main img").count()) throw new Error("foreign text became an element");
    });
  });
  await tell("break-glass is offered to those alone whom the policy names", async () => {
    await to(second, "gates/" + gate.gate);
    await second.getByRole("button", { name: "Approve" }).waitFor();
    if (await second.getByRole("button", { name: "Break the glass…" }).count()) throw new Error("offered to who may not");
    await to(manager, "gates/" + gate.gate);
    await manager.getByRole("button", { name: "Break the glass…" }).waitFor();
  });
  await tell("breaking the glass shows exactly the gates, wants a reason and the run's name, and a fresh sign-in", async () => {
    let asked = 0;
    await manager.route(`**/v1/runs/${gate.run}/break-glass`, async route => asked++ ? route.continue() :
      route.fulfill({ status: 403, contentType: "application/problem+json", body: '{"code":"again","detail":"show once more that it is you"}' }));
    await manager.getByRole("button", { name: "Break the glass…" }).focus();
    await manager.keyboard.press("Enter");
    await box(manager).getByText("This is granted, and nothing else").waitFor();
    await wants(box(manager), gate.gate, "/glass/one", "reviewed afterwards by 1 of reviewers");
    if (await box(manager).locator("section").count() !== 1) throw new Error("other gates are shown");
    await clean(manager, "break-glass");
    const go = box(manager).getByRole("button", { name: "Grant 1 gate alone" });
    await go.click();
    await box(manager).getByText("Say why").waitFor();
    await box(manager).getByLabel("Reason").fill("nobody answers, and it burns");
    await go.click();
    await box(manager).getByText(`Type ${gate.run} to go on.`).waitFor();
    await box(manager).getByLabel(/to go ahead alone/).fill(gate.run);
    await manager.keyboard.press("Enter");
    const again = box(manager).filter({ hasText: "Is it still you?" });
    await again.getByLabel("Password").fill("a long password 2");
    await manager.keyboard.press("Enter");
    await box(manager).first().waitFor({ state: "detached" });
    await manager.locator("main").getByText("granted").first().waitFor();
    await manager.unroute(`**/v1/runs/${gate.run}/break-glass`);
    errors.length = 0; // the browser logs the refusal
    if (asked !== 2) throw new Error(`sent ${asked} times`);
    glass = gate.run;
  });
  await tell("a break-glass is reviewed by another person, from its banner", async () => {
    await to(manager, "runs/" + glass);
    await manager.getByText("You broke the glass, so others review it.").waitFor();
    if (await manager.getByRole("button", { name: "It was right…" }).count()) throw new Error("who broke it may review it");
    await second.getByText("waits for its review").getByRole("link", { name: glass }).click();
    await second.getByText("The gate is granted by change-manager-1 alone, who broke the glass: nobody answers, and it burns").waitFor();
    await clean(second, "review");
    await second.getByRole("button", { name: "It was right…" }).click();
    await box(second).getByRole("button", { name: "It was right" }).click();
    await box(second).getByText("Say why").waitFor();
    await box(second).getByLabel("Reason").fill("the log shows it");
    await box(second).getByRole("button", { name: "It was right" }).click();
    await box(second).waitFor({ state: "detached" });
    await second.getByText("found it right: the log shows it").waitFor();
    await manager.getByText("waits for its review").waitFor({ state: "detached" });
    await wants(second.getByRole("region", { name: /break-glass by/ }), "reviewed", "1 of 1", gate.gate);
  });
  await tell("who asked for a run is told that somebody else must approve it", async () => {
    const [own] = JSON.parse(cordon("gates", "--json")).gates;
    await instead(second, "/v1/gates/" + own.gate, now => { now.body.by = "change-manager-2"; now.body.self = false; now.body.k = "approve"; }, async () => {
      await to(second, "gates/" + own.gate);
      await second.getByText("You asked for this run, so somebody else must approve it.").waitFor();
      if (await second.getByRole("button", { name: "Approve" }).count()) throw new Error("the vote is offered");
    });
  });
  await tell("a wait that a service asked for says until when, and what the service said", async () => {
    await instead(analyst, "/v1/runs/r-000001", body => { body.run.state = "waiting"; body.run.waits = { until: Date.UTC(2031, 4, 6, 7, 8), why: "too many requests " + HOSTILE }; }, async () => {
      await to(analyst, "runs/r-000001");
      await analyst.reload();
      await analyst.getByText("because the service said: too many requests").waitFor();
      await wants(analyst.locator("main"), "2031");
    });
  });

  // -- alerts ---------------------------------------------------------------------------------
  await tell("alerts that are over or simulated say so, in the list and on their page", async () => {
    send({ id: "ended", title: "dealt with", type: "Nothing_A", severity: "low", status: "resolved" });
    send({ id: "drill", title: "a drill", type: "Hold_hold", severity: "low", simulated: true });
    await to(analyst, "alerts");
    await wants(analyst.locator("main a.card", { hasText: "dealt with" }), "over");
    await wants(analyst.locator("main a.card", { hasText: "a drill" }), "simulated");
    await analyst.getByRole("link", { name: "a drill" }).click();
    await analyst.getByText("it is planned at most").waitFor();
    await analyst.getByText("the alert is simulated: nothing was started").waitFor();
    await to(analyst, "alerts");
    await analyst.getByRole("link", { name: "dealt with" }).click();
    await analyst.getByText("This alert is over").waitFor();
  });
  await tell("an alert's page shows what the alert gained, and when", async () => {
    send({ id: "grows", title: "it grows", type: "Nothing_B", severity: "low", entities: { hosts: ["h1"] } });
    send({ id: "grows", title: "it grows", type: "Nothing_B", severity: "low", entities: { hosts: ["h1", "h2"] } });
    await to(analyst, "alerts");
    await analyst.getByRole("link", { name: "it grows" }).click();
    await analyst.getByRole("heading", { name: "What it gained since it came" }).waitFor();
    await wants(analyst.locator("main ol.line").first(), "hosts", "h2");
    await clean(analyst, "alert-grown");
    const path = "/v1/alerts/" + analyst.url().split("/").pop();
    await instead(analyst, path, body => { body.normalised.product = "a product"; body.normalised.keys = ["4a1c2f50", HOSTILE]; }, async () => {
      await analyst.reload();
      await analyst.getByText("Recognised by").waitFor();
      await wants(analyst.locator("main"), "a product", "4a1c2f50", "\\u202e");
    });
  });
  await tell("deliveries that could not be read are on the page of alerts, with the reason", async () => {
    await instead(analyst, "/v1/alerts", body => body.alerts.splice(4), () => instead(analyst, "/v1/deliveries/unreadable", body => {
      body.count = 2;
      body.unreadable = [{ delivery: "d-000007", source: "generic", at: Date.UTC(2031, 1, 1), bytes: 17, head: '{"id":' + HOSTILE, why: "line 1, column 7: the text ends inside an object" }];
      body.refused = [{ source: "defender", count: 3, last: Date.UTC(2031, 1, 2), from: "192.0.2.1", status: 413, why: "the body is larger than 1 MiB" }];
    }, async () => {
      await to(analyst, "alerts");
      await analyst.reload();
      await analyst.getByText("2 deliveries could not be read; 3 were refused since the start").focus();
      await analyst.keyboard.press("Enter");
      await analyst.getByText("the text ends inside an object").waitFor();
      await wants(analyst.locator("details"), "d-000007", "\\u202e", "larger than 1 MiB", "192.0.2.1", "413");
      await clean(analyst, "alerts-unreadable");
    }));
  });
}

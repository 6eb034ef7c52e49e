// SPDX-License-Identifier: Apache-2.0
// A question before something is done: what happens, a reason, and where it cannot be undone a word to type.
import { el, button, say } from "/console/dom.js";
import { session, post } from "/console/api.js";

let count = 0;

// Asks; calls act(reason) when it is confirmed, stays open with the sentence when that fails. typed: a word to type,
// ask: the sentence that asks for it. Without act there is nothing to confirm. true when it was done.
export function confirmBox({ title, text, more, reason, typed, ask, confirm, kind, act }) {
  return new Promise(resolve => {
    const n = ++count;
    const error = el("p", { class: "error", role: "alert" });
    const why = reason && el("textarea", { id: `why${n}`, required: reason === "required" });
    const word = typed && el("input", { id: `typed${n}`, autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
    const go = el("button", { class: kind || "main" }, confirm);
    let done = false;
    const form = el("form", { method: "dialog", novalidate: true, onsubmit: async event => {
      event.preventDefault();
      if (!act) { box.close(); return; }
      error.textContent = "";
      if (reason === "required" && !why.value.trim()) { error.textContent = "Say why: it is kept in the journal, and others decide by it."; why.focus(); return; }
      if (typed && word.value.trim() !== typed) { error.textContent = `Type ${typed} to go on.`; word.focus(); return; }
      go.disabled = true;
      try { await again(() => act(why ? why.value.trim() || undefined : undefined)); done = true; box.close(); }
      catch (problem) { error.textContent = problem.message; }
      go.disabled = false;
      if (!done) go.focus(); // a button that was disabled has lost it
    } }, el("h2", { id: `title${n}` }, title), text && el("p", {}, text), more,
      why && [el("label", { for: `why${n}` }, "Reason", reason === "required" ? "" : el("span", { class: "help" }, " (may be empty)")), why],
      word && [el("label", { for: `typed${n}` }, ask || `This cannot be undone. Type the last four characters of the target: ${typed}`), word],
      error, el("div", { class: "actions" }, go, act && button("Cancel", () => box.close())));
    const box = el("dialog", { "aria-labelledby": `title${n}` }, form);
    document.body.append(box);
    box.addEventListener("close", () => { box.remove(); if (done) say("Done."); resolve(done); });
    box.showModal();
    (why || word || go).focus();
  });
}

// What an approver does wants them to have shown lately that it is they: asked for when the server says so. The
// same when their session has ended meanwhile, so that what they wrote is not lost.
async function again(act) {
  try { return await act(); } catch (problem) {
    if (problem.code !== "again" && problem.status !== 401) throw problem;
    if (!session.me?.session?.password) throw problem;
    await askPassword(problem.status === 401);
    return act();
  }
}

function askPassword(isOver) {
  return new Promise((resolve, reject) => {
    const n = ++count, error = el("p", { class: "error", role: "alert" });
    const password = el("input", { id: `pass${n}`, type: "password", autocomplete: "current-password" });
    let done = false;
    const box = el("dialog", { "aria-labelledby": `pt${n}` }, el("form", { method: "dialog", onsubmit: async event => {
      event.preventDefault();
      try { session.me = isOver ? await post("/sign-in", { name: session.me.who, password: password.value }) : await post("/sign-in/again", { password: password.value }); done = true; box.close(); }
      catch (problem) { error.textContent = problem.message; }
    } }, el("h2", { id: `pt${n}` }, "Is it still you?"), el("p", {}, isOver ? "Your session has ended. What you wrote is still here." : "You signed in a while ago, and this counts as your word."),
      el("label", { for: `pass${n}` }, "Password"), password, error,
      el("div", { class: "actions" }, el("button", { class: "main" }, "Go on"), button("Cancel", () => box.close()))));
    document.body.append(box);
    box.addEventListener("close", () => { box.remove(); if (done) resolve(); else reject(new Error("Nothing was sent.")); });
    box.showModal();
    password.focus();
  });
}

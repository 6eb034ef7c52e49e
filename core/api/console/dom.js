// SPDX-License-Identifier: Apache-2.0
// Elements from plain values. Whatever comes from outside becomes text, and only ever text.

const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

// Control, bidi and zero-width characters are shown as what they are.
export function shown(value) {
  const text = typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);
  return text.replace(HIDDEN, c => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

// el("p", {class: "soft"}, "text", node, [more])
export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(9).filter(child => child !== undefined && child !== null && child !== false)
    .map(child => child instanceof Node ? child : shown(child)));
  return node;
}

export const clear = (node, ...children) => { node.replaceChildren(...children.flat(9).filter(Boolean)); return node; };

const STATES = {
  good: ["done", "granted", "routed", "on", "in place", "reviewed"],
  warn: ["waiting", "running", "open", "new", "held", "unreviewed", "simulated"],
  off: ["rolled back", "let go", "over", "left", "gone", "not restored"],
  bad: ["failed", "stuck", "denied", "canceled", "diverged", "blocked", "expired", "void", "rejected", "not in force"],
};
export function state(word) {
  const kind = Object.keys(STATES).find(key => STATES[key].includes(word)) || "warn";
  return el("span", { class: "state " + kind }, word);
}

export function when(ms) {
  if (!ms) return "";
  const at = new Date(ms);
  return el("time", { datetime: at.toISOString(), title: at.toISOString().replace("T", " ").slice(0, 19) + " UTC" },
    at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" }));
}

// "in 12 min 5 s", counted down by tick().
export function until(ms) {
  const node = el("span", { "data-until": ms, class: "count" });
  node.textContent = left(ms);
  return node;
}
function left(ms) {
  let s = Math.round((ms - Date.now()) / 1000);
  if (s <= 0) return "over";
  const d = Math.floor(s / 86400), h = Math.floor(s % 86400 / 3600), m = Math.floor(s % 3600 / 60);
  s %= 60;
  return "in " + (d ? `${d} d ${h} h` : h ? `${h} h ${m} min` : m ? `${m} min ${s} s` : `${s} s`);
}
export function tick() {
  for (const node of document.querySelectorAll("[data-until]")) node.textContent = left(Number(node.dataset.until));
}

export const button = (text, onclick, kind, more) => el("button", { type: "button", class: kind, onclick, ...more }, text);
export const link = (href, ...children) => el("a", { href }, ...children);
export const facts = pairs => el("dl", { class: "facts" }, pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined && value !== false && !(Array.isArray(value) && !value.length))
  .map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));

// An ARM id by its last two words; the whole stands below it.
export const shortly = id => { const parts = shown(id).split("/").filter(Boolean); return parts.length > 2 ? parts.slice(-2).join("/") : shown(id); };

const FIELDS_MAX = 200; // of one table
const differs = maps => name => maps.some(map => map.get(name) !== maps[0].get(name));

// Objects beside each other, nested fields by their path. columns: [heading, object, CSS class]; mark(values) may
// add a word to the last one.
function sideBySide(label, columns, mark) {
  const maps = columns.map(([, object]) => flat(object));
  const names = [...new Set(maps.flatMap(map => [...map.keys()]))].sort(), changed = names.filter(differs(maps));
  const cells = (role, kinds, texts) => el("div", { class: "cells", role: "row" }, texts.map((text, i) => el("div", { class: kinds[i], role }, text)));
  const row = name => {
    const values = maps.map(map => map.has(name) ? map.get(name) : "(absent)"), word = mark && mark(values);
    return cells("cell", ["name", ...columns.map(column => column[2])], [name || "(all)", ...values.map((value, i) => word && i === values.length - 1 ? [value, el("div", { class: "mark" }, word)] : value)]);
  };
  const left = changed.length - FIELDS_MAX;
  return [el("div", { class: "diff" + (columns.length > 2 ? " three" : ""), role: "table", "aria-label": label },
    cells("columnheader", ["head name", ...columns.map(() => "head")], ["field", ...columns.map(([heading]) => heading)]), changed.slice(0, FIELDS_MAX).map(row)),
    left > 0 && el("p", { class: "soft" }, `${left} more fields differ: cordon show has them all.`)];
}

export const diff = (before, after) => sideBySide("what changes", [["now", before, "was"], ["afterwards", after, "will"]]);

// What cordon found, what it left, and what is there now, of a target that somebody else has changed.
export const drift = (before, ours, now) => sideBySide("what is different", [["before", before, ""], ["as we left it", ours, ""], ["now", now, "was"]],
  ([was, left, found]) => found === left ? "" : found === was ? "back as it was" : "changed by others");
function flat(value, path = "", out = new Map()) {
  if (value !== null && typeof value === "object" && Object.keys(value).length)
    for (const [key, inner] of Object.entries(value)) flat(inner, path ? `${path}.${shown(key)}` : shown(key), out);
  else if (value !== undefined) out.set(path, value === null ? "(none)" : shown(value));
  return out;
}

let quiet;
export function say(text) {
  const node = document.getElementById("say");
  node.textContent = text;
  node.classList.remove("quiet");
  clearTimeout(quiet);
  quiet = setTimeout(() => node.classList.add("quiet"), 6000);
}

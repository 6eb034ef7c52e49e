// SPDX-License-Identifier: Apache-2.0
// What the page asks the server. A GET changes nothing; everything else carries the session's token.

export const session = { me: null };

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || "the server did not answer");
    this.status = status;
    this.code = body.code;
  }
}

async function ask(method, path, body) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") {
    if (session.me?.session) headers["X-Cordon-Token"] = session.me.session.token;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (path.startsWith("/v1/")) headers["Idempotency-Key"] = crypto.randomUUID();
  }
  let reply;
  try {
    reply = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), credentials: "same-origin" });
  } catch {
    throw new Problem(0, { detail: "The server cannot be reached. Nothing was sent twice: try again when it can." });
  }
  const text = await reply.text();
  let json = {};
  try { json = text ? JSON.parse(text) : {}; } catch { /* said below */ }
  if (!reply.ok) throw new Problem(reply.status, json);
  return json;
}

export const get = path => ask("GET", path);
export const post = (path, body) => ask("POST", path, body);
export const remove = (path, body) => ask("DELETE", path, body);

// Events of a stream until it is closed; names are the kinds of rows.
export function follow(path, onevent, kinds) {
  const source = new EventSource(path);
  for (const kind of kinds) source.addEventListener(kind, event => onevent(kind, event.data ? JSON.parse(event.data) : {}, event));
  return source;
}

export const may = role => session.me?.roles?.includes(role);

// SPDX-License-Identifier: Apache-2.0
// A mail server: mail.mjs DIR CERT KEY. Writes each message it takes to DIR/N.eml, with its envelope
// in DIR/N.json, and says "plain PORT" and "starttls PORT" when it listens. A recipient that begins
// with no- is refused, one that begins with later- is refused the first time.
import { createRequire } from "node:module";
import fs from "node:fs";
const require = createRequire(process.cwd() + "/");
const { SMTPServer } = require("smtp-server");

const [dir, cert, key] = process.argv.slice(2);
let count = 0;
const later = new Set();

function refusal(address) {
  if (address.startsWith("no-")) return 550;
  if (address.startsWith("later-") && !later.has(address)) {
    later.add(address);
    return 451;
  }
  return 0;
}

function options(more) {
  return {
    cert: fs.readFileSync(cert),
    key: fs.readFileSync(key),
    logger: false,
    onAuth: (auth, session, done) =>
      auth.username === "cordon" && auth.password === "the mail password"
        ? done(null, { user: auth.username })
        : done(Object.assign(new Error("wrong password"), { responseCode: 535 })),
    onRcptTo: (to, session, done) => {
      const code = refusal(to.address);
      done(code ? Object.assign(new Error("not this one"), { responseCode: code }) : null);
    },
    onData: (stream, session, done) => {
      const parts = [];
      stream.on("data", (part) => parts.push(part));
      stream.on("end", () => {
        const n = ++count;
        fs.writeFileSync(`${dir}/${n}.json`, JSON.stringify({ from: session.envelope.mailFrom.address,
          to: session.envelope.rcptTo.map((to) => to.address), secure: session.secure, user: session.user || null }));
        fs.writeFileSync(`${dir}/${n}.part`, Buffer.concat(parts));
        fs.renameSync(`${dir}/${n}.part`, `${dir}/${n}.eml`);
        done(null, "taken");
      });
    },
    ...more,
  };
}

for (const [name, more] of [
  ["plain", { authOptional: true, hideSTARTTLS: true, disabledCommands: ["AUTH"] }],
  ["starttls", {}],
]) {
  const server = new SMTPServer(options(more));
  server.on("error", () => {});
  server.listen(0, "127.0.0.1", () => console.log(`${name} ${server.server.address().port}`));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.mjs FILE FAMILY=URL... - sends each request in the gateway's FILE, as the plugin
 * made it, to the Prism mock of its family, and shows what the mock has against it.
 */
import { readFileSync } from 'node:fs';
import http from 'node:http';

import { pathInFamily } from './families.mjs';
import { mock as known } from './known.mjs';
import { check, checkKnown, end, letThrough } from './report.mjs';

const [file, ...rest] = process.argv.slice(2);
const mocks = new Map(rest.map((one) => one.split('=')));

/* Resolves to {status, violations, body}. */
function send(base, { method, path, headers, body }) {
    return new Promise((resolve, reject) => {
        const options = { method, headers, timeout: 20000, maxHeaderSize: 1 << 20 };
        const out = http.request(base + pathInFamily(path), options, async (reply) => {
            const chunks = await reply.toArray().catch(reject);
            resolve({ status: reply.statusCode, body: Buffer.concat(chunks ?? []).toString(),
                      violations: JSON.parse(reply.headers['sl-violations'] ?? '[]') });
        });
        out.on('timeout', () => out.destroy(new Error('no answer in time')));
        out.on('error', reject);
        out.end(body);
    });
}

/* A request that no operation is for gets no violations, only this. */
function unroutable({ status, body }) {
    const code = /errors#(NO_(?:PATH|METHOD|RESOURCE|BASE|SERVER)[A-Z_]*)/.exec(body)?.[1];
    return code ? [{ code, message: `answered with ${status}` }] : [];
}

function isOfRequest({ location }) {
    return !location || location[0] === 'request';
}

function show(line, { location, code, message }) {
    return `${line.part}: ${line.method} ${line.path}: ${location?.join('.')}: ${code}: ${message}`;
}

const lines = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
const isKnown = letThrough(known);
for (const [family, base] of mocks) {
    const own = lines.filter((line) => line.family === family);
    const findings = [];
    for (const line of own) {
        const reply = await send(base, line);
        const found = [...reply.violations.filter(isOfRequest), ...unroutable(reply)];
        findings.push(...found.filter((one) => !isKnown({ ...one, line }))
                               .map((one) => show(line, one)));
    }
    if (!own.length)
        findings.push('the plugin made no request of this family');
    check(`${family}: the Prism mock has nothing against ${own.length} requests`, findings);
}
checkKnown('the Prism mock', known);
end();

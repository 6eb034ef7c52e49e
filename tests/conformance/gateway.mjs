/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway.mjs SIMULATOR FILE FAMILY=URL... - one address in front of a Prism proxy for each
 * family. Each request goes through the proxy of its family to the simulator; it, and what
 * the proxy found, becomes a line of JSON in FILE. The body of POST /_part names what comes
 * next. Addresses of the simulator in replies become ours, as in any reverse proxy, so that
 * next pages and polls come here too.
 */
import { appendFileSync } from 'node:fs';
import http from 'node:http';

import { familyOf, isPoll, pathInFamily } from './families.mjs';

const [simulator, file, ...rest] = process.argv.slice(2);
const proxies = new Map(rest.map((one) => one.split('=')));
let part = '';

function target(path) {
    if (isPoll(path))
        return { family: 'poll', url: simulator + path };
    const family = familyOf(path);
    const base = proxies.get(family);
    return { family, url: base && base + pathInFamily(path) };
}

/* Resolves to {status, headers, body}. */
function forward(url, { method, headers }, body) {
    return new Promise((resolve, reject) => {
        const options = { method, headers, timeout: 20000, maxHeaderSize: 1 << 20 };
        const out = http.request(url, options, async (reply) => {
            const chunks = await reply.toArray().catch(reject);
            resolve({ status: reply.statusCode, headers: reply.headers,
                      body: Buffer.concat(chunks ?? []).toString() });
        });
        out.on('timeout', () => out.destroy(new Error('no answer in time')));
        out.on('error', reject);
        out.end(body);
    });
}

function ours(text) {
    return text.replaceAll(simulator, `http://127.0.0.1:${server.address().port}`);
}

function send(response, reply) {
    const body = ours(reply.body);
    for (const [name, value] of Object.entries(reply.headers)) {
        if (!['sl-violations', 'content-length', 'transfer-encoding', 'connection'].includes(name))
            response.setHeader(name, typeof value === 'string' ? ours(value) : value);
    }
    response.statusCode = reply.status;
    response.end(body);
}

async function serve(request, response) {
    const body = Buffer.concat(await request.toArray()).toString();
    if (request.url === '/_part') {
        part = body;
        response.end();
        return;
    }
    const { family, url } = target(request.url);
    const line = { part, family, method: request.method, path: request.url,
                   headers: request.headers, body };
    if (url) {
        const reply = await forward(url, request, body);
        line.status = reply.status;
        line.violations = JSON.parse(reply.headers['sl-violations'] ?? '[]');
        send(response, reply);
    } else {
        response.statusCode = 502;
        response.end();
    }
    appendFileSync(file, JSON.stringify(line) + '\n');
}

const server = http.createServer((request, response) => {
    serve(request, response).catch((error) => {
        console.error(`${request.method} ${request.url}: ${error.message}`);
        response.destroy();
    });
});
server.listen(0, '127.0.0.1', () => {
    console.log(`gateway listening on http://127.0.0.1:${server.address().port}`);
});

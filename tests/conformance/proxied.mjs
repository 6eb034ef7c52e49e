/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxied.mjs FILE - shows what the Prism proxies had against the exchanges in the gateway's
 * FILE: requests of the plugin, and replies of the simulator.
 */
import { readFileSync } from 'node:fs';

import { proxy as known } from './known.mjs';
import { check, checkKnown, end, letThrough } from './report.mjs';

/* A proxy hands on what no operation is for, and says nothing: the mocks refuse it. */
function findingsOf({ violations }) {
    return violations ?? [{ code: 'NO_FAMILY', message: 'no description is for this request' }];
}

function show(line, { location, code, message }) {
    return `${line.method} ${line.path} ${line.status}: ${location?.join('.')}: ${code}: ${message}`;
}

const lines = readFileSync(process.argv[2], 'utf8').trim().split('\n').map((one) => JSON.parse(one));
const isKnown = letThrough(known);
for (const part of [...new Set(lines.map((line) => line.part))].sort()) {
    const own = lines.filter((line) => line.part === part && line.family !== 'poll');
    const findings = own.flatMap((line) =>
        findingsOf(line).filter((one) => !isKnown({ ...one, line })).map((one) => show(line, one)));
    check(`${part}: the Prism proxies have nothing against ${own.length} exchanges`, findings);
}
checkKnown('the Prism proxy', known);
end();

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traffic.mjs SPECIFICATION RECORDS - holds recorded exchanges against Microsoft's API
 * descriptions. RECORDS has a folder for each part of the tour, with the files that
 * azsim --record wrote.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { traffic as known } from './known.mjs';
import { check, checkKnown, end, letThrough } from './report.mjs';

const [specification, records] = process.argv.slice(2);
const oav = createRequire(process.env.NODE_PACKAGES + '/')('oav');
const validator = new oav.LiveValidator({
    directory: specification,
    swaggerPathsPattern: ['**/*.json'],
    excludedSwaggerPathsPattern: [join(specification, '**/examples/**/*')],
    git: { shouldClone: false },
    loadValidatorInBackground: false,
}, () => {});

function findingsOf(pair, result) {
    const { method, url } = pair.liveRequest;
    const found = [];
    for (const side of ['requestValidationResult', 'responseValidationResult']) {
        const { errors, runtimeException, isSuccessful } = result[side];
        const all = [...errors, ...(runtimeException ? [runtimeException] : [])];
        if (!all.length && isSuccessful !== true)
            all.push({ code: 'NOT_LOOKED_AT', message: 'oav gave no verdict' });
        for (const { code, message, pathsInPayload } of all)
            found.push({ side: side.slice(0, -16), code, message, pathsInPayload, method, url });
    }
    return found;
}

function show({ side, code, message, pathsInPayload, method, url }) {
    return `${method} ${url}: ${side}: ${code}: ${message.slice(0, 300)} ${pathsInPayload ?? ''}`;
}

await validator.initialize();
const isKnown = letThrough(known);
for (const part of readdirSync(records).sort()) {
    const findings = [];
    const files = readdirSync(join(records, part)).sort();
    for (const file of files) {
        const pair = JSON.parse(readFileSync(join(records, part, file)));
        const result = await validator.validateLiveRequestResponse(pair);
        findings.push(...findingsOf(pair, result).filter((one) => !isKnown(one)).map(show));
    }
    if (!files.length)
        findings.push('nothing was recorded');
    check(`${part}: oav has nothing against ${files.length} exchanges`, findings);
}
checkKnown('oav', known);
end();

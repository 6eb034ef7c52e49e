/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known.mjs - what the validators say without anything being wrong, one by one, and why.
 * Nothing else is let through; and one that is no longer met fails the run as well.
 */
export const traffic = [
    {
        name: 'GetSecretVersions cannot be routed',
        why: 'oav finds two templates, .../versions and .../{secret-version}; Prism looks at it',
        is: (finding) =>
            finding.code === 'MULTIPLE_OPERATIONS_FOUND' &&
            /^https:\/\/[^/]+\/secrets\/[^/]+\/versions\?/.test(finding.url),
    },
];

/* What Prism has against requests, mocked or proxied. */
const requests = [
    {
        name: 'a vault is asked without a token first',
        why: 'its challenge is how a client learns tenant and audience',
        is: ({ code, line }) => code === 401 && line.family === 'keyvault-data' &&
            line.method === 'GET' && line.headers.authorization === undefined,
    },
    {
        name: 'tokens of instance metadata are asked for in api-version 2018-02-01',
        why: 'OPERATIONS.md 0.2 names it; the description is of 2023-07-01',
        is: ({ code, location, line }) => code === 'enum' && line.family === 'imds' &&
            location.join('.') === 'request.query.api-version' &&
            line.path.includes('?api-version=2018-02-01&'),
    },
];

export const mock = requests.map((one) => ({ ...one }));
export const proxy = requests.map((one) => ({ ...one }));

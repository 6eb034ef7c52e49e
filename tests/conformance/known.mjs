/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known.mjs - what the validators say without anything being wrong, one by one, and why.
 * Nothing else is let through; and one that is no longer met fails the run as well.
 */
/* What the folder of descriptions does not have: the operation is Microsoft's all the same. */
const undescribed = [
    ['the permissions of the caller', /\/providers\/Microsoft\.Authorization\/permissions\?/,
     'Permissions_ListForResource of authorization 2022-04-01'],
    ['the WebJobs of a site', /\/webjobs\?/, 'WebApps_ListWebJobs of web 2024-04-01'],
    ['the vault references of a site', /\/config\/configreferences\/appsettings\?/,
     'WebApps_GetAppSettingsKeyVaultReferences of web 2024-04-01'],
].map(([what, path, why]) => ({
    name: `${what} are in no description of the folder`,
    why,
    is: ({ code, message, url, line }) => path.test(url ?? line?.path ?? '') &&
        (code === 'OPERATION_NOT_FOUND_IN_CACHE' || code === 'NO_PATH_MATCHED_ERROR' ||
         message === 'Selected route not found'),
}));

export const traffic = [
    ...undescribed,
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
    ...undescribed,
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * families.mjs - which description in AZURE_SPECS/prism speaks of which request.
 */

/* The first that fits. An assignment's path begins with the path of what it is for. */
const families = [
    ['entra-token.openapi', /^\/[^/]+\/oauth2\//],
    ['imds', /^\/metadata\//],
    ['keyvault-data', /^\/_vault\//],
    ['keyvault-arm-2026-02-01', /\/providers\/Microsoft\.KeyVault\/vaults(\?|\/[^/]+(\?|$)|$)/i],
    ['authorization', /\/providers\/Microsoft\.Authorization\//i],
    ['appservice', /\/providers\/Microsoft\.Web\//i],
    ['network', /\/providers\/Microsoft\.Network\//i],
    ['resources-policy-graph', /^\/subscriptions(\?|$|\/[^/]+(\?|$))/],
];

export const names = families.map(([name]) => name);

/* No description has the addresses at which long-running operations are polled. */
export function isPoll(path) {
    return /\/locations\/[^/]+\/(operations|operationResults)\//.test(path);
}

export function familyOf(path) {
    return families.find(([, pattern]) => pattern.test(path))?.[0];
}

/* A vault's description starts at the vault. */
export function pathInFamily(path) {
    return path.replace(/^\/_vault\/[^/]+/, '');
}

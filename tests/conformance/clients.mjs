/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clients.mjs - Microsoft's own clients, as they come: their default api-versions, their
 * credentials, their pages and pollers. Only their addresses are turned to the simulator.
 */
import { createRequire } from 'node:module';

const require = createRequire(process.env.NODE_PACKAGES + '/');
const { ClientSecretCredential } = require('@azure/identity');
const { WebSiteManagementClient } = require('@azure/arm-appservice');
const { AuthorizationManagementClient } = require('@azure/arm-authorization');
const { NetworkManagementClient } = require('@azure/arm-network');
const { SecurityCenter } = require('@azure/arm-security');
const { SecretClient } = require('@azure/keyvault-secrets');
const { createDefaultHttpClient } = require('@azure/core-rest-pipeline');
const { Client } = require('@microsoft/microsoft-graph-client');

export const subscription = '33333333-3333-3333-3333-333333333333';
export const tenant = '22222222-2222-2222-2222-222222222222';
const arm = 'https://management.azure.com/.default';

/* A vault's client only knows https://NAME.vault.azure.net. Its transport is turned to the
 * simulator, which tells vaults apart by the Host header. */
function transportTo(url) {
    const wire = createDefaultHttpClient();
    return {
        async sendRequest(request) {
            const meant = request.url;
            const { host, pathname, search } = new URL(meant);
            request.headers.set('Host', host);
            request.url = url + pathname + search;
            try {
                return await wire.sendRequest(request);
            } finally {
                request.url = meant;
            }
        },
    };
}

function graphOf(url, credential) {
    const authProvider = async (done) => {
        try {
            done(null, (await credential.getToken('https://graph.microsoft.com/.default')).token);
        } catch (error) {
            done(error, null);
        }
    };
    return Client.init({ baseUrl: `${url}/`, customHosts: new Set([new URL(url).hostname]),
                         authProvider });
}

/* All clients of one application, against the simulator at url. */
export function clientsOf(url, secret = 'simulated-secret') {
    const credential = new ClientSecretCredential(
        tenant, '11111111-1111-1111-1111-111111111111', secret,
        { authorityHost: url, disableInstanceDiscovery: true, retryOptions: { maxRetries: 0 } });
    const options = { endpoint: url, retryOptions: { maxRetries: 0 }, credentialScopes: arm };
    return {
        credential,
        web: new WebSiteManagementClient(credential, subscription, options),
        rights: new AuthorizationManagementClient(credential, subscription,
                                                  { ...options, $host: url }),
        network: new NetworkManagementClient(credential, subscription, options),
        security: new SecurityCenter(credential, subscription, { ...options, $host: url }),
        vault: new SecretClient('https://shop-kv.vault.azure.net', credential,
                                { retryOptions: { maxRetries: 0 },
                                  httpClient: transportTo(url) }),
        graph: graphOf(url, credential),
    };
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sdk.mjs URL - drives the simulator with Microsoft's own clients, as they come. URL is
 * https; who signs its certificate is in NODE_EXTRA_CA_CERTS.
 *
 * A vault's client only knows https://NAME.vault.azure.net. Its transport is turned to the
 * simulator, which tells vaults apart by the Host header.
 */
import { createRequire } from 'node:module';

import { check, end } from './report.mjs';

const url = process.argv[2];
const require = createRequire(process.env.NODE_PACKAGES + '/');
const { ClientSecretCredential } = require('@azure/identity');
const { WebSiteManagementClient } = require('@azure/arm-appservice');
const { AuthorizationManagementClient } = require('@azure/arm-authorization');
const { NetworkManagementClient } = require('@azure/arm-network');
const { SecretClient } = require('@azure/keyvault-secrets');
const { createDefaultHttpClient } = require('@azure/core-rest-pipeline');

const subscription = '33333333-3333-3333-3333-333333333333';
const scope = `/subscriptions/${subscription}/resourceGroups/shop`;
const assignment = 'a0000000-0000-4000-8000-000000000001';
const credential = new ClientSecretCredential(
    '22222222-2222-2222-2222-222222222222', '11111111-1111-1111-1111-111111111111',
    'simulated-secret', { authorityHost: url, disableInstanceDiscovery: true });
const options = { endpoint: url, retryOptions: { maxRetries: 0 },
                  credentialScopes: 'https://management.azure.com/.default' };

async function controlled(path) {
    return (await fetch(`${url}/_sim/${path}`, { signal: AbortSignal.timeout(10000) })).json();
}

/* Runs one thing; what it throws is the finding. */
async function works(what, run) {
    const findings = [];
    try {
        const wrong = await run();
        if (wrong !== undefined)
            findings.push(wrong);
    } catch (error) {
        findings.push(`${error.name} ${error.code ?? ''}: ${error.message}`.slice(0, 500));
    }
    check(`Microsoft's client ${what}`, findings);
}

function same(is, should) {
    return JSON.stringify(is) === JSON.stringify(should) ? undefined
        : `is ${JSON.stringify(is)}, should be ${JSON.stringify(should)}`;
}

const web = new WebSiteManagementClient(credential, subscription, options);
await works('reads a site', async () => {
    const site = await web.webApps.get('shop', 'shop-web');
    return same([site.name, site.state, site.identity?.type],
                ['shop-web', 'Running', 'SystemAssigned']);
});
await works('stops a site and starts it again', async () => {
    await web.webApps.stop('shop', 'shop-web');
    const { state } = await web.webApps.get('shop', 'shop-web');
    await web.webApps.start('shop', 'shop-web');
    return same([state, (await web.webApps.get('shop', 'shop-web')).state], ['Stopped', 'Running']);
});
await works('changes the access restrictions of a site', async () => {
    const rule = { ipAddress: '203.0.113.7/32', action: 'Deny', priority: 50, name: 'sdk' };
    await web.webApps.updateConfiguration('shop', 'shop-web', { ipSecurityRestrictions: [rule] });
    const config = await web.webApps.getConfiguration('shop', 'shop-web');
    return same(config.ipSecurityRestrictions.map(({ name, priority }) => [name, priority]),
                [['sdk', 50]]);
});

const wire = createDefaultHttpClient();
const toSimulator = {
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
const vault = new SecretClient('https://shop-kv.vault.azure.net', credential,
                               { retryOptions: { maxRetries: 0 }, httpClient: toSimulator });
await works('answers a vault\'s challenge, sets a secret and reads it', async () => {
    const set = await vault.setSecret('sdk-secret', 'simulated', { tags: { by: 'sdk' } });
    const got = await vault.getSecret('sdk-secret');
    return same([got.value, got.properties.version, got.properties.tags],
                ['simulated', set.properties.version, { by: 'sdk' }]);
});
await works('lists the versions of a secret and disables one', async () => {
    const versions = [];
    for await (const one of vault.listPropertiesOfSecretVersions('db-password'))
        versions.push(one.version);
    const off = await vault.updateSecretProperties('db-password', versions[0], { enabled: false });
    return same([versions.length, off.enabled], [2, false]);
});

const rights = new AuthorizationManagementClient(credential, subscription,
                                                 { ...options, $host: url });
await works('lists role assignments, deletes one and makes it again', async () => {
    const had = await rights.roleAssignments.get(scope, assignment);
    await rights.roleAssignments.delete(scope, assignment);
    const left = [];
    for await (const one of rights.roleAssignments.listForScope(scope))
        left.push(one.name);
    const { roleDefinitionId, principalId, principalType } = had;
    const made = await rights.roleAssignments.create(
        scope, assignment, { roleDefinitionId, principalId, principalType });
    return same([left.includes(assignment), made.principalId], [false, principalId]);
});

const network = new NetworkManagementClient(credential, subscription, options);
await works('writes a security rule, waits for it, and deletes it', async () => {
    const made = await network.securityRules.beginCreateOrUpdateAndWait('shop', 'shop-nsg', 'sdk', {
        protocol: '*', access: 'Deny', direction: 'Inbound', priority: 150,
        sourceAddressPrefix: '203.0.113.7', sourcePortRange: '*',
        destinationAddressPrefix: '*', destinationPortRange: '*',
    }, { updateIntervalInMs: 100 });
    await network.securityRules.beginDeleteAndWait('shop', 'shop-nsg', 'sdk',
                                                   { updateIntervalInMs: 100 });
    const { securityRules } = await network.networkSecurityGroups.get('shop', 'shop-nsg');
    return same([made.provisioningState, securityRules.some(({ name }) => name === 'sdk')],
                ['Succeeded', false]);
});
await works('is told of a missing site as Azure would', async () => {
    try {
        await web.webApps.get('shop', 'nobody');
    } catch (error) {
        return same([error.statusCode, error.code], [404, 'ResourceNotFound']);
    }
    return 'it got one';
});
await works('leaves the effects that it meant to', async () => {
    const effects = (await controlled('log')).flatMap(({ effect }) =>
        effect ? [effect.split(' ')[0]] : []);
    return same(effects, ['web.stop', 'web.start', 'web.config', 'secret.set', 'secret.update',
                          'role.delete', 'role.put', 'network.rule.put', 'network.rule.delete']);
});
end();

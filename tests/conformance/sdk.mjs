/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sdk.mjs URL - drives the simulator with Microsoft's own clients, as they come. URL is
 * https; who signs its certificate is in NODE_EXTRA_CA_CERTS. Each line is one call of a
 * client; the last one but the effects says how many there were.
 */
import { clientsOf, subscription } from './clients.mjs';
import { check, end } from './report.mjs';

const url = process.argv[2];
const { credential, web, rights, network, security, vault, graph } = clientsOf(url);
const group = 'shop', site = 'shop-web', nsg = 'shop-nsg';
const scope = `/subscriptions/${subscription}/resourceGroups/${group}`;
const siteId = `${scope}/providers/Microsoft.Web/sites/${site}`;
const assignment = 'a0000000-0000-4000-8000-000000000001';
const app = '77777777-aaaa-4aaa-8aaa-777777777777';
const fast = { updateIntervalInMs: 100 };
let calls = 0, passed = 0;

async function sim(method, path, body) {
    const reply = await fetch(`${url}/_sim/${path}`, {
        method, body: body && JSON.stringify(body), signal: AbortSignal.timeout(10000),
        headers: { 'Content-Type': 'application/json' } });
    if (!reply.ok)
        throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
    return reply.status === 204 ? undefined : reply.json();
}
const edit = (path, patch) => sim('POST', 'edit', { path, patch });

/* One call; what it throws is the finding. run returns [is, should]. */
async function call(what, run) {
    const findings = [];
    calls++;
    try {
        const [is, should] = (await run()).map((one) => JSON.stringify(one));
        if (is !== should)
            findings.push(`is ${is}, should be ${should}`);
    } catch (error) {
        findings.push(`${error.name} ${error.code ?? ''}: ${error.message}`.slice(0, 500));
    }
    passed += findings.length === 0;
    check(`Microsoft's client ${what}`, findings);
}

async function all(pages) {
    const list = [];
    for await (const one of pages)
        list.push(one);
    return list;
}
const names = async (pages) => (await all(pages)).map(({ name }) => name);

/* The status and code of what run throws. */
async function refusal(run) {
    try {
        await run();
    } catch (error) {
        return [error.statusCode, error.code];
    }
    return ['nothing was refused'];
}

/* -- What the shop has beside its world file ------------------------------------------- */

const slot = `${siteId}/slots/staging`;
await edit(slot, { kind: 'app,linux', location: 'West Europe', properties: { state: 'Running' } });
await edit(siteId + '/config/web', { properties: { ipSecurityRestrictions: [] } });
const alert = (level, name) =>
    `${level}/providers/Microsoft.Security/locations/westeurope/alerts/${name}`;
for (const [level, name] of [[`/subscriptions/${subscription}`, 'wide'], [scope, 'near']])
    await edit(alert(level, name), { properties: { status: 'Active', severity: 'High' } });
for (let n = 1; n <= 3; n++)
    await edit(`/v1.0/security/alerts_v2/al${n}`, {
        status: 'new', severity: n === 2 ? 'high' : 'low', title: `alert ${n}`,
        lastUpdateDateTime: `2026-11-0${n}T00:00:00Z` });
await edit('/v1.0/security/incidents/1', { status: 'active', displayName: 'one',
    lastUpdateDateTime: '2026-11-01T00:00:00Z', alerts: [{ id: 'al1' }] });
await edit(`${scope}/providers/Microsoft.Authorization/denyAssignments/` +
    'd0000000-0000-4000-8000-000000000001', { properties: {
    denyAssignmentName: 'keep', permissions: [{ actions: ['Microsoft.Web/sites/restart/*'] }],
    principals: [{ id: '00000000-0000-0000-0000-000000000000', type: 'SystemDefined' }] } });
await edit(`${scope}/providers/Microsoft.Authorization/roleAssignmentScheduleInstances/` +
    'e0000000-0000-4000-8000-000000000001', { properties: {
    principalId: app, assignmentType: 'Activated', endDateTime: '2026-12-01T08:00:00Z',
    originRoleAssignmentId: `${scope}/providers/Microsoft.Authorization/roleAssignments/` +
        assignment } });

/* -- identity --------------------------------------------------------------------------- */

await call('gets a token that is a JWT with the claims of Entra', async () => {
    const { token } = await credential.getToken('https://management.azure.com/.default');
    const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
    return [[claims.oid, claims.appid, claims.aud, claims.exp > claims.iat],
            ['11111111-aaaa-4aaa-8aaa-111111111111', '11111111-1111-1111-1111-111111111111',
             'https://management.azure.com', true]];
});
await call('is told that its secret is wrong', async () => {
    const wrong = clientsOf(url, 'wrong').credential;
    try {
        await wrong.getToken('https://management.azure.com/.default');
    } catch ({ message }) {
        return [message.includes('AADSTS7000215') || message, true];
    }
    return ['a token', 'an error'];
});

/* -- arm-appservice --------------------------------------------------------------------- */

const apps = web.webApps;
const stateOf = async () => (await apps.get(group, site)).state;
await call('reads a site', async () => {
    const { name, state, identity } = await apps.get(group, site);
    return [[name, state, identity?.type], [site, 'Running', 'SystemAssigned']];
});
await call('lists the sites of a subscription', async () => [await names(apps.list()), [site]]);
await call('lists the sites of a group',
           async () => [await names(apps.listByResourceGroup(group)), [site]]);
await call('lists the slots of a site',
           async () => [await names(apps.listSlots(group, site)), [`${site}/staging`]]);
await call('reads a slot', async () =>
    [(await apps.getSlot(group, site, 'staging')).type, 'Microsoft.Web/sites/slots']);
await call('stops a slot and leaves its site', async () => {
    await apps.stopSlot(group, site, 'staging');
    return [[(await apps.getSlot(group, site, 'staging')).state, await stateOf()],
            ['Stopped', 'Running']];
});
await call('stops a site', async () => [await apps.stop(group, site) ?? await stateOf(), 'Stopped']);
await call('starts a site', async () => [await apps.start(group, site) ?? await stateOf(), 'Running']);
await call('is told of a deny assignment', async () =>
    [await refusal(() => apps.restart(group, site)), [403, 'DenyAssignmentAuthorizationFailed']]);
await call('changes a site', async () =>
    [(await apps.update(group, site, { httpsOnly: true })).httpsOnly, true]);
await call('reads the configuration of a site', async () =>
    [(await apps.getConfiguration(group, site)).minTlsVersion, '1.2']);
await call('lists the configurations of a site', async () =>
    [await names(apps.listConfigurations(group, site)), ['web']]);
const deny = { ipAddress: '203.0.113.7', action: 'Deny', priority: 50, name: 'sdk' };
await call('patches the access restrictions of a site', async () => {
    await apps.updateConfiguration(group, site, { ipSecurityRestrictions: [deny] });
    const { ipSecurityRestrictions } = await apps.getConfiguration(group, site);
    return [ipSecurityRestrictions.map(({ name, ipAddress }) => [name, ipAddress]),
            [['sdk', '203.0.113.7/32']]];
});
await call('puts the access restrictions of a site', async () => {
    const put = await apps.createOrUpdateConfiguration(group, site, {
        ipSecurityRestrictions: [{ ...deny, ipAddress: '2001:db8::1', name: 'six' }] });
    return [put.ipSecurityRestrictions[0].ipAddress, '2001:db8::1/128'];
});
await call('is told which setting is not the configuration\'s', async () => [
    (await refusal(() => apps.updateConfiguration(group, site,
                                                  { publicNetworkAccess: 'Disabled' })))[0], 400]);
await call('lists the publishing policies of a site', async () =>
    [await names(apps.listBasicPublishingCredentialsPolicies(group, site)), ['ftp', 'scm']]);
await call('switches publishing by password off', async () => {
    await apps.updateScmAllowed(group, site, { allow: false });
    return [[(await apps.getScmAllowed(group, site)).allow,
             (await apps.getFtpAllowed(group, site)).allow], [false, true]];
});
await call('lists the settings of a site', async () =>
    [(await apps.listApplicationSettings(group, site)).name, 'appsettings']);
await call('is told of a missing site', async () =>
    [await refusal(() => apps.get(group, 'nobody')), [404, 'ResourceNotFound']]);
await call('is told of a missing group', async () =>
    [await refusal(() => apps.get('nowhere', site)), [404, 'ResourceGroupNotFound']]);

/* -- keyvault-secrets -------------------------------------------------------------------- */

await call('answers a vault\'s challenge and sets a secret', async () => {
    const set = await vault.setSecret('sdk-secret', 'simulated', { tags: { by: 'sdk' } });
    return [[set.value, set.properties.tags], ['simulated', { by: 'sdk' }]];
});
await call('reads a secret', async () => [(await vault.getSecret('sdk-secret')).value, 'simulated']);
await call('lists secrets', async () => [
    (await names(vault.listPropertiesOfSecrets())).sort(), ['db-password', 'payment-key', 'sdk-secret']]);
await call('lists the versions of a secret, page by page', async () => {
    const pages = [];
    for await (const page of vault.listPropertiesOfSecretVersions('db-password')
        .byPage({ maxPageSize: 1 }))
        pages.push(page.length);
    return [pages, [1, 1]];
});
await call('disables a version of a secret', async () => {
    const off = await vault.updateSecretProperties(
        'db-password', '0a000000000000000000000000000001', { enabled: false });
    return [off.enabled, false];
});
await call('changes the newest version without naming it', async () =>
    [(await vault.updateSecretProperties('payment-key', '', { contentType: 'text/key' })).contentType,
     'text/key']);
await call('is told that a disabled secret cannot be read', async () => [
    await refusal(() => vault.getSecret('db-password',
                                        { version: '0a000000000000000000000000000001' })),
    [403, 'Forbidden']]);
await call('is told of too many tags', async () => {
    const tags = Object.fromEntries([...Array(16).keys()].map((n) => [`t${n}`, 'x']));
    return [await refusal(() => vault.setSecret('many', 'x', { tags })), [400, 'BadParameter']];
});
let backup;
await call('backs a secret up', async () => {
    backup = await vault.backupSecret('sdk-secret');
    return [backup.length > 20, true];
});
await call('deletes a secret and waits for it', async () => {
    const poller = await vault.beginDeleteSecret('sdk-secret', { intervalInMs: 50 });
    return [(await poller.pollUntilDone()).name, 'sdk-secret'];
});
await call('is told that a deleted name is taken', async () =>
    [await refusal(() => vault.setSecret('sdk-secret', 'x')), [409, 'Conflict']]);
await call('lists deleted secrets',
           async () => [await names(vault.listDeletedSecrets()), ['sdk-secret']]);
await call('recovers a secret and waits for it', async () => {
    const poller = await vault.beginRecoverDeletedSecret('sdk-secret', { intervalInMs: 50 });
    return [(await poller.pollUntilDone()).name, 'sdk-secret'];
});
await call('purges a secret and restores it from its backup', async () => {
    await (await vault.beginDeleteSecret('sdk-secret', { intervalInMs: 50 })).pollUntilDone();
    await vault.purgeDeletedSecret('sdk-secret');
    await vault.restoreSecretBackup(backup);
    return [(await vault.getSecret('sdk-secret')).value, 'simulated'];
});

/* -- arm-authorization ------------------------------------------------------------------- */

const grants = rights.roleAssignments;
await call('reads a role assignment', async () =>
    [(await grants.get(scope, assignment)).principalId, app]);
await call('lists the role assignments of a subscription', async () =>
    [(await all(grants.listForSubscription())).length, 2]);
await call('lists the role assignments of a group', async () =>
    [(await all(grants.listForResourceGroup(group))).length, 2]);
await call('lists the role assignments of a principal at a scope', async () => [
    await names(grants.listForScope(scope, { filter: `atScope() and assignedTo('${app}')` })),
    [assignment]]);
await call('pages through role assignments', async () => {
    await sim('POST', 'options', { page_size: 1 });
    const pages = [];
    for await (const page of grants.listForScope(scope).byPage())
        pages.push(page.length);
    await sim('POST', 'options', { page_size: null });
    return [pages, [1, 1]];
});
await call('deletes a role assignment and makes it again', async () => {
    const { roleDefinitionId, principalId, principalType } = await grants.get(scope, assignment);
    await grants.delete(scope, assignment);
    const left = await names(grants.listForScope(scope));
    const made = await grants.create(scope, assignment,
                                     { roleDefinitionId, principalId, principalType });
    return [[left.includes(assignment), made.principalType], [false, 'ServicePrincipal']];
});
await call('is told of an unknown principal', async () => [
    await refusal(() => grants.create(scope, 'f0000000-0000-4000-8000-000000000001', {
        roleDefinitionId: `/subscriptions/${subscription}/providers/Microsoft.Authorization/` +
            'roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7',
        principalId: '99999999-9999-4999-8999-999999999999' })), [400, 'PrincipalNotFound']]);
await call('finds a role by its name', async () => [
    (await all(rights.roleDefinitions.list(scope, { filter: 'roleName eq \'Reader\'' })))
        .map(({ roleName }) => roleName), ['Reader']]);
await call('lists deny assignments', async () => [
    (await all(rights.denyAssignments.listForScope(scope))).map((one) => one.denyAssignmentName),
    ['keep']]);
await call('lists its own permissions', async () => [
    (await all(rights.permissions.listForResourceGroup(group)))[0].actions, ['*']]);
await call('lists schedule instances of PIM', async () => [
    (await all(rights.roleAssignmentScheduleInstances.listForScope(scope)))
        .map(({ assignmentType }) => assignmentType), ['Activated']]);

/* -- arm-network ------------------------------------------------------------------------- */

const rule = { protocol: '*', access: 'Deny', direction: 'Inbound', priority: 150,
               sourceAddressPrefix: '203.0.113.7', sourcePortRange: '*',
               destinationAddressPrefix: '*', destinationPortRange: '*' };
const put = (name, change, options) => network.securityRules.beginCreateOrUpdateAndWait(
    group, nsg, name, { ...rule, ...change }, { ...fast, ...options });
const drop = (name) => network.securityRules.beginDeleteAndWait(group, nsg, name, fast);
await call('lists the security groups of a subscription',
           async () => [await names(network.networkSecurityGroups.listAll()), [nsg]]);
await call('lists the security groups of a group',
           async () => [await names(network.networkSecurityGroups.list(group)), [nsg]]);
await call('reads a security group', async () => {
    const one = await network.networkSecurityGroups.get(group, nsg);
    return [[one.securityRules.length, typeof one.etag, one.resourceGuid.length], [4, 'string', 36]];
});
await call('changes the tags of a security group', async () => [
    (await network.networkSecurityGroups.updateTags(group, nsg, { tags: { by: 'sdk' } })).tags,
    { by: 'sdk' }]);
await call('lists the default rules', async () => [
    (await all(network.defaultSecurityRules.list(group, nsg))).length, 6]);
await call('reads a default rule', async () => [
    (await network.defaultSecurityRules.get(group, nsg, 'DenyAllInBound')).access, 'Deny']);
await call('writes a security rule and waits for it',
           async () => [(await put('sdk')).provisioningState, 'Succeeded']);
await call('reads a security rule', async () => [
    (await network.securityRules.get(group, nsg, 'sdk')).sourceAddressPrefix, '203.0.113.7']);
await call('lists security rules', async () => [
    (await names(network.securityRules.list(group, nsg))).includes('sdk'), true]);
await call('deletes a security rule and waits for it', async () => {
    await drop('sdk');
    return [(await names(network.securityRules.list(group, nsg))).includes('sdk'), false];
});
await call('follows an operation by its Location alone', async () => {
    await sim('POST', 'options', { lro_headers: 'location', poll_url_bytes: 3000 });
    const made = await put('far', { priority: 151 });
    await drop('far');
    await sim('POST', 'options', { lro_headers: null, poll_url_bytes: null });
    return [made.name, 'far'];
});
await call('is told of an operation that fails and leaves its rule', async () => {
    await sim('POST', 'faults', { match: { method: 'PUT' }, fault: 'lro-fail', leaves: 'failed' });
    const said = await put('broken', { priority: 152 }).then(() => 'nothing', String);
    const { provisioningState } = await network.securityRules.get(group, nsg, 'broken');
    await drop('broken');
    return [[said.includes('fail') || said, provisioningState], [true, 'Failed']];
});
const refused = [
    ['an address that is none', 'bad', { sourceAddressPrefix: 'not-an-address' },
     'SecurityRuleInvalidAddressPrefix'],
    ['host bits', 'bad', { sourceAddressPrefix: '203.0.113.7/24' },
     'SecurityRuleInvalidAddressPrefix'],
    ['a tag in a list', 'bad',
     { sourceAddressPrefix: undefined, sourceAddressPrefixes: ['Internet', '203.0.113.7'] },
     'SecurityRuleParameterContainsUnsupportedValue'],
    ['two families', 'bad',
     { sourceAddressPrefix: undefined, sourceAddressPrefixes: ['2001:db8::1', '203.0.113.7'] },
     'ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies'],
    ['a bad name', '-bad name!', {}, 'InvalidResourceName'],
];
for (const [what, name, change, code] of refused)
    await call(`is told of a rule with ${what}`,
               async () => [await refusal(() => put(name, change)), [400, code]]);

/* -- arm-security ------------------------------------------------------------------------ */

const alerts = security.alerts;
await call('lists the alerts of a subscription', async () =>
    [(await names(alerts.list())).sort(), ['near', 'wide']]);
await call('lists the alerts of a group', async () =>
    [await names(alerts.listByResourceGroup(group)), ['near']]);
await call('lists the alerts of a region', async () =>
    [await names(alerts.listSubscriptionLevelByRegion('westeurope')), ['wide']]);
await call('lists the alerts of a region in a group', async () =>
    [await names(alerts.listResourceGroupLevelByRegion('westeurope', group)), ['near']]);
await call('reads an alert', async () =>
    [(await alerts.getSubscriptionLevel('westeurope', 'wide')).status, 'Active']);
await call('dismisses an alert', async () => {
    await alerts.updateSubscriptionLevelStateToDismiss('westeurope', 'wide');
    return [(await alerts.getSubscriptionLevel('westeurope', 'wide')).status, 'Dismissed'];
});
await call('resolves an alert below a group', async () => {
    await alerts.updateResourceGroupLevelStateToResolve('westeurope', 'near', group);
    return [(await alerts.getResourceGroupLevel('westeurope', 'near', group)).status, 'Resolved'];
});
await call('is told of a missing alert', async () => [
    await refusal(() => alerts.getSubscriptionLevel('westeurope', 'none')),
    [404, 'ResourceNotFound']]);

/* -- Graph ------------------------------------------------------------------------------- */

const titles = ({ value }) => value.map(({ title }) => title);
await call('lists alerts of Graph with their context', async () => {
    const page = await graph.api('/security/alerts_v2').get();
    return [[page.value.length, page['@odata.context'].endsWith('#security/alerts_v2')],
            [3, true]];
});
await call('filters and orders alerts of Graph', async () => [
    titles(await graph.api('/security/alerts_v2').filter("severity eq 'low'")
        .orderby('lastUpdateDateTime desc').get()), ['alert 3', 'alert 1']]);
await call('selects, skips and counts alerts of Graph', async () => {
    const page = await graph.api('/security/alerts_v2').select('id').skip(1).count(true).get();
    return [[page['@odata.count'], page.value], [3, [{ id: 'al2' }, { id: 'al3' }]]];
});
await call('pages through alerts of Graph', async () => {
    const first = await graph.api('/security/alerts_v2').top(2).get();
    const next = await graph.api(first['@odata.nextLink']).get();
    return [[first.value.length, titles(next)], [2, ['alert 3']]];
});
await call('reads an alert of Graph', async () => [
    (await graph.api('/security/alerts_v2/al2').get()).severity, 'high']);
await call('changes an alert of Graph', async () => [
    (await graph.api('/security/alerts_v2/al2').patch({ status: 'resolved' })).status, 'resolved']);
await call('expands the alerts of an incident', async () => [
    (await graph.api('/security/incidents').expand('alerts').get()).value[0].alerts,
    [{ id: 'al1' }]]);
await call('finds a service principal', async () => [
    (await graph.api('/servicePrincipals')
        .filter("appId eq '11111111-1111-1111-1111-111111111111'").get()).value[0].id,
    '11111111-aaaa-4aaa-8aaa-111111111111']);
await call('is told of a missing alert of Graph', async () => [
    await refusal(() => graph.api('/security/alerts_v2/none').get()), [404, 'NotFound']]);
await call('is told of an option that Graph does not know', async () => [
    (await refusal(() => graph.api('/security/alerts_v2').search('"x"').get()))[0], 400]);

console.log(`# ${calls} calls of Microsoft's clients, ${passed} pass`);
const effects = (await sim('GET', 'log')).flatMap(({ method, effect }) =>
    effect && method !== 'EDIT' ? [effect.split(' ')[0]] : []);
const should = ['web.stop', 'web.stop', 'web.start', 'web.patch', 'web.config', 'web.config',
    'web.publishing', 'secret.set', 'secret.update', 'secret.update', 'secret.delete',
    'secret.recover', 'secret.delete', 'secret.purge', 'secret.restore', 'role.delete',
    'role.put', 'network.tags', 'network.rule.put', 'network.rule.delete', 'network.rule.put',
    'network.rule.delete', 'network.rule.put', 'network.rule.delete', 'alert.state',
    'alert.state', 'graph.patch'];
check('Microsoft\'s clients leave the effects that they meant to',
      JSON.stringify(effects) === JSON.stringify(should) ? [] : [`they left ${effects}`]);
end();

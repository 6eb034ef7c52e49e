// SPDX-License-Identifier: Apache-2.0
//
// A real OpenID provider on the loopback interface, and what stands in front of its token and key
// endpoints to lie as a test says: GET /test/lie?NAME from now on, /test/rotate for another key,
// /test/count for how often keys were asked for.
//
//   provider.mjs REDIRECT_URI        prints its port
import http from 'node:http';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { Provider } from 'oidc-provider';

const redirect = process.argv[2];
const groups = {
  oncall: ['g-responders'],
  'change-manager-1': ['g-other', 'g-approvers'],
  stranger: ['g-other'],
};
let lie = 'none';
let count = 0;
let key = newKey();
let published = [key.jwk];

function newKey() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomBytes(6).toString('hex');
  const about = { kid, alg: 'RS256', use: 'sig' };
  return {
    privateKey,
    jwk: { ...publicKey.export({ format: 'jwk' }), ...about },
    whole: { ...privateKey.export({ format: 'jwk' }), ...about },
  };
}

const server = http.createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'cordon',
    client_secret: 'the secret of the tests, & more',
    redirect_uris: [redirect],
    response_types: ['code'],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'client_secret_post',
    require_auth_time: true,
  }],
  claims: { openid: ['sub', 'groups'] },
  conformIdTokenClaims: false,
  cookies: { keys: [randomBytes(16).toString('hex')] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, groups: groups[id] ?? [] }),
  }),
  jwks: { keys: [key.whole] },
  pkce: { methods: ['S256'], required: () => true },
});

const lies = {
  none: (claims) => claims,
  nonce: (claims) => ({ ...claims, nonce: 'another' }),
  'no-nonce': ({ nonce, ...claims }) => claims,
  aud: (claims) => ({ ...claims, aud: 'another' }),
  azp: (claims) => ({ ...claims, azp: 'another' }),
  iss: (claims) => ({ ...claims, iss: 'https://evil.example' }),
  expired: (claims) => ({ ...claims, exp: claims.iat - 3600, iat: claims.iat - 7200 }),
  future: (claims) => ({ ...claims, iat: claims.iat + 3600 }),
  overage: ({ groups: _, ...claims }) => ({
    ...claims,
    _claim_names: { groups: 'src1' },
    _claim_sources: { src1: { endpoint: 'https://graph.example/me/getMemberObjects' } },
  }),
  'no-sub': ({ sub, ...claims }) => claims,
  'no-auth-time': ({ auth_time: _, ...claims }) => claims,
  'alg-none': (claims) => claims,
  'other-key': (claims) => claims,
};

const letters = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function tokenWith(claims) {
  const header = { alg: lie === 'alg-none' ? 'none' : 'RS256', kid: key.jwk.kid, typ: 'JWT' };
  const signed = `${letters(header)}.${letters(claims)}`;
  const by = lie === 'other-key' ? newKey().privateKey : key.privateKey;
  const signature = lie === 'alg-none' ? '' : sign('sha256', signed, by).toString('base64url');
  return `${signed}.${signature}`;
}

// What the provider answers with, with the ID token made anew.
function through(request, response) {
  const chunks = [];
  const end = response.end.bind(response);
  response.write = (chunk) => chunks.push(Buffer.from(chunk)) > 0;
  response.end = (chunk) => {
    if (chunk) chunks.push(Buffer.from(chunk));
    let body = Buffer.concat(chunks);
    if (response.statusCode === 200) {
      const answer = JSON.parse(body);
      const claims = JSON.parse(Buffer.from(answer.id_token.split('.')[1], 'base64url'));
      answer.id_token = tokenWith(lies[lie](claims));
      body = Buffer.from(JSON.stringify(answer));
    }
    response.setHeader('content-length', body.length);
    end(body);
  };
  provider.callback()(request, response);
}

function say(response, value) {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}

server.on('request', (request, response) => {
  const { pathname, search } = new URL(request.url, issuer);
  if (pathname === '/test/lie') {
    lie = search.slice(1);
    say(response, lie in lies);
  } else if (pathname === '/test/rotate') {
    key = newKey();
    published = [key.jwk];
    say(response, key.jwk.kid);
  } else if (pathname === '/test/count') {
    say(response, count);
  } else if (pathname === '/jwks') {
    count += 1;
    say(response, { keys: published });
  } else if (pathname === '/token') {
    through(request, response);
  } else {
    provider.callback()(request, response);
  }
});
console.log(server.address().port);

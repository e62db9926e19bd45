// oidc-provider in memory, with one client and people who are signed in: the peer of `cargo xtask bench`.
//
// `node server.mjs PORT FOLDER CODES SESSIONS` writes a request's variable parts to FOLDER, one request a line, and
// then prints "ready". Everything that has to expire, to be signed or to be compared is left as it is shipped.

import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { Provider } from 'oidc-provider';

const [port, folder, codes, sessions] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const client = {
  client_id: 'notes',
  client_secret: 'a-secret-of-forty-three-characters-for-load',
  redirect_uris: ['https://notes.example/callback'],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  id_token_signed_response_alg: 'ES256',
  token_endpoint_auth_method: 'client_secret_basic',
};
const [redirectUri] = client.redirect_uris;
const scope = 'openid';
const hour = 3600;

/** What was issued and what was redeemed, for whoever checks what was measured. */
const counts = { issued: 0, redeemed: 0 };

/** The package's own adapter keeps a thousand entries; this one keeps all. */
class Memory {
  static #entries = new Map();
  static #grants = new Map();

  constructor(model) {
    this.model = model;
  }

  #key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload) {
    const key = this.#key(id);
    Memory.#entries.set(key, payload);
    if (this.model === 'Session') {
      Memory.#entries.set(`uid:${payload.uid}`, payload);
    }
    if (payload.grantId) {
      const of = Memory.#grants.get(payload.grantId);
      if (of) {
        of.add(key);
      } else {
        Memory.#grants.set(payload.grantId, new Set([key]));
      }
    }
    if (this.model === 'AuthorizationCode') {
      counts.issued += 1;
    }
  }

  async find(id) {
    return Memory.#entries.get(this.#key(id));
  }

  async findByUid(uid) {
    return Memory.#entries.get(`uid:${uid}`);
  }

  async findByUserCode() {
    return undefined;
  }

  async consume(id) {
    Memory.#entries.get(this.#key(id)).consumed = Math.floor(Date.now() / 1000);
    counts.redeemed += 1;
  }

  async destroy(id) {
    Memory.#entries.delete(this.#key(id));
  }

  async revokeByGrantId(grantId) {
    for (const key of Memory.#grants.get(grantId) ?? []) {
      Memory.#entries.delete(key);
    }
    Memory.#grants.delete(grantId);
  }
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const provider = new Provider(issuer, {
  adapter: Memory,
  clients: [client],
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' }] },
  pkce: { required: () => true },
  responseTypes: ['code'],
  ttl: { AuthorizationCode: hour, Grant: hour, Session: hour },
});

/** People who are signed in and have given the client their consent. */
const signedIn = [];
const cookies = createWriteStream(join(folder, 'sessions.tsv'));
for (let at = 0; at < Number(sessions); at += 1) {
  const accountId = `person-${at}`;
  const grant = new provider.Grant({ accountId, clientId: client.client_id });
  grant.addOIDCScope(scope);
  const grantId = await grant.save(hour);
  const session = new provider.Session();
  session.accountId = accountId;
  session.loginTs = Math.floor(Date.now() / 1000);
  session.grantIdFor(client.client_id, grantId);
  await session.save(hour);
  // Signed as the provider's own cookies are.
  const response = { headers: {}, getHeader: () => undefined, setHeader(_, value) { this.value = value; } };
  const context = provider.createContext({ headers: {}, socket: {} }, response);
  context.cookies.set(provider.cookieName('session'), session.id, { signed: true });
  const cookie = response.value.map((header) => header.split(';')[0]).join('; ');
  signedIn.push({ accountId, grantId, session, cookie });
  cookies.write(`${cookie}\n`);
}
cookies.end();
await once(cookies, 'finish');

const out = createWriteStream(join(folder, 'codes.tsv'));
for (let at = 0; at < Number(codes); at += 1) {
  const { accountId, grantId, session } = signedIn[at % signedIn.length];
  const verifier = randomBytes(32).toString('base64url');
  const code = new provider.AuthorizationCode({
    accountId,
    authTime: session.loginTs,
    client: await provider.Client.find(client.client_id),
    codeChallenge: createHash('sha256').update(verifier).digest('base64url'),
    codeChallengeMethod: 'S256',
    expiresWithSession: true,
    grantId,
    redirectUri,
    scope,
    sessionUid: session.uid,
  });
  // The lifetime of a code is shorter than a run.
  code.expiresIn = hour;
  if (!out.write(`${await code.save(hour)}\t${verifier}\n`)) {
    await once(out, 'drain');
  }
}
out.end();
await once(out, 'finish');
counts.issued = 0;

const answer = provider.callback();
createServer((request, response) => {
  if (request.url === '/bench/counts') {
    response.end(JSON.stringify(counts));
    return;
  }
  answer(request, response);
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));

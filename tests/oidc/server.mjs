// A real OpenID provider for the tests: npm's `oidc-provider` on a port of loopback, with forms of its own that need no script, and a
// second port by which a test tells it what to do. It is told by its first argument, as JSON: { folder, port, claims_in, refresh, client },
// prints one line of JSON when it is ready ({ issuer, control }), and ends when its standard input does.
//
// What it does wrong on request the library does not offer: `misbehave` rewrites answers on their way out, signed anew where that matters.

import { createPrivateKey, generateKeyPairSync, randomBytes, sign as signature } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const told = JSON.parse(process.argv[2]);
// Packages are looked for beside a program, and these are where they were fetched to.
const found = createRequire(join(told.folder, "package.json")).resolve("oidc-provider");
console.info = console.warn = () => {}; // that this is no production; errors are printed
const { default: Provider } = await import(pathToFileURL(found));

// What it knows, in memory.

const now = () => Math.floor(Date.now() / 1000);
const kept = new Map(); // "Model id" → { model, id, payload, until }

const GRANTED = ["AccessToken", "AuthorizationCode", "RefreshToken"];

// One place for all that is kept, so that a provider with other keys knows it too.
class Store {
  constructor(model) { this.model = model; }
  at(id) { return `${this.model} ${id}`; }
  async upsert(id, payload, seconds) { kept.set(this.at(id), { model: this.model, id, payload, until: seconds ? now() + seconds : Infinity }); }
  async find(id) {
    const entry = kept.get(this.at(id));
    return entry && entry.until > now() ? entry.payload : undefined;
  }
  async findByUid(uid) { return [...kept.values()].find((it) => it.model === this.model && it.payload.uid === uid)?.payload; }
  async findByUserCode() { return undefined; }
  async consume(id) { kept.get(this.at(id)).payload.consumed = now(); }
  async destroy(id) { kept.delete(this.at(id)); }
  async revokeByGrantId(grant) {
    const theirs = [...kept].filter(([, { model, payload }]) => payload.grantId === grant && GRANTED.includes(model));
    for (const [at] of theirs) kept.delete(at);
  }
}

// By what somebody types as their name: `sub`, `password`, and claims. A claim that is null is left out.
const accounts = {};
const byId = (id) => Object.values(accounts).find((account) => account.sub === id);

function describe(account) {
  const { password, ...claims } = account;
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null));
}

// Keys. The last one signs, and is the only one that is published.

const keys = [];

const alg = told.client?.id_token_signed_response_alg ?? "RS256";
const [kind, parameters] = {
  ES256: ["ec", { namedCurve: "P-256" }],
  ES384: ["ec", { namedCurve: "P-384" }],
  EdDSA: ["ed25519", {}],
}[alg] ?? ["rsa", { modulusLength: 2048 }];

function addKey() {
  const { privateKey } = generateKeyPairSync(kind, parameters);
  // With the client's secret (HS256) it signs without them, and publishes one all the same.
  keys.push({ ...privateKey.export({ format: "jwk" }), kid: randomBytes(6).toString("hex"), alg: alg === "HS256" ? "RS256" : alg, use: "sig" });
}

const open = ({ d, p, q, dp, dq, qi, ...key }) => key;
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

// A token with the claims that a test wants, of a provider that signs as usual (RS256).
function sign(claims, key) {
  const text = `${part({ alg: "RS256", typ: "JWT", kid: key.kid })}.${part(claims)}`;
  return `${text}.${signature("sha256", Buffer.from(text), createPrivateKey({ key, format: "jwk" })).toString("base64url")}`;
}

// What it does wrong: `claims` (over those of an ID token; null leaves one out), `issuer` (in the discovery document), `iss` (beside the
// code), `key`: "old" (signs with the one before) or "hidden" (publishes another than it signs with).
let manners = {};
const heard = {}; // how often a path was asked
const failed = []; // what it says itself went wrong, and what it was answered

function misbehave(ctx) {
  if (ctx.path === "/.well-known/openid-configuration" && manners.issuer) ctx.body = { ...ctx.body, issuer: manners.issuer };
  if (ctx.path === "/jwks" && manners.key === "hidden") ctx.body = { keys: [{ ...open(keys.at(-1)), kid: "another" }] };
  if (ctx.path === "/token" && ctx.body?.id_token && (manners.claims || manners.key === "old")) {
    const claims = { ...JSON.parse(Buffer.from(ctx.body.id_token.split(".")[1], "base64url")), ...manners.claims };
    for (const name of Object.keys(claims)) if (claims[name] === null) delete claims[name];
    ctx.body = { ...ctx.body, id_token: sign(claims, manners.key === "old" ? keys.at(-2) : keys.at(-1)) };
  }
  const location = ctx.response.get("location");
  if (manners.iss && location.includes("iss=")) {
    const back = new URL(location);
    back.searchParams.set("iss", manners.iss);
    ctx.set("location", back.href);
  }
}

// Pages.

const escaped = (text) => String(text).replace(/[&<>"']/g, (it) => `&#${it.charCodeAt(0)};`);

function page(ctx, title, content) {
  ctx.type = "html";
  ctx.body = `<!doctype html><html lang="en"><title>${title}</title><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<main><h1>${title}</h1>${content}</main>`;
}

async function form(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return Object.fromEntries(new URLSearchParams(text));
}

// What it asks of somebody on the way: who they are, and where the portal asks for it whether it may go on asking (`prompt=consent`).
async function interaction(ctx, provider) {
  const asked = await provider.interactionDetails(ctx.req, ctx.res);
  const isLogin = asked.prompt.name === "login";
  const buttons = (words) => `<button>${words}</button> <button name="cancel" value="on" formnovalidate>Cancel</button>`;
  const login = (problem) => page(ctx, "Sign in to the directory", `${problem}<form method="post">
<p><label for="login">User name</label> <input id="login" name="login" autocomplete="username" required autofocus>
<p><label for="password">Word of the directory</label> <input id="password" name="password" type="password" required>
<p>${buttons("Enter the directory")}</form>`);
  if (ctx.method !== "POST") {
    if (isLogin) return login("");
    const scopes = [...(asked.prompt.details.missingOIDCScope ?? [asked.params.scope])].join(" ");
    return page(ctx, "Allow the portal?", `<p>It asks for ${escaped(scopes)}.<form method="post"><p>${buttons("Allow")}</form>`);
  }
  const sent = await form(ctx.req);
  let result;
  if (sent.cancel) {
    result = { error: "access_denied", error_description: "The person said no" };
  } else if (isLogin) {
    const account = accounts[sent.login];
    if (!account || account.password !== sent.password) return login("<p>The directory knows nobody of this name with this word.");
    result = { login: { accountId: account.sub } };
  } else {
    result = { consent: { grantId: await grant(provider, asked.session.accountId, asked.params.client_id).save() } };
  }
  ctx.status = 303;
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
}

// Consent to everything, which the organisation gave for its people.
function grant(provider, accountId, clientId) {
  const all = new provider.Grant({ accountId, clientId });
  all.addOIDCScope("openid profile email groups offline_access");
  return all;
}

const hour = 60 * 60;
const client = { token_endpoint_auth_method: "client_secret_basic", grant_types: ["authorization_code", "refresh_token"], ...told.client };
const secret = randomBytes(24).toString("hex");
let issuer = "";

function begin() {
  const provider = new Provider(issuer, {
    adapter: Store,
    jwks: { keys: [keys.at(-1)] },
    clients: [client],
    enabledJWA: { idTokenSigningAlgValues: [alg] },
    cookies: { keys: [secret], long: { sameSite: "lax", httpOnly: true }, short: { sameSite: "lax", httpOnly: true } },
    claims: { openid: ["sub"], profile: ["name", "given_name", "family_name"], email: ["email", "email_verified"], groups: ["groups"] },
    conformIdTokenClaims: told.claims_in !== "id_token", // else they are at the userinfo endpoint alone
    findAccount: (_, id) => byId(id) && { accountId: id, claims: async () => describe(byId(id)) },
    loadExistingGrant: async (ctx) => {
      const { session, client, result } = ctx.oidc;
      const known = await provider.Grant.find(result?.consent?.grantId ?? session.grantIdFor(client.clientId) ?? "none");
      if (known) return known;
      const all = grant(provider, session.accountId, client.clientId);
      await all.save();
      return all;
    },
    // As the standard has it with offline_access, which counts where consent is asked for; or without a question, as others do.
    issueRefreshToken: async (_, client, code) =>
      client.grantTypeAllowed("refresh_token") && (told.refresh === "always" || code.scopes.has("offline_access")),
    rotateRefreshToken: true,
    pkce: { required: () => true },
    interactions: { url: (_, asked) => `/interaction/${asked.uid}` },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => page(ctx, "Leave the directory?", `${form}
<p><button form="op.logoutForm" name="logout" value="yes">Yes, leave</button> <button form="op.logoutForm">No, stay</button>`),
        postLogoutSuccessSource: (ctx) => page(ctx, "You have left the directory", ""),
      },
    },
    renderError: (ctx, out) => page(ctx, "The directory says no", `<p>${escaped(out.error)}: ${escaped(out.error_description ?? "")}`),
    ttl: { AccessToken: hour, AuthorizationCode: 60, Grant: 24 * hour, IdToken: hour, Interaction: hour, RefreshToken: 24 * hour, Session: 24 * hour },
  });
  provider.use(async (ctx, next) => {
    heard[ctx.path] = (heard[ctx.path] ?? 0) + 1;
    if (ctx.path.startsWith("/interaction/")) return interaction(ctx, provider);
    // The library takes the secret either way; others take it only as the client is registered.
    if (ctx.path === "/token" && client.token_endpoint_auth_method === "client_secret_basic" && !ctx.get("authorization")) {
      ctx.status = 401;
      ctx.body = { error: "invalid_client", error_description: "registered for client_secret_basic" };
      return;
    }
    await next();
    misbehave(ctx);
  });
  for (const event of ["server_error", "backchannel.error", "grant.error", "authorization.error"]) {
    provider.on(event, (ctx, error) => failed.push(`${event}: ${error.message} ${error.error_detail ?? ""}`.trim()));
  }
  return provider.callback();
}

let answer; // of the provider with the keys of now

function rotate() {
  addKey();
  answer = begin();
}

// The control port: what a path does with the JSON that it is sent.
const controls = {
  "/accounts": (changed) => {
    for (const [name, account] of Object.entries(changed)) {
      if (account === null) delete accounts[name];
      else accounts[name] = { ...accounts[name], ...account };
    }
  },
  "/manners": (changed) => { manners = changed; },
  "/rotate": rotate,
  // Refresh tokens of an account, and what they were granted by. How many there were.
  "/revoke": ({ account }) => {
    const theirs = [...kept].filter(([, { payload }]) => payload.accountId === accounts[account]?.sub);
    const gone = theirs.filter(([, { model }]) => model === "Grant" || GRANTED.includes(model));
    for (const [at] of gone) kept.delete(at);
    return gone.filter(([, { model }]) => model === "RefreshToken").length;
  },
  "/sign": ({ claims, key }) => sign(claims, key === "old" ? keys.at(-2) : keys.at(-1)),
  "/heard": () => ({ paths: heard, failed }),
};

const listen = (server, port) => new Promise((ready) => { server.listen(port, "127.0.0.1", () => ready(server.address().port)); });

const control = createServer(async (request, response) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  try {
    const said = controls[request.url](text ? JSON.parse(text) : {});
    response.end(JSON.stringify(said ?? null));
  } catch (error) {
    response.statusCode = 500;
    response.end(error.stack);
  }
});
const port = await listen(createServer((request, response) => answer(request, response)), told.port ?? 0);
// By its name, so that to a browser it is another site than a portal at 127.0.0.1.
issuer = `http://localhost:${port}`;
rotate();
console.log(JSON.stringify({ issuer, control: `http://127.0.0.1:${await listen(control, 0)}` }));
process.stdin.on("end", () => process.exit()).resume();

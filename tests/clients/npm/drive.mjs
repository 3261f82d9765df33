// The official client for JavaScript, as npm installs it, drives Portico. What it is given: another endpoint, a token, and (by
// NODE_EXTRA_CA_CERTS) whom to trust. It is read from standard input, so that packages are found from the folder that it runs in.

import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { ApiManagementClient } from "@azure/arm-apimanagement";

// The client asks for it by its global name, which Node 18 has behind a switch.
globalThis.crypto ??= webcrypto;

// Nor does Debian 12's know `getSetCookie`: its cookies come in one line, and dates in them have commas too.
function cookiesOf(headers) {
  return headers.getSetCookie?.() ?? (headers.get("set-cookie") ?? "").split(/,\s*(?=[^;,\s]+=)/).filter(Boolean);
}

const env = process.env;
const PORTAL = env.PORTAL;
// The subscription may be any UUID (the client checks that), the resource group any; the service is this portal.
const ANY = "00000000-0000-0000-0000-000000000000";
const AT = ["any", "portico"];
const SERVICE = `/subscriptions/${ANY}/resourceGroups/any/providers/Microsoft.ApiManagement/service/portico`;
const CLIENT = JSON.parse(readFileSync("node_modules/@azure/arm-apimanagement/package.json", "utf8")).version;
let calls = 0;
let checks = 0;

const counting = {
  name: "counting",
  sendRequest(request, next) {
    calls += 1;
    return next(request);
  },
};

/** Changes the headers of every request, after the client has written its own. */
const headers = (name, change) => ({
  name,
  sendRequest(request, next) {
    change(request.headers);
    return next(request);
  },
});

function client(token, ...policies) {
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const made = new ApiManagementClient(credential, ANY, { endpoint: PORTAL, retryOptions: { maxRetries: 0 } });
  made.pipeline.addPolicy(counting, { afterPhase: "Retry" });
  for (const policy of policies) {
    made.pipeline.addPolicy(policy, { phase: "Sign", afterPolicies: ["bearerTokenAuthenticationPolicy"] });
  }
  return made;
}

function same(found, wanted) {
  checks += 1;
  assert.deepEqual(found, wanted);
}

function holds(condition, what) {
  checks += 1;
  assert.ok(condition, what);
}

/** The call fails with this status, and says why in the usual form. */
async function refused(status, code, ask, target, message) {
  let error;
  try {
    await ask();
  } catch (caught) {
    error = caught;
  }
  holds(error !== undefined, `not refused: ${ask}`);
  if (error.name !== "RestError") {
    throw error;
  }
  same([error.name, error.statusCode], ["RestError", status]);
  if (code === undefined) {
    return error; // an answer to HEAD has no body
  }
  const body = error.details.error;
  same([error.code, body.code], [code, code]);
  holds(body.message, "a message");
  if (target !== undefined) {
    same(body.details[0].target, target);
    holds(body.details[0].message, "a message of the detail");
  }
  if (message !== undefined) {
    same(body.details[0].message, message);
  }
  return error;
}

const invalid = (target, ask, message) => refused(400, "ValidationError", ask, target, message);
const missing = (ask) => refused(404, "ResourceNotFound", ask);

async function all(listed) {
  const found = [];
  for await (const one of listed) {
    found.push(one);
  }
  return found;
}

const names = async (listed) => (await all(listed)).map((one) => one.name);

/** The status of an answer. */
async function status(ask, options = {}) {
  let found;
  await ask({ ...options, onResponse: (answer) => (found = answer.status) });
  return found;
}

/** Somebody who looks at the portal's pages. */
class Person {
  cookies = new Map();

  async ask(path, options = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(PORTAL + path, { redirect: "manual", ...options, headers: { cookie, ...options.headers } });
    for (const set of cookiesOf(answer.headers)) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
      this.cookies.set(name, value);
    }
    return answer;
  }

  async signIn(email, password) {
    same((await this.ask("/signin")).status, 200);
    const options = { method: "POST", body: new URLSearchParams({ email, password }), headers: { "Sec-Fetch-Site": "same-origin" } };
    same((await this.ask("/signin", options)).status, 303);
    return this;
  }

  /** The page, or nothing when there is none for this person. */
  async sees(path) {
    const answer = await this.ask(path);
    holds([200, 404].includes(answer.status), answer.status);
    const text = await answer.text();
    return answer.status === 200 ? text : undefined;
  }
}

async function service() {
  const found = await portal.apiManagementService.get(...AT);
  same([found.name, found.type, found.id], ["portico", "Microsoft.ApiManagement/service", SERVICE]);
  same(found.developerPortalUrl, PORTAL);
  await missing(() => portal.apiManagementService.get("any", "another"));
  await missing(() => names(portal.group.listByService("any", "another")));
}

/** A group, a product that it sees, and somebody who is in it, and so sees the product. */
async function groups() {
  const group = { displayName: "Contoso partners", description: "Who sells it" };
  const made = await portal.group.createOrUpdate(...AT, "partners", group);
  same([made.id, made.type], [`${SERVICE}/groups/partners`, "Microsoft.ApiManagement/service/groups"]);
  same([made.displayName, made.description, made.builtIn, made.typePropertiesType], ["Contoso partners", "Who sells it", false, "custom"]);
  same(await status((options) => portal.group.createOrUpdate(...AT, "partners", group, options)), 200);
  const first = (await portal.group.getEntityTag(...AT, "PARTNERS")).eTag;
  same([(await portal.group.get(...AT, "Partners")).name, (await portal.group.get(...AT, "Partners")).eTag], ["partners", first]);
  const changed = await portal.group.update(...AT, "partners", first, { description: "Who resells it" });
  same([changed.displayName, changed.description], ["Contoso partners", "Who resells it"]);
  holds(changed.eTag !== first, "another ETag after a change");
  // What has more than letters in its name.
  same(await status((options) => portal.group.createOrUpdate(...AT, "a b/c%d é", { displayName: "Odd" }, options)), 201);
  same((await portal.group.get(...AT, "a b/c%d é")).name, "a b/c%d é");
  same(await status((options) => portal.group.delete(...AT, "a b/c%d é", "*", options)), 204);

  const product = { displayName: "Orders", description: "All of *them*", terms: "Be kind.", state: "published" };
  const orders = await portal.product.createOrUpdate(...AT, "orders", product);
  same([orders.name, orders.state, orders.subscriptionRequired, orders.approvalRequired], ["orders", "published", true, false]);
  const limited = await portal.product.update(...AT, "orders", orders.eTag, { approvalRequired: true, subscriptionsLimit: 5 });
  same([limited.approvalRequired, limited.subscriptionsLimit, limited.terms], [true, 5, "Be kind."]);
  same((await portal.product.getEntityTag(...AT, "orders")).eTag, limited.eTag);

  const [dora, ...others] = await names(portal.user.listByService(...AT, { filter: "email eq 'DORA@contoso.example'" }));
  same([typeof dora, others], ["string", []]);
  const person = await new Person().signIn(env.PORTAL_DEVELOPER, env.PORTAL_PASSWORD);
  same(await person.sees("/products/orders"), undefined);
  await refused(404, undefined, () => portal.productGroup.checkEntityExists(...AT, "orders", "partners"));
  same(await status((options) => portal.productGroup.createOrUpdate(...AT, "orders", "partners", options)), 201);
  same(await status((options) => portal.productGroup.createOrUpdate(...AT, "orders", "partners", options)), 200);
  same((await portal.productGroup.createOrUpdate(...AT, "orders", "partners")).displayName, "Contoso partners");
  same((await portal.productGroup.checkEntityExists(...AT, "orders", "partners")).body, true);
  same(await names(portal.productGroup.listByProduct(...AT, "orders")), ["administrators", "partners"]);
  same(await person.sees("/products/orders"), undefined);
  same((await portal.groupUser.checkEntityExists(...AT, "partners", dora)).body, false);
  same(await status((options) => portal.groupUser.create(...AT, "partners", dora, options)), 201);
  same(await status((options) => portal.groupUser.create(...AT, "partners", dora, options)), 200);
  same((await portal.groupUser.create(...AT, "partners", dora)).email, "dora@contoso.example");
  same((await portal.groupUser.checkEntityExists(...AT, "partners", dora)).body, true);
  same(await names(portal.groupUser.list(...AT, "partners")), [dora]);
  same(await names(portal.userGroup.list(...AT, dora)), ["developers", "partners"]);
  holds((await person.sees("/products/orders"))?.includes("Be kind."), "the developer sees the product");
  same(await status((options) => portal.groupUser.delete(...AT, "partners", dora, options)), 204);
  same(await person.sees("/products/orders"), undefined);
  same(await status((options) => portal.groupUser.create(...AT, "partners", dora, options)), 201);
  holds(await person.sees("/products/orders"), "the developer sees the product again");
  same(await status((options) => portal.productGroup.delete(...AT, "orders", "partners", options)), 204);
  same(await person.sees("/products/orders"), undefined);
  same(await status((options) => portal.productGroup.createOrUpdate(...AT, "orders", "partners", options)), 201);
  return dora;
}

/** Users of all kinds, and what becomes of them. */
async function people() {
  const eve = { email: "eve@contoso.example", firstName: "Eve", lastName: "Ek", password: "a quiet harbour at noon", note: "New" };
  const made = await portal.user.createOrUpdate(...AT, "eve", eve, { notify: false });
  same([made.name, made.email, made.state, made.note], ["eve", "eve@contoso.example", "active", "New"]);
  same(made.identities, [{ provider: "Basic", id: "eve@contoso.example" }]);
  holds(made.registrationDate instanceof Date, "an instant");
  same((await portal.user.get(...AT, "eve")).groups.map((group) => group.displayName), ["Developers"]);
  await new Person().signIn("eve@contoso.example", "a quiet harbour at noon");
  const changed = await portal.user.update(...AT, "eve", made.eTag, { firstName: "Eva", state: "blocked" });
  same([changed.firstName, changed.lastName, changed.state], ["Eva", "Ek", "blocked"]);
  same((await portal.user.getEntityTag(...AT, "eve")).eTag, changed.eTag);
  same((await all(portal.userIdentities.list(...AT, "eve"))).map((one) => one.id), ["eve@contoso.example"]);
  same(await names(portal.userSubscription.list(...AT, "eve")), []);
  await portal.user.update(...AT, "eve", "*", { state: "active" });
  same(await status((options) => portal.userConfirmationPassword.send(...AT, "eve", options)), 204);
  // As the client's examples have it: who confirms the address by mail is pending until then.
  const fay = { email: "fay@contoso.example", firstName: "Fay", lastName: "Foss", confirmation: "signup" };
  same((await portal.user.createOrUpdate(...AT, "fay", fay)).state, "pending");
  for (const name of ["eve", "fay"]) {
    await portal.user.beginDeleteAndWait(...AT, name, "*", { updateIntervalInMs: 10 });
    await missing(() => portal.user.get(...AT, name));
  }
}

/** A thousand users by the client's own iterator: each is seen once. */
async function paging() {
  const everybody = Number(env.PORTAL_USERS);
  let before = calls;
  let seen = await names(portal.user.listByService(...AT));
  same([seen.length, new Set(seen).size, calls - before], [everybody, everybody, Math.ceil(everybody / 100)]);
  before = calls;
  const filter = "startswith(email,'user0') and contains(lastName,'O''Number')";
  seen = await names(portal.user.listByService(...AT, { filter, top: 300 }));
  same([seen.length, new Set(seen).size, calls - before], [1000, 1000, 4]);
  same((await names(portal.user.listByService(...AT, { skip: everybody - 7 }))).length, 7);
  const pages = portal.user.listByService(...AT, { top: 500, expandGroups: true }).byPage();
  const first = (await pages.next()).value;
  const groups = new Set(first.slice(2).flatMap((user) => user.groups.map((group) => group.displayName)));
  same([first.length, [...groups]], [500, ["Developers"]]);
  same((await names(portal.groupUser.list(...AT, "developers", { top: 1000 }))).slice(0, 3), first.slice(0, 3).map((user) => user.name));
}

async function filters() {
  const listed = async (filter) => (await names(portal.user.listByService(...AT, { filter }))).length;
  for (const [text, wanted] of [
    ["email eq 'USER0007@fabrikam.example'", 1],
    ["lastName eq 'O''Number 7'", 1],
    ["firstName eq 'User' and startswith(email,'user000')", 10],
    ["startswith(email,'user000') and not endswith(lastName,'7')", 9],
    ["(lastName eq 'O''Number 1' or lastName eq 'O''Number 2') and state eq 'active'", 2],
    ["substringof('0500@', email)", 1],
    ["contains(email,'0500@') or email gt 'user0998@'", 3],
    ["email ge 'user0998@fabrikam.example' and email lt 'user0999@fabrikam.example'", 1],
    ["state eq 'blocked'", 0],
    ["registrationDate gt datetime'2030-01-01T00:00:00Z'", 0],
    ["registrationDate le 2030-01-01T00:00:00Z and contains(email,'+')", 0],
  ]) {
    same([text, await listed(text)], [text, wanted]);
  }
  same(await names(portal.group.listByService(...AT, { filter: "name ne 'partners' and startswith(displayName,'D')" })), ["developers"]);
  same(await names(portal.product.listByService(...AT, { filter: "state eq 'published' and contains(terms,'kind')" })), ["orders"]);
  for (const text of ["email is 'x'", "password eq 'x'", "contains(state,'x')", "email eq", "' or 1 = 1 --"]) {
    await invalid("$filter", () => listed(text));
  }
}

/** A subscription, its keys, and another key in the place of one. */
async function subscriptions(dora) {
  const subscription = { scope: "/products/orders", displayName: "Dora's orders", ownerId: `/users/${dora}`, state: "active" };
  const made = await portal.subscription.createOrUpdate(...AT, "dora-orders", subscription, { notify: false });
  same([made.name, made.state, made.displayName], ["dora-orders", "active", "Dora's orders"]);
  same([made.ownerId, made.scope], [`${SERVICE}/users/${dora}`, `${SERVICE}/products/orders`]);
  same([made.primaryKey ?? null, made.secondaryKey ?? null], [null, null]);
  holds(made.createdDate instanceof Date && made.startDate instanceof Date, "when it was made and began");
  same(await status((options) => portal.subscription.createOrUpdate(...AT, "dora-orders", subscription, options)), 200);
  const secrets = () => portal.subscription.listSecrets(...AT, "dora-orders");
  const first = await secrets();
  same([first.primaryKey.length, first.secondaryKey.length, first.primaryKey !== first.secondaryKey], [32, 32, true]);
  same(await status((options) => portal.subscription.regeneratePrimaryKey(...AT, "dora-orders", options)), 204);
  const second = await secrets();
  same([second.primaryKey !== first.primaryKey, second.secondaryKey], [true, first.secondaryKey]);
  same(await status((options) => portal.subscription.regenerateSecondaryKey(...AT, "dora-orders", options)), 204);
  const third = await secrets();
  same([third.primaryKey, third.secondaryKey !== first.secondaryKey], [second.primaryKey, true]);
  const end = new Date("2099-01-31T12:00:00Z");
  const { eTag } = await portal.subscription.getEntityTag(...AT, "dora-orders");
  const suspended = { state: "suspended", stateComment: "Not paid", expirationDate: end };
  const changed = await portal.subscription.update(...AT, "dora-orders", eTag, suspended);
  same([changed.state, changed.stateComment, changed.expirationDate], ["suspended", "Not paid", end]);
  same(await names(portal.subscription.list(...AT, { filter: "state eq 'suspended'" })), ["dora-orders"]);
  const filter = `ownerId eq '${SERVICE}/users/${dora}' and productId eq 'orders'`;
  same(await names(portal.subscription.list(...AT, { filter })), ["dora-orders"]);
  same(await names(portal.productSubscriptions.list(...AT, "orders")), ["dora-orders"]);
  same(await names(portal.userSubscription.list(...AT, dora)), ["dora-orders"]);
  same((await portal.userSubscription.get(...AT, dora, "dora-orders")).name, "dora-orders");
}

const DOCUMENT = {
  openapi: "3.0.3",
  info: { title: "Orders", version: "1.2" },
  servers: [{ url: "https://orders.contoso.example/v1" }],
  paths: {
    "/orders": {
      get: { operationId: "listOrders", summary: "List orders", responses: { 200: { description: "All of them" } } },
      post: { operationId: "makeOrder", responses: { 201: { description: "Made" } } },
    },
    "/orders/{id}": {
      parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
      get: { operationId: "getOrder", responses: { 200: { description: "One" } } },
    },
  },
};

/** An API from its description, into a product and out of it. */
async function imported() {
  const description = { path: "orders", displayName: "Orders API", format: "openapi+json", value: JSON.stringify(DOCUMENT) };
  const put = (name, api) => portal.api.beginCreateOrUpdateAndWait(...AT, name, api, { updateIntervalInMs: 10 });
  const made = await put("orders", description);
  same([made.name, made.path, made.displayName], ["orders", "orders", "Orders API"]);
  same([made.serviceUrl, made.isCurrent, made.apiRevision], ["https://orders.contoso.example/v1", true, "1"]);
  same((await names(portal.apiOperation.listByApi(...AT, "orders"))).sort(), ["getOrder", "listOrders", "makeOrder"]);
  same(await names(portal.apiOperation.listByApi(...AT, "orders", { filter: "method eq 'POST'" })), ["makeOrder"]);
  const one = await portal.apiOperation.get(...AT, "orders", "getOrder");
  same([one.method, one.urlTemplate, one.templateParameters.map((parameter) => parameter.name)], ["GET", "/orders/{id}", ["id"]]);
  same(one.responses.map((answer) => answer.statusCode), [200]);
  same((await put("ORDERS", description)).name, "orders");
  const { eTag } = await portal.api.getEntityTag(...AT, "orders");
  const changed = await portal.api.update(...AT, "orders", eTag, { description: "All *orders*" });
  same([changed.description, changed.displayName], ["All *orders*", "Orders API"]);
  await refused(404, undefined, () => portal.productApi.checkEntityExists(...AT, "orders", "orders"));
  same(await status((options) => portal.productApi.createOrUpdate(...AT, "orders", "orders", options)), 201);
  same((await portal.productApi.createOrUpdate(...AT, "orders", "orders")).path, "orders");
  same((await portal.productApi.checkEntityExists(...AT, "orders", "orders")).body, true);
  same(await names(portal.productApi.listByProduct(...AT, "orders")), ["orders"]);
  same(await names(portal.apiProduct.listByApis(...AT, "orders")), ["orders"]);
  const { value } = await portal.apiExport.get(...AT, "orders", "openapi+json-link", "true");
  const given = await fetch(value.link);
  same([given.status, (await given.text()).startsWith("{")], [200, true]);
  for (const [links, body] of [
    [portal.productGroupLink, { groupId: `${SERVICE}/groups/developers` }],
    [portal.productApiLink, { apiId: `${SERVICE}/apis/orders` }],
  ]) {
    const linked = async (ask) => {
      const { groupId, apiId } = await ask;
      return groupId === undefined ? { apiId } : { groupId };
    };
    same(await linked(links.createOrUpdate(...AT, "orders", "mine", body)), body);
    same(await linked(links.get(...AT, "orders", "mine")), body);
    holds((await names(links.listByProduct(...AT, "orders"))).includes("mine"), "the link among the others");
    same(await status((options) => links.delete(...AT, "orders", "mine", options)), 204);
    await missing(() => links.get(...AT, "orders", "mine"));
  }
  same(await status((options) => portal.productApi.createOrUpdate(...AT, "orders", "orders", options)), 201);
  same(await status((options) => portal.productApi.delete(...AT, "orders", "orders", options)), 204);
  same(await names(portal.productApi.listByProduct(...AT, "orders")), []);
  await invalid("value", () => put("bad", { path: "bad", displayName: "Bad", format: "openapi+json", value: "{" }));
  await invalid("format", () => put("bad", { path: "bad", displayName: "Bad", format: "wsdl", value: "<x/>" }));
}

/** An API without a description, and an operation of it. */
async function byHand() {
  const echo = {
    path: "echo",
    displayName: "Echo",
    serviceUrl: "https://echo.contoso.example",
    protocols: ["https"],
    contact: { name: "Dora", email: "dora@contoso.example" },
  };
  const made = await portal.api.beginCreateOrUpdateAndWait(...AT, "echo", echo, { updateIntervalInMs: 10 });
  same([made.serviceUrl, made.protocols, made.contact.email], ["https://echo.contoso.example", ["https"], "dora@contoso.example"]);
  const operation = {
    displayName: "Say it again",
    method: "POST",
    urlTemplate: "/echo/{times}",
    description: "As often as you like",
    templateParameters: [{ name: "times", type: "integer", required: true }],
    request: { queryParameters: [{ name: "loud", type: "boolean", defaultValue: "false" }] },
    responses: [{ statusCode: 200, description: "Said", representations: [{ contentType: "text/plain" }] }],
  };
  const say = await portal.apiOperation.createOrUpdate(...AT, "echo", "say", operation);
  same([say.name, say.method, say.urlTemplate], ["say", "POST", "/echo/{times}"]);
  same(say.templateParameters.map((one) => [one.name, one.type, one.required]), [["times", "integer", true]]);
  same(say.request.queryParameters.map((one) => [one.name, one.defaultValue]), [["loud", "false"]]);
  same(say.responses[0].representations.map((one) => one.contentType), ["text/plain"]);
  same(await status((options) => portal.apiOperation.createOrUpdate(...AT, "echo", "say", operation, options)), 200);
  same((await portal.apiOperation.getEntityTag(...AT, "echo", "say")).eTag, say.eTag);
  const changed = await portal.apiOperation.update(...AT, "echo", "say", say.eTag, { description: "Once" });
  same([changed.description, changed.displayName], ["Once", "Say it again"]);
  await invalid("templateParameters", () => portal.apiOperation.update(...AT, "echo", "say", "*", { urlTemplate: "/echo" }));
  same(await names(portal.api.listByService(...AT, { filter: "path eq 'echo'" })), ["echo"]);
  same(await status((options) => portal.apiOperation.delete(...AT, "echo", "say", "*", options)), 204);
  same(await names(portal.apiOperation.listByApi(...AT, "echo")), []);
  await portal.api.beginDeleteAndWait(...AT, "echo", "*", { deleteRevisions: true, updateIntervalInMs: 10 });
  await missing(() => portal.api.get(...AT, "echo"));
}

const LETTER = `<!DOCTYPE html >
<html>
  <head />
  <body>
    <p style="font-size:12pt">Dear $DevFirstName $DevLastName, <a href="http://$DevPortalUrl">welcome</a> to $OrganizationName.</p>
  </body>
</html>`;

async function templates() {
  const here = "newDeveloperNotificationMessage";
  const templates = portal.emailTemplate;
  const found = await names(templates.listByService(...AT));
  holds(found.includes(here) && found.length > 14, found);
  same(await names(templates.listByService(...AT, { filter: `name eq '${here}'` })), [here]);
  const before = await templates.get(...AT, here);
  same([before.isDefault, before.parameters.map((one) => one.name).slice(0, 2)], [true, ["DevFirstName", "DevLastName"]]);
  const words = { subject: "Welcome, $DevFirstName", body: LETTER };
  same(await status((options) => templates.createOrUpdate(...AT, here, words, options)), 201);
  same(await status((options) => templates.createOrUpdate(...AT, here, words, options)), 200);
  const { eTag } = await templates.getEntityTag(...AT, here);
  const changed = await templates.update(...AT, here, eTag, { subject: "Hello $DevFirstName" });
  same([changed.subject, changed.body, changed.isDefault], ["Hello $DevFirstName", LETTER, false]);
  await invalid("body", () => templates.update(...AT, here, "*", { body: "<p>$Unknown</p>" }));
  await invalid("templateName", () => templates.createOrUpdate(...AT, "newIssueNotificationMessage", { subject: "x" }));
  await refused(412, "PreconditionFailed", () => templates.delete(...AT, here, '"99"'));
  same(await status((options) => templates.delete(...AT, here, "*", options)), 204);
  same((await templates.get(...AT, here)).subject, before.subject);
  await missing(() => templates.get(...AT, "noTemplate"));
}

async function notifications() {
  const here = "RequestPublisherNotificationMessage";
  const found = await names(portal.notification.listByService(...AT));
  holds(found.includes(here) && found.includes("BCC"), found);
  same(await names(portal.notification.listByService(...AT, { top: 2, skip: 1 })), found.slice(1));
  const [emails, users] = [portal.notificationRecipientEmail, portal.notificationRecipientUser];
  same((await emails.checkEntityExists(...AT, here, "desk@contoso.example")).body, false);
  same(await status((options) => emails.createOrUpdate(...AT, here, "desk@contoso.example", options)), 201);
  same((await emails.createOrUpdate(...AT, here, "desk@contoso.example")).email, "desk@contoso.example");
  same((await emails.checkEntityExists(...AT, here, "desk@contoso.example")).body, true);
  same((await emails.listByNotification(...AT, here)).value.map((one) => one.email), ["desk@contoso.example"]);
  await invalid("email", () => emails.createOrUpdate(...AT, here, "nobody"));
  const [root] = await names(portal.user.listByService(...AT, { filter: "email eq 'root@portal.example'" }));
  same((await users.checkEntityExists(...AT, here, root)).body, true);
  same(await status((options) => users.delete(...AT, here, root, options)), 204);
  same((await users.checkEntityExists(...AT, here, root)).body, false);
  same((await users.createOrUpdate(...AT, here, root)).userId, `${SERVICE}/users/${root}`);
  same((await users.listByNotification(...AT, here)).value.map((one) => one.userId), [`${SERVICE}/users/${root}`]);
  const { name, recipients } = await portal.notification.createOrUpdate(...AT, here);
  same([name, recipients.emails, recipients.users], [here, ["desk@contoso.example"], [`${SERVICE}/users/${root}`]]);
  same(await status((options) => emails.delete(...AT, here, "desk@contoso.example", options)), 204);
  same((await portal.notification.get(...AT, here)).recipients.emails, []);
  await missing(() => portal.notification.get(...AT, "NoNotification"));
}

async function settings() {
  const up = portal.signUpSettings;
  const guest = new Person();
  same((await up.get(...AT)).enabled, false);
  const termsOfService = { text: "Be **kind**.", enabled: true, consentRequired: true };
  const on = await up.createOrUpdate(...AT, { enabled: true, termsOfService });
  same([on.enabled, on.termsOfService], [true, termsOfService]);
  holds((await guest.sees("/signup"))?.includes("kind"), "the page shows the terms");
  const { eTag } = await up.getEntityTag(...AT);
  same(await status((options) => up.update(...AT, eTag, { enabled: false }, options)), 204);
  same([(await up.get(...AT)).enabled, await guest.sees("/signup")], [false, undefined]);
  same(await status((options) => portal.signInSettings.update(...AT, "*", { enabled: false }, options)), 204);
  same((await portal.signInSettings.get(...AT)).enabled, false);
  await invalid("enabled", () => portal.signInSettings.createOrUpdate(...AT, { enabled: true }));
  same((await portal.delegationSettings.get(...AT)).userRegistration.enabled, false);
  await invalid("userRegistration", () => portal.delegationSettings.createOrUpdate(...AT, { userRegistration: { enabled: true } }));
  same((await portal.delegationSettings.listSecrets(...AT)).validationKey, "");
  const listed = (await portal.portalSettings.listByService(...AT)).value;
  same(listed.map((one) => one.name).sort(), ["delegation", "signin", "signup"]);
}

/** Tenant access, and what it signs: a shared access signature opens the API as a token does. */
async function tenant() {
  const access = portal.tenantAccess;
  same(await names(access.listByService(...AT)), ["access", "gitAccess"]);
  same((await access.get(...AT, "access")).enabled, false);
  same((await access.update(...AT, "access", "*", { enabled: true })).enabled, true);
  const first = await access.listSecrets(...AT, "access");
  holds(first.primaryKey && first.secondaryKey, "two keys");
  same(await status((options) => access.regeneratePrimaryKey(...AT, "access", options)), 204);
  const second = await access.listSecrets(...AT, "access");
  same([second.primaryKey !== first.primaryKey, second.secondaryKey], [true, first.secondaryKey]);
  same(await status((options) => access.regenerateSecondaryKey(...AT, "access", options)), 204);
  holds((await access.listSecrets(...AT, "access")).secondaryKey !== second.secondaryKey, "another secondary key");
  const [root] = await names(portal.user.listByService(...AT, { filter: "email eq 'root@portal.example'" }));
  const wanted = { keyType: "primary", expiry: new Date(Date.now() + 2 * 86_400_000) };
  const signed = (await portal.user.getSharedAccessToken(...AT, root, wanted)).value;
  holds(signed.startsWith(`${root}&`), signed);
  const bySignature = client("none", headers("signature", (all) => all.set("Authorization", `SharedAccessSignature ${signed}`)));
  same((await bySignature.group.get(...AT, "partners")).name, "partners");
  const { eTag } = await access.getEntityTag(...AT, "access");
  same((await access.create(...AT, "access", eTag, { enabled: false })).enabled, false);
  await refused(401, "Unauthorized", () => bySignature.group.get(...AT, "partners"));
}

const TENANT = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";

/** A provider of the model's, one of our own, and an account that is linked. */
async function identityProviders() {
  const ours = portal.identityProvider;
  const aad = { clientId: "portal", clientSecret: "s3cret", allowedTenants: [TENANT] };
  same(await status((options) => ours.createOrUpdate(...AT, "aad", aad, options)), 201);
  same(await status((options) => ours.createOrUpdate(...AT, "aad", aad, options)), 200);
  const made = await ours.get(...AT, "aad");
  same([made.id, made.type], [`${SERVICE}/identityProviders/aad`, "Microsoft.ApiManagement/service/identityProviders"]);
  same([made.typePropertiesType, made.clientId, made.clientSecret], ["aad", "portal", undefined]);
  same([made.authority, made.signinTenant, made.allowedTenants], ["login.microsoftonline.com", TENANT, [TENANT]]);
  same((await ours.getEntityTag(...AT, "AAD")).eTag, made.eTag);
  same((await ours.listSecrets(...AT, "aad")).clientSecret, "s3cret");
  const changed = await ours.update(...AT, "aad", made.eTag, { clientId: "another", clientLibrary: "MSAL-2" });
  same([changed.clientId, changed.clientLibrary, changed.allowedTenants], ["another", "MSAL-2", [TENANT]]);
  await refused(412, "PreconditionFailed", () => ours.update(...AT, "aad", made.eTag, { clientSecret: "an0ther" }));
  await ours.update(...AT, "aad", "*", { clientSecret: "an0ther" });
  same((await ours.listSecrets(...AT, "aad")).clientSecret, "an0ther");
  const okta = { typePropertiesType: "okta", authority: "https://contoso.okta.example", clientId: "portal", clientSecret: "s3cret" };
  same((await ours.createOrUpdate(...AT, "contoso", okta)).typePropertiesType, "okta");
  same((await names(ours.listByService(...AT))).sort(), ["aad", "contoso", "staff"]);
  await invalid("allowedTenants", () => ours.update(...AT, "aad", "*", { allowedTenants: ["contoso.onmicrosoft.com"] }));
  await invalid("identityProviderName", () => ours.createOrUpdate(...AT, "facebook", aad));
  await invalid("type", () => ours.createOrUpdate(...AT, "fabrikam", aad));
  await refused(403, "Forbidden", () => client(env.PORTAL_READS).identityProvider.listSecrets(...AT, "aad"));
  for (const name of ["aad", "contoso"]) {
    same(await status((options) => ours.delete(...AT, name, "*", options)), 204);
    await missing(() => ours.get(...AT, name));
  }
  // As the directory calls somebody, beside the password, which this one does not have.
  const [linked] = await names(portal.user.listByService(...AT, { filter: "email eq 'user0000@fabrikam.example'" }));
  same(await all(portal.userIdentities.list(...AT, linked)), [{ provider: "Aad", id: "object-1" }]);
  same((await portal.user.get(...AT, linked)).identities, [{ provider: "Aad", id: "object-1" }]);
}

async function refusals(dora) {
  const named = (displayName) => ({ displayName });
  for (const group of ["administrators", "Developers", "guests"]) {
    for (const ask of [
      () => portal.group.createOrUpdate(...AT, group, named("Mine")),
      () => portal.group.update(...AT, group, "*", named("Mine")),
      () => portal.group.delete(...AT, group, "*"),
    ]) {
      const error = await refused(405, "MethodNotAllowed", ask);
      holds(error.message.includes("System entity cannot be modified"), error.message);
    }
  }
  await refused(405, "MethodNotAllowed", () => portal.groupUser.create(...AT, "developers", dora));
  await invalid("gid", () => portal.productGroup.createOrUpdate(...AT, "orders", "nobody"), "Group not found");

  for (const ask of [
    () => portal.group.update(...AT, "partners", '"99"', { description: "x" }),
    () => portal.group.update(...AT, "partners", "99", { description: "x" }),
    () => portal.group.createOrUpdate(...AT, "partners", named("Another"), { ifMatch: '"99"' }),
    () => portal.group.delete(...AT, "partners", '"99"'),
    () => portal.product.delete(...AT, "orders", 'W/"99"'),
    () => portal.subscription.delete(...AT, "dora-orders", '"99"'),
  ]) {
    await refused(412, "PreconditionFailed", ask);
  }
  const careless = client(env.PORTAL_WRITES, headers("careless", (all) => all.delete("If-Match")));
  for (const ask of [
    () => careless.group.update(...AT, "partners", "*", { description: "x" }),
    () => careless.group.delete(...AT, "partners", "*"),
    () => careless.product.delete(...AT, "orders", "*"),
    () => careless.subscription.update(...AT, "dora-orders", "*", { displayName: "x" }),
    () => careless.signUpSettings.update(...AT, "*", { enabled: true }),
    () => portal.group.delete(...AT, "partners", ""),
  ]) {
    await invalid("If-Match", ask);
  }

  // Of some words the client has a list, and sends no others.
  const user = { email: "f@contoso.example", firstName: "F", lastName: "F" };
  const subscription = { scope: "/products/orders", displayName: "S", ownerId: `/users/${dora}` };
  const putUser = (name, more) => portal.user.createOrUpdate(...AT, name, { ...user, ...more });
  const putSubscription = (name, more) => portal.subscription.createOrUpdate(...AT, name, { ...subscription, ...more });
  for (const [target, ask] of [
    ["displayName", () => portal.group.createOrUpdate(...AT, "long", named("x".repeat(301)))],
    ["displayName", () => portal.group.createOrUpdate(...AT, "empty", named(""))],
    ["displayName", () => portal.group.createOrUpdate(...AT, "twin", named("CONTOSO partners"))],
    ["description", () => portal.group.update(...AT, "partners", "*", { description: "x".repeat(1001) })],
    ["externalId", () => portal.group.createOrUpdate(...AT, "ext", { displayName: "E", type: "external" })],
    ["subscriptionsLimit", () => portal.product.update(...AT, "orders", "*", { subscriptionsLimit: 0 })],
    ["state", () => putUser("f", { state: "asleep" })],
    ["confirmation", () => putUser("f", { confirmation: "later" })],
    ["email", () => putUser("f", { email: "DORA@contoso.example" })],
    ["firstName", () => putUser("f", { firstName: "x".repeat(101) })],
    ["state", () => putSubscription("s", { state: "expired" })],
    ["scope", () => putSubscription("s", { scope: "/apis" })],
    ["ownerId", () => putSubscription("s", { ownerId: "/users/nobody" })],
    ["displayName", () => putSubscription("s", { displayName: "x".repeat(101) })],
  ]) {
    await invalid(target, ask);
  }

  for (const ask of [
    () => portal.group.get(...AT, "nobody"),
    () => portal.user.get(...AT, "nobody"),
    () => portal.product.get(...AT, "nothing"),
    () => portal.subscription.get(...AT, "nothing"),
    () => portal.api.get(...AT, "nothing"),
    () => portal.groupUser.create(...AT, "partners", "nobody"),
    () => portal.group.update(...AT, "nobody", "*", { description: "x" }),
    () => portal.policy.get(...AT, "policy"),
  ]) {
    await missing(ask);
  }
  await refused(404, undefined, () => portal.group.getEntityTag(...AT, "nobody"));
  same(await status((options) => portal.group.delete(...AT, "nobody", "*", options)), 204);

  const error = await refused(400, "ValidationError", () => portal.product.delete(...AT, "orders", "*"));
  holds(error.response.bodyAsText.includes("deleteSubscriptions=true"), error);
  same((await portal.product.get(...AT, "orders")).name, "orders");

  for (const token of ["nonsense", env.PORTAL_READS.slice(0, 40)]) {
    await refused(401, "Unauthorized", () => client(token).group.get(...AT, "partners"));
  }
  const nobody = client("none", headers("nobody", (all) => all.delete("Authorization")));
  await refused(401, "Unauthorized", () => nobody.group.get(...AT, "partners"));
  const reads = client(env.PORTAL_READS);
  same((await reads.group.get(...AT, "partners")).name, "partners");
  for (const ask of [
    () => reads.group.createOrUpdate(...AT, "mine", named("Mine")),
    () => reads.group.update(...AT, "partners", "*", { description: "x" }),
    () => reads.group.delete(...AT, "partners", "*"),
    () => reads.subscription.listSecrets(...AT, "dora-orders"),
    () => reads.subscription.regeneratePrimaryKey(...AT, "dora-orders"),
    () => client(env.PORTAL_GATEWAY).group.get(...AT, "partners"),
  ]) {
    await refused(403, "Forbidden", ask);
  }
  const [root] = await names(portal.user.listByService(...AT, { filter: "email eq 'root@portal.example'" }));
  await refused(409, "Conflict", () => portal.user.update(...AT, root, "*", { state: "blocked" }));
}

/** Everything goes again. */
async function theEnd() {
  same(await status((options) => portal.product.delete(...AT, "orders", "*", options), { deleteSubscriptions: true }), 204);
  same(await names(portal.subscription.list(...AT)), []);
  const { eTag } = await portal.group.get(...AT, "partners");
  same(await status((options) => portal.group.delete(...AT, "partners", eTag, options)), 204);
  same(await names(portal.group.listByService(...AT)), ["administrators", "developers", "guests"]);
}

const began = performance.now();
const portal = client(env.PORTAL_WRITES);
await service();
const somebody = await groups();
await people();
await paging();
await filters();
await subscriptions(somebody);
await imported();
await byHand();
await templates();
await notifications();
await settings();
await tenant();
await identityProviders();
await refusals(somebody);
await theEnd();
const took = ((performance.now() - began) / 1000).toFixed(1);
console.log(`count: JavaScript client ${CLIENT}, ${env.PORTAL_DATABASE}: ${calls} calls, ${checks} checks in ${took} s`);

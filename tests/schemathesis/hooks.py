"""What schemathesis cannot know of the portal by its description: how it gets in, how a text of one of the formats looks, and which
refusals are meant (`exceptions.toml`)."""

import atexit
import collections
import itertools
import os
import pathlib
import re
import tomllib

import schemathesis
from hypothesis import strategies as st

TOKENS = itertools.cycle(os.environ["PORTAL_TOKENS"].split())


@schemathesis.auth(cache_by_key=None, refresh_interval=None)
class Tokens:
    """Each call with the next token: one may make 3,000 calls a minute."""

    def get(self, case, context):
        return next(TOKENS)

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


DESCRIPTION = '{"openapi": "3.0.3", "info": {"title": "Made", "version": "1"}, "paths": {"/things": {"get": {"responses": {"200": {"description": "OK"}}}}}}'
words = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
# Letters of many scripts, and what has to be encoded in an address.
names = st.text("abcxyzABC0189-._~ /%?&+éßøЖ日本😀", min_size=1, max_size=12).map(str.strip).filter(bool)


def of(format, strategy):
    schemathesis.openapi.format(format, strategy)


of("name", names)
of("person", words.map(lambda word: "X" + word))
of("password", words.map(lambda word: f"a quiet harbour of {word} at noon"))
of("suffix", st.lists(words, min_size=1, max_size=3).map("/".join))
of("web", words.map(lambda word: f"https://{word}.example"))
of("template", st.lists(words, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts)))
of("description", st.just(DESCRIPTION))
of("html", words.map(lambda word: f"<p>{word}</p>"))
of("group", st.sampled_from(["/groups/partners", "/groups/testers"]))
of("api", st.sampled_from(["/apis/echo", "/apis/hand"]))
of("product", st.just("/products/orders"))
of("owner", st.sampled_from(["/users/dora", "/users/emil"]))
of("soon", st.just(os.environ["PORTAL_SOON"]))
of("odata-filter", words)


TENANT = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490"


def provider(name, body):
    """What an identity provider of this name has: the type says of which form the other members are."""
    kind = name.lower() if name.lower() in ("aad", "google") else ["okta", "keycloak", "github", "oidc"][len(name) % 4]
    body.update(type=kind, authority=None, signinTenant=None, allowedTenants=body.get("allowedTenants") if kind == "aad" else None)
    if kind == "aad":
        body["allowedTenants"] = body["allowedTenants"] or [TENANT]
    elif kind != "google":
        body["authority"] = f"https://{kind}.example"
    body["clientSecret"] = body.get("clientSecret") or "s3cret"


@schemathesis.hook
def before_call(context, case, kwargs):
    """What holds between members is no matter of a schema: where data is to be good, it is made so."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    query = case.query or {}
    if "$filter" in query:
        parameters = case.operation.definition.raw["parameters"]
        about = next(one["description"] for one in parameters if one.get("name") == "$filter")
        query["$filter"] = f"{re.search(r'Fields: `(.*?)`', about).group(1)} eq '{query['$filter']}'"
    body = case.body.get("properties") if isinstance(case.body, dict) else None
    if isinstance(body, dict):
        if "format" in body or "value" in body:
            body.update(format="openapi+json", value=DESCRIPTION)
        if body.get("primaryKey") is not None and body.get("primaryKey") == body.get("secondaryKey"):
            body["secondaryKey"] = body["primaryKey"][:200] + "2"
        if "identityProviderName" in (case.path_parameters or {}):
            provider(str(case.path_parameters["identityProviderName"]), body)
        if body.get("expirationDate"):
            body["expirationDate"] = os.environ["PORTAL_SOON"]


EXCEPTIONS = tomllib.loads(pathlib.Path(__file__).with_name("exceptions.toml").read_text())["exception"]
USED = collections.Counter()


def meets(exception, failure, case, response):
    text = response.content.decode(errors="replace")
    return (
        re.fullmatch(exception["code"], failure.code)
        and response.status_code == exception["status"]
        and re.fullmatch(exception.get("methods", ".*"), case.method.upper())
        and re.search(exception.get("path", ""), case.operation.path.partition("{serviceName}")[2])
        and re.search(exception.get("says", ""), text)
    )


@schemathesis.hook
def filter_failure(context, failure, case, response):
    for number, exception in enumerate(EXCEPTIONS):
        if meets(exception, failure, case, response):
            USED[number] += 1
            return False
    return True


@atexit.register
def tell():
    used = ", ".join(f"{EXCEPTIONS[number]['name']} {count}" for number, count in sorted(USED.items()))
    print(f"exceptions used: {used}")
    unused = [one["name"] for number, one in enumerate(EXCEPTIONS) if number not in USED]
    if unused:
        print(f"exceptions not met this time: {', '.join(unused)}")

"""The official Python client, as pip installs it, drives Portico. What it is given: another base URL, a token, and whom to trust."""

import datetime
import json
import os
import sys
import time
from importlib.metadata import version

import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.apimanagement import ApiManagementClient, models

PORTAL, CA = os.environ["PORTAL"], os.environ["PORTAL_CA"]
# The resource group may be any; the service is this portal.
AT = ("any", "portico")
SERVICE = "/subscriptions/0000/resourceGroups/any/providers/Microsoft.ApiManagement/service/portico"
CLIENT = version("azure-mgmt-apimanagement")
calls = checks = 0


def called(_request):
    global calls
    calls += 1


class Token:
    """A credential: what a client asks for is the portal's token."""

    def __init__(self, text):
        self.text = text

    def get_token(self, *_scopes, **_more):
        return AccessToken(self.text, int(time.time()) + 3600)


class Without(SansIOHTTPPolicy):
    """Takes a header out, as a client would that knows no better."""

    def __init__(self, header):
        self.header = header

    def on_request(self, request):
        request.http_request.headers.pop(self.header, None)


def client(token, **more):
    return ApiManagementClient(
        Token(token), "0000", base_url=PORTAL, connection_verify=CA, retry_total=0, polling_interval=1, raw_request_hook=called, **more
    )


def same(found, wanted):
    global checks
    checks += 1
    assert found == wanted, f"\n  found  {found!r}\n  wanted {wanted!r}"


def holds(condition, what):
    same(bool(condition) or what, True)


def refused(kind, status, code, ask, target=None, message=None):
    """The call fails with this exception, and says why in the usual form."""
    try:
        answer = ask()
    except HttpResponseError as error:
        same((type(error), error.status_code), (kind, status))
        if code is not None:  # an answer to HEAD has no body
            same(error.error.code, code)
            holds(error.error.message, "a message")
        details = error.error.details if error.error else None
        if target is not None:
            same([detail.target for detail in details][:1], [target])
            holds(details[0].message, "a message of the detail")
        if message is not None:
            same(details[0].message, message)
        return error
    raise AssertionError(f"not refused, but answered with {answer!r}")


def invalid(target, ask, message=None):
    return refused(HttpResponseError, 400, "ValidationError", ask, target, message)


def missing(ask):
    refused(ResourceNotFoundError, 404, "ResourceNotFound", ask)


def names(listed):
    return [one.name for one in listed]


def tag(ask, *arguments):
    """The ETag of an answer."""
    return ask(*AT, *arguments, cls=lambda response, _value, _headers: response.http_response.headers["ETag"])


def status(ask, *arguments, **more):
    """The status of an answer."""
    return ask(*AT, *arguments, cls=lambda response, _value, _headers: response.http_response.status_code, **more)


class Person:
    """Somebody who looks at the portal's pages."""

    def __init__(self, email, password):
        self.session = requests.Session()
        self.session.verify = CA
        self.session.trust_env = False
        same(self.session.get(f"{PORTAL}/signin").status_code, 200)
        form = {"email": email, "password": password}
        answer = self.session.post(f"{PORTAL}/signin", data=form, headers={"Sec-Fetch-Site": "same-origin"}, allow_redirects=False)
        same(answer.status_code, 303)

    def sees(self, path):
        """The page, or nothing when there is none for this person."""
        answer = self.session.get(PORTAL + path)
        holds(answer.status_code in (200, 404), answer.status_code)
        return answer.text if answer.status_code == 200 else None


def service():
    found = portal.api_management_service.get(*AT)
    same((found.name, found.type, found.id), ("portico", "Microsoft.ApiManagement/service", SERVICE))
    same(found.developer_portal_url, PORTAL)
    missing(lambda: portal.api_management_service.get("any", "another"))
    missing(lambda: portal.group.list_by_service("any", "another").next())


def groups():
    """A group, a product that it sees, and somebody who is in it, and so sees the product."""
    new = models.GroupCreateParameters(display_name="Contoso partners", description="Who sells it")
    made = portal.group.create_or_update(*AT, "partners", new)
    same((made.id, made.type), (f"{SERVICE}/groups/partners", "Microsoft.ApiManagement/service/groups"))
    same((made.display_name, made.description, made.built_in, made.type_properties_type), ("Contoso partners", "Who sells it", False, "custom"))
    same(status(portal.group.create_or_update, "partners", new), 200)
    same(portal.group.get_entity_tag(*AT, "PARTNERS"), True)
    same(portal.group.get(*AT, "Partners").name, "partners")
    first = tag(portal.group.get, "partners")
    changed = portal.group.update(*AT, "partners", first, models.GroupUpdateParameters(description="Who resells it"))
    same((changed.display_name, changed.description), ("Contoso partners", "Who resells it"))
    holds(tag(portal.group.get_entity_tag, "partners") != first, "another ETag after a change")
    # What has more than letters in its name.
    same(status(portal.group.create_or_update, "a b/c%d é", models.GroupCreateParameters(display_name="Odd")), 201)
    same(portal.group.get(*AT, "a b/c%d é").name, "a b/c%d é")
    same(status(portal.group.delete, "a b/c%d é", "*"), 204)

    product = models.ProductContract(display_name="Orders", description="All of *them*", terms="Be kind.", state="published")
    made = portal.product.create_or_update(*AT, "orders", product)
    same((made.name, made.state, made.subscription_required, made.approval_required), ("orders", "published", True, False))
    limited = models.ProductUpdateParameters(approval_required=True, subscriptions_limit=5)
    changed = portal.product.update(*AT, "orders", tag(portal.product.get, "orders"), limited)
    same((changed.approval_required, changed.subscriptions_limit, changed.terms), (True, 5, "Be kind."))
    same(portal.product.get_entity_tag(*AT, "orders"), True)

    dora = names(portal.user.list_by_service(*AT, filter="email eq 'DORA@contoso.example'"))
    same(len(dora), 1)
    dora = dora[0]
    person = Person(os.environ["PORTAL_DEVELOPER"], os.environ["PORTAL_PASSWORD"])
    same(person.sees("/products/orders"), None)
    refused(ResourceNotFoundError, 404, None, lambda: portal.product_group.check_entity_exists(*AT, "orders", "partners"))
    same(status(portal.product_group.create_or_update, "orders", "partners"), 201)
    same(status(portal.product_group.create_or_update, "orders", "partners"), 200)
    same(portal.product_group.create_or_update(*AT, "orders", "partners").display_name, "Contoso partners")
    same(portal.product_group.check_entity_exists(*AT, "orders", "partners"), True)
    same(names(portal.product_group.list_by_product(*AT, "orders")), ["administrators", "partners"])
    same(person.sees("/products/orders"), None)
    same(portal.group_user.check_entity_exists(*AT, "partners", dora), False)
    same(status(portal.group_user.create, "partners", dora), 201)
    same(status(portal.group_user.create, "partners", dora), 200)
    same(portal.group_user.create(*AT, "partners", dora).email, "dora@contoso.example")
    same(portal.group_user.check_entity_exists(*AT, "partners", dora), True)
    same(names(portal.group_user.list(*AT, "partners")), [dora])
    same(names(portal.user_group.list(*AT, dora)), ["developers", "partners"])
    holds("Be kind." in (person.sees("/products/orders") or ""), "the developer sees the product")
    same(status(portal.group_user.delete, "partners", dora), 204)
    same(person.sees("/products/orders"), None)
    same(status(portal.group_user.create, "partners", dora), 201)
    holds(person.sees("/products/orders"), "the developer sees the product again")
    same(status(portal.product_group.delete, "orders", "partners"), 204)
    same(person.sees("/products/orders"), None)
    same(status(portal.product_group.create_or_update, "orders", "partners"), 201)
    return dora


def people():
    """Users of all kinds, and what becomes of them."""
    new = models.UserCreateParameters(
        email="eve@contoso.example", first_name="Eve", last_name="Ek", password="a quiet harbour at noon", note="New"
    )
    made = portal.user.create_or_update(*AT, "eve", new, notify=False)
    same((made.name, made.email, made.state, made.note), ("eve", "eve@contoso.example", "active", "New"))
    same([(one.provider, one.id) for one in made.identities], [("Basic", "eve@contoso.example")])
    holds(made.registration_date.tzinfo, "an instant")
    same([group.display_name for group in portal.user.get(*AT, "eve").groups], ["Developers"])
    Person("eve@contoso.example", "a quiet harbour at noon")
    changed = portal.user.update(*AT, "eve", "*", models.UserUpdateParameters(first_name="Eva", state="blocked"))
    same((changed.first_name, changed.last_name, changed.state), ("Eva", "Ek", "blocked"))
    same(portal.user.get_entity_tag(*AT, "eve"), True)
    same([one.id for one in portal.user_identities.list(*AT, "eve")], ["eve@contoso.example"])
    same(names(portal.user_subscription.list(*AT, "eve")), [])
    portal.user.update(*AT, "eve", "*", models.UserUpdateParameters(state="active"))
    link = portal.user.generate_sso_url(*AT, "eve").value
    holds(link.startswith(f"{PORTAL}/signin-sso?token="), link)
    sent = requests.Session()
    sent.verify, sent.trust_env = CA, False
    holds("Eva" in sent.get(link).text, "who is to sign in")
    form = {"token": link.split("=", 1)[1]}
    same(sent.post(f"{PORTAL}/signin-sso", data=form, headers={"Sec-Fetch-Site": "same-origin"}, allow_redirects=False).status_code, 303)
    same(sent.get(f"{PORTAL}/account", allow_redirects=False).status_code, 200)
    same(status(portal.user_confirmation_password.send, "eve"), 204)
    # As the client's examples have it: who confirms the address by mail is pending until then.
    asked = models.UserCreateParameters(email="fay@contoso.example", first_name="Fay", last_name="Foss", confirmation="signup")
    same(portal.user.create_or_update(*AT, "fay", asked).state, "pending")
    for name in ["eve", "fay"]:
        if hasattr(portal.user, "begin_delete"):
            same(portal.user.begin_delete(*AT, name, "*").result(), None)
        else:  # before 5.0
            same(status(portal.user.delete, name, "*"), 204)
        missing(lambda: portal.user.get(*AT, name))


def paging():
    """A thousand users by the client's own iterator: each is seen once."""
    everybody = int(os.environ["PORTAL_USERS"])
    before = calls
    seen = names(portal.user.list_by_service(*AT))
    same((len(seen), len(set(seen))), (everybody, everybody))
    same(calls - before, -(-everybody // 100))
    before = calls
    seen = names(portal.user.list_by_service(*AT, filter="startswith(email,'user0') and contains(lastName,'O''Number')", top=300))
    same((len(seen), len(set(seen)), calls - before), (1000, 1000, 4))
    same(len(names(portal.user.list_by_service(*AT, skip=everybody - 7))), 7)
    pages = portal.user.list_by_service(*AT, top=500, expand_groups=True).by_page()
    first = list(next(pages))
    same((len(first), {group.display_name for user in first[2:] for group in user.groups}), (500, {"Developers"}))
    same(names(portal.group_user.list(*AT, "developers", top=1000))[:3], names(first)[:3])


def filters():
    listed = lambda text: len(names(portal.user.list_by_service(*AT, filter=text)))
    for text, wanted in [
        ("email eq 'USER0007@fabrikam.example'", 1),
        ("lastName eq 'O''Number 7'", 1),
        ("firstName eq 'User' and startswith(email,'user000')", 10),
        ("startswith(email,'user000') and not endswith(lastName,'7')", 9),
        ("(lastName eq 'O''Number 1' or lastName eq 'O''Number 2') and state eq 'active'", 2),
        ("substringof('0500@', email)", 1),
        ("contains(email,'0500@') or email gt 'user0998@'", 3),
        ("email ge 'user0998@fabrikam.example' and email lt 'user0999@fabrikam.example'", 1),
        ("state eq 'blocked'", 0),
        ("registrationDate gt datetime'2030-01-01T00:00:00Z'", 0),
        ("registrationDate le 2030-01-01T00:00:00Z and contains(email,'+')", 0),
    ]:
        same((text, listed(text)), (text, wanted))
    same(names(portal.group.list_by_service(*AT, filter="name ne 'partners' and startswith(displayName,'D')")), ["developers"])
    same(names(portal.product.list_by_service(*AT, filter="state eq 'published' and contains(terms,'kind')")), ["orders"])
    expanded = list(portal.product.list_by_service(*AT, filter="name eq 'orders'", expand_groups=True))
    same(names(expanded), ["orders"])
    for text in ["email is 'x'", "password eq 'x'", "contains(state,'x')", "email eq", "' or 1 = 1 --"]:
        invalid("$filter", lambda text=text: names(portal.user.list_by_service(*AT, filter=text)))
    invalid("$top", lambda: names(portal.user.list_by_service(*AT, top=0)))
    invalid("$skip", lambda: names(portal.user.list_by_service(*AT, skip=-1)))


def subscriptions(dora):
    """A subscription, its keys, and another key in the place of one."""
    new = models.SubscriptionCreateParameters(
        scope="/products/orders", display_name="Dora's orders", owner_id=f"/users/{dora}", state="active"
    )
    made = portal.subscription.create_or_update(*AT, "dora-orders", new, notify=False)
    same((made.name, made.state, made.display_name), ("dora-orders", "active", "Dora's orders"))
    same((made.owner_id, made.scope), (f"{SERVICE}/users/{dora}", f"{SERVICE}/products/orders"))
    same((made.primary_key, made.secondary_key), (None, None))
    holds(made.created_date and made.start_date, "when it was made and began")
    same(status(portal.subscription.create_or_update, "dora-orders", new), 200)
    first = portal.subscription.list_secrets(*AT, "dora-orders")
    same((len(first.primary_key), len(first.secondary_key), first.primary_key != first.secondary_key), (32, 32, True))
    same(portal.subscription.regenerate_primary_key(*AT, "dora-orders"), None)
    second = portal.subscription.list_secrets(*AT, "dora-orders")
    same((second.primary_key != first.primary_key, second.secondary_key), (True, first.secondary_key))
    same(portal.subscription.regenerate_secondary_key(*AT, "dora-orders"), None)
    third = portal.subscription.list_secrets(*AT, "dora-orders")
    same((third.primary_key, third.secondary_key != first.secondary_key), (second.primary_key, True))
    same(portal.subscription.get_entity_tag(*AT, "dora-orders"), True)
    end = datetime.datetime(2099, 1, 31, 12, tzinfo=datetime.timezone.utc)
    update = models.SubscriptionUpdateParameters(state="suspended", state_comment="Not paid", expiration_date=end)
    changed = portal.subscription.update(*AT, "dora-orders", tag(portal.subscription.get, "dora-orders"), update)
    same((changed.state, changed.state_comment, changed.expiration_date), ("suspended", "Not paid", end))
    same(names(portal.subscription.list(*AT, filter="state eq 'suspended'")), ["dora-orders"])
    same(names(portal.subscription.list(*AT, filter=f"ownerId eq '{SERVICE}/users/{dora}' and productId eq 'orders'")), ["dora-orders"])
    same(names(portal.product_subscriptions.list(*AT, "orders")), ["dora-orders"])
    same(names(portal.user_subscription.list(*AT, dora)), ["dora-orders"])
    same(portal.user_subscription.get(*AT, dora, "dora-orders").name, "dora-orders")


DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "Orders", "version": "1.2"},
    "servers": [{"url": "https://orders.contoso.example/v1"}],
    "paths": {
        "/orders": {
            "get": {"operationId": "listOrders", "summary": "List orders", "responses": {"200": {"description": "All of them"}}},
            "post": {"operationId": "makeOrder", "responses": {"201": {"description": "Made"}}},
        },
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"operationId": "getOrder", "responses": {"200": {"description": "One"}}},
        },
    },
}


def import_():
    """An API from its description, into a product and out of it."""
    new = models.ApiCreateOrUpdateParameter(path="orders", display_name="Orders API", format="openapi+json", value=json.dumps(DOCUMENT))
    made = portal.api.begin_create_or_update(*AT, "orders", new).result()
    same((made.name, made.path, made.display_name), ("orders", "orders", "Orders API"))
    same((made.service_url, made.is_current, made.api_revision), ("https://orders.contoso.example/v1", True, "1"))
    same(sorted(names(portal.api_operation.list_by_api(*AT, "orders"))), ["getOrder", "listOrders", "makeOrder"])
    same(names(portal.api_operation.list_by_api(*AT, "orders", filter="method eq 'POST'")), ["makeOrder"])
    one = portal.api_operation.get(*AT, "orders", "getOrder")
    same((one.method, one.url_template, [parameter.name for parameter in one.template_parameters]), ("GET", "/orders/{id}", ["id"]))
    same([answer.status_code for answer in one.responses], [200])
    same(portal.api.begin_create_or_update(*AT, "ORDERS", new).result().name, "orders")
    same(portal.api.get_entity_tag(*AT, "orders"), True)
    changed = portal.api.update(*AT, "orders", tag(portal.api.get, "orders"), models.ApiUpdateContract(description="All *orders*"))
    same((changed.description, changed.display_name), ("All *orders*", "Orders API"))
    refused(ResourceNotFoundError, 404, None, lambda: portal.product_api.check_entity_exists(*AT, "orders", "orders"))
    same(status(portal.product_api.create_or_update, "orders", "orders"), 201)
    same(portal.product_api.create_or_update(*AT, "orders", "orders").path, "orders")
    same(portal.product_api.check_entity_exists(*AT, "orders", "orders"), True)
    same(names(portal.product_api.list_by_product(*AT, "orders")), ["orders"])
    same(names(portal.api_product.list_by_apis(*AT, "orders")), ["orders"])
    # The description, by a link that needs no token.
    for kind, beginning in [("openapi+json-link", "{"), ("openapi-link", "openapi:")]:
        link = portal.api_export.get(*AT, "orders", format=kind, export="true").value.link
        given = requests.get(link, verify=CA)
        same((given.status_code, given.text.lstrip().startswith(beginning)), (200, True))
    invalid("format", lambda: portal.api_export.get(*AT, "orders", format="wsdl-link", export="true"))
    if hasattr(portal, "product_group_link"):  # since 5.0
        for links, body, of in [
            (portal.product_group_link, models.ProductGroupLinkContract(group_id=f"{SERVICE}/groups/developers"), "group_id"),
            (portal.product_api_link, models.ProductApiLinkContract(api_id=f"{SERVICE}/apis/orders"), "api_id"),
        ]:
            same(getattr(links.create_or_update(*AT, "orders", "mine", body), of), getattr(body, of))
            same(getattr(links.get(*AT, "orders", "mine"), of), getattr(body, of))
            holds("mine" in names(links.list_by_product(*AT, "orders")), "the link among the others")
            same(status(links.delete, "orders", "mine"), 204)
            missing(lambda: links.get(*AT, "orders", "mine"))
        same(status(portal.product_api.create_or_update, "orders", "orders"), 201)
    same(status(portal.product_api.delete, "orders", "orders"), 204)
    same(names(portal.product_api.list_by_product(*AT, "orders")), [])
    invalid("value", lambda: portal.api.begin_create_or_update(*AT, "bad", models.ApiCreateOrUpdateParameter(
        path="bad", display_name="Bad", format="openapi+json", value="{")))
    invalid("format", lambda: portal.api.begin_create_or_update(*AT, "bad", models.ApiCreateOrUpdateParameter(
        path="bad", display_name="Bad", format="wsdl", value="<x/>")))


def by_hand():
    """An API without a description, and an operation of it."""
    new = models.ApiCreateOrUpdateParameter(
        path="echo", display_name="Echo", service_url="https://echo.contoso.example", protocols=["https"],
        contact=models.ApiContactInformation(name="Dora", email="dora@contoso.example"),
    )
    made = portal.api.begin_create_or_update(*AT, "echo", new).result()
    same((made.service_url, made.protocols, made.contact.email), ("https://echo.contoso.example", ["https"], "dora@contoso.example"))
    operation = models.OperationContract(
        display_name="Say it again", method="POST", url_template="/echo/{times}", description="As often as you like",
        template_parameters=[models.ParameterContract(name="times", type="integer", required=True)],
        request=models.RequestContract(query_parameters=[models.ParameterContract(name="loud", type="boolean", default_value="false")]),
        responses=[models.ResponseContract(status_code=200, description="Said", representations=[
            models.RepresentationContract(content_type="text/plain")])],
    )
    made = portal.api_operation.create_or_update(*AT, "echo", "say", operation)
    same((made.name, made.method, made.url_template), ("say", "POST", "/echo/{times}"))
    same([(one.name, one.type, one.required) for one in made.template_parameters], [("times", "integer", True)])
    same([(one.name, one.default_value) for one in made.request.query_parameters], [("loud", "false")])
    same([one.content_type for one in made.responses[0].representations], ["text/plain"])
    same(status(portal.api_operation.create_or_update, "echo", "say", operation), 200)
    same(portal.api_operation.get_entity_tag(*AT, "echo", "say"), True)
    changed = portal.api_operation.update(*AT, "echo", "say", "*", models.OperationUpdateContract(description="Once"))
    same((changed.description, changed.display_name), ("Once", "Say it again"))
    invalid("templateParameters", lambda: portal.api_operation.update(*AT, "echo", "say", "*", models.OperationUpdateContract(
        url_template="/echo")))
    same(names(portal.api.list_by_service(*AT, filter="path eq 'echo'")), ["echo"])
    same(status(portal.api_operation.delete, "echo", "say", "*"), 204)
    same(names(portal.api_operation.list_by_api(*AT, "echo")), [])
    if hasattr(portal.api, "begin_delete"):
        same(portal.api.begin_delete(*AT, "echo", "*", delete_revisions=True).result(), None)
    else:  # before 5.0
        same(status(portal.api.delete, "echo", "*", delete_revisions=True), 204)
    missing(lambda: portal.api.get(*AT, "echo"))


LETTER = """<!DOCTYPE html >
<html>
  <head />
  <body>
    <p style="font-size:12pt">Dear $DevFirstName $DevLastName, <a href="http://$DevPortalUrl">welcome</a> to $OrganizationName.</p>
  </body>
</html>"""


def templates():
    """What mails say."""
    here = "newDeveloperNotificationMessage"
    templates, written = portal.email_template, models.EmailTemplateUpdateParameters
    all_of_them = names(templates.list_by_service(*AT))
    holds(here in all_of_them and len(all_of_them) > 14, all_of_them)
    same(names(templates.list_by_service(*AT, filter=f"name eq '{here}'")), [here])
    before = templates.get(*AT, here)
    same((before.is_default, [one.name for one in before.parameters][:2]), (True, ["DevFirstName", "DevLastName"]))
    same(templates.get_entity_tag(*AT, here), True)
    same(status(templates.create_or_update, here, written(subject="Welcome, $DevFirstName", body=LETTER)), 201)
    same(status(templates.create_or_update, here, written(subject="Welcome, $DevFirstName", body=LETTER)), 200)
    changed = templates.update(*AT, here, tag(templates.get, here), written(subject="Hello $DevFirstName"))
    same((changed.subject, changed.body, changed.is_default), ("Hello $DevFirstName", LETTER, False))
    invalid("body", lambda: templates.update(*AT, here, "*", written(body="<p>$Unknown</p>")))
    invalid("body", lambda: templates.update(*AT, here, "*", written(body="<p>not well-formed")))
    invalid("templateName", lambda: templates.create_or_update(*AT, "newIssueNotificationMessage", written(subject="x")))
    refused(HttpResponseError, 412, "PreconditionFailed", lambda: templates.delete(*AT, here, '"99"'))
    same(status(templates.delete, here, "*"), 204)
    same(templates.get(*AT, here).subject, before.subject)
    missing(lambda: templates.get(*AT, "noTemplate"))


def notifications():
    here = "RequestPublisherNotificationMessage"
    all_of_them = names(portal.notification.list_by_service(*AT))
    holds(here in all_of_them and "BCC" in all_of_them, all_of_them)
    same(names(portal.notification.list_by_service(*AT, top=2, skip=1)), all_of_them[1:])
    emails, users = portal.notification_recipient_email, portal.notification_recipient_user
    same(emails.check_entity_exists(*AT, here, "desk@contoso.example"), False)
    same(status(emails.create_or_update, here, "desk@contoso.example"), 201)
    same(emails.create_or_update(*AT, here, "desk@contoso.example").email, "desk@contoso.example")
    same(emails.check_entity_exists(*AT, here, "desk@contoso.example"), True)
    same([one.email for one in emails.list_by_notification(*AT, here).value], ["desk@contoso.example"])
    invalid("email", lambda: emails.create_or_update(*AT, here, "nobody"))
    root = names(portal.user.list_by_service(*AT, filter="email eq 'root@portal.example'"))[0]
    same(users.check_entity_exists(*AT, here, root), True)
    same(status(users.delete, here, root), 204)
    same(users.check_entity_exists(*AT, here, root), False)
    same(users.create_or_update(*AT, here, root).user_id, f"{SERVICE}/users/{root}")
    same([one.user_id for one in users.list_by_notification(*AT, here).value], [f"{SERVICE}/users/{root}"])
    found = portal.notification.create_or_update(*AT, here)
    same((found.name, found.recipients.emails, found.recipients.users), (here, ["desk@contoso.example"], [f"{SERVICE}/users/{root}"]))
    same(status(emails.delete, here, "desk@contoso.example"), 204)
    same(portal.notification.get(*AT, here).recipients.emails, [])
    missing(lambda: portal.notification.get(*AT, "NoNotification"))


def settings():
    up = portal.sign_up_settings
    same((up.get(*AT).enabled, up.get_entity_tag(*AT)), (False, True))
    terms = models.TermsOfServiceProperties(text="Be **kind**.", enabled=True, consent_required=True)
    on = up.create_or_update(*AT, models.PortalSignupSettings(enabled=True, terms_of_service=terms))
    same((on.enabled, on.terms_of_service.text, on.terms_of_service.consent_required), (True, "Be **kind**.", True))
    session = requests.Session()
    session.trust_env = False
    holds("kind" in session.get(f"{PORTAL}/signup", verify=CA).text, "the page shows the terms")
    same(up.update(*AT, tag(up.get), models.PortalSignupSettings(enabled=False)), None)
    same((up.get(*AT).enabled, session.get(f"{PORTAL}/signup", verify=CA).status_code), (False, 404))
    same(portal.sign_in_settings.update(*AT, "*", models.PortalSigninSettings(enabled=False)), None)
    same(portal.sign_in_settings.get(*AT).enabled, False)
    invalid("enabled", lambda: portal.sign_in_settings.create_or_update(*AT, models.PortalSigninSettings(enabled=True)))
    same(portal.delegation_settings.get(*AT).user_registration.enabled, False)
    delegated = models.PortalDelegationSettings(user_registration=models.RegistrationDelegationSettingsProperties(enabled=True))
    invalid("userRegistration", lambda: portal.delegation_settings.create_or_update(*AT, delegated))
    same(portal.delegation_settings.list_secrets(*AT).validation_key, "")
    same(sorted(names(portal.portal_settings.list_by_service(*AT).value)), ["delegation", "signin", "signup"])


def tenant():
    """Tenant access, and what it signs: a shared access signature opens the API as a token does."""
    access = portal.tenant_access
    same(names(access.list_by_service(*AT)), ["access", "gitAccess"])
    same((access.get(*AT, "access").enabled, access.get_entity_tag(*AT, "access")), (False, True))
    same(access.update(*AT, "access", "*", models.AccessInformationUpdateParameters(enabled=True)).enabled, True)
    first = access.list_secrets(*AT, "access")
    holds(first.primary_key and first.secondary_key, "two keys")
    same(access.regenerate_primary_key(*AT, "access"), None)
    second = access.list_secrets(*AT, "access")
    same((second.primary_key != first.primary_key, second.secondary_key), (True, first.secondary_key))
    same(access.regenerate_secondary_key(*AT, "access"), None)
    holds(access.list_secrets(*AT, "access").secondary_key != second.secondary_key, "another secondary key")
    root = names(portal.user.list_by_service(*AT, filter="email eq 'root@portal.example'"))[0]
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)
    wanted = models.UserTokenParameters(key_type="primary", expiry=soon)
    signed = portal.user.get_shared_access_token(*AT, root, wanted).value
    holds(signed.startswith(f"{root}&"), signed)

    class Signature(SansIOHTTPPolicy):
        def on_request(self, request):
            request.http_request.headers["Authorization"] = f"SharedAccessSignature {signed}"

    by_signature = client("none", authentication_policy=Signature())
    same(by_signature.group.get(*AT, "partners").name, "partners")
    same(access.create(*AT, "access", "*", models.AccessInformationCreateParameters(enabled=False)).enabled, False)
    refused(ClientAuthenticationError, 401, "Unauthorized", lambda: by_signature.group.get(*AT, "partners"))


TENANT = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490"


def identity_providers():
    """A provider of the model's, one of our own, and an account that is linked."""
    ours = portal.identity_provider
    new = models.IdentityProviderCreateContract(client_id="portal", client_secret="s3cret", allowed_tenants=[TENANT])
    same(status(ours.create_or_update, "aad", new), 201)
    same(status(ours.create_or_update, "aad", new), 200)
    made = ours.get(*AT, "aad")
    same((made.id, made.type), (f"{SERVICE}/identityProviders/aad", "Microsoft.ApiManagement/service/identityProviders"))
    same((made.type_properties_type, made.client_id, made.client_secret), ("aad", "portal", None))
    same((made.authority, made.signin_tenant, made.allowed_tenants), ("login.microsoftonline.com", TENANT, [TENANT]))
    same(ours.get_entity_tag(*AT, "AAD"), True)
    same(ours.list_secrets(*AT, "aad").client_secret, "s3cret")
    first = tag(ours.get, "aad")
    changed = ours.update(*AT, "aad", first, models.IdentityProviderUpdateParameters(client_id="another", client_library="MSAL-2"))
    same((changed.client_id, changed.client_library, changed.allowed_tenants), ("another", "MSAL-2", [TENANT]))
    change = models.IdentityProviderUpdateParameters(client_secret="an0ther")
    refused(HttpResponseError, 412, "PreconditionFailed", lambda: ours.update(*AT, "aad", first, change))
    same(ours.update(*AT, "aad", "*", change).client_secret, None)
    same(ours.list_secrets(*AT, "aad").client_secret, "an0ther")
    okta = models.IdentityProviderCreateContract(
        type_properties_type="okta", authority="https://contoso.okta.example", client_id="portal", client_secret="s3cret"
    )
    same(ours.create_or_update(*AT, "contoso", okta).type_properties_type, "okta")
    same(sorted(names(ours.list_by_service(*AT))), ["aad", "contoso", "staff"])
    domain = models.IdentityProviderUpdateParameters(allowed_tenants=["contoso.onmicrosoft.com"])
    invalid("allowedTenants", lambda: ours.update(*AT, "aad", "*", domain))
    invalid("identityProviderName", lambda: ours.create_or_update(*AT, "facebook", new))
    invalid("type", lambda: ours.create_or_update(*AT, "fabrikam", new))
    refused(HttpResponseError, 403, "Forbidden", lambda: client(os.environ["PORTAL_READS"]).identity_provider.list_secrets(*AT, "aad"))
    for name in ["aad", "contoso"]:
        same(status(ours.delete, name, "*"), 204)
        missing(lambda: ours.get(*AT, name))
    # As the directory calls somebody, beside the password, which this one does not have.
    linked = names(portal.user.list_by_service(*AT, filter="email eq 'user0000@fabrikam.example'"))[0]
    same([(one.provider, one.id) for one in portal.user_identities.list(*AT, linked)], [("Aad", "object-1")])
    same([(one.provider, one.id) for one in portal.user.get(*AT, linked).identities], [("Aad", "object-1")])


def refusals(dora):
    name = lambda text: models.GroupCreateParameters(display_name=text)
    for group in ["administrators", "Developers", "guests"]:
        for ask in [
            lambda: portal.group.create_or_update(*AT, group, name("Mine")),
            lambda: portal.group.update(*AT, group, "*", models.GroupUpdateParameters(display_name="Mine")),
            lambda: portal.group.delete(*AT, group, "*"),
        ]:
            error = refused(HttpResponseError, 405, "MethodNotAllowed", ask)
            holds("System entity cannot be modified" in error.error.message, error)
    refused(HttpResponseError, 405, "MethodNotAllowed", lambda: portal.group_user.create(*AT, "developers", dora))
    invalid("gid", lambda: portal.product_group.create_or_update(*AT, "orders", "nobody"), "Group not found")

    for ask in [
        lambda: portal.group.update(*AT, "partners", '"99"', models.GroupUpdateParameters(description="x")),
        lambda: portal.group.update(*AT, "partners", "99", models.GroupUpdateParameters(description="x")),
        lambda: portal.group.create_or_update(*AT, "partners", name("Another"), if_match='"99"'),
        lambda: portal.group.delete(*AT, "partners", '"99"'),
        lambda: portal.product.delete(*AT, "orders", "W/\"99\""),
        lambda: portal.subscription.delete(*AT, "dora-orders", '"99"'),
    ]:
        refused(HttpResponseError, 412, "PreconditionFailed", ask)
    careless = client(os.environ["PORTAL_WRITES"], per_call_policies=[Without("If-Match")])
    for ask in [
        lambda: careless.group.update(*AT, "partners", "*", models.GroupUpdateParameters(description="x")),
        lambda: careless.group.delete(*AT, "partners", "*"),
        lambda: careless.product.delete(*AT, "orders", "*"),
        lambda: careless.subscription.update(*AT, "dora-orders", "*", models.SubscriptionUpdateParameters(display_name="x")),
        lambda: careless.sign_up_settings.update(*AT, "*", models.PortalSignupSettings(enabled=True)),
        lambda: portal.group.delete(*AT, "partners", ""),
    ]:
        invalid("If-Match", ask)

    user = lambda **more: models.UserCreateParameters(**{"email": "f@contoso.example", "first_name": "F", "last_name": "F", **more})
    subscription = lambda **more: models.SubscriptionCreateParameters(
        **{"scope": "/products/orders", "display_name": "S", "owner_id": f"/users/{dora}", **more})
    for target, ask in [
        ("displayName", lambda: portal.group.create_or_update(*AT, "long", name("x" * 301))),
        ("displayName", lambda: portal.group.create_or_update(*AT, "empty", name(""))),
        ("displayName", lambda: portal.group.create_or_update(*AT, "twin", name("CONTOSO partners"))),
        ("description", lambda: portal.group.update(*AT, "partners", "*", models.GroupUpdateParameters(description="x" * 1001))),
        ("externalId", lambda: portal.group.create_or_update(*AT, "ext", models.GroupCreateParameters(display_name="E", type="external"))),
        ("gid", lambda: portal.group.create_or_update(*AT, "n" * 257, name("N"))),
        ("state", lambda: portal.product.update(*AT, "orders", "*", models.ProductUpdateParameters(state="draft"))),
        ("state", lambda: portal.user.create_or_update(*AT, "f", user(state="asleep"))),
        ("confirmation", lambda: portal.user.create_or_update(*AT, "f", user(confirmation="later"))),
        ("email", lambda: portal.user.create_or_update(*AT, "f", user(email="DORA@contoso.example"))),
        ("firstName", lambda: portal.user.create_or_update(*AT, "f", user(first_name="x" * 101))),
        ("uid", lambda: portal.user.create_or_update(*AT, "f" * 81, user())),
        ("state", lambda: portal.subscription.create_or_update(*AT, "s", subscription(state="odd"))),
        ("scope", lambda: portal.subscription.create_or_update(*AT, "s", subscription(scope="/apis"))),
        ("ownerId", lambda: portal.subscription.create_or_update(*AT, "s", subscription(owner_id="/users/nobody"))),
        ("displayName", lambda: portal.subscription.create_or_update(*AT, "s", subscription(display_name="x" * 101))),
        ("sid", lambda: portal.subscription.create_or_update(*AT, "s*", subscription())),
    ]:
        invalid(target, ask)

    for ask in [
        lambda: portal.group.get(*AT, "nobody"),
        lambda: portal.user.get(*AT, "nobody"),
        lambda: portal.product.get(*AT, "nothing"),
        lambda: portal.subscription.get(*AT, "nothing"),
        lambda: portal.api.get(*AT, "nothing"),
        lambda: portal.group_user.create(*AT, "partners", "nobody"),
        lambda: portal.group.update(*AT, "nobody", "*", models.GroupUpdateParameters(description="x")),
        lambda: portal.policy.get(*AT, "policy"),
    ]:
        missing(ask)
    refused(ResourceNotFoundError, 404, None, lambda: portal.group.get_entity_tag(*AT, "nobody"))
    same(status(portal.group.delete, "nobody", "*"), 204)

    error = refused(HttpResponseError, 400, "ValidationError", lambda: portal.product.delete(*AT, "orders", "*"))
    holds("deleteSubscriptions=true" in str(error), error)
    same(portal.product.get(*AT, "orders").name, "orders")

    for token in ["", "nonsense", os.environ["PORTAL_READS"][:40]]:
        refused(ClientAuthenticationError, 401, "Unauthorized", lambda: client(token).group.get(*AT, "partners"))
    nobody = client("none", authentication_policy=Without("Authorization"))
    refused(ClientAuthenticationError, 401, "Unauthorized", lambda: nobody.group.get(*AT, "partners"))
    reads = client(os.environ["PORTAL_READS"])
    same(reads.group.get(*AT, "partners").name, "partners")
    for ask in [
        lambda: reads.group.create_or_update(*AT, "mine", name("Mine")),
        lambda: reads.group.update(*AT, "partners", "*", models.GroupUpdateParameters(description="x")),
        lambda: reads.group.delete(*AT, "partners", "*"),
        lambda: reads.subscription.list_secrets(*AT, "dora-orders"),
        lambda: reads.subscription.regenerate_primary_key(*AT, "dora-orders"),
        lambda: client(os.environ["PORTAL_GATEWAY"]).group.get(*AT, "partners"),
    ]:
        refused(HttpResponseError, 403, "Forbidden", ask)
    root = names(portal.user.list_by_service(*AT, filter="email eq 'root@portal.example'"))[0]
    refused(ResourceExistsError, 409, "Conflict", lambda: portal.user.update(*AT, root, "*", models.UserUpdateParameters(state="blocked")))


def the_end():
    """Everything goes again."""
    same(status(portal.product.delete, "orders", "*", delete_subscriptions=True), 204)
    same(names(portal.subscription.list(*AT)), [])
    same(status(portal.group.delete, "partners", tag(portal.group.get, "partners")), 204)
    same(names(portal.group.list_by_service(*AT)), ["administrators", "developers", "guests"])


began = time.monotonic()
portal = client(os.environ["PORTAL_WRITES"])
service()
somebody = groups()
people()
paging()
filters()
subscriptions(somebody)
import_()
by_hand()
templates()
notifications()
settings()
tenant()
identity_providers()
refusals(somebody)
the_end()
took = time.monotonic() - began
print(f"count: Python client {CLIENT}, {os.environ['PORTAL_DATABASE']}: {calls} calls, {checks} checks in {took:.1f} s")

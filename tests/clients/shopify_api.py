"""Manages webhooks with Shopify's own client library, as an app written for that platform does.

Arguments: the API's URL, a path prefix ("/admin", "/api", "/admin/api/2024-10"), a token, and how to send it
("header", "bearer", "basic"). The library is told where the API is and nothing else.
"""

import base64
import sys

import shopify
from pyactiveresource.connection import ResourceInvalid, ResourceNotFound, UnauthorizedAccess

url, prefix, token, credentials = sys.argv[1:]
HEADERS = {
    "header": lambda token: {"X-Shopify-Access-Token": token},
    "bearer": lambda token: {"Authorization": f"Bearer {token}"},
    "basic": lambda token: {"Authorization": "Basic " + base64.b64encode(f"any:{token}".encode()).decode()},
}


def sign_in(token):
    shopify.ShopifyResource.set_headers(HEADERS[credentials](token))


def fails(error, call):
    """The error that a call fails with."""
    try:
        call()
    except error as raised:
        return raised
    raise AssertionError(f"no {error.__name__}")


shopify.ShopifyResource.set_site(url + prefix)
shopify.ShopifyResource.set_user(None)
shopify.ShopifyResource.set_password(None)
sign_in(token)
assert shopify.Webhook.count() == 0 and shopify.Webhook.find() == []

webhook = shopify.Webhook.create({"topic": "orders/create", "address": "https://a.example/", "format": "json"})
assert webhook.id and webhook.errors.full_messages() == [], webhook.errors.full_messages()
assert webhook.fields == [] and webhook.metafield_namespaces == []

again = shopify.Webhook.create({"topic": "orders/create", "address": "https://a.example/", "format": "json"})
assert again.id is None
assert again.errors.full_messages() == ["address for this topic has already been taken"], again.errors.errors

blank = shopify.Webhook.create({"body": "foobar"})
assert [message[:14] for message in blank.errors.full_messages()] == ["can't be blank", "Invalid topic ", "can't be blank"]

# It sends back every attribute that it was sent.
webhook.address = "https://b.example/"
assert webhook.save() and webhook.address == "https://b.example/"
found = shopify.Webhook.find(webhook.id)
assert found.to_dict() == webhook.to_dict(), (found.to_dict(), webhook.to_dict())
assert shopify.Webhook.count(topic="orders/create") == 1 and shopify.Webhook.count(topic="orders/paid") == 0
assert [listed.id for listed in shopify.Webhook.find(limit=1, since_id=0)] == [webhook.id]
assert [listed.to_dict() for listed in shopify.Webhook.find(fields="id")] == [{"id": webhook.id}]
assert "/" in shopify.ShopifyResource.connection.response.headers["x-shopify-shop-api-call-limit"]

webhook.destroy()
fails(ResourceNotFound, lambda: shopify.Webhook.find(webhook.id))
sign_in("shtk_wrong")
fails(UnauthorizedAccess, shopify.Webhook.count)

"""Manages webhooks with Shopify's own client library, as an app written for that platform does.

Arguments: the API's URL and a token. The library is told where the API is and how to send the token, and nothing
else; all of it is done once for each path prefix and each way to send a token.
"""

import base64
import http.client
import itertools
import json
import sys
import urllib.parse

import shopify
from pyactiveresource.connection import ResourceNotFound, UnauthorizedAccess

url, token = sys.argv[1:]
PREFIXES = ["/admin/api/2024-10", "/admin", "/api"]
CREDENTIALS = [
    lambda token: {"X-Shopify-Access-Token": token},
    lambda token: {"X-Spiffy-Stores-Access-Token": token},
    lambda token: {"Authorization": f"Bearer {token}"},
    lambda token: {"Authorization": "Basic " + base64.b64encode(f"any:{token}".encode()).decode()},
]


def fails(error, call):
    """Makes a call that must fail so."""
    try:
        call()
    except error:
        return
    raise AssertionError(f"no {error.__name__}")


def manage_webhooks(prefix, credentials):
    """A webhook's life."""
    shopify.ShopifyResource.set_site(url + prefix)
    shopify.ShopifyResource.set_user(None)
    shopify.ShopifyResource.set_password(None)
    shopify.ShopifyResource.set_headers(credentials(token))
    assert shopify.Webhook.count() == 0 and shopify.Webhook.find() == []

    webhook = shopify.Webhook.create({"topic": "orders/create", "address": "https://a.example/", "format": "json"})
    assert webhook.id and webhook.errors.full_messages() == [], webhook.errors.full_messages()
    assert webhook.fields == [] and webhook.metafield_namespaces == []

    again = shopify.Webhook.create({"topic": "orders/create", "address": "https://a.example/", "format": "json"})
    assert again.id is None
    assert again.errors.full_messages() == ["address for this topic has already been taken"], again.errors.errors

    blank = shopify.Webhook.create({"body": "foobar"})
    messages = [message[:14] for message in blank.errors.full_messages()]
    assert messages == ["can't be blank", "Invalid topic ", "can't be blank"], messages

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
    shopify.ShopifyResource.set_headers(credentials("shtk_wrong"))
    fails(UnauthorizedAccess, shopify.Webhook.count)


def ask_without_accept():
    """Asks as the plainest client does: with no header but the token's."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.putrequest("GET", parts.path + "/admin/webhooks/count.json", skip_accept_encoding=True)
    connection.putheader("Authorization", f"Bearer {token}")
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 200 and json.load(answer) == {"count": 0}


def read_the_call_limit():
    """As docs/api.md tells it, since names of headers are in lower case."""
    shopify.Limits.CREDIT_LIMIT_HEADER_PARAM = "x-shopify-shop-api-call-limit"
    shopify.Webhook.count()
    assert shopify.Limits.credit_used() >= 1 and shopify.Limits.credit_limit() > shopify.Limits.credit_used()


def page_through_webhooks():
    """Pages as apps do: by what the library makes of the `Link` header. 51 webhooks are two pages."""
    shopify.ShopifyResource.set_site(url + PREFIXES[0])
    shopify.ShopifyResource.set_headers(CREDENTIALS[0](token))
    webhooks = [
        shopify.Webhook.create({"topic": "orders/create", "address": f"https://a.example/{number}", "format": "json"})
        for number in range(51)
    ]
    ids = [webhook.id for webhook in webhooks]
    first = shopify.Webhook.find()
    assert [webhook.id for webhook in first] == ids[:50]
    assert first.has_next_page() and not first.has_previous_page()
    second = first.next_page(no_cache=True)
    assert [webhook.id for webhook in second] == ids[50:]
    assert second.has_previous_page() and not second.has_next_page()
    assert [webhook.id for webhook in second.previous_page(no_cache=True)] == ids[:50]
    assert not shopify.Webhook.find(limit=51).has_next_page()
    everything = [webhook.id for page in shopify.PaginatedIterator(shopify.Webhook.find(limit=20)) for webhook in page]
    assert everything == ids
    read_the_call_limit()
    since = shopify.Webhook.find(created_at_min="2014-04-25 16:15:47 -0400", created_at_max="2014-04-25")
    assert since == [] and not since.has_next_page()
    for webhook in webhooks:
        webhook.destroy()


for prefix, credentials in itertools.product(PREFIXES, CREDENTIALS):
    manage_webhooks(prefix, credentials)
ask_without_accept()
page_through_webhooks()

// Judges a delivery with Shopify's own JavaScript library, as an app written for that platform does.
//
// Standard input: {"headers": {...}, "body": "...", "secret": "..."}. Prints what the library says.

import { text } from "node:stream/consumers";
import "@shopify/shopify-api/adapters/node";
import { LogSeverity, shopifyApi } from "@shopify/shopify-api";

const { headers, body, secret } = JSON.parse(await text(process.stdin));
const shopify = shopifyApi({
  apiKey: "key",
  apiSecretKey: secret,
  apiVersion: "2026-10",
  hostName: "app.example",
  isEmbeddedApp: false,
  logger: { level: LogSeverity.Error },
});
const rawRequest = { method: "POST", url: "/webhooks", headers };
console.log(JSON.stringify(await shopify.webhooks.validate({ rawBody: body, rawRequest })));

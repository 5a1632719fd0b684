//! What `storehook local` prints when the stack is ready.

use std::fmt;

use serde::Serialize;

use crate::stack::stack_file::StackFile;

/// The stack's addresses and keys.
#[derive(Serialize)]
pub(super) struct Ready<'a> {
    /// What `stack.json` has.
    #[serde(flatten)]
    pub(super) file: &'a StackFile,
    /// A link that signs one person in to the panel, once.
    pub(super) panel_link: &'a str,
    /// The factor of all waits before an attempt.
    pub(super) retry_time_scale: &'a str,
}

impl fmt::Display for Ready<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&text(self.file, self.panel_link, self.retry_time_scale))
    }
}

/// The stack's addresses and keys, and a command to paste for each step of the tour.
fn text(file: &StackFile, panel_link: &str, retry_time_scale: &str) -> String {
    let minutes = retry_time_scale.parse::<f64>().map_or(0.0, |scale| 48.0 * 60.0 * scale);
    let StackFile { api_url, token, shared_secret, shop, app, .. } = file;
    let cli = if cfg!(debug_assertions) { "cargo run -q --" } else { "cargo run -q --release --" };
    let secret = shared_secret.reveal();
    let standard = shared_secret.reveal_standard();
    format!(
        r#"
Storehook is ready.

  API       {api_url}/admin/webhooks.json
  Panel     {panel_link}
            (works once, for 10 minutes; another one: {cli} panel-link --shop {shop} --app {app})
  Shop      {shop}
  Token     {token}
  Secret    {secret}
            {standard}   (the same, for Standard Webhooks libraries)

The tour, to paste into another terminal:

  1. Receive: verify and print deliveries
     {cli} listen

  2. Subscribe: a webhook for new orders
     curl -s '{api_url}/admin/webhooks.json' -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \
       -d '{{"webhook": {{"topic": "orders/create", "address": "http://127.0.0.1:9000/"}}}}'
     (for a receiver in a container, start the stack with `local --allow 172.17.0.0/16`: else its address "is not allowed")

  3. Publish: an order, and see it arrive
     {cli} publish --topic orders/create --payload events/payloads/order.json

  4. Break the endpoint: stop the receiver, start it misbehaving, publish again, and watch the retries
     {cli} listen --status 500

  5. Watch the delivery move from queue to queue, and to the dead letters (48 hours take {minutes:.1} minutes here)
     {cli} status

  6. Look up what became of each, with its attempts (the webhook's id is 1 on a new stack)
     curl -s '{api_url}/admin/webhooks/1/deliveries.json' -H 'Authorization: Bearer {token}'

  7. Mend the endpoint (listen without --status), and send the dead letters again
     {cli} redrive
"#
    )
}

//! The demo app and its shop, and the file in which tools find them.

use anyhow::Result;
use storehook_domain::installation::{Scope, secret::SharedSecret};

use crate::{
    install::{self, Keys, install},
    stack::{
        connection::Connection,
        local_stack::LOCAL_REGION,
        outputs::Outputs,
        stack_file::{Functions, Queues, StackFile, Tables},
    },
};

const DEMO_SHOP: &str = "demo.spiffystores.com";
const DEMO_APP: &str = "demo-app";

// The same on every machine, so that documents and events/ can name them. They protect nothing: the
// local stack listens on loopback alone.
const DEMO_TOKEN: &str = "shtk_local_demo";
const DEMO_SECRET: &str = "storehook-local-demo-secret";

/// Installs the demo app, unless a kept state already holds it.
pub(super) async fn install_demo_app(connection: &Connection) -> Result<Keys> {
    let keys = Keys { token: DEMO_TOKEN.to_owned(), secret: SharedSecret::parse(DEMO_SECRET)? };
    let args = install::Args {
        shop: DEMO_SHOP.parse()?,
        app: DEMO_APP.parse()?,
        time_zone: "America/New_York".to_owned(),
        scopes: vec![Scope::Webhooks, Scope::EventsPush],
    };
    install(connection, &args, &keys).await?;
    Ok(keys)
}

/// The content of `stack.json` for a stack that was just deployed.
pub(super) fn stack_file(endpoint_url: &str, outputs: Outputs, keys: Keys) -> Result<StackFile> {
    let api_url = outputs.local_api_url(endpoint_url);
    Ok(StackFile {
        endpoint_url: endpoint_url.to_owned(),
        // Its pages link to each other from the root, so it needs a host of its own. Browsers
        // resolve `*.localhost` to loopback themselves (RFC 6761 §6.3).
        panel_url: format!("{}/panel", outputs.api_url),
        api_url,
        shop: DEMO_SHOP.parse()?,
        app: DEMO_APP.parse()?,
        token: keys.token,
        shared_secret: keys.secret,
        stream_name: outputs.stream_name,
        queues: Queues {
            delivery: outputs.delivery_queue_url,
            retry: outputs.retry_queue_url,
            dead_letter: outputs.dead_letter_queue_url,
            rejected: outputs.rejected_queue_url,
        },
        tables: Tables { registry: outputs.registry_table, history: outputs.history_table },
        functions: Functions {
            admin_api: outputs.admin_api_function,
            fan_out: outputs.fan_out_function,
            delivery: outputs.delivery_function,
        },
        region: LOCAL_REGION.to_owned(),
        pid: std::process::id(),
    })
}

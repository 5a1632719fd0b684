//! Uninstalling an app from a shop, as the store would: by the event `app/uninstalled`.
//!
//! The event goes onto the stream, and the fan-out function ends the installation: it is delivered to
//! the app once, the token stops working, the webhooks go, and deliveries that wait are cancelled. The
//! command waits until the installation has ended.

use std::{fmt, time::Duration};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::json;
use storehook_aws::{registry::InstallationState, stream::Record};
use storehook_domain::{
    event::{StoreEvent, catalogue::APP_UNINSTALLED, origin::RecordOrigin},
    installation::{app::AppId, shop::ShopDomain},
};

use crate::{
    exit::Wrong,
    global::Global,
    installation::{Registry, Which},
    output, progress,
    publish::publish,
};

const EXAMPLES: &str = "\
Examples:
  storehook --stack storehook uninstall --shop mynewstore.spiffystores.com --app my-app
  storehook --stack storehook uninstall --shop mynewstore.spiffystores.com --app my-app --yes --json";

/// The options of `storehook uninstall`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    which: Which,
}

/// How often the command looks whether the installation has ended.
const LOOK: Duration = Duration::from_millis(500);

/// How often it looks at most: for a minute and a half.
const LOOKS: usize = 180;

/// `storehook uninstall`
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let connection = global.connect().await?;
    let registry = Registry::of(&connection);
    let Which { shop, app } = &args.which;
    let Some(installation) = registry.load(&args.which).await? else {
        bail!("{app} is not installed on {shop}: `storehook list` shows what is installed where")
    };
    if installation.state() == InstallationState::Installed {
        global.confirm(&format!(
            "{app} will be uninstalled from {shop}: its token stops working, its webhooks go, and deliveries that wait \
             for them are cancelled. That cannot be undone."
        ))?;
        let event_id = uuid::Uuid::new_v4().to_string();
        publish(&connection, vec![record(shop, app, &event_id)?]).await?;
    }
    let state = wait_for_end(&registry, &args.which).await?;
    let has_ended = state == InstallationState::Ended;
    let shown = Uninstalled { shop, app, state: if has_ended { "ended" } else { "ending" } };
    global.show(&shown)?;
    if has_ended {
        return Ok(());
    }
    output::note(
        "It has not ended yet: the fan-out function must read its event first. See `storehook status`.",
    );
    Err(Wrong.into())
}

/// The event's record. Its payload names the shop, as the store's own does.
fn record(shop: &ShopDomain, app: &AppId, event_id: &str) -> Result<Record> {
    let data = json!({
        "shop": shop, "topic": APP_UNINSTALLED, "event_id": event_id, "triggered_at": storehook_aws::now(), "app": app,
        "payload": {"domain": shop},
    })
    .to_string();
    let origin = RecordOrigin { shard_id: "", sequence_number: "", arrived_at: storehook_aws::now() };
    let partition_key = StoreEvent::parse(data.as_bytes(), &origin)?.partition_key();
    Ok(Record { partition_key, data: data.into_bytes() })
}

async fn wait_for_end(registry: &Registry, which: &Which) -> Result<InstallationState> {
    let waiting = progress::spinner("waiting for the end of the installation");
    let mut state = InstallationState::Installed;
    for _ in 0..LOOKS {
        let found =
            registry.load(which).await.context("the event is published, but its end cannot be seen")?;
        // It expires only days after its end.
        state = found.map_or(InstallationState::Ended, |installation| installation.state());
        if state == InstallationState::Ended {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    waiting.finish_and_clear();
    Ok(state)
}

/// What has become of the installation.
#[derive(Serialize)]
struct Uninstalled<'a> {
    shop: &'a ShopDomain,
    app: &'a AppId,
    state: &'static str,
}

impl fmt::Display for Uninstalled<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shop, app, state } = self;
        write!(formatter, "{app} is uninstalled from {shop}: {state}")
    }
}

//! All installations of a stack.
//!
//! They are found by a scan of the registry, which reads all of it: installations, their webhooks and
//! everything else. So it takes as long as the registry is large, and shows how far it is.

use std::{collections::BTreeSet, fmt};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::Serialize;
use storehook_aws::{
    registry::{INSTALLATION_SORT_KEY, InstallationItem, InstallationState, TOKEN_SORT_KEY, is_installation},
    table::{Item, from_item, text},
};
use storehook_domain::{
    installation::{Installation, Scope, app::AppId, shop::ShopDomain},
    words::number::counted,
};

use crate::{
    global::Global,
    installation::Registry,
    progress,
    table::{
        Column::{Left, Right},
        table,
    },
    time,
};

const EXAMPLES: &str = "\
Examples:
  storehook list
  storehook --stack storehook list --shop mynewstore.spiffystores.com
  storehook --stack storehook list --json | jq -r '.installations[] | select(.token == \"revoked\") | .shop'";

/// The options of `storehook list`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only the apps on this shop.
    #[arg(long)]
    shop: Option<ShopDomain>,
    /// Only this app.
    #[arg(long)]
    app: Option<AppId>,
}

/// `storehook list`
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let registry = Registry::of(&global.connect().await?);
    let mut found = scan(&registry).await.context("the registry cannot be read")?;
    found.retain(|installation| {
        args.shop.as_ref().is_none_or(|shop| *shop == installation.shop)
            && args.app.as_ref().is_none_or(|app| *app == installation.app)
    });
    Ok(global.show(&Listed { installations: found })?)
}

/// Installations, by shop and app.
#[derive(Debug, Serialize)]
struct Listed {
    installations: Vec<ListedInstallation>,
}

/// An installation.
#[derive(Debug, Serialize)]
struct ListedInstallation {
    shop: ShopDomain,
    app: AppId,
    state: &'static str,
    /// Whether its token works.
    token: &'static str,
    scopes: Vec<Scope>,
    /// How many webhooks it has; null if nobody has counted them.
    webhooks: Option<u64>,
    /// How many secrets sign.
    secrets: usize,
    time_zone: String,
    store_id: String,
    installed_at: Timestamp,
    uninstalled_at: Option<Timestamp>,
}

async fn scan(registry: &Registry) -> Result<Vec<ListedInstallation>> {
    let scan = registry
        .client
        .scan()
        .table_name(&registry.table)
        .filter_expression("sk IN (:installation, :token)")
        .expression_attribute_values(":installation", text(INSTALLATION_SORT_KEY))
        .expression_attribute_values(":token", text(TOKEN_SORT_KEY));
    let mut pages = scan.into_paginator().send();
    let read = progress::count("items of the registry read");
    let (mut installations, mut tokens) = (Vec::new(), BTreeSet::new());
    while let Some(page) = pages.next().await {
        let page = page?;
        read.inc(u64::try_from(page.scanned_count).unwrap_or_default());
        for item in page.items.unwrap_or_default() {
            if is_installation(&item) {
                installations.push(from_item::<InstallationItem>(item)?);
            } else {
                tokens.extend(partition(&item));
            }
        }
    }
    read.finish_and_clear();
    let now = storehook_aws::now();
    let mut listed: Vec<_> =
        installations.into_iter().map(|installation| of(installation, &tokens, now)).collect();
    listed.sort_by(|one, other| (&one.shop, &one.app).cmp(&(&other.shop, &other.app)));
    Ok(listed)
}

fn partition(item: &Item) -> Option<String> {
    item.get("pk")?.as_s().ok().cloned()
}

fn of(item: InstallationItem, tokens: &BTreeSet<String>, now: Timestamp) -> ListedInstallation {
    let state = item.state();
    let token = if tokens.contains(item.token()) { "works" } else { "revoked" };
    let (webhooks, installed_at) = (item.webhook_count().map(|count| count.webhooks), item.installed_at);
    let installation = Installation::from(item);
    let secrets = installation.signing_secrets(now).count();
    let Installation { shop, app, store_id, time_zone, scopes, uninstalled_at, .. } = installation;
    let state = match state {
        InstallationState::Installed => "installed",
        InstallationState::Ending => "ending",
        InstallationState::Ended => "ended",
    };
    ListedInstallation {
        shop,
        app,
        state,
        token,
        scopes,
        webhooks,
        secrets,
        time_zone,
        store_id,
        installed_at,
        uninstalled_at,
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = [
            Left("shop"),
            Left("app"),
            Left("state"),
            Left("token"),
            Left("scopes"),
            Right("webhooks"),
            Right("secrets"),
            Left("time zone"),
            Left("store id"),
            Left("installed"),
            Left("uninstalled"),
        ];
        let rows = self.installations.iter().map(|installation| {
            let scopes: Vec<_> = installation.scopes.iter().map(|scope| scope.as_str()).collect();
            [
                installation.shop.to_string(),
                installation.app.to_string(),
                installation.state.to_owned(),
                installation.token.to_owned(),
                scopes.join(","),
                installation.webhooks.map_or("?".to_owned(), |webhooks| webhooks.to_string()),
                installation.secrets.to_string(),
                installation.time_zone.clone(),
                installation.store_id.clone(),
                time::short(installation.installed_at),
                installation.uninstalled_at.map(time::short).unwrap_or_default(),
            ]
        });
        let number = counted(self.installations.len() as u64, "installation", "installations");
        write!(formatter, "{}\n{number}", table(columns, rows))
    }
}

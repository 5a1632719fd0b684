//! One-time links to the control panel, for the operator.
//!
//! The operator writes the link into the registry with the AWS credentials at hand; no token is
//! needed. Whoever opens the link sees what the app sees on the shop, and nothing else.

use std::fmt;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use storehook_aws::{
    random_text,
    registry::{LINK_TIME, LinkItem},
    table::to_item,
};
use storehook_domain::installation::{app::AppId, shop::ShopDomain, token::TokenHash};

use crate::{
    global::Global,
    installation::{Registry, Which},
    output,
    stack::connection::Connection,
};

const EXAMPLES: &str = "\
Examples:
  storehook panel-link --shop demo.spiffystores.com --app demo-app
  storehook --stack storehook panel-link --shop mynewstore.spiffystores.com --app my-app";

/// The options of `storehook panel-link`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The shop's domain.
    #[arg(long)]
    pub shop: ShopDomain,
    /// The app's name.
    #[arg(long)]
    pub app: AppId,
    /// Where the panel is [default: the stack's output `PanelUrl`]
    #[arg(long)]
    pub panel_url: Option<String>,
}

/// `storehook panel-link`
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let connection = global.connect().await?;
    let panel_url = match (args.panel_url, &connection.local) {
        (Some(panel_url), _) => panel_url,
        (None, Some(local)) => local.panel_url.clone(),
        (None, None) => connection.outputs().await?.panel_url.clone(),
    };
    let url = panel_link(&connection, &args.shop, &args.app, &panel_url).await?;
    global.show(&Link { url, valid_seconds: LINK_TIME.as_secs() })?;
    output::note(format_args!(
        "It signs one person in as {} on {}, once, for {} minutes.",
        args.app,
        args.shop,
        LINK_TIME.as_mins()
    ));
    Ok(())
}

/// A link, which works once.
#[derive(Serialize)]
struct Link {
    url: String,
    valid_seconds: i64,
}

impl fmt::Display for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.url)
    }
}

/// Makes a link for an app on a shop.
pub async fn panel_link(
    connection: &Connection,
    shop: &ShopDomain,
    app: &AppId,
    panel_url: &str,
) -> Result<String> {
    let Registry { client, table } = &Registry::of(connection);
    let which = Which { shop: shop.clone(), app: app.clone() };
    let installation = Registry::of(connection).installed(&which).await?;
    let token = client.get_item().table_name(table).set_key(Some(installation.token_key()));
    let token = token.consistent_read(true).send().await.context("the registry cannot be read")?.item;
    ensure!(
        token.is_some(),
        "the token of {app} on {shop} is revoked: `storehook token rotate` makes another one"
    );
    let code = random_text()?;
    let link = LinkItem::new(&TokenHash::of(&code), installation.token().to_owned(), storehook_aws::now());
    let put = client.put_item().table_name(table).set_item(Some(to_item(link)?));
    put.send().await.context("the registry refused the link")?;
    Ok(format!("{}/link?code={code}", panel_url.trim_end_matches('/')))
}

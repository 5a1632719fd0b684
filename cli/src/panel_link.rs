//! One-time links to the control panel, for the operator.
//!
//! The operator writes the link into the registry with the AWS credentials at hand; no token is
//! needed. Whoever opens the link sees what the app sees on the shop, and nothing else.

use anyhow::{Context as _, Result, bail};
use aws_sdk_dynamodb::Client;
use storehook_aws::{
    random_text,
    registry::{InstallationItem, InstallationState, LINK_TIME, LinkItem, installation_key},
    table::{from_item, to_item},
};
use storehook_domain::installation::{app::AppId, shop::ShopDomain, token::TokenHash};

use crate::{
    output,
    stack::connection::{Connection, StackArgs},
};

/// The options of `storehook panel-link`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The shop's domain.
    #[arg(long)]
    pub shop: ShopDomain,
    /// The app's name.
    #[arg(long)]
    pub app: AppId,
    /// Where the panel is: the stack's output `PanelUrl` [default: the local stack's panel]
    #[arg(long)]
    pub panel_url: Option<String>,
}

/// `storehook panel-link`
pub async fn run(args: Args, stack: &StackArgs) -> Result<()> {
    let connection = Connection::open(stack).await?;
    let local = connection.local.as_ref().map(|file| file.panel_url.clone());
    let panel_url = args.panel_url.or(local);
    let panel_url =
        panel_url.context("say with --panel-url where the panel is: the stack's output `PanelUrl`")?;
    output::line(panel_link(&connection, &args.shop, &args.app, &panel_url).await?)?;
    output::note(format_args!(
        "It signs one person in as {} on {}, once, for {} minutes.",
        args.app,
        args.shop,
        LINK_TIME.as_mins()
    ));
    Ok(())
}

/// Makes a link for an app on a shop.
pub async fn panel_link(
    connection: &Connection,
    shop: &ShopDomain,
    app: &AppId,
    panel_url: &str,
) -> Result<String> {
    let client = Client::new(&connection.sdk);
    let table = connection.resource("registry");
    let get = client.get_item().table_name(&table).set_key(Some(installation_key(shop, app)));
    let found = get.consistent_read(true).send().await.context("the registry cannot be read")?.item;
    let Some(item) = found else { bail!("{app} is not installed on {shop}") };
    let installation: InstallationItem = from_item(item)?;
    if installation.state() != InstallationState::Installed {
        bail!("{app} was uninstalled from {shop}");
    }
    let code = random_text()?;
    let link = LinkItem::new(&TokenHash::of(&code), installation.token().to_owned(), storehook_aws::now());
    let put = client.put_item().table_name(&table).set_item(Some(to_item(link)?));
    put.send().await.context("the registry refused the link")?;
    Ok(format!("{}/link?code={code}", panel_url.trim_end_matches('/')))
}

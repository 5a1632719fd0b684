//! Installing an app on a shop.
//!
//! It makes a token and a secret, writes the installation and the token in one transaction, and
//! shows both keys once: the registry holds only the token's hash. If the response to the
//! transaction is lost, the SDK sends it again with the same `ClientRequestToken`, and DynamoDB
//! answers that it was made.
//!
//! An app that is installed, or whose end is not complete, stays as it is. An ended installation is
//! replaced: what it has left behind is removed, and the new one takes its place in the registry in
//! one write. Only what expires is removed, so of two commands at once the slower one removes
//! nothing of what the other has installed. The new installation remembers which events ended
//! those before it, so such an event ends nothing when its record is read again.

use std::fmt;

use anyhow::{Context as _, Result, bail};
use aws_sdk_dynamodb::{
    Client,
    operation::transact_write_items::TransactWriteItemsError,
    types::{Put, TransactWriteItem, error::TransactionCanceledException},
};
use jiff::tz::TimeZone;
use serde::Serialize;
use storehook_aws::{
    random_text,
    registry::{InstallationItem, InstallationState, TokenItem, is_installation, load_items},
    table::{conditional, from_item, key_of, to_item},
};
use storehook_domain::{
    event::id::EventId,
    installation::{
        Installation, Scope, app::AppId, secret::SharedSecret, shop::ShopDomain, token::TokenHash,
    },
};

use crate::{global::Global, stack::connection::Connection};

const EXAMPLES: &str = "\
Examples:
  storehook install --shop mynewstore.spiffystores.com --app my-app
  storehook --stack storehook install --shop mynewstore.spiffystores.com --app my-app \\
      --time-zone America/New_York --scope webhooks --scope events:push";

/// The options of `storehook install`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The shop's domain.
    #[arg(long)]
    pub shop: ShopDomain,
    /// The app's name: letters, digits, '_', '-' and '.'.
    #[arg(long)]
    pub app: AppId,
    /// The shop's IANA time zone, for the API's timestamps.
    #[arg(long, default_value = "UTC")]
    pub time_zone: String,
    /// What the token may do: `webhooks` or `events:push`; repeat the option for both. Pushing is not
    /// granted unless it is asked for.
    #[arg(long = "scope", default_value = "webhooks")]
    pub scopes: Vec<Scope>,
}

/// The keys of a new installation. They are never shown again.
#[derive(Clone)]
pub struct Keys {
    /// The access token for the admin API.
    pub token: String,
    /// The secret that its deliveries are signed with.
    pub secret: SharedSecret,
}

/// `storehook install`
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let connection = global.connect().await?;
    let keys = Keys::random()?;
    if !install(&connection, &args, &keys).await? {
        bail!("{} is installed on {} already, or its end is not complete yet", args.app, args.shop);
    }
    // In one piece: even `storehook install … | head -1` gets all of it.
    global.show_once(&Shown {
        shop: &args.shop,
        app: &args.app,
        token: &keys.token,
        shared_secret: keys.secret.reveal(),
        webhook_secret: keys.secret.reveal_standard(),
    })
}

/// What is shown of a new installation, once.
#[derive(Serialize)]
struct Shown<'a> {
    shop: &'a ShopDomain,
    app: &'a AppId,
    token: &'a str,
    shared_secret: &'a str,
    webhook_secret: String,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shop, app, token, shared_secret, webhook_secret } = self;
        write!(
            formatter,
            "{app} is installed on {shop}. Keep these keys: they are not shown again.\n  \
               token            {token}\n  \
               shared secret    {shared_secret}\n  \
               webhook secret   {webhook_secret}   (the same, for Standard Webhooks libraries)"
        )
    }
}

impl Keys {
    /// New keys, of 256 random bits each.
    pub fn random() -> Result<Self> {
        Ok(Self { token: new_token()?, secret: SharedSecret::parse(&random_text()?)? })
    }
}

/// A new token, of 256 random bits.
pub fn new_token() -> Result<String> {
    Ok(format!("shtk_{}", random_text()?))
}

/// Installs an app on a shop with these keys; `false` if it is already installed there, or if an
/// earlier installation has not ended yet.
pub async fn install(connection: &Connection, args: &Args, keys: &Keys) -> Result<bool> {
    TimeZone::get(&args.time_zone).with_context(|| format!("{} is not an IANA time zone", args.time_zone))?;
    let installation = Installation {
        shop: args.shop.clone(),
        app: args.app.clone(),
        store_id: store_id_of(&args.shop),
        time_zone: args.time_zone.clone(),
        scopes: args.scopes.clone(),
        secrets: vec![keys.secret.clone().into()],
        uninstalled_at: None,
    };
    let client = Client::new(&connection.sdk);
    let table = connection.resource("registry");
    let ended_by = remove_ended(&client, &table, &args.shop, &args.app).await?;
    let token = TokenHash::of(&keys.token);
    let token_item = to_item(TokenItem::of(&token, &installation))?;
    let item = InstallationItem::of(installation, &token, storehook_aws::now()).after(&ended_by);
    let puts = [
        (to_item(item)?, "attribute_not_exists(pk) OR attribute_exists(expires_at)"),
        (token_item, "attribute_not_exists(pk)"),
    ];
    let puts = puts.map(|(item, condition)| {
        let put = Put::builder().table_name(&table).set_item(Some(item)).condition_expression(condition);
        put.build().map(|put| TransactWriteItem::builder().put(put).build())
    });
    let puts = puts.into_iter().collect::<Result<Vec<_>, _>>()?;
    match client.transact_write_items().set_transact_items(Some(puts)).send().await {
        Ok(_) => Ok(true),
        Err(error) => match error.into_service_error() {
            TransactWriteItemsError::TransactionCanceledException(cancelled) if is_conflict(&cancelled) => {
                Ok(false)
            }
            error => Err(anyhow::Error::new(error)).context("the registry refused the installation"),
        },
    }
}

/// Removes the rest of an ended installation, which would otherwise expire within days, and returns
/// the events that ended it and those before it. Deliveries that would still tell the app of the
/// end are cancelled by this.
async fn remove_ended(client: &Client, table: &str, shop: &ShopDomain, app: &AppId) -> Result<Vec<EventId>> {
    let items = load_items(client, table, shop, app).await?;
    // DynamoDB deletes what expires in any order, so the rest may outlive the installation.
    let own = items.iter().find(|item| is_installation(item)).cloned();
    let own: Option<InstallationItem> = own.map(from_item).transpose()?;
    if own.as_ref().is_some_and(|own| own.state() != InstallationState::Ended) {
        return Ok(Vec::new());
    }
    // The installation itself is replaced.
    for item in items.iter().filter(|item| !is_installation(item)) {
        let delete = client.delete_item().table_name(table).set_key(Some(key_of(item)));
        let delete = delete.condition_expression("attribute_exists(expires_at)");
        // A command that was faster has removed the item, or put a new one in its place.
        let _ = conditional(delete.send().await)?;
    }
    Ok(own.map(|own| own.ended_by).unwrap_or_default())
}

/// The shop's UUID, derived from its domain (RFC 9562 §5.5): the same for every app, every time.
fn store_id_of(shop: &ShopDomain) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_DNS, shop.as_str().as_bytes()).to_string()
}

/// Whether a transaction was cancelled because an item of it already exists.
fn is_conflict(cancelled: &TransactionCanceledException) -> bool {
    let reasons = cancelled.cancellation_reasons();
    reasons.iter().any(|reason| reason.code() == Some("ConditionalCheckFailed"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        args: Args,
    }

    /// Whoever can push reaches all webhooks of a shop, those of other apps as well.
    #[test]
    fn a_token_may_push_events_only_where_that_is_asked_for() -> Result<()> {
        let (webhooks, push) = (Scope::Webhooks, Scope::EventsPush);
        for (options, scopes) in [
            (&[][..], vec![webhooks]),
            (&["--scope", "webhooks"], vec![webhooks]),
            (&["--scope", "events:push"], vec![push]),
            (&["--scope", "webhooks", "--scope", "events:push"], vec![webhooks, push]),
        ] {
            let command = ["install", "--shop", "a.example", "--app", "demo"];
            let program = Program::try_parse_from(command.iter().chain(options))?;
            assert_eq!(program.args.scopes, scopes, "{options:?}");
        }
        Ok(())
    }
}

//! Installing an app on a shop.
//!
//! It makes a token and a secret, writes the installation and the token in one transaction, and
//! shows both keys once: the registry holds only the token's hash. If the app is already installed,
//! nothing changes. Leftovers of an ended installation are removed first.

use anyhow::{Context as _, Result, bail};
use aws_sdk_dynamodb::{
    Client,
    operation::transact_write_items::TransactWriteItemsError,
    types::{Put, TransactWriteItem, error::TransactionCanceledException},
};
use jiff::tz::TimeZone;
use storehook_aws::{
    random_text,
    registry::{InstallationItem, TokenItem, is_installation, load_items},
    table::{key_of, to_item},
};
use storehook_domain::installation::{
    Installation, Scope, app::AppId, secret::SharedSecret, shop::ShopDomain, token::TokenHash,
};

use crate::stack::connection::{Connection, StackArgs};

/// The options of `storehook install`.
#[derive(Debug, Clone, clap::Args)]
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
    /// What the token may do; repeat the option for more than one scope.
    #[arg(long = "scope", default_values = ["webhooks", "events:push"])]
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
pub async fn run(args: Args, stack: &StackArgs) -> Result<()> {
    let connection = Connection::open(stack).await?;
    let keys = Keys::random()?;
    if !install(&connection, &args, &keys).await? {
        bail!("{} is already installed on {}", args.app, args.shop);
    }
    println!("{} is installed on {}. Keep these keys: they are not shown again.", args.app, args.shop);
    println!("  token            {}", keys.token);
    println!("  shared secret    {}", keys.secret.reveal());
    println!(
        "  webhook secret   {}   (the same, for Standard Webhooks libraries)",
        keys.secret.reveal_standard()
    );
    Ok(())
}

impl Keys {
    /// New keys, of 256 random bits each.
    pub fn random() -> Result<Self> {
        Ok(Self { token: format!("shtk_{}", random_text()?), secret: SharedSecret::parse(&random_text()?)? })
    }
}

/// Installs an app on a shop with these keys; `false` if it is already installed there.
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
    remove_ended(connection, &args.shop, &args.app).await?;
    let token = TokenHash::of(&keys.token);
    let token_item = to_item(TokenItem::of(&token, &installation))?;
    let puts = [to_item(InstallationItem::of(installation, &token, storehook_aws::now()))?, token_item].map(
        |item| {
            let put = Put::builder()
                .table_name(connection.resource("registry"))
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(pk)");
            put.build().map(|put| TransactWriteItem::builder().put(put).build())
        },
    );
    let puts = puts.into_iter().collect::<Result<Vec<_>, _>>()?;
    let client = Client::new(&connection.sdk);
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

/// Removes what an ended installation left behind. Otherwise it would expire within days.
/// Deliveries that wait to tell the app of its end are cancelled by this.
async fn remove_ended(connection: &Connection, shop: &ShopDomain, app: &AppId) -> Result<()> {
    let (client, table) = (Client::new(&connection.sdk), connection.resource("registry"));
    let items = load_items(&client, &table, shop, app).await?;
    let Some(own) = items.iter().find(|item| is_installation(item)) else { return Ok(()) };
    if !own.contains_key("uninstalled_at") {
        return Ok(());
    }
    // The installation goes last: until then nobody can install the app again.
    let others = items.iter().filter(|item| !is_installation(item));
    for item in others.chain([own]) {
        client.delete_item().table_name(&table).set_key(Some(key_of(item))).send().await?;
    }
    Ok(())
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

//! Installing an app on a shop: makes its token and its secret, and shows them once.

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

use crate::connection::{Connection, StackArgs};

/// What to install.
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
    /// What the token may do.
    #[arg(long = "scope", default_values = ["webhooks", "events:push"])]
    pub scopes: Vec<Scope>,
}

/// What an app gets when it is installed. Nothing else ever shows it again.
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
        bail!("{} is installed on {} already", args.app, args.shop);
    }
    println!("{} is installed on {}. Keep these; they are not shown again.", args.app, args.shop);
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

/// Installs an app on a shop with these keys. False where it is installed there already.
pub async fn install(connection: &Connection, args: &Args, keys: &Keys) -> Result<bool> {
    TimeZone::get(&args.time_zone).with_context(|| format!("{} is no IANA time zone", args.time_zone))?;
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
            TransactWriteItemsError::TransactionCanceledException(cancelled) if is_there(&cancelled) => {
                Ok(false)
            }
            error => Err(anyhow::Error::new(error)).context("the registry could not be written"),
        },
    }
}

/// Removes what is left of an installation that has ended, which would expire within days. A delivery that
/// is still to tell the app of that end finds nobody any more.
async fn remove_ended(connection: &Connection, shop: &ShopDomain, app: &AppId) -> Result<()> {
    let (client, table) = (Client::new(&connection.sdk), connection.resource("registry"));
    let items = load_items(&client, &table, shop, app).await?;
    let Some(own) = items.iter().find(|item| is_installation(item)) else { return Ok(()) };
    if !own.contains_key("uninstalled_at") {
        return Ok(());
    }
    // The installation goes last: until then nobody can install the app anew.
    let others = items.iter().filter(|item| !is_installation(item));
    for item in others.chain([own]) {
        client.delete_item().table_name(&table).set_key(Some(key_of(item))).send().await?;
    }
    Ok(())
}

/// The shop's UUID: the same for each of its apps, and each time. By RFC 9562 §5.5, of its domain.
fn store_id_of(shop: &ShopDomain) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_DNS, shop.as_str().as_bytes()).to_string()
}

/// Whether a transaction was cancelled because what it would have made is there already.
fn is_there(cancelled: &TransactionCanceledException) -> bool {
    let reasons = cancelled.cancellation_reasons();
    reasons.iter().any(|reason| reason.code() == Some("ConditionalCheckFailed"))
}

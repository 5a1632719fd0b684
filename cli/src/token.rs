//! The token of an installation: a new one, or none.
//!
//! An installation has one token. To rotate it writes the new one, deletes the old one and names the
//! new one in the installation, in one transaction: at no moment do both work, or neither. The old one
//! stops at once, with the panel's sessions that began with it, because every request looks its token
//! up. Nothing else changes: webhooks go on, and secrets sign.
//!
//! A revoked token is deleted. The installation still names it, so that a later rotation finds its way.
//!
//! A transaction whose response is lost is made once: the SDK sends it again under the same
//! `ClientRequestToken`.

use std::fmt;

use anyhow::{Context as _, Result, bail};
use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{Delete, Put, TransactWriteItem, Update},
};
use serde::Serialize;
use storehook_aws::{
    registry::{InstallationItem, TokenItem, installation_key, token_partition},
    table::{Contended, change, text, to_item},
};
use storehook_domain::installation::{Installation, app::AppId, shop::ShopDomain, token::TokenHash};

use crate::{
    global::Global,
    install::new_token,
    installation::{Registry, Which},
};

const EXAMPLES: &str = "\
Examples:
  storehook --stack storehook token rotate --shop mynewstore.spiffystores.com --app my-app
  storehook --stack storehook token revoke --shop mynewstore.spiffystores.com --app my-app --yes";

/// The options of `storehook token`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum What {
    /// Make a new token, and show it once. The old one stops working at once.
    #[command(after_help = EXAMPLES)]
    Rotate(Which),
    /// Make the token stop working. Webhooks go on.
    #[command(after_help = EXAMPLES)]
    Revoke(Which),
}

/// `storehook token`
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let registry = Registry::of(&global.connect().await?);
    match args.what {
        What::Rotate(which) => {
            registry.installed(&which).await?;
            global.confirm(&format!(
                "{} on {} gets a new token. Its old one, and the panel's sessions that began with it, stop at once.",
                which.app, which.shop
            ))?;
            let token = new_token()?;
            rotate(&registry, &which, &token).await?;
            global.show_once(&Rotated { shop: &which.shop, app: &which.app, token: &token })
        }
        What::Revoke(which) => {
            let installation = registry.installed(&which).await?;
            global.confirm(&format!(
                "The token of {} on {} stops working at once, with the panel's sessions that began with it. Its webhooks \
                 go on. `storehook token rotate` makes another token.",
                which.app, which.shop
            ))?;
            let delete = registry.client.delete_item().table_name(&registry.table);
            let delete = delete.set_key(Some(installation.token_key())).send().await;
            delete.context("the registry refused to delete the token")?;
            Ok(global.show(&Revoked { shop: &which.shop, app: &which.app, token: "revoked" })?)
        }
    }
}

/// Why a token was not rotated.
#[derive(Debug, thiserror::Error)]
enum RotationError {
    #[error(transparent)]
    Contended(#[from] Contended),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// Makes this the installation's token.
async fn rotate(registry: &Registry, which: &Which, token: &str) -> Result<()> {
    let token = &TokenHash::of(token);
    let rotated = change(|| async move {
        let before = registry.installed(which).await?;
        let writes = writes(registry, which, before, token)?;
        match registry.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(Some(())),
            Err(error) => match error.into_service_error() {
                // Somebody else changes the installation: another rotation, or a webhook that is created.
                TransactWriteItemsError::TransactionCanceledException(_) => Ok(None),
                error => {
                    let error = anyhow::Error::new(error).context("the registry refused the new token");
                    Err(RotationError::Other(error))
                }
            },
        }
    });
    Ok(rotated.await?)
}

fn writes(
    registry: &Registry,
    which: &Which,
    before: InstallationItem,
    token: &TokenHash,
) -> Result<Vec<TransactWriteItem>> {
    let (old, old_key) = (before.token().to_owned(), before.token_key());
    let new = token_partition(token);
    if old == new {
        bail!("the token is the installation's already");
    }
    let named = Update::builder()
        .table_name(&registry.table)
        .set_key(Some(installation_key(&which.shop, &which.app)))
        .update_expression("SET #token = :new")
        .condition_expression("#token = :old AND attribute_not_exists(uninstalled_at)")
        .expression_attribute_names("#token", "token")
        .expression_attribute_values(":new", text(new))
        .expression_attribute_values(":old", text(old))
        .build()?;
    let made = Put::builder()
        .table_name(&registry.table)
        .set_item(Some(to_item(TokenItem::of(token, &Installation::from(before)))?))
        .condition_expression("attribute_not_exists(pk)")
        .build()?;
    let gone = Delete::builder().table_name(&registry.table).set_key(Some(old_key)).build()?;
    Ok(vec![
        TransactWriteItem::builder().update(named).build(),
        TransactWriteItem::builder().put(made).build(),
        TransactWriteItem::builder().delete(gone).build(),
    ])
}

/// A new token, which is shown once.
#[derive(Serialize)]
struct Rotated<'a> {
    shop: &'a ShopDomain,
    app: &'a AppId,
    token: &'a str,
}

impl fmt::Display for Rotated<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shop, app, token } = self;
        write!(
            formatter,
            "{app} on {shop} has a new token. Keep it: it is not shown again.\n  token            {token}"
        )
    }
}

/// That a token is revoked.
#[derive(Serialize)]
struct Revoked<'a> {
    shop: &'a ShopDomain,
    app: &'a AppId,
    token: &'static str,
}

impl fmt::Display for Revoked<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shop, app, token } = self;
        write!(formatter, "the token of {app} on {shop} is {token}")
    }
}

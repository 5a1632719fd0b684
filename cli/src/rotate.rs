//! The shared secret of an installation: a new one, as the API makes it, or the end of the older ones.
//!
//! A rotation adds a new secret, and the older ones sign for an overlap. The app must know the new
//! secret before the overlap ends. `--finish` ends it now, once the app's receivers know the new secret.

use std::fmt;

use anyhow::{Context as _, Result, anyhow};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use storehook_aws::{
    random_text,
    registry::{SecretOwner, replace_secrets},
    table::{Contended, TableError, change},
};
use storehook_domain::installation::{
    Installation,
    app::AppId,
    secret::SharedSecret,
    secret_rotation::{DEFAULT_OVERLAP, InstallationSecret, LONGEST_OVERLAP, SecretRotation, newest_alone},
    shop::ShopDomain,
};

use crate::{
    global::Global,
    installation::{Registry, Which},
    time,
};

const EXAMPLES: &str = "\
Examples:
  storehook --stack storehook rotate --shop mynewstore.spiffystores.com --app my-app
  storehook --stack storehook rotate --shop mynewstore.spiffystores.com --app my-app --overlap-hours 72
  storehook --stack storehook rotate --shop mynewstore.spiffystores.com --app my-app --finish";

/// The options of `storehook rotate`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// For how many hours the older secrets still sign, up to 168. Write 0 if a secret has leaked.
    #[arg(long, value_name = "HOURS", default_value_t = DEFAULT_OVERLAP, value_parser = clap::value_parser!(u64).range(..=LONGEST_OVERLAP))]
    overlap_hours: u64,
    /// Make no new secret. The older ones stop signing now: only the newest is left.
    #[arg(long, conflicts_with = "overlap_hours")]
    finish: bool,
}

/// `storehook rotate`
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let registry = Registry::of(&global.connect().await?);
    let Args { which, overlap_hours, finish } = &args;
    let Which { shop, app } = which;
    registry.installed(which).await?;
    if *finish {
        global.confirm(&format!(
            "The older secrets of {app} on {shop} stop signing now. A receiver that knows none but those refuses every \
             delivery."
        ))?;
        let ended = end_overlap(&registry, which).await?;
        return Ok(global.show(&Finished { shop, app, ended })?);
    }
    global.confirm(&format!(
        "{app} on {shop} gets a new secret. In {overlap_hours} hours the older ones stop signing: a receiver that knows \
         none but those then refuses every delivery."
    ))?;
    let overlap = SignedDuration::from_hours(i64::try_from(*overlap_hours)?);
    let (secret, previous_until) = rotate(&registry, which, SecretRotation { overlap }).await?;
    global.show_once(&Rotated {
        shop,
        app,
        shared_secret: secret.reveal(),
        webhook_secret: secret.reveal_standard(),
        previous_until,
    })
}

/// Why secrets were not replaced.
#[derive(Debug, thiserror::Error)]
enum RotationError {
    #[error(transparent)]
    Contended(#[from] Contended),
    #[error("the registry refused the secrets")]
    Table(#[from] TableError),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// Adds a new secret. Returns it, and when the last of the older ones stops signing.
async fn rotate(
    registry: &Registry,
    which: &Which,
    rotation: SecretRotation,
) -> Result<(SharedSecret, Timestamp)> {
    let secret = &SharedSecret::parse(&random_text()?)?;
    let previous_until = change(|| async move {
        let now = storehook_aws::now();
        let replaced = replace(registry, which, |secrets| {
            let after = rotation.apply(secrets, secret.clone(), now);
            Ok((after.map_err(|error| anyhow!("the secret {error}"))?, secret.clone()))
        });
        let until = |after: Vec<InstallationSecret>| {
            after.iter().filter_map(|secret| secret.retires_at).max().unwrap_or(now)
        };
        Ok::<_, RotationError>(replaced.await?.map(until))
    });
    Ok((secret.clone(), previous_until.await?))
}

/// Ends the overlap. Returns how many secrets have stopped signing.
async fn end_overlap(registry: &Registry, which: &Which) -> Result<usize> {
    let ended = change(|| async move {
        let now = storehook_aws::now();
        let mut ended = 0;
        let replaced = replace(registry, which, |secrets| {
            ended = secrets.iter().filter(|secret| secret.signs(now)).count().saturating_sub(1);
            let newest = newest_alone(secrets).context("the installation has no secret")?;
            let secret = newest.secret.clone();
            Ok((vec![newest], secret))
        });
        let replaced = replaced.await?;
        Ok::<_, RotationError>(replaced.map(|_| ended))
    });
    Ok(ended.await?)
}

/// Replaces the secrets; `None` if somebody else did at the same time. `change` returns those that are
/// left, and the newest of them.
async fn replace(
    registry: &Registry,
    which: &Which,
    change: impl FnOnce(&[InstallationSecret]) -> Result<(Vec<InstallationSecret>, SharedSecret)>,
) -> Result<Option<Vec<InstallationSecret>>, RotationError> {
    let before = registry.installed(which).await?;
    let (token, version) = (before.token().to_owned(), before.version);
    let (after, newest) = change(&Installation::from(before).secrets)?;
    let owner = SecretOwner { shop: &which.shop, app: &which.app, token: &token, version };
    let is_replaced = replace_secrets(&registry.client, &registry.table, owner, &after, &newest).await?;
    Ok(is_replaced.then_some(after))
}

/// A new secret, which is shown once.
#[derive(Serialize)]
struct Rotated<'a> {
    shop: &'a ShopDomain,
    app: &'a AppId,
    shared_secret: &'a str,
    webhook_secret: String,
    previous_until: Timestamp,
}

impl fmt::Display for Rotated<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shop, app, shared_secret, webhook_secret, previous_until } = self;
        write!(
            formatter,
            "{app} on {shop} has a new secret. Keep it: it is not shown again.\n  \
               shared secret    {shared_secret}\n  \
               webhook secret   {webhook_secret}   (the same, for Standard Webhooks libraries)\n\
             Older secrets sign until {}.",
            time::short(*previous_until)
        )
    }
}

/// That older secrets have stopped signing.
#[derive(Serialize)]
struct Finished<'a> {
    shop: &'a ShopDomain,
    app: &'a AppId,
    ended: usize,
}

impl fmt::Display for Finished<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shop, app, ended } = self;
        match ended {
            0 => write!(formatter, "the secret of {app} on {shop} was not being rotated: only one signs"),
            1 => write!(formatter, "1 older secret of {app} on {shop} has stopped signing"),
            _ => write!(formatter, "{ended} older secrets of {app} on {shop} have stopped signing"),
        }
    }
}

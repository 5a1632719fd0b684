//! The admin API over the simulator's DynamoDB, with an installation of each app.

use admin_api::{App, Settings};
use axum::{
    body::{Body, to_bytes},
    extract::Request,
};
use serde_json::Value;
use storehook_aws::{
    Environment,
    registry::{InstallationItem, TokenItem},
    stand_in::json_of,
};
use storehook_domain::installation::{Installation, Scope, secret::SharedSecret, token::TokenHash};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use super::model::{APPS, QUOTA};
use crate::{
    aws::Aws,
    clock,
    deployment::{self, Options, REGISTRY},
    faults::Faults,
    scale::Scale,
    sqs::Counting,
    template::Template,
};

/// The admin API over the simulator's DynamoDB.
pub(super) struct Api {
    runtime: Runtime,
    app: App,
    /// The ids of the model's webhooks.
    pub(super) ids: Vec<u64>,
}

impl Api {
    pub(super) fn start() -> anyhow::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let app = runtime.block_on(async {
            clock::begin();
            let template = Template::read()?;
            let options = Options {
                scale: Scale(1.0),
                seed: 1,
                time: std::time::Duration::ZERO,
                quiet_within: std::time::Duration::ZERO,
                counting: Counting::Anew,
                environment: Vec::new(),
            };
            let aws = deployment::aws(&template, &Faults::default(), &options)?;
            for app in APPS {
                install(&aws, app)?;
            }
            let mut variables = template.environment("AdminApiFunction")?;
            variables.insert("RATE_LIMIT_BURST".to_owned(), "0".to_owned());
            variables.insert("WEBHOOKS_PER_INSTALLATION".to_owned(), QUOTA.to_string());
            let environment: Environment = variables.into_iter().collect();
            let sdk = storehook_aws::lambda_sdk_config(&environment)?.into_builder();
            let reached = aws.in_process().config(sdk.time_source(clock::Virtual).build());
            anyhow::Ok(App::new(&reached.sdk, Settings::read(&environment)?))
        })?;
        Ok(Self { runtime, app, ids: Vec::new() })
    }

    pub(super) fn call(&self, app: usize, request: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
        let (method, path) = request.split_once(' ').unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(format!("/admin/{path}.json"))
            .header("X-Shopify-Access-Token", token(APPS[app]))
            .header("Content-Type", "application/json");
        let body = if body.is_null() { Body::empty() } else { body.to_string().into() };
        let service = admin_api::service(self.app.clone());
        self.runtime.block_on(async {
            let response = service.oneshot(request.body(body)?).await?;
            let status = response.status().as_u16();
            let body = to_bytes(response.into_body(), usize::MAX).await?;
            Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
        })
    }

    /// The id of a webhook of the model. One that was never made has none.
    pub(super) fn id(&self, which: usize) -> u64 {
        which.checked_rem(self.ids.len()).map_or(1, |number| self.ids[number])
    }
}

fn token(app: &str) -> String {
    format!("shtk_{app}")
}

fn install(aws: &Aws, app: &str) -> anyhow::Result<()> {
    let installation = Installation {
        shop: "a.example".parse()?,
        app: app.parse()?,
        store_id: "s".to_owned(),
        time_zone: "Etc/UTC".to_owned(),
        scopes: vec![Scope::Webhooks],
        secrets: vec![SharedSecret::parse("0123456789abcdef0123456789abcdef")?.into()],
        uninstalled_at: None,
    };
    let token = TokenHash::of(&token(app));
    let items = [
        json_of(TokenItem::of(&token, &installation))?,
        json_of(InstallationItem::of(installation, &token, clock::now()))?,
    ];
    for item in items {
        let put = aws.dynamodb().put(REGISTRY, &item);
        put.map_err(|refusal| anyhow::anyhow!("{}: {}", refusal.0, refusal.1))?;
    }
    Ok(())
}

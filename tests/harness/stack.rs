//! Stacks: the local one, and others deployed beside it.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result, bail};
use aws_config::SdkConfig;
use aws_sdk_lambda::{primitives::Blob, types::LogType};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use storehook::{
    local::{
        deploy::{Deployment, deploy},
        functions,
        python::{self, EMULATOR},
    },
    publish::publish,
    stack::{
        connection::Connection,
        local_stack::{LOCAL_STACK, local_sdk},
        stack_file::StackFile,
    },
};
use storehook_aws::{history::DeliveryItem, stream::Record, table::from_item};
use storehook_domain::{
    delivery::id::DeliveryId,
    history::{record::DeliveryRecord, state::DeliveryState},
};
use tokio::sync::OnceCell;

use crate::{
    aws,
    deletion::Deletion,
    local::{ALLOWED_NETWORK, BOUND_TO, Local},
    repository::root,
    waiting::eventually,
};

/// A deployed stack. One that a test has deployed is deleted when the test ends: the emulator polls
/// for each stack that it has, and dozens of them slow down every test.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Its name; its resources are named after it.
    pub name: String,
    /// Where every emulated AWS service answers.
    pub endpoint_url: String,
    /// Where its admin API answers.
    pub api_url: String,
    /// Held for its end.
    _deletion: Option<Arc<Deletion>>,
}

static LOCAL: OnceCell<Local> = OnceCell::const_new();
static PROGRAMS: OnceCell<(PathBuf, BTreeMap<String, PathBuf>)> = OnceCell::const_new();

impl Stack {
    /// The stack that all tests share, as `storehook local` runs it.
    pub async fn shared() -> Result<Self> {
        Ok(Self::of(Self::file().await?))
    }

    /// The local stack that this file tells of.
    pub fn of(file: &StackFile) -> Self {
        Self {
            name: LOCAL_STACK.to_owned(),
            endpoint_url: file.endpoint_url.clone(),
            api_url: file.api_url.clone(),
            _deletion: None,
        }
    }

    /// The stack that a user has started with `cargo run --release -- local`, for benches.
    pub fn running() -> Result<Self> {
        let file =
            StackFile::read(&root().join("target/local")).context("start `cargo run --release -- local`")?;
        Ok(Self::of(&file))
    }

    /// What `storehook local` says of the shared stack.
    pub async fn file() -> Result<&'static StackFile> {
        let start = || async {
            let mut arguments = vec!["--env-json", "target/it/env.json", "--allow", ALLOWED_NETWORK];
            arguments.extend(BOUND_TO.iter().flat_map(|address| ["--bind", *address]));
            Local::start("target/it", &arguments).await
        };
        Ok(&LOCAL.get_or_try_init(start).await?.file)
    }

    /// A stack of its own, with other parameters, in the same emulator.
    pub async fn deploy(name: &str, parameters: &[(&str, &str)]) -> Result<Self> {
        Self::deploy_template(root().join("template.yaml"), name, parameters).await
    }

    /// The same, of another template.
    pub async fn deploy_template(template: PathBuf, name: &str, parameters: &[(&str, &str)]) -> Result<Self> {
        let file = Self::file().await?;
        let (interpreter, programs) = programs().await?;
        let outputs = deploy(&Deployment {
            interpreter,
            endpoint_url: &file.endpoint_url,
            template,
            programs,
            stack_name: name,
            parameters,
        })
        .await?;
        Ok(Self {
            name: name.to_owned(),
            api_url: outputs.local_api_url(&file.endpoint_url),
            endpoint_url: file.endpoint_url.clone(),
            _deletion: Some(Arc::new(Deletion {
                interpreter,
                endpoint_url: file.endpoint_url.clone(),
                stack_name: name.to_owned(),
            })),
        })
    }

    /// A program of the workspace.
    pub async fn program(name: &str) -> Result<&'static PathBuf> {
        programs().await?.1.get(name).with_context(|| format!("there is no program {name}"))
    }

    /// A resource's name.
    pub fn resource(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// The SDKs' configuration. Every test makes its own, because a client belongs to the runtime
    /// that it was first used in.
    pub fn sdk(&self) -> SdkConfig {
        local_sdk(&self.endpoint_url)
    }

    /// Puts records onto the stream, well-formed or not.
    pub async fn publish(&self, records: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Result<()> {
        let record = |data: Vec<u8>| Record { partition_key: "test".to_owned(), data };
        publish(&self.connection(), records.into_iter().map(|data| record(data.into())).collect()).await
    }

    /// Invokes a function, and returns its response and the end of its log.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<(Value, String)> {
        let client = aws_sdk_lambda::Client::new(&self.sdk());
        let invoke = client.invoke().function_name(self.resource(function)).log_type(LogType::Tail);
        let invoked = invoke.payload(Blob::new(event.to_string())).send().await?;
        let payload = invoked.payload.context("no response")?.into_inner();
        let log = STANDARD.decode(invoked.log_result.unwrap_or_default())?;
        let log = String::from_utf8_lossy(&log).into_owned();
        if invoked.function_error.is_some() {
            bail!("{function} failed: {}\n{log}", String::from_utf8_lossy(&payload));
        }
        Ok((serde_json::from_slice(&payload)?, log))
    }

    /// Any call of any AWS service, by boto3's names.
    pub async fn aws(&self, service: &str, operation: &str, arguments: Value) -> Result<Value> {
        let (interpreter, _) = programs().await?;
        aws::call(interpreter, &self.endpoint_url, service, operation, arguments).await
    }

    /// The JSON of an object in a bucket.
    pub async fn object(&self, bucket: &str, key: &str) -> Result<Value> {
        let arguments = serde_json::json!({"Bucket": bucket, "Key": key});
        let object = self.aws("s3", "get_object", arguments).await?;
        Ok(serde_json::from_str(object["Body"].as_str().context("no body")?)?)
    }

    /// What is kept of a delivery.
    pub async fn history_of(&self, delivery_id: &str) -> Result<Option<DeliveryRecord>> {
        let client = aws_sdk_dynamodb::Client::new(&self.sdk());
        let get = client.get_item().table_name(self.resource("history")).consistent_read(true);
        let response =
            get.set_key(Some(DeliveryItem::key_of(&DeliveryId::parse(delivery_id)?))).send().await?;
        Ok(response.item.map(from_item::<DeliveryItem>).transpose()?.map(|item| item.record))
    }

    /// Waits until a delivery is in this state, and returns what is kept of it.
    pub async fn wait_until(&self, delivery_id: &str, state: DeliveryState) -> Result<DeliveryRecord> {
        eventually(&format!("{delivery_id} to be {}", state.as_str()), || async {
            Ok(self.history_of(delivery_id).await?.filter(|history| history.state == state))
        })
        .await
    }

    /// The stack, as the operator's program sees it.
    pub fn connection(&self) -> Connection {
        Connection::new(self.sdk(), &self.name)
    }
}

/// The emulator's Python and the functions' programs; both are there, since the stack runs.
async fn programs() -> Result<&'static (PathBuf, BTreeMap<String, PathBuf>)> {
    let found = PROGRAMS.get_or_try_init(|| async {
        let interpreter = python::environment(&root().join("target"), &EMULATOR).await?;
        anyhow::Ok((interpreter, functions::build(&root()).await?))
    });
    found.await
}

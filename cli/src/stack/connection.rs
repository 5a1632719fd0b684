//! The stack that a command works on: the local one, or a deployed one by name.
//!
//! A stack's name is enough to find it: CloudFormation tells its outputs, and the template names its
//! resources after the stack. Nothing is guessed: without `--stack` a command works on the local stack,
//! or fails.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context as _, Result};
use aws_config::{Region, SdkConfig};
use storehook_aws::{Environment, Retention, amazon_http_client, behavior_version, history::HistoryTable};
use tokio::sync::OnceCell;

use super::{
    command::command_for,
    local_stack::{LOCAL_STACK, local_sdk},
    lock::is_running,
    outputs::{Deployed, Outputs},
    project::project_root,
    stack_file::StackFile,
};

/// Which stack to work on.
#[derive(Debug, Clone, clap::Args)]
pub struct StackArgs {
    /// The deployed stack to work on, with your AWS credentials [default: the local stack]
    #[arg(long, global = true, value_name = "NAME")]
    pub stack: Option<String>,
    /// The profile with your AWS credentials [default: AWS_PROFILE, or `default`]
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// The AWS region of the stack [default: AWS_REGION, or the profile's]
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// The folder with the local stack's files.
    #[arg(long, global = true, default_value = "target/local", value_name = "DIR")]
    pub local_dir: PathBuf,
}

impl StackArgs {
    /// The SDKs' configuration, with the user's own credentials and region.
    async fn sdk(&self) -> SdkConfig {
        let mut loader = aws_config::defaults(behavior_version()).http_client(amazon_http_client());
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        loader.load().await
    }

    /// The local stack's folder, relative to the repository and not to where the command runs.
    pub fn local_folder(&self) -> Result<PathBuf> {
        let folder = project_root(&std::env::current_dir()?)?.join(&self.local_dir);
        // The folder then has one name, whatever links lead to it.
        Ok(folder.canonicalize().unwrap_or(folder))
    }
}

/// A connection to a stack.
#[derive(Debug, Clone)]
pub struct Connection {
    /// How to reach it.
    pub sdk: SdkConfig,
    /// The stack's name, with which its resources' names begin.
    pub stack: String,
    /// What the local stack says about itself, if the command works on it.
    pub local: Option<StackFile>,
    deployed: OnceCell<Deployed>,
}

impl Connection {
    /// A connection to the stack with this name.
    pub fn new(sdk: SdkConfig, stack: &str) -> Self {
        Self { sdk, stack: stack.to_owned(), local: None, deployed: OnceCell::new() }
    }

    /// Connects to the stack that the command line names.
    ///
    /// # Errors
    ///
    /// There is no such stack, or it cannot be reached; the local stack is not running.
    pub async fn open(args: &StackArgs) -> Result<Self> {
        if let Some(stack) = &args.stack {
            let sdk = args.sdk().await;
            anyhow::ensure!(
                sdk.region().is_some(),
                "no AWS region is set: name it with --region, set AWS_REGION, or set a region for your profile with \
                 `aws configure`"
            );
            let connection = Self::new(sdk, stack);
            // A wrong name, region or profile shows here, before anything is done.
            connection.outputs().await?;
            return Ok(connection);
        }
        let folder = args.local_folder()?;
        anyhow::ensure!(
            is_running(&folder).unwrap_or(false),
            "no local stack is running: start one with `cargo run -- local`, or name a deployed one with --stack"
        );
        let file = StackFile::read(&folder).context("the local stack is still starting")?;
        let sdk = local_sdk(&file.endpoint_url);
        Ok(Self { local: Some(file), ..Self::new(sdk, LOCAL_STACK) })
    }

    /// The stack as CloudFormation tells it.
    async fn deployed(&self) -> Result<&Deployed> {
        self.deployed.get_or_try_init(|| Deployed::load(&self.sdk, &self.stack)).await
    }

    /// The stack's outputs.
    ///
    /// # Errors
    ///
    /// See [`Deployed::load`].
    pub async fn outputs(&self) -> Result<&Outputs> {
        Ok(&self.deployed().await?.outputs)
    }

    /// The values of the stack's parameters.
    ///
    /// # Errors
    ///
    /// See [`Deployed::load`].
    pub async fn parameters(&self) -> Result<&BTreeMap<String, String>> {
        Ok(&self.deployed().await?.parameters)
    }

    /// The stack's history, and how long it is kept.
    ///
    /// # Errors
    ///
    /// See [`Deployed::load`].
    pub async fn history(&self) -> Result<HistoryTable> {
        let parameters = self.parameters().await?;
        let settings = [
            ("HISTORY_DELIVERY_DAYS", "HistoryDeliveryDays"),
            ("HISTORY_PAYLOAD_DAYS", "HistoryPayloadDays"),
        ];
        let settings = settings
            .iter()
            .filter_map(|(setting, parameter)| Some((*setting, parameters.get(*parameter)?.as_str())));
        let environment: Environment = settings.collect();
        Ok(HistoryTable {
            direct: None,
            client: aws_sdk_dynamodb::Client::new(&self.sdk),
            name: self.resource("history"),
            retention: Retention::read(&environment)?,
        })
    }

    /// Where the admin API responds.
    ///
    /// # Errors
    ///
    /// See [`Deployed::load`].
    pub async fn api_url(&self) -> Result<String> {
        match &self.local {
            Some(local) => Ok(local.api_url.clone()),
            None => Ok(self.outputs().await?.api_url.clone()),
        }
    }

    /// The name of one of the stack's resources, by the template's own rule.
    pub fn resource(&self, name: &str) -> String {
        format!("{}-{name}", self.stack)
    }

    /// A command of this program for the stack, as it is told to people.
    pub fn command(&self, command: &str) -> String {
        command_for(self.local.is_none().then_some(&self.stack), command)
    }

    /// The URL of one of the stack's queues.
    pub async fn queue_url(&self, client: &aws_sdk_sqs::Client, queue: &str) -> Result<String> {
        let name = self.resource(queue);
        let response = client.get_queue_url().queue_name(&name).send().await;
        let url = response.with_context(|| format!("no queue {name} was found"))?.queue_url;
        url.with_context(|| format!("the queue {name} has no URL"))
    }
}

//! The stack that a command works on: the local one, or a deployed one by name.
//!
//! The template names its resources after the stack, so a stack's name is enough to find them.
//! Nothing is guessed: without `--stack` a command works on the local stack, or fails.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use aws_config::SdkConfig;
use storehook_aws::{amazon_http_client, behavior_version};

use super::{
    local_stack::{LOCAL_STACK, local_sdk},
    lock::is_running,
    project::project_root,
    stack_file::StackFile,
};

/// Which stack to work on.
#[derive(Debug, Clone, clap::Args)]
pub struct StackArgs {
    /// The deployed stack to work on, with your AWS credentials [default: the local stack]
    #[arg(long, global = true)]
    pub stack: Option<String>,
    /// The folder with the local stack's files.
    #[arg(long, global = true, default_value = "target/local", value_name = "DIR")]
    pub local_dir: PathBuf,
}

impl StackArgs {
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
}

impl Connection {
    /// Connects to the stack that the command line names.
    pub async fn open(args: &StackArgs) -> Result<Self> {
        if let Some(stack) = &args.stack {
            let sdk = aws_config::defaults(behavior_version()).http_client(amazon_http_client()).load().await;
            anyhow::ensure!(
                sdk.region().is_some(),
                "no AWS region is set: set AWS_REGION, or a region for your profile with `aws configure`"
            );
            return Ok(Self { sdk, stack: stack.clone(), local: None });
        }
        let folder = args.local_folder()?;
        anyhow::ensure!(
            is_running(&folder).unwrap_or(false),
            "no local stack is running: start one with `cargo run -- local`, or name a deployed one with --stack"
        );
        let file = StackFile::read(&folder).context("the local stack is still starting")?;
        let sdk = local_sdk(&file.endpoint_url);
        Ok(Self { sdk, stack: LOCAL_STACK.to_owned(), local: Some(file) })
    }

    /// The name of one of the stack's resources, by the template's own rule.
    pub fn resource(&self, name: &str) -> String {
        format!("{}-{name}", self.stack)
    }

    /// The URL of one of the stack's queues.
    pub async fn queue_url(&self, client: &aws_sdk_sqs::Client, queue: &str) -> Result<String> {
        let name = self.resource(queue);
        let response = client.get_queue_url().queue_name(&name).send().await;
        let url = response.with_context(|| format!("no queue {name} was found"))?.queue_url;
        url.with_context(|| format!("the queue {name} has no URL"))
    }
}

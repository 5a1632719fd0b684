//! Which stack a command speaks to: the local one, or a deployed one by name.
//!
//! The template names its resources after the stack, so the name is all that is needed.
//! Nothing is guessed: without `--stack` a command speaks to the local stack or fails.

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

/// Which stack to speak to.
#[derive(Debug, Clone, clap::Args)]
pub struct StackArgs {
    /// A deployed stack's name, reached with your AWS credentials; without it, the local stack.
    #[arg(long, global = true)]
    pub stack: Option<String>,
    /// Where the local stack keeps its files.
    #[arg(long, global = true, default_value = "target/local", value_name = "DIR")]
    pub local_dir: PathBuf,
}

impl StackArgs {
    /// The local stack's folder: from the repository's own, wherever in it the command is run.
    pub fn local_folder(&self) -> Result<PathBuf> {
        let folder = project_root(&std::env::current_dir()?)?.join(&self.local_dir);
        // One name for it, by whatever links it is reached.
        Ok(folder.canonicalize().unwrap_or(folder))
    }
}

/// A stack that can be spoken to.
#[derive(Debug, Clone)]
pub struct Connection {
    /// How to reach it.
    pub sdk: SdkConfig,
    /// What its resources are named after.
    pub stack: String,
    /// What is known of the local stack, if that is the one.
    pub local: Option<StackFile>,
}

impl Connection {
    /// Connects to the stack that the command line names.
    pub async fn open(args: &StackArgs) -> Result<Self> {
        if let Some(stack) = &args.stack {
            let sdk = aws_config::defaults(behavior_version()).http_client(amazon_http_client()).load().await;
            return Ok(Self { sdk, stack: stack.clone(), local: None });
        }
        let folder = args.local_folder()?;
        anyhow::ensure!(
            is_running(&folder).unwrap_or(false),
            "no local stack is running: start one with `storehook local`, or name a deployed one with --stack"
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
        let answer = client.get_queue_url().queue_name(&name).send().await;
        let url = answer.with_context(|| format!("the queue {name} was not found"))?.queue_url;
        url.with_context(|| format!("the queue {name} has no URL"))
    }
}

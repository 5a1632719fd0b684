//! A deployed stack as CloudFormation tells it: where its parts are, and its parameters.
//!
//! CloudFormation finds a stack by its name, in one region of one account. So the commonest mistakes, a
//! wrong region or profile, show here, before a command does anything.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use aws_config::SdkConfig;
use aws_sdk_cloudformation::{Client, error::ProvideErrorMetadata as _};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The outputs of the template.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The admin API's URL, as the template gives it.
    pub api_url: String,
    /// The control panel's URL, as the template gives it.
    pub panel_url: String,
    /// The event stream.
    pub stream_name: String,
    /// The registry table.
    pub registry_table: String,
    /// The history table.
    pub history_table: String,
    /// The queue of first attempts.
    pub delivery_queue_url: String,
    /// The queue of slow retries.
    pub retry_queue_url: String,
    /// The dead-letter queue.
    pub dead_letter_queue_url: String,
    /// The queue of rejected records.
    pub rejected_queue_url: String,
    /// The queue of jobs.
    pub jobs_queue_url: String,
    /// The bucket of records that could not be fanned out.
    pub given_up_records: String,
    /// The admin API's function.
    pub admin_api_function: String,
    /// The fan-out function.
    pub fan_out_function: String,
    /// The delivery function.
    pub delivery_function: String,
}

/// A deployed stack.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// Its outputs.
    pub outputs: Outputs,
    /// The values of its parameters.
    pub parameters: BTreeMap<String, String>,
}

impl Deployed {
    /// Loads what CloudFormation knows of a stack, with one call of CloudFormation (`DescribeStacks`).
    ///
    /// # Errors
    ///
    /// The call failed, there is no such stack, or it is not one of Storehook.
    pub async fn load(sdk: &SdkConfig, stack: &str) -> Result<Self> {
        let region = sdk.region().map_or("this region", |region| region.as_ref());
        let described = Client::new(sdk).describe_stacks().stack_name(stack).send().await;
        let found = match described {
            Ok(described) => described.stacks.unwrap_or_default().into_iter().next(),
            // CloudFormation has no code of its own for it (`DescribeStacks`, AWS CloudFormation API Reference).
            Err(error) if error.message().is_some_and(|message| message.contains("does not exist")) => None,
            Err(error) => {
                return Err(error).with_context(|| format!("the stack {stack} could not be looked up"));
            }
        };
        let Some(found) = found else {
            bail!(
                "there is no stack {stack} in {region} with these credentials: is the name right, is it another \
                 --region or another --profile?"
            )
        };
        let outputs = found.outputs.unwrap_or_default().into_iter();
        let outputs: Map<_, _> = outputs
            .filter_map(|output| Some((output.output_key?, Value::from(output.output_value?))))
            .collect();
        let outputs = serde_json::from_value(Value::Object(outputs)).with_context(|| {
            let status =
                found.stack_status.map_or("in an unknown state".to_owned(), |status| status.to_string());
            format!("the stack {stack}, which is {status}, is not one of this release of Storehook")
        })?;
        let parameters = found.parameters.unwrap_or_default().into_iter();
        let parameters = parameters
            .filter_map(|parameter| Some((parameter.parameter_key?, parameter.parameter_value?)))
            .collect();
        Ok(Self { outputs, parameters })
    }
}

impl Outputs {
    /// The admin API's URL in the emulator at this URL. The emulator's own form of it needs a name
    /// server; this form does not.
    pub fn local_api_url(&self, endpoint_url: &str) -> String {
        let host = self.api_url.split("://").nth(1).unwrap_or_default();
        let api_id = host.split('.').next().unwrap_or_default();
        format!("{endpoint_url}/_aws/execute-api/{api_id}")
    }
}

//! The deployment, as `template.yaml` has it: queues, tables, mappings, functions and their
//! environments.
//!
//! Parameters have their defaults. `!Ref` and `!GetAtt` of a resource become names that the stand-ins
//! know. So the simulation has the queues and settings of a deployment.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use yaml_serde::Value;

use crate::{
    dynamodb::{IndexSchema, KeySchema, TableSchema},
    scale::Scale,
    sqs::{QueueSettings, Redrive},
};

/// The template, with the values of its parameters.
pub(crate) struct Template {
    root: Value,
    parameters: BTreeMap<String, String>,
}

/// A mapping of a queue to a function.
#[derive(Debug, Clone)]
pub(crate) struct QueueMapping {
    pub(crate) queue: String,
    pub(crate) batch_size: usize,
    pub(crate) window: Duration,
    pub(crate) concurrency: usize,
    pub(crate) function_timeout: Duration,
}

/// The mapping of the stream.
#[derive(Debug, Clone)]
pub(crate) struct StreamMapping {
    pub(crate) batch_size: usize,
    pub(crate) parallelization: usize,
    pub(crate) longest_age: Duration,
    pub(crate) function_timeout: Duration,
}

impl Template {
    /// Reads the repository's template. Parameters have their defaults.
    pub(crate) fn read() -> Result<Self> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
        let root: Value = yaml_serde::from_str(&std::fs::read_to_string(file)?)?;
        let mut parameters = BTreeMap::new();
        for (name, parameter) in root["Parameters"].as_mapping().context("no parameters")? {
            let name = name.as_str().context("a parameter without a name")?.to_owned();
            parameters.extend(scalar(&parameter["Default"]).map(|default| (name, default)));
        }
        Ok(Self { root, parameters })
    }

    fn properties(&self, resource: &str) -> Result<&Value> {
        self.root["Resources"][resource].get("Properties").with_context(|| format!("no resource {resource}"))
    }

    /// The resources of a type.
    fn resources(&self, kind: &str) -> Vec<&str> {
        let resources = self.root["Resources"].as_mapping().into_iter().flatten();
        let of_kind = resources.filter(|(_, resource)| resource["Type"].as_str() == Some(kind));
        of_kind.filter_map(|(name, _)| name.as_str()).collect()
    }

    /// A value of the template as text: a parameter, or the name, URL or ARN of a resource.
    fn text(&self, value: &Value) -> Option<String> {
        let Value::Tagged(tagged) = value else { return scalar(value) };
        let name = tagged.value.as_str()?;
        match tagged.tag.to_string().trim_start_matches('!') {
            "Ref" => self.parameters.get(name).cloned().or_else(|| {
                let is_queue = self.root["Resources"][name]["Type"].as_str() == Some("AWS::SQS::Queue");
                Some(if is_queue { url_of(name) } else { name.to_owned() })
            }),
            "GetAtt" => Some(arn_of(name.strip_suffix(".Arn")?)),
            _ => None,
        }
    }

    fn number(&self, value: &Value) -> Option<u64> {
        self.text(value)?.parse().ok()
    }

    /// The resource that a `!GetAtt Resource.Arn` names.
    fn target(&self, value: &Value) -> Result<String> {
        let arn = self.text(value).context("no target")?;
        Ok(arn.rsplit(':').next().unwrap_or_default().to_owned())
    }

    /// A function's environment.
    pub(crate) fn environment(&self, function: &str) -> Result<BTreeMap<String, String>> {
        let variables = self.properties(function)?["Environment"]["Variables"].as_mapping();
        let variables = variables.into_iter().flatten();
        let variables =
            variables.filter_map(|(name, value)| Some((name.as_str()?.to_owned(), self.text(value)?)));
        let aws = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"];
        Ok(variables.chain(aws.map(|name| (name.to_owned(), "simulated".to_owned()))).collect())
    }

    /// All queues.
    pub(crate) fn queues(&self, scale: Scale) -> Result<Vec<QueueSettings>> {
        let seconds = |value: &Value, default| Duration::from_secs(self.number(value).unwrap_or(default));
        let queue = |name: &str| {
            let properties = self.properties(name)?;
            let redrive = match properties.get("RedrivePolicy") {
                Some(policy) => Some(Redrive {
                    max_receive_count: u32::try_from(
                        self.number(&policy["maxReceiveCount"]).context("no count")?,
                    )?,
                    target: self.target(&policy["deadLetterTargetArn"])?,
                }),
                None => None,
            };
            Ok(QueueSettings {
                name: name.to_owned(),
                // SQS's own defaults.
                visibility_timeout: seconds(&properties["VisibilityTimeout"], 30),
                retention: seconds(&properties["MessageRetentionPeriod"], 345_600),
                redrive,
                in_flight_limit: scale.in_flight_limit(),
                noisy_from: scale.noisy_from(),
            })
        };
        self.resources("AWS::SQS::Queue").into_iter().map(queue).collect()
    }

    /// A table.
    pub(crate) fn table(&self, name: &str) -> Result<TableSchema> {
        let properties = self.properties(name)?;
        let keys = |schema: &Value| {
            let name = |position: usize| scalar(&schema[position]["AttributeName"]).context("no key");
            Ok::<_, anyhow::Error>(KeySchema { partition: name(0)?, sort: name(1)? })
        };
        let indexes = properties["GlobalSecondaryIndexes"].as_sequence().into_iter().flatten().map(|index| {
            let projection = &index["Projection"];
            let attributes = projection["NonKeyAttributes"].as_sequence();
            let attributes = attributes.map(|names| names.iter().filter_map(scalar).collect());
            let attributes = match projection["ProjectionType"].as_str() {
                Some("ALL") => None,
                _ => Some(attributes.unwrap_or_default()),
            };
            let name = scalar(&index["IndexName"]).context("no index")?;
            Ok(IndexSchema { name, keys: keys(&index["KeySchema"])?, attributes })
        });
        let expiry = scalar(&properties["TimeToLiveSpecification"]["AttributeName"]);
        Ok(TableSchema {
            keys: keys(&properties["KeySchema"])?,
            indexes: indexes.collect::<Result<_>>()?,
            expiry,
        })
    }

    /// The mapping of a queue, with its concurrency scaled.
    pub(crate) fn queue_mapping(&self, name: &str, scale: Scale) -> Result<QueueMapping> {
        let mapping = self.properties(name)?;
        let batch_size = self.number(&mapping["BatchSize"]).context("no batch size")? as usize;
        let concurrency = self.number(&mapping["ScalingConfig"]["MaximumConcurrency"]);
        let concurrency = concurrency.context("no maximum concurrency")? as usize;
        let (concurrency, batch_size) = scale.pollers(concurrency, batch_size);
        Ok(QueueMapping {
            queue: self.target(&mapping["EventSourceArn"])?,
            batch_size,
            window: Duration::from_secs(self.number(&mapping["MaximumBatchingWindowInSeconds"]).unwrap_or(0)),
            concurrency,
            function_timeout: self.timeout(&mapping["FunctionName"])?,
        })
    }

    /// The mapping of the stream.
    pub(crate) fn stream_mapping(&self) -> Result<StreamMapping> {
        let mapping = self.properties("FanOutMapping")?;
        let number = |name: &str| self.number(&mapping[name]).with_context(|| format!("no {name}"));
        Ok(StreamMapping {
            batch_size: number("BatchSize")? as usize,
            parallelization: number("ParallelizationFactor")? as usize,
            longest_age: Duration::from_secs(number("MaximumRecordAgeInSeconds")?),
            function_timeout: self.timeout(&mapping["FunctionName"])?,
        })
    }

    /// The schedules of a function: how often it is invoked, and with what.
    pub(crate) fn schedules(&self, function: &str) -> Result<Vec<(Duration, String)>> {
        let events = self.properties(function)?["Events"].as_mapping().into_iter().flatten();
        let schedules = events.filter(|(_, event)| event["Type"].as_str() == Some("Schedule"));
        let schedule = |(_, event): (&Value, &Value)| {
            let properties = &event["Properties"];
            let rate = self.text(&properties["Schedule"]).context("no schedule")?;
            let input = self.text(&properties["Input"]).context("no input")?;
            Ok((period_of(&rate).with_context(|| format!("cannot read {rate}"))?, input))
        };
        schedules.map(schedule).collect()
    }

    /// Whether a function has a setting.
    pub(crate) fn has_setting(&self, function: &str, name: &str) -> Result<bool> {
        Ok(self.environment(function)?.contains_key(name))
    }

    fn timeout(&self, function: &Value) -> Result<Duration> {
        let name = self.text(function).context("no function")?;
        let timeout = self.number(&self.properties(&name)?["Timeout"]);
        Ok(Duration::from_secs(timeout.context("no timeout")?))
    }
}

/// The period of `rate(5 minutes)`, or of `cron(0/5 * * * ? *)`.
fn period_of(rate: &str) -> Option<Duration> {
    if let Some(minutes) = rate.strip_prefix("cron(0/").and_then(|rest| rest.strip_suffix(" * * * ? *)")) {
        return Some(Duration::from_secs(minutes.parse::<u64>().ok()? * 60));
    }
    let (number, unit) = rate.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(number.parse::<u64>().ok()? * seconds))
}

/// The URL of a queue.
fn url_of(queue: &str) -> String {
    format!("https://sqs.simulated.example/{queue}")
}

/// The ARN of a queue.
pub(crate) fn arn_of(resource: &str) -> String {
    format!("arn:aws:sqs:simulated:000000000000:{resource}")
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

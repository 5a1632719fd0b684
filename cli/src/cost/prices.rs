//! What AWS charges, and where it says so.

/// The month that the prices are of.
pub const AS_OF: &str = "2026-11";

/// The region that the prices are of.
pub const REGION: &str = "us-east-1";

/// The price of one unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// What is paid for.
    pub unit: &'static str,
    /// Dollars for each unit, without free allowances and discounts.
    pub dollars: f64,
    /// The same as AWS writes it.
    pub told: &'static str,
    /// The page that says so, below `https://aws.amazon.com/`.
    pub source: &'static str,
}

const fn price(unit: &'static str, dollars: f64, told: &'static str, source: &'static str) -> Price {
    Price { unit, dollars, told, source }
}

const KINESIS: &str = "kinesis/data-streams/pricing";
const LAMBDA: &str = "lambda/pricing";
const SQS: &str = "sqs/pricing";
const DYNAMODB: &str = "dynamodb/pricing/on-demand";

/// What a stream on demand takes in.
pub const STREAM_IN: Price = price("GB", 0.08, "$0.08", KINESIS);
/// What is read of a stream on demand.
pub const STREAM_OUT: Price = price("GB", 0.04, "$0.04", KINESIS);
/// The time of a stream on demand.
pub const STREAM_HOURS: Price = price("hour", 0.04, "$0.04", KINESIS);
/// Writing to a provisioned stream: a unit is up to 25 KB of a record.
pub const PUT_UNITS: Price = price("million", 0.014, "$0.014", KINESIS);
/// The time of a shard of a provisioned stream.
pub const SHARD_HOURS: Price = price("hour", 0.015, "$0.015", KINESIS);
/// Invocations of functions.
pub const INVOCATIONS: Price = price("million", 0.20, "$0.20", LAMBDA);
/// The time of functions on arm64.
pub const FUNCTION_TIME: Price = price("GB-second", 0.000_013_333_4, "$0.0000133334", LAMBDA);
/// Requests to standard queues.
pub const QUEUE_REQUESTS: Price = price("million", 0.40, "$0.40", SQS);
/// What requests to fair queues cost besides.
pub const FAIR_QUEUES: Price = price("million", 0.10, "$0.10", SQS);
/// Read request units.
pub const READS: Price = price("million", 0.125, "$0.125", DYNAMODB);
/// Write request units.
pub const WRITES: Price = price("million", 0.625, "$0.625", DYNAMODB);
/// What a table stores.
pub const STORAGE: Price = price("GB-month", 0.25, "$0.25", DYNAMODB);
/// Continuous backups of what a table stores.
pub const BACKUP: Price = price("GB-month", 0.20, "$0.20", DYNAMODB);
/// What is written to logs.
pub const LOGS: Price = price("GB", 0.50, "$0.50", "cloudwatch/pricing");
/// What an alarm watches, each metric by itself.
pub const ALARM_METRICS: Price = price("month", 0.10, "$0.10", "cloudwatch/pricing");
/// Composite alarms.
pub const COMPOSITE_ALARMS: Price = price("month", 0.50, "$0.50", "cloudwatch/pricing");
/// Metrics of one's own, for each month in which they are written.
pub const METRICS: Price = price("month", 0.30, "$0.30", "cloudwatch/pricing");
/// Dashboards.
pub const DASHBOARDS: Price = price("month", 3.00, "$3.00", "cloudwatch/pricing");
/// What is sent to the internet.
pub const INTERNET: Price = price("GB", 0.09, "$0.09", "ec2/pricing/on-demand");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_told_as_they_are() {
        for price in [
            STREAM_IN,
            STREAM_OUT,
            STREAM_HOURS,
            PUT_UNITS,
            SHARD_HOURS,
            INVOCATIONS,
            FUNCTION_TIME,
            QUEUE_REQUESTS,
            FAIR_QUEUES,
            READS,
            WRITES,
            STORAGE,
            BACKUP,
            LOGS,
            ALARM_METRICS,
            COMPOSITE_ALARMS,
            METRICS,
            DASHBOARDS,
            INTERNET,
        ] {
            let told = price.told.strip_prefix('$').and_then(|told| told.parse().ok());
            assert_eq!(told, Some(price.dollars), "{price:?}");
        }
    }
}

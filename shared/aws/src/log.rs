//! The log of a function: lines on standard output, which Lambda takes to CloudWatch.
//!
//! Lambda tells the level and the format that the template asks for by two variables ("Configuring
//! advanced logging controls for Lambda functions"). The runtime's own subscriber reads them as well.
//! It writes the span of the invocation twice into each line, though, and what is logged is paid by
//! its length. A line here has it once, with the `requestId`.

use tracing_subscriber::filter::LevelFilter;

use crate::environment::Environment;

/// Begins the log. Text is for the local stack, JSON for what reads the log on AWS.
pub fn begin_log(environment: &Environment) {
    let lines = tracing_subscriber::fmt()
        .with_target(false)
        .without_time()
        .with_max_level(level(environment.optional("AWS_LAMBDA_LOG_LEVEL")));
    match environment.optional("AWS_LAMBDA_LOG_FORMAT") {
        Some(format) if format.eq_ignore_ascii_case("json") => lines.json().with_span_list(false).init(),
        _ => lines.init(),
    }
}

/// The level by its name. `FATAL` is one of Lambda's, and no line here is worse than an error.
fn level(name: Option<&str>) -> LevelFilter {
    match name {
        Some(name) if name.eq_ignore_ascii_case("fatal") => LevelFilter::ERROR,
        name => name.and_then(|name| name.parse().ok()).unwrap_or(LevelFilter::INFO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_lambdas_and_info_without_one() {
        for (name, expected) in [
            (None, LevelFilter::INFO),
            (Some("INFO"), LevelFilter::INFO),
            (Some("WARN"), LevelFilter::WARN),
            (Some("DEBUG"), LevelFilter::DEBUG),
            (Some("FATAL"), LevelFilter::ERROR),
            (Some("loud"), LevelFilter::INFO),
        ] {
            assert_eq!(level(name), expected, "{name:?}");
        }
    }
}

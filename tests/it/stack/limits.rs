//! The limits of the deployment: their defaults, and where the template sets them.

use anyhow::{Result, bail};
use yaml_serde::Value;

use super::template::{resource, template};

#[test]
fn the_default_limits_are_those_that_apps_are_told() -> Result<()> {
    for (name, default) in [
        ("RateLimitBurst", 40),
        ("RateLimitPerSecond", 2),
        ("WebhooksPerInstallation", 1_000),
        ("PushBurst", 1_000),
        ("PushPerSecond", 50),
    ] {
        let parameter = &template()?["Parameters"][name];
        assert_eq!((parameter["Default"].as_u64(), parameter["MinValue"].as_u64()), (Some(default), Some(0)));
    }
    Ok(())
}

/// Requests that nobody may make must not reach the function. Nothing switches this off: API Gateway
/// takes 0 for no requests at all.
#[test]
fn the_gateway_throttles_all_clients_together() -> Result<()> {
    let settings = &resource("ApiStage")?["Properties"]["DefaultRouteSettings"];
    for (name, parameter, default) in
        [("ThrottlingBurstLimit", "StageBurst", 1_000), ("ThrottlingRateLimit", "StagePerSecond", 500)]
    {
        let Value::Tagged(limit) = settings[name].clone() else { bail!("{name} is no parameter") };
        assert_eq!((limit.tag.to_string().as_str(), limit.value.as_str()), ("!Ref", Some(parameter)));
        let parameter = &template()?["Parameters"][parameter];
        assert_eq!((parameter["Default"].as_u64(), parameter["MinValue"].as_u64()), (Some(default), Some(1)));
    }
    Ok(())
}

//! `--env-json`: the settings of the functions, for `sam local … --env-vars`.
//!
//! SAM runs a function in a container, and sets there what the template declares. References become
//! the names of the template, which no local stack has. So this file gives every variable the value
//! that it has in the local stack. Where a value is a URL of the emulator, its host is
//! [`HOST`], the name by which a container reaches this machine.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use aws_config::SdkConfig;
use aws_sdk_lambda::Client;

use crate::stack::stack_file::Functions;

/// The name by which containers reach the machine that they run on.
const HOST: &str = "host.docker.internal";

/// The variables of each function, by the function's name in the template.
type Settings = BTreeMap<&'static str, BTreeMap<String, String>>;

/// Writes the file. The emulator listens at this port.
pub(super) async fn write(file: &Path, sdk: &SdkConfig, functions: &Functions, port: u16) -> Result<()> {
    let client = Client::new(sdk);
    let mut settings = Settings::new();
    for (name, function) in [
        ("AdminApiFunction", &functions.admin_api),
        ("DeliveryFunction", &functions.delivery),
        ("FanOutFunction", &functions.fan_out),
    ] {
        let deployed = client.get_function_configuration().function_name(function).send().await;
        let deployed = deployed.with_context(|| format!("the settings of {function} cannot be read"))?;
        let variables = deployed.environment.and_then(|environment| environment.variables);
        settings.insert(name, for_containers(variables.unwrap_or_default(), port));
    }
    fs_err::write(file, serde_json::to_vec_pretty(&settings)?)?;
    Ok(())
}

/// These variables as a container needs them, and the one that leads it to the emulator.
fn for_containers(
    variables: impl IntoIterator<Item = (String, String)>,
    port: u16,
) -> BTreeMap<String, String> {
    let reachable = |value: String| {
        ["localhost", "127.0.0.1"].iter().fold(value, |value, loopback| {
            let rest = value.strip_prefix(&format!("http://{loopback}:{port}"));
            rest.map(|rest| format!("http://{HOST}:{port}{rest}")).unwrap_or(value)
        })
    };
    let endpoint = ("AWS_ENDPOINT_URL".to_owned(), format!("http://{HOST}:{port}"));
    variables.into_iter().map(|(name, value)| (name, reachable(value))).chain([endpoint]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_the_emulator_lead_from_a_container_to_this_machine() {
        let kept = "http://a1.execute-api.localhost:4566";
        let cases = [
            ("DELIVERY_QUEUE_URL", "http://localhost:4566/0/a", "http://host.docker.internal:4566/0/a"),
            ("RETRY_QUEUE_URL", "http://127.0.0.1:4566/0/b", "http://host.docker.internal:4566/0/b"),
            // A browser uses this one, on this machine.
            ("PUBLIC_URL", kept, kept),
            ("REGISTRY_TABLE", "storehook-registry", "storehook-registry"),
            ("PANEL_LOGO", "", ""),
        ];
        let given = cases.map(|(name, value, _)| (name.to_owned(), value.to_owned()));
        let found = for_containers(given, 4566);
        for (name, _, wanted) in cases {
            assert_eq!(found[name], wanted, "{name}");
        }
        assert_eq!(found["AWS_ENDPOINT_URL"], "http://host.docker.internal:4566");
        assert_eq!(found.len(), cases.len() + 1);
    }
}

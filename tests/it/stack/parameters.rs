//! The template's parameters and the settings of the functions agree.
//!
//! A setting that cannot be read stops a function from starting. Each message that waits for it
//! then uses up its receives: those of a delivery in hours. So whatever CloudFormation lets
//! through, the functions must read. CloudFormation's decision is made by the emulator.

use std::{collections::BTreeMap, sync::LazyLock};

use anyhow::{Context as _, Result};
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};
use serde_json::json;
use storehook_aws::Environment;
use storehook_tests::Stack;
use yaml_serde::Value;

use super::template::template;

/// The template, read once: the tests here try it with thousands of values.
static TEMPLATE: LazyLock<Result<Value>> = LazyLock::new(template);

#[test]
fn every_parameter_has_limits() -> Result<()> {
    for (name, parameter) in parameters()? {
        let has = |limit: &str| !parameter[limit].is_null();
        let is_limited = match parameter["Type"].as_str() {
            Some("Number") => has("AllowedValues") || has("MinValue") && has("MaxValue"),
            _ => has("AllowedValues") || has("AllowedPattern"),
        };
        assert!(is_limited, "{name} takes any value");
    }
    Ok(())
}

#[test]
fn the_functions_read_whatever_the_patterns_let_through() -> Result<()> {
    let mut runner = TestRunner::deterministic();
    for (name, parameter) in parameters()? {
        let Some(pattern) = parameter["AllowedPattern"].as_str() else { continue };
        // The end of the text, which no text can be made of.
        let pattern = pattern.replace("|$)", ")");
        let values = proptest::string::string_regex(&pattern)?;
        let longest = parameter["MaxLength"].as_u64().unwrap_or(u64::MAX) as usize;
        for _ in 0..200 {
            let value = values.new_tree(&mut runner).map_err(anyhow::Error::msg)?.current();
            if value.len() <= longest {
                let read = read_with(&name, &value)?;
                assert!(read.is_ok(), "{name}={value:?}: {read:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn the_functions_read_every_number_within_the_limits() -> Result<()> {
    for (name, parameter) in parameters()? {
        let limits = (parameter["MinValue"].as_u64(), parameter["MaxValue"].as_u64());
        let (Some(least), Some(most)) = limits else { continue };
        for value in [
            least.to_string(),
            most.to_string(),
            format!("{least}.0"),
            format!("{least}.5"),
            format!("{}.999", most - 1),
            format!("{most}e0"),
            format!(" {most}"),
        ] {
            let read = read_with(&name, &value)?;
            assert!(read.is_ok(), "{name}={value:?}: {read:?}");
        }
    }
    Ok(())
}

/// Who takes a value.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Taken {
    ByBoth,
    ByFunctionsOnly,
    ByNobody,
}

#[tokio::test]
async fn a_typo_is_refused_before_a_function_meets_it() -> Result<()> {
    use Taken::{ByBoth, ByFunctionsOnly, ByNobody};
    let stack = Stack::shared().await?;
    let long_name = "a".repeat(41);
    let logo = |data: usize| format!("data:image/png;base64,{}", "A".repeat(data));
    let (logo_2048, logo_2049) = (logo(2_026), logo(2_027));
    let cases: &[(&str, &str, Taken)] = &[
        ("AllowedCidrs", "", ByBoth),
        ("AllowedCidrs", "10.1.0.0/16", ByBoth),
        ("AllowedCidrs", "127.0.0.0/8,::1/128", ByBoth),
        ("AllowedCidrs", "10.0.0.0/8, 192.168.0.0/16,", ByBoth),
        ("AllowedCidrs", "0.0.0.0/0", ByBoth),
        ("AllowedCidrs", "2001:db8::/32,fd00:1:2:3:4:5:6:7/128,1:2:3:4:5:6:7::/127", ByBoth),
        ("AllowedCidrs", "::/0", ByBoth),
        // As `storehook local --allow` prints it.
        ("AllowedCidrs", "::ffff:10.1.0.0/112", ByBoth),
        ("AllowedCidrs", "10.1.0.0", ByNobody),
        ("AllowedCidrs", "10.1.0.0/33", ByNobody),
        ("AllowedCidrs", "10.1.0/16", ByNobody),
        ("AllowedCidrs", "10.1.0.256/16", ByNobody),
        ("AllowedCidrs", "10.01.0.0/16", ByFunctionsOnly),
        ("AllowedCidrs", "10.1.0.0/16;10.2.0.0/16", ByNobody),
        ("AllowedCidrs", "10.1.0.0/16 10.2.0.0/16", ByNobody),
        ("AllowedCidrs", "10.1.0.0/1610.2.0.0/16", ByNobody),
        ("AllowedCidrs", "localhost", ByNobody),
        ("AllowedCidrs", "2001:db8:::/32", ByNobody),
        ("AllowedCidrs", "2001:db8::/129", ByNobody),
        ("AllowedCidrs", "1:2:3:4:5:6:7:8:9/64", ByNobody),
        ("AllowedCidrs", "1::2::3/64", ByNobody),
        ("AllowedCidrs", "12345::/16", ByNobody),
        ("HeaderPrefix", "X-Acme", ByBoth),
        ("HeaderPrefix", "X-Acme-", ByNobody),
        ("HeaderPrefix", "X Acme", ByNobody),
        ("HeaderPrefix", "", ByFunctionsOnly),
        ("ApiVersion", "v1.2_3", ByBoth),
        ("ApiVersion", "2026 10", ByNobody),
        ("RetryTimeScale", "1", ByBoth),
        ("RetryTimeScale", "0.001", ByBoth),
        ("RetryTimeScale", "0", ByNobody),
        ("RetryTimeScale", "0.0", ByNobody),
        ("RetryTimeScale", "1.5", ByNobody),
        ("RetryTimeScale", "fast", ByNobody),
        ("PublicUrl", "https://hooks.example", ByBoth),
        ("PublicUrl", "http://127.0.0.1:4566", ByBoth),
        ("PublicUrl", "hooks.example", ByNobody),
        ("PublicUrl", "https://hooks.example/api", ByNobody),
        ("PublicUrl", "https://a@hooks.example", ByNobody),
        ("PublicUrl", "https://hooks.example/", ByFunctionsOnly),
        ("PanelName", "Acme é 商店", ByBoth),
        ("PanelName", &long_name, ByNobody),
        ("PanelName", "\u{a0}", ByNobody),
        ("PanelName", " Acme", ByFunctionsOnly),
        ("PanelLogo", &logo_2048, ByBoth),
        ("PanelLogo", &logo_2049, ByNobody),
        ("PanelLogo", "https://a.example/logo.png", ByNobody),
        ("PanelAccent", "#1F6b45", ByBoth),
        ("PanelAccent", "#1f6b4", ByNobody),
        ("PanelAccent", "green", ByNobody),
        ("HistoryDeliveryDays", "2.5", ByBoth),
        ("HistoryDeliveryDays", "-1", ByNobody),
        ("HistoryDeliveryDays", "3651", ByFunctionsOnly),
        ("HistoryPayloadDays", "week", ByNobody),
        ("RateLimitPerSecond", "0.5", ByBoth),
        ("RateLimitBurst", "1e3", ByBoth),
        ("RateLimitBurst", "-1", ByNobody),
        ("ConnectTimeoutSeconds", "10", ByBoth),
        ("ConnectTimeoutSeconds", "0", ByNobody),
        ("ConnectTimeoutSeconds", "11", ByNobody),
        ("AttemptTimeoutSeconds", "1.5", ByBoth),
        ("AttemptTimeoutSeconds", "31", ByNobody),
    ];
    for &(name, value, expected) in cases {
        let taken = match (is_deployable(&stack, name, value).await?, read_with(name, value)?.is_ok()) {
            (true, true) => ByBoth,
            (false, true) => ByFunctionsOnly,
            (false, false) => ByNobody,
            (true, false) => anyhow::bail!("{name}={value:?} is deployed and stops a function"),
        };
        assert_eq!(taken, expected, "{name}={value:?}");
    }
    Ok(())
}

/// Whether CloudFormation takes a parameter's value.
async fn is_deployable(stack: &Stack, name: &str, value: &str) -> Result<bool> {
    let parameter = serde_json::to_value(&parameters()?[name])?;
    let resources = json!({"Topic": {"Type": "AWS::SNS::Topic"}});
    let unique = uuid::Uuid::new_v4().simple().to_string();
    let change_set = json!({
        "StackName": format!("s{unique}"), "ChangeSetName": format!("c{unique}"), "ChangeSetType": "CREATE",
        "TemplateBody": json!({"Parameters": {name: parameter}, "Resources": resources}).to_string(),
        "Parameters": [{"ParameterKey": name, "ParameterValue": value}],
    });
    match stack.aws("cloudformation", "create_change_set", change_set).await {
        Ok(_) => Ok(true),
        Err(error) if error.to_string().contains(&format!("Parameter '{name}'")) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the functions start when this parameter has this value, and the others their defaults.
fn read_with(name: &str, value: &str) -> Result<Result<(), String>> {
    for function in ["AdminApiFunction", "DeliveryFunction"] {
        let environment = environment(function, name, value)?;
        let error = match function {
            "AdminApiFunction" => admin_api::Settings::read(&environment).err(),
            _ => delivery::Settings::read(&environment).err(),
        };
        if let Some(error) = error {
            return Ok(Err(format!("{function}: {error}")));
        }
    }
    Ok(Ok(()))
}

/// A function's variables. Those that no parameter sets are the names of resources.
fn environment(function: &str, name: &str, value: &str) -> Result<Environment> {
    let parameters = parameters()?;
    let variables = &TEMPLATE.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?["Resources"][function]["Properties"]
        ["Environment"]["Variables"];
    let mut environment = Vec::new();
    for (variable, source) in variables.as_mapping().context("no variables")? {
        let referred = match source {
            Value::Tagged(tagged) if tagged.tag.to_string() == "!Ref" => tagged.value.as_str(),
            _ => None,
        };
        let set = match referred.and_then(|referred| Some((referred, parameters.get(referred)?))) {
            Some((parameter, _)) if parameter == name => value.to_owned(),
            Some((_, parameter)) => match &parameter["Default"] {
                Value::Number(number) => number.to_string(),
                text => text.as_str().unwrap_or_default().to_owned(),
            },
            None => "a-resource".to_owned(),
        };
        environment.push((variable.as_str().context("a name")?.to_owned(), set));
    }
    Ok(environment.into_iter().collect())
}

fn parameters() -> Result<BTreeMap<String, Value>> {
    let template = TEMPLATE.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
    let parameters = template["Parameters"].as_mapping().context("no parameters")?;
    let named = |(name, parameter): (&Value, &Value)| Some((name.as_str()?.to_owned(), parameter.clone()));
    Ok(parameters.iter().filter_map(named).collect())
}

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

/// Where a value is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Taken {
    Everywhere,
    FunctionsOnly,
    Nowhere,
}

#[tokio::test]
async fn a_typo_is_refused_before_a_function_meets_it() -> Result<()> {
    use Taken::{Everywhere, FunctionsOnly, Nowhere};
    let stack = Stack::shared().await?;
    let long_name = "a".repeat(41);
    let logo = |data: usize| format!("data:image/png;base64,{}", "A".repeat(data));
    let (logo_2048, logo_2049) = (logo(2_026), logo(2_027));
    let cases: &[(&str, &str, Taken)] = &[
        ("AllowedCidrs", "", Everywhere),
        ("AllowedCidrs", "10.1.0.0/16", Everywhere),
        ("AllowedCidrs", "127.0.0.0/8,::1/128", Everywhere),
        ("AllowedCidrs", "10.0.0.0/8, 192.168.0.0/16,", Everywhere),
        ("AllowedCidrs", "0.0.0.0/0", Everywhere),
        ("AllowedCidrs", "2001:db8::/32,fd00:1:2:3:4:5:6:7/128,1:2:3:4:5:6:7::/127", Everywhere),
        ("AllowedCidrs", "::/0", Everywhere),
        // As `storehook local --allow` prints it.
        ("AllowedCidrs", "::ffff:10.1.0.0/112", Everywhere),
        ("AllowedCidrs", "10.1.0.0", Nowhere),
        ("AllowedCidrs", "10.1.0.0/33", Nowhere),
        ("AllowedCidrs", "10.1.0/16", Nowhere),
        ("AllowedCidrs", "10.1.0.256/16", Nowhere),
        ("AllowedCidrs", "10.01.0.0/16", FunctionsOnly),
        ("AllowedCidrs", "10.1.0.0/16;10.2.0.0/16", Nowhere),
        ("AllowedCidrs", "10.1.0.0/16 10.2.0.0/16", Nowhere),
        ("AllowedCidrs", "10.1.0.0/1610.2.0.0/16", Nowhere),
        ("AllowedCidrs", "localhost", Nowhere),
        ("AllowedCidrs", "2001:db8:::/32", Nowhere),
        ("AllowedCidrs", "2001:db8::/129", Nowhere),
        ("AllowedCidrs", "1:2:3:4:5:6:7:8:9/64", Nowhere),
        ("AllowedCidrs", "1::2::3/64", Nowhere),
        ("AllowedCidrs", "12345::/16", Nowhere),
        ("HeaderPrefix", "X-Acme", Everywhere),
        ("HeaderPrefix", "X-Acme-", Nowhere),
        ("HeaderPrefix", "X Acme", Nowhere),
        ("HeaderPrefix", "", FunctionsOnly),
        ("ApiVersion", "v1.2_3", Everywhere),
        ("ApiVersion", "2026 10", Nowhere),
        ("RetryTimeScale", "1", Everywhere),
        ("RetryTimeScale", "0.001", Everywhere),
        ("RetryTimeScale", "0", Nowhere),
        ("RetryTimeScale", "0.0", Nowhere),
        ("RetryTimeScale", "1.5", Nowhere),
        ("RetryTimeScale", "fast", Nowhere),
        ("PublicUrl", "https://hooks.example", Everywhere),
        ("PublicUrl", "http://127.0.0.1:4566", Everywhere),
        ("PublicUrl", "hooks.example", Nowhere),
        ("PublicUrl", "https://hooks.example/api", Nowhere),
        ("PublicUrl", "https://a@hooks.example", Nowhere),
        ("PublicUrl", "https://hooks.example/", FunctionsOnly),
        ("PanelName", "Acme é 商店", Everywhere),
        ("PanelName", &long_name, Nowhere),
        ("PanelName", "\u{a0}", Nowhere),
        ("PanelName", " Acme", FunctionsOnly),
        ("PanelLogo", &logo_2048, Everywhere),
        ("PanelLogo", &logo_2049, Nowhere),
        ("PanelLogo", "https://a.example/logo.png", Nowhere),
        ("PanelAccent", "#1F6b45", Everywhere),
        ("PanelAccent", "#1f6b4", Nowhere),
        ("PanelAccent", "green", Nowhere),
        ("HistoryDeliveryDays", "2.5", Everywhere),
        ("HistoryDeliveryDays", "-1", Nowhere),
        ("HistoryDeliveryDays", "3651", FunctionsOnly),
        ("HistoryPayloadDays", "week", Nowhere),
        ("RateLimitPerSecond", "0.5", Everywhere),
        ("RateLimitBurst", "1e3", Everywhere),
        ("RateLimitBurst", "-1", Nowhere),
        ("ConnectTimeoutSeconds", "10", Everywhere),
        ("ConnectTimeoutSeconds", "0", Nowhere),
        ("ConnectTimeoutSeconds", "11", Nowhere),
        ("AttemptTimeoutSeconds", "1.5", Everywhere),
        ("AttemptTimeoutSeconds", "31", Nowhere),
    ];
    for &(name, value, expected) in cases {
        let taken = match (is_deployable(&stack, name, value).await?, read_with(name, value)?.is_ok()) {
            (true, true) => Everywhere,
            (false, true) => FunctionsOnly,
            (false, false) => Nowhere,
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
            Value::Tagged(tagged) if tagged.tag == "!Ref" => tagged.value.as_str(),
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

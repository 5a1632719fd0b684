//! Least privilege to the last resource and partition key: what the roles grant is what the
//! functions call, no less and no more.
//!
//! The deployed functions do everything once, and their calls are recorded. IAM's decision is made
//! here, by the deployed policies. Each call must be allowed. And each grant must be needed: when a
//! resource is left out of a statement for one action, or one pattern out of a condition, some call
//! must be refused.
//!
//! AWS documents that `dynamodb:LeadingKeys` holds the partition keys of a request, and not whether
//! those are all of them where a batch reads from two tables. The grants must be right either way.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::Value;
use storehook_tests::Stack;

use super::{
    breakers::SOON,
    every_call::make_every_call,
    permissions::OF_LAMBDA_ITSELF,
    policy::Policy,
    recorded::{Call, Recorder},
};

/// An action on a resource, as a statement grants it.
#[derive(Debug, Clone, PartialEq)]
struct Grant {
    sid: String,
    action: String,
    resource: String,
    /// What the partition keys must begin with, if there is a condition.
    prefixes: Option<BTreeSet<String>>,
}

/// Which partition keys count.
#[derive(Debug, Clone, Copy)]
enum Reading {
    OfTheTable,
    OfTheRequest,
}

impl Grant {
    fn allows(&self, call: &Call, reading: Reading) -> bool {
        let keys = match reading {
            Reading::OfTheTable => &call.keys,
            Reading::OfTheRequest => &call.keys_of_request,
        };
        let begins = |key: &String| {
            let mut prefixes = self.prefixes.iter().flatten();
            self.prefixes.is_none() || prefixes.any(|prefix| key.starts_with(prefix))
        };
        self.action == call.action && self.resource == call.resource && keys.iter().all(begins)
    }

    /// This grant without one of its prefixes, for each that it has.
    fn narrower(&self) -> Vec<Self> {
        let prefixes = self.prefixes.iter().flatten();
        let without = |prefix: &String| {
            let rest = self.prefixes.iter().flatten().filter(|other| *other != prefix).cloned().collect();
            Self { prefixes: Some(rest), ..self.clone() }
        };
        prefixes.map(without).collect()
    }
}

#[test]
fn a_grant_that_is_too_wide_is_found() -> Result<()> {
    let grant = |resource: &str, prefixes: Option<&[&str]>| Grant {
        sid: "S".to_owned(),
        action: "dynamodb:GetItem".to_owned(),
        resource: resource.to_owned(),
        prefixes: prefixes.map(|prefixes| prefixes.iter().map(|&prefix| prefix.to_owned()).collect()),
    };
    let keys = BTreeSet::from(["SHOP#a".to_owned()]);
    let call = Call {
        action: "dynamodb:GetItem".to_owned(),
        resource: "table/t".to_owned(),
        keys: keys.clone(),
        keys_of_request: keys,
    };
    for (grants, too_wide) in [
        (vec![grant("table/t", None)], 0),
        (vec![grant("table/t", Some(&["SHOP#"]))], 0),
        (vec![grant("table/t", None), grant("table/t/index/i", None)], 1),
        (vec![grant("table/t", Some(&["SHOP#", "TOKEN#"]))], 1),
        (vec![grant("table/t", None), grant("table/t", Some(&["SHOP#"]))], 3),
    ] {
        let found = unneeded(&grants, &BTreeSet::from([call.clone()]));
        assert_eq!(found.len(), too_wide, "{grants:?}: {found:?}");
    }
    assert!(!grant("table/t", Some(&["TOKEN#"])).allows(&call, Reading::OfTheTable));
    Ok(())
}

#[tokio::test]
async fn each_role_grants_exactly_what_its_function_calls() -> Result<()> {
    let stack = Stack::deploy("storehook-recorded", &SOON).await?;
    let mut recorder = Recorder::start(&stack).await?;
    make_every_call(&stack, &mut recorder).await?;
    let mut problems = Vec::new();
    for (role, calls) in recorder.calls() {
        let grants = grants(&Policy::of(&stack, role).await?)?;
        for reading in [Reading::OfTheTable, Reading::OfTheRequest] {
            let refused = calls.iter().filter(|call| !is_allowed(&grants, call, reading));
            problems.extend(refused.map(|call| format!("{role} refuses {call:?} by {reading:?}")));
        }
        problems
            .extend(unneeded(&grants, &calls).into_iter().map(|grant| format!("{role} needs no {grant}")));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(())
}

fn is_allowed(grants: &[Grant], call: &Call, reading: Reading) -> bool {
    grants.iter().any(|grant| grant.allows(call, reading))
}

/// The grants, and the prefixes of grants, without which every call would still be allowed.
fn unneeded(grants: &[Grant], calls: &BTreeSet<Call>) -> Vec<String> {
    let are_all_allowed = |grants: &[Grant]| {
        let readings = [Reading::OfTheTable, Reading::OfTheRequest];
        readings.into_iter().all(|reading| calls.iter().all(|call| is_allowed(grants, call, reading)))
    };
    let mut found = Vec::new();
    for (index, grant) in grants.iter().enumerate() {
        let mut without = grants.to_vec();
        without.remove(index);
        if are_all_allowed(&without) {
            found.push(format!("{grant:?}"));
        }
        for narrower in grant.narrower() {
            without.insert(index, narrower.clone());
            if are_all_allowed(&without) {
                found.push(format!("more than {narrower:?}"));
            }
            without.remove(index);
        }
    }
    found
}

/// What a deployed policy grants to our code.
fn grants(policy: &Policy) -> Result<Vec<Grant>> {
    let mut grants = Vec::new();
    for statement in policy.statements() {
        let conditions = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
        let prefix = |pattern: String| Ok(pattern.strip_suffix('*').unwrap_or(&pattern).to_owned());
        let prefixes = match conditions {
            Value::Null => None,
            patterns => Some(texts(patterns).into_iter().map(prefix).collect::<Result<_>>()?),
        };
        for action in texts(&statement["Action"]) {
            // The emulator's own. The sweep asks for what a poller asks for, in a statement of its own.
            let is_of_lambda =
                OF_LAMBDA_ITSELF.contains(&action.as_str()) && statement["Sid"] != "CountMessages";
            if action == "sqs:SendMessageBatch" || is_of_lambda {
                continue;
            }
            for resource in texts(&statement["Resource"]) {
                let resource = resource.splitn(6, ':').last().unwrap_or_default().to_owned();
                let sid = statement["Sid"].as_str().unwrap_or_default().to_owned();
                grants.push(Grant { sid, action: action.clone(), resource, prefixes: prefixes.clone() });
            }
        }
    }
    Ok(grants)
}

/// One text, or a list of them.
fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

//! The policy of a deployed role, from which a test takes an action away.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use storehook_tests::Stack;

/// The policy of a deployed role.
pub(crate) struct Policy {
    role_name: String,
    policy_name: String,
    document: Value,
}

impl Policy {
    pub(crate) async fn of(stack: &Stack, role: &str) -> Result<Self> {
        let prefix = format!("{}-{role}", stack.name);
        let roles = stack.aws("iam", "list_roles", json!({})).await?;
        let names =
            roles["Roles"].as_array().into_iter().flatten().filter_map(|role| role["RoleName"].as_str());
        let role_name =
            names.into_iter().find(|name| name.starts_with(&prefix)).context("no such role")?.to_owned();
        let policies = stack.aws("iam", "list_role_policies", json!({"RoleName": role_name})).await?;
        let policy_name = policies["PolicyNames"][0].as_str().context("the role has no policy")?.to_owned();
        let names = json!({"RoleName": role_name, "PolicyName": policy_name});
        let document = stack.aws("iam", "get_role_policy", names).await?["PolicyDocument"].clone();
        Ok(Self { role_name, policy_name, document })
    }

    /// The statements, as they are deployed.
    pub(crate) fn statements(&self) -> Vec<Value> {
        self.document["Statement"].as_array().cloned().unwrap_or_default()
    }

    /// Leaves all but one action; the batch form of `sqs:SendMessage` is the emulator's own.
    pub(crate) async fn take_away(&self, stack: &Stack, action: &str) -> Result<()> {
        let mut document = self.document.clone();
        for statement in document["Statement"].as_array_mut().into_iter().flatten() {
            let actions = match &statement["Action"] {
                Value::Array(actions) => actions.clone(),
                action => vec![action.clone()],
            };
            let is_kept = |granted: &&Value| {
                granted.as_str().is_some_and(|granted| granted.trim_end_matches("Batch") != action)
            };
            let kept: Vec<_> = actions.iter().filter(is_kept).cloned().collect();
            // A statement needs an action; this one is none of the code's.
            statement["Action"] = if kept.is_empty() { json!("sts:GetCallerIdentity") } else { json!(kept) };
        }
        self.put(stack, &document).await
    }

    pub(crate) async fn restore(&self, stack: &Stack) -> Result<()> {
        self.put(stack, &self.document).await
    }

    async fn put(&self, stack: &Stack, document: &Value) -> Result<()> {
        let policy = json!({
            "RoleName": self.role_name, "PolicyName": self.policy_name, "PolicyDocument": document.to_string(),
        });
        stack.aws("iam", "put_role_policy", policy).await?;
        Ok(())
    }
}

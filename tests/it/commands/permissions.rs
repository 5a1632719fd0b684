//! What each command needs of an operator's permissions, as `docs/operating.md` tells it.
//!
//! The emulator enforces IAM. Each command runs as a user who may do what the document says and nothing
//! else, and then without each of these actions.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::json;
use storehook_aws::registry::HealthTable;
use storehook_domain::webhook::WebhookKey;
use storehook_tests::{Installed, Stack, eventually};
use tokio::process::Command;

use super::{ended, storehook_on};
use crate::documents::read;

/// What every command with `--stack` needs.
const LOOK_UP: &str = "cloudformation:DescribeStacks";

/// Actions that a command needs only at times: to replace an installation that has ended, and to send what
/// is a delivery.
const AT_TIMES: [(&str, &str); 3] =
    [("install", "dynamodb:DeleteItem"), ("redrive", "sqs:DeleteMessage"), ("redrive", "sqs:SendMessage")];

/// What the emulator lets everybody do.
const NOT_ASKED_FOR: [&str; 3] =
    ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "lambda:GetAccountSettings"];

/// Commands that need most of their actions only at times. What the document says is enough for them.
const ENOUGH: [&str; 2] = ["republish", "replay"];

/// The actions of each command in the table.
fn documented() -> Result<BTreeMap<String, Vec<String>>> {
    let document = read("docs/operating.md")?;
    let (_, section) = document.split_once("### Permissions").context("no section")?;
    let rows = section.lines().skip_while(|line| !line.starts_with("| what |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|')).map(|row| {
        let mut codes = row.split('`').skip(1).step_by(2).map(str::to_owned);
        let command = codes.next().context("no command")?;
        let actions = codes.filter(|code| code.split_once(':').is_some_and(|(_, name)| !name.is_empty()));
        Ok((command, actions.collect()))
    });
    rows.collect()
}

/// An IAM user.
struct Operator<'a> {
    stack: &'a Stack,
    name: String,
    keys: [(&'static str, String); 2],
}

impl<'a> Operator<'a> {
    async fn new(stack: &'a Stack, name: &str) -> Result<Self> {
        let name = format!("{}-{name}", stack.name).replace(' ', "-");
        stack.aws("iam", "create_user", json!({"UserName": name})).await?;
        let made = stack.aws("iam", "create_access_key", json!({"UserName": name})).await?;
        let key = |member: &str| made["AccessKey"][member].as_str().map(str::to_owned).context("no key");
        let keys =
            [("AWS_ACCESS_KEY_ID", key("AccessKeyId")?), ("AWS_SECRET_ACCESS_KEY", key("SecretAccessKey")?)];
        Ok(Self { stack, name, keys })
    }

    /// Allows these actions, and nothing else.
    async fn may(&self, actions: &[&str]) -> Result<()> {
        // AWS has no such actions: a batch wants the action of its entries. The emulator asks for them.
        let batches = actions.iter().filter(|action| action.starts_with("sqs:"));
        let all: Vec<_> = actions.iter().map(|action| (*action).to_owned()).collect();
        let all = [all, batches.map(|action| format!("{action}Batch")).collect()].concat();
        let document = json!({
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": all, "Resource": "*"}],
        });
        let policy =
            json!({"UserName": self.name, "PolicyName": "operator", "PolicyDocument": document.to_string()});
        self.stack.aws("iam", "put_user_policy", policy).await.map(drop)
    }

    /// Whether a command meets no refusal.
    async fn can(&self, arguments: &[&str]) -> Result<bool> {
        let mut command: Command = storehook_on(self.stack, arguments).await?;
        command.envs(self.keys.iter().map(|(name, value)| (name, value.as_str())));
        let output = ended(command).await?;
        let told =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        let is_refused = told.contains("lack a permission") || told.contains("AccessDenied");
        anyhow::ensure!(is_refused || !told.contains("error: "), "{arguments:?}: {told}");
        Ok(!is_refused)
    }
}

/// Sends what nobody can use to the queues and the bucket that commands look through.
async fn send_something(stack: &Stack) -> Result<()> {
    let client = aws_sdk_sqs::Client::new(&stack.sdk());
    for queue in ["dead-letter", "rejected"] {
        client.send_message().queue_url(stack.queue_url(queue).await?).message_body("nothing").send().await?;
    }
    // What Lambda has not written is looked at, and stays.
    let bucket = stack.connection().outputs().await?.given_up_records.clone();
    let object = json!({"Bucket": bucket, "Key": "aws/lambda/nothing", "Body": "nothing"});
    stack.aws("s3", "put_object", object).await?;
    Ok(())
}

#[tokio::test]
async fn each_command_needs_what_the_document_says() -> Result<()> {
    let stack = Stack::deploy("storehook-operators", &[]).await?;
    let installed = stack.install().await?;
    let webhook = installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?.to_string();
    let Installed { shop, app, .. } = &installed;
    let which = ["--shop", shop.as_str(), "--app", app.as_str()];
    let on = |command: &[&'static str]| [command, &which[..]].concat();
    let event = json!({"shop": shop, "topic": "orders/create", "event_id": "p-1", "payload": {"id": 1}});
    stack.publish([event.to_string()]).await?;
    eventually("a delivery", || async { stack.history_of(&format!("{webhook}-p-1")).await }).await?;
    // A listed recovery, of which `status` reads more.
    let key = WebhookKey { id: webhook.parse()?, shop: shop.clone(), app: app.clone() };
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    HealthTable { client, name: stack.resource("registry") }.list(&key, storehook_aws::now()).await?;
    let commands = [
        ("status", vec!["status"]),
        ("explain", vec!["explain", "p-0"]),
        ("install", vec!["install", "--shop", "operated.example", "--app", "operated"]),
        ("list", vec!["list"]),
        ("token rotate", on(&["token", "rotate", "-y"])),
        ("rotate", on(&["rotate", "--overlap-hours", "0", "-y"])),
        ("panel-link", on(&["panel-link"])),
        (
            "publish",
            vec![
                "publish",
                "--shop",
                shop.as_str(),
                "--topic",
                "carts/create",
                "--payload",
                "events/payloads/cart.json",
            ],
        ),
        ("webhooks", on(&["webhooks"])),
        ("deliveries", vec!["deliveries", "--webhook", &webhook]),
        ("redrive", vec!["redrive", "-y"]),
        ("republish", vec!["republish", "-y"]),
        ("replay", on(&["replay", "--no-wait"])),
        ("token revoke", on(&["token", "revoke", "-y"])),
        ("uninstall", on(&["uninstall", "-y"])),
    ];
    let documented = documented()?;
    for (name, arguments) in commands {
        let actions = documented.get(name).with_context(|| format!("{name} is not documented"))?;
        let mut needed: Vec<_> = actions.iter().map(String::as_str).chain([LOOK_UP]).collect();
        needed.sort_unstable();
        needed.dedup();
        let operator = Operator::new(&stack, name).await?;
        // First without each, or there would be nothing left to uninstall.
        for action in &needed {
            let is_not_seen = AT_TIMES.contains(&(name, *action)) || NOT_ASKED_FOR.contains(action);
            if is_not_seen || ENOUGH.contains(&name) {
                continue;
            }
            let others: Vec<_> = needed.iter().copied().filter(|other| other != action).collect();
            operator.may(&others).await?;
            send_something(&stack).await?;
            assert!(!operator.can(&arguments).await?, "{name} works without {action}");
        }
        operator.may(&needed).await?;
        assert!(operator.can(&arguments).await?, "{name} needs more than {needed:?}");
    }
    Ok(())
}

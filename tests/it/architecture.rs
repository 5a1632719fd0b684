//! The arrows of the house: who may depend on whom.

use std::{collections::BTreeMap, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use storehook_tests::root;

#[test]
fn dependencies_point_inward() -> Result<()> {
    let packages = packages()?;
    let ours: Vec<_> = packages.keys().cloned().collect();
    for (package, allowed) in [
        ("storehook-domain", &[][..]),
        ("storehook-aws", &["storehook-domain"]),
        ("admin-api", &["storehook-domain", "storehook-aws"]),
        ("fan-out", &["storehook-domain", "storehook-aws"]),
        ("delivery", &["storehook-domain", "storehook-aws"]),
        ("storehook", &["storehook-domain", "storehook-aws"]),
    ] {
        let dependencies = packages.get(package).with_context(|| format!("no package {package}"))?;
        let inner: Vec<_> = dependencies.iter().filter(|name| ours.contains(name)).collect();
        assert!(inner.iter().all(|name| allowed.contains(&name.as_str())), "{package} depends on {inner:?}");
    }
    Ok(())
}

#[test]
fn the_domain_depends_on_nothing_that_does_io() -> Result<()> {
    let allowed = [
        "base64",
        "hex",
        "hmac",
        "http",
        "ipnet",
        "jiff",
        "proptest",
        "roxmltree",
        "serde",
        "serde_json",
        "sha2",
        "thiserror",
        "url",
    ];
    for name in &packages()?["storehook-domain"] {
        assert!(allowed.contains(&name.as_str()), "{name}");
    }
    Ok(())
}

#[test]
fn files_are_short_enough_to_read() -> Result<()> {
    let mut folders =
        vec![root().join("shared"), root().join("functions"), root().join("cli"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = std::fs::read_to_string(&path)?.lines().count();
                assert!(lines <= 310, "{} has {lines} lines", path.display());
            }
        }
    }
    Ok(())
}

/// Every package of the workspace, with the names of what it depends on.
fn packages() -> Result<BTreeMap<String, Vec<String>>> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root()).args(["metadata", "--format-version=1", "--no-deps", "--locked", "--offline"]);
    let output = cargo.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let names = |values: &Value| -> Vec<String> {
        values
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|value| value["name"].as_str().map(str::to_owned))
            .collect()
    };
    let packages = metadata["packages"].as_array().context("no packages")?;
    Ok(names(&metadata["packages"])
        .into_iter()
        .zip(packages.iter().map(|package| names(&package["dependencies"])))
        .collect())
}

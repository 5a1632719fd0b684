//! `cargo run -- local` and `cargo test --workspace` share one build of every dependency.
//!
//! Cargo builds a crate once for each set of features. Tests add dev-dependencies, whose features
//! must therefore be on without them, too: `tests/Cargo.toml` says how.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use anyhow::{Result, ensure};
use storehook_tests::root;

#[test]
fn one_build_serves_the_local_stack_and_the_tests() -> Result<()> {
    let (local, tests) = (features("normal,build")?, features("normal,build,dev")?);
    for (package, wanted) in &local {
        let missing: Vec<_> = tests[package].difference(wanted).collect();
        assert!(missing.is_empty(), "the tests build {package} again, with {missing:?}");
    }
    Ok(())
}

/// The features of each dependency, in a build of the whole workspace with these kinds of
/// dependencies.
fn features(edges: &str) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root()).args(["tree", "--workspace", "--locked", "--offline", "--no-dedupe"]);
    cargo.args(["--prefix=none", "--format={p}|{f}", "--edges", edges]);
    let output = cargo.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some((package, features)) = line.split_once('|') {
            let features = features.split(',').map(|feature| feature.trim().to_owned());
            found.entry(package.to_owned()).or_default().extend(features);
        }
    }
    Ok(found)
}
